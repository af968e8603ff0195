"""Bringing the outbox in line with the plan: in the transaction that changes the programme, the rules or
somebody's subscription. Doing it twice changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.config import Config
from bot.delivery import outbox
from bot.delivery.pace import time_for
from bot.programme import versions
from bot.programme.model import Programme
from bot.reminders.plan import PERSONAL, SUBSCRIBERS, Early, Planned, personal, plan
from bot.reminders.saying import CORRECTED, standing
from bot.store.tables import Delivery, DeliveryState, Person

PREFIX = "reminder:"
_CHUNK = 500
_SUBSCRIBED = (Person.remind_minutes.is_not(None), Person.slack_id.is_not(None), Person.muted.is_(False))
_SAID = (DeliveryState.SENT, DeliveryState.SENDING)
_UNSAID = (DeliveryState.CANCELLED, DeliveryState.DROPPED)


@dataclass(frozen=True, slots=True)
class Replanned:
    """How many reminders were added, given another time, taken back, and corrected where they stand."""

    added: int = 0
    moved: int = 0
    cancelled: int = 0
    corrected: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    """What is in the outbox of one reminder."""

    key: str
    state: DeliveryState
    kind: str
    lane: str
    not_before: datetime
    expires_at: datetime | None
    content: dict[str, Any]

    @property
    def base(self) -> str:
        """The key of the plan; one cancelled and wanted again has a number behind it."""
        return self.key.partition("#")[0]

    @property
    def round(self) -> int:
        return int(self.key.partition("#")[2] or 1)

    @property
    def subject(self) -> tuple[str, str | None, str]:
        return self.content["rule"], self.content["segment"], self.lane


@dataclass(slots=True)
class _Work:
    add: list[tuple[Planned, int]] = field(default_factory=list)  # with its round
    settle: dict[str, Planned] = field(default_factory=dict)  # as the plan says
    cancel: list[str] = field(default_factory=list)
    correct: dict[str, dict[str, Any]] = field(default_factory=dict)  # how things stand


async def replan(db: AsyncSession, config: Config, *, now: datetime) -> Replanned:
    """Add what is ahead or still worth posting, move or take back what waits, and correct in place what was
    posted and is no longer true. What is too late is never added: a bot started long after says nothing."""
    await versions.turn(db)
    programme = await versions.current(db)
    planned = plan(config, programme)
    wanted = [one for one in planned if one.lane != SUBSCRIBERS]
    before: Counter[int | None] = Counter()
    for person in await _subscribers(db):
        wanted += _of_person(planned, programme, person, _early(before, person, config))
        before[person.remind_minutes] += 1
    return await _arm(db, programme, wanted, await _known(db, None), now=now)


async def replan_person(db: AsyncSession, config: Config, person: Person, *, now: datetime) -> Replanned:
    """The same for one person's own reminders, after they subscribed or changed their mind."""
    await versions.turn(db)
    programme = await versions.current(db)
    same = select(Person.remind_minutes, func.count()).where(*_SUBSCRIBED, Person.id < person.id)
    before = Counter({row[0]: row[1] for row in await db.execute(same.group_by(Person.remind_minutes))})
    wanted = _of_person(plan(config, programme), programme, person, _early(before, person, config))
    return await _arm(db, programme, wanted, await _known(db, people.lane(person)), now=now)


async def _subscribers(db: AsyncSession) -> Sequence[Person]:
    return (await db.scalars(select(Person).where(*_SUBSCRIBED).order_by(Person.id))).all()


def _early(before: Counter[int | None], person: Person, config: Config) -> Early:
    """Each subscriber's own small head start: after so many others as are `before` them, by lead time, in the
    order of their numbers, their message is out at its instant. Nobody else's moves when one more comes."""
    return Early(
        own=time_for(before[person.remind_minutes] + 1, config.limits),
        by_rule=time_for(before.total() + 1, config.limits),
    )


def _of_person(planned: list[Planned], programme: Programme, person: Person, early: Early) -> list[Planned]:
    if person.remind_minutes is None or person.slack_id is None or person.muted:
        return []
    return personal(
        planned,
        programme,
        person_id=person.id,
        minutes=person.remind_minutes,
        stars=list(person.stars),
        early=early,
    )


async def _known(db: AsyncSession, lane: str | None) -> list[_Known]:
    statement = select(
        Delivery.key,
        Delivery.state,
        Delivery.kind,
        Delivery.lane,
        Delivery.not_before,
        Delivery.expires_at,
        Delivery.content,
    ).where(Delivery.key.startswith(PREFIX, autoescape=True))
    if lane is not None:
        statement = statement.where(Delivery.lane == lane)
    return [_Known(*row) for row in await db.execute(statement)]


