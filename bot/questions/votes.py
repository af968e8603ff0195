"""Votes: one person, one vote, set rather than toggled; a question's score is counted, never stored."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.config import Config
from bot.errors import NotAllowed, NotFound, Refusal
from bot.programme.model import Programme
from bot.questions import life
from bot.questions.picture import PUBLIC, VOTABLE, standing
from bot.questions.windows import windows
from bot.store.tables import Person, Question, Stage, Vote


async def vote(
    db: AsyncSession,
    number: int,
    *,
    by: Person,
    stands: bool,
    programme: Programme,
    config: Config,
    now: datetime,
    at: datetime | None = None,
) -> Question:
    """Let the person's vote for question `number` stand, or not; returns the question that counts it.

    A vote for a merged question goes to the one that stands for it; taken back, it is taken back from all
    of those. `at` is when the person said so, where that is known better than `now`: of two, the later
    holds, in whichever order they arrive. The messages that show the score follow (`Counts`).
    Raises NotFound (also for what is not public), NotAllowed for one's own, Refusal when voting is closed.
    """
    question, stage = await _that_counts(db, number)
    place = standing(question, stage)
    if place not in PUBLIC and question.posts:  # whoever votes may still see it
        raise Refusal("voting_closed", number=question.number)
    if place not in PUBLIC:
        raise NotFound("no_such_question", number=number)
    if by.id == question.author_id:
        raise NotAllowed("own_vote", number=question.number)
    segment = programme.segment(question.segment_id)
    open_ = (
        segment is not None
        and place in VOTABLE
        and (await windows(db, segment, programme=programme, config=config, now=now)).vote
    )
    if not open_:
        raise Refusal("voting_closed", number=question.number)
    await _set(db, question, by, stands=stands, at=at or now)
    if not stands:
        await _take_back_from_merged(db, question, by, at=at or now)
    return question


async def voted(db: AsyncSession, person: Person) -> set[int]:
    """The ids of the questions their vote counts for: for what was merged, of those that stand for it."""
    counts_for = func.coalesce(Question.merged_into, Question.id)
    statement = select(counts_for).join(Vote, Vote.question_id == Question.id)
    return set((await db.scalars(statement.where(Vote.person_id == person.id, Vote.stands))).all())


async def _that_counts(db: AsyncSession, number: int) -> tuple[Question, Stage | None]:
    """Of question `number`, or the one that stands for it, the row and the stage; raises NotFound."""
    if 0 < number <= life.LARGEST_NUMBER:
        row = (await db.execute(_counting(), {"asked": number})).one_or_none()
        if row is not None:
            return row[0], row[1]
    raise NotFound("no_such_question", number=number)


@functools.cache
def _counting() -> Any:
    """Made once, as `_setting` is: of all that people do, this comes most, and at once."""
    asked = aliased(Question)
    return (
        select(Question, Stage)
        .select_from(asked)
        .join(Question, Question.id == func.coalesce(asked.merged_into, asked.id))
        .outerjoin(Stage, Stage.segment_id == Question.segment_id)
        .where(asked.number == bindparam("asked"))
    )


async def _set(db: AsyncSession, question: Question, by: Person, *, stands: bool, at: datetime) -> None:
    row = {
        "workshop_id": db.info["workshop_id"],
        "question_id": question.id,
        "person_id": by.id,
        "stands": stands,
        "voted_at": at,
        "shown": False,
    }
    await db.execute(_setting(db.get_bind().dialect.name), row)


@functools.cache
def _setting(dialect: str) -> Any:
    votes = cast(Table, Vote.__table__)
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(votes)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=[votes.c.question_id, votes.c.person_id],
        set_={
            "stands": new.stands,
            "voted_at": new.voted_at,
            "shown": and_(votes.c.shown, votes.c.stands == new.stands),
        },
        where=votes.c.voted_at <= new.voted_at,
    )


async def _take_back_from_merged(db: AsyncSession, question: Question, by: Person, *, at: datetime) -> None:
    """A vote given to what was merged into it later is among those that the question has."""
    merged = select(Question.id).where(Question.merged_into == question.id)
    await db.execute(
        update(Vote)
        .where(
            Vote.question_id.in_(merged.scalar_subquery()),
            Vote.person_id == by.id,
            Vote.stands,
            Vote.voted_at <= at,
        )
        .values(stands=False, voted_at=at, shown=False)
        .execution_options(synchronize_session=False)
    )
