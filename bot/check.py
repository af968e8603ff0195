"""`workshop-bot check`: everything that can be wrong before the day, each with its remedy."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import config as configuration
from bot.answers import Answers
from bot.clock import Clock
from bot.config import Config, Environment
from bot.errors import ConfigError, StoreError
from bot.rendering import Rendering
from bot.store.engine import Database
from handlers.directory import UNREACHABLE, Directory
from handlers.manifest import SCOPES

Level = Literal["ok", "warning", "error"]
SKEW = timedelta(seconds=60)  # Slack refuses requests five minutes off; warn long before


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its level, what was found, and what to do about it."""

    level: Level
    what: str
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def offline(path: Path, environment: Environment, database_url: str) -> AsyncIterator[Finding]:
    """What can be checked without a network: configuration, templates, knowledge, database, tokens' shape."""
    try:
        config = configuration.load(path)
    except ConfigError as error:
        for mistake in error.mistakes:
            yield Finding("error", f"configuration: {mistake.key}", mistake.wrong, mistake.right)
        return
    yield Finding("ok", "configuration", f"{path.name}: {config.workshop.title}")
    rendering = Rendering(config)
    for finding in _templates(rendering):
        yield finding
    for finding in _knowledge(config, rendering):
        yield finding
    async for finding in _database(database_url, config):
        yield finding
    for finding in _environment(environment):
        yield finding


async def online(config: Config, environment: Environment) -> AsyncIterator[Finding]:
    """What only Slack can tell: tokens, scopes, channels, roles, Socket Mode, the clock's skew."""
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = AsyncWebClient(
            token=environment.bot_token, base_url=environment.api_url, session=session, timeout=15
        )
        try:
            identity = await client.auth_test()
        except UNREACHABLE as error:
            yield Finding(
                "error", "bot token", f"auth.test fails: {_reason(error)}", _token_remedy("SLACK_BOT_TOKEN")
            )
            return
        yield Finding("ok", "bot token", f"{identity.get('user')} in {identity.get('team')}")
        yield _skew(identity.headers.get("Date") or identity.headers.get("date"))
        yield _scopes(identity.headers)
        directory = Directory(config, Clock(), client)
        for name in await directory.resolve():
            yield Finding(
                "error", f"channel {name}", "the bot does not see it", "create it, and invite the bot to it"
            )
        async for finding in _membership(client, directory):
            yield finding
        roles = await directory.roles()
        for role, people in (("moderators", roles.moderators), ("organisers", roles.organisers)):
            if people:
                yield Finding("ok", f"roles.{role}", f"{len(people)} people")
            else:
                yield Finding(
                    "error", f"roles.{role}", "nobody holds this role", "name a channel, group or user id"
                )
        if environment.app_token:
            yield await _socket_mode(client, environment.app_token)


def _templates(rendering: Rendering) -> list[Finding]:
    broken = []
    for name in rendering.names():
        try:
            rendering.compile(name)
        except ValueError as error:
            broken.append(Finding("error", f"template {name}", str(error), "mend that line"))
    return broken or [Finding("ok", "templates", f"{len(rendering.names())} compile")]


def _knowledge(config: Config, rendering: Rendering) -> list[Finding]:
    try:
        answers = Answers(config, rendering)
    except ConfigError as error:
        return [Finding("error", f"knowledge: {m.key}", m.wrong, m.right) for m in error.mistakes]
    mistakes = answers.check()
    if mistakes:
        return [Finding("error", f"knowledge: {m.key}", m.wrong, m.right) for m in mistakes]
    return [Finding("ok", "knowledge", f"{len(answers.topics())} topics, each reached by its own phrasings")]


async def _database(url: str, config: Config) -> AsyncIterator[Finding]:
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        if not file.exists():
            yield _writable(file)
            return
    try:
        database = Database(url, config.workshop.id)
    except StoreError as error:
        yield Finding("error", "database", str(error), "set WORKSHOP_DATABASE_URL")
        return
    try:
        ready = await database.prepared()
        state = "reachable and up to date" if ready else "reachable; it will be brought up to date at start"
        yield Finding("ok", "database", f"{database.kind}: {state}")
    except StoreError as error:
        yield Finding("error", "database", str(error), "check WORKSHOP_DATABASE_URL and that the server runs")
    finally:
        await database.close()


