"""The programme: shown to everybody, edited and released by organisers.

Editing is a stack of modals over one draft: the list of segments, a form for one of them, and the review
that shows the announcement exactly as participants will read it. Each form carries the draft's revision,
so two organisers never overwrite each other unseen.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncSession

from bot import announcements
from bot.errors import ConfigError, Invalid, NotFound, Stale
from bot.programme import versions
from bot.programme.excerpt import excerpt
from bot.programme.importing.entries import SPEAKERS, TEXT, one_line, paragraphs, utc
from bot.programme.model import Programme, Segment, Status
from bot.rendering import Mrkdwn
from bot.store.intake import first_time
from handlers.desk import Call, Desk, Reply, action_key, state_value, view_key
from handlers.errors import explain

EDIT, EDIT_SEGMENT, ADD_SEGMENT, EDIT_WORKSHOP, DISCARD = (
    "programme.edit",
    "programme.edit_segment",
    "programme.add_segment",
    "programme.edit_workshop",
    "programme.discard",
)
LIST, SEGMENT, WORKSHOP, RELEASE = (
    "programme.list",
    "programme.segment",
    "programme.workshop",
    "programme.release",
)
# On the organisers' card of a draft, and on the receipt of a release.
POST, HOLD, UNDO = "announcements.post", "announcements.hold", "announcements.undo"
SHOWN, SHOWN_ROOM = 40, 9_000  # segments and their characters in a message, which takes 50 blocks and 12,000


def register(app: AsyncApp) -> None:
    """Bind the Slack entries of the programme."""
    app.action(EDIT)(edit_pressed)
    app.action(EDIT_SEGMENT)(edit_segment)
    app.action(ADD_SEGMENT)(edit_segment)
    app.action(EDIT_WORKSHOP)(edit_workshop)
    app.action(DISCARD)(discarded)
    app.view(SEGMENT)(segment_submitted)
    app.view(WORKSHOP)(workshop_submitted)
    app.view(LIST)(reviewed)
    app.view(RELEASE)(released)
    app.action(POST)(posted)
    app.action(HOLD)(held)
    app.action(UNDO)(undone)


async def programme(call: Call) -> Reply:
    """`/workshop programme` shows it; `/workshop programme edit` opens the editor."""
    if call.words.lower() in ("edit", "change"):
        await call.desk.require_organiser(call.user)
        await _open_list(call.desk, call.client, call.trigger_id)
        return None
    return await _shown(call, "programme/shown")


async def now(call: Call) -> Reply:
    """`/workshop now`: what is on, and what comes next."""
    return await _shown(call, "programme/now")


async def late(call: Call) -> Reply:
    """`/workshop late 5`: everything that has not started moves by so many minutes; gaps absorb it."""
    desk, instant = call.desk, call.desk.now()
    await desk.require_organiser(call.user)
    match = re.fullmatch(r"(\d{1,3})\s*(?:m|min|minutes?)?", call.words.lower())
    if match is None or not 1 <= int(match[1]) <= 240:
        raise Invalid("late_how_much", field="minutes")
    async with desk.database.begin() as db:
        if await first_time(db, call.key, now=instant):
            by = await desk.person(db, call.user)
            await announcements.run_late(db, desk.config, by=by, minutes=int(match[1]), now=instant)
        changed = await announcements.last_change(db)
    desk.nudge()
    return desk.rendering.message("programme/late_done", changed)


COMMANDS = {"programme": programme, "program": programme, "now": now, "next": now, "late": late}


async def _shown(call: Call, template: str) -> Reply:
    desk, instant = call.desk, call.desk.now()
    async with desk.database.read() as db:
        current = await versions.current(db)
    values = {
        "programme": current,
        "seen": excerpt(current, room=SHOWN_ROOM, most=SHOWN, at=instant),
        "on_now": {segment.id for segment in current.now(instant)},
        "next": current.next(instant),
        "phase": "before" if instant < current.starts else "during" if instant < current.ends else "after",
    }
    return desk.rendering.message(template, values)


async def edit_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Edit the programme* in the Home tab."""
    await desk.require_organiser(body["user"]["id"])
    await _open_list(desk, client, body["trigger_id"])
    await ack()


