"""Who does what next: one piece of work is taken in one short transaction, so that replicas share the rows.

Each conversation is a lane: a row with a lease, held by whoever posts there. Within a lane only the first
row by (priority, not-before, id) is posted, and none overtakes one whose outcome is still open; lanes do
not wait for each other. Locks are taken in the order method, lane, delivery, everywhere.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery import lanes
from bot.delivery.pace import LANE_PAUSE, Rate
from bot.delivery.retry import FIRST_LOOK, LIMITED
from bot.store.tables import Budget, Delivery, DeliveryState, Lane

# Wall time. A call begins soon after it was taken, or not at all.
BEGIN_WITHIN = timedelta(seconds=5)
# Longer than that, two calls (sender.CALL_TIMEOUT) and the transactions around them take.
LEASE = timedelta(seconds=45)
# Of a post or a look. When it ends, its holder may be slow or dead: the row's open attempt keeps everybody
# from posting there, and to look again does no harm, so what a dead process posted is found this soon.
SPEAKING_LEASE = timedelta(seconds=10)

CLOCKS_APART = timedelta(minutes=10)  # of two replicas, at the most

_CANDIDATES = 8


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work, and the lane that is leased for it."""

    task: str
    row: Delivery  # as it was taken
    attempt: int  # number of the post's attempt that is open, or was last
    lane: str
    holder: str  # of its lease: this process, and which of its works
    begin_by: datetime  # wall time
    search: tuple[int, str | None]  # of a look: how many were made before it, and its cursor
    again_at: datetime  # from when the method may be called again


async def take(
    db: AsyncSession,
    rates: Mapping[str, Rate],
    open_at: Mapping[str, datetime],
    *,
    holder: str,
    now: datetime,
    wall: datetime,
) -> Work | None:
    """Take the next piece of work; None when there is none to do at this moment (see `due.soon`).

    `open_at` is what `due.opens` found in this transaction.
    """
    tasks = [task for task, at in open_at.items() if at <= now]
    for find in (_upkeep, _posts):
        for found in await find(db, tasks, now, wall):
            work = await _try(db, rates[found.task], found, holder=holder, now=now, wall=wall)
            if work is not None:
                return work
    return None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A lane's first row for a task; `known` when the lane itself has a row."""

    id: int
    name: str
    task: str
    known: bool


async def _try(
    db: AsyncSession, rate: Rate, found: _Candidate, *, holder: str, now: datetime, wall: datetime
) -> Work | None:
    """Take the lane's first row for that task, unless another process is faster."""
    name, task = found.name, found.task
    budget = await _locked_budget(db, rate, now)
    if rate.allowed_at(budget.next_free, now) > now:
        return None
    lane = await _free_lane(db, found, now, wall)
    row = None if lane is None else await _still(db, found, now)
    if lane is None or row is None:
        return None
    budget.next_free = rate.after_call(budget.next_free, now)
    lane.holder = f"{holder}:{row.id}:{task}"
    lane.leased_until = wall + (SPEAKING_LEASE if task in lanes.SPEAKS else LEASE)
    if task == "post":
        open_attempt(row, now)
    return Work(
        task="update" if task == "retouch" else task,
        row=row,
        attempt=row.attempts,
        lane=name,
        holder=lane.holder,
        begin_by=wall + BEGIN_WITHIN,
        search=(row.looks, row.cursor),
        again_at=rate.allowed_at(budget.next_free, now),
    )


def open_attempt(row: Delivery, now: datetime) -> None:
    """From here on the message may be in Slack: should this process die, whoever comes next looks first."""
    row.state = DeliveryState.SENDING
    row.attempts += 1
    row.attempt_at = now
    row.looks, row.cursor = 0, None
    row.last_error = row.last_error if row.last_error in LIMITED else None
    row.shown = row.revision
    row.task, row.due_at = "look", now + FIRST_LOOK


async def release(db: AsyncSession, name: str, *, holder: str, next_free: datetime | None = None) -> bool:
    """Give a lane back, to post no sooner than `next_free`; False when it is not the holder's any more."""
    pause = {} if next_free is None else {"next_free": next_free}
    if await _set_lane(db, Lane.name == name, Lane.holder == holder, holder=None, leased_until=None, **pause):
        return True
    if pause:
        await _set_lane(db, Lane.name == name, **pause)
    return False


