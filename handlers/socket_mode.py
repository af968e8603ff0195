"""Socket Mode that does not fall silent: one handler of Bolt's, watched, and replaced when it hears nothing.

The SDK's client connects again by itself after most losses. Not after all: a ticket that Slack no longer
takes is tried for ever, and so is a refused token, both without a word; and a socket may look open and
deliver nothing. So nothing is believed here but what arrives: a frame, or the answer to a ping.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from bot.errors import ConfigError, Mistake, SlackAway
from handlers.bolt import Bolt
from handlers.slack_faults import UNREACHABLE, passing, reason

log = logging.getLogger(__name__)

PING_EVERY = 5.0  # wall seconds; the SDK's client itself gives a socket up after four unanswered ones
LOOK_EVERY = 5.0
SILENT_AFTER = 30.0  # wall seconds without a frame or an answered ping
CONNECT_WITHIN = 30.0
CLOSE_WITHIN = 2.0  # a silent server is not waited for
COPY_AGAIN = "copy it again from the app's settings and start the bot anew"


class SocketMode:
    """One socket to Slack, kept open. To be read at any time: `trouble()`, `heard_ago()`, `replaced`."""

    def __init__(
        self,
        app: Bolt,
        app_token: str,
        *,
        ping_every: float = PING_EVERY,
        look_every: float = LOOK_EVERY,
        silent_after: float = SILENT_AFTER,
        connect_within: float = CONNECT_WITHIN,
    ) -> None:
        self.replaced = 0  # how often a handler was given up for a new one
        self._app = app
        self._token = app_token
        self._ping_every = ping_every
        self._look_every = look_every
        self._silent_after = silent_after
        self._connect_within = connect_within
        self._handler: AsyncSocketModeHandler | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._connected = False
        self._heard_at = 0.0
        self._pong: tuple[object, float | None] = (None, None)
        self._refused: str | None = None

    async def start(self) -> None:
        """Connect. Raises ConfigError for a token that Slack refuses, SlackAway when no socket opens."""
        self._heard_at = _wall()
        try:
            await self._app.client.apps_connections_open(app_token=self._token)
        except UNREACHABLE as error:
            raise (_away(reason(error)) if passing(error) else refused(reason(error))) from None
        try:
            await self._open()
        except TimeoutError:
            await self._close()
            raise _away("no socket opens in time") from None
        self._keeper = asyncio.create_task(self._keep(), name="socket-mode")

    async def stop(self) -> None:
        """Close the socket, and let the listeners that are at work end."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._close()
        except TimeoutError:
            pass
        await self._app.at_rest()

    def heard_ago(self) -> float:
        """Wall seconds since anything arrived from Slack."""
        return _wall() - self._heard_at

    def trouble(self) -> str | None:
        """What is wrong at this moment, in words for an operator; None when Slack is heard."""
        if self._refused:
            return f"Slack refuses SLACK_APP_TOKEN ({self._refused}); {COPY_AGAIN}"
        if not self._connected:
            return "the socket is closed"
        if self.heard_ago() > self._silent_after:
            return f"nothing heard from Slack for {self.heard_ago():.0f} s"
        return None

    async def _keep(self) -> None:
        closed_since: float | None = None
        while True:
            await asyncio.sleep(self._look_every if self._handler else self._silent_after)
            await self._look()
            closed_since = None if self._connected else closed_since or _wall()
            closed_for = 0.0 if closed_since is None else _wall() - closed_since
            if max(closed_for, self.heard_ago()) > self._silent_after:
                await self._replace()
                closed_since = None

    async def _look(self) -> None:
        """Take note of whether the socket is open and whether a ping was answered since the last look."""
        client = self._handler.client if self._handler else None
        if client is None:
            self._connected = False
            return
        self._connected = await client.is_connected()
        socket, pong = client.current_session, client.last_ping_pong_time
        before_socket, before_pong = self._pong
        # The client sets its first value itself, with no answer: only a change on the same socket is one.
        if socket is before_socket and before_pong is not None and pong not in (None, before_pong):
            self._heard()
        self._pong = (socket, pong)

    async def _replace(self) -> None:
        """Begin anew with another handler and another ticket."""
        log.warning("Socket Mode: %s; connecting anew", self.trouble() or "the socket is closed")
        self.replaced += 1
        await self._close()
        try:
            await self._app.client.apps_connections_open(app_token=self._token)
            await self._open()
        except UNREACHABLE as error:  # TimeoutError is one of them
            self._refused = None if passing(error) else reason(error)
            log.error("Socket Mode does not open: %s", self._refused or reason(error))
            await self._close()

    async def _open(self) -> None:
        handler = AsyncSocketModeHandler(self._app, self._token, ping_interval=self._ping_every)
        handler.client.on_message_listeners.append(self._frame)
        self._handler = handler
        async with asyncio.timeout(self._connect_within):
            await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt has no type here
        self._refused, self._connected = None, True
        self._heard()

    async def _close(self) -> None:
        self._connected = False
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]
        self._handler = None  # not before: a cancelled close is done again by `stop`

    async def _frame(self, _message: Any) -> None:
        self._heard()

    def _heard(self) -> None:
        self._heard_at = _wall()


def refused(why: str) -> ConfigError:
    """SLACK_APP_TOKEN does not open a socket."""
    right = "it starts with xapp- and has the scope connections:write; docs/operating.md says where it stands"
    return ConfigError([Mistake("SLACK_APP_TOKEN", f"Slack refuses it ({why})", right)])


def _away(why: str) -> SlackAway:
    return SlackAway(
        f"Socket Mode does not open: {why}; let this machine reach wss://*.slack.com on port 443, "
        "or set HTTPS_PROXY"
    )


def _wall() -> float:
    return asyncio.get_running_loop().time()
