"""What moderators do beside a question's life: claims, notes, labels, speakers, muting, clarifications.

None of it changes where the question stands, so none of it makes anybody's view of it stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.config import Config
from bot.delivery import outbox
from bot.errors import Invalid, NotAllowed, Refusal, Stale
from bot.questions import life, messages, words
from bot.store.tables import Deed as AuditLine
from bot.store.tables import Person, Question, QuestionState, Remark

NOTE_LONGEST = 1_000
SPEAKER_LONGEST = 100
LABEL_LONGEST = 20
LABELS_AT_MOST = 5
CLARIFICATION_WORTH = timedelta(hours=24)
OVER = (QuestionState.ANSWERED, QuestionState.DECLINED, QuestionState.MERGED, QuestionState.WITHDRAWN)


async def claim(
    db: AsyncSession, number: int, *, by: Person, moderates: bool, config: Config, now: datetime
) -> Question:
    """Show that this moderator is handling the question, for `claim_minutes`; claiming again prolongs it.

    Raises Stale while a colleague's claim lasts, and when the question is decided already.
    """
    question = await _held(db, number, moderates)
    if question.state in OVER:
        raise await life.stale(db, question, None)
    if question.claimed_by not in (None, by.id) and question.claimed_until and question.claimed_until > now:
        holder = await db.get(Person, question.claimed_by)
        raise Stale(
            "question_claimed",
            number=number,
            who=(holder.name or "") if holder else "",
            until=question.claimed_until,
        )
    question.claimed_by = by.id
    question.claimed_until = now + timedelta(minutes=config.questions.claim_minutes)
    _record(db, question, "claim", by=by, now=now)
    await messages.noted(db, question, now=now, asker_too=True)
    return question


async def unclaim(db: AsyncSession, number: int, *, by: Person, moderates: bool, now: datetime) -> Question:
    """Let the question go; harmless when nobody claims it. Raises NotAllowed for a colleague's claim."""
    question = await _held(db, number, moderates)
    live = question.claimed_until is not None and question.claimed_until > now
    if question.claimed_by not in (None, by.id) and live:
        raise NotAllowed("not_your_claim", number=number)
    if question.claimed_by is not None:
        question.claimed_by = question.claimed_until = None
        _record(db, question, "unclaim", by=by, now=now)
        await messages.noted(db, question, now=now, asker_too=True)
    return question


async def note(
    db: AsyncSession, number: int, *, by: Person, moderates: bool, text: str, now: datetime
) -> Question:
    """Leave a note to colleagues on the card. Raises Invalid for `note`."""
    question = await _held(db, number, moderates)
    kept = words.checked(text, field="note", shortest=1, longest=NOTE_LONGEST)
    db.add(Remark(question_id=question.id, kind="note", text=kept, author_id=by.id, at=now))
    _record(db, question, "note", by=by, now=now)
    await messages.noted(db, question, now=now)
    return question


async def assign(
    db: AsyncSession, number: int, *, by: Person, moderates: bool, speaker: str, now: datetime
) -> Question:
    """Say which speaker, or other person, the question is for ("": nobody). Raises Invalid for `speaker`."""
    question = await _held(db, number, moderates)
    kept = " ".join(words.clean(speaker).split())
    if len(kept) > SPEAKER_LONGEST:
        raise Invalid("text_length", field="speaker", length=len(kept), shortest=0, longest=SPEAKER_LONGEST)
    old, question.assigned_to = question.assigned_to, kept or None
    _record(db, question, "assign", by=by, now=now, old=old, new=question.assigned_to)
    await messages.noted(db, question, now=now)
    return question


async def label(
    db: AsyncSession, number: int, *, by: Person, moderates: bool, labels: list[str], now: datetime
) -> Question:
    """Give the question these labels, at most five of 20 characters. Raises Invalid for `labels`."""
    question = await _held(db, number, moderates)
    kept = sorted({" ".join(words.clean(each).split()).lower() for each in labels} - {""})
    if len(kept) > LABELS_AT_MOST or any(len(each) > LABEL_LONGEST for each in kept):
        raise Invalid("labels", field="labels", most=LABELS_AT_MOST, longest=LABEL_LONGEST)
    old, question.labels = question.labels, kept
    _record(db, question, "label", by=by, now=now, old=old, new=kept)
    await messages.noted(db, question, now=now)
    return question


async def mute(
    db: AsyncSession, number: int, *, by: Person, moderates: bool, muted: bool, now: datetime
) -> Question:
    """Stop the author of this question from submitting more, or no longer; nobody need know who that is."""
    question = await _held(db, number, moderates)
    author = await db.get(Person, question.author_id) if question.author_id else None
    if author is None:
        raise Refusal("asker_unknown", number=number)
    author.muted = muted
    _record(db, question, "mute" if muted else "unmute", by=by, now=now)
    await messages.noted(db, question, now=now)
    return question


