"""Bolt, with every request checked before anything reads it, and timed until it is answered.

The one door of both roads: Socket Mode and HTTP end in `async_dispatch`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from handlers import shapes

log = logging.getLogger(__name__)

# Kind of request, wall seconds until the answer was there, its status.
Answered = Callable[[str, float, int], None]
MALFORMED = {"error": "malformed request"}
NO_RETRY: dict[str, Any] = {"x-slack-no-retry": "1"}  # sending it again would not mend it


class Bolt(AsyncApp):
    """An AsyncApp whose listeners only ever see checked payloads; `answered` hears of each answer."""

    answered: Answered | None = None
    at_work = 0  # how many requests are being dispatched

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Check, dispatch and time one request; a malformed one is answered 400 and goes no further."""
        self.at_work += 1
        try:
            return await self._dispatch(req)
        finally:
            self.at_work -= 1
            if self._rested is not None and not self.at_work:
                self._rested.set()

    async def at_rest(self, within: float = 3.0) -> None:
        """Return once no request is being dispatched, or after so many wall seconds."""
        self._rested = asyncio.Event()
        if self.at_work:
            try:
                async with asyncio.timeout(within):
                    await self._rested.wait()
            except TimeoutError:
                log.warning("stopped with %d requests unanswered; Slack sends events again", self.at_work)

    _rested: asyncio.Event | None = None

    async def _dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        began = time.perf_counter()
        try:
            shapes.clean(req.body)
            shapes.check(req.body)
        except shapes.Malformed as wrong:
            log.warning("refused a malformed request: %s", wrong)
            return BoltResponse(status=400, body=MALFORMED, headers=NO_RETRY)
        response = await super().async_dispatch(req)
        if self.answered is not None:
            self.answered(kind(req.body), time.perf_counter() - began, response.status)
        return response


def request(body: dict[str, Any], headers: Mapping[str, str]) -> AsyncBoltRequest:
    """A request of already parsed and verified fields; raises shapes.Malformed.

    Bolt takes parsed fields only in the mode it names after Socket Mode; from a raw form it would read a
    slash command in whose text the word "payload" stands as empty (slack.md §2.4).
    """
    kept = {name: headers[name] for name in ("x-slack-retry-num", "x-slack-retry-reason") if name in headers}
    try:
        return AsyncBoltRequest(body=body, headers=dict(kept), mode="socket_mode")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise shapes.Malformed(f"Bolt cannot read it ({type(error).__name__})") from None


def kind(body: Mapping[str, Any]) -> str:
    """What people would call the request: event, command, click, submission, shortcut, or other."""
    if "command" in body:
        return "command"
    return _KINDS.get(str(body.get("type")), "other")


_KINDS = {
    "event_callback": "event",
    "block_actions": "click",
    "view_submission": "submission",
    "view_closed": "submission",
    "shortcut": "shortcut",
    "message_action": "shortcut",
}
