"""Inquiries: direct messages, mentions, `/workshop ask`; the organisers' side of what stayed unanswered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import func, select

from bot import people
from bot.announcements import pages
from bot.answers import Answer, inquiries
from bot.delivery import outbox
from bot.errors import Invalid
from bot.programme import versions
from bot.rendering import Mrkdwn, unescape
from bot.store.intake import first_time
from bot.store.tables import Delivery, Person
from handlers import page
from handlers.desk import Call, Desk, Reply, action_key, event_key, state_value, view_key

ANSWER, POINT, IGNORE = "answers.answer", "answers.point", "answers.ignore"
ANSWER_MODAL, POINT_MODAL = "answers.answer_modal", "answers.point_modal"
CHOOSE = re.compile(r"answers\.choose\.\d")

ACQUAINT_WITHIN = 0.8  # wall seconds; an answer in the event's zone beats one that is acknowledged too late
REPLY_WORTH = timedelta(hours=24)
NEWS = ("news",)  # this topic alone: the answer is what has changed, as `/workshop news` shows it
LISTED = 20  # of a list that is shown in one message


def register(app: AsyncApp) -> None:
    """Bind the Slack entries of inquiries."""
    app.event("app_mention")(mentioned)
    app.event("message")(messaged)
    app.action(CHOOSE)(chosen)
    app.action(ANSWER)(open_answer)
    app.action(POINT)(open_point)
    app.action(IGNORE)(ignored)
    app.view(ANSWER_MODAL)(answered)
    app.view(POINT_MODAL)(pointed)


async def mentioned(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> None:
    """Somebody wrote to the bot in a channel: the answer goes into the thread."""
    await _inquire(event, body, desk, direct=False)


async def messaged(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> None:
    """Somebody wrote to the bot directly. Edits, deletions, joins and other bots' posts are not inquiries."""
    if event.get("channel_type") == "im" and event.get("subtype") in (None, "file_share", "thread_broadcast"):
        await _inquire(event, body, desk, direct=True)


async def _inquire(event: Mapping[str, Any], body: Mapping[str, Any], desk: Desk, *, direct: bool) -> None:
    user, channel, ts = event.get("user"), event.get("channel"), event.get("ts")
    if event.get("bot_id") or not user or not channel or not ts:
        return
    text = unescape(event.get("text") or "")
    await acquaint(desk, user)
    now = desk.now()
    async with desk.database.begin() as db:
        # A message can arrive as two events (a mention in a DM): the message itself is the inquiry.
        if not await first_time(db, event_key(body), now=now):
            return
        if not await first_time(db, f"message:{channel}:{ts}", now=now):
            return
        person = await desk.person(db, user)
        if person.is_bot:
            return
        lane = people.lane(person) if direct else desk.lane(channel)
        thread_ts = event.get("thread_ts") or ts
        await db.refresh(person, with_for_update=True)  # one at a time, so that the count below holds
        prefix = f"reply:{person.id}:"
        if await _too_many(db, prefix, desk):
            await outbox.add(
                db,
                key=f"flood:{person.id}:{int(now.timestamp()) // 600}",
                kind="answers/flood",
                lane=lane,
                thread_ts=thread_ts,
                expires_at=now + timedelta(minutes=5),
                now=now,
            )
        else:
            answer = await _answer(db, desk, text, tz=people.zone(person), lang=person.locale)
            if answer.text:  # where nothing was said, silence is the answer
                await outbox.add(
                    db,
                    key=f"{prefix}{channel}:{ts}",
                    kind=pages.KIND if answer.topics == NEWS else "answers/reply",
                    lane=lane,
                    thread_ts=thread_ts,
                    content=_content(answer),
                    expires_at=now + REPLY_WORTH,
                    now=now,
                )
            await _file_unanswered(db, desk, answer, text, person=person, lane=lane, thread_ts=thread_ts)
    desk.nudge()


