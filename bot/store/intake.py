"""Taking in what Slack delivers: each event, command, click and submission once, however often it comes.

Call `first_time` at the top of the transaction that does the deed: the mark and the deed commit together,
so a crash in between leaves neither, and Slack's redelivery does it then.
"""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables import Intake


async def first_time(db: AsyncSession, key: str, *, now: datetime) -> bool:
    """Mark `key` as taken in; False when it was before.

    On PostgreSQL a second taker waits here until the first one's transaction has ended, and then takes it
    only if that one rolled back.
    """
    row = {"workshop_id": db.info["workshop_id"], "key": key, "received_at": now}
    return (await db.execute(_mark(db.get_bind().dialect.name), row)).first() is not None


@functools.cache
def _mark(dialect: str) -> Any:
    """Made once: to put it together takes as long as to run it."""
    table = Intake.__table__
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(cast(Table, table)).on_conflict_do_nothing().returning(table.c.key)
