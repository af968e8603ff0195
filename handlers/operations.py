"""What organisers and the workspace do to the bot itself: pause, resume, who joins and leaves."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import people
from bot.delivery import outbox
from bot.errors import Invalid
from bot.store.intake import first_time
from handlers import announcements
from handlers.desk import Call, Desk, Reply, action_key


def register(app: AsyncApp) -> None:
    """Bind the entries about the workspace."""
    app.event("member_joined_channel")(membership_changed)
    app.event("member_left_channel")(membership_changed)
    app.action("delivery.retry")(try_again)


async def membership_changed(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> None:
    """Somebody joined or left a channel: roles that come from membership are asked for anew, and a new
    participant gets what was announced before."""
    desk.directory.forget_roles()
    if event["type"] == "member_joined_channel":
        await announcements.joined(event, body, desk)


async def try_again(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Try again* on a notice of messages that could not be sent."""
    await desk.require_organiser(body["user"]["id"])
    now = desk.now()
    notice = str(body["actions"][0].get("value") or "")
    if not re.fullmatch(r"\d{1,9}", notice):
        raise Invalid("old_view", field="notice")
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            await outbox.retry(db, int(notice), now=now)
            people.record(db, actor=by, deed="delivery.retry", subject=f"delivery:{notice}", now=now)
    await ack()
    desk.nudge()


async def pause(call: Call) -> Reply:
    """`/workshop pause`: hold back everything the bot would post."""
    return await _switch(call, paused=True)


async def resume(call: Call) -> Reply:
    """`/workshop resume`: post what waited and is still worth posting."""
    return await _switch(call, paused=False)


async def _switch(call: Call, *, paused: bool) -> Reply:
    desk, now = call.desk, call.desk.now()
    await desk.require_organiser(call.user)
    async with desk.database.begin() as db:
        if await first_time(db, call.key, now=now):
            by = await desk.person(db, call.user)
            await outbox.hold(db, paused, by=by.id, now=now)
            deed = "outgoing.pause" if paused else "outgoing.resume"
            people.record(db, actor=by, deed=deed, subject="outgoing", now=now)
        waiting = len(await outbox.outstanding(db))
    desk.nudge()
    return desk.rendering.message("operations/paused", {"paused": paused, "waiting": waiting})


COMMANDS = {"pause": pause, "resume": resume}
