"""Composition root: builds every part, starts them in order, stops them in the reverse order.

The only module that knows all the others. `running` is the whole bot; `rehearsing` is the same bot joined
to a local workspace. Stopping takes ten wall seconds at most: two for the socket, three for listeners at
work, two for web requests, one after the other, and beside them seven for posts in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import uvicorn
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import ASGIApp

import handlers
from bot import announcements, health, home, privacy, questions, reminders
from bot.announcements import calendars, pages
from bot.answers import Answers, inquiries
from bot.clock import Clock
from bot.config import Config, Environment
from bot.delivery.alarm import AlarmClock
from bot.delivery.sender import Sender
from bot.delivery.sender.calls import Composer
from bot.errors import ConfigError, Mistake
from bot.health import Check, Health, Watchdog
from bot.questions import similar
from bot.questions.counts import Counts
from bot.rehearsal.server import LocalWorkspace
from bot.rendering import Rendering
from bot.store.engine import Database, Mode
from handlers import announcements as announcement_handlers
from handlers import answers as answer_handlers
from handlers import page, web
from handlers.bolt import Bolt
from handlers.desk import Desk
from handlers.directory import Directory
from handlers.manifest import SCOPES, manifest
from handlers.metrics import Metrics, Parts
from handlers.modals import Patience
from handlers.slack_clock import SlackClock
from handlers.slack_faults import UNREACHABLE, at_start, passing, reason
from handlers.socket_mode import COPY_AGAIN, SocketMode

log = logging.getLogger(__name__)

API_TIMEOUT = 15.0  # wall seconds for one call to Slack
CONNECT_TIMEOUT = (
    5.0  # of these for the connection: what is posted leaves soon or not at all (delivery/retry)
)
STUCK_AFTER = 45.0  # wall seconds without a look into the outbox, or at the alarms: both look every two

COMPOSERS = {
    **inquiries.COMPOSERS,
    **answer_handlers.COMPOSERS,
    **announcements.COMPOSERS,
    **health.COMPOSERS,
    **home.COMPOSERS,
    **reminders.COMPOSERS,
    **questions.COMPOSERS,
}


@dataclass
class Bot:
    """The running bot, as its owner sees it."""

    desk: Desk
    bolt: Bolt
    sender: Sender
    alarm: AlarmClock
    health: Health
    counts: Counts
    web: ASGIApp
    socket: SocketMode | None  # None: Slack's requests come over HTTP only
    listen: str | None = None  # where the web routes answer

    def idle(self) -> bool:
        """Whether nothing is due and nothing is in flight."""
        return self.sender.idle() and self.alarm.idle() and self.counts.idle() and not self.desk.beside

    async def next_due(self) -> datetime | None:
        """The next workshop instant at which the bot has something to do by itself."""
        instants = [
            instant for instant in [await self.sender.next_due(), await self.alarm.next_due()] if instant
        ]
        return min(instants, default=None)


@contextlib.asynccontextmanager
async def running(
    config: Config,
    environment: Environment,
    database: Database,
    clock: Clock,
    *,
    mode: Mode,
    read_answers: Callable[[], Answers] | None = None,
) -> AsyncIterator[Bot]:
    """The bot, joined to the Slack (or Slack-compatible server) of `environment`, until the block ends.

    `read_answers` gives the answers of this configuration when they are wanted; without it they are read now,
    which is a good part of what a start takes.

    Raises ConfigError when a token is missing or refused or a channel is not there, SlackAway when Slack
    cannot be reached, StoreError when the database cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await database.prepare(mode, now=clock.now())

        slack_clock = SlackClock()
        client, poster = await _clients(stack, environment, slack_clock)
        identity = await _identify(client)
        directory = Directory(config, clock, client, me=identity.bot_user_id)
        await _find_channels(directory)

        rendering = Rendering(config)
        sender = Sender(
            database,
            rendering,
            clock,
            poster,
            places=directory.places,
            composers=_composers(environment, config),
            limits=config.limits,
            holder=f"{socket.gethostname()[:24]}:{os.getpid()}:{secrets.token_hex(3)}",
        )
        if read_answers is None:
            read_answers = functools.partial(_same, Answers(config, rendering))
        counts = Counts(database, clock)
        desk = Desk(
            config=config,
            clock=clock,
            database=database,
            rendering=rendering,
            directory=directory,
            read_answers=read_answers,
            nudge=sender.nudge,
            recount=counts.nudge,
            public_url=environment.public_url,
        )
        stack.push_async_callback(desk.drop_rest)
        bolt = _bolt(client, identity)
        handlers.register(bolt, desk)
        alarm = AlarmClock(clock)
        _watch(alarm, desk, mode)
        bot = _assembled(desk, bolt, sender, alarm, counts, environment, slack_clock)

        async with database.begin() as db:
            await announcements.begin(db, config, now=clock.now())
        await stack.enter_async_context(_sending(sender))
        await stack.enter_async_context(_ringing(alarm))
        bot.listen = await stack.enter_async_context(_serving(bot.web, environment.listen))
        if bot.socket is not None:
            await bot.socket.start()
            stack.push_async_callback(bot.socket.stop)
        watchdog = Watchdog(database, clock, bot.health, holder=_process_name(bot.listen))
        await stack.enter_async_context(_beside(watchdog.run(), "watchdog"))
        await stack.enter_async_context(_beside(counts.run(), "counts"))
        await stack.enter_async_context(_beside(similar.warm(database), "warming"))
        # First of all at the end, so that posts in flight settle while the doors close one by one.
        stack.callback(sender.retire)
        stack.callback(desk.closing.set)
        yield bot


