"""Questions for the panel, as participants meet them: asking, voting, looking after their own.

What moderators do is `handlers.moderation`. Everything enters here: by command, shortcut, button, modal
and reaction.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot import home
from bot.errors import NotYet
from bot.programme import versions
from bot.questions import beside, life, messages, similar, submission, votes
from bot.questions.deeds import Deed
from bot.questions.picture import draw
from bot.store.intake import first_time
from bot.store.tables import Intake
from handlers import moderation, panel_answers
from handlers.desk import Call, Desk, Reply, action_key, event_key, state_value, view_key
from handlers.modals import open_modal
from handlers.numbers import number_and_rest, number_in, reference
from handlers.question_form import OFFERED, SUBMIT, open_form, show_vote, with_offer
from handlers.words import as_typed

SHORTCUT, MESSAGE_SHORTCUT = "questions.ask", "questions.from_message"
ASK, ASK_PREFILLED = "questions.ask", "questions.ask_prefilled"
VOTE, UNVOTE, WITHDRAW = "questions.vote", "questions.unvote", "questions.withdraw"
REPLY, REPLY_MODAL = "questions.reply", "questions.reply_modal"

VOTE_REACTIONS = frozenset({"+1", "thumbsup"})


def register(app: AsyncApp) -> None:
    """Bind the Slack entries of questions, moderators' too. What comes most is asked for first."""
    app.action(VOTE)(vote_pressed)
    app.action(UNVOTE)(vote_pressed)
    app.shortcut(SHORTCUT)(ask_pressed)
    app.shortcut(MESSAGE_SHORTCUT)(message_chosen)
    app.action(ASK)(ask_pressed)
    app.action(ASK_PREFILLED)(ask_pressed)
    app.view(SUBMIT)(submitted)
    app.action(WITHDRAW)(withdraw_pressed)
    app.action(REPLY)(reply_pressed)
    app.view(REPLY_MODAL)(replied)
    app.event("reaction_added")(reacted)
    app.event("reaction_removed")(reacted)
    moderation.register(app)
    panel_answers.register(app)


async def ask_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """The global shortcut, a button, or a button that carries words: the form opens."""
    actions = body.get("actions") or [{}]
    await open_form(desk, client, body["trigger_id"], text=actions[0].get("value") or "")
    await ack()


