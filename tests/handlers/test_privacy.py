"""Forgetting people: afterwards nothing stored leads to them, and nothing holds their words."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot import people, privacy
from bot.store.engine import Database
from bot.store.tables import (
    Base,
    Deed,
    Delivery,
    DeliveryState,
    Exchange,
    Inquiry,
    InquiryAsker,
    Intake,
    LearnedTopic,
    Person,
    Question,
    Vote,
)
from handlers import privacy as handler
from handlers import questions
from tests.handlers.conftest import MODERATOR, ORGANISER, OTHER, PARTICIPANT, House

ORGANISERS = "#ict-footprint-organisers"
PARTICIPANTS = "#ict-footprint-workshop"
WORDS = ("zebrafish", "quokka", "axolotl", "narwhal", "pangolin", "okapi")


async def everything(database: Database) -> list[str]:
    """Every row of every table, as one text each."""
    found = []
    async with database.read() as db:
        for table in Base.metadata.sorted_tables:
            rows = (await db.execute(select(table))).mappings().all()
            found += [
                f"{table.name} {json.dumps(dict(row), default=str, ensure_ascii=False)}" for row in rows
            ]
    return found


def bytes_of(folder: Path) -> bytes:
    """All of a SQLite database's files."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if "sqlite3" in path.name)


