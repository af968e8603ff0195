"""Rate limits: Slack's numbers, on the workshop clock, only when asked for."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SimulatedClock
from bot.rehearsal.rates import Rates, Tier

from .conftest import NOON, Start, client_of

PARTICIPANTS = "C0PARTICIPANTS"


@pytest.mark.parametrize(("tier", "calls"), [(1, 1), (2, 20), (3, 50), (4, 100)])
def test_a_tier_allows_its_number_a_minute(tier: Tier, calls: int) -> None:
    rates = Rates(strict=True, reads_per_minute=None, posts_per_minute=None)

    assert [rates.check("m", tier, "", NOON) for _ in range(calls)] == [0] * calls
    wait = rates.check("m", tier, "", NOON)
    assert wait == max(1, -(-60 // calls))
    assert rates.check("other", tier, "", NOON) == 0
    assert rates.check("m", tier, "", NOON + timedelta(seconds=wait)) == 0


def test_a_channel_takes_one_message_a_second() -> None:
    rates = Rates(strict=True, reads_per_minute=None, posts_per_minute=None)

    paced = [rates.check("chat.postMessage", "posting", "C1", NOON + timedelta(seconds=n)) for n in range(60)]
    assert paced == [0] * 60
    burst = [rates.check("chat.postMessage", "posting", "C2", NOON) for _ in range(3)]
    assert burst == [0, 0, 1]
    assert rates.check("chat.postMessage", "posting", "C3", NOON) == 0


def test_a_refused_call_uses_nothing_up() -> None:
    rates = Rates(strict=True, reads_per_minute=None, posts_per_minute=6)
    assert rates.check("chat.postMessage", "posting", "C1", NOON) == 0
    assert rates.check("chat.postMessage", "posting", "C2", NOON) == 10  # the workspace's share is spent

    assert rates.check("chat.postMessage", "posting", "C2", NOON + timedelta(seconds=10)) == 0


def test_without_strict_nothing_is_limited() -> None:
    rates = Rates(strict=False, reads_per_minute=1, posts_per_minute=1)

    assert {rates.check("m", 1, "", NOON) for _ in range(100)} == {0}


async def test_too_many_calls_get_429_with_retry_after(
    start: Start, http: aiohttp.ClientSession, clock: SimulatedClock
) -> None:
    client = client_of(await start(rates="strict", reads_per_minute=1), http)

    async def read(of: AsyncWebClient) -> None:
        await of.conversations_history(channel=PARTICIPANTS)

    await read(client)
    with pytest.raises(SlackApiError) as caught:
        await read(client)
    answer = caught.value.response
    assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "60")
    clock.jump(clock.now() + timedelta(seconds=60))
    await read(client)
