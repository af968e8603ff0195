"""Who does what next: one piece of work is taken in one short transaction, so that replicas share the rows.

Each conversation is a lane: a row with a lease, held by whoever posts there. Within a lane only the first
row by (priority, not-before, id) is posted, and none overtakes one whose outcome is still open; lanes do
not wait for each other. Locks are taken in the order method, lane, delivery, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.delivery import outbox
from bot.delivery.pace import Rate
from bot.delivery.retry import FIRST_LOOK
from bot.store.tables import Budget, Delivery, DeliveryState, Lane

# Wall time. Longer than one call to Slack may take (sender.CALL_TIMEOUT, twice where a conversation is
# opened first) and the transactions around it; one claim makes no more than that.
LEASE = timedelta(seconds=45)
TOO_LATE = "too late"

_UPKEEP = "/upkeep"
_SPEAKS = ("post", "look")  # these take the lane itself, the other tasks its upkeep lane
_CANDIDATES = 8
_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work, and the lane that is leased for it."""

    task: str
    delivery_id: int
    attempt: int  # number of the post's attempt that is open, or was last
    lane: str


async def take(
    db: AsyncSession, rates: Mapping[str, Rate], *, holder: str, now: datetime, wall: datetime
) -> Work | datetime | None:
    """Take the next piece of work; else the instant at which to ask again, or None when nothing waits."""
    opens = await _opens(db, rates, now)
    open_tasks = [task for task, instant in opens.items() if instant <= now]
    for name, task in await _candidates(db, open_tasks, now, wall):
        budget = await _locked_budget(db, rates[task], now)
        if rates[task].allowed_at(budget.next_free, now) > now:
            continue  # another replica was faster
        lane = await _free_lane(db, name, now, wall)
        row = None if lane is None else await _head(db, name, task, now)
        if lane is None or row is None:
            continue
        budget.next_free = rates[task].after_call(budget.next_free, now)
        lane.holder, lane.leased_until = holder, wall + LEASE
        if task == "post":
            _open_attempt(row, now)
        return Work(task=task, delivery_id=row.id, attempt=row.attempts, lane=name)
    if now < opens.get("post", now) <= now + _SOON:
        return opens["post"]  # the usual case in a fan-out, known without looking at every row
    return await next_due(db, rates, now=now)


def _open_attempt(row: Delivery, now: datetime) -> None:
    """From here on the message may be in Slack: should this process die, whoever comes next looks first."""
    row.state = DeliveryState.SENDING
    row.attempts += 1
    row.attempt_at = now
    row.looks, row.cursor = 0, None
    row.shown = row.revision
    row.task, row.due_at = "look", now + FIRST_LOOK


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
    for delivery_id in dropped:
        await outbox.close_replies(db, delivery_id)
    return len(dropped)


async def next_due(db: AsyncSession, rates: Mapping[str, Rate], *, now: datetime) -> datetime | None:
    """The instant of the next piece of work, no earlier than `now`; None when nothing is to be done.

    What another process is doing at this moment counts as due now.
    """
    at = _later(Delivery.due_at, func.coalesce(Lane.next_free, Delivery.due_at))
    opens = await _opens(db, rates, now)
    statement = _with_lane(select(Delivery.task, func.min(at))).where(
        Delivery.task.in_(opens), or_(Delivery.task != "post", ~_blocked(now))
    )
    instants = [max(at, opens[task]) for task, at in await db.execute(statement.group_by(Delivery.task))]
    expiry = select(func.min(Delivery.expires_at)).where(Delivery.state == DeliveryState.PENDING)
    expires_at = (await db.scalars(expiry)).one()
    if expires_at is not None:
        instants.append(max(expires_at, now))
    return min(instants, default=None)


async def release(db: AsyncSession, name: str, *, holder: str, next_free: datetime | None = None) -> bool:
    """Give a lane back, to post no sooner than `next_free`; False when it is not the holder's any more."""
    lane = await _locked_lane(db, name)
    if lane is None or lane.holder != holder:
        return False
    lane.holder = lane.leased_until = None
    if next_free is not None:
        lane.next_free = next_free
    return True


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


async def forget_leases(db: AsyncSession) -> None:
    """Free every lane: for a database that only one process uses, when that process starts."""
    await db.execute(update(Lane).values(holder=None, leased_until=None))


async def forget_pace(db: AsyncSession, now: datetime) -> None:
    """After the workshop clock went back, nothing waits for an instant of the future that was."""
    await db.execute(update(Lane).where(Lane.next_free > now).values(next_free=None))
    await db.execute(update(Budget).where(Budget.next_free > now).values(next_free=now))
    await db.execute(
        update(Delivery)
        .where(Delivery.task.is_not(None), Delivery.not_before <= now, Delivery.due_at > now)
        .values(due_at=now)
    )


