"""The event page: what organisers decide about a change of it, `/workshop news`, and the look itself."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.announcements import pages
from bot.errors import Invalid
from bot.programme import page
from bot.programme.page import Reading, Trouble
from bot.store.intake import first_time
from handlers.desk import Call, Desk, Reply, action_key

DEEDS = re.compile(rf"page\.({pages.TELL}|{pages.IGNORE}|{pages.DRAFT})")


def register(app: AsyncApp) -> None:
    """Bind the Slack entries of the event page."""
    app.action(DEEDS)(decided)


async def decided(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Tell everyone*, *Ignore* or *Use as draft programme* on the card of a change."""
    await desk.require_organiser(body["user"]["id"])
    action, now = body["actions"][0], desk.now()
    number = str(action.get("value") or "")
    if not re.fullmatch(r"\d{1,9}", number):
        raise Invalid("old_view", field="")
    deed = action["action_id"].removeprefix("page.")
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            by = await desk.person(db, body["user"]["id"])
            await pages.decide(db, desk.config, int(number), deed, by=by, now=now)
    await ack()
    desk.nudge()


async def news(call: Call) -> Reply:
    """`/workshop news`: what has changed, and when the event page was last checked."""
    desk = call.desk
    async with desk.database.read() as db:
        values = await pages.news(db, {}, now=desk.now(), config=desk.config)
    return desk.rendering.message(pages.KIND, values)


COMMANDS = {"news": news}


async def next_due(desk: Desk) -> datetime | None:
    """For the alarm clock: when to look next."""
    async with desk.database.read() as db:
        return await pages.next_due(db, now=desk.now())


async def look(desk: Desk, *, rehearsal: bool) -> None:
    """For the alarm clock: read the page if it is due, outside any transaction; record what came of it."""
    async with desk.database.begin() as db:
        claimed = await pages.claim(db, desk.config, now=desk.now())
    if claimed is None:
        return
    outcome: Reading | Trouble
    try:
        outcome = await page.read(
            claimed.url, etag=claimed.etag, last_modified=claimed.last_modified, loopback=rehearsal
        )
    except Trouble as trouble:
        outcome = trouble
    async with desk.database.begin() as db:
        await pages.record(db, desk.config, claimed.url, outcome, now=desk.now())
    desk.nudge()