async def traces(database: Database, *needles: str) -> list[str]:
    return [row for row in await everything(database) if any(needle in row for needle in needles)]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What `workshop-bot run` would have written of everything so far, tracebacks and all."""
    kept = [
        record
        for record in caplog.records
        if record.levelno >= logging.WARNING or record.name.startswith(("bot", "handlers"))
    ]
    return [logging.Formatter("%(name)s %(message)s").format(record) for record in kept]


async def lives(house: House) -> list[str]:
    """A person does everything one can do; gives what must not be found afterwards."""
    person, moderator, organiser = (house.person(who) for who in (PARTICIPANT, MODERATOR, ORGANISER))
    await house.ask(person, "when does it start?")
    await house.ask(person, "What is the zebrafish policy?")
    await house.ask(person, "@workshop where is the quokka desk?", PARTICIPANTS)
    await person.command("/workshop ask does the axolotl sing?", PARTICIPANTS)
    await person.command("/workshop remind 10")
    await person.open_home()
    for number, (word, hidden) in enumerate((("narwhal", "named"), ("pangolin", "moderators")), start=1):
        await person.shortcut(questions.SHORTCUT)
        await person.submit({"text": f"Why is the {word} question number {number}?", "hidden": hidden})
        if person.views():  # shown again, with what may already answer it
            await person.submit({"text": f"Why is the {word} question number {number}?", "hidden": hidden})
        await house.settle()
    await house.person(OTHER).command("/workshop question How is scope 3 counted?")
    await house.settle()
    await moderator.command("/workshop approve 1 2 3")
    await moderator.command("/workshop edit 1 Why, then, is the narwhal question one?")
    await person.command("/workshop vote 3")
    await house.settle()
    card = next(m for m in organiser.messages(ORGANISERS) if "zebrafish" in m["text"])
    await organiser.click("answers.answer", channel=ORGANISERS, ts=card["ts"])
    await organiser.submit({"answer": "There is none."})
    await house.settle()
    async with house.bot.desk.database.read() as db:
        row = await people.find(db, PARTICIPANT)
    assert row is not None
    assert row.name
    assert row.dm
    return [PARTICIPANT, row.dm, row.name, *WORDS[:5]]


async def test_who_asks_to_be_forgotten_is_not_found_any_more(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    needles = await lives(house)
    for method in ("chat.postMessage", "chat.postEphemeral"):  # trouble is what logs are written about
        house.workspace.faults.arm({"method": method, "kind": "error", "error": "is_archived", "count": 2})
    await house.ask(house.person(PARTICIPANT), "What is the zebrafish policy by now?")
    house.workspace.faults.clear()
    await house.settle()
    assert any("failed" in line for line in logged(caplog))
    database, person = house.bot.desk.database, house.person(PARTICIPANT)
    assert await traces(database, *needles)
    async with database.read() as db:
        votes = await db.scalar(select(func.count()).select_from(Vote).where(Vote.stands))
        exchanges = await db.scalar(select(func.count()).select_from(Exchange))
    await person.command("/workshop forget me")
    assert await traces(database, PARTICIPANT)  # nothing before it is confirmed
    asked = person.messages("bot")[-1]
    await person.click(handler.FORGET, channel="bot", ts=asked["ts"])
    assert "Done" in person.messages("bot")[-1]["text"]
    await house.settle()
    assert await traces(database, *needles) == []
    assert [line for line in logged(caplog) if any(needle in line for needle in needles)] == []
    async with database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Vote).where(Vote.stands)) == votes
        assert await db.scalar(select(func.count()).select_from(Exchange)) == exchanges
        assert (await db.scalars(select(Question.number).order_by(Question.number))).all() == [1, 2, 3]
        pending = await db.scalars(
            select(Delivery.lane).where(
                Delivery.state == DeliveryState.PENDING, Delivery.lane.like("person:%")
            )
        )
        assert pending.all() == []
    if database.kind == "sqlite":
        stored = bytes_of(Path(house.bot.desk.database.url.database or "").parent)
        assert b"SQLite format" in stored
        assert [needle for needle in needles if needle.encode() in stored] == []


async def test_what_others_see_shows_that_the_words_are_gone(house: House) -> None:
    needles = await lives(house)
    async with house.bot.desk.database.begin() as db:
        person = await privacy.known(db, PARTICIPANT)
        assert person is not None
        await privacy.erase(db, person, now=house.clock.now())
    await house.settle()
    for who, where in (
        (OTHER, PARTICIPANTS),
        (ORGANISER, ORGANISERS),
        (MODERATOR, "#ict-footprint-moderators"),
    ):
        for message in house.person(who).messages(where):
            if message.get("bot_id"):
                shown = json.dumps(message, ensure_ascii=False)
                assert [needle for needle in WORDS[:5] if needle in shown] == [], shown
    assert needles


async def test_the_forgotten_are_met_as_somebody_new(house: House) -> None:
    await lives(house)
    for _ in range(2):
        async with house.bot.desk.database.begin() as db:
            person = await privacy.known(db, PARTICIPANT)
            assert person is not None
            await privacy.erase(db, person, now=house.clock.now())
        assert "25 November" in await house.ask(house.person(PARTICIPANT), "when does it start?")
    async with house.bot.desk.database.read() as db:
        nobody = select(func.count()).select_from(Person).where(Person.slack_id.is_(None))
        assert await db.scalar(nobody) == 2


async def test_an_inquiry_of_others_too_stays_theirs(house: House) -> None:
    for who in (PARTICIPANT, OTHER):
        await house.ask(house.person(who), "Is there a dial-in number?")
    async with house.bot.desk.database.begin() as db:
        person = await privacy.known(db, PARTICIPANT)
        assert person is not None
        done = await privacy.erase(db, person, now=house.clock.now())
    assert done.inquiries == 1
    async with house.bot.desk.database.read() as db:
        assert "dial-in" in (await db.scalars(select(Inquiry.text))).one()
        assert await db.scalar(select(func.count()).select_from(InquiryAsker)) == 1


async def test_a_deed_stays_in_the_audit_without_the_person(house: House) -> None:
    await house.person(ORGANISER).command("/workshop pause")
    async with house.bot.desk.database.begin() as db:
        person = await privacy.known(db, ORGANISER)
        assert person is not None
        await privacy.erase(db, person, now=house.clock.now())
    async with house.bot.desk.database.read() as db:
        deeds = {row.deed: row.actor_id for row in await db.scalars(select(Deed))}
    assert deeds["outgoing.pause"] is None
    assert deeds["person.erase"] is None


async def test_a_stranger_is_nobody(house: House) -> None:
    async with house.bot.desk.database.begin() as db:
        assert await privacy.known(db, "U0NOBODY") is None
    person = house.person(PARTICIPANT)
    await person.command("/workshop forget everybody")
    assert "forget me" in person.messages("bot")[-1]["text"]


# --- by the clock ----------------------------------------------------------------------------------------


async def after_the_end(house: House, **late: float) -> privacy.Retention:
    """Everything done, and the clock set so long after the workshop's end; what is due then is done."""
    house.clock.jump(house.config.workshop.end + timedelta(**late))
    retention = privacy.Retention(house.bot.desk.database, house.clock, house.config)
    await house.settle()
    return retention


