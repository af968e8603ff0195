"""When there is something to do next, and what is no longer worth doing."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery import lanes, outbox
from bot.delivery.pace import Rate
from bot.store.tables import Budget, Delivery, DeliveryState, Lane

TOO_LATE = "too late"

_SOON = timedelta(seconds=1)


async def drop_late(db: AsyncSession, now: datetime) -> int:
    """Drop what is no longer worth sending; returns how many."""
    late = (
        update(Delivery)
        .where(Delivery.state == DeliveryState.PENDING, Delivery.expires_at <= now)
        .values(state=DeliveryState.DROPPED, task=None, due_at=None, last_error=TOO_LATE)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    dropped = (await db.scalars(late)).all()
    for start in range(0, len(dropped), 1000):
        await outbox.close_replies(db, *dropped[start : start + 1000])
    return len(dropped)


async def next_due(db: AsyncSession, rates: Mapping[str, Rate], *, now: datetime) -> datetime | None:
    """The instant of the next piece of work, no earlier than `now`; None when nothing is to be done.

    What another process is doing at this moment counts as due now.
    """
    open_at = await opens(db, rates, now)
    few, expiry = _wanted()
    others = {"tasks": [task for task in open_at if task != "post"]}
    instants = [max(at, open_at[task]) for task, at in await db.execute(few, others)]
    if "post" in open_at:
        instants += [max(at, open_at["post"]) for at in await _next_posts(db, now)]
    expires_at = (await db.scalars(expiry)).one()
    if expires_at is not None:
        instants.append(max(expires_at, now))
    return min(instants, default=None)


@functools.cache
def _wanted() -> tuple[Any, Any]:
    """The first instant of each task other than posting; when the first message expires. Made once."""
    at = _later(Delivery.due_at, func.coalesce(Lane.next_free, Delivery.due_at))
    few = lanes.with_lane(select(Delivery.task, func.min(at))).where(
        Delivery.task.in_(bindparam("tasks", expanding=True))
    )
    expiry = select(func.min(Delivery.expires_at)).where(Delivery.state == DeliveryState.PENDING)
    return few.group_by(Delivery.task), expiry


def paced(opens_at: datetime, now: datetime) -> bool:
    """Whether nothing but the pace of posts is waited for, and not for long: as all the time in a fan-out."""
    return now < opens_at <= now + _SOON


async def _next_posts(db: AsyncSession, now: datetime) -> list[datetime]:
    """Instants of which the first is that of the next post; there may be many posts, and none is counted."""
    at_once, *later = _posts_wanted()
    if (await db.execute(at_once, {"now": now})).first():
        return [now]
    found = [(await db.scalars(each, {"now": now})).one() for each in later]
    return [instant for instant in found if instant is not None]


@functools.cache
def _posts_wanted() -> tuple[Any, Any, Any]:
    """What may be posted at once; when the first lane opens; when the first post is planned for.

    Made once: to put them together takes longer than to run them.
    """
    now = bindparam("now", type_=Delivery.due_at.type)
    due = lanes.postable(now)
    free = or_(Lane.next_free.is_(None), Lane.next_free <= now)
    at_once = lanes.with_lane(select(Delivery.id), Delivery.lane).where(due, free).limit(1)
    lane_opens = lanes.with_lane(select(func.min(Lane.next_free)), Delivery.lane)
    planned = select(func.min(Delivery.due_at)).where(Delivery.task == "post", Delivery.due_at > now)
    return at_once, lane_opens.where(due, Lane.next_free > now), planned


async def opens(db: AsyncSession, rates: Mapping[str, Rate], now: datetime) -> dict[str, datetime]:
    """From when on each task's method may be called."""
    budgets = {row[0]: row[1] for row in await db.execute(select(Budget.name, Budget.next_free))}
    return {
        task: rates[task].allowed_at(budgets.get(rates[task].method), now)
        for task in await _allowed(db, rates)
    }


async def _allowed(db: AsyncSession, rates: Iterable[str]) -> list[str]:
    """While everything is held back, only open outcomes are settled."""
    return ["look"] if await outbox.held(db) else list(rates)


def _later(one: Any, other: Any) -> ColumnElement[datetime]:
    return case((one >= other, one), else_=other)