async def ask(call: Call) -> Reply:
    """`/workshop ask …`: a command has no thread, so the asker alone sees the answer."""
    desk, now = call.desk, call.desk.now()
    if not call.words:
        return desk.rendering.message("answers/ask_what", {})
    await acquaint(desk, call.user)
    async with desk.database.begin() as db:
        person = await desk.person(db, call.user)
        answer = await _answer(db, desk, call.words, tz=people.zone(person), lang=person.locale)
        if await first_time(db, call.key, now=now):
            await _file_unanswered(
                db, desk, answer, call.words, person=person, lane=people.lane(person), thread_ts=None
            )
    desk.nudge()
    if not answer.text:
        return desk.rendering.message("answers/ask_what", {})
    if answer.topics == NEWS:
        return await page.news(call)
    return desk.rendering.message("answers/reply", {**_content(answer), "answer": answer.text})


async def list_inquiries(call: Call) -> Reply:
    """`/workshop inquiries`: what waits for an organiser's answer, most waited for first."""
    await call.desk.require_organiser(call.user)
    async with call.desk.database.read() as db:
        waiting = await inquiries.waiting(db)
    values = {"waiting": waiting[:LISTED], "more": max(0, len(waiting) - LISTED)}
    return call.desk.rendering.message("answers/inquiries", values)


async def list_learned(call: Call) -> Reply:
    """`/workshop learned`: what organisers taught; `learned 3 <words>` rewords, `learned 3 remove` ends."""
    desk, now = call.desk, call.desk.now()
    await desk.require_organiser(call.user)
    number, _, words = call.words.partition(" ")
    if number.isdigit() and len(number) < 10 and words.strip():
        async with desk.database.begin() as db:
            if await first_time(db, call.key, now=now):
                by = await desk.person(db, call.user)
                if words.strip().lower() == "remove":
                    await inquiries.forget(db, int(number), by=by, now=now)
                else:
                    await inquiries.edit_learned(db, int(number), by=by, text=words, now=now)
    async with desk.database.read() as db:
        learned = await inquiries.learned(db)
    values = {"learned": learned[-LISTED:], "more": max(0, len(learned) - LISTED)}
    return desk.rendering.message("answers/learned", values)


COMMANDS = {"ask": ask, "inquiries": list_inquiries, "learned": list_learned}


