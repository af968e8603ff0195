"""What is kept how long: `[retention]` in config.toml, carried out by the alarm clock.

Each period counts from the workshop's end, or from when the thing came to be if that is later. One ring
does a little; what is left is found due again at the next sweep.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import Clock
from bot.config import Config
from bot.privacy.erasing import REMOVED, clear, clear_delivery, unlink
from bot.programme import versions
from bot.questions import life
from bot.store.engine import Database
from bot.store.tables import (
    Deed,
    Delivery,
    DeliveryState,
    Exchange,
    Inquiry,
    InquiryAsker,
    Intake,
    Person,
    Question,
    Remark,
)

log = logging.getLogger(__name__)

AT_ONCE = 100  # rows of one kind in one ring
NOBODY = "person:0"  # the lane of messages whose person is forgotten


class Retention:
    """What `AlarmClock.watch` takes: when something is next over its time, and its removal."""

    def __init__(self, database: Database, clock: Clock, config: Config) -> None:
        self._database = database
        self._clock = clock
        self._periods = config.retention

    async def next_due(self) -> datetime | None:
        """The instant at which something is next to be removed; None when nothing is stored."""
        async with self._database.read() as db:
            ends = (await versions.current(db)).ends
            oldest = (await db.execute(_oldest())).one()
        kept = zip(oldest, self._kept(), strict=True)
        return min((max(ends, since) + period for since, (_, period) in kept if since), default=None)

    async def ring(self) -> None:
        """Remove what is over its time."""
        now = self._clock.now()
        for name, period in self._kept():
            async with self._database.begin() as db:
                if (await versions.current(db)).ends + period > now:
                    continue
                number = await _REMOVE[name](db, now - period, now)
            if number:
                log.info("removed by retention: %d of %s", number, name)

    def _kept(self) -> list[tuple[str, timedelta]]:
        return [(name, self._periods.period(_UNDER.get(name, name))) for name in _REMOVE]


@functools.cache
def _oldest() -> Select[Any]:
    """Since when the oldest of each kind is there; put together once, which takes longer than to run it."""
    stored = [_STORED[name] for name in _REMOVE]
    return select(*(select(func.min(at)).where(*which).scalar_subquery() for at, which in stored))


async def _marks(db: AsyncSession, before: datetime, now: datetime) -> int:
    keys = (
        await db.scalars(select(Intake.key).where(Intake.received_at <= before).limit(AT_ONCE * 10))
    ).all()
    await db.execute(delete(Intake).where(Intake.key.in_(keys)))
    return len(keys)


async def _exchanges(db: AsyncSession, before: datetime, now: datetime) -> int:
    ids = (await db.scalars(select(Exchange.id).where(Exchange.at <= before).limit(AT_ONCE * 10))).all()
    await db.execute(delete(Exchange).where(Exchange.id.in_(ids)))
    return len(ids)


async def _hidden_askers(db: AsyncSession, before: datetime, now: datetime) -> int:
    """From here on nobody can find out who asked a question without their name; not even the database."""
    questions = await _rows(db, Question, "hidden_askers", before)
    for question in questions:
        await db.execute(
            update(Deed)
            .where(Deed.subject == life.subject(question), Deed.actor_id == question.author_id)
            .values(actor_id=None)
        )
        await db.execute(
            update(Remark)
            .where(Remark.question_id == question.id, Remark.author_id == question.author_id)
            .values(author_id=None)
        )
        theirs = Delivery.key.startswith(f"question:{question.number}:"), Delivery.lane.startswith("person:")
        for row in (await db.scalars(select(Delivery).where(*theirs, *_AT_REST))).all():
            clear_delivery(row)
            row.lane = NOBODY
        question.author_id = None
    return len(questions)


async def _inquiries(db: AsyncSession, before: datetime, now: datetime) -> int:
    inquiries = await _rows(db, Inquiry, "inquiries", before)
    for inquiry in inquiries:
        await db.execute(delete(InquiryAsker).where(InquiryAsker.inquiry_id == inquiry.id))
        clear(inquiry, now=now)
    return len(inquiries)


async def _replies(db: AsyncSession, before: datetime, now: datetime) -> int:
    replies = await _rows(db, Delivery, "replies", before)
    for row in replies:
        clear_delivery(row)
    return len(replies)


async def _people(db: AsyncSession, before: datetime, now: datetime) -> int:
    people = await _rows(db, Person, "people", before)
    for person in people:
        await unlink(db, person, now=now)
    return len(people)


async def _rows(db: AsyncSession, table: Any, name: str, before: datetime) -> Sequence[Any]:
    column, condition = _STORED[name]
    statement = select(table).where(column <= before, *condition).order_by(table.id).limit(AT_ONCE)
    return (await db.scalars(statement.with_for_update())).all()


_AT_REST = (Delivery.state.not_in((DeliveryState.PENDING, DeliveryState.SENDING)),)
_STORED: dict[str, tuple[Any, tuple[ColumnElement[bool], ...]]] = {
    "intake": (Intake.received_at, ()),
    "exchanges": (Exchange.at, ()),
    "hidden_askers": (
        Question.received_at,
        (Question.author_id.is_not(None), Question.hidden != "named"),
    ),
    "inquiries": (Inquiry.asked_at, (Inquiry.text != REMOVED,)),
    "replies": (
        Delivery.created_at,
        (Delivery.kind.startswith("answers/"), ~Delivery.key.startswith("removed:"), *_AT_REST),
    ),
    "people": (Person.met_at, (Person.slack_id.is_not(None),)),
}
_REMOVE = {
    "intake": _marks,
    "exchanges": _exchanges,
    "hidden_askers": _hidden_askers,
    "inquiries": _inquiries,
    "replies": _replies,
    "people": _people,
}
_UNDER = {"replies": "inquiries"}  # what the bot answered is kept as long as what it was asked
