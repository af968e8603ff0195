"""Forgetting one person: no row says any more who they were, and none holds their words.

The row in `people` stays, without a name, so that votes and numbers still count. Questions, inquiries and
the replies they got are parted from it, and their words are replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.answers import inquiries
from bot.delivery import outbox
from bot.errors import Stale
from bot.questions import life, messages
from bot.questions.deeds import Deed
from bot.store.tables import (
    BoardView,
    Delivery,
    DeliveryState,
    Inquiry,
    InquiryAsker,
    Intake,
    Lane,
    LearnedTopic,
    Person,
    Question,
    Remark,
    Vote,
)
from bot.store.tables import Deed as AuditLine

REMOVED = "[…]"  # in place of words that were removed


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed or unlinked, in numbers."""

    questions: int = 0
    remarks: int = 0
    inquiries: int = 0
    learned_answers: int = 0  # no longer given: the only wording they were known by is gone
    messages: int = 0
    cancelled_messages: int = 0
    votes_kept: int = 0
    deeds_unlinked: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def known(db: AsyncSession, slack_id: str) -> Person | None:
    """The person, their row kept from everybody else until this transaction ends; None: not known."""
    statement = select(Person).where(Person.slack_id == slack_id).with_for_update()
    return (await db.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def erase(db: AsyncSession, person: Person, *, now: datetime) -> Forgotten:
    """Forget a person and remove their words; a question that still waits is withdrawn. Twice is harmless."""
    slack_id, conversations = person.slack_id, await _conversations(db, person)
    questions = await _erase_questions(db, person, now=now)
    remarks = await _erase_remarks(db, person, now=now)
    asked, learned = await _erase_inquiries(db, person, now=now)
    return await _part(
        db,
        person,
        slack_id,
        conversations,
        Forgotten(questions=questions, remarks=remarks, inquiries=asked, learned_answers=learned),
        deed="person.erase",
        now=now,
    )


async def unlink(db: AsyncSession, person: Person, *, now: datetime) -> Forgotten:
    """Forget who a person was; their questions stay in the workshop's record as nobody's."""
    slack_id, conversations = person.slack_id, await _conversations(db, person)
    asked = select(Question).where(Question.author_id == person.id)
    for question in (await db.scalars(asked)).all():
        question.author_id = None
    await db.execute(update(Remark).where(Remark.author_id == person.id).values(author_id=None))
    await db.execute(delete(InquiryAsker).where(InquiryAsker.person_id == person.id))
    return await _part(db, person, slack_id, conversations, Forgotten(), deed="person.unlink", now=now)


async def _erase_questions(db: AsyncSession, person: Person, *, now: datetime) -> int:
    statement = select(Question.number).where(Question.author_id == person.id).order_by(Question.number)
    numbers = (await db.scalars(statement)).all()
    for number in numbers:
        try:
            await life.do(db, Deed.WITHDRAW, number, by=person, moderates=False, now=now)
        except Stale:
            pass  # it is past that: answered, declined, merged, on stage
        question, _ = await life.hold(db, number)
        question.text, question.author_id = REMOVED, None
        question.revision += 1
        await _clean_audit(db, life.subject(question))
        await outbox.refresh(db, messages.card_key(number), now=now)
        if question.posts:
            await outbox.refresh(db, messages.post_key(question), now=now)
    return len(numbers)


async def _clean_audit(db: AsyncSession, subject: str) -> None:
    """Take the wording out of the audit of a question; an undo of an edit must not bring it back."""
    for line in (await db.scalars(select(AuditLine).where(AuditLine.subject == subject))).all():
        for side in ("old", "new"):
            values = getattr(line, side)
            if values and "text" in values:
                setattr(line, side, {**values, "text": REMOVED})


async def _erase_remarks(db: AsyncSession, person: Person, *, now: datetime) -> int:
    statement = (
        select(Remark, Question.number)
        .join(Question, Question.id == Remark.question_id)
        .where(Remark.author_id == person.id)
        .order_by(Remark.id)
    )
    found = (await db.execute(statement)).all()
    for remark, number in found:
        remark.text, remark.author_id = REMOVED, None
        await outbox.refresh(db, f"question:{number}:remark:{remark.id}", now=now)
        await outbox.refresh(db, messages.card_key(number), now=now)
    return len(found)


async def _erase_inquiries(db: AsyncSession, person: Person, *, now: datetime) -> tuple[int, int]:
    """Take the person from everything they asked; what nobody else asked loses its words."""
    statement = (
        select(Inquiry)
        .join(InquiryAsker, InquiryAsker.inquiry_id == Inquiry.id)
        .where(InquiryAsker.person_id == person.id)
        .order_by(Inquiry.id)
    )
    learned = 0
    found = (await db.scalars(statement)).all()
    for inquiry in found:
        askers = await inquiries.askers(db, inquiry)
        await db.execute(
            delete(InquiryAsker).where(
                InquiryAsker.inquiry_id == inquiry.id, InquiryAsker.person_id == person.id
            )
        )
        if len(askers) == 1:
            learned += await _unlearn(db, inquiry.text, now=now)
            clear(inquiry, now=now)
        await outbox.refresh(db, inquiries.card_key(inquiry), now=now)
    return len(found), learned


def clear(inquiry: Inquiry, *, now: datetime) -> None:
    """Remove an inquiry's words; an open one is closed, for nobody waits for its answer."""
    inquiry.text, inquiry.sameness = REMOVED, f"removed:{inquiry.id}"
    if inquiry.state == inquiries.OPEN:
        inquiry.state, inquiry.round, inquiry.decided_at = "ignored", inquiry.id, now
    inquiry.revision += 1


async def _unlearn(db: AsyncSession, text: str, *, now: datetime) -> int:
    """Take a wording out of what was learned; an answer known by no other is no longer given."""
    retired = 0
    for topic in (await db.scalars(select(LearnedTopic))).all():
        if text in topic.phrasings:
            topic.phrasings = [phrasing for phrasing in topic.phrasings if phrasing != text]
            if not topic.phrasings and topic.removed_at is None:
                topic.removed_at = now
                retired += 1
    return retired


async def _part(
    db: AsyncSession,
    person: Person,
    slack_id: str | None,
    conversations: Sequence[str],
    found: Forgotten,
    *,
    deed: str,
    now: datetime,
) -> Forgotten:
    """Clear everything that still leads to the person, and their own row."""
    sent, cancelled = await _clear_deliveries(db, person, conversations)
    await _clear_marks(db, slack_id, conversations)
    await db.execute(delete(BoardView).where(BoardView.person_id == person.id))
    await db.execute(update(Question).where(Question.claimed_by == person.id).values(claimed_by=None))
    deeds = await db.execute(
        update(AuditLine).where(AuditLine.actor_id == person.id).values(actor_id=None).returning(AuditLine.id)
    )
    votes = select(func.count()).select_from(Vote).where(Vote.person_id == person.id, Vote.stands)
    result = Forgotten(
        questions=found.questions,
        remarks=found.remarks,
        inquiries=found.inquiries,
        learned_answers=found.learned_answers,
        messages=sent,
        cancelled_messages=cancelled,
        votes_kept=(await db.scalars(votes)).one(),
        deeds_unlinked=len(deeds.all()),
    )
    person.slack_id = person.name = person.tz = person.locale = person.dm = None
    person.refreshed_at = person.home_opened_at = person.remind_minutes = None
    person.stars, person.muted = [], False
    subject = f"person:{person.id}"
    people.record(db, actor=None, deed=deed, subject=subject, now=now, new=result.as_json())
    return result


async def _conversations(db: AsyncSession, person: Person) -> list[str]:
    """The ids of their direct messages with the bot, as far as any row knows them."""
    statement = select(Delivery.channel).where(Delivery.lane == people.lane(person)).distinct()
    found = {channel for channel in await db.scalars(statement) if channel and channel.startswith("D")}
    return sorted(found | ({person.dm} if person.dm else set()))


async def _clear_deliveries(
    db: AsyncSession, person: Person, conversations: Sequence[str]
) -> tuple[int, int]:
    """Empty every message to the person, or made for them; what waits is cancelled.

    A row in the middle of being posted goes away altogether, so that nothing is written into it afterwards.
    """
    statement = select(Delivery).where(_theirs(person, conversations)).order_by(Delivery.id)
    locked = statement.with_for_update().execution_options(populate_existing=True)
    rows = (await db.scalars(locked)).all()
    cancelled = 0
    await db.execute(
        update(Delivery).where(Delivery.reply_to.in_([row.id for row in rows])).values(reply_to=None)
    )
    for row in rows:
        if row.state is DeliveryState.SENDING:
            await db.delete(row)
            continue
        if row.state is DeliveryState.PENDING:
            row.state = DeliveryState.CANCELLED
            cancelled += 1
        clear_delivery(row)
        if row.lane.startswith("D"):
            row.lane = people.lane(person)
    lanes = [name for each in conversations for name in (each, f"{each}/upkeep")]
    await db.execute(delete(Lane).where(Lane.name.in_(lanes)))
    return len(rows) - cancelled, cancelled


def _theirs(person: Person, conversations: Sequence[str]) -> ColumnElement[bool]:
    number = person.id
    return or_(
        Delivery.lane == people.lane(person),
        Delivery.lane.in_(conversations),
        Delivery.channel.in_(conversations),
        Delivery.key.startswith(f"reply:{number}:"),
        Delivery.key.startswith(f"flood:{number}:"),
        Delivery.key.like(f"inquiry:%:answer:{number}"),
    )


def clear_delivery(row: Delivery) -> None:
    """Leave of a message only that there was one."""
    row.key, row.content = f"removed:{row.id}", {}
    row.channel = row.ts = row.thread_ts = row.cursor = None
    row.task = row.due_at = None
    row.pin = row.pinned = row.withdrawn = False
    row.shown = row.revision


async def _clear_marks(db: AsyncSession, slack_id: str | None, conversations: Sequence[str]) -> None:
    """Remove the marks of what was taken in from them: a click's mark names who clicked."""
    for each in (slack_id, *conversations):
        if each:
            await db.execute(delete(Intake).where(Intake.key.contains(f":{each}:", autoescape=True)))
