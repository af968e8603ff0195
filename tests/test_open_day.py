"""A rehearsal to try: the clock moved forward past reminders, and back to a clean start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.app import Bot
from bot.clock import SimulatedClock
from bot.config import Config
from bot.open_day import OpenDay
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from handlers.manifest import manifest

DAY_BEFORE = datetime(2025, 11, 24, 12, 30, tzinfo=UTC)


@pytest.fixture
async def open_day(config: Config, database_url: str) -> AsyncIterator[OpenDay]:
    """A bot in its workspace, half an hour before the day-before reminder, at normal speed."""
    clock = SimulatedClock(DAY_BEFORE, speed=1)
    over = asyncio.Event()
    up: asyncio.Future[Bot] = asyncio.get_running_loop().create_future()

    async def started(bot: Bot) -> None:
        up.set_result(bot)

    async with LocalWorkspace(config, clock, manifest=manifest(config, "socket")) as workspace:
        day = OpenDay(config, Database(database_url, config.workshop.id), clock, workspace)
        running = asyncio.create_task(day.run(over.wait(), started))
        await asyncio.wait({running, up}, return_when=asyncio.FIRST_COMPLETED)
        yield day
        over.set()
        await running


async def jump(day: OpenDay, to: datetime) -> None:
    """As the page does it."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{day.workspace.url}/clock", json={"jump": to.isoformat()}) as response,
    ):
        assert (await response.json())["ok"]


def announced(day: OpenDay) -> list[tuple[datetime, str]]:
    """What stands in the participants' channel: when, and the first words."""
    person = day.workspace.person("participant-tokyo")
    messages = person.messages(day.config.channels.participants)
    return [(datetime.fromtimestamp(float(m["ts"]), UTC), m["text"].split("\n")[0]) for m in messages]


async def test_what_falls_in_between_happens_at_its_instant(open_day: OpenDay) -> None:
    start = open_day.config.workshop.start
    await jump(open_day, start)

    instants = [at for at, _ in announced(open_day) if at > DAY_BEFORE + timedelta(minutes=5)]
    assert [at.replace(microsecond=0) for at in instants[:2]] == [
        start - timedelta(days=1),
        start - timedelta(hours=1),
    ]
    assert instants == sorted(instants)
    assert all(at.second == 0 for at in instants)
    assert open_day.clock.speed == 1
    assert timedelta() <= open_day.clock.now() - start < timedelta(minutes=1)


async def test_going_back_begins_a_new_day(open_day: OpenDay) -> None:
    start, config = open_day.config.workshop.start, open_day.config
    person = open_day.workspace.person("participant-tokyo")
    await person.say("bot", "Will the session be recorded?")
    await person.sees("not")
    await jump(open_day, start)
    first_day = announced(open_day)
    assert first_day

    await jump(open_day, DAY_BEFORE)
    assert open_day.clock.now() - DAY_BEFORE < timedelta(minutes=1)
    assert announced(open_day) == []
    organisers = open_day.workspace.person("organiser-geneva").messages(config.channels.organisers)
    assert organisers == []

    person = open_day.workspace.person("participant-tokyo")
    await person.say("bot", "Is it free of charge?")
    assert "free of charge" in (await person.sees("free of charge"))["text"]
    await jump(open_day, start)
    assert [words for _, words in announced(open_day)] == [words for _, words in first_day]


async def test_a_scenario_is_played_on_the_page(open_day: OpenDay) -> None:
    url = f"{open_day.workspace.url}/scenarios"
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as response:
            names = {each["name"] for each in (await response.json())["scenarios"]}
        async with http.post(url, json={"play": "late"}) as response:
            played = await response.json()
        async with http.post(url, json={"play": "nosuch"}) as response:
            assert response.status == 400

    assert names >= {"crowd", "connection", "slow", "late", "day"}
    assert (played["deeds"], played["unexpected"]) == (9, [])
    assert open_day.clock.speed == 1
    assert open_day.clock.now() >= DAY_BEFORE