async def clarify(
    db: AsyncSession, number: int, *, by: Person, moderates: bool, text: str, now: datetime
) -> Question:
    """Ask the asker what was meant, in the thread of their receipt; neither side sees a name."""
    question = await _held(db, number, moderates)
    kept = words.checked(text, field="clarification", shortest=3, longest=NOTE_LONGEST)
    receipt = await outbox.find(db, messages.receipt_key(number))
    if question.author_id is None or receipt is None:
        raise Refusal("asker_unknown", number=number)
    remark = await _remark(db, question, "clarification", kept, by, now=now)
    await outbox.add(
        db,
        key=f"question:{number}:remark:{remark.id}",
        kind="questions/clarification",
        lane=receipt.lane,
        content={"question": number, "remark": remark.id},
        reply_to=receipt.id,
        priority=outbox.URGENT,
        expires_at=now + CLARIFICATION_WORTH,
        now=now,
    )
    _record(db, question, "clarify", by=by, now=now)
    await messages.noted(db, question, now=now)
    return question


async def reply(db: AsyncSession, number: int, *, by: Person, text: str, now: datetime) -> Question:
    """The asker's answer to a clarification, shown under the card. Raises NotAllowed for anybody else."""
    question, _ = await life.hold(db, number)
    if by.id != question.author_id:
        raise NotAllowed("not_your_question", number=number)
    kept = words.checked(text, field="reply", shortest=1, longest=NOTE_LONGEST)
    remark = await _remark(db, question, "reply", kept, by, now=now)
    card = await outbox.find(db, messages.card_key(number))
    if card is not None:
        await outbox.add(
            db,
            key=f"question:{number}:remark:{remark.id}",
            kind="questions/reply",
            lane=card.lane,
            content={"question": number, "remark": remark.id},
            reply_to=card.id,
            now=now,
        )
    _record(db, question, "reply", by=by, now=now)
    await messages.noted(db, question, now=now)
    return question


async def shown(db: AsyncSession, question_ids: Sequence[int]) -> dict[int, list[dict[str, str]]]:
    """What was said beside these questions, oldest first: `kind`, `text`, `by`; who asked has no name."""
    statement = (
        select(Remark, Person.name)
        .outerjoin(Person, Person.id == Remark.author_id)
        .where(Remark.question_id.in_(question_ids))
        .order_by(Remark.id)
    )
    notes: dict[int, list[dict[str, str]]] = {}
    for remark, name in await db.execute(statement):
        by = "the asker" if remark.kind == "reply" else name or "a moderator"
        notes.setdefault(remark.question_id, []).append({"kind": remark.kind, "text": remark.text, "by": by})
    return notes


async def muted(db: AsyncSession, questions: Sequence[tuple[int, int]]) -> set[int]:
    """Of these (id, number), the ids whose author is muted, and was muted there.

    Shown elsewhere, it would tell that a hidden asker and a named one are the same person.
    """
    subjects = {f"question:{number}": question_id for question_id, number in questions}
    lines = await db.execute(
        select(AuditLine.subject, AuditLine.deed)
        .where(AuditLine.subject.in_(subjects), AuditLine.deed.in_(("question.mute", "question.unmute")))
        .order_by(AuditLine.id)
    )
    here = {subjects[line.subject]: line.deed == "question.mute" for line in lines}
    silenced = select(Question.id).join(Person, Person.id == Question.author_id).where(Person.muted)
    return set(
        (await db.scalars(silenced.where(Question.id.in_([id_ for id_, is_ in here.items() if is_])))).all()
    )


async def _held(db: AsyncSession, number: int, moderates: bool) -> Question:
    if not moderates:
        raise NotAllowed("not_a_moderator")
    return (await life.hold(db, number))[0]


async def _remark(
    db: AsyncSession, question: Question, kind: str, text: str, by: Person, *, now: datetime
) -> Remark:
    remark = Remark(question_id=question.id, kind=kind, text=text, author_id=by.id, at=now)
    db.add(remark)
    await db.flush()
    return remark


def _record(
    db: AsyncSession,
    question: Question,
    deed: str,
    *,
    by: Person,
    now: datetime,
    old: object = None,
    new: object = None,
) -> None:
    people.record(
        db,
        actor=by,
        deed=f"question.{deed}",
        subject=life.subject(question),
        now=now,
        old=None if old is None else {"value": old},
        new=None if new is None else {"value": new},
    )
