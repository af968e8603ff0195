"""What finally fails reaches a person once, who may try again; a failing notice makes no further one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SimulatedClock
from bot.config import LimitsSection
from bot.delivery import failure, outbox
from bot.delivery.sender import Sender
from bot.rehearsal import blockkit
from bot.rehearsal.server import LocalWorkspace
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import DeliveryState
from tests.conftest import NOW
from tests.delivery.conftest import NAIROBI, TOKYO, Post, texts

ORGANISERS = "ict-footprint-organisers"
# A template of the bot's own that needs no other part.
NOTE: dict[str, Any] = {"kind": "operations/paused", "content": {"paused": True, "waiting": 0}}

Drain = Callable[..., Any]


@pytest.fixture
def telling(
    database: Database,
    rendering: Rendering,
    clock: SimulatedClock,
    client: AsyncWebClient,
    places: dict[str, str],
) -> Sender:
    """A sender with the shipped templates that tells of failures, as the bot has it."""
    return Sender(
        database,
        rendering,
        clock,
        client,
        places=places,
        composers={},
        limits=LimitsSection(),
        holder="telling",
    )


async def test_organisers_read_what_where_and_why_and_try_again(
    post: Post, telling: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "error", "error": "is_archived"})
    await post("failing", **NOTE)
    await drain(telling)
    (notice,) = texts(workspace, ORGANISERS)
    assert notice == "A message in #ict-footprint-workshop could not be posted: the channel is archived."
    channel = workspace.state.channel(ORGANISERS)
    assert channel is not None
    (message,) = channel.messages.values()
    button = next(block for block in message.blocks if block["type"] == "actions")["elements"][0]
    assert button["action_id"] == "delivery.retry"
    async with database.begin() as db:
        assert await outbox.retry(db, int(button["value"]), now=NOW)
    await drain(telling)
    assert (await post.row("failing")).state is DeliveryState.SENT
    assert len(texts(workspace, ORGANISERS)) == 1
    assert "actions" not in [block["type"] for block in message.blocks]


async def test_many_failures_of_one_kind_share_a_notice(
    post: Post, telling: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    fault = {"kind": "error", "error": "messages_tab_disabled", "count": 3}
    workspace.faults.arm({"method": "chat.postMessage", **fault})
    for slack_id in (TOKYO, NAIROBI, "U0MOD0GENEVA"):
        await post(slack_id, lane=await post.lane_of(slack_id), priority=1, **NOTE)
    await drain(telling)
    (notice,) = texts(workspace, ORGANISERS)
    assert notice.startswith("3 messages to people directly could not be posted: direct messages to the app")


async def test_failing_again_keeps_the_button_and_makes_no_second_notice(
    post: Post, telling: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    await post("failing", **NOTE)
    for _ in range(2):
        workspace.faults.arm({"method": "chat.postMessage", "kind": "error", "error": "not_in_channel"})
        await drain(telling)
        channel = workspace.state.channel(ORGANISERS)
        assert channel is not None
        (message,) = channel.messages.values()
        assert "actions" in [block["type"] for block in message.blocks]
        async with database.begin() as db:
            assert await outbox.retry(db, (await post.row("failing")).id, now=NOW)
    await drain(telling)
    assert len(texts(workspace, ORGANISERS)) == len(texts(workspace)) == 1


async def test_a_notice_that_fails_makes_no_further_one(
    post: Post, telling: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    workspace.faults.arm(
        {"method": "chat.postMessage", "kind": "error", "error": "not_in_channel", "count": 9}
    )
    await post("failing", **NOTE)
    await drain(telling)
    assert texts(workspace, ORGANISERS) == []
    assert telling.counts["failed"] == 2
    async with database.read() as db:
        assert not await outbox.outstanding(db)


@pytest.mark.parametrize("where", ["channel:participants", "channel:unheard-of", "person", "C0LOBBY"])
@pytest.mark.parametrize("what", ["answers", "reminders", "questions", "unheard-of"])
@pytest.mark.parametrize("why", ["not_in_channel", "brand_new_error", "<!channel>"])
@pytest.mark.parametrize(("count", "failed"), [(1, 1), (2, 1), (3, 0)])
@pytest.mark.parametrize("unsure", [True, False])
def test_every_notice_is_valid_block_kit(
    rendering: Rendering, where: str, what: str, why: str, count: int, failed: int, unsure: bool
) -> None:
    values = {
        "notice": 7,
        "what": what,
        "where": where,
        "why": why,
        "unsure": unsure,
        "edit": not unsure,
        "count": count,
        "failed": failed,
        "waiting": count - failed,
        "now": NOW,
    }
    message = rendering.message("delivery/failed", values)
    assert blockkit.check_message(message.blocks) == []
    assert "<!channel>" not in message.text


def test_the_notice_is_known_to_the_outbox() -> None:
    assert list(failure.COMPOSERS) == [outbox.FAILURE_NOTICE]
