"""What the bot could not answer: filed once for everybody who asks it, answered by an organiser, learned.

An inquiry is *open* until an organiser answers it, points it to a topic that has the answer, or ignores
it. The same question in other case, spacing or punctuation joins the open one. Nothing is learned without
an organiser's deed.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import regex
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.answers import Learned
from bot.delivery import outbox
from bot.errors import Invalid, NotFound, Stale
from bot.rendering import clip, length
from bot.store.tables import Exchange, Inquiry, InquiryAsker, LearnedTopic, Person

OPEN = "open"
SOURCE = "the organisers"  # of a learned answer
ANSWER_LIMIT = 2_000  # characters an organiser's answer may have
SHOWN_LIMIT = 500  # of an inquiry on the organisers' card
REPLY_WORTH = timedelta(days=30)  # an answer somebody waited for stays worth sending that long


def sameness(text: str) -> str:
    """Equal for the same question written with other case, spacing or punctuation; 255 characters at most."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = regex.sub(r"[^\p{L}\p{N}]+", " ", folded).strip() or folded.strip()
    if len(words) <= 200:
        return words
    return words[:180] + " " + hashlib.sha256(words.encode()).hexdigest()[:32]


async def file(
    db: AsyncSession, *, text: str, asker: Person, lane: str, thread_ts: str | None, now: datetime
) -> Inquiry:
    """File what could not be answered, or join the open inquiry that asks the same.

    The organisers' card appears, or shows the new count. Who asks twice waits once.
    """
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    same = sameness(text)
    await db.execute(
        dialect.insert(Inquiry)
        .values(
            workshop_id=db.info["workshop_id"],
            text=text,
            sameness=same,
            round=0,
            state=OPEN,
            revision=1,
            asked_at=now,
        )
        .on_conflict_do_nothing()
    )
    inquiry = (await db.scalars(select(Inquiry).where(Inquiry.sameness == same, Inquiry.round == 0))).one()
    await db.execute(
        dialect.insert(InquiryAsker)
        .values(
            workshop_id=db.info["workshop_id"],
            inquiry_id=inquiry.id,
            person_id=asker.id,
            lane=lane,
            thread_ts=thread_ts,
            asked_at=now,
        )
        .on_conflict_do_nothing()
    )
    await outbox.want(
        db,
        key=card_key(inquiry),
        kind="answers/inquiry",
        lane="channel:organisers",
        content={"inquiry": inquiry.id},
        now=now,
    )
    return inquiry


async def answer(
    db: AsyncSession, inquiry_id: int, *, by: Person, text: str, revision: int, now: datetime
) -> LearnedTopic:
    """Send an organiser's answer to everybody who asked, and give it from now on.

    Raises Invalid for an empty or over-long answer, NotFound, and Stale when somebody has decided already.
    """
    words = text.strip()
    if not words or length(words) > ANSWER_LIMIT:
        raise Invalid("inquiry_answer_length", field="answer", limit=ANSWER_LIMIT, length=length(words))
    inquiry = await _decide(db, inquiry_id, state="answered", by=by, revision=revision, now=now)
    inquiry.answer = words
    topic = LearnedTopic(phrasings=[inquiry.text], answer=words, taught_by=by.id, taught_at=now)
    db.add(topic)
    await db.flush()
    for asker in await askers(db, inquiry):
        await outbox.add(
            db,
            key=f"inquiry:{inquiry.id}:answer:{asker.person_id}",
            kind="answers/organisers_answer",
            lane=asker.lane,
            thread_ts=asker.thread_ts,
            content={"question": clip(inquiry.text, SHOWN_LIMIT), "answer": words},
            expires_at=now + REPLY_WORTH,
            now=now,
        )
    people.record(
        db,
        actor=by,
        deed="inquiry.answer",
        subject=f"inquiry:{inquiry.id}",
        now=now,
        new={"learned": topic.id},
    )
    return topic


async def point(
    db: AsyncSession, inquiry_id: int, *, by: Person, topic: str, revision: int, now: datetime
) -> LearnedTopic:
    """Teach that this phrasing means `topic`, an answer the bot already has.

    The caller sends the askers that topic's answer, because composing it needs the programme of this moment.
    Raises NotFound, and Stale when somebody has decided already.
    """
    inquiry = await _decide(db, inquiry_id, state="pointed", by=by, revision=revision, now=now)
    taught = LearnedTopic(topic=topic, phrasings=[inquiry.text], taught_by=by.id, taught_at=now)
    db.add(taught)
    await db.flush()
    people.record(
        db, actor=by, deed="inquiry.point", subject=f"inquiry:{inquiry.id}", now=now, new={"topic": topic}
    )
    return taught


async def ignore(db: AsyncSession, inquiry_id: int, *, by: Person, revision: int, now: datetime) -> None:
    """Close an inquiry without an answer. Raises NotFound, and Stale when somebody has decided already."""
    inquiry = await _decide(db, inquiry_id, state="ignored", by=by, revision=revision, now=now)
    people.record(db, actor=by, deed="inquiry.ignore", subject=f"inquiry:{inquiry.id}", now=now)


