"""What the stage page shows, and the secret links that drive it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.errors import NotAllowed
from bot.programme.model import Programme, Segment
from bot.questions import board
from bot.questions.picture import Picture, draw
from bot.questions.windows import QueueLine, queue_line
from bot.store.tables import Person, Question, QuestionState, StageKey

QUEUE_SHOWN = 30
SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class StageView:
    """What is on stage in one segment, drawn for participants: no hidden name is in it."""

    segment: Segment
    revision: int
    current: Picture | None
    next: Picture | None
    queue: tuple[Picture, ...]  # what could come next: queued ones first, then by votes; () unless asked for
    line: QueueLine
    over: bool
    answered: Picture | None = None  # what left the stage last, for whoever drives an empty one

    @property
    def version(self) -> str:
        """Changes with everything that is shown."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


async def view(
    db: AsyncSession,
    segment: Segment,
    *,
    programme: Programme,
    now: datetime,
    with_queue: bool = False,
) -> StageView:
    """What the stage of that segment shows now; who drives it also sees what could come next."""
    row = await board.on_stage(db, segment.id)
    places = (row.current_id, row.next_id) if row else (None, None)
    approved = select(Question).where(
        Question.segment_id == segment.id,
        Question.state.in_((QuestionState.PUBLISHED, QuestionState.QUEUED)),
    )
    if not with_queue:
        approved = approved.where(Question.id.in_([place for place in places if place is not None]))
    questions = (await db.scalars(approved.order_by(Question.number))).all()
    pictures = await draw(db, questions, programme=programme, audience="participants", now=now)
    by_id = {picture.id: picture for picture in pictures}
    current, following = (by_id.get(place or 0) for place in places)
    waiting = [picture for picture in pictures if picture.id not in places]
    waiting.sort(key=lambda picture: (picture.standing != "queued", -picture.votes, picture.number))
    answered = None
    if with_queue and current is None:
        answered = await _answered_last(db, segment, programme=programme, now=now)
    return StageView(
        segment=segment,
        revision=row.revision if row else 0,
        current=current,
        next=following,
        queue=tuple(waiting[:QUEUE_SHOWN]),
        line=await queue_line(db, segment, programme=programme, now=now),
        over=now >= (programme.end_of(segment) or programme.ends),
        answered=answered,
    )


async def _answered_last(
    db: AsyncSession, segment: Segment, *, programme: Programme, now: datetime
) -> Picture | None:
    latest = (
        select(Question)
        .where(Question.segment_id == segment.id, Question.state == QuestionState.ANSWERED)
        .order_by(Question.decided_at.desc(), Question.number)
        .limit(1)
    )
    pictures = await draw(
        db, (await db.scalars(latest)).all(), programme=programme, audience="participants", now=now
    )
    return pictures[0] if pictures else None


async def make_key(db: AsyncSession, segment: Segment, *, by: Person, moderates: bool, now: datetime) -> str:
    """A new secret that drives this segment's stage in that moderator's name; only its hash is stored."""
    if not moderates:
        raise NotAllowed("not_a_moderator")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    db.add(StageKey(digest=_digest(secret), segment_id=segment.id, made_by=by.id, made_at=now))
    people.record(db, actor=by, deed="stage.key", subject=f"segment:{segment.id}", now=now)
    return secret


async def revoke_keys(db: AsyncSession, *, by: Person, moderates: bool, now: datetime) -> None:
    """Let no secret drive a stage any more, whoever made it."""
    if not moderates:
        raise NotAllowed("not_a_moderator")
    await db.execute(update(StageKey).where(StageKey.revoked_at.is_(None)).values(revoked_at=now))
    people.record(db, actor=by, deed="stage.revoke", subject="stage", now=now)


async def holder(db: AsyncSession, secret: str, segment: Segment) -> Person | None:
    """Whose secret that is, if it drives this segment's stage and was not revoked; else None."""
    statement = select(StageKey).where(
        StageKey.digest == _digest(secret),
        StageKey.segment_id == segment.id,
        StageKey.revoked_at.is_(None),
    )
    key = (await db.scalars(statement)).one_or_none()
    return await db.get(Person, key.made_by) if key is not None and key.made_by is not None else None


def _digest(secret: str) -> str:
    # The secret has 192 random bits, so a plain hash cannot be searched.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
