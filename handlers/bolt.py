"""Bolt, with every request checked before anything reads it, and timed until it is answered.

The one door of both roads: Socket Mode and HTTP end in `async_dispatch`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from bot.store.engine import WANTED_BY
from handlers import shapes

log = logging.getLogger(__name__)

# Kind of request, wall seconds until the answer was there, its status.
Answered = Callable[[str, float, int], None]
MALFORMED = {"error": "malformed request"}
BUSY = {"error": "too much at once"}
AT_ONCE = 20  # requests; more would wait for a connection to PostgreSQL longer than `engine.PATIENCE`
KEPT = 6  # of those, for all but votes and events: no crowd keeps a question or a moderator out
TURN_WITHIN = 2.0  # wall seconds, at most; of a burst, all but the last find a turn in them
CROWDED_WITHIN = 0.5  # wall seconds, once there was none free for TURN_WITHIN
ANSWERED_WITHIN = 2.8  # wall seconds; after three Slack has told the person that nobody answers
SMOOTHED = 20  # requests over which it is averaged how long one takes
MOST_AT_WORK = 2_000  # requests, those that wait for their turn among them
NO_RETRY: dict[str, Any] = {"x-slack-no-retry": "1"}  # sending it again would not mend it


class Turns(asyncio.Semaphore):
    """So many at once; the others wait, in the order they came."""

    _free_at = 0.0

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self._note_if_free()

    def wanted_for(self) -> float:
        """Wall seconds for which none has been free."""
        self._note_if_free()
        return time.monotonic() - self._free_at

    def release(self) -> None:
        super().release()
        self._note_if_free()

    def _note_if_free(self) -> None:
        if not self.locked():
            self._free_at = time.monotonic()


class Bolt(AsyncApp):
    """An AsyncApp whose listeners only ever see checked payloads; `answered` hears of each answer.

    So many are dispatched at once, not all of them events or presses of which there are `crowds`; the
    others wait, in the order they came. Whoever's turn does not come
    early enough to be answered in time, as long as requests take now, is answered 503, which acknowledges
    nothing: Slack tells the person that it did not work, and sends an event again. Nothing of it was
    stored, and no work is done for somebody who was told so; what a person did and cannot be committed in
    time is rolled back. When more come than there are turns for, and not just for a moment, it is waited
    less: as many are answered, and each of them soon rather than all of them just before it is too late
    (controlled delay: Maurer, Fail at Scale, ACM Queue 13(8), 2015).
    """

    answered: Answered | None = None
    crowds: frozenset[str] = frozenset()  # ids of actions that a whole audience may press at once
    at_work = 0  # how many requests are being dispatched, or wait for that
    turned_away = 0  # how many were answered 503
    takes = 0.0  # wall seconds that a request has taken of late, once it had its turn

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.turns, self.turn_within = Turns(AT_ONCE), TURN_WITHIN
        self.presses = Turns(AT_ONCE - KEPT)  # of those turns

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Check, dispatch and time one request; a malformed one is answered 400 and goes no further."""
        began = time.perf_counter()
        self.at_work += 1
        try:
            response = await self._in_turn(req, time.monotonic() + ANSWERED_WITHIN)
        finally:
            self.at_work -= 1
            if self._rested is not None and not self.at_work:
                self._rested.set()
        if self.answered is not None and response.status != 400:
            self.answered(kind(req.body), time.perf_counter() - began, response.status)
        return response

    async def _in_turn(self, req: AsyncBoltRequest, wanted_by: float) -> BoltResponse:
        async with AsyncExitStack() as taken:
            needed = [self.presses, self.turns] if self._is_of_a_crowd(req.body) else [self.turns]
            if self.at_work > MOST_AT_WORK or not await self._has(needed, taken):
                self.turned_away += 1
                if self.turned_away % 100 == 1:
                    log.warning("too many requests at once: %d were turned away so far", self.turned_away)
                return BoltResponse(status=503, body=BUSY)
            began = time.perf_counter()
            try:
                return await self._dispatch(req, wanted_by)
            finally:
                self.takes += (time.perf_counter() - began - self.takes) / SMOOTHED

    def _is_of_a_crowd(self, body: Mapping[str, Any]) -> bool:
        """Whether it is one of very many, before its shape is checked."""
        if kind(body) == "event":
            return True
        actions = body.get("actions")
        first = actions[0] if isinstance(actions, list) and actions else None
        return isinstance(first, dict) and str(first.get("action_id")) in self.crowds

    async def _has(self, needed: Sequence[Turns], taken: AsyncExitStack) -> bool:
        """Wait for one request's turn, which `taken` gives back; False when it does not come in time."""
        crowded = any(turns.wanted_for() > TURN_WITHIN for turns in needed)
        patience = CROWDED_WITHIN if crowded else self.turn_within
        within = min(patience, max(0.0, ANSWERED_WITHIN - 2 * self.takes))  # some take twice as long
        try:
            async with asyncio.timeout(within if any(turns.locked() for turns in needed) else None):
                for turns in needed:
                    await taken.enter_async_context(turns)
        except TimeoutError:
            return False
        return True

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

    async def _dispatch(self, req: AsyncBoltRequest, wanted_by: float) -> BoltResponse:
        try:
            shapes.clean(req.body)
            shapes.check(req.body)
        except shapes.Malformed as wrong:
            log.warning("refused a malformed request: %s", wrong)
            return BoltResponse(status=400, body=MALFORMED, headers=NO_RETRY)
        waited_for = WANTED_BY.set(wanted_by if kind(req.body) in OF_A_PERSON else None)
        try:
            return await super().async_dispatch(req)
        finally:
            WANTED_BY.reset(waited_for)


# Kinds that are never delivered again: Slack tells the person when they are not answered in time.
OF_A_PERSON = frozenset({"command", "click", "submission", "shortcut"})


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
