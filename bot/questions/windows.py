"""What is open now: submitting, voting, publishing; each by the programme unless a moderator says otherwise.

A segment's discussion is *live* until the segment ends, or the workshop where no time is published for it.
By the programme, submitting is open from the bot's first start; what comes after the live part is for
written answers. Voting ends with the live part. Closing never stops moderators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.config import Config
from bot.delivery import outbox
from bot.errors import Invalid, NotAllowed
from bot.programme import versions
from bot.programme.model import Programme, Segment, Status
from bot.store.tables import Delivery, DeliveryState, Person, Question, QuestionState, Stage, Switch

CLOSING_NOTICE = timedelta(minutes=2)
CLOSING = "questions/closing"
_STANDS = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.SENT)

What = Literal["submit", "vote", "publish"]
# auto follows the programme; for publishing, open means at once and closed means after review.
SETTINGS = ("auto", "open", "closed")
SWITCHES: tuple[What, ...] = ("submit", "vote", "publish")


@dataclass(frozen=True, slots=True)
class Windows:
    """What is open in one segment at one instant."""

    submit: bool
    vote: bool
    publish_at_once: bool
    live: bool
    closes_at: datetime | None  # the end of the live part; None when the segment will not take place
    settings: dict[str, str]


@dataclass(frozen=True, slots=True)
class QueueLine:
    """How the queue stands to the clock; `minutes_left` is None while the segment is not on."""

    approved: int
    waiting: int
    minutes_left: int | None

    def fit(self, minutes_each: int) -> int | None:
        """About how many of the approved ones there is time for."""
        return None if self.minutes_left is None else min(self.approved, self.minutes_left // minutes_each)


async def windows(
    db: AsyncSession, segment: Segment, *, programme: Programme, config: Config, now: datetime
) -> Windows:
    """What is open in that segment now."""
    settings = await settings_of(db, segment.id)
    takes_place = programme.status is Status.ON and not segment.cancelled
    closes_at = live_until(programme, segment) if takes_place else None
    live = closes_at is not None and now < closes_at
    may_come = programme.status is not Status.CANCELLED and segment.takes_questions and not segment.cancelled
    return Windows(
        submit=_open(settings["submit"], may_come) and may_come,
        vote=_open(settings["vote"], live or (may_come and programme.status is Status.POSTPONED)),
        publish_at_once=_open(settings["publish"], config.questions.publish == "at-once"),
        live=live,
        closes_at=closes_at,
        settings=settings,
    )


def live_until(programme: Programme, segment: Segment) -> datetime:
    """When the live part of a segment ends: its end, or the workshop's where it has no time."""
    return programme.end_of(segment) or programme.ends


def _open(setting: str, by_the_programme: bool) -> bool:
    return by_the_programme if setting == "auto" else setting == "open"


async def settings_of(db: AsyncSession, segment_id: str) -> dict[str, str]:
    """How its switches are set: "auto", "open" or "closed" each."""
    names: dict[str, str] = {f"{what}:{segment_id}": what for what in SWITCHES}
    rows = await db.execute(select(Switch.name, Switch.value).where(Switch.name.in_(sorted(names))))
    return dict.fromkeys(names.values(), "auto") | {names[name]: value for name, value in rows}


async def switch(
    db: AsyncSession,
    what: str,
    setting: str,
    *,
    segments: Sequence[Segment],
    by: Person,
    moderates: bool,
    now: datetime,
) -> None:
    """Set a switch for these segments. Raises NotAllowed, and Invalid for an unknown switch or setting."""
    if not moderates:
        raise NotAllowed("not_a_moderator")
    if what not in SWITCHES or setting not in SETTINGS:
        raise Invalid("no_such_switch", field="switch", switches=SWITCHES, settings=SETTINGS)
    for segment in segments:
        name = f"{what}:{segment.id}"
        row = (await db.scalars(select(Switch).where(Switch.name == name).with_for_update())).one_or_none()
        old = row.value if row else "auto"
        if row is None:
            db.add(Switch(name=name, value=setting, changed_by=by.id, changed_at=now))
        else:
            row.value, row.changed_by, row.changed_at = setting, by.id, now
        people.record(
            db,
            actor=by,
            deed=f"questions.switch.{what}",
            subject=f"segment:{segment.id}",
            now=now,
            old={"setting": old},
            new={"setting": setting},
        )
    await db.flush()


async def queue_line(db: AsyncSession, segment: Segment, *, programme: Programme, now: datetime) -> QueueLine:
    """ "11 minutes left, 6 approved, about 5 fit", as numbers."""
    statement = (
        select(Question.state, func.count()).where(Question.segment_id == segment.id).group_by(Question.state)
    )
    counts = {row[0]: row[1] for row in await db.execute(statement)}
    stage = (await db.scalars(select(Stage).where(Stage.segment_id == segment.id))).one_or_none()
    approved = counts.get(QuestionState.PUBLISHED, 0) + counts.get(QuestionState.QUEUED, 0)
    approved -= 1 if stage and stage.current_id else 0
    return QueueLine(
        approved=approved,
        waiting=counts.get(QuestionState.RECEIVED, 0) + counts.get(QuestionState.HELD, 0),
        minutes_left=minutes_left(programme, segment, now),
    )


def minutes_left(programme: Programme, segment: Segment, now: datetime) -> int | None:
    """Whole minutes until the segment's live part ends; None before it begins and after it."""
    begins, ends = segment.starts or programme.starts, live_until(programme, segment)
    if programme.status is not Status.ON or segment.cancelled or not begins <= now < ends:
        return None
    return int((ends - now).total_seconds() // 60)


async def replan(db: AsyncSession, *, now: datetime) -> None:
    """Plan the word that live questions close in two minutes; call it at start and after every release.

    What was planned for hours that no longer hold is cancelled. Twice is harmless.
    """
    programme = await versions.current(db)
    wanted: dict[str, datetime] = {}
    for segment in programme.taking_questions() if programme.status is Status.ON else []:
        closes_at = live_until(programme, segment)
        if now < closes_at:
            wanted[segment.id] = closes_at
    rows = await db.scalars(
        select(Delivery).where(Delivery.kind == CLOSING, Delivery.state.in_(_STANDS)).order_by(Delivery.id)
    )
    for row in rows.all():
        segment_id = row.content["segment"]
        if wanted.get(segment_id) == datetime.fromisoformat(row.content["closes_at"]):
            del wanted[segment_id]
        elif row.state is DeliveryState.PENDING:
            await outbox.cancel(db, row.key)
    for segment_id, closes_at in sorted(wanted.items()):
        await outbox.add(
            db,
            key=f"questions:closing:{segment_id}:{programme.version}",
            kind=CLOSING,
            lane="channel:participants",
            content={"segment": segment_id, "closes_at": closes_at.isoformat()},
            now=now,
            not_before=closes_at - CLOSING_NOTICE,
            expires_at=closes_at,
        )
