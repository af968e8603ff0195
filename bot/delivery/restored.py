"""After a backup was restored: what should have been posted by now may be in Slack already.

The backup knows nothing of what was posted after it was made. So nothing that is due is posted before it was
looked for, by the token in its metadata, as after a crash.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery import claims, outbox
from bot.store.tables import Delivery, DeliveryState

REASON = "restored from a backup: it may be in Slack already"


async def doubt(db: AsyncSession, *, now: datetime) -> tuple[int, int]:
    """Have every due message looked for before it is posted; returns how many, and how many were dropped.

    Dropped are replies to such a message: where they would be is not known before that one is found.
    """
    due = await db.scalars(
        select(Delivery)
        .where(
            Delivery.state == DeliveryState.PENDING,
            Delivery.method == "post",
            Delivery.not_before <= now,
        )
        .order_by(Delivery.id)
        .with_for_update()
    )
    looked_for = dropped = 0
    for row in due.all():
        if row.task is None:
            await outbox.close(db, row, DeliveryState.DROPPED, REASON)
            dropped += 1
            continue
        if row.state is not DeliveryState.PENDING:
            continue  # it was to answer one that was just dropped
        claims.open_attempt(row, row.not_before)
        row.shown, row.last_error = 0, REASON  # what stands there may differ from the backup: an edit follows
        looked_for += 1
    await outbox.ring(db)
    return looked_for, dropped
