"""What only Slack can tell: tokens, scopes, channels, roles, Socket Mode, the clock's skew."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.check.finding import Finding, error, ok, warning
from bot.clock import Clock
from bot.config import Config, Environment
from handlers import slack_clock
from handlers.directory import Directory
from handlers.manifest import EVENTS, SCOPES
from handlers.slack_faults import UNREACHABLE, reason, remedy

WITHIN = 15  # wall seconds for one call
_ENTRY = {"S": "user group", "#": "channel", "C": "channel", "G": "channel"}


async def online(config: Config, environment: Environment) -> AsyncIterator[Finding]:
    """Ask Slack. Stops at a bot token that is not taken, for nothing else can be asked then."""
    if environment.bot_token is None:
        yield error("bot token", "SLACK_BOT_TOKEN is not set", "set it to the token that starts with xoxb-")
        return
    timeout = aiohttp.ClientTimeout(total=WITHIN)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = AsyncWebClient(
            token=environment.bot_token, base_url=environment.api_url, session=session, timeout=WITHIN
        )
        try:
            identity = await client.auth_test()
        except UNREACHABLE as failure:
            yield error(
                "bot token", f"auth.test fails: {reason(failure)}", remedy(failure, "SLACK_BOT_TOKEN")
            )
            return
        if not identity.get("bot_id"):
            yield error("bot token", "it is a person's token", "use the Bot User OAuth Token (xoxb-)")
            return
        yield ok("bot token", f"{identity.get('user')} in {identity.get('team')}")
        yield _skew(identity.headers.get("Date") or identity.headers.get("date"))
        yield _scopes(identity.headers)
        directory = Directory(config, Clock(), client, me=identity["user_id"])
        async for finding in _channels(client, directory):
            yield finding
        async for finding in _roles(config, directory, client):
            yield finding
        if environment.app_token:
            async for finding in _socket_mode(client, session, environment.app_token, identity["bot_id"]):
                yield finding
        else:
            yield _events_over_http(environment)
        if environment.public_url:
            yield await _reachable(session, environment.public_url)


def _skew(date: str | None) -> Finding:
    off = slack_clock.ahead(date)
    if off is None:
        return warning("clock", "Slack did not say its time", "compare this machine's clock by hand")
    found, _, right = (slack_clock.said(off) or "").partition("; ")
    return error("clock", found, right) if found else ok("clock", "agrees with Slack's")


def _scopes(headers: Any) -> Finding:
    granted = headers.get("x-oauth-scopes") or headers.get("X-OAuth-Scopes")
    if granted is None:
        return warning("scopes", "Slack did not list them", "compare with `workshop-bot manifest`")
    given = {scope.strip() for scope in granted.split(",")}
    missing = sorted(set(SCOPES) - given)
    if missing:
        why = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
        return error("scopes", f"missing {why}", "update the app's manifest and reinstall it")
    more = sorted(given - set(SCOPES))
    if more:
        found = f"more than is used: {', '.join(more)}"
        return warning("scopes", found, "take them out of the app's manifest and reinstall it")
    return ok("scopes", f"all {len(SCOPES)} granted, and no others")


async def _channels(client: AsyncWebClient, directory: Directory) -> AsyncIterator[Finding]:
    try:
        missing = await directory.resolve()
    except UNREACHABLE as failure:
        found = f"they cannot be listed: {reason(failure)}"
        yield error("channels", found, remedy(failure, "SLACK_BOT_TOKEN"))
        return
    for name in missing:
        yield error(f"channel {name}", "the bot does not see it", "create it, and invite the bot to it")
    for key, channel in directory.places.items():
        try:
            info = (await client.conversations_info(channel=channel))["channel"]
        except UNREACHABLE as failure:
            yield error(f"channels.{key}", reason(failure), "invite the bot to it")
            continue
        name = f"#{info.get('name')}"
        if info.get("is_archived"):
            yield error(f"channels.{key}", f"{name} is archived", "unarchive it, or name another")
        elif not info.get("is_member"):
            yield error(f"channels.{key}", f"the bot is not in {name}", f"type /invite @workshop in {name}")
        elif key != "participants" and not info.get("is_private"):
            found = f"the bot is in {name}, which anybody may join"
            yield warning(f"channels.{key}", found, "make it private: who is in it may hold the role")
        else:
            yield ok(f"channels.{key}", f"the bot is in {name}")
    if len(set(directory.places.values())) < len(directory.places):
        yield error("channels", "two of them are the same channel", "give each its own in config.toml")


async def _roles(config: Config, directory: Directory, client: AsyncWebClient) -> AsyncIterator[Finding]:
    for role in ("moderators", "organisers"):
        people: set[str] = set()
        for entry in getattr(config.roles, role):
            try:
                people |= await directory.members(entry)
            except UNREACHABLE as failure:
                kind = _ENTRY.get(entry[0], "person")
                yield error(
                    f"roles.{role}", f"the {kind} {entry} cannot be read: {reason(failure)}", _of(failure)
                )
            except LookupError:
                yield error(f"roles.{role}", f"{entry} was not found", "mend its name in config.toml")
        if people:
            yield ok(f"roles.{role}", f"{len(people)} {'person' if len(people) == 1 else 'people'}")
        else:
            yield error(f"roles.{role}", "nobody holds this role", "name a channel, group or user id")


def _of(failure: BaseException) -> str:
    if reason(failure) == "plan_upgrade_required":
        return "this plan has no user groups: name a channel or user ids instead"
    return "name a channel the bot is in, a user group or user ids"


async def _socket_mode(
    client: AsyncWebClient, session: aiohttp.ClientSession, app_token: str, bot_id: str
) -> AsyncIterator[Finding]:
    try:
        url = (await client.apps_connections_open(app_token=app_token))["url"]
    except UNREACHABLE as failure:
        found = f"Socket Mode does not open: {reason(failure)}"
        yield error("app token", found, remedy(failure, "SLACK_APP_TOKEN"))
        return
    yield ok("app token", "Slack gives a socket for it")
    yield await _same_app(client, app_token, bot_id)
    # No socket is opened: a running bot's events would come to it.
    host = urlsplit(url)
    try:
        scheme = "https" if host.scheme == "wss" else "http"
        async with session.get(f"{scheme}://{host.netloc}/", allow_redirects=False):
            yield ok("Socket Mode", f"{host.hostname} can be reached")
    except UNREACHABLE as failure:
        found = f"{host.hostname} cannot be reached: {reason(failure)}"
        yield error("Socket Mode", found, remedy(failure, "SLACK_APP_TOKEN"))


async def _same_app(client: AsyncWebClient, app_token: str, bot_id: str) -> Finding:
    named = re.match(r"xapp-\d+-([A-Z0-9]+)-", app_token)
    try:
        own = (await client.bots_info(bot=bot_id))["bot"].get("app_id")
    except UNREACHABLE:
        own = None
    if named is None or own is None:
        return warning("app", "it cannot be told whether both tokens are of one app", "compare its App ID")
    if named[1] != own:
        found = f"the bot token is of app {own}, the app token of {named[1]}"
        return error("app", found, "take both tokens from the same app's settings")
    return ok("app", f"{own}; its events cannot be read here, compare: {', '.join(EVENTS)}")


def _events_over_http(environment: Environment) -> Finding:
    if environment.public_url is None:
        found = "Slack needs an address to send to"
        return error("request URL", found, "set WORKSHOP_PUBLIC_URL and make the manifest with it")
    url = f"{environment.public_url.rstrip('/')}/slack/events"
    return ok("request URL", f"{url}: the app's manifest must name it")


async def _reachable(session: aiohttp.ClientSession, public_url: str) -> Finding:
    try:
        async with session.get(f"{public_url.rstrip('/')}/healthz", allow_redirects=False) as response:
            text = await response.text()
            if response.status == 200 and text == "ok\n":
                return ok("public address", "the bot answers there")
            found = f"something else answers there (status {response.status})"
    except UNREACHABLE as failure:
        found = f"nothing answers there: {reason(failure)}"
    except UnicodeDecodeError:
        found = "something else answers there"
    return warning("public address", found, "start the bot, or compare the proxy with docs/operating.md")
