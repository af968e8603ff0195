"""A rehearsal to try: the clock moved forward past reminders, and back to a clean start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot import day
from bot.app import Bot
from bot.clock import SimulatedClock
from bot.config import Config
from bot.errors import ConfigError
from bot.open_day import OpenDay
from bot.rehearsal import transcript
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


@pytest.mark.long
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


@pytest.mark.long
async def test_a_saved_transcript_is_done_again(open_day: OpenDay, tmp_path: Path) -> None:
    workspace, start = open_day.workspace, open_day.config.workshop.start
    person, organiser = workspace.person("participant-tokyo"), workspace.person("organiser-geneva")
    asked = await person.say("bot", "Will the session be recorded?")
    await person.sees("published", after=asked["ts"])
    card = await organiser.sees("recorded", open_day.config.channels.organisers)
    await organiser.click("answers.answer", channel=open_day.config.channels.organisers, ts=card["ts"])
    await organiser.submit({"answer": "Yes; you find it here tomorrow."})
    await person.sees("tomorrow")
    await jump(open_day, start + timedelta(minutes=1))
    await person.command("/workshop now", open_day.config.channels.participants)

    async with aiohttp.ClientSession() as http, http.get(f"{workspace.url}/transcript") as response:
        (tmp_path / "saved.json").write_text(await response.text(), encoding="utf-8")
    saved = transcript.load(tmp_path / "saved.json")
    assert [deed["does"] for deed in saved["deeds"]] == ["say", "click", "submit", "command"]
    fresh = Database(f"sqlite:///{tmp_path}/again.sqlite3", open_day.config.workshop.id)
    again = await day.replay(open_day.config, fresh, saved)
    assert again["differences"] == []
    assert again["same"]

    saved["deeds"][1]["wish"]["ts"]["words"] = "a card that was never there"
    saved["deeds"][0]["wish"]["text"] = "Is it free of charge?"
    again = await day.replay(open_day.config, fresh, saved)
    assert [lost["does"] for lost in again["lost"]] == ["click", "submit"]
    assert any("free of charge" in line for line in again["differences"])
    assert not again["same"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"transcript": 2, "deeds": []}', '{"transcript": 1, "deeds": 3}']
)
def test_what_is_no_transcript_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)

    with pytest.raises(ConfigError, match=r"x\.json"):
        transcript.load(tmp_path / "x.json")