async def _opens(db: AsyncSession, rates: Mapping[str, Rate], now: datetime) -> dict[str, datetime]:
    """From when on each task's method may be called."""
    budgets = await _budgets(db)
    return {
        task: rates[task].allowed_at(budgets.get(rates[task].method), now)
        for task in await _allowed_tasks(db, rates)
    }


async def _allowed_tasks(db: AsyncSession, rates: Iterable[str]) -> list[str]:
    """While everything is held back, only open outcomes are settled."""
    return ["look"] if await outbox.held(db) else list(rates)


async def _candidates(
    db: AsyncSession, tasks: list[str], now: datetime, wall: datetime
) -> list[tuple[str, str]]:
    """Lanes that are free and have something to do, by the order of their first rows; posts come last.

    Posts may be many, so they are asked for by themselves, along their index; everything else is few, and
    bounded by Slack's tiers.
    """
    found: list[tuple[str, str]] = []
    for group in ([task for task in tasks if task != "post"], [task for task in tasks if task == "post"]):
        if not group:
            continue
        statement = (
            _with_lane(select(_lane_name(), Delivery.task))
            .where(
                _doable(group, now),
                or_(Lane.leased_until.is_(None), Lane.leased_until <= wall),
                or_(Lane.next_free.is_(None), Lane.next_free <= now),
            )
            .order_by(Delivery.priority, Delivery.not_before, Delivery.id)
            .limit(_CANDIDATES)
        )
        found += [(row[0], row[1]) for row in await db.execute(statement)]
    return list(dict.fromkeys(found))


async def _head(db: AsyncSession, name: str, task: str, now: datetime) -> Delivery | None:
    """The lane's first row for that task as it is now, locked."""
    statement = (
        select(Delivery)
        .where(Delivery.lane == name.removesuffix(_UPKEEP), _doable([task], now))
        .order_by(Delivery.priority, Delivery.not_before, Delivery.id)
        .limit(1)
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    )
    return (await db.scalars(statement)).one_or_none()


def _doable(tasks: list[str], now: datetime) -> ColumnElement[bool]:
    return and_(
        Delivery.task == tasks[0] if len(tasks) == 1 else Delivery.task.in_(tasks),
        Delivery.due_at <= now,
        or_(Delivery.task != "post", ~_blocked(now)),
    )


def _blocked(now: datetime) -> ColumnElement[bool]:
    """Whether a row must wait for one before it in its lane: of open outcome, or to be tried again."""
    before = aliased(Delivery)
    return exists().where(
        before.workshop_id == Delivery.workshop_id,
        before.lane == Delivery.lane,
        or_(
            before.state == DeliveryState.SENDING,
            and_(
                before.state == DeliveryState.PENDING,
                before.task == "post",
                before.not_before <= now,
                before.due_at > now,
            ),
        ),
        tuple_(before.priority, before.not_before, before.id)
        < tuple_(Delivery.priority, Delivery.not_before, Delivery.id),
    )


def _lane_name() -> ColumnElement[str]:
    return case((Delivery.task.in_(_SPEAKS), Delivery.lane), else_=Delivery.lane + literal(_UPKEEP))


def _with_lane(statement: Any) -> Any:
    own = and_(Lane.workshop_id == Delivery.workshop_id, Lane.name == _lane_name())
    return statement.select_from(Delivery).outerjoin(Lane, own)


def _later(one: Any, other: Any) -> ColumnElement[datetime]:
    return case((one >= other, one), else_=other)


async def _budgets(db: AsyncSession) -> dict[str, datetime]:
    return {row[0]: row[1] for row in await db.execute(select(Budget.name, Budget.next_free))}


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


async def _free_lane(db: AsyncSession, name: str, now: datetime, wall: datetime) -> Lane | None:
    """The lane, locked and nobody's; None when somebody has it, or is just taking or releasing it."""
    await _insert(db, Lane, name=name)
    lane = await _locked_lane(db, name, skip_locked=True)
    if lane is None or (lane.leased_until is not None and lane.leased_until > wall):
        return None
    return None if lane.next_free is not None and lane.next_free > now else lane


async def _locked_lane(db: AsyncSession, name: str, *, skip_locked: bool = False) -> Lane | None:
    statement = (
        select(Lane)
        .where(Lane.name == name)
        .with_for_update(skip_locked=skip_locked)
        .execution_options(populate_existing=True)
    )
    return (await db.scalars(statement)).one_or_none()


async def _insert(db: AsyncSession, table: type[Budget] | type[Lane], **values: Any) -> None:
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    own = {"workshop_id": db.info["workshop_id"], **values}
    await db.execute(dialect.insert(table).values(**own).on_conflict_do_nothing())
