"""Socket Mode on the wire, and what slack_sdk's client makes of disconnects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.clock import SimulatedClock
from bot.rehearsal.server import LocalWorkspace

from .conftest import Start, client_of

TOKYO = "U0PART0TOKYO"


@asynccontextmanager
async def socket(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket opened by hand, its hello already read."""
    client = client_of(workspace, http, workspace.app_token)
    url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
    async with http.ws_connect(url, autoping=False) as opened:
        assert (await opened.receive_json())["type"] == "hello"
        yield opened


async def acknowledge(opened: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any], **more: Any) -> None:
    await opened.send_json({"envelope_id": envelope["envelope_id"], **more})


async def settled(workspace: LocalWorkspace) -> None:
    assert await workspace.idle(10)


async def test_hello_names_the_app(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> None:
    client = client_of(workspace, http, workspace.app_token)
    url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]

    assert url.startswith("ws://127.0.0.1:")
    for count in (1, 2):  # the same ticket twice: the SDK uses its own again after a failure
        opened = await http.ws_connect(url)
        hello = await opened.receive_json()
        assert hello["connection_info"] == {"app_id": "A0WORKSHOP"}
        assert hello["num_connections"] == count


async def test_a_ticket_nobody_issued_is_taken(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    async with http.ws_connect(f"{workspace.url}/link?ticket=from-before-a-restart") as opened:
        assert (await opened.receive_json())["type"] == "hello"


async def test_pings_come_back_with_their_payload(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    async with socket(workspace, http) as opened:
        await opened.ping(b"sdk-ping-pong:1763985600.5")
        pong = await opened.receive()

    assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1763985600.5")


async def test_an_event_comes_in_an_envelope_with_retry_fields(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    async with socket(workspace, http) as opened:
        said = await workspace.person(TOKYO).say("bot", "hello")
        envelope = await opened.receive_json()
        assert workspace.busy
        await acknowledge(opened, envelope)
        await settled(workspace)

    assert envelope["type"] == "events_api"
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    assert envelope["accepts_response_payload"] is False
    event = envelope["payload"]["event"]
    assert (event["type"], event["channel_type"], event["user"], event["ts"]) == (
        "message",
        "im",
        TOKYO,
        said["ts"],
    )
    assert envelope["payload"]["event_id"].startswith("Ev")
    assert envelope["payload"]["authorizations"][0]["user_id"] == "U0WORKSHOPBOT"


async def test_each_envelope_goes_to_one_socket_and_any_may_acknowledge(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    async with socket(workspace, http) as first, socket(workspace, http) as second:
        for text in ("one", "two"):
            await workspace.person(TOKYO).say("bot", text)
        envelopes = [await first.receive_json(), await second.receive_json()]
        assert {envelope["payload"]["event"]["text"] for envelope in envelopes} == {"one", "two"}

        for envelope in envelopes:  # both on the first socket, one as Node does it, with an empty payload
            await acknowledge(first, envelope, payload={})
        await settled(workspace)

    assert [entry["what"] for entry in workspace.log.entries(kind="ack")] == ["message", "message"]


async def test_unknown_and_malformed_frames_change_nothing(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    async with socket(workspace, http) as opened:
        for frame in ("not json", "[]", "5", '{"envelope_id": "unknown"}', "{}"):
            await opened.send_str(frame)
        await workspace.person(TOKYO).say("bot", "still there?")
        await acknowledge(opened, await opened.receive_json())
        await settled(workspace)


async def test_an_unacknowledged_event_is_redelivered_three_times_on_the_workshop_clock(
    start: Start, http: aiohttp.ClientSession, clock: SimulatedClock
) -> None:
    workspace = await start(ack_seconds=0.05)
    async with socket(workspace, http) as opened:
        await workspace.person(TOKYO).say("bot", "hello")
        await settled(workspace)
        for _ in range(2):
            due = workspace.next_due()
            assert due is not None
            clock.jump(due)
            await settled(workspace)
        assert workspace.next_due() is None
        envelopes = [await opened.receive_json() for _ in range(4)]

    assert [each["retry_attempt"] for each in envelopes] == [0, 1, 2, 3]
    assert [each["retry_reason"] for each in envelopes] == ["", "timeout", "timeout", "timeout"]
    assert len({each["payload"]["event_id"] for each in envelopes}) == 1
    assert len({each["envelope_id"] for each in envelopes}) == 4
    sent = [entry["at"][11:19] for entry in workspace.log.entries(kind="envelope")]
    assert sent == ["12:00:00", "12:00:00", "12:01:00", "12:06:00"]


async def test_a_retry_ends_with_its_acknowledgement(start: Start, http: aiohttp.ClientSession) -> None:
    workspace = await start(ack_seconds=0.3)
    async with socket(workspace, http) as opened:
        await workspace.person(TOKYO).say("bot", "hello")
        await opened.receive_json()
        retry = await opened.receive_json()
        await acknowledge(opened, retry)
        await settled(workspace)

    assert retry["retry_attempt"] == 1
    assert workspace.next_due() is None


async def test_events_wait_for_a_socket_and_then_come_as_retries(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    for text in ("one", "two"):
        await workspace.person(TOKYO).say("bot", text)
    assert workspace.busy

    async with socket(workspace, http) as opened:
        envelopes = [await opened.receive_json(), await opened.receive_json()]
        for envelope in envelopes:
            await acknowledge(opened, envelope)
        await settled(workspace)

    assert [envelope["payload"]["event"]["text"] for envelope in envelopes] == ["one", "two"]
    assert [envelope["retry_attempt"] for envelope in envelopes] == [1, 1]


async def test_a_command_is_delivered_once_and_its_failure_is_seen(
    start: Start, http: aiohttp.ClientSession
) -> None:
    workspace = await start(ack_seconds=0.05)
    person = workspace.person(TOKYO)
    async with socket(workspace, http) as opened:
        report = await person.command("/workshop now")
        envelope = await opened.receive_json()
        await settled(workspace)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await opened.receive_json()

    assert report["acknowledged"] is False
    assert envelope["accepts_response_payload"] is True
    assert "retry_attempt" not in envelope
    [told] = person.messages("bot")
    assert told["text"] == "/workshop failed because the app did not respond."
    assert told["ephemeral"]


async def test_without_a_socket_a_command_fails_at_once(workspace: LocalWorkspace) -> None:
    report = await workspace.person(TOKYO).command("/workshop now")

    assert (report["acknowledged"], report["reason"]) == (False, "dispatch_failed")


async def test_more_than_ten_sockets_are_refused(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    opened = [await http.ws_connect(f"{workspace.url}/link") for _ in range(11)]

    assert [(await each.receive_json())["type"] for each in opened] == ["hello"] * 10 + ["disconnect"]


async def listening_client(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, heard: list[str]
) -> SocketModeClient:
    """slack_sdk's own Socket Mode client, which acknowledges and notes what it hears."""
    client = SocketModeClient(
        app_token=workspace.app_token, web_client=client_of(workspace, http), ping_interval=0.2
    )

    async def listen(_: Any, request: Any) -> None:
        heard.append(request.payload["event"]["text"])
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(listen)
    await client.connect()
    return client


@pytest.mark.parametrize(
    "reason",
    ["warning", "refresh_requested", "link_disabled", "too_many_websockets", "close_frame", "tcp", "silence"],
)
async def test_the_sdk_comes_back_after_every_kind_of_disconnect(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, reason: str
) -> None:
    heard: list[str] = []
    client = await listening_client(workspace, http, heard)
    person = workspace.person(TOKYO)
    await person.say("bot", "before")
    await settled(workspace)
    opened_before = len([e for e in workspace.log.entries(kind="socket") if e["what"] == "open"])

    async with http.post(f"{workspace.url}/disconnect", json={"reason": reason}) as response:
        assert await response.json() == {"ok": True, "sockets": 1}

    def reopened() -> bool:
        opened = [e for e in workspace.log.entries(kind="socket") if e["what"] == "open"]
        return len(opened) > opened_before

    assert await workspace.wait_for(reopened, 10)
    await person.say("bot", "after")
    await settled(workspace)
    assert heard == ["before", "after"]
    await client.close()


async def test_a_duplicated_envelope_carries_the_same_event(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    workspace.faults.arm({"envelopes": "duplicate"})
    async with socket(workspace, http) as opened:
        await workspace.person(TOKYO).say("bot", "twice")
        first, second = await opened.receive_json(), await opened.receive_json()
        await acknowledge(opened, first)
        await settled(workspace)

    assert first["payload"]["event_id"] == second["payload"]["event_id"]
    assert first["envelope_id"] != second["envelope_id"]


async def test_a_held_envelope_comes_after_the_next(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    workspace.faults.arm({"envelopes": "reorder"})
    async with socket(workspace, http) as opened:
        for text in ("first", "second"):
            await workspace.person(TOKYO).say("bot", text)
        envelopes = [await opened.receive_json(), await opened.receive_json()]
        for envelope in envelopes:
            await acknowledge(opened, envelope)
        await settled(workspace)

    assert [envelope["payload"]["event"]["text"] for envelope in envelopes] == ["second", "first"]


async def test_a_dropped_envelope_comes_again_as_a_retry(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    workspace.faults.arm({"envelopes": "drop", "seconds": 0})
    async with socket(workspace, http) as opened:
        await workspace.person(TOKYO).say("bot", "hello")
        envelope = await opened.receive_json()
        await acknowledge(opened, envelope)
        await settled(workspace)

    assert envelope["retry_attempt"] == 1


async def test_busy_follows_what_is_under_way(
    start: Start, http: aiohttp.ClientSession, clock: SimulatedClock
) -> None:
    workspace = await start(ack_seconds=0.05)
    assert (workspace.busy, workspace.next_due()) == (False, None)
    began = clock.now()
    async with socket(workspace, http) as opened:
        await workspace.person(TOKYO).say("bot", "hello")
        assert workspace.busy  # from the very moment, before anything is sent
        await settled(workspace)  # two attempts have failed; the third waits for its minute
        assert workspace.next_due() == began + timedelta(seconds=60)
        clock.jump(began + timedelta(seconds=60))
        assert workspace.busy  # due counts, though nothing runs yet
        await settled(workspace)
        assert workspace.next_due() == began + timedelta(seconds=360)
        assert json.loads(json.dumps(workspace.log.entries(kind="retry")))[-1]["attempt"] == 3
        assert opened.closed is False
