"""What clients of other people's making ask for beside what the bot calls, in Slack's shapes."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.server import LocalWorkspace

from .conftest import client_of, error_of, modal, plain

TOKYO, PARIS = "U0PART0TOKYO", "U0PART0PARIS"
PARTICIPANTS = "C0PARTICIPANTS"


async def test_api_test_needs_no_token(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> None:
    async with http.post(workspace.api_url + "api.test", data={"foo": "bar"}) as response:
        assert await response.json() == {"ok": True, "args": {"foo": "bar"}}
    async with http.get(workspace.api_url + "api.test", params={"error": "mine"}) as response:
        assert (await response.json())["error"] == "mine"


async def test_the_headers_say_scopes_and_encoding(client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel=PARTICIPANTS, text="x")

    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "users:read" in answer.headers["x-oauth-scopes"].split(",")
    assert answer.headers["x-accepted-oauth-scopes"] == "chat:write"
    with pytest.raises(SlackApiError) as caught:
        await client.auth_test(token="xoxb-wrong")
    assert "x-oauth-scopes" not in caught.value.response.headers


async def test_addresses_lead_back_the_way_the_client_came(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    api = workspace.api_url.replace("127.0.0.1", "localhost")
    headers = {"Authorization": f"Bearer {workspace.app_token}"}

    async with http.post(api + "apps.connections.open", headers=headers) as response:
        assert (await response.json())["url"].startswith("ws://localhost:")


async def test_a_page_of_another_site_gets_no_socket(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await http.ws_connect(f"{workspace.url}/link?ticket=x", origin="https://elsewhere.example")
    for origin in (workspace.url, "https://api.slack.com"):  # Go's client says the latter wherever it is
        async with http.ws_connect(f"{workspace.url}/link?ticket=x", origin=origin) as socket:
            assert (await socket.receive_json())["type"] == "hello"


async def test_user_groups_are_made_filled_and_disabled(client: AsyncWebClient) -> None:
    group = (await client.usergroups_create(name="Panel", handle="panel", description="them"))["usergroup"]
    await client.usergroups_users_update(usergroup=group["id"], users=[TOKYO, PARIS])
    await client.usergroups_update(usergroup=group["id"], name="The panel")

    assert (await client.usergroups_users_list(usergroup=group["id"]))["users"] == [TOKYO, PARIS]
    shown = (await client.usergroups_list(include_users=True))["usergroups"][-1]
    assert (shown["name"], shown["description"], shown["user_count"]) == ("The panel", "them", 2)
    assert await error_of(client.usergroups_create(name="The panel")) == "name_already_exists"
    assert await error_of(client.usergroups_create(name="x", handle="panel")) == "handle_already_exists"
    nobody = client.usergroups_users_update(usergroup=group["id"], users=["U0NOBODY"])
    assert await error_of(nobody) == "invalid_users"

    await client.usergroups_disable(usergroup=group["id"])
    assert group["id"] not in [each["id"] for each in (await client.usergroups_list())["usergroups"]]
    hidden = (await client.usergroups_list(include_disabled=True))["usergroups"]
    assert hidden[-1]["date_delete"] > 0
    await client.usergroups_enable(usergroup=group["id"])
    assert group["id"] in [each["id"] for each in (await client.usergroups_list())["usergroups"]]


async def test_a_file_says_where_it_was_shared(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    """`shares` is the one way from an upload to the message that shows it."""
    answer = await client.files_upload_v2(channel=PARTICIPANTS, content="a", filename="a.txt")

    [message] = workspace.person(TOKYO).messages(PARTICIPANTS)
    assert message["subtype"] == "file_share"
    file = (await client.files_info(file=answer["files"][0]["id"]))["file"]
    assert file["shares"]["public"][PARTICIPANTS][0]["ts"] == message["ts"]
    assert (file["channels"], file["groups"], file["ims"], file["is_public"]) == (
        [PARTICIPANTS],
        [],
        [],
        True,
    )
    parent = await client.chat_postMessage(channel=TOKYO, text="parent")
    direct = await client.files_upload_v2(
        channel=parent["channel"], content="b", filename="b.txt", thread_ts=parent["ts"]
    )
    file = (await client.files_info(file=direct["files"][0]["id"]))["file"]
    assert file["shares"]["private"][parent["channel"]][0]["thread_ts"] == parent["ts"]
    assert (file["ims"], file["is_public"]) == ([parent["channel"]], False)


async def test_conversations_say_what_clients_look_for(client: AsyncWebClient) -> None:
    group = (await client.conversations_open(users=[TOKYO, PARIS]))["channel"]
    assert (group["is_mpim"], group["name"][:5]) == (True, "mpdm-")
    ts = (await client.chat_postMessage(channel=PARTICIPANTS, text="x"))["ts"]
    await client.conversations_mark(channel=PARTICIPANTS, ts=ts)
    assert (await client.conversations_info(channel=PARTICIPANTS))["channel"]["last_read"] == ts
    assert (await client.conversations_setPurpose(channel=PARTICIPANTS, purpose="why"))["purpose"] == "why"
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_invite(channel=PARTICIPANTS, users=[TOKYO])
    assert caught.value.response["errors"] == [{"user": TOKYO, "ok": False, "error": "already_in_channel"}]
    presence = await client.users_getPresence(user=TOKYO)
    assert (presence["presence"], presence["online"]) == ("active", True)


async def test_a_select_may_start_with_the_current_conversation(
    client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    element = {
        "type": "conversations_select",
        "action_id": "where",
        "default_to_current_conversation": True,
        "response_url_enabled": True,
    }
    block = {"type": "input", "block_id": "b", "label": plain("Where"), "element": element}
    trigger = workspace.views.trigger(TOKYO, PARTICIPANTS)

    view = (await client.views_open(trigger_id=trigger, view=modal("m", block)))["view"]

    held = view["state"]["values"]["b"]["where"]
    assert held["selected_conversation"] == PARTICIPANTS


async def test_closing_may_clear_the_whole_stack(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    note: dict[str, Any] = {"type": "section", "text": plain("x")}
    for view, call in ((modal("m", note), client.views_open), (modal("n", note), client.views_push)):
        await call(trigger_id=workspace.views.trigger(TOKYO), view={**view, "clear_on_close": True})
    person = workspace.person(TOKYO)

    await person.close_view()

    assert person.views() == []


async def test_the_socket_is_pinged(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Go's and JavaScript's clients take a socket without pings for dead."""
    monkeypatch.setattr(workspace._listening._server.config, "ws_ping_interval", 0.01)

    async with http.ws_connect(f"{workspace.url}/link?ticket=x", autoping=False) as socket:
        kinds = {(await asyncio.wait_for(socket.receive(), 5)).type for _ in range(3)}

    assert aiohttp.WSMsgType.PING in kinds


