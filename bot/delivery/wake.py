"""Waking the senders of other processes: PostgreSQL's LISTEN/NOTIFY.

`outbox.ring` notifies in the transaction that changes the outbox, so the word comes with its commit. A word
lost while the connection is down costs no more than the wait for the next sweep.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.delivery.outbox import CHANNEL
from bot.store.engine import Database

log = logging.getLogger(__name__)

RECONNECT = 1.0  # wall seconds


async def listen(database: Database, wake: Callable[[], None]) -> None:
    """Call `wake` whenever any process has changed the outbox, until cancelled. On SQLite does nothing."""
    if not database.shared:
        return
    import psycopg  # here, for it would be a twentieth of every start and is of no use on SQLite

    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                wake()  # for what was said before we listened
                async for _ in connection.notifies():
                    wake()
        except (psycopg.Error, OSError) as error:
            log.warning("not listening to the database: %s", str(error).strip().splitlines()[:1])
        await asyncio.sleep(RECONNECT)
