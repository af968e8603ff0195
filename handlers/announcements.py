"""Broadcasts: an organiser writes one, sees it exactly as it will look, and posts it; then changes it, stops
it, takes it back. Each deed looks the role up, and each form carries the revision it was drawn from."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncSession

from bot.announcements import broadcasts, copies, schedule
from bot.announcements.broadcasts import AUDIENCES, PARTICIPANTS, State, Wish
from bot.errors import Invalid, Refusal
from bot.programme import versions
from bot.programme.model import Programme
from bot.store.intake import first_time
from bot.store.tables import Announcement, Person
from handlers.desk import Call, Desk, Reply, action_key, event_key, state_value, view_key
from handlers.slack_faults import UNREACHABLE

PREFIX = "announcements."
EDIT, PREVIEW, DISCARD, WITHDRAW, STOP, PROGRESS = (
    PREFIX + name for name in ("edit", "preview", "discard", "withdraw", "stop", "progress")
)
COMPOSE, PREVIEWED = "announcements.compose", "announcements.previewed"
WORKSHOP = "-"  # the choice in the form that is no segment
SEGMENTS = 99  # options of a select, besides the workshop

Deed = Callable[[AsyncSession, int, Person, datetime], Awaitable[object]]


def register(app: AsyncApp) -> None:
    """Bind the Slack entries of broadcasts."""
    app.action(EDIT)(edit_pressed)
    app.action(PREVIEW)(preview_pressed)
    app.action(DISCARD)(discard_pressed)
    app.action(WITHDRAW)(withdraw_pressed)
    app.action(STOP)(stop_pressed)
    app.action(PROGRESS)(progress_pressed)
    app.view(COMPOSE)(composed)
    app.view(PREVIEWED)(posted)


async def announce(call: Call) -> Reply:
    """`/workshop announce [text]`: the form of a new broadcast."""
    desk = call.desk
    await desk.require_organiser(call.user)
    view = await _form(desk, call.client, None, text=call.words)
    await call.client.views_open(trigger_id=call.trigger_id, view=view)
    return None


async def announcements(call: Call) -> Reply:
    """`/workshop announcements`: drafts, what is scheduled, what is out, and the ways to change it."""
    desk = call.desk
    await desk.require_organiser(call.user)
    async with desk.database.read() as db:
        shown = [await copies.card(db, row) for row in await broadcasts.listed(db)]
    return desk.rendering.message("announcements/list", {"shown": shown})


COMMANDS = {"announce": announce, "announcements": announcements}


async def composed(
    ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient, desk: Desk
) -> None:
    """The form was sent: a draft is kept and previewed; what was approved before is changed."""
    await desk.require_organiser(body["user"]["id"])
    number, revision = _carried(view)
    now = desk.now()
    async with desk.database.begin() as db:
        by = await desk.person(db, body["user"]["id"])
        if await first_time(db, view_key(body), now=now):
            known = await broadcasts.get(db, number) if number else None
            wish = _wish(view, await versions.current(db), desk, known)
            if known is None:
                row = await broadcasts.write(db, desk.config, wish, by=by, now=now)
            else:
                row = await broadcasts.edit(
                    db, desk.config, known.id, wish, revision=revision, by=by, now=now
                )
        else:  # the same submission again: the same answer
            found = await (broadcasts.get(db, number) if number else broadcasts.latest_draft(db, by))
            if found is None:
                raise Refusal("no_such_announcement")
            row = found
    desk.nudge()
    if row.state == State.DRAFT:
        await ack(response_action="update", view=await _preview(desk, client, row))
    else:
        await ack(response_action="clear")


async def posted(
    ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient, desk: Desk
) -> None:
    """*Post* under the preview: what was previewed goes out. @channel is asked for once more before."""
    user, now = body["user"]["id"], desk.now()
    await desk.require_organiser(user)
    number, revision = _carried(view)
    confirmed = _metadata(view).get("loud") is True
    async with desk.database.read() as db:
        row = await broadcasts.get(db, number or 0)
    if row.state == State.DRAFT and row.revision == revision and row.loud and not confirmed:
        await ack(response_action="update", view=await _preview(desk, client, row, confirming=True))
        return
    roles = await desk.directory.roles()
    async with desk.database.begin() as db:
        if await first_time(db, view_key(body), now=now):
            by = await desk.person(db, user)
            await broadcasts.post(
                db, desk.config, row.id, revision=revision, by=by, roles=roles, loud=confirmed, now=now
            )
    await ack(response_action="clear")
    desk.nudge()


async def edit_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Edit*: the form, with everything as it is now; under a preview it takes its place."""
    await desk.require_organiser(body["user"]["id"])
    async with desk.database.read() as db:
        row = await broadcasts.get(db, _number(body))
    if row.state not in (State.DRAFT, State.SCHEDULED, State.POSTED):
        raise Refusal("announcement_done", state=row.state)
    view = await _form(desk, client, row, text=row.text)
    if body.get("view"):
        await client.views_update(view_id=body["view"]["id"], view=view)
    else:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
    await ack()