def _same(answers: Answers) -> Answers:
    return answers


def _assembled(
    desk: Desk,
    bolt: Bolt,
    sender: Sender,
    alarm: AlarmClock,
    counts: Counts,
    environment: Environment,
    slack_clock: SlackClock,
) -> Bot:
    """The parts that look at the other parts: health, metrics, the web application; nothing runs yet."""
    slack = SocketMode(bolt, environment.app_token) if environment.app_token else None
    checks = [
        health.database_check(desk.database),
        health.outbox_check(desk.database, desk.clock),
        Check("sender", _looker(functools.partial(_sender_trouble, sender))),
        Check("alarm", _looker(functools.partial(_alarm_trouble, alarm))),
    ]
    if not desk.clock.simulated:
        checks.append(Check("clock", _looker(slack_clock.trouble)))
    if slack is not None:
        checks.append(Check("socket", _looker(slack.trouble)))
    found = Health(checks)
    heard_ago = slack.heard_ago if slack else None
    metrics = Metrics(Parts(desk.database, desk.clock, sender, alarm, found, heard_ago))
    bolt.answered = metrics.answered
    application = web.application(
        desk, bolt, signing_secret=environment.signing_secret, health=found, metrics=metrics
    )
    return Bot(
        desk=desk,
        bolt=bolt,
        sender=sender,
        alarm=alarm,
        health=found,
        counts=counts,
        web=application,
        socket=slack,
    )


def _composers(environment: Environment, config: Config) -> dict[str, Composer]:
    """What turns stored content into template values, with the address people reach the bot by."""
    calendar = functools.partial(calendars.compose, public_url=environment.public_url)
    news = functools.partial(pages.news, config=config)
    return {**COMPOSERS, calendars.KIND: calendar, pages.KIND: news}


def _watch(alarm: AlarmClock, desk: Desk, mode: Mode) -> None:
    """What the alarm clock rings for."""
    alarm.watch(
        "announcements",
        functools.partial(announcement_handlers.next_due, desk),
        functools.partial(announcement_handlers.ring, desk),
    )
    rehearsal = mode == "rehearsal"
    if pages.watching(desk.config, rehearsal=rehearsal):
        alarm.watch(
            "page",
            functools.partial(page.next_due, desk),
            functools.partial(page.look, desk, rehearsal=rehearsal),
        )
    retention = privacy.Retention(desk.database, desk.clock, desk.config)
    alarm.watch("retention", retention.next_due, retention.ring)


def _sender_trouble(sender: Sender) -> str | None:
    if sender.refused:
        return f"Slack refuses SLACK_BOT_TOKEN ({sender.refused}); {COPY_AGAIN}"
    if sender.since_look() > STUCK_AFTER:
        return f"the outbox was last looked into {sender.since_look():.0f} s ago"
    return None


def _alarm_trouble(alarm: AlarmClock) -> str | None:
    if alarm.since_sweep() > STUCK_AFTER:
        return f"the alarms were last looked at {alarm.since_sweep():.0f} s ago"
    return None


def _looker(find: Callable[[], str | None]) -> health.Look:
    async def look() -> str | None:
        return find()

    return look


def _process_name(listen: str) -> str:
    """This process among the replicas, the same after a restart."""
    return f"{socket.gethostname()}:{listen.rpartition(':')[2]}"


@contextlib.asynccontextmanager
async def rehearsing(
    config: Config,
    database: Database,
    clock: Clock,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    read_answers: Callable[[], Answers] | None = None,
) -> AsyncIterator[tuple[Bot, LocalWorkspace]]:
    """The bot joined to a local workspace of its own, over Socket Mode; no `SLACK_*` is read."""
    workspace = LocalWorkspace(config, clock, host=host, port=port, manifest=manifest(config, "socket"))
    await workspace.start()
    try:
        async with running(
            config, workspace.environment, database, clock, mode="rehearsal", read_answers=read_answers
        ) as bot:
            yield bot, workspace
    finally:
        await workspace.stop()