async def edit_segment(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Edit* beside a segment, or *Add a segment*: its form."""
    await desk.require_organiser(body["user"]["id"])
    wanted = body["actions"][0].get("value") or ""
    async with desk.database.read() as db:
        draft, revision = await _draft(db)
    segment = draft.segment(wanted) if wanted else None
    if wanted and segment is None:
        raise NotFound("no_such_segment", segment=wanted)
    view = desk.rendering.view(
        "programme/segment_modal",
        {
            "segment": segment,
            "kept": _too_long(segment),
            "callback": SEGMENT,
            "metadata": json.dumps({"segment": wanted, "revision": revision}),
            "starts": _typed(desk, segment.starts if segment else None, draft),
            "ends": _typed(desk, segment.ends if segment else None, draft),
        },
    )
    await client.views_push(trigger_id=body["trigger_id"], view=view)
    await ack()


async def edit_workshop(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Hours, status, links*: the workshop's own form."""
    await desk.require_organiser(body["user"]["id"])
    async with desk.database.read() as db:
        draft, revision = await _draft(db)
    view = desk.rendering.view(
        "programme/workshop_modal",
        {
            "programme": draft,
            "callback": WORKSHOP,
            "metadata": json.dumps({"revision": revision}),
            "starts": f"{draft.starts.astimezone(desk.rendering.tz):%Y-%m-%d %H:%M}",
            "ends": f"{draft.ends.astimezone(desk.rendering.tz):%Y-%m-%d %H:%M}",
            "statuses": list(Status),
        },
    )
    await client.views_push(trigger_id=body["trigger_id"], view=view)
    await ack()


async def discarded(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Discard the draft*: back to the released programme."""
    await desk.require_organiser(body["user"]["id"])
    instant = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=instant):
            by = await desk.person(db, body["user"]["id"])
            await announcements.discard(db, by=by, draft_revision=_revision(body["view"]) or 0, now=instant)
    await _show_list(desk, client, body["view"]["id"])
    await ack()


async def segment_submitted(
    ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient, desk: Desk
) -> None:
    """A segment's form goes into the draft; the list behind it shows the change."""
    await desk.require_organiser(body["user"]["id"])
    carried, instant = _metadata(view), desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, view_key(body), now=instant):
            draft, _ = await _draft(db)
            by = await desk.person(db, body["user"]["id"])
            changed = _with_segment(draft, str(carried.get("segment", "")), view, desk.rendering.tz)
            await versions.save(db, changed, by=by, origin="edit", revision=_revision(view), now=instant)
            await announcements.propose(db, now=instant)
    await _show_list(desk, client, view["root_view_id"])
    await ack()


async def workshop_submitted(
    ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient, desk: Desk
) -> None:
    """The workshop's own form goes into the draft."""
    await desk.require_organiser(body["user"]["id"])
    instant, tz = desk.now(), desk.rendering.tz
    async with desk.database.begin() as db:
        if await first_time(db, view_key(body), now=instant):
            draft, _ = await _draft(db)
            by = await desk.person(db, body["user"]["id"])
            day = draft.starts.astimezone(tz).date()
            starts, ends = _time(view, "starts", day, tz), _time(view, "ends", day, tz)
            if starts is None or ends is None or ends <= starts:
                raise Invalid("ends_before_start", field="ends")
            delay = starts - draft.starts if state_value(view, "along") else timedelta()
            changed = draft.model_copy(
                update={
                    "starts": starts,
                    "ends": ends,
                    "segments": tuple(segment.later(delay) for segment in draft.segments),
                    "status": Status(state_value(view, "status") or draft.status),
                    "link": _address(view, "link"),
                    "registration_url": _address(view, "registration_url"),
                }
            )
            await versions.save(db, changed, by=by, origin="edit", revision=_revision(view), now=instant)
            await announcements.propose(db, now=instant)
    await _show_list(desk, client, view["root_view_id"])
    await ack()


async def posted(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Post* on the draft's card: what the card shows is released; a draft edited since is not."""
    await desk.require_organiser(body["user"]["id"])
    instant = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=instant):
            by = await desk.person(db, body["user"]["id"])
            await announcements.release_and_announce(
                db, desk.config, by=by, note=None, draft_revision=_number(body), now=instant
            )
    await ack()
    desk.nudge()


async def held(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Hold* on the draft's card: everybody sees who wants to wait."""
    await desk.require_organiser(body["user"]["id"])
    instant = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=instant):
            by = await desk.person(db, body["user"]["id"])
            await announcements.hold(db, by=by, draft_revision=_number(body), now=instant)
    await ack()
    desk.nudge()


async def undone(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*Undo* on the receipt of a release: the version before is released again."""
    await desk.require_organiser(body["user"]["id"])
    instant = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=instant):
            by = await desk.person(db, body["user"]["id"])
            await announcements.undo(db, desk.config, number=_number(body), by=by, now=instant)
    await ack()
    desk.nudge()


async def reviewed(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """*See the difference*: the announcement as participants will read it, with warnings."""
    await desk.require_organiser(body["user"]["id"])
    await ack(response_action="update", view=await _review(desk))


async def _review(desk: Desk, notice: Mrkdwn | None = None) -> dict[str, Any]:
    async with desk.database.read() as db:
        review = await announcements.review(db, desk.config, now=desk.now())
    metadata = json.dumps({"revision": review.revision})
    values = {"review": review, "callback": RELEASE, "metadata": metadata, "notice": notice}
    return desk.rendering.view("programme/review_modal", values)


async def _overtaken(desk: Desk, stale: Stale) -> dict[str, Any]:
    """What somebody else did to the draft in review: as it is now, what was released, or that it is gone."""
    notice = explain(desk, stale)
    try:
        return await _review(desk, notice)
    except NotFound:
        if stale.code != "draft_gone":
            return desk.rendering.view("errors/modal", {"sentence": notice})
    async with desk.database.read() as db:
        changed = await announcements.last_change(db)
    return desk.rendering.view("programme/overtaken_modal", {**changed, "notice": notice})


async def released(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    """*Release*: the version, its announcement, the corrected reminders, all in one go. Who comes second is
    shown what the first has done."""
    await desk.require_organiser(body["user"]["id"])
    instant = desk.now()
    note = (state_value(view, "note") or "").strip() or None
    try:
        async with desk.database.begin() as db:
            if await first_time(db, view_key(body), now=instant):
                by = await desk.person(db, body["user"]["id"])
                await announcements.release_and_announce(
                    db, desk.config, by=by, note=note, draft_revision=_revision(view) or 0, now=instant
                )
    except Stale as stale:
        await ack(response_action="update", view=await _overtaken(desk, stale))
        return
    await ack(response_action="clear")
    desk.nudge()


async def _open_list(desk: Desk, client: AsyncWebClient, trigger_id: str) -> None:
    await client.views_open(trigger_id=trigger_id, view=await _list(desk))


async def _show_list(desk: Desk, client: AsyncWebClient, view_id: str) -> None:
    await client.views_update(view_id=view_id, view=await _list(desk))


async def _list(desk: Desk) -> dict[str, Any]:
    async with desk.database.read() as db:
        current, (draft, revision) = await versions.current(db), await _draft(db)
    values = {
        "programme": draft,
        "released": current,
        "changed": revision is not None,
        "metadata": json.dumps({"revision": revision}),
        "callback": LIST,
        "now": desk.now(),
        "shown": draft.segments[:80],
    }
    return desk.rendering.view("programme/list_modal", values)


async def _draft(db: AsyncSession) -> tuple[Programme, int | None]:
    """The draft and its revision, or the released programme and None."""
    draft = await versions.draft(db)
    if draft is None:
        return await versions.current(db), None
    return versions.programme_of(draft), draft.revision


def _with_segment(draft: Programme, segment_id: str, view: dict[str, Any], tz: ZoneInfo) -> Programme:
    """The draft with one segment as the form says; raises Invalid on the field that is wrong."""
    old = draft.segment(segment_id) if segment_id else None
    if segment_id and old is None:
        raise NotFound("no_such_segment", segment=segment_id)
    day = draft.starts.astimezone(tz).date()
    starts, ends = _time(view, "starts", day, tz), _time(view, "ends", day, tz)
    if ends is not None and starts is None:
        raise Invalid("end_without_start", field="ends")
    if starts is not None and ends is not None and ends <= starts:
        raise Invalid("ends_before_start", field="ends")
    options = state_value(view, "options") or []
    fields = _words(view, old)
    segment = (old or Segment(id=_new_id(draft, fields["title"]), title=fields["title"])).model_copy(
        update={
            **fields,
            "starts": starts,
            "ends": ends,
            "link": _address(view, "link"),
            "takes_questions": "takes_questions" in options,
            "cancelled": "cancelled" in options,
        }
    )
    segments = [segment if known.id == segment.id else known for known in draft.segments]
    if old is None:
        segments.append(segment)
    return draft.model_copy(update={"segments": tuple(segments)})


def _words(view: dict[str, Any], old: Segment | None) -> dict[str, Any]:
    """Title, speakers and description as typed; what was too long for an input stays as it was."""
    kept = _too_long(old)
    fields: dict[str, Any] = {}
    if "title" not in kept:
        fields["title"] = one_line(state_value(view, "title") or "")
        if not fields["title"] or len(fields["title"]) > TEXT:
            code = "too_long" if fields["title"] else "empty"
            raise Invalid(code, field="title", limit=TEXT, length=len(fields["title"]))
    if "speakers" not in kept:
        lines = (state_value(view, "speakers") or "").splitlines()
        fields["speakers"] = tuple(dict.fromkeys(filter(None, map(one_line, lines))))
        if len(fields["speakers"]) > SPEAKERS:
            raise Invalid("too_many_speakers", field="speakers", limit=SPEAKERS)
    if "description" not in kept:
        fields["description"] = paragraphs(state_value(view, "description") or "")
    return {"title": old.title if old else "", **fields}


def _too_long(segment: Segment | None) -> set[str]:
    """The fields of a segment that no input of Slack's can hold; they are edited by an import."""
    if segment is None:
        return set()
    fields = {
        "title": segment.title,
        "speakers": "\n".join(segment.speakers),
        "description": segment.description or "",
    }
    return {name for name, value in fields.items() if len(value.encode("utf-16-le")) // 2 > TEXT}


def _new_id(draft: Programme, title: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "segment"
    taken, number, made = {segment.id for segment in draft.segments}, 2, slug
    while made in taken:
        made, number = f"{slug}-{number}", number + 1
    return made


def _time(view: dict[str, Any], field: str, day: date, tz: ZoneInfo) -> datetime | None:
    """ "14:50" on the workshop's day, "2025-11-26 14:50", or nothing; raises Invalid for anything else."""
    typed = (state_value(view, field) or "").strip()
    if not typed:
        return None
    match = re.fullmatch(r"(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2})[:.h](\d{2})", typed)
    try:
        if match is None:
            raise ValueError(typed)
        on = date.fromisoformat(match[1]) if match[1] else day
        local = datetime(on.year, on.month, on.day, int(match[2]), int(match[3]))  # noqa: DTZ001 - as typed
        return utc(local, tz, field)
    except (ValueError, ConfigError):  # also a time that the change to summer time leaves out
        raise Invalid("no_time", field=field) from None


def _typed(desk: Desk, instant: datetime | None, draft: Programme) -> str:
    """A time as the form takes it: with its date only when that is not the workshop's day."""
    if instant is None:
        return ""
    local = instant.astimezone(desk.rendering.tz)
    same_day = local.date() == draft.starts.astimezone(desk.rendering.tz).date()
    return f"{local:%H:%M}" if same_day else f"{local:%Y-%m-%d %H:%M}"


def _address(view: dict[str, Any], field: str) -> str | None:
    typed = (state_value(view, field) or "").strip()
    if typed and not re.fullmatch(r"https?://[^\s<>|\"]{3,1900}", typed):
        raise Invalid("no_address", field=field)
    return typed or None


def _metadata(view: dict[str, Any]) -> dict[str, Any]:
    """What the form carries; raises Invalid for a view that this version did not draw."""
    try:
        carried = json.loads(view.get("private_metadata") or "")
        if carried["revision"] is not None:
            int(carried["revision"])
    except (ValueError, TypeError, KeyError):
        raise Invalid("old_view", field="") from None
    return dict(carried)


def _revision(view: dict[str, Any]) -> int | None:
    """The revision of the draft that the form was drawn from; None: there was no draft."""
    revision = _metadata(view)["revision"]
    return None if revision is None else int(revision)


def _number(body: dict[str, Any]) -> int:
    """The number a button carries; raises Invalid for one that this version did not draw."""
    value = body["actions"][0].get("value") or ""
    if not re.fullmatch(r"\d{1,9}", value):
        raise Invalid("old_view", field="")
    return int(value)
