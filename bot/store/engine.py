"""The database: engine, transactions, migrations at start, and who may use which database.

On SQLite a writing transaction begins IMMEDIATE: a deferred one that reads before it writes would fail or
lose an update when another writer came in between (sqlite.org/lang_transaction).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from bot.errors import StoreError, TooLate
from bot.store import sqlite
from bot.store.tables import Base, OfWorkshop, Stamp

Mode = Literal["live", "rehearsal"]

# Wall seconds to wait for the database: less than Slack waits for us (3), so that a person hears why.
PATIENCE = 1.2
# Until when (`time.monotonic`) somebody waits for what this task does; None: nobody does.
WANTED_BY: ContextVar[float | None] = ContextVar("wanted_by", default=None)
# Any number will do, as long as every replica uses the same: it serialises migrations on PostgreSQL.
_MIGRATION_LOCK = 0x776F726B
_REVISIONS = Table(  # as Alembic makes it
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
VERSIONS = Path(__file__).parent / "migrations" / "versions"


class _WorkshopSession(Session):
    """A session of one workshop (docs.sqlalchemy.org, "Adding global WHERE / ON criteria")."""


def _rows_of(workshop_id: str) -> Any:
    return with_loader_criteria(OfWorkshop, lambda row: row.workshop_id == workshop_id, include_aliases=True)


@event.listens_for(_WorkshopSession, "do_orm_execute")
def _only_own_rows(state: ORMExecuteState) -> None:
    state.statement = state.statement.options(state.session.info["own_rows"])


@event.listens_for(_WorkshopSession, "transient_to_pending")
def _own_new_row(session: Session, row: object) -> None:
    if isinstance(row, OfWorkshop):
        row.workshop_id = session.info["workshop_id"]


class Database:
    """One workshop's view of a database; `begin` gives a writing transaction, `read` a reading one.

    Rows of other workshops are neither seen nor touched: every ORM statement is narrowed to
    `workshop_id`, and new rows get it. (Core statements must name it themselves.) `url` is a SQLAlchemy
    URL of SQLite or PostgreSQL; the driver is chosen here. Raises StoreError for any other.
    """

    def __init__(self, url: str, workshop_id: str) -> None:
        self.workshop_id = workshop_id
        self.outbox_listeners: list[Callable[[], None]] = []
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise StoreError(
                "WORKSHOP_DATABASE_URL is no database URL; write sqlite:///workshop.sqlite3 or postgresql://…"
            ) from None
        self.kind = parsed.get_backend_name()
        if self.kind == "sqlite":
            parsed = parsed.set(drivername="sqlite+aiosqlite")
            connect = {"timeout": PATIENCE, "async_creator_fn": sqlite.connect}
            options: dict[str, Any] = {"connect_args": connect}
        elif self.kind in ("postgresql", "postgres"):
            self.kind = "postgresql"
            parsed = parsed.set(drivername="postgresql+psycopg")
            options = {
                "pool_pre_ping": True,
                "pool_size": 16,  # and the overflow: more than there are requests at work at once
                "max_overflow": 8,
                "pool_timeout": PATIENCE,
                "connect_args": {"connect_timeout": math.ceil(PATIENCE)},
            }
        else:
            raise StoreError(f"{self.kind} is not supported; use SQLite or PostgreSQL")
        self.url = parsed
        self.engine = create_async_engine(parsed, hide_parameters=True, **options)
        # In one process writers queue here rather than in SQLite's busy handler, which polls and starves.
        self._writer = asyncio.Lock() if self.kind == "sqlite" else None
        if self.kind == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        options = {
            "expire_on_commit": False,
            "sync_session_class": _WorkshopSession,
            "info": {"workshop_id": workshop_id, "own_rows": _rows_of(workshop_id)},
        }
        self.write_failed = False  # a transaction found it away or full, and no probe since went well
        self._write = async_sessionmaker(self.engine, **options)
        self._read = async_sessionmaker(self.engine.execution_options(reading=True), **options)

    @property
    def shared(self) -> bool:
        """Whether replicas may use it together."""
        return self.kind == "postgresql"

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A writing transaction: committed when the block ends, rolled back when it raises.

        After the commit of one that touched the outbox, everyone in `outbox_listeners` is called. Raises
        TooLate instead of committing after `WANTED_BY`.
        """
        try:
            async with self._writer or contextlib.nullcontext(), self._write.begin() as db:
                yield db
                wanted_by = WANTED_BY.get()
                if wanted_by is not None and time.monotonic() > wanted_by:
                    raise TooLate("whoever wanted it has been told that it failed")
        except OperationalError:
            self.write_failed = True
            raise
        if db.info.pop("outbox", False):
            for listener in list(self.outbox_listeners):
                listener()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A reading transaction: one consistent picture, nothing is written."""
        async with self._read() as db:
            yield db

    async def prepare(self, mode: Mode, *, now: datetime) -> None:
        """Bring the tables up to date and stamp a new database with `mode`.

        Raises StoreError when the database is newer than this program, belongs to the other mode, or
        cannot be reached.
        """
        folder = Path(self.url.database or "").parent
        if self.kind == "sqlite" and not folder.is_dir():
            raise StoreError(
                f"the database cannot be used: there is no folder {folder}; make it, or mend "
                "WORKSHOP_DATABASE_URL"
            )
        try:
            async with self.begin() as db:
                connection = await db.connection()
                if self.kind == "postgresql":
                    await connection.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                    )
                await connection.run_sync(_bring_up_to_date)
                stamp = await db.get(Stamp, 1)
                if stamp is None:
                    db.add(Stamp(id=1, mode=mode, made_at=now))
                elif stamp.mode != mode:
                    raise StoreError(
                        f"this database was made by a {stamp.mode} run and is refused by a {mode} one; "
                        "name another with WORKSHOP_DATABASE_URL (run) or --database (rehearse)"
                    )
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"the database cannot be used: {with_remedy(error)}") from error

    async def empty(self, mode: Mode) -> None:
        """Remove everything from a database of that mode, or leave an empty one empty.

        Raises StoreError for a database of the other mode: a live one is never emptied.
        """
        async with self.begin() as db:
            connection = await db.connection()
            if await connection.run_sync(_revision) is None:
                return
            stamp = await db.get(Stamp, 1)
            if stamp is not None and stamp.mode != mode:
                raise StoreError(
                    f"this database was made by a {stamp.mode} run and is not emptied by a {mode} one"
                )
            await connection.run_sync(Base.metadata.drop_all)
            await connection.execute(text("DROP TABLE alembic_version"))

    async def prepared(self) -> bool:
        """Whether the tables are there and up to date; changes nothing.

        Raises StoreError when the database is newer than this program or cannot be reached.
        """
        try:
            async with self.read() as db:
                return await (await db.connection()).run_sync(_revision) == _known()[-1]
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"the database cannot be used: {with_remedy(error)}") from error

    async def mode(self) -> str | None:
        """Whether a live or a rehearsal run made it; None for an empty one."""
        async with self.read() as db:
            stamp = await db.get(Stamp, 1)
            return None if stamp is None else stamp.mode

    async def probe(self) -> None:
        """Write a row as it stands. Raises StoreError when that fails: full, read-only, locked."""
        try:
            async with self.begin() as db:
                for _ in range(2):  # SQLite writes no page that stays as it is
                    await db.execute(text("UPDATE stamp SET id = -id"))
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(f"it cannot be written: {with_remedy(error)}") from error
        self.write_failed = False  # here alone: a transaction that wrote nothing proves nothing

    async def overwrite_removed(self) -> None:
        """Have what was erased leave SQLite's log too, as far as those who read at this moment allow.

        What stays there goes at the next checkpoint. PostgreSQL's own vacuum comes by itself.
        """
        if self.kind != "sqlite":
            return
        plain = self.engine.execution_options(transaction=False)
        async with self._writer or contextlib.nullcontext(), plain.connect() as connection:
            await connection.exec_driver_sql("PRAGMA busy_timeout=500")
            try:
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                await connection.exec_driver_sql(_WAIT_FOR_WRITERS)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


_WAIT_FOR_WRITERS = f"PRAGMA busy_timeout={int(PATIENCE * 1000)}"


def _first_line(error: Exception) -> str:
    reason = getattr(error, "orig", None) or error
    return str(reason).strip().splitlines()[0] if str(reason).strip() else type(error).__name__


# What SQLite says, and what helps. Whatever is not here comes from PostgreSQL, its network or its rights.
_REMEDIES = {
    "readonly": "let the user who runs the bot write the file and its folder",
    "unable to open": "let the user who runs the bot write the file and its folder",
    "full": "make room on its disk",
    "disk I/O": "make room on its disk, or look whether the disk is well",
    "locked": "end whatever else holds it open",
    "not a database": "put a backup in its place, or name another file with WORKSHOP_DATABASE_URL",
    "malformed": "put a backup in its place",
}


def with_remedy(error: Exception) -> str:
    """What the database or its network says, in one line, and what helps."""
    said = _first_line(error)
    fitting = (remedy for words, remedy in _REMEDIES.items() if words in said)
    return f"{said}; {next(fitting, 'see that PostgreSQL runs, and compare WORKSHOP_DATABASE_URL')}"


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say (`_begin_sqlite`)
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(_WAIT_FOR_WRITERS)
    cursor.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten, not only let go
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("transaction", True):
        return
    reading = options.get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@functools.cache
def _known() -> list[str]:
    """The revisions known here, oldest first: they are numbered, and their files bear the numbers."""
    return sorted(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*_*.py"))


def _revision(connection: Connection) -> str | None:
    """The revision the database is at, None for an empty one; raises StoreError for one not known here."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if current is not None and current not in _known():
        raise StoreError(
            f"the database is newer than this program (its revision {current} is not known here); "
            "install the newer version, or restore the backup made before the upgrade"
        )
    return current


def _bring_up_to_date(connection: Connection) -> None:
    """Make the tables of an empty database as they are now, or apply the migrations that are missing.

    To make them needs no Alembic (alembic.sqlalchemy.org, "Building an Up to Date Database from Scratch").
    """
    found, newest = _revision(connection), _known()[-1]
    if found is None:
        Base.metadata.create_all(connection, checkfirst=False)
        _REVISIONS.create(connection, checkfirst=False)
        connection.execute(_REVISIONS.insert(), {"version_num": newest})
    elif found != newest:
        from bot.store import migrate  # with Alembic: six megabytes that stay

        migrate.upgrade(connection)
