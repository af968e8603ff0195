"""HTTP mode: signatures, encodings, retry headers, and when Slack stops retrying."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.clock import SimulatedClock
from bot.rehearsal.server import LocalWorkspace

TOKYO = "U0PART0TOKYO"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """An app's address that notes every request and answers as the test wants."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.answers: list[Answer] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(({k.lower(): v for k, v in request.headers.items()}, await request.text()))
        return await self.answers.pop(0)(request) if self.answers else web.Response()


async def answer(status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    async def respond(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return respond


@pytest.fixture
async def receiver(workspace: LocalWorkspace) -> AsyncIterator[Receiver]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/slack/events", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    workspace.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    yield receiver
    await runner.cleanup()


async def test_every_request_is_signed_and_encoded_like_slacks(
    workspace: LocalWorkspace, receiver: Receiver
) -> None:
    person = workspace.person(TOKYO)
    await person.say("bot", "hello")
    assert await workspace.idle(5)
    await person.command("/workshop ask this payload & that")
    await person.shortcut("ask")

    event, command, shortcut = receiver.requests
    for headers, body in receiver.requests:
        assert SignatureVerifier(workspace.signing_secret).is_valid_request(body, headers)
        assert "x-slack-retry-num" not in headers
    assert event[0]["content-type"] == "application/json"
    assert json.loads(event[1])["event"]["text"] == "hello"
    assert command[0]["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(command[1])["text"] == ["ask this payload &amp; that"]
    assert parse_qs(command[1])["is_enterprise_install"] == ["false"]
    assert json.loads(parse_qs(shortcut[1])["payload"][0])["callback_id"] == "ask"


async def test_a_failed_event_comes_again_with_retry_headers(
    workspace: LocalWorkspace, receiver: Receiver, clock: SimulatedClock
) -> None:
    receiver.answers = [await answer(500), await answer(503), await answer(404), await answer(200)]
    await workspace.person(TOKYO).say("bot", "hello")
    assert await workspace.idle(5)
    while (due := workspace.next_due()) is not None:
        clock.jump(due)
        assert await workspace.idle(5)

    numbers = [headers.get("x-slack-retry-num") for headers, _ in receiver.requests]
    assert numbers == [None, "1", "2", "3"]
    assert receiver.requests[1][0]["x-slack-retry-reason"] == "http_error"
    assert len({json.loads(body)["event_id"] for _, body in receiver.requests}) == 1


async def test_no_retry_is_respected(workspace: LocalWorkspace, receiver: Receiver) -> None:
    receiver.answers = [await answer(500, {"x-slack-no-retry": "1"})]
    await workspace.person(TOKYO).say("bot", "hello")
    assert await workspace.idle(5)

    assert len(receiver.requests) == 1
    assert workspace.next_due() is None


async def test_two_redirects_are_followed_and_no_more(workspace: LocalWorkspace, receiver: Receiver) -> None:
    redirect = await answer(307, {"Location": "/slack/events"})
    receiver.answers = [redirect, redirect]
    assert (await workspace.person(TOKYO).command("/workshop now"))["acknowledged"]

    receiver.answers = [redirect, redirect, redirect]
    report = await workspace.person(TOKYO).command("/workshop now")
    assert (report["acknowledged"], report["reason"]) == (False, "too_many_redirects")


async def test_an_address_where_nobody_listens_fails_at_once(workspace: LocalWorkspace) -> None:
    nobody = "http://127.0.0.1:1/slack/events"
    assert not await workspace.reach(nobody)
    assert workspace.dispatcher.road is workspace.sockets
    workspace.deliver_to(nobody)

    report = await workspace.person(TOKYO).command("/workshop now")

    assert report["reason"] == "connection_failed"
