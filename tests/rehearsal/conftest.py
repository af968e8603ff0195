"""A started local workspace on a standing clock, and the unmodified clients that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SimulatedClock
from bot.config import Config
from bot.rehearsal.server import LocalWorkspace

NOON = datetime(2025, 11, 24, 12, 0, tzinfo=UTC)
NOON_TS = 1763985600

Start = Callable[..., Awaitable[LocalWorkspace]]


@pytest.fixture
def clock() -> SimulatedClock:
    """A standing clock: noon, the day before the workshop."""
    return SimulatedClock(NOON, speed=0)


@pytest.fixture
async def start(config: Config, clock: SimulatedClock) -> AsyncIterator[Start]:
    """Starts workspaces with options of the test's choice; all are stopped at the end."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> LocalWorkspace:
            return await stack.enter_async_context(LocalWorkspace(config, clock, **options))

        yield start


@pytest.fixture
async def workspace(start: Start) -> LocalWorkspace:
    return await start()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> AsyncWebClient:
    """slack_sdk's client with the bot's token."""
    return client_of(workspace, http)


def client_of(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, token: str | None = None
) -> AsyncWebClient:
    return AsyncWebClient(
        token=token or workspace.bot_token, base_url=workspace.api_url, session=http, retry_handlers=[]
    )


@pytest.fixture(params=["socket", "http"])
async def app(
    request: pytest.FixtureRequest, workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> AsyncIterator[AsyncApp]:
    """An app with no listeners yet, joined to the workspace."""
    app = AsyncApp(
        client=client_of(workspace, http),
        signing_secret=workspace.signing_secret,
        process_before_response=True,
        attaching_conversation_kwargs_enabled=False,
    )
    async with AsyncExitStack() as stack:
        if request.param == "socket":
            handler = AsyncSocketModeHandler(app, workspace.app_token)
            await handler.connect_async()
            stack.push_async_callback(handler.close_async)
        else:
            runner = web.AppRunner(app.web_app(path="/slack/events"))
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            assert await workspace.reach(f"http://127.0.0.1:{port_of(runner)}/slack/events")
        yield app


def port_of(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])


async def settled(workspace: LocalWorkspace) -> None:
    assert await workspace.idle(10)


async def error_of(call: Awaitable[Any]) -> str:
    """The error name that a Web API call ends in."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def button(action_id: str, value: str = "v") -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Press"), "value": value}


def actions(*elements: dict[str, Any], block_id: str = "act") -> dict[str, Any]:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def text_input(block_id: str, **element: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": f"{block_id}-text", **element}
    return {"type": "input", "block_id": block_id, "label": plain("Label"), "element": field}


def modal(callback_id: str, *blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain("Title"),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **fields,
    }
