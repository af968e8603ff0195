"""The alarm clock: has things done at their instant, and holds no facts.

Whoever wants something done says when it is next due (asked of the database each time) and what to do then.
APScheduler, in wall time, only rings; a sweep every two seconds of wall time asks again, so that a lost
ring, a suspended host, a step of its clock or a row of another process costs no more than that. A ring that
comes early or twice finds nothing due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock

log = logging.getLogger(__name__)

SWEEP = 2.0  # wall seconds


@dataclass(eq=False)
class _Watch:
    name: str
    next_due: Callable[[], Awaitable[datetime | None]]
    ring: Callable[[], Awaitable[None]]
    due: datetime | None = None
    armed: bool = False  # a job stands for `due`
    ringing: bool = False
    fruitless: datetime | None = None  # what was due when a ring changed nothing: left to the sweep


class AlarmClock:
    """Rings at workshop instants, on any clock.

    To be read at any time: `lateness` (of the latest ring, workshop time), `failures` (rings that raised),
    and `since_sweep()` for a watchdog.
    """

    def __init__(self, clock: Clock) -> None:
        self.lateness = timedelta()
        self.failures = 0
        self._clock = clock
        self._watches: list[_Watch] = []
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._changed = asyncio.Event()
        self._settled = False
        self._keeper: asyncio.Task[None] | None = None
        self._rings: set[asyncio.Task[Any]] = set()
        self._swept_at: float | None = None
        clock.on_change(self._clock_changed)

    def watch(
        self,
        name: str,
        next_due: Callable[[], Awaitable[datetime | None]],
        ring: Callable[[], Awaitable[None]],
    ) -> None:
        """From now on do `ring` whenever `next_due` (a workshop instant, None: nothing waits) has come."""
        self._watches.append(_Watch(name, next_due, ring))
        self.rearm()

    def start(self) -> None:
        """Begin to ring; needs a running event loop."""
        self._scheduler.start()
        self._keeper = asyncio.create_task(self._keep(), name="alarm-clock")

    async def stop(self) -> None:
        """Stop ringing; a ring under way is cancelled, and its work is found due again at the next start.

        Once it returns, nothing of this clock is under way: whatever it held of the database is given back.
        """
        if self._keeper is None:
            return
        keeper, self._keeper = self._keeper, None
        keeper.cancel()
        self._scheduler.shutdown(wait=False)  # cancels the rings, in the loop's next turn
        await asyncio.sleep(0)
        await asyncio.gather(keeper, *self._rings, return_exceptions=True)

    def rearm(self) -> None:
        """Ask everyone anew when they are next due: call it after every change."""
        self._settled = False
        self._changed.set()

    def idle(self) -> bool:
        """Whether nothing is due and nothing rings, as far as was seen since the last change."""
        now = self._clock.now()
        return self._settled and not any(
            watch.ringing or (watch.due is not None and watch.due <= now) for watch in self._watches
        )

    async def next_due(self) -> datetime | None:
        """The next workshop instant at which something is due; None when nothing waits."""
        instants = [await watch.next_due() for watch in self._watches]
        return min((instant for instant in instants if instant is not None), default=None)

    def since_sweep(self) -> float:
        """Wall seconds since everyone was last asked; large when the event loop or the database is stuck."""
        return 0.0 if self._swept_at is None else asyncio.get_running_loop().time() - self._swept_at

    def _clock_changed(self) -> None:
        for watch in self._watches:
            watch.armed = False  # its job stands for a wall time of the clock as it was
        self.rearm()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        sweep_at = loop.time() + SWEEP
        while True:
            self._changed.clear()
            for watch in list(self._watches):
                await self._look(watch)
            self._swept_at = loop.time()
            self._settled = not self._changed.is_set()
            try:
                async with asyncio.timeout_at(sweep_at):
                    await self._changed.wait()
            except TimeoutError:
                pass
            if loop.time() >= sweep_at:
                sweep_at = loop.time() + SWEEP
                for watch in self._watches:
                    watch.fruitless = None

    async def _look(self, watch: _Watch) -> None:
        if watch.ringing:
            return  # it is asked again when the ring has ended
        try:
            due = await watch.next_due()
        except Exception:  # the database is away, say: the next sweep asks again
            log.exception("alarm %s cannot say when it is due", watch.name)
            return
        overdue = due is not None and due <= self._clock.now()
        if due != watch.due or not watch.armed or overdue:
            watch.due = due
            self._set(watch)

    def _set(self, watch: _Watch) -> None:
        """Have APScheduler ring at `due`; not while the clock stands, and not for what rang in vain."""
        wall = None if watch.due is None else self._clock.wall_time(watch.due)
        if wall is None or watch.due == watch.fruitless:
            watch.armed = False
            try:
                self._scheduler.remove_job(watch.name)
            except JobLookupError:
                pass
            return
        watch.armed = True
        self._scheduler.add_job(
            self._ring, "date", run_date=wall, args=[watch], id=watch.name, replace_existing=True
        )

    async def _ring(self, watch: _Watch) -> None:
        watch.ringing, watch.armed = True, False
        if (task := asyncio.current_task()) is not None:
            self._rings.add(task)
            task.add_done_callback(self._rings.discard)
        try:
            due = await watch.next_due()
            now = self._clock.now()
            if due is None or due > now:
                return
            self.lateness = now - due
            await watch.ring()
            if await watch.next_due() == due:
                watch.fruitless = due
        except Exception:  # one failing alarm must not silence the others
            self.failures += 1
            watch.fruitless = watch.due
            log.exception("alarm %s failed", watch.name)
        finally:
            watch.ringing = False
            self.rearm()