async def message_chosen(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """The shortcut on a message: the form opens with its words."""
    text = (body.get("message") or {}).get("text") or ""
    await open_form(desk, client, body["trigger_id"], text=as_typed(text))
    await ack()


async def question(call: Call, *, hidden: str = "named") -> Reply:
    """`/workshop question` opens the form; with words after it they are submitted as they are.

    `/workshop anonymous` does the same with the name hidden, from moderators too.
    """
    desk, now = call.desk, call.desk.now()
    if not call.words:
        await open_form(desk, call.client, call.trigger_id, text="", hidden=hidden)
        return None
    desk.later(desk.acquaint(call.user))
    async with desk.database.begin() as db:
        if not await first_time(db, call.key, now=now):
            return None
        programme = await versions.current(db)
        by = await desk.person(db, call.user)
        submitted = await submission.submit(
            db, by=by, text=call.words, programme=programme, config=desk.config, now=now, hidden=hidden
        )
        alike = await similar.find(db, call.words, segment_id=submitted.question.segment_id, not_by=by)
        await home.refresh(db, by, now=now)
    desk.nudge()
    return desk.rendering.message(
        "questions/stored", {"number": submitted.question.number, "again": submitted.again, "alike": alike}
    )


async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    """The form was sent: stored, or shown again with what might spare the question.

    A double tap waits for the first of the two, and finds its question stored.
    """
    user, key = body["user"]["id"], view_key(body)
    async with desk.turn(key):
        async with desk.database.read() as db:
            taken_in = await db.get(Intake, (db.info["workshop_id"], key)) is not None
            offered = taken_in or view.get("private_metadata") == OFFERED
            again = None if offered else await with_offer(db, desk, view, user)
        if again is not None:
            await ack(response_action="update", view=again)
            return
        if not taken_in:
            desk.later(desk.acquaint(user))
            await _store(body, view, desk)
    await ack()
    desk.nudge()


async def _store(body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    now = desk.now()
    async with desk.database.begin() as db:
        if not await first_time(db, view_key(body), now=now):
            return
        by = await desk.person(db, body["user"]["id"])
        await submission.submit(
            db,
            by=by,
            text=state_value(view, "text") or "",
            segment_id=state_value(view, "segment"),
            hidden=state_value(view, "hidden") or "named",
            cannot_attend="cannot_attend" in (state_value(view, "attend") or []),
            programme=await versions.current(db),
            config=desk.config,
            now=now,
        )
        await home.refresh(db, by, now=now)


async def vote_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Vote* or *Take my vote back*, on a post, a list or in the form: it sets the vote, it never toggles."""
    action, now = body["actions"][0], desk.now()
    view = body.get("view") or {}
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            await votes.vote(
                db,
                number_in(action.get("value")),
                by=by,
                stands=action["action_id"] == VOTE,
                programme=await versions.current(db),
                config=desk.config,
                now=now,
                at=_instant(action.get("action_ts")),
            )
            await home.refresh(db, by, now=now)
    if view.get("callback_id") == SUBMIT:
        desk.later(show_vote(view, body["user"]["id"], client, desk))
    await ack()
    desk.recount()


async def reacted(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> None:
    """A thumbs-up on a question's post is a vote; taking it away takes the vote back."""
    item = event.get("item") or {}
    reaction = str(event.get("reaction") or "").partition("::")[0]  # a skin tone is the same vote
    if reaction not in VOTE_REACTIONS or item.get("type") != "message" or desk.config.questions.quiet_votes:
        return
    now = desk.now()
    async with desk.database.begin() as db:
        if not await first_time(db, event_key(body), now=now):
            return
        channel, ts = item.get("channel") or "", item.get("ts") or ""
        number = await messages.posted_as(db, channel, ts)
        posted = _instant(ts)
        if number is None and posted:
            if await messages.may_become_a_post(db, posted):
                raise NotYet("it is not known yet whether that message is a question's post")
            # On PostgreSQL each look sees what was committed by then: it may have become known in between.
            number = await messages.posted_as(db, channel, ts)
        if number is not None:
            by = await desk.person(db, event["user"])
            await votes.vote(
                db,
                number,
                by=by,
                stands=event["type"] == "reaction_added",
                programme=await versions.current(db),
                config=desk.config,
                now=now,
                at=_instant(event.get("event_ts")),
            )
    desk.recount()


async def withdraw_pressed(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """The author takes the question back from its receipt."""
    number, revision = reference(body["actions"][0].get("value"))
    now = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            await life.do(db, Deed.WITHDRAW, number, by=by, moderates=False, now=now, revision=revision)
            await home.refresh(db, by, now=now)
    await ack()
    desk.nudge()


async def reply_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Reply…* under a moderator's question back."""
    number = number_in(body["actions"][0].get("value"))
    values = {"number": number, "callback": REPLY_MODAL}
    view = desk.rendering.view("questions/reply_modal", values)
    await open_modal(client, body["trigger_id"], view, instead=f"reply {number}")
    await ack()


async def replied(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    """The asker's reply goes under the moderators' card, without a name."""
    number, now = number_in(view.get("private_metadata")), desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, view_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            await beside.reply(db, number, by=by, text=state_value(view, "reply") or "", now=now)
    await ack()
    desk.nudge()


async def questions(call: Call) -> Reply:
    """`/workshop questions`: one's own; for moderators the queue, or the part of it that is named."""
    roles = await call.desk.directory.roles()
    if roles.moderates(call.user) and call.words.lower() not in ("mine", "published"):
        return await moderation.questions(call)
    desk, now = call.desk, call.desk.now()
    async with desk.database.begin() as db:
        person = await desk.person(db, call.user)
        programme = await versions.current(db)
        mine = await submission.mine(db, person, limit=15)
        shown = await draw(db, mine, programme=programme, audience="author", now=now)
    return desk.rendering.message("questions/mine", {"questions": shown})


async def withdraw(call: Call) -> Reply:
    """`/workshop withdraw N`."""
    number, _ = number_and_rest(call.words)
    async with call.desk.database.begin() as db:
        if await first_time(db, call.key, now=call.desk.now()):
            by = await call.desk.person(db, call.user)
            await life.do(db, Deed.WITHDRAW, number, by=by, moderates=False, now=call.desk.now())
            await home.refresh(db, by, now=call.desk.now())
    return await moderation.done(call, number, "withdraw")


async def vote(call: Call) -> Reply:
    """`/workshop vote N`."""
    return await _vote(call, stands=True)


async def unvote(call: Call) -> Reply:
    """`/workshop unvote N`."""
    return await _vote(call, stands=False)


async def _vote(call: Call, *, stands: bool) -> Reply:
    desk, now = call.desk, call.desk.now()
    number, _ = number_and_rest(call.words)
    async with desk.database.begin() as db:
        if not await first_time(db, call.key, now=now):
            return None
        by = await desk.person(db, call.user)
        counted = await votes.vote(
            db,
            number,
            by=by,
            stands=stands,
            programme=await versions.current(db),
            config=desk.config,
            now=now,
        )
        await home.refresh(db, by, now=now)
    desk.recount()
    return desk.rendering.message("questions/voted", {"number": counted.number, "stands": stands})


async def reply(call: Call) -> Reply:
    """`/workshop reply N …`: the asker answers a moderator's question back."""
    number, rest = number_and_rest(call.words)
    async with call.desk.database.begin() as db:
        if await first_time(db, call.key, now=call.desk.now()):
            by = await call.desk.person(db, call.user)
            await beside.reply(db, number, by=by, text=rest, now=call.desk.now())
    return await moderation.done(call, number, "reply")


COMMANDS: dict[str, Callable[[Call], Awaitable[Reply]]] = {
    "question": question,
    "anonymous": partial(question, hidden="moderators"),
    "questions": questions,
    "withdraw": withdraw,
    "vote": vote,
    "unvote": unvote,
    "reply": reply,
    **moderation.COMMANDS,
}


def _instant(ts: object) -> datetime | None:
    """The instant of a Slack time stamp; None when it is none."""
    if not re.fullmatch(r"\d{1,11}\.\d{1,6}", str(ts)):
        return None
    return datetime.fromtimestamp(float(str(ts)), UTC)