async def _arm(
    db: AsyncSession, programme: Programme, wanted: list[Planned], known: list[_Known], *, now: datetime
) -> Replanned:
    work = _compare(programme, wanted, known, now)
    if not (work.add or work.settle or work.cancel or work.correct):
        return Replanned()

    def settle(row: Delivery) -> None:
        one = work.settle[row.key]
        if row.state is DeliveryState.PENDING:
            row.not_before, row.expires_at, row.lane = one.at, one.expires_at, one.lane
        else:
            row.revision += 1
        row.kind, row.content = one.kind, one.content

    def cancel(row: Delivery) -> None:
        if row.state is DeliveryState.PENDING:
            row.state = DeliveryState.CANCELLED

    def correct(row: Delivery) -> None:
        stands = {"stands": work.correct[row.key], "delivery": row.id}
        row.kind, row.content = CORRECTED, {**row.content, **stands}
        row.revision += 1

    for keys, deed in ((list(work.settle), settle), (work.cancel, cancel), (list(work.correct), correct)):
        await _each(db, keys, deed, now=now)
    db.add_all([_row(one, round, now=now) for one, round in work.add])
    await db.flush()
    await outbox.ring(db)
    return Replanned(
        added=len(work.add),
        moved=len(work.settle),
        cancelled=len(work.cancel),
        corrected=len(work.correct),
    )


def _compare(programme: Programme, wanted: list[Planned], known: list[_Known], now: datetime) -> _Work:
    work = _Work()
    latest: dict[str, _Known] = {}
    for row in sorted(known, key=lambda row: row.round):
        latest[row.base] = row
    said = {row.subject for row in known if row.state in _SAID}
    for one in wanted:
        there = latest.pop(one.key, None)
        if there is None or there.state in _UNSAID:
            # Who was reminded already reads the correction; a second one only if its instant is ahead.
            said_before = (one.rule, one.segment, one.lane) in said
            if one.at > now or (_still_new(one, now) and not said_before):
                work.add.append((one, there.round + 1 if there else 1))
        elif _settles(there, one):
            work.settle[there.key] = one
    for row in latest.values():
        if row.state is DeliveryState.PENDING:
            work.cancel.append(row.key)
        elif row.state in _SAID:
            stands = standing(programme, row.content)
            if stands and stands != row.content.get("stands") and _matters(row, stands, now):
                work.correct[row.key] = stands
    return work


def _still_new(one: Planned, now: datetime) -> bool:
    """Whether a reminder whose instant has passed is worth adding."""
    if one.rule == PERSONAL:  # nobody who subscribes during the workshop wants to read that it has started
        return datetime.fromisoformat(one.content["instant"]) > now
    return one.expires_at > now


def _settles(row: _Known, one: Planned) -> bool:
    """Whether a row that the plan still wants has to be brought in line with it."""
    if row.state is DeliveryState.PENDING:
        as_planned = (one.at, one.expires_at, one.lane, one.kind)
        return as_planned != (row.not_before, row.expires_at, row.lane, row.kind)
    return row.state in _SAID and row.kind == CORRECTED  # it was wrong and is right again


def _matters(row: _Known, stands: dict[str, Any], now: datetime) -> bool:
    instants = [row.content["instant"], stands["instant"]]
    return any(datetime.fromisoformat(instant) > now for instant in instants if instant)


async def _each(
    db: AsyncSession, keys: list[str], deed: Callable[[Delivery], None], *, now: datetime
) -> None:
    """Do something to rows, kept from the sender meanwhile, many at a time."""
    for begin in range(0, len(keys), _CHUNK):
        rows = await db.scalars(
            select(Delivery)
            .where(Delivery.key.in_(keys[begin : begin + _CHUNK]))
            .order_by(Delivery.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        for row in rows:
            deed(row)
            row.upkeep_attempts = 0
            row.arm(now)
        await db.flush()


def _row(one: Planned, round: int, *, now: datetime) -> Delivery:
    row = Delivery(
        key=one.key if round == 1 else f"{one.key}#{round}",
        kind=one.kind,
        method="post",
        lane=one.lane,
        content=one.content,
        priority=outbox.BULK if one.lane.startswith("person:") else outbox.ROUTINE,
        not_before=one.at,
        expires_at=one.expires_at,
        state=DeliveryState.PENDING,
        created_at=now,
    )
    row.arm(now)
    return row
