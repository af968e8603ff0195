"""The life of a question: the one function that lets a deed of the table (`deeds.TABLE`) happen.

A question stands in one of the states of `QuestionState`; a queued one may moreover stand *next* or *on
stage*, which is read from its segment's `stage` row, so at most one can. Every deed locks that row and the
question, compares the revision the person saw with the present one, changes both, writes the audit, and
sees to the messages, all in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.errors import Invalid, NotAllowed, NotFound, Refusal, Stale
from bot.questions import messages, words
from bot.questions.deeds import AUTHORS, TABLE, Deed, Wish, check_role
from bot.questions.picture import Standing, standing
from bot.store.tables import Deed as AuditLine
from bot.store.tables import Person, Question, QuestionState, Stage

LARGEST_NUMBER = 2**31 - 1
REASON_SHORTEST, REASON_LONGEST = 3, 500
ANSWER_LONGEST = 2_500

# What a deed may change besides where the question stands, and what an undo therefore restores.
FIELDS = ("text", "edited", "reason", "merged_into", "answer", "answer_link", "decided_by", "decided_at")
CHANGES = sorted(f"question.{deed}" for deed in (*Deed, "submit", "undo", "displace", "return", "carry"))
_SLOTS = {Standing.ON_STAGE: "current_id", Standing.NEXT: "next_id"}


async def do(
    db: AsyncSession,
    deed: Deed,
    number: int,
    *,
    by: Person,
    moderates: bool,
    now: datetime,
    revision: int | None = None,
    wish: Wish = Wish(),  # noqa: B008 - frozen
    along_with: int | None = None,
) -> Question:
    """Let one deed happen to question `number`; returns the question as it is then.

    `revision` is the one the person saw (None: a typed command, which means the present one). `along_with`
    is the number of a question to which this person did something by the same press: an undo takes back
    both. Raises
    NotAllowed, NotFound, Invalid, and Stale when somebody was faster or the deed does not fit where the
    question stands; nothing is changed then.
    """
    question, stage = await hold(db, number)
    check_role(deed, question, by=by, moderates=moderates)
    if revision is not None and revision != question.revision:
        raise await stale(db, question, stage)
    before = standing(question, stage)
    after = TABLE[deed].get(before)
    nothing_new = deed is Deed.ANSWER and before is after and not (wish.text or wish.link)
    if after is None or nothing_new:
        raise await stale(db, question, stage)

    old = fields(question)
    extra = await _carry_out(db, deed, question, wish, by=by, now=now)
    question.revision += 1
    question.claimed_by = question.claimed_until = None
    if deed not in AUTHORS and deed is not Deed.EDIT:
        question.decided_by, question.decided_at = by.id, now
    displaced = await stand(db, question, stage, after, by=by, now=now)
    if displaced is not None:
        extra["displaced"] = displaced
    if along_with is not None:
        extra["along_with"] = along_with
    reason = question.reason if deed in (Deed.DECLINE, Deed.HOLD) else None
    record(
        db, question, deed, by=by, now=now, before=before, after=after, old=old, extra=extra, reason=reason
    )
    await messages.changed(db, question, before=before, after=after, now=now)
    return question


async def do_many(
    db: AsyncSession,
    deed: Deed,
    seen: Sequence[tuple[int, int | None]],
    *,
    by: Person,
    moderates: bool,
    now: datetime,
    wish: Wish = Wish(),  # noqa: B008 - frozen
) -> tuple[list[int], list[int]]:
    """Let one deed happen to many questions, each given as its number and the revision seen.

    Returns the numbers done and the numbers that somebody was faster with, or that the deed does not fit:
    those are left as they are. Raises NotAllowed, NotFound and Invalid before anything is changed.
    """
    done, refused = [], []
    for number, revision in sorted(seen, key=lambda item: item[0]):
        try:
            await do(db, deed, number, by=by, moderates=moderates, now=now, revision=revision, wish=wish)
            done.append(number)
        except Stale:  # raised before the deed changed anything
            refused.append(number)
    return done, refused


async def advance(
    db: AsyncSession,
    segment_id: str,
    *,
    by: Person,
    moderates: bool,
    now: datetime,
    revision: int | None = None,
) -> Stage:
    """What is on stage is answered, what was next goes on stage. Raises NotAllowed, Stale and Refusal.

    `revision` is that of the stage the person saw.
    """
    if not moderates:
        raise NotAllowed("not_a_moderator")
    stage = await stage_of(db, segment_id, lock=True)
    if revision is not None and revision != stage.revision:
        raise Stale("stage_moved")
    current, following = stage.current_id, stage.next_id
    if current is None and following is None:
        raise Refusal("stage_empty")
    answered = None
    if current is not None:
        answered = (await db.get_one(Question, current)).number
        await do(db, Deed.ANSWER, answered, by=by, moderates=True, now=now)
    if following is not None:
        number = (await db.get_one(Question, following)).number
        await do(db, Deed.STAGE, number, by=by, moderates=True, now=now, along_with=answered)
    return stage


async def get(db: AsyncSession, number: int) -> Question:
    """Question `number`; raises NotFound."""
    if 0 < number <= LARGEST_NUMBER:
        question = (await db.scalars(select(Question).where(Question.number == number))).one_or_none()
        if question is not None:
            return question
    raise NotFound("no_such_question", number=number)


async def hold(db: AsyncSession, number: int) -> tuple[Question, Stage]:
    """Question `number` and its stage as they are now, held until the transaction ends; raises NotFound.

    Always the stage first: whoever needs both then never waits for somebody who waits for them.
    """
    segment_id = (await get(db, number)).segment_id
    stage = await stage_of(db, segment_id, lock=True)
    statement = select(Question).where(Question.number == number).with_for_update(key_share=True)
    question = (await db.scalars(statement.execution_options(populate_existing=True))).one()
    return question, stage


async def stage_of(db: AsyncSession, segment_id: str, *, lock: bool = False) -> Stage:
    """The stage of a segment, made when there was none; `lock` holds it until the transaction ends."""
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    statement = select(Stage).where(Stage.segment_id == segment_id)
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    stage = (await db.scalars(statement)).one_or_none()
    if stage is None:
        await db.execute(
            dialect.insert(Stage)
            .values(workshop_id=db.info["workshop_id"], segment_id=segment_id, revision=1)
            .on_conflict_do_nothing()
        )
        stage = (await db.scalars(statement)).one()
    return stage


async def stale(db: AsyncSession, question: Question, stage: Stage | None) -> Stale:
    """The refusal that says what has become of the question, by whom and when."""
    line = await latest(db, question)
    # Whoever asked is not named: what they did themselves must not give away who they are.
    named = line is not None and line.actor_id not in (None, question.author_id)
    actor = await db.get(Person, line.actor_id) if line and named else None
    return Stale(
        "question_moved",
        number=question.number,
        standing=str(standing(question, stage)),
        deed=line.deed.partition(".")[2] if line else "submit",
        who=(actor.name or "") if actor else "",
        at=line.at if line else question.received_at,
    )


async def latest(db: AsyncSession, question: Question) -> AuditLine | None:
    """The last line the audit has of a change to it; claims, notes and the like are none."""
    statement = select(AuditLine).where(AuditLine.subject == subject(question), AuditLine.deed.in_(CHANGES))
    return (await db.scalars(statement.order_by(AuditLine.id.desc()).limit(1))).one_or_none()


def subject(question: Question) -> str:
    """What the audit calls it."""
    return f"question:{question.number}"


async def _carry_out(
    db: AsyncSession, deed: Deed, question: Question, wish: Wish, *, by: Person, now: datetime
) -> dict[str, Any]:
    """Change what the deed changes besides the standing; returns what the audit must know to undo it."""
    if deed is Deed.DECLINE or (deed is Deed.HOLD and wish.reason):
        question.reason = words.checked(
            wish.reason or "", field="reason", shortest=REASON_SHORTEST, longest=REASON_LONGEST
        )
    elif deed is Deed.EDIT:
        text = words.checked(wish.text or "", field="text", shortest=1, longest=words.UNITS_LIMIT)
        if text == question.text:
            raise Invalid("nothing_edited", field="text")
        question.text, question.edited = text, True
    elif deed is Deed.ANSWER:
        if wish.text:
            question.answer = words.checked(wish.text, field="answer", shortest=1, longest=ANSWER_LONGEST)
        question.answer_link = wish.link or question.answer_link
    elif deed is Deed.MERGE:
        return {"brought": await _merge(db, question, wish.target, by=by, now=now)}
    elif deed in (Deed.APPROVE, Deed.QUEUE, Deed.REOPEN):
        question.reason = question.merged_into = None
    return {}


async def _merge(
    db: AsyncSession, question: Question, target: int | None, *, by: Person, now: datetime
) -> list[int]:
    """Point it, and what was merged into it, to the target; a target is never merged itself."""
    other = await get(db, target or 0)
    if other.merged_into is not None:
        other = await db.get_one(Question, other.merged_into)
    refused = {QuestionState.DECLINED, QuestionState.WITHDRAWN, QuestionState.MERGED}
    if other.id == question.id or other.segment_id != question.segment_id or other.state in refused:
        raise Invalid("cannot_merge", field="target", number=question.number, target=target)
    statement = select(Question).where(Question.merged_into == question.id).order_by(Question.number)
    brought = (await db.scalars(statement)).all()
    for child in (question, *brought):
        child.merged_into = other.id
    for child in brought:
        child.revision += 1
        record_move(db, child, "carry", by=by, now=now, before=Standing.MERGED, after=Standing.MERGED)
    return [child.number for child in brought]


async def stand(
    db: AsyncSession, question: Question, stage: Stage, after: Standing, *, by: Person, now: datetime
) -> int | None:
    """Set where it stands, leaving and taking places on the stage.

    Whoever had the place goes back into the queue; returns that one's number, or None.
    """
    question.state = QuestionState.QUEUED if after in _SLOTS else QuestionState(after.value)
    displaced = None
    for place, slot in _SLOTS.items():
        holder = getattr(stage, slot)
        if (after is place) == (holder == question.id):
            continue
        setattr(stage, slot, question.id if after is place else None)
        stage.revision += 1
        if after is place and holder is not None:
            displaced = await _displace(db, holder, before=place, by=by, now=now)
    return displaced


async def _displace(
    db: AsyncSession, question_id: int, *, before: Standing, by: Person, now: datetime
) -> int:
    previous = await db.get_one(Question, question_id)
    previous.revision += 1
    record_move(db, previous, "displace", by=by, now=now, before=before, after=Standing.QUEUED)
    await messages.changed(db, previous, before=before, after=Standing.QUEUED, now=now)
    return previous.number


def fields(question: Question) -> dict[str, Any]:
    """What an undo would restore, as JSON."""
    values = {name: getattr(question, name) for name in FIELDS}
    values["decided_at"] = question.decided_at.isoformat() if question.decided_at else None
    return values


def record(
    db: AsyncSession,
    question: Question,
    deed: str,
    *,
    by: Person,
    now: datetime,
    before: Standing,
    after: Standing,
    old: dict[str, Any],
    extra: dict[str, Any],
    reason: str | None = None,
) -> None:
    """Write the audit's line of a deed: where it stood and stands, and what else changed."""
    new = fields(question)
    changed = [name for name in FIELDS if old[name] != new[name]]
    people.record(
        db,
        actor=by,
        deed=f"question.{deed}",
        subject=subject(question),
        now=now,
        old={"standing": str(before)} | {name: old[name] for name in changed},
        new={"standing": str(after), "revision": question.revision}
        | {name: new[name] for name in changed}
        | extra,
        reason=reason,
    )


def record_move(
    db: AsyncSession,
    question: Question,
    deed: str,
    *,
    by: Person,
    now: datetime,
    before: Standing,
    after: Standing,
) -> None:
    """Write the audit's line of what happened to a question because of a deed to another."""
    now_fields = fields(question)
    record(db, question, deed, by=by, now=now, before=before, after=after, old=now_fields, extra={})
