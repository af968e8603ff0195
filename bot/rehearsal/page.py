"""The workspace in a browser: who, where and what is seen, prepared for `templates/pages/rehearsal*.html`.

Everything is in the address (`as`, `in`, `thread`, `tab`), so that reload, a second tab and the back
button keep their place. `/page/parts` gives the same parts again as JSON; `/live` says when to ask.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
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
from bot.rehearsal import dates, faults, seen
from bot.rehearsal.articles import Articles, author_name, initials
from bot.rehearsal.control import BREAKS, Control
from bot.rehearsal.deeds import Deeds
from bot.rehearsal.drawing import Drawing
from bot.rehearsal.methods import METHODS
from bot.rehearsal.reach import DeedError
from bot.rehearsal.state import BOT_USER, SLACKBOT, Channel, Json, Member, Message, View
from bot.rehearsal.workspace import Workspace
from bot.rendering import Rendering, zone_name

SCREEN = 40  # messages in the page as it is first sent
FIRST_PAGE = 100  # messages that stand there soon after, when the address says nothing
SPEEDS = (1.0, 10.0, 60.0, 600.0, 3600.0)
ROLES = (("participant", "People"), ("guest", "Guests"), ("moderator", "Mods"), ("organiser", "Org"))
KEEPALIVE = 15.0
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' https: data:; style-src 'self'; "
    "script-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
STATIC = {
    "rehearsal.css": "text/css",
    "rehearsal.js": "text/javascript",
    "rehearsal_keys.js": "text/javascript",
}


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
            Route("/page/earlier", self._earlier),
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
        values = self._values(place, self._at_first(place)) | self._frame(place)
        return HTMLResponse(self.rendering.page("rehearsal", values), headers=HEADERS)

    async def _parts(self, request: Request) -> Response:
        place = self._place(request)
        values = self._values(place, place.limit)
        names = ["sidebar", "head", "modal", "home" if place.tab == "home" else "messages"]
        if values["thread_ts"]:
            names.append("thread")
        parts = {name: self.rendering.page(f"rehearsal_{name}", values) for name in names}
        numbers = {
            "all": values["all"],
            "unread": values["here"]["unread"],
            "unread_thread": sum(each["new_replies"] for each in values["thread"][:1]),
        }
        return JSONResponse({"parts": parts, **numbers}, headers=HEADERS)

    async def _earlier(self, request: Request) -> Response:
        """The messages above the one that `before` names: at most `limit` of them."""
        place, before = self._place(request), request.query_params.get("before", "")
        articles = Articles(self.workspace, place.user, place.channel)
        above = [message for message in articles.visible() if message.ts < before]
        values = self._words(place) | _last(articles, above, place.limit)
        html = self.rendering.page("rehearsal_messages", values) if above else ""
        return JSONResponse({"html": html, "above": values["earlier"]}, headers=HEADERS)

    async def _archive(self, request: Request) -> Response:
        """Where a permalink leads: the message, in its thread if it has one, for whoever `as` says."""
        where, query = request.path_params, request.query_params
        digits, thread = where.get("message", "").removeprefix("p"), query.get("thread_ts", "")
        ts = f"{digits[:-6]}.{digits[-6:]}" if digits.isdigit() else ""
        channel = self.workspace.channels.get(where["channel"])
        newer = sum(1 for each in channel.messages if ts and each >= (thread or ts)) if channel else 0
        place = {"as": query.get("as", ""), "in": where["channel"], "thread": thread}
        place["limit"] = str(newer + SCREEN) if newer > FIRST_PAGE else ""
        address = urlencode({key: value for key, value in place.items() if value})
        return RedirectResponse(f"/?{address}#m-{ts}" if ts else f"/?{address}", headers=HEADERS)

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

    def _at_first(self, place: Place) -> int:
        """How many messages the page is sent with: a screenful, and down to the one whose thread is open."""
        newer = sum(1 for ts, m in place.channel.messages.items() if ts >= place.thread and not m.is_reply)
        return max(SCREEN, newer if place.thread else 0)

    def _words(self, place: Place) -> Json:
        """What every message is drawn with."""
        return {
            "reader": Drawing(self.workspace, place.user),
            "link": place.link,
            "here": self._here(place),
            "message_shortcuts": self._shortcuts("message"),
        }

    def _values(self, place: Place, most: int) -> Json:
        """What the parts show, of the channel the last messages: at most so many, and the address's limit."""
        articles = Articles(self.workspace, place.user, place.channel)
        stack = self.workspace.modals.get(place.user.id, [])
        home = self.workspace.homes.get(place.user.id)
        return {
            **self._words(place),
            **_last(articles, articles.visible(), min(most, place.limit)),
            "me": self._person(place.user),
            "tab": place.tab,
            "limit": place.limit,
            "channels": self._channels(place),
            "thread": articles.drawn(articles.thread(place.thread)),
            "thread_ts": place.thread,
            "pins": self._pins(place),
            "bookmarks": list(place.channel.bookmarks.values()),
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
            "tryout": self._tryout() if self.control.scenarios() else None,
            "people": self._people(place),
            "shortcuts": self._shortcuts("global"),
            "suggest_data": self._suggestions(place),
        }

    def _tryout(self) -> Json:
        """Where the four jobs begin, for whoever sees the page for the first time."""
        channels = self.control.config.channels
        named = {
            "participants": channels.participants,
            "moderators": channels.moderators,
            "organisers": channels.organisers,
        }
        found = {key: self.workspace.channel(name) for key, name in named.items()}
        people = {member.role: member.name for member in reversed(self.workspace.members.values())}
        return {
            **{key: channel.id if channel else "" for key, channel in found.items()},
            "organiser": people.get("organiser", ""),
            "moderator": people.get("moderator", ""),
        }

    def _landmarks(self, landmarks: list[Json]) -> list[Json]:
        return [
            {
                "at": landmark["at"],
                "name": landmark["name"].replace("-", " "),
                "when": self.rendering.local(datetime.fromisoformat(landmark["at"]), "EEE d MMM, HH:mm"),
            }
            for landmark in landmarks
        ]

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
        return [
            {"name": author_name(self.workspace, message), "text": message.text} for message in pinned[::-1]
        ]

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


def _last(articles: Articles, messages: list[Message], most: int) -> Json:
    """The last messages as the template wants them, how many there are above, and how many in all."""
    start = max(0, len(messages) - most)
    before = messages[start - 1] if start else None
    return {"messages": articles.drawn(messages[start:], before), "earlier": start, "all": len(messages)}
