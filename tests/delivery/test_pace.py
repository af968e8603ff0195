"""Rates: as fast as allowed, never faster."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.config import LimitsSection
from bot.delivery.pace import Rate, rates, time_for
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)


def run(rate: Rate, waits: list[float]) -> list[datetime]:
    """The instants of calls by somebody who is late by each of `waits` seconds."""
    calls: list[datetime] = []
    now, next_free = NOW, None
    for wait in waits:
        now = rate.allowed_at(next_free, now) + timedelta(seconds=wait)
        calls.append(now)
        next_free = rate.after_call(next_free, now)
    return calls


@given(
    posts=st.integers(1, 6000),
    waits=st.lists(st.sampled_from([0.0, 0.001, 0.3, 2.0, 61.0]), min_size=1, max_size=300),
)
def test_no_minute_sees_more_calls_than_allowed(posts: int, waits: list[float]) -> None:
    for rate in rates(LimitsSection(posts_per_minute=posts)).values():
        calls = run(rate, waits)
        for index, first in enumerate(calls):
            within = sum(1 for call in calls[index:] if call - first < MINUTE)
            assert within <= rate.per_minute


def test_a_fan_out_takes_hardly_longer_than_the_limit_demands() -> None:
    limits = LimitsSection(posts_per_minute=200)
    calls = run(rates(limits)["post"], [0.0] + [0.05] * 1049)  # every wake-up is late by 50 ms
    assert calls[-1] - calls[0] <= MINUTE * (1050 / 200) * 1.05
    assert time_for(1050, limits) <= MINUTE * (1050 / 200) * 1.05
    assert time_for(0, limits) == time_for(1, limits) == timedelta()


def test_a_limit_of_slacks_is_kept_exactly() -> None:
    rate = rates(LimitsSection())["update"]
    until = NOW + timedelta(seconds=30)
    assert rate.allowed_at(rate.after_limit(until), NOW) == until
