"""The moderators' board: which questions, in which order, which page; and the lists of commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import Invalid, Refusal
from bot.programme.model import Programme, Segment
from bot.store.tables import Question, QuestionState, Stage

_Q = QuestionState
# What a list shows; "stage" is narrowed to the queued ones that stand on it.
SHOWN: dict[str, tuple[QuestionState, ...]] = {
    "waiting": (_Q.RECEIVED, _Q.HELD),
    "held": (_Q.HELD,),
    "approved": (_Q.PUBLISHED, _Q.QUEUED),
    "published": (_Q.PUBLISHED,),
    "queued": (_Q.QUEUED,),
    "answered": (_Q.ANSWERED,),
    "unanswered": (_Q.PUBLISHED, _Q.QUEUED, _Q.DEFERRED),
    "declined": (_Q.DECLINED,),
    "all": tuple(QuestionState),
}


async def listed(db: AsyncSession, *, show: str, search: str | None = None) -> list[Question]:
    """The questions of one list, by number; `search` keeps those whose text or number holds it."""
    statement = select(Question).where(Question.state.in_(SHOWN[show])).order_by(Question.number)
    found: Sequence[Question] = (await db.scalars(statement)).all()
    if search:
        wanted = search.casefold().lstrip("#")
        found = [q for q in found if wanted in q.text.casefold() or wanted == str(q.number)]
    return list(found)


async def on_stage(db: AsyncSession, segment_id: str) -> Stage | None:
    """The stage row of a segment, or None when nothing was ever put on it."""
    return (await db.scalars(select(Stage).where(Stage.segment_id == segment_id))).one_or_none()


def segment_for_stage(programme: Programme, segment_id: str | None, *, now: datetime) -> Segment:
    """The segment whose stage is meant: the one named, the one that is on, or the first that takes questions.

    Raises Invalid for an unknown one, Refusal when none takes questions.
    """
    taking = programme.taking_questions()
    if not taking:
        raise Refusal("no_panel")
    if segment_id is not None:
        for segment in taking:
            if segment.id == segment_id:
                return segment
        raise Invalid("no_such_panel", field="segment")
    on = {segment.id for segment in programme.now(now)}
    return next((segment for segment in taking if segment.id in on), taking[0])
