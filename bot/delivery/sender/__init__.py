"""The sender: takes what the outbox holds, calls Slack, and records what came of it.

One dispatcher takes a piece of work at a time (`claims.take`) and lets it run beside the others. Between
taking and recording nothing is held but the lane's lease, so this process may die at any instant: whoever
comes next finds the row in state "sending" and looks into the conversation before anything is posted again.

Ephemeral replies never come through here: Slack keeps no trace of them by which they could be settled, so
the handlers send them as best they can.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.config import LimitsSection
from bot.delivery import claims, due, failure, outcomes, pace, retry, wake
from bot.delivery.claims import Work
from bot.delivery.outcomes import OnFailure, Outcome, Sent
from bot.delivery.retry import LIMITED, LOCKED_OUT, Fault
from bot.delivery.sender.calls import Calls, Composer
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState

log = logging.getLogger(__name__)

SWEEP = 2.0  # wall seconds; rows of another process are seen within this, whatever else fails
AT_ONCE = 32  # pieces of work at the same time in one process
LONGEST_PLAUSIBLE = timedelta(seconds=retry.LONGEST_WAIT * 1.1)
DATABASE_PAUSE = 0.5  # wall seconds between two attempts while the database is away
TROUBLE = (SQLAlchemyError, OSError)


class Sender:
    """Posts, edits, pins and withdraws what the outbox says.

    `client` is built without retry handlers: a retried post is a second message when only the answer was
    lost. `places` maps the configuration's channel keys to channel ids. `composers` turn a row's stored
    content into template values, by kind. `holder` names this process among the replicas. `on_failure` is
    called in the transaction that records a final failure; organisers hear of it unless it is another.

    To be read at any time: `counts` (pieces of work by outcome), `refused` (why Slack locks the app out, or
    None), `in_flight`, and `since_look()` for a watchdog.
    """

    def __init__(
        self,
        database: Database,
        rendering: Rendering,
        clock: Clock,
        client: AsyncWebClient,
        *,
        places: Mapping[str, str],
        composers: Mapping[str, Composer],
        limits: LimitsSection,
        holder: str,
        on_failure: OnFailure | None = failure.tell_organisers,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.refused: str | None = None
        self._database = database
        self._clock = clock
        self._calls = Calls(
            database, rendering, clock, client, places=places, composers={**failure.COMPOSERS, **composers}
        )
        self._rates = pace.rates(limits)
        self._holder = holder
        self._on_failure = on_failure
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: asyncio.Task[Any] | None = None
        self._ready = False
        self._quiet = False
        self._stopped_at: float | None = None
        self._seen = clock.now()
        self._until: datetime | None = None
        self._paced = False  # it waits for the pace of posts, and looks again as soon as that allows one
        self._dropped_at = -SWEEP
        self._looked_at: float | None = None
        database.outbox_listeners.append(self.nudge)
        clock.on_change(self.nudge)

    @property
    def in_flight(self) -> int:
        """How many pieces of work are under way in this process."""
        return len(self._tasks)

    def since_look(self) -> float:
        """Wall seconds since the outbox was last looked into; large when that fails, or `run` has ended."""
        return 0.0 if self._looked_at is None else asyncio.get_running_loop().time() - self._looked_at

    def nudge(self) -> None:
        """Look into the outbox now."""
        self._quiet = False
        self._wake.set()

    def idle(self) -> bool:
        """Whether nothing is due and nothing in flight, as far as this process knows (while `run` runs)."""
        return self._quiet and not self._tasks

    async def next_due(self) -> datetime | None:
        """The workshop instant of the next thing to do; None when nothing waits."""
        async with self._database.read() as db:
            return await due.next_due(db, self._rates, now=self._clock.now())

    async def step(self) -> bool:
        """Do one piece of work from beginning to end; False when there was none to do now."""
        work = await self._take()
        if work is None:
            return False
        await self._do(work)
        return True

    async def run(self) -> None:
        """Send until `retire` or `stop`."""
        self._runner = asyncio.current_task()
        listener = asyncio.create_task(wake.listen(self._database, self.nudge), name="outbox-listener")
        self._looked_at = asyncio.get_running_loop().time()
        try:
            while self._stopped_at is None:
                self._wake.clear()
                try:
                    work = await self._take()
                except TROUBLE as error:
                    log.error("the outbox cannot be read: %s", _line(error))
                    await asyncio.sleep(DATABASE_PAUSE)
                    continue
                if work is not None:
                    self._start(work)
                    await self._room()
                if work is None or self._paced:
                    await self._wait(self._until)
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    def retire(self) -> None:
        """Take nothing new from now on; what is in flight goes on."""
        if self._stopped_at is None:
            self._stopped_at = asyncio.get_running_loop().time()
            self._wake.set()

    async def stop(self, within: float = 7.0) -> None:
        """Let what is in flight end, until so many wall seconds after `retire` (now, if it never was).

        What is cut off then is settled by whoever comes next, as after a crash.
        """
        self.retire()
        await self._ended_by(
            within, {self._runner} if self._runner else set()
        )  # it may still begin something
        await self._ended_by(within, self._tasks)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ended_by(self, within: float, tasks: set[asyncio.Task[Any]]) -> None:
        """Wait until these have ended, or so many wall seconds have passed since `retire`."""
        if tasks and self._stopped_at is not None:
            left = self._stopped_at + within - asyncio.get_running_loop().time()
            await asyncio.wait(tasks, timeout=max(0.0, left))

    async def _take(self) -> Work | None:
        """Take what is to be done now; when that is nothing, learn when to look again."""
        now, wall, loop = self._clock.now(), self._wall(), asyncio.get_running_loop()
        rewound, self._seen = now < self._seen - timedelta(seconds=1), now
        async with self._database.begin() as db:
            if not self._ready and not self._database.shared:
                await claims.forget_leases(db)  # nobody else sends from this database: they are our own
            if rewound:
                await claims.forget_future(db, now, wall)
            elif not self._ready:  # the clock may have gone back while nobody was there to see it
                await claims.forget_future(db, now, wall, beyond=LONGEST_PLAUSIBLE)
            open_at = await due.opens(db, self._rates, now)
            work = await claims.take(db, self._rates, open_at, holder=self._holder, now=now, wall=wall)
            posts_at = open_at.get("post", now) if work is None else work.again_at
            self._paced = (
                (work is None or work.task == "post")
                and due.paced(posts_at, now)
                and self._clock.wall_time(posts_at) is not None
            )
            self._until = posts_at
            if work is None and not (self._paced and loop.time() < self._dropped_at + SWEEP):
                self._dropped_at = loop.time()
                self.counts["dropped"] += await due.drop_late(db, now)
                if not self._paced:
                    self._until = await due.next_due(db, self._rates, now=now)
        self._ready, self._looked_at = True, loop.time()
        return work

    def _start(self, work: Work) -> None:
        task = asyncio.create_task(self._do(work), name=f"delivery-{work.row.id}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a piece of work failed", exc_info=task.exception())
        if not self._paced:
            self.nudge()

    async def _room(self) -> None:
        if len(self._tasks) >= AT_ONCE:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _wait(self, until: datetime | None) -> None:
        """Wait for a nudge, for `until` (workshop time), for the next sweep at the latest."""
        now = self._clock.now()
        self._quiet = not self._wake.is_set() and (until is None or until > now)
        timeout = SWEEP
        wall = self._clock.wall_time(until) if until is not None and until > now else None
        if wall is not None:
            timeout = min(SWEEP, max(0.0, (wall - self._wall()).total_seconds()))
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _do(self, work: Work) -> None:
        outcome = await self._calls.make(work)
        if not isinstance(outcome, Fault):
            self.refused = None
        elif outcome.code in LOCKED_OUT:
            self.refused = outcome.code
        await self._record(work, outcome)

    async def _record(self, work: Work, outcome: Outcome) -> None:
        """Write the outcome down; while the database is away, try again for as long as the lease lasts."""
        deadline = self._wall() + claims.LEASE
        while True:
            try:
                word = await self._recorded(work, outcome)
                self.counts[word] += 1
                return
            except TROUBLE as error:
                log.error("delivery %d: its outcome cannot be recorded yet: %s", work.row.id, _line(error))
                if self._wall() > deadline:
                    return
            await asyncio.sleep(DATABASE_PAUSE)

    async def _recorded(self, work: Work, outcome: Outcome) -> str:
        now = self._clock.now()
        async with self._database.begin() as db:
            next_free = now + pace.LANE_PAUSE if work.task == "post" else None
            if isinstance(outcome, Fault) and outcome.code in LIMITED:
                until = retry.limited_until(outcome, now)
                if work.task == "post":
                    next_free = until + pace.LANE_PAUSE  # others first, so that it shows whom Slack limits
                if work.task != "post" or not await claims.limited_alone(db, work.row.id):
                    await claims.limit(db, self._rates[work.task], until)
            own = await claims.release(db, work.lane, holder=work.holder, next_free=next_free)
            row = await claims.locked(db, work.row.id)
            if row is None or not (isinstance(outcome, Sent) or _continues(row, work, own)):
                return "late"  # the lease ran out, and somebody else goes on from what the row says
            return await outcomes.record(db, row, outcome, now=now, on_failure=self._on_failure)

    def _wall(self) -> datetime:
        wall = self._clock.wall_time(self._clock.now())
        assert wall is not None, "the present has a wall time even while the clock stands"  # noqa: S101
        return wall


def _continues(row: Delivery, work: Work, own: bool) -> bool:
    """Whether the row still is where this work left it; a search harms nobody, so it needs no lease."""
    if row.attempts != work.attempt:
        return False
    if work.task == "look":
        return row.task == "look" and (row.looks, row.cursor) == work.search
    return own and (work.task != "post" or row.state is DeliveryState.SENDING)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
