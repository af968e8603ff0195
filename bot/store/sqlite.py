"""Connections to SQLite that can always be closed.

aiosqlite carries out what is asked of a connection in a thread, which ends at the word to stop. A second such
word waits for ever for the thread that is gone, and SQLAlchemy gives two when a task and the closing of its
connection are cancelled together: so it is at the end of an event loop, and the process would never exit.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import aiosqlite


class Connection(aiosqlite.Connection):
    """aiosqlite's own, whose thread is told to end once."""

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread when all it was asked for is done; None when it has been told before."""
        return super().stop() if self._running else None


def connect(database: str, **options: Any) -> Connection:
    """A connection still to be awaited; the arguments are those of `sqlite3.connect`."""
    connection = Connection(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy has it: an abandoned one does not keep the process
    return connection
