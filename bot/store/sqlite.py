"""Connections to SQLite that can always be closed, and that take one turn of their thread for a statement.

aiosqlite carries out what is asked of a connection in a thread, which ends at the word to stop. A second such
word waits for ever for the thread that is gone, and SQLAlchemy gives two when a task and the closing of its
connection are cancelled together: so it is at the end of an event loop, and the process would never exit.

Making a cursor, fetching and closing are turns of that thread too, five for each statement. What does not
wait for the disk is done at once here, and the rows are fetched with the statement.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from typing import Any

import aiosqlite


class Cursor(aiosqlite.Cursor):
    """aiosqlite's own; `execute` fetches all rows, `fetchall` gives them once."""

    _rows: list[Any] | None = None
    _at_work = False  # also when nobody waits for it any more

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, sql: str, parameters: Any = None) -> Cursor:
        self._at_work = True
        try:
            self._rows = await self._conn._execute(self._carry_out, sql, parameters or ())  # type: ignore[no-untyped-call]
        except Exception:
            self._at_work = False
            raise
        self._at_work = False
        return self

    async def fetchall(self) -> Iterable[Any]:
        rows, self._rows = self._rows or [], None
        return rows

    async def close(self) -> None:
        if self._at_work:  # behind what is going on
            await super().close()
        else:
            self._cursor.close()

    def _carry_out(self, sql: str, parameters: Any) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall() if self._cursor.description else []


class Connection(aiosqlite.Connection):
    """aiosqlite's own, whose thread is told to end once, and does not outlive a cancelled opening."""

    _end: asyncio.Future[Any] | None = None

    def cursor(self) -> Cursor:  # type: ignore[override]  # a cursor is its own context manager
        return Cursor(self, self._conn.cursor())

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread when all it was asked for is done; None when it has been told before."""
        if not self._running:
            return None
        self._end = super().stop()
        return self._end

    async def _connect(self) -> Connection:
        try:
            await super()._connect()
        except BaseException:
            if self._end is not None:
                await self._end  # the loop may be closed next, and the thread would answer to it
            raise
        return self


def connect(database: str, **options: Any) -> Connection:
    """A connection still to be awaited; the arguments are those of `sqlite3.connect`."""
    connection = Connection(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy has it: an abandoned one does not keep the process
    return connection
