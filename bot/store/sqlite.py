"""Connections to SQLite that can always be closed, and that use their thread for what waits alone.

aiosqlite carries out what is asked of a connection in a thread, which ends at the word to stop. A second such
word waits for ever for the thread that is gone, and SQLAlchemy gives two when a task and the closing of its
connection are cancelled together: so it is at the end of an event loop, and the process would never exit.

A turn of that thread costs as much as most statements. What waits for another process or for the disk has
one: to begin a writing transaction and to commit it, and whatever stands outside of transactions. The others
find their pages in memory and are carried out at once, in the loop's thread.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import aiosqlite

_AT_ONCE = re.compile(r"\s*(SELECT|INSERT|UPDATE|WITH)\b|BEGIN$")


class Cursor(aiosqlite.Cursor):
    """aiosqlite's own; `execute` fetches all rows, `fetchall` gives them once."""

    _conn: Connection
    _rows: list[Any] | None = None

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, sql: str, parameters: Any = None) -> Cursor:
        if self._conn.idle and (match := _AT_ONCE.match(sql)) and (self._conn.in_transaction or not match[1]):
            self._rows = self._carry_out(sql, parameters or ())
        else:
            self._rows = await self._conn._execute(self._carry_out, sql, parameters or ())
        return self

    async def fetchall(self) -> Iterable[Any]:
        rows, self._rows = self._rows or [], None
        return rows

    async def close(self) -> None:
        if self._conn.idle:
            self._cursor.close()
        else:  # behind what is going on
            await super().close()

    def _carry_out(self, sql: str, parameters: Any) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall() if self._cursor.description else []


class Connection(aiosqlite.Connection):
    """aiosqlite's own, whose thread is told to end once, and does not outlive a cancelled opening."""

    _asked = _done = 0  # turns of the thread; the second is counted there, also when nobody waits any more
    _end: asyncio.Future[Any] | None = None

    @property
    def idle(self) -> bool:
        """Whether the thread has nothing to do."""
        return self._asked == self._done

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def turn() -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._done += 1

        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        self._asked += 1
        return await super()._execute(turn)  # type: ignore[no-untyped-call]

    async def rollback(self) -> None:
        if self.idle:
            self._conn.rollback()
        else:
            await super().rollback()

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
