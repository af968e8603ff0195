"""The switches that make the network and Slack misbehave, each seen through the real client."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SimulatedClock
from bot.rehearsal.server import LocalWorkspace

from .conftest import error_of

PARTICIPANTS = "C0PARTICIPANTS"


def texts(workspace: LocalWorkspace) -> list[str]:
    return [message["text"] for message in workspace.person("U0PART0TOKYO").messages(PARTICIPANTS)]


async def post(client: AsyncWebClient, text: str = "x") -> Any:
    return await client.chat_postMessage(channel=PARTICIPANTS, text=text)


async def test_a_lost_response_leaves_the_message(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response"})

    with pytest.raises(aiohttp.ClientError):
        await post(client, "landed")

    assert texts(workspace) == ["landed"]
    await post(client, "second")  # the switch was armed for one call
    assert texts(workspace) == ["landed", "second"]


async def test_a_reset_leaves_nothing(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "reset"})

    with pytest.raises(aiohttp.ClientError):
        await post(client)

    assert texts(workspace) == []


async def test_a_late_post_lands_on_the_workshop_clock(
    client: AsyncWebClient, workspace: LocalWorkspace, clock: SimulatedClock
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "late_accept", "seconds": 20})
    began = clock.now()
    with pytest.raises(aiohttp.ClientError):
        await post(client, "late")
    assert await workspace.idle(5)

    assert texts(workspace) == []
    assert workspace.next_due() == began + timedelta(seconds=20)
    clock.jump(began + timedelta(seconds=20))
    assert await workspace.idle(5)
    assert texts(workspace) == ["late"]


@pytest.mark.parametrize("performed", [False, True])
@pytest.mark.parametrize("kind", ["http_500", "internal_error"])
async def test_a_breakdown_may_have_carried_the_call_out(
    client: AsyncWebClient, workspace: LocalWorkspace, kind: str, performed: bool
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": kind, "performed": performed})

    with pytest.raises(SlackApiError) as caught:
        await post(client, "maybe")

    assert texts(workspace) == (["maybe"] if performed else [])
    if kind == "http_500":
        assert caught.value.response.status_code == 500
    else:
        assert caught.value.response["error"] == "internal_error"


async def test_rate_limits_come_on_demand(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "ratelimited", "seconds": 7, "count": 2})

    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await post(client)
        assert caught.value.response.headers["Retry-After"] == "7"
    await post(client, "through")
    assert texts(workspace) == ["through"]


async def test_a_slow_answer_comes_after_its_wait(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    workspace.faults.arm({"method": "auth.test", "kind": "slow", "seconds": 0.05})

    assert (await client.auth_test())["ok"]

    [entry] = workspace.log.entries(kind="request")
    assert entry["fault"] == "slow"
    assert entry["ms"] >= 50


async def test_any_error_can_be_named(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    workspace.faults.arm({"method": "*", "kind": "error", "error": "account_inactive"})

    assert await error_of(client.auth_test()) == "account_inactive"


async def test_a_rate_with_a_seed_repeats_itself(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    async def run() -> list[bool]:
        workspace.faults.clear()
        workspace.faults.arm({"method": "auth.test", "kind": "error", "rate": 0.5, "seed": 7})
        outcomes = []
        for _ in range(20):
            try:
                outcomes.append(bool((await client.auth_test())["ok"]))
            except SlackApiError:
                outcomes.append(False)
        return outcomes

    first = await run()
    assert await run() == first
    assert 0 < sum(first) < 20


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"kind": "nothing"},
        {"envelopes": "lost_response"},
        {"kind": "slow", "rate": 2},
        {"kind": "slow", "count": "x"},
    ],
)
async def test_a_switch_that_makes_no_sense_is_refused(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, wish: dict[str, Any]
) -> None:
    async with http.post(f"{workspace.url}/faults", json=wish) as response:
        assert response.status == 400
        assert (await response.json())["why"]


async def test_switches_are_armed_shown_and_disarmed_over_http(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    url = f"{workspace.url}/faults"
    async with http.post(url, json={"method": "chat.postMessage", "kind": "reset", "count": 3}) as response:
        assert (await response.json())["armed"][0]["left"] == 3
    async with http.delete(url) as response:
        assert (await response.json())["armed"] == []
