"""When the database is away: nothing is acknowledged that was not stored, and a person is told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.store.tables import Exchange
from tests.handlers.conftest import PARTICIPANT, House

PARTICIPANTS = "#ict-footprint-workshop"


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """SQLite only: there another process can hold the whole database."""
    path = tmp_path / "workshop.sqlite3"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


@contextmanager
def away(house: House) -> Iterator[None]:
    """Somebody else holds the database, for longer than the bot waits."""
    holder = sqlite3.connect(house.bot.desk.database.url.database or "", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


async def test_a_command_says_that_it_did_not_work(house: House, caplog: pytest.LogCaptureFixture) -> None:
    person = house.person(PARTICIPANT)
    with away(house):
        seen = await person.command("/workshop question How do we measure it?", PARTICIPANTS)
    assert seen["acknowledged"]
    assert "did not work" in house.texts(person, PARTICIPANTS)[-1]
    (line,) = (record for record in caplog.records if record.name == "handlers.errors")
    assert line.getMessage().endswith(": database is locked; end whatever else holds it open")
    assert line.exc_info is None
    await person.command("/workshop question How do we measure it?", PARTICIPANTS)
    await house.settle()
    assert any("How do we measure it?" in text for text in house.texts(person, "bot"))


async def test_an_event_is_not_acknowledged_and_answered_when_slack_delivers_it_again(house: House) -> None:
    person = house.person(PARTICIPANT)
    with away(house):
        said = await person.say("bot", "is it free?")
        await house.workspace.wait_for(
            lambda: any(
                entry["kind"] == "retry" or entry.get("attempt") for entry in house.workspace.log.entries()
            ),
            seconds=10,
        )
    house.clock.jump(house.clock.now() + timedelta(minutes=6))
    await house.settle()
    replies = person.thread("bot", said["ts"])[1:]
    assert len(replies) == 1
    async with house.bot.desk.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Exchange)) == 1


async def test_an_unknown_action_and_a_malformed_payload_change_nothing(house: House) -> None:
    person = house.person(PARTICIPANT)
    action = {"type": "button", "action_id": "no.such", "block_id": "b", "action_ts": "1.1", "value": "x"}
    for payload in (
        {"type": "block_actions", "actions": [action], "trigger_id": "1.1", "container": {}},
        {"type": "block_actions", "actions": [], "trigger_id": "1.1"},
        {"type": "view_submission", "view": {"id": "V1", "hash": "1", "callback_id": "no.such", "state": {}}},
        {"type": "view_submission", "view": {"id": "V1", "hash": "1", "callback_id": "programme.release"}},
        {"type": "nonsense"},
        {},
    ):
        await person.forge(payload)
    assert "free of charge" in await house.ask(person, "is it free?")
