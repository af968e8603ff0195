"""Putting a question to the panel: checked, counted, stored once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.config import Config
from bot.errors import Invalid, NotAllowed, Refusal
from bot.programme.model import Programme, Segment, Status
from bot.questions import life, messages, words
from bot.questions.windows import windows
from bot.store.tables import Counter, Person, Question, QuestionState

HIDDEN = ("named", "participants", "moderators")  # from whom the asker is hidden
SAME_WITHIN = timedelta(seconds=60)
BURST = timedelta(seconds=60)
UNDECIDED = (QuestionState.RECEIVED, QuestionState.HELD)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submission; `again`: it is the one that was stored a moment ago."""

    question: Question
    again: bool


async def submit(
    db: AsyncSession,
    *,
    by: Person,
    text: str,
    programme: Programme,
    config: Config,
    now: datetime,
    segment_id: str | None = None,
    hidden: str = "named",
    cannot_attend: bool = False,
) -> Submitted:
    """Store a question for the panel, once, and tell its author and the moderators.

    Without `segment_id` the segment is the only one that takes questions, or the one that is on. The same
    words of the same person within a minute are the same submission. Raises Invalid naming the field
    (`text`, `segment`, `hidden`), NotAllowed for a muted person, and Refusal when submitting is closed or a
    limit is reached; nothing is stored then.
    """
    settings = config.questions
    kept = words.checked(text, field="text", shortest=settings.shortest, longest=settings.longest)
    if hidden not in HIDDEN:
        raise Invalid("no_such_choice", field="hidden")
    segment = choose_segment(programme, segment_id, now=now)
    # The row is held until the commit, so that two of a person's submissions are looked at one by one.
    await db.execute(select(Person.id).where(Person.id == by.id).with_for_update(key_share=True))
    again = await _same(db, by, kept, segment, now=now)
    if again is not None:
        return Submitted(again, again=True)
    open_now = await windows(db, segment, programme=programme, config=config, now=now)
    if not open_now.submit:
        raise Refusal("submitting_closed", segment=segment.title)
    await _check_limits(db, by, config, now=now)

    held = words.held_because(kept, settings)
    state = QuestionState.PUBLISHED if open_now.publish_at_once else QuestionState.RECEIVED
    question = Question(
        number=await _next_number(db),
        segment_id=segment.id,
        author_id=by.id,
        hidden=hidden,
        text=kept,
        state=QuestionState.HELD if held else state,
        reason=held,
        cannot_attend=cannot_attend,
        labels=[],
        posts=0,
        received_at=now,
    )
    db.add(question)
    await db.flush()
    people.record(
        db,
        actor=by,
        deed="question.submit",
        subject=life.subject(question),
        now=now,
        new={"standing": question.state.value, "revision": 1},
        reason=held,
    )
    await messages.arrived(db, question, by, digest_after=settings.digest_after, now=now)
    return Submitted(question, again=False)


def choose_segment(programme: Programme, segment_id: str | None, *, now: datetime) -> Segment:
    """The segment a question goes to. Raises Refusal when none takes any, Invalid when it must be said."""
    taking = programme.taking_questions()
    if programme.status is Status.CANCELLED or not taking:
        raise Refusal("no_panel")
    if segment_id is not None:
        chosen = next((segment for segment in taking if segment.id == segment_id), None)
        if chosen is None:
            raise Invalid("no_such_panel", field="segment")
        return chosen
    on = {segment.id for segment in programme.now(now)}
    candidates = [segment for segment in taking if segment.id in on] or taking
    if len(candidates) > 1:
        raise Invalid("which_panel", field="segment", segments=[segment.title for segment in taking])
    return candidates[0]


async def mine(db: AsyncSession, person: Person, *, limit: int = 50) -> list[Question]:
    """A person's own questions, newest first."""
    statement = (
        select(Question).where(Question.author_id == person.id).order_by(Question.number.desc()).limit(limit)
    )
    return list((await db.scalars(statement)).all())


async def _same(
    db: AsyncSession, by: Person, text: str, segment: Segment, *, now: datetime
) -> Question | None:
    statement = select(Question).where(
        Question.author_id == by.id,
        Question.segment_id == segment.id,
        Question.text == text,
        Question.state != QuestionState.WITHDRAWN,
        Question.received_at > now - SAME_WITHIN,
    )
    return (await db.scalars(statement.order_by(Question.number.desc()).limit(1))).one_or_none()


async def _check_limits(db: AsyncSession, by: Person, config: Config, *, now: datetime) -> None:
    if by.muted:
        raise NotAllowed("muted")
    settings = config.questions
    undecided, recent = (
        await db.execute(
            select(
                func.count().filter(Question.state.in_(UNDECIDED)),
                func.count().filter(Question.received_at > now - BURST),
            ).where(Question.author_id == by.id)
        )
    ).one()
    if undecided >= settings.open_per_person:
        raise Refusal("too_many_questions", undecided=undecided)
    if recent >= settings.per_minute:
        raise Refusal("too_fast", per_minute=settings.per_minute)


async def _next_number(db: AsyncSession) -> int:
    """The next question's number: no gaps, no number twice, because a rolled back transaction returns it."""
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    statement = (
        dialect.insert(Counter)
        .values(workshop_id=db.info["workshop_id"], name="questions", value=1)
        .on_conflict_do_update(
            index_elements=[Counter.workshop_id, Counter.name], set_={"value": Counter.value + 1}
        )
        .returning(Counter.value)
    )
    number: int = (await db.execute(statement)).scalar_one()
    return number
