"""What the messages about questions show at the moment they are sent or shown anew: composers by template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery import outbox
from bot.programme import versions
from bot.questions import beside, deeds, messages, similar, summary, windows
from bot.questions.picture import PUBLIC, VOTABLE, WAITING, Audience, Picture, Standing, draw_one
from bot.questions.undo import undoable
from bot.store.tables import DeliveryState, Question, Remark, Switch

Values = Mapping[str, Any] | None


async def receipt(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """The asker's one message, kept current. What was merged tells the fate of the one that stands for it."""
    question = await _question(db, content["question"])
    if question is None:
        return None
    picture = await _picture(db, question, "author", now)
    fate = picture
    if question.merged_into is not None:
        fate = await _picture(db, await db.get_one(Question, question.merged_into), "participants", now)
    ahead = await _ahead(db, question) if picture.standing in (Standing.RECEIVED, Standing.HELD) else 0
    return {"q": picture, "fate": fate, "ahead": ahead, "can_withdraw": _can_withdraw(picture)}


async def said(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """The short reply to a receipt; not sent when things have moved on before it was."""
    question = await _question(db, content["question"])
    about = await _question(db, content["about"])
    if question is None or about is None:
        return None
    picture = await _picture(db, about, "author" if about is question else "participants", now)
    if picture.standing != content["standing"]:
        return None
    return {"q": await _picture(db, question, "author", now), "fate": picture}


async def card(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """The moderators' card of one question."""
    question = await _question(db, content["question"])
    if question is None:
        return None
    picture = await _picture(db, question, "moderators", now)
    return {
        "q": picture,
        "alike": await _alike(db, question) if picture.standing in WAITING else [],
        "notes": (await beside.shown(db, [question.id])).get(question.id, [])[-5:],
        "muted": question.id in await beside.muted(db, [(question.id, question.number)]),
        "deeds": [str(deed) for deed in deeds.allowed(picture.standing)],
        "undoable": question.number in await undoable(db, [question.number]),
    }


async def post(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """The participants' post: the question while it is public, else only where it went.

    None while it is not posted and the question is public no more: nobody hears of what they never saw.
    """
    question = await _question(db, content["question"])
    if question is None:
        return None
    picture = await _picture(db, question, "participants", now)
    row = await outbox.find(db, messages.post_key(question))
    if picture.standing not in PUBLIC and row is not None and row.state is DeliveryState.SENDING:
        return None
    return {"q": picture, "public": picture.standing in PUBLIC, "votable": picture.standing in VOTABLE}


async def digest(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """How many questions wait and which is the newest, in place of their cards."""
    statement = select(Switch.value).where(Switch.name == messages.DIGEST)
    present = (await db.scalars(statement)).one_or_none()
    waiting, newest = await messages.waiting(db)
    return {
        "waiting": waiting,
        "newest": newest,
        "present": present == f"questions:digest:{content['first']}",
    }


async def closing(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """Two minutes to go; not sent when the hours changed, or when all is closed already."""
    programme = await versions.current(db)
    segment = programme.segment(content["segment"])
    closes_at = datetime.fromisoformat(content["closes_at"])
    if segment is None or segment.cancelled or windows.live_until(programme, segment) != closes_at:
        return None
    settings = await windows.settings_of(db, segment.id)
    if settings["submit"] == "closed" and settings["vote"] != "auto":
        return None
    return {"segment": segment, "closes_at": closes_at, "settings": settings}


async def clarification(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """A moderator's question back to the asker, without the moderator's name."""
    return await _remark(db, content, "author", now)


async def reply(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Values:
    """The asker's reply under the card, without the asker's name."""
    return await _remark(db, content, "moderators", now)


COMPOSERS = {
    "questions/receipt": receipt,
    "questions/said": said,
    "questions/card": card,
    "questions/post": post,
    "questions/digest": digest,
    "questions/closing": closing,
    "questions/clarification": clarification,
    "questions/reply": reply,
    summary.KIND: summary.values,
}


async def _question(db: AsyncSession, number: int) -> Question | None:
    return (await db.scalars(select(Question).where(Question.number == number))).one_or_none()


async def _picture(db: AsyncSession, question: Question, audience: Audience, now: datetime) -> Picture:
    programme = await versions.current(db)
    return await draw_one(db, question, programme=programme, audience=audience, now=now)


async def _remark(db: AsyncSession, content: Mapping[str, Any], audience: Audience, now: datetime) -> Values:
    question, remark = await _question(db, content["question"]), await db.get(Remark, content["remark"])
    if question is None or remark is None:
        return None
    return {"q": await _picture(db, question, audience, now), "text": remark.text}


async def _ahead(db: AsyncSession, question: Question) -> int:
    statement = select(Question.number).where(
        Question.state.in_(("received", "held")), Question.number < question.number
    )
    return len((await db.scalars(statement)).all())


async def _alike(db: AsyncSession, question: Question) -> list[similar.Alike]:
    return await similar.find(
        db,
        question.text,
        segment_id=question.segment_id,
        states=similar.COMPARED_BY_MODERATORS,
        other_than=question.number,
    )


def _can_withdraw(picture: Picture) -> bool:
    return picture.standing in deeds.TABLE[deeds.Deed.WITHDRAW]
