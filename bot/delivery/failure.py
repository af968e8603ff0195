"""Telling organisers what could not be sent: what, where, why, and a button to try again.

Messages that fail for the same reason in the same place within the hour share one notice, so that a broadcast
to a hundred people who cannot be reached does not become a hundred notices. A notice that fails itself makes
no further one: it is in the log and in the sender's counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery import outbox
from bot.store.tables import Delivery, DeliveryState

LANE = "channel:organisers"
MOST_LISTED = 500  # messages one notice can try again


async def tell_organisers(db: AsyncSession, delivery: Delivery, now: datetime) -> None:
    """Put a notice about a failed delivery into the outbox, or add it to the one that stands there."""
    if delivery.kind == outbox.FAILURE_NOTICE:
        return
    key = _key(delivery, now)
    notice = await outbox.find(db, key)
    if notice is None:
        notice = await outbox.add(
            db,
            key=key,
            kind=outbox.FAILURE_NOTICE,
            lane=LANE,
            content={"deliveries": [], "more": 0},
            priority=outbox.URGENT,
            now=now,
        )
    listed, more = list(notice.content["deliveries"]), int(notice.content["more"])
    if delivery.id not in listed:
        if len(listed) < MOST_LISTED:
            listed.append(delivery.id)
        else:
            more += 1
    content = {
        "notice": notice.id,
        "what": delivery.kind.partition("/")[0],
        "where": delivery.lane if delivery.lane.startswith("channel:") else delivery.lane[:6],
        "why": delivery.last_error,
        # It may be in Slack all the same: its outcome was never learnt.
        "unsure": delivery.state is DeliveryState.FAILED and delivery.attempt_at is not None,
        "edit": delivery.state is DeliveryState.SENT,
        "deliveries": listed,
        "more": more,
    }
    await outbox.refresh(db, key, content=content, now=now)


async def compose(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """The notice as it stands: how many of the messages it lists still fail, wait, or are sent by now."""
    statement = select(Delivery.state).where(Delivery.id.in_(content["deliveries"]))
    states = Counter((await db.scalars(statement)).all())
    waiting = states[DeliveryState.PENDING] + states[DeliveryState.SENDING]
    return {
        **content,
        "count": len(content["deliveries"]) + content["more"],
        "failed": states[DeliveryState.FAILED],
        "waiting": waiting,
    }


COMPOSERS = {outbox.FAILURE_NOTICE: compose}


def _key(delivery: Delivery, now: datetime) -> str:
    where = "people" if delivery.lane.startswith("person:") else delivery.lane
    return f"failure:{delivery.last_error}:{delivery.kind}:{where}:{now:%Y%m%d%H}"[:255]
