"""The local workspace as one server: composition, start, stop, and what a stepped clock needs to know.

workspace = LocalWorkspace(config, clock)
await workspace.start()
client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.clock import Clock
from bot.config import Config, Environment
from bot.rehearsal import avatars, seed, transcript
from bot.rehearsal.calls import Call, Options
from bot.rehearsal.control import Control
from bot.rehearsal.deeds import Deeds
from bot.rehearsal.envelopes import Dispatcher
from bot.rehearsal.faults import Faults
from bot.rehearsal.listening import CannotListen, Listening, PortInUse
from bot.rehearsal.log import Log
from bot.rehearsal.methods import chat
from bot.rehearsal.page import Page
from bot.rehearsal.people_api import PeopleApi
from bot.rehearsal.person import Person
from bot.rehearsal.rates import Rates
from bot.rehearsal.reach import Manifest
from bot.rehearsal.request_url import RequestUrl
from bot.rehearsal.response_urls import ResponseUrls
from bot.rehearsal.socket_mode import SocketMode
from bot.rehearsal.state import Json, Member
from bot.rehearsal.views import Views
from bot.rehearsal.web_api import WebApi
from bot.rehearsal.workspace import Workspace
from bot.rendering import Rendering

__all__ = ["CannotListen", "LocalWorkspace", "PortInUse"]

BOT_NAME = "Workshop"
SLACKS_OWN = "https://api.slack.com"  # what Go's client says, wherever it connects


class LocalWorkspace:
    """A Slack-compatible workspace on this machine, seeded from the configuration.

    `manifest` (the app's, as a dict) decides which events, commands, shortcuts and scopes the app has;
    without one it hears everything, has every scope and any command. `rates="strict"` enforces Slack's
    limits on the workshop clock, `reads_per_minute` and `page_cap` those some apps get for reading history,
    `posts_per_minute` a cap for the whole workspace. `ack_seconds` is the acknowledgement deadline, in wall
    time. Loopback only, unless `host` says otherwise.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        manifest: Json | None = None,
        rates: str = "off",
        page_cap: int = 999,
        reads_per_minute: int | None = None,
        posts_per_minute: int | None = None,
        ack_seconds: float = 3.0,
        scheduled_metadata_bug: bool = True,
    ) -> None:
        if rates not in ("off", "strict"):
            raise ValueError('rates must be "off" or "strict"')
        self.config, self.clock = config, clock
        self.bot_token = f"xoxb-rehearsal-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-A0WORKSHOP-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.manifest = manifest
        self._events = _events(manifest)
        run_id = secrets.token_hex(3).upper()
        self.log, self.faults = Log(clock), Faults()
        self.sockets = SocketMode(self.log, self.faults, ack_seconds=ack_seconds)
        self.dispatcher = Dispatcher(clock, self.log, self.sockets, run_id)
        self.state = Workspace(clock, self._emit, run_id)
        self.dispatcher.on_settled = self.log.on_note = self.state.wake
        self.views = Views(self.state)
        self.response_urls = ResponseUrls(self.state)
        self.deeds = Deeds(
            self.state, self.views, self.dispatcher, self.response_urls, Manifest.read(manifest)
        )
        self._options = _options(manifest, page_cap, scheduled_metadata_bug)
        self.rates = Rates(
            strict=rates == "strict", reads_per_minute=reads_per_minute, posts_per_minute=posts_per_minute
        )
        self._api = WebApi(
            self.state,
            self.views,
            self._options,
            self.rates,
            self.faults,
            self.dispatcher,
            self.log,
            self.bot_token,
            self.app_token,
        )
        self.control = Control(
            config, clock, self.log, self.faults, self.sockets, self.rates, self.dispatcher, self.reach
        )
        self._page = Page(self.deeds, self.control, Rendering(config))
        clock.on_change(self._page.clock_changed)
        self._ack_seconds = ack_seconds
        self.began = clock.now()
        self._request_urls: list[RequestUrl] = []
        self._listening = Listening(self._application(), host, port)
        self._scheduler: asyncio.Task[None] | None = None
        self._seed()

    # --- addresses --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The workspace's own address, without a slash at its end."""
        host = f"[{self._listening.host}]" if ":" in self._listening.host else self._listening.host
        return f"http://{host}:{self._listening.port}"

    @property
    def api_url(self) -> str:
        """What a Slack client takes as its base URL."""
        return f"{self.url}/api/"

    @property
    def environment(self) -> Environment:
        """How a bot joins this workspace; its own routes get any free port of the loopback interface."""
        return Environment(
            bot_token=self.bot_token,
            app_token=self.app_token,
            signing_secret=self.signing_secret,
            api_url=self.api_url,
            listen="127.0.0.1:0",
        )

    # --- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. Raises PortInUse, which names the port and how to choose another."""
        await self._listening.start()
        self.state.url = self.url
        self._api.listening = self.control.listening = self._listening
        self._scheduler = asyncio.get_running_loop().create_task(self._post_scheduled())

    async def stop(self) -> None:
        """Close everything; safe to call twice."""
        if self._scheduler is not None:
            self._scheduler.cancel()
            await asyncio.gather(self._scheduler, return_exceptions=True)
            self._scheduler = None
            self.state.close()
            await self.dispatcher.stop()
            await self._listening.stop()
        for road in self._request_urls:
            await road.stop()

    async def __aenter__(self) -> LocalWorkspace:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def person(self, reference: str) -> Person:
        """Somebody to act as, by id or handle; raises DeedError when there is nobody of that name."""
        return Person(self.deeds, reference)

    # --- for whoever steps the clock --------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a delivery, a request or a response is under way at this instant."""
        due = min((each.post_at for each in self.state.scheduled.values()), default=None)
        posting = due is not None and due <= self.clock.now().timestamp()
        return self.dispatcher.busy or self._api.in_flight > 0 or posting

    def next_due(self) -> datetime | None:
        """The next instant of the workshop clock at which the server itself acts, or None."""
        due = [datetime.fromtimestamp(each.post_at, UTC) for each in self.state.scheduled.values()]
        retry = self.dispatcher.next_due()
        return min([*due, retry] if retry else due, default=None)

    async def wait_for(self, predicate: Callable[[], object], seconds: float = 10.0) -> bool:
        """Wait until `predicate()` holds, asked at every change of the workspace; False when it never did."""
        return await self.state.wait_for(predicate, seconds)

    async def idle(self, seconds: float = 10.0) -> bool:
        """Wait until nothing is under way; False when something still was after `seconds` of wall time."""
        return await self.state.wait_for(lambda: not self.busy, seconds)

    def admit(self, members: list[Member]) -> None:
        """Let people who are not there yet into the workspace and its participants' channel."""
        channel = self.state.channel(self.config.channels.participants)
        for member in members:
            if self.state.members.setdefault(member.id, member) is member and channel is not None:
                channel.members.append(member.id)
        if members:
            self.state.changed()

    async def clear(self) -> None:
        """Begin anew: everybody and every channel as at first, nothing said, nothing under way."""
        await self.dispatcher.stop()
        self.faults.clear()
        self.state.clear()
        self.deeds.done.clear()
        self.began = self.clock.now()
        self._seed()
        self.state.changed()

    # --- HTTP mode --------------------------------------------------------------------------------

    def deliver_to(self, request_url: str) -> RequestUrl:
        """Deliver signed requests to this address from now on, instead of over Socket Mode."""
        road = RequestUrl(
            request_url, self.signing_secret, self.log, self.faults, ack_seconds=self._ack_seconds
        )
        self._request_urls.append(road)
        self.dispatcher.road = road
        return road

    async def reach(self, request_url: str | None) -> bool:
        """Deliver to this address if it answers Slack's url_verification (else False); None: Socket Mode."""
        if request_url is None:
            self.dispatcher.road = self.sockets
            return True
        before = self.dispatcher.road
        verified = await self.deliver_to(request_url).challenge()
        if not verified:
            self.dispatcher.road = before
        return verified

    # --- inside -----------------------------------------------------------------------------------

    def _seed(self) -> None:
        display = (self.manifest or {}).get("features", {}).get("bot_user", {}).get(
            "display_name"
        ) or BOT_NAME
        accounts = seed.members(display)
        accounts += seed.people_of(self.config, accounts)
        self.state.members = {member.id: member for member in accounts}
        self.state.channels = {channel.id: channel for channel in seed.channels(self.config, accounts)}
        self.state.groups = {group.id: group for group in seed.groups(self.config, accounts)}

    def _emit(self, kind: str, inner: Json) -> None:
        if self._events is None or kind in self._events:
            self.dispatcher.event(inner)

    async def _post_scheduled(self) -> None:
        """Post scheduled messages when they are due, for as long as the server runs."""
        changed = asyncio.Event()
        self.state.watch(changed)
        self.clock.on_change(changed.set)
        while True:
            changed.clear()
            due = min((each.post_at for each in self.state.scheduled.values()), default=None)
            if due is None:
                await changed.wait()
                continue
            waiting = asyncio.ensure_future(self.clock.wait_until(datetime.fromtimestamp(due, UTC)))
            woken = asyncio.ensure_future(changed.wait())
            try:
                await asyncio.wait({waiting, woken}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
                woken.cancel()
            self._post_due()

    def _post_due(self) -> None:
        now = self.clock.now().timestamp()
        due = [each for each in self.state.scheduled.values() if each.post_at <= now]
        for scheduled in sorted(due, key=lambda each: (each.post_at, each.id)):
            del self.state.scheduled[scheduled.id]
            if scheduled.args.get("metadata") and self._options.scheduled_metadata_bug:
                self.log.note("failure", "chat.scheduleMessage", reason="with metadata it never posts")
                continue
            call = Call(self.state, self.views, self._options, self.url, scheduled.args)
            self.state.post(chat.compose(call, self.state.channels[scheduled.channel]))

    def _application(self) -> ASGIApp:
        return Starlette(
            routes=[
                Route("/api/{method}", self._api.serve, methods=["GET", "POST"]),
                WebSocketRoute("/link", self.sockets.serve),
                Route("/response/{token}", self._respond, methods=["POST"]),
                Route("/upload/{file}", self._upload, methods=["POST", "PUT"]),
                Route("/files/{file}/{name}", self._download),
                Route("/avatars/{account}.png", self._avatar),
                *PeopleApi(self.deeds, self.log).routes(),
                Route("/transcript", self._transcript),
                *self.control.routes(),
                *self._page.routes(),
            ],
            middleware=[Middleware(OwnOrigin)],
        )

    async def _respond(self, request: Request) -> Response:
        try:
            if "form" in request.headers.get("content-type", ""):
                body = json.loads(str((await request.form()).get("payload")))
            else:
                body = await request.json()
        except ValueError:
            body = None
        error = self.response_urls.use(request.path_params["token"], body)
        self.log.note("response_url", "response", error=error, body=body if isinstance(body, dict) else None)
        if error is None:
            return PlainTextResponse("ok")
        return JSONResponse({"ok": False, "error": error}, status_code=404 if error.endswith("_url") else 500)

    async def _transcript(self, request: Request) -> Response:
        name = f"rehearsal-{self.clock.now():%Y-%m-%d-%H%M}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return JSONResponse(transcript.save(self), headers=headers)

    async def _upload(self, request: Request) -> Response:
        file = self.state.files.get(request.path_params["file"])
        if file is None:
            return PlainTextResponse("file_not_found", status_code=404)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            async with request.form() as form:
                parts = [value for value in form.values() if not isinstance(value, str)]
                file.content = await parts[0].read() if parts else b""
        else:
            file.content = await request.body()
        return PlainTextResponse(f"OK - {len(file.content)}")

    async def _avatar(self, request: Request) -> Response:
        return Response(avatars.png(request.path_params["account"]), media_type="image/png")

    async def _download(self, request: Request) -> Response:
        file = self.state.files.get(request.path_params["file"])
        if file is None or file.content is None:
            return PlainTextResponse("file_not_found", status_code=404)
        # Never shown in place: a person's upload must not become a page of this origin.
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(file.content, media_type=file.mimetype, headers=headers)


class OwnOrigin:
    """Refuses requests that a page of another site makes through somebody's browser."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        own = not origin or origin.partition("://")[2] == host
        own = own or (scope["type"] == "websocket" and origin == SLACKS_OWN)
        if scope["type"] in ("http", "websocket") and not own:
            refusal = PlainTextResponse("refused: a request from another site", status_code=403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _events(manifest: Json | None) -> frozenset[str] | None:
    if manifest is None:
        return None
    return frozenset(manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events", []))


def _options(manifest: Json | None, page_cap: int, scheduled_metadata_bug: bool) -> Options:
    default_page = min(100, page_cap)
    if manifest is None:
        return Options(
            page_cap=page_cap, default_page=default_page, scheduled_metadata_bug=scheduled_metadata_bug
        )
    home = manifest.get("features", {}).get("app_home", {})
    return Options(
        page_cap=page_cap,
        default_page=default_page,
        scopes=frozenset(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", [])),
        home_enabled=bool(home.get("home_tab_enabled")),
        messages_enabled=bool(home.get("messages_tab_enabled")),
        scheduled_metadata_bug=scheduled_metadata_bug,
    )
