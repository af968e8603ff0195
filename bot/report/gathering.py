"""Reading the report's numbers and lists from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.answers import TopicInfo, inquiries
from bot.programme import versions
from bot.programme.model import Programme
from bot.questions import export
from bot.report import messages
from bot.store.tables import (
    Delivery,
    DeliveryState,
    Exchange,
    Inquiry,
    InquiryAsker,
    LearnedTopic,
    Person,
    Question,
    QuestionState,
    Vote,
)

_LEARNED = "learned:"  # begins the id of what an organiser taught
_REPLY = "reply:"  # begins the key of a reply; the person's number follows


async def gather(
    db: AsyncSession, topics: Sequence[TopicInfo], *, now: datetime, names: bool = False
) -> dict[str, Any]:
    """Everything the report says, as plain values: instants are aware, durations are seconds.

    `topics` are the bot's own (`Answers.topics`), for their names and for which of them only say that
    something is not published. With `names` people are listed as Slack shows them, and a question's asker
    where they showed their name to everybody. Raises NotFound for a database that was never begun.
    """
    programme = await versions.current(db)
    return {
        "made_at": now,
        "workshop": _workshop(db, programme),
        "inquiries": await _inquiries(db, topics),
        "questions": await _questions(db, programme, names=names, now=now),
        "reminders": await messages.reminders(db, programme),
        "changes": await messages.changes(db),
        "broadcasts": await messages.broadcasts(db),
        "deliveries": await messages.states(db),
        "failed": await messages.failed(db),
        "reached": await _reached(db, names=names),
    }


def _workshop(db: AsyncSession, programme: Programme) -> dict[str, Any]:
    return {
        "id": db.info["workshop_id"],
        "title": programme.title,
        "starts": programme.starts,
        "ends": programme.ends,
        "status": programme.status.value,
        "version": programme.version,
    }


async def _inquiries(db: AsyncSession, topics: Sequence[TopicInfo]) -> dict[str, Any]:
    known = {topic.id: topic for topic in topics}
    outcomes: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for status, about in await db.execute(select(Exchange.status, Exchange.topics)):
        outcomes[status] += 1
        asked.update(set(about))
    taught = await _taught(db)
    published = [id for id in asked if id not in known or known[id].known]
    missing = [id for id in asked if id in known and not known[id].known]
    return {
        "outcomes": {
            word: outcomes[word] for word in ("answered", "unknown", "small_talk", "panel_question")
        },
        "answered_topics": _listed(published, asked, known, taught),
        "missing_topics": _listed(missing, asked, known, taught),
        "unanswered": await _unanswered(db),
    }


def _listed(
    ids: Iterable[str],
    asked: Mapping[str, int],
    known: Mapping[str, TopicInfo],
    taught: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Topics with how often each was asked about, the most frequent first."""
    return [
        {
            "topic": id,
            "label": known[id].label if id in known else taught.get(id, id),
            "taught": id.startswith(_LEARNED),
            "times": asked[id],
        }
        for id in sorted(ids, key=lambda id: (-asked[id], id))
    ]


async def _taught(db: AsyncSession) -> dict[str, str]:
    """What organisers taught, by its topic's id, as it was first asked."""
    rows = (await db.scalars(select(LearnedTopic))).all()
    return {f"{_LEARNED}{row.id}": row.phrasings[0] for row in rows if row.phrasings}


async def _unanswered(db: AsyncSession) -> list[dict[str, Any]]:
    """What the bot could not answer, and what became of it: open ones first, most waited for first."""
    waiting = func.count(InquiryAsker.id)
    rows = await db.execute(
        select(Inquiry, waiting)
        .outerjoin(InquiryAsker, InquiryAsker.inquiry_id == Inquiry.id)
        .group_by(Inquiry.id)
        .order_by(waiting.desc(), Inquiry.asked_at, Inquiry.id)
    )
    found = [
        {
            "text": inquiry.text,
            "people": people,
            "asked_at": inquiry.asked_at,
            "state": inquiry.state,
            "answer": inquiry.answer,
            "decided_at": inquiry.decided_at,
        }
        for inquiry, people in rows
    ]
    return sorted(found, key=lambda each: each["state"] != inquiries.OPEN)


