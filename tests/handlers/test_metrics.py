"""What Prometheus reads: counted, current, and without a word of anybody's."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.handlers.conftest import PARTICIPANT, House
from tests.handlers.requests import ask


async def scraped(house: House) -> dict[tuple[str, ...], float]:
    """Every sample by its name and label values."""
    answer = await ask(house.bot.web, method="GET", path="/metrics")
    assert answer.status == 200
    assert PARTICIPANT not in answer.body.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


async def test_requests_answers_and_messages_are_counted(house: House) -> None:
    before = await scraped(house)
    person = house.person(PARTICIPANT)
    await house.ask(person, "is it free?")
    await house.ask(person, "Will it be recorded?")
    await person.command("/workshop help")
    after = await scraped(house)
    name = "workshop_acknowledgement_seconds_count"
    assert after[name, "event"] >= before.get((name, "event"), 0) + 2
    assert after["workshop_requests_total", "command", "200"] == 1
    assert after["workshop_inquiries_total", "answered"] == 1
    assert after["workshop_inquiries_total", "unknown"] == 1
    sent = ("workshop_deliveries", "sent")
    assert after[sent] >= before[sent] + 3  # two answers and a card for the organisers
    assert after["workshop_sender_outcomes_total", "sent"] >= 3
    assert after["workshop_outbox_age_seconds",] == 0
    assert after["workshop_alarm_failures_total",] == 0
    assert {key[1]: value for key, value in after.items() if key[0] == "workshop_ready"} == {
        "alarm": 1, "database": 1, "outbox": 1, "sender": 1, "socket": 1,
    }  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_the_database_the_process_still_tells_of_itself(house: House) -> None:
    async with house.bot.desk.database.begin() as db:
        await (await db.connection()).exec_driver_sql("ALTER TABLE deliveries RENAME TO elsewhere")
    found = await scraped(house)
    assert ("workshop_outbox_age_seconds",) not in found
    assert found["workshop_ready", "outbox"] == 0
    async with house.bot.desk.database.begin() as db:
        await (await db.connection()).exec_driver_sql("ALTER TABLE elsewhere RENAME TO deliveries")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_scrapes_at_the_same_time_do_not_mix(house: House) -> None:
    both = await asyncio.gather(scraped(house), scraped(house))
    assert set(both[0]) == set(both[1])
