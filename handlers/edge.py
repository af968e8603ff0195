"""What every web response and every web request has to keep to, whichever route it is for.

Bodies are bounded in size and in time, every response carries the security headers, and a failure shows a
reference instead of its cause. One ASGI middleware, so that a route cannot forget it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

LARGEST_BODY = 1_048_576  # bytes; Slack's largest requests are a tenth of that
READ_WITHIN = 10.0  # wall seconds a body may take to arrive

# What a route does not set itself. Pages that load something name it in a policy of their own.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class _Refused(Exception):
    """The body is not read further; the status says why."""

    def __init__(self, status: int) -> None:
        self.status = status


_REASONS = {408: "The request took too long to arrive.\n", 413: "The request is too large.\n"}


class Edge:
    """Wraps the web application; with `https` browsers are told to come back over https only."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        https: bool = False,
        largest_body: int = LARGEST_BODY,
        read_within: float = READ_WITHIN,
    ) -> None:
        self._app = app
        self._headers = HEADERS | (ONLY_HTTPS if https else {})
        self._largest = largest_body
        self._within = read_within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, self._bounded(scope, receive), answer)
        except _Refused as refused:
            log.warning("refused a request to %s: %d", _shown(scope), refused.status)
            await _plain(refused.status, _REASONS[refused.status], scope, receive, answer, started)
        except ClientDisconnect:
            log.info("a request to %s ended before it was complete", _shown(scope))
        except Exception:
            reference = secrets.token_hex(3)
            log.exception("failed on %s, reference %s", _shown(scope), reference)
            text = f"Something went wrong here (reference {reference}).\n"
            await _plain(500, text, scope, receive, answer, started)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive`, for as much body as is allowed and as long as it may take."""
        deadline = asyncio.get_running_loop().time() + self._within
        announced = Headers(scope=scope).get("content-length", "")
        too_much = announced.isdecimal() and int(announced[:20]) > self._largest
        read, complete = 0, False

        async def bounded() -> Message:
            nonlocal read, complete
            if complete:  # whoever asks on waits for the other side to hang up, however long that takes
                return await receive()
            if too_much:
                raise _Refused(413)
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise _Refused(408) from None
            read += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if read > self._largest:
                raise _Refused(413)
            return message

        return bounded


async def _plain(status: int, text: str, scope: Scope, receive: Receive, send: Send, started: bool) -> None:
    """Say so, where nothing has been said yet; what the other side still sends is not read."""
    if not started:
        await PlainTextResponse(text, status_code=status, headers={"Connection": "close"})(
            scope, receive, send
        )


def _shown(scope: Scope) -> str:
    """Method and path for the log: shortened, and without the query, where secrets would stand."""
    return f"{scope['method'][:10]} {scope['path'][:80]!r}"