async def test_a_permalink_opens_the_page_at_the_message(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    client = client_of(workspace, http)
    parent = (await client.chat_postMessage(channel=PARTICIPANTS, text="parent"))["ts"]
    reply = (await client.chat_postMessage(channel=PARTICIPANTS, text="a reply", thread_ts=parent))["ts"]
    link = (await client.chat_getPermalink(channel=PARTICIPANTS, message_ts=reply))["permalink"]

    async with http.get(link) as response:
        assert response.history[0].headers["location"].endswith(f"#m-{reply}")
        html = await response.text()

    assert f'id="m-{reply}"' in html


async def test_a_stream_grows_and_ends(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    parent = (await client.chat_postMessage(channel=PARTICIPANTS, text="parent"))["ts"]
    where = {"channel": PARTICIPANTS, "recipient_user_id": TOKYO, "recipient_team_id": "T0WORKSHOP"}
    stream = await client.chat_stream(**where, thread_ts=parent, buffer_size=1)
    await stream.append(markdown_text="one ")
    [ts] = [m["ts"] for m in workspace.person(TOKYO).thread(PARTICIPANTS, parent) if m["ts"] != parent]
    early = client.chat_update(channel=PARTICIPANTS, ts=ts, text="x")
    assert await error_of(early) == "streaming_state_conflict"
    await stream.append(markdown_text="two")
    note = {"type": "context", "elements": [plain("source")]}
    ended = await stream.stop(markdown_text=" three", blocks=[note])

    assert ended["message"]["text"] == "one two three"
    assert [block["type"] for block in ended["message"]["blocks"]] == ["markdown", "context"]
    over = client.chat_appendStream(channel=PARTICIPANTS, ts=ended["ts"], markdown_text="x")
    assert await error_of(over) == "message_not_in_streaming_state"
    alone = client.api_call("chat.startStream", json={"channel": PARTICIPANTS})
    assert await error_of(alone) == "invalid_thread_ts"
    whom = client.api_call("chat.startStream", json={"channel": PARTICIPANTS, "thread_ts": parent})
    assert await error_of(whom) == "missing_recipient_user_id"


async def test_everybody_has_a_picture(client: AsyncWebClient, http: aiohttp.ClientSession) -> None:
    profile = (await client.users_info(user=TOKYO))["user"]["profile"]

    async with http.get(profile["image_72"]) as response:
        assert response.content_type == "image/png"
        assert (await response.read()).startswith(b"\x89PNG")
