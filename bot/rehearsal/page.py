"""The workspace in a browser: who, where and what is seen, prepared for `templates/pages/rehearsal*.html`.

Everything is in the address (`as`, `in`, `thread`, `tab`), so that reload, a second tab and the back
button keep their place. `/page/parts` gives the same parts again as JSON; `/live` says when to ask.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from bot.clock import SimulatedClock
from bot.config import shipped
from bot.rehearsal import attachments, dates, faults, mrkdwn, seen
from bot.rehearsal.control import BREAKS, Control
from bot.rehearsal.deeds import Deeds
from bot.rehearsal.drawing import Drawing
from bot.rehearsal.methods import METHODS
from bot.rehearsal.reach import DeedError
from bot.rehearsal.state import BOT_USER, SLACKBOT, Channel, Json, Member, Message, View
from bot.rehearsal.workspace import Workspace
from bot.rendering import Rendering, unescape, zone_name

FIRST_PAGE = 100  # messages shown at first
SPEEDS = (1.0, 10.0, 60.0, 600.0, 3600.0)
ROLES = (("participant", "People"), ("guest", "Guests"), ("moderator", "Mods"), ("organiser", "Org"))
COMPACT = timedelta(minutes=5)  # messages of one author this close together share one heading
KEEPALIVE = 15.0
SYSTEM = ("channel_topic", "channel_purpose", "tombstone")  # told by the workspace rather than said
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' https: data:; style-src 'self'; "
    "script-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
STATIC = {"rehearsal.css": "text/css", "rehearsal.js": "text/javascript"}


@dataclass(slots=True)
class Place:
    """Where somebody looks: what the page's address says."""

    user: Member
    channel: Channel
    tab: str = "messages"
    thread: str = ""
    limit: int = FIRST_PAGE

    def link(self, **changes: Any) -> str:
        """The address of another place, seen from here."""
        place = {
            "as": changes.get("as", self.user.name),
            "in": changes.get("channel", self.channel.id),
            "tab": changes.get("tab", "messages" if "channel" in changes else self.tab),
            "thread": changes.get("thread", ""),
            "limit": changes.get("limit", FIRST_PAGE),
        }
        if place["tab"] == "messages":
            del place["tab"]
        if place["limit"] == FIRST_PAGE:
            del place["limit"]
        return "/?" + urlencode({key: value for key, value in place.items() if value})


