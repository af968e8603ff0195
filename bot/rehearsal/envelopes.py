"""Delivering events and interactions to the app: deadlines, retries, and what is still to come.

Events are redelivered up to three times with the same `event_id`, at once, a minute and five minutes
after a failure (workshop time). Interactions are delivered once: the person sees that it failed. The
acknowledgement deadline is wall time. While no road to the app is open an event waits, and is then
delivered as a retry (reference: Events API, "Error handling"; Socket Mode).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from bot.clock import Clock
from bot.rehearsal.log import Log, elapsed_ms
from bot.rehearsal.state import APP_ID, BOT_USER, TEAM_ID, Json

logger = logging.getLogger(__name__)

Kind = Literal["events_api", "interactive", "slash_commands"]
RETRY_SECONDS = (0, 60, 300)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: what is sent, and which attempt it is (0 the first)."""

    kind: Kind
    payload: Json
    accepts_response: bool
    attempt: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        """What the log calls it."""
        inner = self.payload.get("event", {})
        return str(inner.get("type") or self.payload.get("command") or self.payload.get("type"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `body` is what the app sent with its acknowledgement."""

    acknowledged: bool
    body: Json | None = None
    status: int | None = None
    reason: str = ""  # of a failure, in the words of the retry headers
    final: bool = False  # the app asked for no further attempt


class Road(Protocol):
    """A way to the app: open sockets, or a request URL."""

    @property
    def is_open(self) -> bool: ...

    @property
    def was_open(self) -> bool:
        """Whether the app has ever come this way: before that, nobody is awaited."""
        ...

    async def wait_open(self) -> None: ...

    async def attempt(self, delivery: Delivery) -> Outcome: ...


class Dispatcher:
    """Sends deliveries down the road in use and keeps count of what is in flight and what is due."""

    def __init__(self, clock: Clock, log: Log, road: Road, run_id: str) -> None:
        self.clock = clock
        self.log = log
        self.road = road
        self._run_id = run_id
        self.on_settled: Callable[[], None] = lambda: None  # called whenever something has ended
        self._tasks: set[asyncio.Task[None]] = set()
        self._due: dict[int, datetime] = {}
        self._asking = 0
        self._waiting = 0  # events for which no road is open
        self._count = 0

    @property
    def busy(self) -> bool:
        """Whether anything is under way that does not just wait for a later instant."""
        now = self.clock.now()
        asleep = sum(1 for due in self._due.values() if due > now)
        if not self.road.was_open:
            asleep += self._waiting
        return self._asking > 0 or len(self._tasks) > asleep

    def next_due(self) -> datetime | None:
        """The earliest instant at which a retry or another timed task is due."""
        return min(self._due.values(), default=None)

    def event(self, inner: Json) -> None:
        """Wrap and deliver an event, in the background."""
        self._count += 1
        payload = {
            "token": "rehearsal-verification-token",
            "team_id": TEAM_ID,
            "enterprise_id": None,
            "context_team_id": TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": APP_ID,
            "event": inner,
            "type": "event_callback",
            "event_id": f"Ev{self._run_id}{self._count:08X}",
            "event_time": int(self.clock.now().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM_ID,
                    "user_id": BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{self._count:08X}",
        }
        self.run(self._deliver_event(payload))

    async def ask(self, kind: Kind, payload: Json, *, accepts_response: bool) -> Outcome:
        """Deliver an interaction once and wait for its acknowledgement."""
        delivery = Delivery(kind, payload, accepts_response)
        if not self.road.is_open:
            self.log.note("failure", delivery.name, reason="no socket is open and no request URL is set")
            return Outcome(False, reason="dispatch_failed")
        self._asking += 1
        try:
            return await self._attempt(delivery)
        finally:
            self._asking -= 1
            self.on_settled()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run background work that counts as in flight from this moment."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._settled)

    async def until(self, instant: datetime) -> None:
        """Wait, inside work given to `run`, for an instant of the workshop clock, shown in `next_due`."""
        key = self._count = self._count + 1
        self._due[key] = instant
        self.on_settled()
        try:
            await self.clock.wait_until(instant)
        finally:
            del self._due[key]

    async def stop(self) -> None:
        """Give up everything that is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a delivery broke", exc_info=task.exception())
        self.on_settled()

    async def _deliver_event(self, payload: Json) -> None:
        attempt, reason = 0, ""
        while True:
            if not self.road.is_open:
                attempt, reason = max(attempt, 1), reason or "timeout"
                self._waiting += 1
                self.on_settled()
                try:
                    await self.road.wait_open()
                finally:
                    self._waiting -= 1
            outcome = await self._attempt(Delivery("events_api", payload, False, attempt, reason))
            if outcome.acknowledged or outcome.final:
                return
            if attempt >= len(RETRY_SECONDS):
                self.log.note(
                    "failure", "event", event_id=payload["event_id"], reason="given up after three retries"
                )
                return
            wait, attempt, reason = RETRY_SECONDS[attempt], attempt + 1, outcome.reason
            self.log.note("retry", "event", event_id=payload["event_id"], attempt=attempt, in_seconds=wait)
            if wait:
                await self.until(self.clock.now() + timedelta(seconds=wait))

    async def _attempt(self, delivery: Delivery) -> Outcome:
        started = time.monotonic()
        outcome = await self.road.attempt(delivery)
        self.log.note(
            "ack" if outcome.acknowledged else "failure",
            delivery.name,
            attempt=delivery.attempt,
            event_id=delivery.payload.get("event_id"),
            ms=elapsed_ms(started),
            status=outcome.status,
            body=outcome.body,
            reason=outcome.reason or None,
        )
        return outcome
