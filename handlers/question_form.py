"""The form that puts a question to the panel: what it offers, and how it opens."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.answers import inquiries
from bot.errors import Refusal
from bot.programme import versions
from bot.programme.model import Programme, Status
from bot.questions import similar, submission, votes, windows
from bot.rendering import Mrkdwn, clip
from handlers.desk import Desk, state_value
from handlers.modals import open_modal, redraw

SUBMIT = "questions.submit"
OFFERED = "offered"  # what a modal carries once similar questions, or an answer, were shown in it


async def open_form(
    desk: Desk, client: AsyncWebClient, trigger_id: str, *, text: str, hidden: str = "named"
) -> None:
    """Open it with these words and this choice in it. Raises Refusal when all is closed, or Slack refuses."""
    async with desk.database.read() as db:
        programme = await versions.current(db)
        view = await _form(db, desk, programme, text=text, hidden=hidden)
    await open_modal(client, trigger_id, view, instead="question")


@dataclass(frozen=True, slots=True)
class Offer:
    """What might spare a question: those that ask much the same, what the bot knows, the person's votes."""

    alike: list[similar.Alike] = field(default_factory=list)
    answer: Mrkdwn | None = None
    voted: set[int] = field(default_factory=set)  # ids of questions


async def with_offer(
    db: AsyncSession, desk: Desk, view: Mapping[str, Any], user: str, *, always: bool = False
) -> dict[str, Any] | None:
    """The form as it was filled in, with what might spare the question; None when nothing would.

    `always`: also then. Raises Refusal when all is closed.
    """
    text = state_value(view, "text") or ""
    programme, by = await versions.current(db), await people.find(db, user)
    segment = submission.choose_segment(programme, state_value(view, "segment"), now=desk.now())
    alike = await similar.find(db, text, segment_id=segment.id, not_by=by)
    offer = Offer(
        alike=alike,
        answer=await _known(db, desk, text, programme) if text.strip() else None,
        voted=await votes.voted(db, by) if by and alike else set(),
    )
    if not (always or offer.alike or offer.answer):
        return None
    return await _form(db, desk, programme, view=view, offer=offer)


async def show_vote(view: Mapping[str, Any], user: str, client: AsyncWebClient, desk: Desk) -> None:
    """Draw it anew: the form in which a vote was given instead says so; what was typed in it stays."""
    with contextlib.suppress(Refusal):  # submitting has closed meanwhile; the vote counts
        async with desk.database.read() as db:
            again = await with_offer(db, desk, view, user, always=True)
        if again is not None:
            await redraw(client, str(view.get("id")), again)


async def _form(
    db: AsyncSession,
    desk: Desk,
    programme: Programme,
    *,
    text: str = "",
    hidden: str = "named",
    view: Mapping[str, Any] | None = None,
    offer: Offer = Offer(),
) -> dict[str, Any]:
    """The form; with `view` the same one again, as it was filled in. Raises Refusal when all is closed."""
    now = desk.now()
    taking = programme.taking_questions()
    if programme.status is Status.CANCELLED or not taking:
        raise Refusal("no_panel")
    states = [
        (segment, await windows.windows(db, segment, programme=programme, config=desk.config, now=now))
        for segment in taking
    ]
    open_ones = [(segment, state) for segment, state in states if state.submit]
    if not open_ones:
        raise Refusal("submitting_closed", segment=taking[0].title)
    on = {segment.id for segment in programme.now(now)}
    chosen = state_value(view or {}, "segment") or next(
        (segment.id for segment, _ in open_ones if segment.id in on), None
    )
    values = {
        "callback": SUBMIT,
        "segments": [segment for segment, _ in open_ones],
        "chosen": chosen,
        "late": not any(state.live for _, state in open_ones),
        "reviewed": not all(state.publish_at_once for _, state in open_ones),
        "text": (state_value(view, "text") or "")
        if view
        else clip(text.strip(), desk.config.questions.longest),
        "hidden": (state_value(view, "hidden") if view else None) or hidden,
        "attend": bool(view and state_value(view, "attend")),
        "alike": offer.alike,
        "answer": offer.answer,
        "voted": offer.voted,
        "metadata": OFFERED if view else "",
    }
    return desk.rendering.view("questions/form", values)


# What the letter says of these is no reason to keep a question from those who wrote them.
SUBSTANCE = frozenset({"about", "subject", "standards"})


async def _known(db: AsyncSession, desk: Desk, text: str, programme: Programme) -> Mrkdwn | None:
    """What the bot itself would answer, when it knows: such a question need not wait for the panel."""
    answer = desk.answers.answer(
        text, at=desk.now(), programme=programme, learned=await inquiries.learned(db)
    )
    known = answer.status == "answered" and not answer.unanswered
    asked = {topic.split(":")[0] for topic in answer.topics}
    return answer.text if known and asked - SUBSTANCE else None