async def preview_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Preview and post* beside a draft."""
    await desk.require_organiser(body["user"]["id"])
    async with desk.database.read() as db:
        row = await broadcasts.get(db, _number(body))
    if row.state != State.DRAFT:
        raise Refusal("announcement_done", state=row.state)
    await client.views_open(trigger_id=body["trigger_id"], view=await _preview(desk, client, row))
    await ack()


async def discard_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Discard*: the draft is gone; under a preview the form for a new one takes its place."""
    _, revision = _reference(body)
    await _pressed(
        body,
        desk,
        lambda db, number, by, now: broadcasts.discard(db, number, revision=revision, by=by, now=now),
    )
    if body.get("view"):
        await client.views_update(view_id=body["view"]["id"], view=await _form(desk, client, None, text=""))
    await ack()


async def withdraw_pressed(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Take back*: every copy is deleted, what waits is not sent."""
    await _pressed(body, desk, lambda db, number, by, now: broadcasts.withdraw(db, number, by=by, now=now))
    await ack()


async def stop_pressed(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Stop*: copies that wait are not sent."""
    await _pressed(body, desk, lambda db, number, by, now: broadcasts.stop(db, number, by=by, now=now))
    await ack()


async def progress_pressed(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*How far is it?*: the card is drawn anew."""
    await _pressed(body, desk, lambda db, number, by, now: broadcasts.show(db, number, now=now))
    await ack()


async def joined(event: dict[str, Any], body: dict[str, Any], desk: Desk) -> None:
    """Somebody joined the participants' channel: they get what was announced and still holds."""
    user, now = str(event.get("user") or ""), desk.now()
    if event.get("channel") != desk.directory.places[PARTICIPANTS] or user in ("", desk.directory.me):
        return
    async with desk.database.read() as db:
        if not await broadcasts.standing(db, now=now):
            return
    await desk.acquaint(user)
    async with desk.database.begin() as db:
        if await first_time(db, event_key(body), now=now):
            person = await desk.person(db, user)
            if not person.is_bot:
                await broadcasts.replay(db, person, now=now)
    desk.nudge()


async def next_due(desk: Desk) -> datetime | None:
    """For the alarm clock: when the next broadcast goes out or is over."""
    async with desk.database.read() as db:
        return await broadcasts.next_due(db)


async def ring(desk: Desk) -> None:
    """For the alarm clock: send what is due, end what is over."""
    roles = await desk.directory.roles()
    async with desk.database.begin() as db:
        await broadcasts.ring(db, roles, now=desk.now())
    desk.nudge()


async def _pressed(body: dict[str, Any], desk: Desk, deed: Deed) -> None:
    """One deed in one transaction, by an organiser; the same click again changes nothing."""
    await desk.require_organiser(body["user"]["id"])
    number, now = _number(body), desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            await deed(db, number, await desk.person(db, body["user"]["id"]), now)
    desk.nudge()


async def _form(desk: Desk, client: AsyncWebClient, row: Announcement | None, *, text: str) -> dict[str, Any]:
    counts = await _counts(desk, client)
    async with desk.database.read() as db:
        programme = await versions.current(db)
    extras = [name for name in ("pin", "loud") if row is not None and getattr(row, name)]
    state = str(row.state) if row else State.DRAFT
    values = {
        "callback": COMPOSE,
        "metadata": json.dumps({"number": row.id, "revision": row.revision} if row else {}),
        "state": state,
        "text": text[: broadcasts.LONGEST],
        "audiences": AUDIENCES,
        "targets": list(row.targets) if row else [PARTICIPANTS],
        "counts": counts,
        "moment": _typed(row.moment if row else None, desk),
        "until": _typed(row.until if row else None, desk),
        "segments": _choices(programme, row),
        "segment": programme.segment(row.segment_id) if row and row.segment_id else None,
        "extras": [name for name in extras if name == "pin" or state == State.DRAFT],
    }
    return desk.rendering.view("announcements/compose", values)


async def _preview(
    desk: Desk, client: AsyncWebClient, row: Announcement, *, confirming: bool = False
) -> dict[str, Any]:
    counts = await _counts(desk, client)
    copy = "channel" if PARTICIPANTS in row.targets else "person"
    message = desk.rendering.message(broadcasts.KIND, {**copies.drawn(row, copy), "now": desk.now()})
    async with desk.database.read() as db:
        card = await copies.card(db, row)
    values = {
        "callback": PREVIEWED,
        "metadata": json.dumps({"number": row.id, "revision": row.revision, "loud": confirming}),
        "card": card,
        "counts": counts,
        "scheduled": row.moment is not None,
        "confirming": confirming,
        "blocks": message.blocks,
    }
    return desk.rendering.view("announcements/preview", values)


async def _counts(desk: Desk, client: AsyncWebClient) -> dict[str, int | None]:
    """How many people each audience is; None where Slack does not say."""
    try:
        info = await client.conversations_info(
            channel=desk.directory.places[PARTICIPANTS], include_num_members=True
        )
        members: int | None = max(0, int(info["channel"]["num_members"]) - 1)  # without the bot itself
    except (*UNREACHABLE, KeyError, TypeError, ValueError):
        members = None
    roles = await desk.directory.roles()
    async with desk.database.read() as db:
        subscribed = len(await broadcasts.subscribers(db))
    return {
        PARTICIPANTS: members,
        broadcasts.SUBSCRIBERS: subscribed,
        "moderators": len(roles.moderators),
        "organisers": len(roles.organisers),
    }


def _wish(view: dict[str, Any], programme: Programme, desk: Desk, known: Announcement | None) -> Wish:
    """What the form says. Raises Invalid."""
    tz = desk.rendering.tz
    extras = state_value(view, "extras") or []
    until = schedule.read(state_value(view, "until") or "", programme=programme, tz=tz, field="until")
    text, pin = str(state_value(view, "text") or ""), "pin" in extras
    if known is not None and known.state == State.POSTED:
        return Wish(text, tuple(known.targets), known.moment, until, known.segment_id, pin)
    segment_id = state_value(view, "segment") or WORKSHOP
    if segment_id != WORKSHOP and programme.segment(segment_id) is None:
        raise Invalid("no_such_segment", field="segment", segment=segment_id)
    return Wish(
        text=text,
        targets=tuple(state_value(view, "targets") or ()),
        moment=schedule.read(state_value(view, "moment") or "", programme=programme, tz=tz, field="moment"),
        until=until,
        segment_id=None if segment_id == WORKSHOP else segment_id,
        pin=pin,
        loud="loud" in extras,
    )


def _choices(programme: Programme, row: Announcement | None) -> list[Any]:
    """The segments a relative time may mean: as many as a select takes, with the one chosen before."""
    chosen = row.segment_id if row else None
    first = [segment for segment in programme.segments if not segment.cancelled or segment.id == chosen]
    kept = first[:SEGMENTS]
    return kept + [segment for segment in first[SEGMENTS:] if segment.id == chosen][:1]


def _typed(kept: str | None, desk: Desk) -> str:
    """A moment as the form takes it."""
    if kept is None or not kept[0].isdigit():
        return kept or ""
    return f"{datetime.fromisoformat(kept).astimezone(desk.rendering.tz):%Y-%m-%d %H:%M}"


def _metadata(view: dict[str, Any]) -> dict[str, Any]:
    try:
        carried = json.loads(view.get("private_metadata") or "")
    except ValueError:
        raise Invalid("old_view", field="") from None
    if not isinstance(carried, dict):
        raise Invalid("old_view", field="")
    return carried


def _carried(view: dict[str, Any]) -> tuple[int | None, int]:
    """The broadcast a form is about and the revision it was drawn from; (None, 0): a new one."""
    carried = _metadata(view)
    number, revision = carried.get("number"), carried.get("revision", 0)
    if not (number is None or isinstance(number, int)) or not isinstance(revision, int):
        raise Invalid("old_view", field="")
    return number, revision


def _number(body: dict[str, Any]) -> int:
    """The broadcast a button is about."""
    return _reference(body)[0]


def _reference(body: dict[str, Any]) -> tuple[int, int]:
    """The broadcast a button is about, and the revision it was drawn from."""
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", str(body["actions"][0].get("value") or ""))
    if match is None:
        raise Invalid("old_view", field="")
    return int(match[1]), int(match[2])
