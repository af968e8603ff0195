"""Answers to the panel's questions: a message in a thread becomes the record; what was taken is told."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot import home
from bot.delivery import outbox
from bot.errors import Refusal
from bot.questions import life, messages, summary
from bot.questions.deeds import Deed, Wish
from bot.rendering import clip
from bot.store.intake import first_time
from handlers.desk import Call, Desk, Reply
from handlers.slack_faults import UNREACHABLE
from handlers.words import as_typed

ANSWER_SHORTCUT = "questions.answer_from_message"


def register(app: AsyncApp) -> None:
    """Bind the entries of answers."""
    app.shortcut(ANSWER_SHORTCUT)(message_chosen)


async def message_chosen(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """The shortcut on a reply in a question's thread: its words and its link are the answer from now on."""
    user, now = body["user"]["id"], desk.now()
    await desk.require_moderator(user)
    channel, message = (body.get("channel") or {}).get("id") or "", body.get("message") or {}
    link = await _permalink(client, channel, str(message.get("ts") or ""))
    key = f"answer:{channel}:{message.get('ts')}:{body.get('action_ts')}"[:255]
    async with desk.database.begin() as db:
        number = await messages.posted_as(db, channel, str(message.get("thread_ts") or ""))
        if number is None or message.get("ts") == message.get("thread_ts"):
            raise Refusal("not_in_a_questions_thread")
        if await first_time(db, key, now=now):
            by = await desk.person(db, user)
            text = clip(as_typed(message.get("text") or "").strip(), life.ANSWER_LONGEST)
            wish = Wish(text=text or None, link=link)
            await life.do(db, Deed.ANSWER, number, by=by, moderates=True, now=now, wish=wish)
            await home.refresh(db, by, now=now)
    await ack()
    desk.nudge()


async def publish_summary(call: Call) -> Reply:
    """`/workshop questions summary`: participants are told what was taken, and why the rest was not."""
    desk, now = call.desk, call.desk.now()
    await desk.require_moderator(call.user)
    async with desk.database.begin() as db:
        if await first_time(db, call.key, now=now):
            await outbox.want(
                db, key=summary.KEY, kind=summary.KIND, lane="channel:participants", content={}, now=now
            )
    desk.nudge()
    return desk.rendering.message("questions/summary_posted", {})


async def _permalink(client: AsyncWebClient, channel: str, ts: str) -> str | None:
    try:
        answer = await client.chat_getPermalink(channel=channel, message_ts=ts)
    except UNREACHABLE:
        return None  # the words are the answer without it
    return str(answer["permalink"])