async def forget(db: AsyncSession, learned_id: int, *, by: Person, now: datetime) -> None:
    """Stop giving a learned answer. Raises NotFound when there is none of that number."""
    topic = await db.get(LearnedTopic, learned_id)
    if topic is None or topic.removed_at is not None:
        raise NotFound("no_such_learned_topic", number=learned_id)
    topic.removed_at = now
    people.record(db, actor=by, deed="learned.remove", subject=f"learned:{learned_id}", now=now)


async def edit_learned(db: AsyncSession, learned_id: int, *, by: Person, text: str, now: datetime) -> None:
    """Give a learned answer in other words from now on. Raises NotFound and Invalid."""
    words = text.strip()
    if not words or length(words) > ANSWER_LIMIT:
        raise Invalid("inquiry_answer_length", field="answer", limit=ANSWER_LIMIT, length=length(words))
    topic = await db.get(LearnedTopic, learned_id)
    if topic is None or topic.removed_at is not None or topic.answer is None:
        raise NotFound("no_such_learned_topic", number=learned_id)
    people.record(
        db,
        actor=by,
        deed="learned.edit",
        subject=f"learned:{learned_id}",
        now=now,
        old={"answer": topic.answer},
    )
    topic.answer = words


async def learned(db: AsyncSession) -> list[Learned]:
    """Everything organisers have taught and not removed, in the order it was taught."""
    rows = await db.scalars(
        select(LearnedTopic).where(LearnedTopic.removed_at.is_(None)).order_by(LearnedTopic.id)
    )
    return [
        Learned(
            id=row.id, phrasings=tuple(row.phrasings), answer=row.answer or "", source=SOURCE, topic=row.topic
        )
        for row in rows
    ]


async def get(db: AsyncSession, inquiry_id: int) -> Inquiry:
    """One inquiry; raises NotFound."""
    inquiry = await db.get(Inquiry, inquiry_id)
    if inquiry is None:
        raise NotFound("no_such_inquiry", number=inquiry_id)
    return inquiry


async def waiting(db: AsyncSession) -> list[tuple[Inquiry, int]]:
    """The open inquiries with how many people wait for each, most waited for first, then oldest."""
    count = func.count(InquiryAsker.id)
    rows = await db.execute(
        select(Inquiry, count)
        .outerjoin(InquiryAsker, InquiryAsker.inquiry_id == Inquiry.id)
        .where(Inquiry.state == OPEN)
        .group_by(Inquiry.id)
        .order_by(count.desc(), Inquiry.asked_at, Inquiry.id)
    )
    return [(inquiry, number) for inquiry, number in rows]


async def askers(db: AsyncSession, inquiry: Inquiry) -> Sequence[InquiryAsker]:
    """Who waits for this one, in the order they asked."""
    rows = await db.scalars(
        select(InquiryAsker).where(InquiryAsker.inquiry_id == inquiry.id).order_by(InquiryAsker.id)
    )
    return rows.all()


def count(db: AsyncSession, *, status: str, topics: Sequence[str], now: datetime) -> None:
    """Note the outcome of one inquiry, without the person and without the text: the report counts these."""
    db.add(Exchange(status=status, topics=list(topics), at=now))


async def card(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any] | None:
    """What the organisers' card shows at this moment (composer of `answers/inquiry`)."""
    inquiry = await db.get(Inquiry, content["inquiry"])
    if inquiry is None:
        return None
    number = await db.scalar(select(func.count()).where(InquiryAsker.inquiry_id == inquiry.id))
    decided_by = await db.get(Person, inquiry.decided_by) if inquiry.decided_by else None
    return {
        "inquiry": inquiry,
        "text": clip(inquiry.text, SHOWN_LIMIT),
        "askers": number or 0,
        "decided_by": decided_by,
        "answer": clip(inquiry.answer, SHOWN_LIMIT) if inquiry.answer else None,
    }


COMPOSERS = {"answers/inquiry": card}


async def _decide(
    db: AsyncSession, inquiry_id: int, *, state: str, by: Person, revision: int, now: datetime
) -> Inquiry:
    inquiry = (
        await db.scalars(select(Inquiry).where(Inquiry.id == inquiry_id).with_for_update())
    ).one_or_none()
    if inquiry is None:
        raise NotFound("no_such_inquiry", number=inquiry_id)
    if inquiry.state != OPEN or inquiry.revision != revision:
        decider = await db.get(Person, inquiry.decided_by) if inquiry.decided_by else None
        raise Stale(
            "inquiry_decided",
            state=inquiry.state,
            by=decider.slack_id if decider else None,
            at=inquiry.decided_at,
        )
    inquiry.state, inquiry.round, inquiry.revision = state, inquiry.id, inquiry.revision + 1
    inquiry.decided_by, inquiry.decided_at = by.id, now
    await outbox.refresh(db, card_key(inquiry), now=now)
    return inquiry


def card_key(inquiry: Inquiry) -> str:
    """The outbox key of its card for the organisers."""
    return f"inquiry:{inquiry.id}:card"