async def _questions(db: AsyncSession, programme: Programme, *, names: bool, now: datetime) -> dict[str, Any]:
    records = await export.records(db, programme=programme, now=now)
    states = Counter(state.value for state in await db.scalars(select(Question.state)))
    votes = await db.scalars(select(Vote.voted_at).where(Vote.stands).order_by(Vote.voted_at))
    received = await db.scalars(select(Question.received_at).order_by(Question.received_at))
    return {
        "by_state": {state.value: states[state.value] for state in QuestionState},
        "voted_at": votes.all(),
        "received_at": received.all(),
        "list": [
            {
                "number": record.number,
                "segment": record.segment,
                "text": record.text,
                "standing": record.standing,
                "votes": record.votes,
                "merged_into": record.merged_into,
                "reason": record.reason,
                "answer": record.answer,
                "answer_link": record.answer_link,
                "asker": (record.asker or None) if names else None,
            }
            for record in records
        ],
    }


async def _reached(db: AsyncSession, *, names: bool) -> dict[str, Any]:
    """Who had to do with the bot, in numbers; one line a person only where names are asked for."""
    people = {row.id: row for row in await db.scalars(select(Person).where(Person.is_bot.is_(False)))}
    written = await _messages_to(db)
    replied = await _replies(db)
    votes = await _by_person(db, Vote.person_id, Vote.stands)
    shown = await _by_person(db, Question.author_id, Question.hidden == "named")
    authors = set((await db.scalars(select(Question.author_id).distinct())).all())
    found: dict[str, Any] = {
        "people": len(people),
        "forgotten": sum(person.slack_id is None for person in people.values()),
        "asked_the_bot": len(people.keys() & replied.keys()),
        "asked_the_panel": len(people.keys() & authors),
        "voted": len(people.keys() & votes.keys()),
        "opened_home": sum(person.home_opened_at is not None for person in people.values()),
        "want_reminders": sum(person.remind_minutes is not None for person in people.values()),
        "written_to": len(people.keys() & written.keys()),
        "direct_messages": sum(written.values()),
        "list": None,
    }
    if names:
        found["list"] = [
            {
                "name": person.name,
                "slack_id": person.slack_id,
                "asked_the_bot": replied.get(person.id, 0),
                "questions_by_name": shown.get(person.id, 0),
                "votes": votes.get(person.id, 0),
                "direct_messages": written.get(person.id, 0),
            }
            for person in sorted(people.values(), key=lambda one: ((one.name or "").casefold(), one.id))
            if person.slack_id is not None
        ]
    return found


async def _by_person(db: AsyncSession, column: Any, condition: Any) -> dict[int, int]:
    """How many such rows there are of each person, by their number."""
    rows = select(column, func.count()).where(condition, column.is_not(None)).group_by(column)
    return dict((await db.execute(rows)).all())


async def _messages_to(db: AsyncSession) -> dict[int, int]:
    """How many direct messages each person got, by their number."""
    statement = (
        select(Delivery.lane, func.count())
        .where(
            Delivery.lane.startswith("person:"),
            Delivery.state == DeliveryState.SENT,
            Delivery.method == "post",
        )
        .group_by(Delivery.lane)
    )
    return {int(lane.partition(":")[2]): number for lane, number in await db.execute(statement)}


async def _replies(db: AsyncSession) -> Counter[int]:
    """How many replies each person got to what they asked, as far as those are still kept."""
    keys = await db.scalars(select(Delivery.key).where(Delivery.key.startswith(_REPLY)))
    return Counter(int(key.split(":", 2)[1]) for key in keys)