async def locked(db: AsyncSession, delivery_id: int) -> Delivery | None:
    """The row as it is now, locked until this transaction ends."""
    statement = (
        select(Delivery)
        .where(Delivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await db.scalars(statement)).one_or_none()


async def limit(db: AsyncSession, rate: Rate, until: datetime) -> None:
    """Let nobody call that method before `until`: Slack said so."""
    budget = await _locked_budget(db, rate, until)
    budget.next_free = max(budget.next_free, rate.after_limit(until))


async def limited_alone(db: AsyncSession, delivery_id: int) -> bool:
    """Whether a post that Slack has limited anew is limited by its conversation, and not by the method.

    Slack does not say which. So everybody waits at first, and then the others go before it: when one of them
    was taken in the moments before its next attempt, it is its conversation alone that is full.
    """
    row = await db.get(Delivery, delivery_id)
    if row is None or row.last_error not in LIMITED or row.attempt_at is None:
        return False
    taken = select(Delivery.id).where(
        Delivery.method == "post",
        Delivery.lane != row.lane,
        Delivery.sent_at >= row.attempt_at - LANE_PAUSE,
    )
    return (await db.scalars(taken.limit(1))).first() is not None


async def forget_leases(db: AsyncSession) -> None:
    """Free every lane: for a database that only one process uses, when that process starts."""
    await db.execute(update(Lane).values(holder=None, leased_until=None))


async def forget_future(
    db: AsyncSession, now: datetime, wall: datetime, *, beyond: timedelta = timedelta()
) -> None:
    """After the clock went back, nothing waits for an instant of the future that was.

    `beyond`: how far ahead something may well be. Leases are left alone unless none can be that long: the
    clocks of replicas may be a little apart.
    """
    pace = min(beyond, LANE_PAUSE * 10)
    stale = wall + LEASE + CLOCKS_APART
    await db.execute(update(Budget).where(Budget.next_free > now + beyond).values(next_free=now))
    await db.execute(update(Lane).where(Lane.next_free > now + pace).values(next_free=None))
    await db.execute(update(Lane).where(Lane.leased_until > stale).values(holder=None, leased_until=None))
    await db.execute(
        update(Delivery)
        .where(Delivery.state == DeliveryState.SENDING, Delivery.attempt_at > now + beyond)
        .values(attempt_at=now)
    )
    await db.execute(
        update(Delivery)
        .where(Delivery.task.is_not(None), Delivery.not_before <= now, Delivery.due_at > now + beyond)
        .values(due_at=now)
    )


async def _set_lane(db: AsyncSession, *which: ColumnElement[bool], **values: Any) -> bool:
    """Change a lane's row; whether there was one."""
    statement = update(Lane).where(*which).values(**values).execution_options(synchronize_session=False)
    return bool((await db.execute(statement)).rowcount)  # type: ignore[attr-defined]


async def _upkeep(db: AsyncSession, tasks: list[str], now: datetime, wall: datetime) -> list[_Candidate]:
    """Free lanes with something other than a post to do: few, and bounded by Slack's tiers."""
    others = [task for task in tasks if task != "post"]
    return await _candidates(db, _upkeep_wanted(), tasks=others, now=now, wall=wall) if others else []


async def _posts(db: AsyncSession, tasks: list[str], now: datetime, wall: datetime) -> list[_Candidate]:
    """Free lanes with something to post, by the order of their first rows: the first few of very many."""
    return await _candidates(db, _posts_wanted(), now=now, wall=wall) if "post" in tasks else []


@functools.cache
def _upkeep_wanted() -> Any:
    """Made once: to put it together takes longer than to run it."""
    now, wall = _instants()
    wanted = select(Delivery.id, lanes.lane_name(), Delivery.task, Lane.name.is_not(None))
    others = Delivery.task.in_(bindparam("tasks", expanding=True))
    statement = lanes.with_lane(wanted).where(others, Delivery.due_at <= now, lanes.free(now, wall))
    return lanes.in_order(statement, posts=False).limit(_CANDIDATES)


@functools.cache
def _posts_wanted() -> Any:
    """Made once, as `_upkeep_wanted` is."""
    now, wall = _instants()
    wanted = select(Delivery.id, Delivery.lane, Delivery.task, Lane.name.is_not(None))
    statement = lanes.with_lane(wanted, Delivery.lane).where(
        lanes.postable(now, along_order=True), lanes.free(now, wall)
    )
    return lanes.in_order(statement, posts=True).limit(_CANDIDATES)


def _instants() -> tuple[BindParameter[datetime], ...]:
    """By the workshop's clock and by the wall's, given when a statement is run."""
    return tuple(bindparam(name, type_=Delivery.due_at.type) for name in ("now", "wall"))


async def _candidates(db: AsyncSession, statement: Any, **values: Any) -> list[_Candidate]:
    rows = await db.execute(statement, values)
    first: dict[tuple[str, str], _Candidate] = {}
    for row in rows:
        found = _Candidate(*row)
        first.setdefault((found.name, found.task), found)
    return list(first.values())


async def _still(db: AsyncSession, found: _Candidate, now: datetime) -> Delivery | None:
    """That row, locked, if it still has the task: another process may just have done it."""
    row = await locked(db, found.id)
    if row is None or row.task != found.task or row.due_at is None or row.due_at > now:
        return None
    late = found.task == "post" and row.expires_at is not None and row.expires_at <= now
    return None if late else row


async def _locked_budget(db: AsyncSession, rate: Rate, now: datetime) -> Budget:
    statement = (
        select(Budget)
        .where(Budget.name == rate.method)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    budget = (await db.scalars(statement)).one_or_none()
    if budget is None:
        await _insert(db, Budget, name=rate.method, next_free=now)
        budget = (await db.scalars(statement)).one()
    return budget


async def _free_lane(db: AsyncSession, found: _Candidate, now: datetime, wall: datetime) -> Lane | None:
    """The lane, locked and nobody's; None when somebody has it, or is just taking or releasing it."""
    if not found.known:
        await _insert(db, Lane, name=found.name)
    statement = (
        select(Lane)
        .where(Lane.name == found.name)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    lane = (await db.scalars(statement)).one_or_none()
    if lane is None or (lane.leased_until is not None and lane.leased_until > wall):
        return None
    return None if lane.next_free is not None and lane.next_free > now else lane


async def _insert(db: AsyncSession, table: type[Budget] | type[Lane], **values: Any) -> None:
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    own = {"workshop_id": db.info["workshop_id"], **values}
    await db.execute(dialect.insert(table).values(**own).on_conflict_do_nothing())
