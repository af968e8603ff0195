"""The App Home tab, and personal reminders set from it or by command."""

from __future__ import annotations

import re
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import home, reminders
from bot.errors import Invalid
from bot.store.intake import first_time
from handlers.answers import acquaint
from handlers.desk import Call, Desk, Reply, action_key, event_key

REMIND, STAR = "home.remind", "programme.star"
LINKS = re.compile(r"home\.(register|page)")


def register(app: AsyncApp) -> None:
    """Bind the Slack entries of the App Home."""
    app.event("app_home_opened")(opened)
    app.action(REMIND)(remind_chosen)
    app.action(STAR)(starred)
    app.action(LINKS)(followed)


async def opened(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> None:
    """Somebody opened the tab: what they see is drawn from the store and sent."""
    if event.get("tab") != "home" or not event.get("user"):
        return
    user, now = event["user"], desk.now()
    await acquaint(desk, user)
    roles = await desk.directory.roles()
    async with desk.database.begin() as db:
        if await first_time(db, event_key(body), now=now):
            person = await desk.person(db, user)
            await home.opened(
                db,
                person,
                moderates=roles.moderates(user),
                organises=roles.organises(user),
                quiet_votes=desk.config.questions.quiet_votes,
                now=now,
            )
    desk.nudge()


async def followed(ack: AsyncAck) -> None:
    """A link button was pressed: Slack opens the address itself."""
    await ack()


async def remind_chosen(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """A lead time was chosen in the Home tab."""
    chosen = (body["actions"][0].get("selected_option") or {}).get("value") or ""
    await _remind(desk, body["user"]["id"], chosen, key=action_key(body))
    await ack()


async def remind(call: Call) -> Reply:
    """`/workshop remind 10`, `/workshop remind off`."""
    minutes = await _remind(call.desk, call.user, call.words or "10", key=call.key)
    return call.desk.rendering.message("reminders/subscribed", {"minutes": minutes or 0})


async def _remind(desk: Desk, user: str, words: str, *, key: str) -> int | None:
    match = re.fullmatch(r"(?:(off|none|stop)|(\d{1,4})\s*(?:m|min|minutes?)?)", words.strip().lower())
    if match is None or (match[2] and not 1 <= int(match[2]) <= reminders.LONGEST_LEAD):
        raise Invalid("no_such_lead_time", field="minutes", longest=reminders.LONGEST_LEAD)
    minutes = int(match[2]) if match[2] else None
    now = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, key, now=now):
            person = await desk.person(db, user)
            await reminders.subscribe(db, person, desk.config, minutes=minutes, now=now)
            await home.refresh(db, person, now=now)
    desk.nudge()
    return minutes


async def starred(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """The star of a segment was pressed: personal reminders follow it, or no longer do."""
    segment_id, now = body["actions"][0].get("value") or "", desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            person = await desk.person(db, body["user"]["id"])
            await reminders.star(db, person, desk.config, segment_id=segment_id, now=now)
            await home.refresh(db, person, now=now)
    await ack()
    desk.nudge()


COMMANDS = {"remind": remind}
