"""Time has one source; a jump or a new speed wakes whoever waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import Clock, SimulatedClock, wall_now

START = datetime(2025, 11, 25, 13, 0, tzinfo=UTC)


def test_a_real_clock_tells_aware_utc() -> None:
    assert Clock().now().utcoffset() == timedelta()


def test_a_standing_clock_stands_until_it_jumps() -> None:
    clock = SimulatedClock(START, speed=0)
    assert clock.now() == clock.now() == START
    clock.jump(START + timedelta(hours=1))
    assert clock.now() == START + timedelta(hours=1)


def test_speed_multiplies_and_can_change_without_a_jump() -> None:
    clock = SimulatedClock(START, speed=3600)
    before = clock.now()
    clock.set_speed(0)
    assert before <= clock.now() < START + timedelta(hours=1)


def test_wall_time_maps_an_instant_and_is_unknown_while_the_clock_stands() -> None:
    clock = SimulatedClock(START, speed=60)
    wall = clock.wall_time(clock.now() + timedelta(hours=1))
    assert wall is not None
    assert abs((wall - wall_now()) - timedelta(minutes=1)) < timedelta(seconds=5)
    clock.set_speed(0)
    assert clock.wall_time(START + timedelta(days=1)) is None
    assert clock.wall_time(START - timedelta(days=1)) is not None


async def test_a_waiter_wakes_on_a_jump_past_its_instant_only() -> None:
    clock = SimulatedClock(START, speed=0)
    waiter = asyncio.create_task(clock.wait_until(START + timedelta(hours=1)))
    await asyncio.sleep(0)
    clock.jump(START + timedelta(minutes=59))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiter.done()
    clock.jump(START + timedelta(minutes=60))
    await waiter


async def test_a_waiter_wakes_when_the_clock_starts_to_run() -> None:
    clock = SimulatedClock(START, speed=0)
    waiter = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.set_speed(100_000)
    await waiter
    assert clock.now() >= START + timedelta(hours=1)


async def test_listeners_leave_when_the_wait_is_over_or_cancelled() -> None:
    clock = SimulatedClock(START, speed=0)
    waiter = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    assert clock._listeners == []


@pytest.mark.parametrize("speed", [-1, 100_001, float("nan")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        SimulatedClock(START, speed=speed)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        SimulatedClock(datetime(2025, 11, 25))  # noqa: DTZ001