def _writable(file: Path) -> Finding:
    folder = file.parent
    if not folder.is_dir():
        return Finding(
            "error", "database", f"there is no folder {folder}", "make it, or set WORKSHOP_DATABASE_URL"
        )
    probe = folder / f".{file.name}.probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return Finding(
            "error", "database", f"{folder} cannot be written ({error.strerror})", "set WORKSHOP_DATABASE_URL"
        )
    return Finding("ok", "database", f"SQLite; {file.name} will be made at the first start")


def _environment(environment: Environment) -> list[Finding]:
    findings = []
    shapes = (
        ("SLACK_BOT_TOKEN", environment.bot_token, r"xoxb-.+", "it starts with xoxb-"),
        ("SLACK_APP_TOKEN", environment.app_token, r"xapp-.+", "it starts with xapp-"),
        ("SLACK_SIGNING_SECRET", environment.signing_secret, r"[0-9a-f]{16,}", "hexadecimal digits"),
    )
    for name, value, shape, right in shapes:
        if value is not None and not re.fullmatch(shape, value):
            findings.append(
                Finding("error", name, "it has another shape than Slack's", f"copy it again: {right}")
            )
        elif value is not None:
            findings.append(Finding("ok", name, "set"))
    if environment.bot_token is None:
        findings.append(
            Finding(
                "warning",
                "SLACK_BOT_TOKEN",
                "it is not set",
                "a rehearsal needs none; `run` does (docs/operating.md)",
            )
        )
    elif environment.app_token is None and environment.signing_secret is None:
        findings.append(
            Finding(
                "error",
                "SLACK_APP_TOKEN",
                "neither it nor SLACK_SIGNING_SECRET is set",
                "set one: Socket Mode or HTTP",
            )
        )
    if environment.public_url is None:
        findings.append(
            Finding(
                "warning",
                "WORKSHOP_PUBLIC_URL",
                "it is not set, so calendar links and the stage's QR code are left out",
                "set it to the address people reach the web routes by",
            )
        )
    return findings


def _skew(date: str | None) -> Finding:
    if not date:
        return Finding(
            "warning", "clock", "Slack did not say its time", "compare this machine's clock by hand"
        )
    skew = abs(Clock().now() - parsedate_to_datetime(date))
    if skew > SKEW:
        return Finding(
            "error", "clock", f"off by {int(skew.total_seconds())} s", "set this machine's clock by NTP"
        )
    return Finding("ok", "clock", "agrees with Slack's")


def _scopes(headers: Any) -> Finding:
    granted = headers.get("x-oauth-scopes") or headers.get("X-OAuth-Scopes")
    if granted is None:
        return Finding("warning", "scopes", "Slack did not list them", "compare with `workshop-bot manifest`")
    missing = sorted(set(SCOPES) - {scope.strip() for scope in granted.split(",")})
    if missing:
        why = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
        return Finding("error", "scopes", f"missing {why}", "update the app's manifest and reinstall it")
    return Finding("ok", "scopes", f"all {len(SCOPES)} granted")


async def _membership(client: AsyncWebClient, directory: Directory) -> AsyncIterator[Finding]:
    for key, channel in directory.places.items():
        try:
            info = (await client.conversations_info(channel=channel))["channel"]
        except UNREACHABLE as error:
            yield Finding("error", f"channels.{key}", _reason(error), "invite the bot to it")
            continue
        if info.get("is_member"):
            yield Finding("ok", f"channels.{key}", f"the bot is in #{info.get('name')}")
        else:
            yield Finding(
                "error", f"channels.{key}", f"the bot is not in #{info.get('name')}", "invite it there"
            )


async def _socket_mode(client: AsyncWebClient, app_token: str) -> Finding:
    try:
        await client.apps_connections_open(app_token=app_token)
    except UNREACHABLE as error:
        return Finding(
            "error",
            "app token",
            f"Socket Mode does not open: {_reason(error)}",
            _token_remedy("SLACK_APP_TOKEN"),
        )
    return Finding("ok", "app token", "Socket Mode opens")


def _token_remedy(name: str) -> str:
    return f"copy {name} again from the app's settings (docs/operating.md)"


def _reason(error: BaseException) -> str:
    if isinstance(error, SlackApiError) and hasattr(error.response, "get"):
        return str(error.response.get("error"))
    return str(error) or type(error).__name__
