"""Votes: one person, one vote, set rather than toggled; a question's score is counted, never stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.config import Config
from bot.errors import NotAllowed, NotFound, Refusal
from bot.programme.model import Programme
from bot.questions import life, messages
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
    holds, in whichever order they arrive.
    Raises NotFound (also for what is not public), NotAllowed for one's own, Refusal when voting is closed.
    """
    question = await life.get(db, number)
    if question.merged_into is not None:
        question = await db.get_one(Question, question.merged_into)
    stage = (await db.scalars(select(Stage).where(Stage.segment_id == question.segment_id))).one_or_none()
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
    changed = await _set(db, question, by, stands=stands, at=at or now)
    if not stands and await _take_back_from_merged(db, question, by, at=at or now):
        changed = True
    if changed:
        await messages.counted(db, question, now=now)
    return question


async def voted(db: AsyncSession, person: Person) -> set[int]:
    """The ids of the questions their vote counts for: for what was merged, of those that stand for it."""
    counts_for = func.coalesce(Question.merged_into, Question.id)
    statement = select(counts_for).join(Vote, Vote.question_id == Question.id)
    return set((await db.scalars(statement.where(Vote.person_id == person.id, Vote.stands))).all())


async def _set(db: AsyncSession, question: Question, by: Person, *, stands: bool, at: datetime) -> bool:
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(Vote).values(
        workshop_id=db.info["workshop_id"],
        question_id=question.id,
        person_id=by.id,
        stands=stands,
        voted_at=at,
    )
    statement = insert.on_conflict_do_update(
        index_elements=[Vote.question_id, Vote.person_id],
        set_={"stands": insert.excluded.stands, "voted_at": insert.excluded.voted_at},
        where=Vote.voted_at <= insert.excluded.voted_at,
    ).returning(Vote.person_id)
    return (await db.execute(statement)).first() is not None


async def _take_back_from_merged(db: AsyncSession, question: Question, by: Person, *, at: datetime) -> bool:
    """A vote given to what was merged into it later is among those that the question has."""
    merged = select(Question.id).where(Question.merged_into == question.id)
    taken_back = (
        update(Vote)
        .where(
            Vote.question_id.in_(merged.scalar_subquery()),
            Vote.person_id == by.id,
            Vote.stands,
            Vote.voted_at <= at,
        )
        .values(stands=False, voted_at=at)
        .returning(Vote.question_id)
        .execution_options(synchronize_session=False)
    )
    return (await db.scalars(taken_back)).first() is not None
