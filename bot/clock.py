"""The only source of time: real, or simulated with a start and a speed.

Instants are aware datetimes in UTC. They become local only when rendered. Everything that waits for an
instant of the workshop waits through here, so that a jump or a new speed wakes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def wall_now() -> datetime:
    """The wall time, aware, UTC: for leases, signatures and log lines only; all else asks a Clock."""
    return datetime.now(UTC)


class Clock:
    """Real time.

    A simulated clock answers the same calls (see `SimulatedClock`). Listeners added with `on_change`
    are called when the relation between workshop time and wall time changes; a real clock never does
    that on purpose, and steps of the host's clock are caught by whoever sweeps.
    """

    simulated = False

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The workshop's present instant, aware, UTC."""
        return wall_now()

    def wall_time(self, instant: datetime) -> datetime | None:
        """The wall time at which `instant` will be (or was) reached; None while the clock stands."""
        return instant

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every jump, pause or change of speed."""
        self._listeners.append(listener)

    async def wait_until(self, instant: datetime) -> None:
        """Return once `now() >= instant`, however the clock is changed meanwhile."""
        changed = asyncio.Event()
        self._listeners.append(changed.set)
        try:
            while self.now() < instant:
                changed.clear()
                wall = self.wall_time(instant)
                # Wake at least every minute: a suspended host or a stepped clock must not oversleep.
                timeout = None if wall is None else min(60.0, (wall - wall_now()).total_seconds())
                try:
                    async with asyncio.timeout(timeout):  # wait_for can swallow a cancellation before 3.12
                        await changed.wait()
                except TimeoutError:
                    pass
        finally:
            self._listeners.remove(changed.set)

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds` of workshop time."""
        await self.wait_until(self.now() + timedelta(seconds=seconds))


class SimulatedClock(Clock):
    """A clock that starts at `start` and runs at `speed` workshop seconds a wall second (0 stands still).

    `jump` moves it forward or back, `set_speed` changes its pace; both tell the listeners.
    """

    simulated = True

    def __init__(self, start: datetime, speed: float = 1.0) -> None:
        super().__init__()
        if start.tzinfo is None:
            raise ValueError("start must be an aware datetime")
        self._origin = start.astimezone(UTC)
        self._since = time.monotonic()
        self.speed = _checked(speed)

    def now(self) -> datetime:
        return self._origin + timedelta(seconds=(time.monotonic() - self._since) * self.speed)

    def wall_time(self, instant: datetime) -> datetime | None:
        wait = (instant - self.now()).total_seconds()
        if self.speed == 0:
            return wall_now() if wait <= 0 else None
        return wall_now() + timedelta(seconds=wait / self.speed)

    def jump(self, instant: datetime) -> None:
        """Make it `instant` now, at the same speed."""
        if instant.tzinfo is None:
            raise ValueError("instant must be an aware datetime")
        self._origin, self._since = instant.astimezone(UTC), time.monotonic()
        self._tell()

    def set_speed(self, speed: float) -> None:
        """Run at `speed` workshop seconds a wall second from now on; 0 stands still."""
        checked = _checked(speed)
        self._origin, self._since = self.now(), time.monotonic()
        self.speed = checked
        self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()


def _checked(speed: float) -> float:
    if not 0 <= speed <= 100_000:
        raise ValueError("speed must be between 0 and 100000 workshop seconds a second")
    return speed
