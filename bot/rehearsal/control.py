"""The rehearsal's own controls over HTTP: clock, faults, how the app is reached, the inspector.

GET  /log?after=seq&kind=…   every request, envelope, acknowledgement and retry
GET  /clock                  {now, simulated, speed, landmarks}
POST /clock                  {speed} | {pause: true} | {resume: true} | {jump: ISO instant}
GET  /scenarios              those that can be played here; POST {play: name} plays one to its end
GET  /faults                 the armed switches; POST arms one (see `faults`), DELETE disarms all
GET  /app                    {request_url, strict_rates}: how the app is reached, whether rates are limited
POST /app                    {request_url: address to send signed requests to | null for Socket Mode},
                             {strict_rates: true | false}
POST /disconnect             {reason: a disconnect frame's | "tcp" | "close_frame" | "silence"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.clock import Clock, SimulatedClock
from bot.config import Config
from bot.rehearsal import scenario
from bot.rehearsal.envelopes import Dispatcher
from bot.rehearsal.faults import Faults
from bot.rehearsal.listening import Listening
from bot.rehearsal.log import Log
from bot.rehearsal.rates import Rates
from bot.rehearsal.request_url import RequestUrl
from bot.rehearsal.socket_mode import DISCONNECT_REASONS, SocketMode
from bot.rehearsal.state import Json
from bot.rendering import utc

BREAKS = (*DISCONNECT_REASONS, "tcp", "close_frame", "silence")


class Refused(Exception):
    """A control that cannot be used like this; carries the sentence."""


@dataclass(slots=True)
class Control:
    """The controls of one workspace.

    `reach` changes how the app is reached and says whether that works; `forward` moves the clock on, and
    `rewind` starts a new day from an earlier instant, `play` plays a scenario, if anyone can.
    """

    config: Config
    clock: Clock
    log: Log
    faults: Faults
    sockets: SocketMode
    rates: Rates
    dispatcher: Dispatcher
    reach: Callable[[str | None], Awaitable[bool]]
    listening: Listening | None = None
    forward: Callable[[datetime], Awaitable[None]] | None = None
    rewind: Callable[[datetime], Awaitable[None]] | None = None
    play: Callable[[str], Awaitable[Json]] | None = None
    running: float = field(default=1.0)  # the speed to go back to after a pause

    def routes(self) -> list[Route]:
        """The routes, for the server's application."""
        return [
            Route("/log", self._log),
            Route("/clock", self._clock, methods=["GET", "POST"]),
            Route("/scenarios", self._scenarios, methods=["GET", "POST"]),
            Route("/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route("/app", self._app, methods=["GET", "POST"]),
            Route("/disconnect", self._disconnect, methods=["POST"]),
        ]

    def clock_state(self) -> Json:
        """The clock as the page shows it."""
        return {
            "ok": True,
            "now": self.clock.now().isoformat(timespec="seconds"),
            "simulated": self.clock.simulated,
            "speed": self.clock.speed if isinstance(self.clock, SimulatedClock) else 1.0,
            "landmarks": landmarks(self.config),
        }

    async def _log(self, request: Request) -> Response:
        query = request.query_params
        entries = self.log.entries(after=int(query.get("after") or 0), kind=query.get("kind"))
        return JSONResponse({"ok": True, "seq": self.log.seq, "entries": entries})

    async def _clock(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(self.clock_state())
        try:
            await self._set_clock(await _body(request))
        except (Refused, ValueError) as error:
            return _bad(str(error))
        except TimeoutError:
            return _bad("the bot did not come to rest; its log says why")
        return JSONResponse(self.clock_state())

    async def _set_clock(self, wish: Json) -> None:
        if not isinstance(self.clock, SimulatedClock):
            raise Refused("this workspace runs in real time; its clock cannot be set")
        if "jump" in wish:
            instant = utc(str(wish["jump"]))
            if instant >= self.clock.now():
                if self.forward is not None:
                    await self.forward(instant)
                else:
                    self.clock.jump(instant)
            elif self.rewind is not None:
                await self.rewind(instant)
            else:
                raise Refused("that instant is past; start a new rehearsal to go back")
        if wish.get("pause"):
            self.running = self.clock.speed or self.running
            self.clock.set_speed(0)
        if wish.get("resume"):
            self.clock.set_speed(self.running)
        if "speed" in wish:
            self.clock.set_speed(float(wish["speed"]))

    def scenarios(self) -> list[Json]:
        """What can be played here, as the page shows it."""
        shipped = scenario.shipped() if self.play is not None else {}
        return [
            {"name": name, "title": each.title, "about": each.about, "anywhere": each.anywhere}
            for name, each in shipped.items()
        ]

    async def _scenarios(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"ok": True, "scenarios": self.scenarios()})
        try:
            name = str((await _body(request)).get("play"))
            if self.play is None or name not in {each["name"] for each in self.scenarios()}:
                raise Refused(f"there is no scenario {name!r} to play here")
            return JSONResponse({"ok": True, **await self.play(name)})
        except Refused as error:
            return _bad(str(error))
        except TimeoutError:
            return _bad("the bot did not come to rest; its log says why")

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                self.faults.arm(await _body(request))
            except (Refused, ValueError, TypeError) as error:
                return _bad(str(error))
        return JSONResponse({"ok": True, "armed": [fault.as_dict() for fault in self.faults.armed]})

    async def _app(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                wish = await _body(request)
                await self._set_app(wish)
            except Refused as error:
                return _bad(str(error))
        road = self.dispatcher.road
        url = road.url if isinstance(road, RequestUrl) else None
        return JSONResponse({"ok": True, "request_url": url, "strict_rates": self.rates.strict})

    async def _set_app(self, wish: Json) -> None:
        if "request_url" in wish:
            url = wish["request_url"]
            if url is not None and not re.match(r"https?://", str(url)):
                raise Refused("request_url must be an address that begins with http:// or https://, or null")
            if not await self.reach(None if url is None else str(url)):
                raise Refused("that address did not answer Slack's url_verification with the challenge")
        if "strict_rates" in wish:
            self.rates.strict = bool(wish["strict_rates"])

    async def _disconnect(self, request: Request) -> Response:
        try:
            reason = str((await _body(request)).get("reason") or "warning")
        except Refused as error:
            return _bad(str(error))
        try:
            return JSONResponse({"ok": True, "sockets": await self.break_sockets(reason)})
        except Refused as error:
            return _bad(str(error))

    async def break_sockets(self, reason: str) -> int:
        """End or silence every socket in this way; returns how many there were."""
        if reason in DISCONNECT_REASONS:
            return await self.sockets.disconnect(reason)
        if reason == "close_frame":
            return await self.sockets.close()
        if reason in ("tcp", "silence") and self.listening is not None:
            sockets = self.sockets.sockets
            for websocket in sockets:
                (self.listening.cut if reason == "tcp" else self.listening.silence)(websocket)
            self.log.note("fault", reason, sockets=len(sockets))
            return len(sockets)
        raise Refused(f"reason must be one of {', '.join(BREAKS)}")


def landmarks(config: Config) -> list[Json]:
    """The instants one wants to jump to, in order: reminders, the hour before, start, segments, end."""
    start, end, tz = config.workshop.start, config.workshop.end, config.workshop.tz
    found = [
        (reminder.moment.instant(start, end, tz), reminder.id)
        for reminder in config.reminders
        if not reminder.segment
    ]
    found += [(start, "start"), (end, "end"), (end + timedelta(days=1), "day-after")]
    for segment in config.segments:
        if segment.starts is not None:
            found.append((segment.starts.replace(tzinfo=tz), segment.title))
    ordered = sorted({instant.astimezone(start.tzinfo): name for instant, name in found}.items())
    return [{"at": instant.isoformat(), "name": name} for instant, name in ordered]


def _bad(why: str) -> Response:
    return JSONResponse({"ok": False, "error": "invalid_arguments", "why": why}, status_code=400)


async def _body(request: Request) -> Json:
    try:
        data: Any = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Refused("the body must be a JSON object") from None
    if not isinstance(data, dict):
        raise Refused("the body must be a JSON object")
    return data
