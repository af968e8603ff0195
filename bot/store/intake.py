"""Taking in what Slack delivers: each event, command, click and submission once, however often it comes.

Call `first_time` at the top of the transaction that does the deed: the mark and the deed commit together,
so a crash in between leaves neither, and Slack's redelivery does it then.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables import Intake


async def first_time(db: AsyncSession, key: str, *, now: datetime) -> bool:
    """Mark `key` as taken in; False when it was before.

    On PostgreSQL a second taker waits here until the first one's transaction has ended, and then takes it
    only if that one rolled back.
    """
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    statement = (
        dialect.insert(Intake)
        .values(workshop_id=db.info["workshop_id"], key=key, received_at=now)
        .on_conflict_do_nothing()
        .returning(Intake.key)
    )
    return (await db.scalars(statement)).one_or_none() is not None
