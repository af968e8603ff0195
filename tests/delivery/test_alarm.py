"""The alarm clock: rings at the instant on any clock, and one failing alarm stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.clock import SimulatedClock
from bot.delivery import alarm
from bot.delivery.alarm import AlarmClock
from tests.conftest import NOW
from tests.delivery.conftest import after


class Plan:
    """A list of instants, as a table of the database would hold it."""

    def __init__(self, clock: SimulatedClock, *instants: datetime) -> None:
        self.clock = clock
        self.instants = list(instants)
        self.rung: list[datetime] = []
        self.changed = asyncio.Event()

    async def next_due(self) -> datetime | None:
        return min(self.instants, default=None)

    async def ring(self) -> None:
        """Do whatever is due."""
        self.rung.append(self.clock.now())
        self.instants = [instant for instant in self.instants if instant > self.clock.now()]
        self.changed.set()

    async def rings(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.rung) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW, speed=0)


@pytest.fixture
async def alarm_clock(clock: SimulatedClock) -> AsyncIterator[AlarmClock]:
    alarm_clock = AlarmClock(clock)
    yield alarm_clock
    await alarm_clock.stop()


async def settled(alarm_clock: AlarmClock) -> None:
    async with asyncio.timeout(20):
        while not alarm_clock.idle():  # noqa: ASYNC110 - idleness is asked for, it is no event
            await asyncio.sleep(0.001)


async def test_a_standing_clock_rings_only_where_it_is_moved_to(
    alarm_clock: AlarmClock, clock: SimulatedClock
) -> None:
    plan = Plan(clock, after(60), after(120))
    alarm_clock.watch("plan", plan.next_due, plan.ring)
    alarm_clock.start()
    await settled(alarm_clock)
    assert plan.rung == []
    assert await alarm_clock.next_due() == after(60)
    clock.jump(after(60))
    assert not alarm_clock.idle()
    await settled(alarm_clock)
    assert plan.rung == [after(60)]
    assert alarm_clock.lateness == timedelta()
    clock.jump(after(1000))
    await settled(alarm_clock)
    assert plan.rung == [after(60), after(1000)]
    assert alarm_clock.lateness == timedelta(seconds=880)
    assert await alarm_clock.next_due() is None


async def test_a_running_clock_rings_by_itself(
    alarm_clock: AlarmClock, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "SWEEP", 1000)
    clock.set_speed(10_000)
    plan = Plan(clock, after(2_000), after(4_000))
    alarm_clock.watch("plan", plan.next_due, plan.ring)
    alarm_clock.start()
    await plan.rings(2)
    assert plan.rung[0] >= after(2_000)
    assert plan.rung[1] >= after(4_000)


async def test_a_new_speed_sets_alarms_anew(
    alarm_clock: AlarmClock, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "SWEEP", 1000)
    plan = Plan(clock, after(86_400))
    alarm_clock.watch("plan", plan.next_due, plan.ring)
    alarm_clock.start()
    await settled(alarm_clock)
    clock.set_speed(1)
    await settled(alarm_clock)
    clock.set_speed(100_000)
    await plan.rings(1)


async def test_a_change_is_seen_when_told_of(alarm_clock: AlarmClock, clock: SimulatedClock) -> None:
    plan = Plan(clock)
    alarm_clock.watch("plan", plan.next_due, plan.ring)
    alarm_clock.start()
    await settled(alarm_clock)
    plan.instants.append(NOW)
    alarm_clock.rearm()
    await plan.rings(1)


async def test_a_change_nobody_told_of_is_caught_by_the_sweep(
    alarm_clock: AlarmClock, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "SWEEP", 0.01)
    plan = Plan(clock)
    alarm_clock.watch("plan", plan.next_due, plan.ring)
    alarm_clock.start()
    await settled(alarm_clock)
    plan.instants.append(NOW)
    await plan.rings(1)
    assert alarm_clock.since_sweep() < 20


async def test_a_failing_alarm_is_tried_again_and_stops_no_other(
    alarm_clock: AlarmClock, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "SWEEP", 0.01)
    fails, works, broken = Plan(clock, NOW), Plan(clock, NOW), Plan(clock)

    async def fail() -> None:
        fails.rung.append(clock.now())
        fails.changed.set()
        if len(fails.rung) < 3:
            raise RuntimeError
        fails.instants.clear()

    async def cannot_say() -> datetime | None:
        raise OSError

    alarm_clock.watch("broken", cannot_say, broken.ring)
    alarm_clock.watch("fails", fails.next_due, fail)
    alarm_clock.watch("works", works.next_due, works.ring)
    alarm_clock.start()
    await works.rings(1)
    await fails.rings(3)
    assert alarm_clock.failures == 2
    assert broken.rung == []


async def test_a_slow_alarm_rings_once_at_a_time_and_holds_up_no_other(
    alarm_clock: AlarmClock, clock: SimulatedClock
) -> None:
    slow, quick, end = Plan(clock, NOW), Plan(clock, NOW), asyncio.Event()

    async def drag() -> None:
        slow.rung.append(clock.now())
        await end.wait()
        slow.instants.clear()

    alarm_clock.watch("slow", slow.next_due, drag)
    alarm_clock.watch("quick", quick.next_due, quick.ring)
    alarm_clock.start()
    await quick.rings(1)
    quick.instants.append(NOW)
    alarm_clock.rearm()
    await quick.rings(2)
    assert slow.rung == [NOW]
    assert not alarm_clock.idle()
    end.set()
    await settled(alarm_clock)


async def test_stopping_twice_and_before_starting_is_harmless(alarm_clock: AlarmClock) -> None:
    await alarm_clock.stop()
    alarm_clock.start()
    await alarm_clock.stop()
    await alarm_clock.stop()


async def test_when_it_has_stopped_nothing_of_it_is_under_way(
    alarm_clock: AlarmClock, clock: SimulatedClock
) -> None:
    plan, ended = Plan(clock, NOW), asyncio.Event()

    async def drag() -> None:
        plan.rung.append(clock.now())
        plan.changed.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)  # it gives back what it held
            ended.set()

    alarm_clock.watch("slow", plan.next_due, drag)
    alarm_clock.start()
    await plan.rings(1)
    await alarm_clock.stop()
    assert ended.is_set()