async def chosen(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """One of two close readings was picked: its answer goes into the same thread."""
    topic, message = body["actions"][0].get("value") or "", body.get("message") or {}
    _known_topic(desk, topic)
    channel, now = (body.get("channel") or {}).get("id"), desk.now()
    async with desk.database.begin() as db:
        if channel and message.get("ts") and await first_time(db, action_key(body), now=now):
            person = await desk.person(db, body["user"]["id"])
            answer = desk.answers.answer_topic(
                topic,
                at=now,
                programme=await versions.current(db),
                tz=people.zone(person),
                lang=person.locale,
            )
            lane = people.lane(person) if channel.startswith("D") else desk.lane(channel)
            await outbox.add(
                db,
                key=f"reply:{person.id}:{channel}:{message['ts']}:{topic}"[:255],
                kind="answers/reply",
                lane=lane,
                thread_ts=message.get("thread_ts") or message["ts"],
                content=_content(answer),
                expires_at=now + REPLY_WORTH,
                now=now,
            )
    await ack()
    desk.nudge()


async def open_answer(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Answer* on the organisers' card: a modal for the words."""
    await _open(body, client, desk, "answers/answer_modal", ANSWER_MODAL)
    await ack()


async def open_point(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Point to a topic*: a modal with the topics the bot knows."""
    await _open(body, client, desk, "answers/point_modal", POINT_MODAL)
    await ack()


async def _open(
    body: Mapping[str, Any], client: AsyncWebClient, desk: Desk, template: str, callback: str
) -> None:
    await desk.require_organiser(body["user"]["id"])
    inquiry_id, _ = _reference(body["actions"][0].get("value"))
    async with desk.database.read() as db:
        inquiry = await inquiries.get(db, inquiry_id)
    values = {
        "inquiry": inquiry,
        "callback": callback,
        "reference": body["actions"][0]["value"],
        "topics": [topic for topic in desk.answers.topics() if topic.known],
    }
    await client.views_open(trigger_id=body["trigger_id"], view=desk.rendering.view(template, values))


async def answered(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    """The organiser's words go to everybody who asked, and are learned."""
    inquiry_id, revision = _reference(view.get("private_metadata"))
    await desk.require_organiser(body["user"]["id"])
    now = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, view_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            text = state_value(view, "answer") or ""
            await inquiries.answer(db, inquiry_id, by=by, text=text, revision=revision, now=now)
    await ack()
    desk.nudge()


async def pointed(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    """The phrasing is taught to a topic, and everybody who asked gets that topic's answer."""
    inquiry_id, revision = _reference(view.get("private_metadata"))
    await desk.require_organiser(body["user"]["id"])
    topic, now = state_value(view, "topic") or "", desk.now()
    _known_topic(desk, topic)
    async with desk.database.begin() as db:
        if await first_time(db, view_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            await inquiries.point(db, inquiry_id, by=by, topic=topic, revision=revision, now=now)
            programme = await versions.current(db)
            for asker in await inquiries.askers(db, await inquiries.get(db, inquiry_id)):
                person = await db.get_one(Person, asker.person_id)
                answer = desk.answers.answer_topic(
                    topic, at=now, programme=programme, tz=people.zone(person), lang=person.locale
                )
                await outbox.add(
                    db,
                    key=f"inquiry:{inquiry_id}:answer:{person.id}",
                    kind="answers/reply",
                    lane=asker.lane,
                    thread_ts=asker.thread_ts,
                    content=_content(answer),
                    expires_at=now + inquiries.REPLY_WORTH,
                    now=now,
                )
    await ack()
    desk.nudge()


async def ignored(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Ignore*: the inquiry is closed without an answer."""
    inquiry_id, revision = _reference(body["actions"][0].get("value"))
    await desk.require_organiser(body["user"]["id"])
    now = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            await inquiries.ignore(db, inquiry_id, by=by, revision=revision, now=now)
    await ack()
    desk.nudge()


async def acquaint(desk: Desk, user: str) -> None:
    """Learn a person's zone and name, if Slack answers soon enough."""
    try:
        async with asyncio.timeout(ACQUAINT_WITHIN):
            await desk.acquaint(user)
    except TimeoutError:
        pass  # the answer then names the event's zone only; the next inquiry asks again


async def _answer(db: Any, desk: Desk, text: str, *, tz: ZoneInfo | None, lang: str | None) -> Answer:
    programme, now = await versions.current(db), desk.now()
    answer = desk.answers.answer(
        text, at=now, programme=programme, tz=tz, lang=lang, learned=await inquiries.learned(db)
    )
    inquiries.count(db, status=answer.status, topics=answer.topics, now=now)
    return answer


async def _file_unanswered(
    db: Any, desk: Desk, answer: Answer, text: str, *, person: Person, lane: str, thread_ts: str | None
) -> None:
    """What was declined waits for an organiser; empty messages and bare symbols ask nothing."""
    for part in answer.unanswered:
        if re.search(r"\w", part):
            await inquiries.file(
                db, text=part[:4000], asker=person, lane=lane, thread_ts=thread_ts, now=desk.now()
            )


async def _too_many(db: Any, prefix: str, desk: Desk) -> bool:
    recent = await db.scalar(
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.key.startswith(prefix), Delivery.created_at > desk.now() - timedelta(minutes=1))
    )
    return bool(recent >= desk.config.limits.inquiries_per_minute)


def _content(answer: Answer) -> dict[str, Any]:
    return {
        "answer": str(answer.text),
        "choices": [{"topic": choice.topic, "label": choice.label} for choice in answer.choices],
        "panel_text": answer.panel_text or "",
    }


async def reply(db: Any, content: Mapping[str, Any], *, now: Any) -> Mapping[str, Any]:
    """The stored answer is mrkdwn already (composer of `answers/reply`)."""
    return {**content, "answer": Mrkdwn(content["answer"])}


COMPOSERS = {"answers/reply": reply}


def _known_topic(desk: Desk, topic: str) -> None:
    """Raise Invalid for what is no topic (any more): files change, buttons stay."""
    if topic not in {known.id for known in desk.answers.topics()}:
        raise Invalid("no_such_topic", field="topic")


def _reference(value: str | None) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", value or "")
    if match is None:
        raise Invalid("old_view", field="answer")
    return int(match[1]), int(match[2])
