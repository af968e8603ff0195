"""Every Socket Mode client of the Python SDK, under Bolt, synchronous and not."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler as OnAiohttp
from slack_bolt.adapter.socket_mode.websockets import AsyncSocketModeHandler as OnWebsockets
from slack_bolt.app.async_app import AsyncApp
from slack_sdk import WebClient

from bot.rehearsal.server import LocalWorkspace

from .conftest import client_of

TOKYO = "U0PART0TOKYO"


@pytest.mark.parametrize("handler_class", [OnAiohttp, OnWebsockets])
async def test_the_asynchronous_ones_hear_and_answer(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, handler_class: Any
) -> None:
    app = AsyncApp(client=client_of(workspace, http))

    @app.command("/workshop")
    async def command(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"got {command['text']}")

    handler = handler_class(app, workspace.app_token)
    await handler.connect_async()
    try:
        report = await workspace.person(TOKYO).command("/workshop hello")
        assert report["response"] == {"text": "got hello"}
        await workspace.sockets.disconnect("refresh_requested")
        assert await workspace.wait_for(lambda: len(workspace.log.entries(kind="socket")) >= 3)
        assert await workspace.wait_for(lambda: workspace.sockets.is_open)
    finally:
        await handler.close_async()


async def test_the_synchronous_one_hears_and_answers(workspace: LocalWorkspace) -> None:
    heard: list[str] = []

    def connect() -> SocketModeHandler:
        app = App(client=WebClient(token=workspace.bot_token, base_url=workspace.api_url))

        @app.message("hello")
        def message(message: dict[str, Any], say: Any) -> None:
            heard.append(message["text"])
            say("and hello to you")

        @app.command("/workshop")
        def command(ack: Any, command: dict[str, Any], respond: Any) -> None:
            ack(f"got {command['text']}")
            respond("and later")

        handler = SocketModeHandler(app, workspace.app_token)
        handler.connect()
        return handler

    handler = await asyncio.to_thread(connect)
    try:
        person = workspace.person(TOKYO)
        await person.say("bot", "hello")
        assert await person.sees("and hello to you")
        assert (await person.command("/workshop now"))["response"] == {"text": "got now"}
        assert await person.sees("and later")
    finally:
        await asyncio.to_thread(handler.close)
    assert heard == ["hello"]