@dataclass(slots=True)
class Page:
    """Serves the page for one workspace."""

    deeds: Deeds
    control: Control
    rendering: Rendering
    revision: int = field(default=0)

    @property
    def workspace(self) -> Workspace:
        return self.deeds.workspace

    def routes(self) -> list[Route]:
        """The routes, for the server's application."""
        return [
            Route("/", self._whole),
            Route("/page/parts", self._parts),
            Route("/page/log", self._log),
            Route("/archives/{channel}", self._archive),
            Route("/archives/{channel}/{message}", self._archive),
            Route("/two", self._two),
            Route("/inspector", self._inspector),
            Route("/live", self._live),
            Route("/static/{name}", self._static),
        ]

    # --- routes -----------------------------------------------------------------------------------

    async def _whole(self, request: Request) -> Response:
        place = self._place(request)
        values = self._values(place) | self._frame(place)
        return HTMLResponse(self.rendering.page("rehearsal", values), headers=HEADERS)

    async def _parts(self, request: Request) -> Response:
        place = self._place(request)
        values = self._values(place)
        names = ["sidebar", "head", "modal", "home" if place.tab == "home" else "messages"]
        if values["thread_ts"]:
            names.append("thread")
        parts = {name: self.rendering.page(f"rehearsal_{name}", values) for name in names}
        unread, fresh = values["here"]["unread"], sum(each["new_replies"] for each in values["thread"][:1])
        return JSONResponse({"parts": parts, "unread": unread, "unread_thread": fresh}, headers=HEADERS)

    async def _archive(self, request: Request) -> Response:
        """Where a permalink leads: the message, in its thread if it has one, for whoever `as` says."""
        where, query = request.path_params, request.query_params
        ts = where.get("message", "").removeprefix("p")
        place = {"as": query.get("as", ""), "in": where["channel"], "thread": query.get("thread_ts", "")}
        mark = f"#m-{ts[:-6]}.{ts[-6:]}" if ts.isdigit() else ""
        address = urlencode({key: value for key, value in place.items() if value})
        return RedirectResponse(f"/?{address}{mark}", headers=HEADERS)

    async def _two(self, request: Request) -> Response:
        names = {
            side: self._actor(request.query_params.get(side), default).name
            for side, default in (("left", "participant-tokyo"), ("right", "moderator-geneva"))
        }
        return HTMLResponse(self.rendering.page("rehearsal_two", names), headers=HEADERS)

    async def _inspector(self, request: Request) -> Response:
        values = {
            "entries": self.control.log.entries(limit=300)[::-1],
            "seq": self.control.log.seq,
            "methods": sorted(METHODS),
            "method_kinds": faults.METHOD_KINDS,
            "envelope_kinds": faults.ENVELOPE_KINDS,
            "reasons": BREAKS,
            "armed": [fault.as_dict() for fault in self.control.faults.armed],
        }
        return HTMLResponse(self.rendering.page("rehearsal_inspector", values), headers=HEADERS)

    async def _log(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        entries = self.control.log.entries(after=int(after) if after.isdigit() else 0)[::-1]
        html = self.rendering.page("rehearsal_log", {"entries": entries})
        return JSONResponse({"html": html, "seq": self.control.log.seq}, headers=HEADERS)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            return Response(status_code=404)
        path = shipped("templates") / "pages" / "static" / name
        return FileResponse(path, media_type=STATIC[name], headers={"Cache-Control": "no-cache"})

    async def _live(self, request: Request) -> Response:
        with_log = "log" in request.query_params
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._changes(with_log), media_type="text/event-stream", headers=headers)

    async def _changes(self, with_log: bool) -> AsyncIterator[str]:
        """One event at the start and after every change, a comment now and then to keep the line open."""
        changed = asyncio.Event()
        self.workspace.watch(changed)
        last: Any = None
        try:
            while not self.workspace.closed:
                changed.clear()
                clock = self.control.clock_state()
                now = (self.workspace.revision, self.control.log.seq if with_log else 0, self.revision)
                if now != last:
                    last = now
                    data = {"revision": now[0], "day": self.workspace.day}
                    data |= {"now": clock["now"], "speed": clock["speed"]}
                    yield f"data: {json.dumps(data)}\n\n"
                    await asyncio.sleep(0.03)  # a burst of changes is one event
                try:
                    async with asyncio.timeout(KEEPALIVE):
                        await changed.wait()
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self.workspace.unwatch(changed)

    def clock_changed(self) -> None:
        """Tell every open page that the clock was moved, stopped or sped up."""
        self.revision += 1
        self.workspace.wake()

    # --- place ------------------------------------------------------------------------------------

    def _place(self, request: Request) -> Place:
        """Where the address leads; anything wrong in it leads to the nearest place that exists."""
        query = request.query_params
        user = self._actor(query.get("as"), "participant-tokyo")
        channel = self.workspace.channels.get(query.get("in", ""))
        if query.get("in") == "bot":
            channel = self.workspace.direct(BOT_USER, user.id)
        if channel is not None and channel.kind != "channel" and user.id not in channel.members:
            # The same conversation from another side: somebody else's direct message with the bot.
            channel = self.workspace.direct(BOT_USER, user.id) if BOT_USER in channel.members else None
        if channel is None:
            channel = next(c for c in self.workspace.channels.values() if c.kind == "channel")
        thread = channel.messages.get(query.get("thread", ""))
        limit = query.get("limit", "")
        return Place(
            user=user,
            channel=channel,
            tab="home"
            if query.get("tab") == "home" and BOT_USER in channel.members and channel.direct
            else "messages",
            thread=thread.ts if thread is not None and thread.only_for in (None, user.id) else "",
            limit=min(int(limit), 100_000) if limit.isdigit() and int(limit) > 0 else FIRST_PAGE,
        )

    def _actor(self, reference: str | None, default: str) -> Member:
        try:
            return self.deeds.actor(reference or default)
        except DeedError:
            return self.deeds.actor(default)

    # --- values -----------------------------------------------------------------------------------

    def _values(self, place: Place) -> Json:
        """What the parts show."""
        drawing = Drawing(self.workspace, place.user)
        visible = [m for m in seen.visible(place.channel, place.user) if not m.is_reply or m.broadcast]
        shown = visible[-place.limit :]
        thread = self._thread(place)
        stack = self.workspace.modals.get(place.user.id, [])
        home = self.workspace.homes.get(place.user.id)
        return {
            "reader": drawing,
            "link": place.link,
            "me": self._person(place.user),
            "tab": place.tab,
            "limit": place.limit,
            "channels": self._channels(place),
            "here": self._here(place),
            "earlier": len(visible) - len(shown),
            "messages": self._messages(place, shown),
            "thread": self._messages(place, thread),
            "thread_ts": place.thread,
            "pins": self._pins(place),
            "bookmarks": list(place.channel.bookmarks.values()),
            "message_shortcuts": self._shortcuts("message"),
            "view": self._view(stack[-1], deeper=len(stack) > 1) if stack else None,
            "home": self._view(home, deeper=False) if home else None,
        }

    def _frame(self, place: Place) -> Json:
        """What stands around the parts and only changes with the place."""
        zone = self.control.config.workshop.tz
        clock = self.control.clock_state()
        running = self.control.clock.speed if isinstance(self.control.clock, SimulatedClock) else 1.0
        return {
            "clock": clock,
            "speeds": sorted({*SPEEDS, running or self.control.running}),
            "running": running or self.control.running,
            "workshop_zone": str(zone),
            "workshop_zone_name": zone_name(self.workspace.now(), zone),
            "landmarks": self._landmarks(clock["landmarks"]),
            "scenarios": self.control.scenarios(),
            "people": self._people(place),
            "shortcuts": self._shortcuts("global"),
            "suggest_data": self._suggestions(place),
        }

    def _landmarks(self, landmarks: list[Json]) -> list[Json]:
        now = self.workspace.now()
        drawn: list[Json] = []
        for landmark in landmarks:
            instant = datetime.fromisoformat(landmark["at"])
            name, when = landmark["name"].replace("-", " "), self.rendering.local(instant, "EEE d MMM, HH:mm")
            following = instant > now and not any(each["next"] for each in drawn)
            drawn.append(
                {"at": landmark["at"], "name": name, "when": when, "past": instant <= now, "next": following}
            )
        return drawn

    def _people(self, place: Place) -> list[Json]:
        people = [
            m for m in self.workspace.members.values() if not m.bot_id and not m.deleted and m.id != SLACKBOT
        ]
        groups = []
        for role, name in ROLES:
            members = [
                self._person(member) | {"here": member is place.user}
                for member in people
                if member.role == role
            ]
            if members:
                groups.append({"name": name, "people": members})
        return groups

    def _person(self, member: Member) -> Json:
        tz = ZoneInfo(member.tz)
        now = self.workspace.now().astimezone(tz)
        return {
            "id": member.id,
            "handle": member.name,
            "name": member.real_name,
            "role": member.role,
            "place": member.real_name.rpartition(" in ")[2],
            "initials": initials(member),
            "tz": member.tz,
            "zone": zone_name(now, tz),
            "time": now.strftime("%H:%M"),
            "language": dates.locale_of(member.locale).get_display_name("en") or member.locale,
        }

    def _channels(self, place: Place) -> list[Json]:
        return [
            channel | {"here": channel["id"] == place.channel.id}
            for channel in seen.channels(self.workspace, place.user)
        ]

    def _here(self, place: Place) -> Json:
        channel, user = place.channel, place.user
        names = [self.workspace.members[each].real_name for each in channel.members]
        return {
            "id": channel.id,
            "kind": channel.kind,
            "title": seen.title(self.workspace, channel, user),
            "topic": channel.topic["value"],
            "bot": channel.kind == "im" and BOT_USER in channel.members,
            "is_member": user.id in channel.members,
            "members": [] if channel.direct else names,
            "unread": len(seen.unread(channel, user)) if user.id in channel.members else 0,
        }

    def _pins(self, place: Place) -> list[Json]:
        pinned = [message for message in place.channel.messages.values() if message.pinned_by]
        return [{"name": self._author(message), "text": message.text} for message in pinned[::-1]]

    def _shortcuts(self, kind: str) -> list[Json]:
        return [each for each in self.deeds.manifest.shortcuts or [] if each["type"] == kind]

    def _suggestions(self, place: Place) -> Json:
        commands = self.deeds.manifest.commands or {}
        members = [m for m in self.workspace.members.values() if not m.deleted and m.id != SLACKBOT]
        return {
            "commands": [
                [name, each.get("usage_hint", ""), each.get("description", "")]
                for name, each in commands.items()
            ],
            "people": [[member.name, member.real_name] for member in members],
            "channels": [
                c["name"]
                for c in seen.channels(self.workspace, place.user)
                if c["kind"] in ("channel", "group")
            ],
        }

    def _view(self, view: View, *, deeper: bool) -> Json:
        body = view.body
        return {
            "id": view.id,
            "hash": view.hash,
            "title": body.get("title") or {"type": "plain_text", "text": ""},
            "submit": body.get("submit"),
            "close": body.get("close"),
            "deeper": deeper,
            "blocks": body["blocks"],
            "at": {"values": view.values, "errors": view.errors},
        }

    # --- messages ---------------------------------------------------------------------------------

    def _thread(self, place: Place) -> list[Message]:
        if not place.thread:
            return []
        return [m for m in seen.visible(place.channel, place.user) if place.thread in (m.ts, m.thread_ts)]

    def _messages(self, place: Place, messages: list[Message]) -> list[Json]:
        drawn: list[Json] = []
        before: Message | None = None
        for message in messages:
            drawn.append(self._message(place, message, before))
            before = message
        return drawn

    def _message(self, place: Place, message: Message, before: Message | None) -> Json:
        tz, locale = ZoneInfo(place.user.tz), dates.locale_of(place.user.locale)
        now = self.workspace.now().astimezone(tz)
        at = _instant(message).astimezone(tz)
        earlier = _instant(before).astimezone(tz) if before else None
        same = before is not None and _heading(before) == _heading(message)
        author = self.workspace.members.get(message.user)
        replies = [ts for ts in message.replies if ts in place.channel.messages]
        return {
            "ts": message.ts,
            "channel": message.channel,
            "thread_ts": message.thread_ts,
            "name": self._author(message),
            "initials": initials(author) if author else "?",
            "role": author.role if author else "bot",
            "is_bot": bool(message.bot_id or (author and author.bot_id)),
            "time": dates.clock_time(at, locale),
            "iso": at.isoformat(timespec="seconds"),
            "day": dates.day(at, locale, now) if earlier is None or earlier.date() != at.date() else "",
            "compact": same
            and earlier is not None
            and at - earlier < COMPACT
            and earlier.date() == at.date(),
            "text": message.text,
            "source": unescape(message.text),
            "plain": not message.mrkdwn,
            "blocks": message.blocks if message.bot_id else [],
            "attachments": [attachments.drawn(each) for each in message.attachments],
            "at": {"values": message.state.get(place.user.id, {}), "errors": {}},
            "ephemeral": message.only_for is not None,
            "pinned": bool(message.pinned_by),
            "reply": message.is_reply,
            "broadcast": message.broadcast,
            "edited": message.edited is not None,
            "gone": message.subtype == "tombstone",
            "system": message.subtype in SYSTEM,
            "mine": message.user == place.user.id,
            "files": [
                self.workspace.files[id_].as_dict("") for id_ in message.files if id_ in self.workspace.files
            ],
            "reactions": self._reactions(place, message),
            "replies": len(replies),
            "new_replies": len(seen.new_replies(place.channel, place.user, message)),
            "last_reply": dates.clock_time(
                _instant(place.channel.messages[replies[-1]]).astimezone(tz), locale
            )
            if replies
            else "",
        }

    def _reactions(self, place: Place, message: Message) -> list[Json]:
        return [
            {
                "name": name,
                "emoji": mrkdwn.emoji(name),
                "count": len(users),
                "mine": place.user.id in users,
                "people": ", ".join(self.workspace.members[user].real_name for user in users),
            }
            for name, users in message.reactions.items()
        ]

    def _author(self, message: Message) -> str:
        member = self.workspace.members.get(message.user)
        return message.username or (member.real_name if member else message.user)


def initials(member: Member) -> str:
    """Two letters for a member's picture: of the place for people, of the name for bots."""
    word = member.real_name.rpartition(" in ")[2]
    parts = word.split()
    return (parts[0][0] + parts[1][0] if len(parts) > 1 else word[:2]).upper()


def _heading(message: Message) -> tuple[object, ...]:
    """What two messages must share to stand under one heading."""
    return (
        message.user,
        message.username,
        message.only_for,
        bool(message.pinned_by),
        message.subtype in SYSTEM,
    )


def _instant(message: Message) -> datetime:
    seconds, _, micros = message.ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micros))
