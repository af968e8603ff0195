"""Transactions, migrations and stamps, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, delete, insert, inspect, select, table, text, update
from sqlalchemy.exc import StatementError

from bot.errors import StoreError
from bot.store import engine, migrate
from bot.store.engine import Database
from bot.store.tables import Base, Intake, Person, Question, Switch, Vote
from tests.conftest import NOW, WORKSHOP

QUESTION = {"number": 1, "segment_id": "discussion", "author_id": 1, "text": "How?", "received_at": NOW}
VOTE = {"workshop_id": WORKSHOP, "question_id": 1, "person_id": 1, "stands": True, "voted_at": NOW}
PERSON = {"met_at": NOW, "stars": [], "is_bot": False, "muted": False}


def _words(options: dict[str, Any]) -> list[str]:
    return sorted(f"{name} {value}" for name, value in options.items())


def tables(connection: Connection) -> dict[str, Any]:
    """Everything that the database says of each of its tables."""
    look = inspect(connection)
    return {
        name: {
            "columns": sorted(  # a later one stands last, or where it belongs
                (each["name"], str(each["type"]), each["nullable"], str(each["default"]))
                for each in look.get_columns(name)
            ),
            "primary key": look.get_pk_constraint(name),
            "foreign keys": sorted(look.get_foreign_keys(name), key=str),
            "unique": sorted(look.get_unique_constraints(name), key=str),
            "checks": sorted(look.get_check_constraints(name), key=str),
            "indexes": sorted(
                (each["name"], each["column_names"], each["unique"], _words(each["dialect_options"]))
                for each in look.get_indexes(name)
            ),
        }
        for name in look.get_table_names()
    }


async def upgraded(database: Database, revision: str = "head") -> dict[str, Any]:
    """Apply the migrations to a database with nothing in it; gives its tables."""
    async with database.begin() as db:
        connection = await db.connection()
        await connection.run_sync(migrate.upgrade, revision)
        return await connection.run_sync(tables)


async def test_migrations_make_exactly_the_tables_that_a_new_database_gets(database: Database) -> None:
    def differences(connection: Connection) -> list:
        return compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )

    async with database.begin() as db:
        made = await (await db.connection()).run_sync(tables)
    await database.empty("rehearsal")
    assert await upgraded(database) == made
    async with database.begin() as db:
        assert await (await db.connection()).run_sync(differences) == []


async def test_an_older_database_is_upgraded_and_keeps_its_rows(database: Database) -> None:
    await database.empty("rehearsal")
    oldest = engine._known()[0]
    await upgraded(database, oldest)
    async with database.begin() as db:
        await db.execute(insert(Person).values(id=1, workshop_id=WORKSHOP, slack_id="UEVE", **PERSON))
        await db.execute(insert(Question).values(id=1, workshop_id=WORKSHOP, **QUESTION))
        before = table("votes", *(column(name, Vote.__table__.c[name].type) for name in VOTE))
        await db.execute(insert(before).values(VOTE))
        assert await db.scalar(text("SELECT version_num FROM alembic_version")) == oldest
    assert await database.prepared() is False
    await database.prepare("rehearsal", now=NOW)
    assert await database.prepared() is True
    async with database.read() as db:
        assert (await db.scalars(select(Person.slack_id))).all() == ["UEVE"]
        votes = (await db.execute(select(Vote.question_id, Vote.stands, Vote.shown))).all()
        assert votes == [(1, True, False)]


async def test_tables_of_somebody_else_are_not_taken_for_ours(database: Database) -> None:
    await database.empty("rehearsal")
    async with database.begin() as db:
        await db.execute(text("CREATE TABLE people (name VARCHAR(20))"))
    with pytest.raises(StoreError, match="people"):
        await database.prepare("rehearsal", now=NOW)
    async with database.read() as db:
        assert list(await (await db.connection()).run_sync(tables)) == ["people"]
    async with database.begin() as db:
        await db.execute(text("DROP TABLE people"))
    await database.prepare("rehearsal", now=NOW)


async def test_instants_come_back_aware_and_in_utc(database: Database) -> None:
    tokyo = datetime(2025, 11, 20, 18, 0, tzinfo=timezone(timedelta(hours=9)))
    async with database.begin() as db:
        db.add(Intake(key="k", received_at=tokyo))
    async with database.read() as db:
        stored = (await db.scalars(select(Intake.received_at))).one()
    assert stored == tokyo
    assert stored.tzinfo is UTC


async def test_a_naive_instant_is_refused(database: Database) -> None:
    async def store() -> None:
        async with database.begin() as db:
            db.add(Intake(key="k", received_at=datetime(2025, 11, 20)))  # noqa: DTZ001

    with pytest.raises(StatementError, match="aware"):
        await store()


async def test_concurrent_read_modify_writes_lose_nothing(database: Database) -> None:
    async with database.begin() as db:
        db.add(Switch(name="n", value="0", changed_at=NOW))

    async def add_one(own: Database) -> None:
        async with own.begin() as db:
            row = (await db.scalars(select(Switch).with_for_update())).one()
            await asyncio.sleep(0)
            row.value = str(int(row.value) + 1)

    # A second engine stands for a second process: the in-process queue does not help between the two.
    other = Database(database.url.render_as_string(hide_password=False), WORKSHOP)
    await asyncio.gather(*(add_one(own) for own in [database, other] * 10))
    await other.close()
    async with database.read() as db:
        assert (await db.scalars(select(Switch.value))).one() == "20"


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as db:
            db.add(Intake(key="k", received_at=NOW))
            await db.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.read() as db:
        assert (await db.scalars(select(Intake))).all() == []


async def test_preparing_twice_and_by_two_at_once_is_harmless(database_url: str) -> None:
    first, second = Database(database_url, WORKSHOP), Database(database_url, WORKSHOP)
    await asyncio.gather(*(own.prepare("rehearsal", now=NOW) for own in (first, second)))
    await first.prepare("rehearsal", now=NOW)
    await first.close()
    await second.close()


async def test_a_newer_database_is_refused(database: Database) -> None:
    async with database.begin() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer than this program"):
        await database.prepare("rehearsal", now=NOW)


async def test_a_rehearsal_database_is_refused_by_a_live_run(database: Database) -> None:
    with pytest.raises(StoreError, match="made by a rehearsal run"):
        await database.prepare("live", now=NOW)


async def test_an_unreachable_database_is_named(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/workshop.sqlite3", WORKSHOP)
    with pytest.raises(StoreError, match=r"the database cannot be used: there is no folder .*; make it"):
        await database.prepare("live", now=NOW)
    await database.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{folder}/other.sqlite3", "file is not a database; put a backup in its place"),
        ("postgresql://nobody@127.0.0.1:1/none", "; see that PostgreSQL runs, and compare WORKSHOP_DATABASE"),
    ],
)
async def test_a_database_that_cannot_be_used_names_the_remedy(tmp_path: Path, url: str, said: str) -> None:
    (tmp_path / "other.sqlite3").write_text("a letter, not a database. " * 100)
    database = Database(url.format(folder=tmp_path), WORKSHOP)
    with pytest.raises(StoreError, match=said):
        await database.prepare("live", now=NOW)
    await database.close()


async def test_a_database_with_no_room_left_names_the_remedy(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/small.sqlite3", WORKSHOP)
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 3")
    with pytest.raises(StoreError, match="database or disk is full; make room on its disk"):
        await database.prepare("live", now=NOW)
    await database.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "not a url"])
def test_an_unsupported_url_is_refused(url: str) -> None:
    with pytest.raises(StoreError):
        Database(url, WORKSHOP)


async def test_two_workshops_in_one_database_do_not_see_each_other(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False), "another-workshop")
    for own in (database, other):
        async with own.begin() as db:
            db.add(Switch(name="n", value=own.workshop_id, changed_at=NOW))
    async with other.begin() as db:
        assert (await db.scalars(select(Switch.value))).all() == ["another-workshop"]
        await db.execute(update(Switch).values(value="changed"))
        person = Person(slack_id="U1", met_at=NOW)
        db.add(person)
    async with database.begin() as db:
        assert (await db.scalars(select(Switch.value))).all() == [WORKSHOP]
        assert await db.get(Person, person.id) is None
        await db.execute(delete(Person))
    async with other.read() as db:
        assert await db.get(Person, person.id) is not None
    await other.close()


async def test_a_rehearsal_database_is_emptied_and_a_live_one_is_not(database: Database) -> None:
    async with database.begin() as db:
        db.add(Switch(name="n", value="v", changed_at=NOW))
    with pytest.raises(StoreError, match="not emptied"):
        await database.empty("live")
    await database.empty("rehearsal")
    await database.empty("rehearsal")
    await database.prepare("live", now=NOW)
    async with database.read() as db:
        assert (await db.scalars(select(Switch))).all() == []


def test_the_revisions_known_by_their_files_are_those_alembic_reads():
    script = ScriptDirectory.from_config(migrate.settings())
    assert engine._known() == [known.revision for known in script.walk_revisions()][::-1]


async def test_a_connection_given_up_while_it_is_closing_does_get_closed(tmp_path: Path) -> None:
    """As at the end of a loop, where whoever closes it and whoever waits for that are cancelled together."""
    database = Database(f"sqlite:///{tmp_path}/workshop.sqlite3", WORKSHOP)
    async with database.engine.connect() as held:
        connection = (await held.get_raw_connection()).driver_connection
        assert connection is not None
        closing = asyncio.create_task(connection.close())
        await asyncio.sleep(0)
        closing.cancel()
        ended = connection.stop()
        done, _ = await asyncio.wait({closing}, timeout=20)
        await ended
    await database.close()
    assert done


@pytest.mark.parametrize("transaction", [True, False], ids=["at once", "in the thread"])
async def test_a_statement_that_nobody_waits_for_any_more_does_not_stand_in_the_way(
    tmp_path: Path, transaction: bool
) -> None:
    database = Database(f"sqlite:///{tmp_path}/workshop.sqlite3", WORKSHOP)
    await database.prepare("rehearsal", now=NOW)
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
    async with database.begin() as db:
        db.add(Intake(key="k", received_at=NOW))

    options = {"reading": True} if transaction else {"transaction": False}

    async def look() -> None:
        async with database.engine.execution_options(**options).connect() as db:
            await db.execute(text(f"{count} SELECT max(i) FROM n"))  # noqa: S608

    looking = [asyncio.create_task(look()) for _ in range(5)]
    await asyncio.sleep(0.01)
    for each in looking:
        each.cancel()
    await asyncio.wait(looking)
    async with database.begin() as db:
        db.add(Intake(key="l", received_at=NOW))
    async with database.read() as db:
        assert (await db.scalars(select(Intake.key).order_by(Intake.key))).all() == ["k", "l"]
    await database.close()