async def _clients(
    stack: contextlib.AsyncExitStack, environment: Environment, slack_clock: SlackClock
) -> tuple[AsyncWebClient, AsyncWebClient]:
    """Two clients over one connection pool: for reads, with retries; for posts, with none.

    A retried post is a second message when only the answer was lost (slack.md §5.3), so the outbox decides.
    """
    timeout = aiohttp.ClientTimeout(total=API_TIMEOUT, connect=CONNECT_TIMEOUT)
    session = await stack.enter_async_context(
        aiohttp.ClientSession(timeout=timeout, trace_configs=[slack_clock.tracing])
    )
    shared: dict[str, Any] = {
        "token": environment.bot_token,
        "base_url": environment.api_url,
        "timeout": API_TIMEOUT,
        "session": session,
    }
    patient = [
        AsyncConnectionErrorRetryHandler(max_retry_count=2),
        AsyncServerErrorRetryHandler(max_retry_count=2),
        Patience(max_retry_count=2),
    ]
    return AsyncWebClient(**shared, retry_handlers=patient), AsyncWebClient(**shared, retry_handlers=[])


async def _identify(client: AsyncWebClient) -> AuthorizeResult:
    """Who the bot is. Asked once: in Bolt's own way a failing auth.test would acknowledge and lose events."""
    try:
        answer = await client.auth_test()
    except UNREACHABLE as error:
        raise at_start(error, "SLACK_BOT_TOKEN") from None
    _compare_scopes(answer.headers.get("x-oauth-scopes"))
    return AuthorizeResult(
        enterprise_id=None,
        team_id=answer["team_id"],
        bot_token=client.token,
        bot_id=answer["bot_id"],
        bot_user_id=answer["user_id"],
    )


def _compare_scopes(granted: str | None) -> None:
    """Say what the app may not do; a start is not stopped by it, for the rest works.

    Raises ConfigError where the bot could post nothing at all.
    """
    if granted is None:
        return
    lacking = set(SCOPES) - {each.strip() for each in granted.split(",")}
    if "chat:write" in lacking:
        right = "update the app's manifest and reinstall it"
        raise ConfigError([Mistake("SLACK_BOT_TOKEN", "the app may not post: it lacks chat:write", right)])
    for scope in sorted(lacking):
        log.error(
            "the app lacks the scope %s (%s): update its manifest and reinstall it", scope, SCOPES[scope]
        )


async def _find_channels(directory: Directory) -> None:
    """Raises ConfigError unless every channel of the configuration is there and the bot is in it.

    SlackAway when that cannot be found out.
    """
    try:
        missing = await directory.resolve()
        outside = await directory.outside()
    except UNREACHABLE as error:
        if passing(error):
            raise at_start(error, "SLACK_BOT_TOKEN") from None
        wrong = f"Slack does not say which channels there are ({reason(error)})"
        right = "compare the app's scopes with `workshop-bot manifest`, and reinstall it"
        raise ConfigError([Mistake("channels", wrong, right)]) from None
    mistakes = [
        Mistake(f"channels ({name})", "the bot does not see this channel", "create it and invite the bot")
        for name in missing
    ] + [
        Mistake(f"channels.{key}", "the bot is not in this channel", "type /invite @workshop there")
        for key in outside
    ]
    if mistakes:
        raise ConfigError(mistakes)


def _bolt(client: AsyncWebClient, identity: AuthorizeResult) -> Bolt:
    async def authorize(**_: Any) -> AuthorizeResult:
        return identity

    return Bolt(
        name="workshop-bot",  # else Bolt reads the source of every caller to find one
        client=client,
        authorize=authorize,
        request_verification_enabled=False,  # handlers.web verifies the raw bytes before they are parsed
        process_before_response=True,  # stored before acknowledged
        attaching_conversation_kwargs_enabled=False,
        raise_error_for_unhandled_request=True,
        logger=logging.getLogger("slack_bolt"),  # else each of its parts logs at our own level
    )


@contextlib.asynccontextmanager
async def _sending(sender: Sender) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run(), name="sender")
    try:
        yield
    finally:
        await sender.stop()
        await task


@contextlib.asynccontextmanager
async def _ringing(alarm: AlarmClock) -> AsyncIterator[None]:
    alarm.start()
    try:
        yield
    finally:
        await alarm.stop()


@contextlib.asynccontextmanager
async def _serving(application: Any, listen: str) -> AsyncIterator[str]:
    """Serve the web routes on `listen` ("host:port", port 0 picks one); gives the address it has."""
    host, _, port = listen.rpartition(":")
    settings = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,  # nothing here depends on who asks, so no proxy needs to be believed
        timeout_graceful_shutdown=2,  # seconds for requests under way
    )
    server = uvicorn.Server(settings)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]") or "127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError) as error:
        listener.close()
        mistake = Mistake(
            "WORKSHOP_LISTEN", f"cannot listen on {listen!r} ({error})", "name a free host:port"
        )
        raise ConfigError([mistake]) from None
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the command line owns signals
    task = asyncio.create_task(server._serve([listener]), name="web")
    try:
        yield "{}:{}".format(*listener.getsockname()[:2])
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Work that goes on beside the rest, until it or the block ends."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