async def test_nothing_is_removed_before_its_time(house: House) -> None:
    needles = await lives(house)
    retention = await after_the_end(house, days=6, hours=23)
    before = await traces(house.bot.desk.database, *needles)
    await retention.ring()
    assert await traces(house.bot.desk.database, *needles) == before
    assert await retention.next_due() == house.config.workshop.end + timedelta(days=7)


async def test_each_kind_goes_when_its_time_is_over(house: House) -> None:
    await lives(house)
    database = house.bot.desk.database

    async def counted() -> dict[str, Any]:
        async with database.read() as db:
            return {
                "intake": await db.scalar(select(func.count()).select_from(Intake)),
                "hidden": await db.scalar(select(Question.author_id).where(Question.number == 2)),
                "named": await db.scalar(select(Question.author_id).where(Question.number == 1)),
                "askers": await db.scalar(select(func.count()).select_from(InquiryAsker)),
                "exchanges": await db.scalar(select(func.count()).select_from(Exchange)),
                "people": await db.scalar(
                    select(func.count()).select_from(Person).where(Person.slack_id.is_not(None))
                ),
            }

    gone: dict[int, list[str]] = {}
    left = await counted()
    for days in (8, 15, 91, 366):
        retention = await after_the_end(house, days=days)
        await retention.ring()
        now = await counted()
        gone[days] = sorted(name for name in left if left[name] and not now[name])
        left = now
    assert gone == {8: ["intake"], 15: ["hidden"], 91: ["askers", "named", "people"], 366: ["exchanges"]}
    assert await retention.next_due() is None


async def test_a_hidden_asker_cannot_be_found_out_after_their_time(house: House) -> None:
    await lives(house)
    await (await after_the_end(house, days=15)).ring()
    async with house.bot.desk.database.read() as db:
        person = await people.find(db, PARTICIPANT)
        assert person is not None
    left = await traces(house.bot.desk.database, "question:2", '"number": 2')
    assert [row for row in left if f'"actor_id": {person.id},' in row or f"person:{person.id}" in row] == []
    assert [row for row in left if f'"author_id": {person.id},' in row] == []


async def test_when_all_periods_are_over_nothing_leads_to_anybody(house: House) -> None:
    needles = await lives(house)
    retention = await after_the_end(house, days=400)
    for _ in range(3):
        await retention.ring()
    ids = [needles[0], needles[1], needles[2], OTHER, MODERATOR, ORGANISER]
    assert await traces(house.bot.desk.database, *ids) == []
    async with house.bot.desk.database.read() as db:
        assert (await db.scalars(select(Question.text).where(Question.number == 3))).one()
        assert (await db.scalars(select(LearnedTopic.answer))).all() == ["There is none."]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_alarm_clock_carries_it_out(house: House) -> None:
    await house.ask(house.person(PARTICIPANT), "when does it start?")
    house.clock.jump(house.config.workshop.end + timedelta(days=400))
    await house.settle()

    async def known() -> int | None:
        async with house.bot.desk.database.read() as db:
            return await db.scalar(
                select(func.count()).select_from(Person).where(Person.slack_id.is_not(None))
            )

    assert await known() == 0
