"""A question as one audience may see it: what every card, receipt, page and list is drawn from.

Who asked is left out here, by audience, so that no template further on can show what it should not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.programme.model import Programme
from bot.store.tables import Person, Question, QuestionState, Stage, Vote

Audience = Literal["author", "moderators", "participants"]


class Standing(StrEnum):
    """Where a question stands: its state, or for a queued one its place on the stage."""

    RECEIVED = "received"
    HELD = "held"
    PUBLISHED = "published"
    QUEUED = "queued"
    NEXT = "next"
    ON_STAGE = "on_stage"
    ANSWERED = "answered"
    DEFERRED = "deferred"
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


WAITING = frozenset({Standing.RECEIVED, Standing.HELD})
VOTABLE = frozenset({Standing.PUBLISHED, Standing.QUEUED, Standing.NEXT, Standing.ON_STAGE})
PUBLIC = VOTABLE | {Standing.ANSWERED, Standing.DEFERRED}


def standing(question: Question, stage: Stage | None) -> Standing:
    """Where the question stands, given the stage of its segment."""
    if stage is not None and question.state is QuestionState.QUEUED:
        if stage.current_id == question.id:
            return Standing.ON_STAGE
        if stage.next_id == question.id:
            return Standing.NEXT
    return Standing(question.state.value)


@dataclass(frozen=True, slots=True)
class Picture:
    """One question, drawn for one audience. People are Slack ids; None is nobody, or nobody to be named."""

    id: int
    number: int
    revision: int
    text: str
    standing: Standing
    segment_id: str
    segment: str  # its title
    asker: str | None
    asker_name: str | None
    hidden: str
    cannot_attend: bool
    edited: bool
    votes: int
    merged_into: int | None  # the number of the one that stands for it
    merged: tuple[int, ...]  # the numbers of those it stands for
    reason: str | None
    answer: str | None
    answer_link: str | None
    assigned_to: str | None
    labels: tuple[str, ...]
    claimed_by: str | None
    claimed_until: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    received_at: datetime

    @property
    def reference(self) -> str:
        """What a button on it carries: the number and the revision that was seen."""
        return f"{self.number}:{self.revision}"


async def draw(
    db: AsyncSession,
    questions: Sequence[Question],
    *,
    programme: Programme,
    audience: Audience,
    now: datetime,
) -> list[Picture]:
    """Draw questions for an audience, in the order given; four statements however many there are."""
    if not questions:
        return []
    some = [question.id for question in questions] if len(questions) <= 200 else None
    stages = {stage.segment_id: stage for stage in await db.scalars(select(Stage))}
    counted = await scores(db, some)
    people = await _people(db, questions, all_of_them=some is None)
    numbers, merged = await _merged(db, some)
    titles = {segment.id: segment.title for segment in programme.segments}
    return [
        _picture(
            question,
            standing=standing(question, stages.get(question.segment_id)),
            title=titles.get(question.segment_id, question.segment_id),
            votes=counted.get(question.id, 0),
            people=people,
            merged_into=numbers.get(question.merged_into or 0),
            merged=merged.get(question.id, ()),
            audience=audience,
            now=now,
        )
        for question in questions
    ]


async def draw_one(
    db: AsyncSession, question: Question, *, programme: Programme, audience: Audience, now: datetime
) -> Picture:
    """Draw one question for an audience."""
    return (await draw(db, [question], programme=programme, audience=audience, now=now))[0]


async def scores(db: AsyncSession, question_ids: Sequence[int] | None = None) -> dict[int, int]:
    """How many people stand behind each question; who has no votes is left out.

    A question that others were merged into has the votes of all of them, each person once and its author's
    own (cast on a duplicate before the merge) not.
    """
    counted = select(Vote.question_id, func.count()).where(Vote.stands).group_by(Vote.question_id)
    joined = select(Question.id, Question.merged_into).where(Question.merged_into.is_not(None))
    if question_ids is not None:
        counted = counted.where(Vote.question_id.in_(question_ids))
        joined = joined.where(Question.merged_into.in_(question_ids))
    found = {row[0]: row[1] for row in await db.execute(counted)}
    roots = {row.id: row.merged_into for row in await db.execute(joined)}
    if not roots:
        return found
    # Only these need their voters one by one.
    groups = {**roots, **{root: root for root in roots.values()}}
    authors = select(Question.id, Question.author_id).where(Question.id.in_(set(roots.values())))
    voters: dict[int, set[int]] = {root: set() for root in roots.values()}
    standing_votes = select(Vote.question_id, Vote.person_id).where(Vote.stands)
    for row in await db.execute(standing_votes.where(Vote.question_id.in_(groups))):
        voters[groups[row.question_id]].add(row.person_id)
    for root, author in await db.execute(authors):
        voters[root].discard(author or 0)
    plain = {id_: count for id_, count in found.items() if id_ not in groups}
    return plain | {root: len(who) for root, who in voters.items() if who}


async def _people(
    db: AsyncSession, questions: Sequence[Question], *, all_of_them: bool
) -> dict[int, tuple[str | None, str | None]]:
    statement = select(Person.id, Person.slack_id, Person.name)
    if not all_of_them:
        ids = {question.author_id for question in questions}
        ids |= {question.claimed_by for question in questions} | {
            question.decided_by for question in questions
        }
        statement = statement.where(Person.id.in_(sorted(id_ for id_ in ids if id_ is not None)))
    return {row.id: (row.slack_id, row.name) for row in await db.execute(statement)}


async def _merged(
    db: AsyncSession, question_ids: Sequence[int] | None
) -> tuple[dict[int, int], dict[int, tuple[int, ...]]]:
    canonical = aliased(Question)
    statement = select(Question.number, canonical.id, canonical.number.label("into")).join(
        canonical, Question.merged_into == canonical.id
    )
    if question_ids is not None:
        statement = statement.where(or_(Question.id.in_(question_ids), canonical.id.in_(question_ids)))
    numbers: dict[int, int] = {}
    merged: dict[int, tuple[int, ...]] = {}
    for row in await db.execute(statement.order_by(Question.number)):
        numbers[row.id] = row.into
        merged[row.id] = (*merged.get(row.id, ()), row.number)
    return numbers, merged


def may_name(question: Question, audience: Audience) -> bool:
    """Whether that audience may know who asked."""
    if audience == "author":
        return True
    return question.hidden == "named" or (audience == "moderators" and question.hidden == "participants")


def _picture(
    question: Question,
    *,
    standing: Standing,
    title: str,
    votes: int,
    people: dict[int, tuple[str | None, str | None]],
    merged_into: int | None,
    merged: tuple[int, ...],
    audience: Audience,
    now: datetime,
) -> Picture:
    nobody = (None, None)
    asker = people.get(question.author_id or 0, nobody) if may_name(question, audience) else nobody
    claimed = question.claimed_until is not None and question.claimed_until > now
    return Picture(
        id=question.id,
        number=question.number,
        revision=question.revision,
        text=question.text,
        standing=standing,
        segment_id=question.segment_id,
        segment=title,
        asker=asker[0],
        asker_name=asker[1],
        hidden=question.hidden,
        cannot_attend=question.cannot_attend,
        edited=question.edited,
        votes=votes,
        merged_into=merged_into,
        merged=merged,
        reason=question.reason,
        answer=question.answer,
        answer_link=question.answer_link,
        assigned_to=question.assigned_to,
        labels=tuple(question.labels),
        claimed_by=people.get(question.claimed_by or 0, nobody)[0] if claimed else None,
        claimed_until=question.claimed_until if claimed else None,
        decided_by=people.get(question.decided_by or 0, nobody)[0],
        decided_at=question.decided_at,
        received_at=question.received_at,
    )
