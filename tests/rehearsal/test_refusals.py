"""What the Web API refuses, call by call, in Slack's own words; and bodies that cannot be read."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.methods import METHODS
from bot.rehearsal.server import LocalWorkspace

from .conftest import Start, client_of

PARTICIPANTS, MODERATORS, LOBBY = "C0PARTICIPANTS", "C0MODERATORS", "C0LOBBY"
TOKYO, DIRECT = "U0PART0TOKYO", "D0PART0TOKYO"
NO_TS = "1.000001"


async def call(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, method: str, args: dict[str, Any]
) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {workspace.bot_token}",
        "Content-Type": "application/json; charset=utf-8",
    }
    async with http.post(workspace.api_url + method, json=args, headers=headers) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
    return answer


@pytest.mark.parametrize("name", sorted(name for name, method in METHODS.items() if method.needs))
async def test_an_absent_argument_is_named(start: Start, http: aiohttp.ClientSession, name: str) -> None:
    answer = await call(await start(), http, name, {})

    messages = [f"[ERROR] missing required field: {each}" for each in METHODS[name].needs.split()]
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"] == {"messages": messages}


REFUSED = [
    ("chat.postMessage", {"channel": "", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": LOBBY, "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": PARTICIPANTS}, "no_text"),
    ("chat.postMessage", {"channel": PARTICIPANTS, "text": "x", "thread_ts": ""}, "invalid_thread_ts"),
    ("chat.postMessage", {"channel": PARTICIPANTS, "text": "x", "thread_ts": "0"}, "invalid_thread_ts"),
    ("chat.postMessage", {"channel": PARTICIPANTS, "text": "x", "thread_ts": NO_TS}, "thread_not_found"),
    ("chat.postMessage", {"channel": PARTICIPANTS, "blocks": "{["}, "invalid_blocks_format"),
    ("chat.postMessage", {"channel": PARTICIPANTS, "blocks": "{}"}, "no_text"),
    ("chat.postMessage", {"channel": PARTICIPANTS, "blocks": '"x"'}, "invalid_blocks_format"),
    ("chat.postMessage", {"channel": PARTICIPANTS, "blocks": [{"type": "nosuch"}]}, "invalid_blocks"),
    (
        "chat.postMessage",
        {"channel": PARTICIPANTS, "text": "x", "metadata": "{"},
        "invalid_metadata_format",
    ),
    ("chat.scheduleMessage", {"channel": PARTICIPANTS, "text": "x", "post_at": "soon"}, "invalid_time"),
    ("chat.scheduleMessage", {"channel": PARTICIPANTS, "text": "x", "post_at": 5}, "time_in_past"),
    ("chat.scheduledMessages.list", {"channel": "C0NOWHERE"}, "channel_not_found"),
    ("chat.postEphemeral", {"channel": PARTICIPANTS, "user": "U0NOBODY", "text": "x"}, "user_not_found"),
    ("chat.update", {"channel": PARTICIPANTS, "ts": NO_TS, "text": "x"}, "message_not_found"),
    ("chat.delete", {"channel": PARTICIPANTS, "ts": NO_TS}, "message_not_found"),
    ("chat.meMessage", {"channel": PARTICIPANTS, "text": ""}, "no_text"),
    ("conversations.info", {"channel": ""}, "channel_not_found"),
    ("conversations.history", {"channel": PARTICIPANTS, "cursor": "bm9uZQ=="}, "invalid_cursor"),
    ("conversations.history", {"channel": PARTICIPANTS, "cursor": "dGVhbTpY"}, "invalid_cursor"),
    ("conversations.history", {"channel": PARTICIPANTS, "oldest": "noon"}, "invalid_ts_oldest"),
    ("conversations.replies", {"channel": PARTICIPANTS, "ts": ""}, "thread_not_found"),
    ("conversations.members", {"channel": PARTICIPANTS, "limit": 1001}, "invalid_limit"),
    ("conversations.list", {"types": "secret"}, "invalid_types"),
    ("conversations.create", {"name": "Upper Case"}, "invalid_name_specials"),
    ("conversations.create", {"name": "x" * 81}, "invalid_name_maxlength"),
    ("conversations.create", {"name": "-_-"}, "invalid_name_punctuation"),
    ("conversations.create", {"name": "lobby"}, "name_taken"),
    ("conversations.invite", {"channel": PARTICIPANTS, "users": ""}, "no_user"),
    ("conversations.invite", {"channel": PARTICIPANTS, "users": "U0WORKSHOPBOT"}, "cant_invite_self"),
    ("conversations.invite", {"channel": PARTICIPANTS, "users": TOKYO}, "already_in_channel"),
    ("conversations.kick", {"channel": PARTICIPANTS, "user": "U0WORKSHOPBOT"}, "cant_kick_self"),
    ("conversations.kick", {"channel": MODERATORS, "user": TOKYO}, "not_in_channel"),
    ("conversations.unarchive", {"channel": PARTICIPANTS}, "not_archived"),
    ("conversations.close", {"channel": PARTICIPANTS}, "method_not_supported_for_channel_type"),
    ("conversations.mark", {"channel": PARTICIPANTS, "ts": "now"}, "invalid_timestamp"),
    ("conversations.setTopic", {"channel": PARTICIPANTS, "topic": "x" * 251}, "too_long"),
    ("conversations.open", {}, "users_list_not_supplied"),
    ("files.getUploadURLExternal", {"filename": "x", "length": 0}, "missing_argument"),
    ("files.completeUploadExternal", {"files": [{"id": "F0"}]}, "file_not_found"),
    ("files.upload", {}, "method_deprecated"),
    ("pins.add", {"channel": PARTICIPANTS}, "no_item_specified"),
    ("pins.add", {"channel": PARTICIPANTS, "timestamp": "noon"}, "bad_timestamp"),
    ("pins.remove", {"channel": PARTICIPANTS, "timestamp": NO_TS}, "message_not_found"),
    ("reactions.add", {"channel": PARTICIPANTS, "name": "eyes"}, "no_item_specified"),
    ("reactions.add", {"channel": PARTICIPANTS, "name": "", "timestamp": NO_TS}, "invalid_name"),
    ("reactions.get", {}, "no_item_specified"),
    ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "nobody@example.org"}, "users_not_found"),
    ("users.setPresence", {"presence": "asleep"}, "invalid_presence"),
    ("usergroups.users.list", {"usergroup": "S0"}, "no_such_subteam"),
    ("views.open", {"view": {}, "trigger_id": ""}, "invalid_trigger_id"),
    ("views.open", {"view": {}, "trigger_id": "1.2.x"}, "invalid_trigger_id"),
    ("views.open", {"view": {}}, "invalid_arguments"),
    ("views.update", {"view": {}}, "invalid_arguments"),
    ("views.update", {"view": {}, "view_id": "V0"}, "not_found"),
    ("no.such", {}, "unknown_method"),
]


@pytest.mark.parametrize(("method", "args", "error"), REFUSED)
async def test_a_call_is_refused_in_slacks_words(
    start: Start, http: aiohttp.ClientSession, method: str, args: dict[str, Any], error: str
) -> None:
    answer = await call(await start(), http, method, args)

    assert answer["ok"] is False
    assert answer["error"] == error


@pytest.mark.parametrize(
    ("content_type", "body", "error", "warning"),
    [
        ("application/json; charset=utf-8", '{"channel": "C0NOWHERE"}', "channel_not_found", None),
        ("application/json", '{"channel": "C0NOWHERE"}', "channel_not_found", "missing_charset"),
        ("application/x-www-form-urlencoded", "channel=C0NOWHERE", "channel_not_found", None),
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            "channel=C0NOWHERE",
            "channel_not_found",
            "superfluous_charset",
        ),
        ("application/json", "{", "invalid_json", None),
        ("application/json", "[1]", "json_not_object", None),
        ("application/xml", "<x/>", "invalid_post_type", None),
        ("multipart/form-data", "x", "invalid_form_data", None),
    ],
)
async def test_a_body_is_read_by_its_type(
    workspace: LocalWorkspace,
    http: aiohttp.ClientSession,
    content_type: str,
    body: str,
    error: str,
    warning: str | None,
) -> None:
    headers = {"Authorization": f"Bearer {workspace.bot_token}", "Content-Type": content_type}
    async with http.post(workspace.api_url + "chat.postMessage", data=body, headers=headers) as response:
        answer = await response.json()

    assert answer["error"] == error
    assert answer.get("warning") == warning
    assert answer.get("response_metadata", {}).get("warnings") == (warning and [warning])


async def test_sockets_are_opened_by_post_alone(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {workspace.app_token}"}
    async with http.get(workspace.api_url + "apps.connections.open", headers=headers) as response:
        assert (await response.json())["error"] == "insecure_request"


async def test_pages_stay_where_they_are_while_more_is_said(client: AsyncWebClient) -> None:
    said = [(await client.chat_postMessage(channel=PARTICIPANTS, text=str(n)))["ts"] for n in range(6)]

    first = await client.conversations_history(channel=PARTICIPANTS, limit=2)
    await client.chat_postMessage(channel=PARTICIPANTS, text="meanwhile")
    await client.chat_delete(channel=PARTICIPANTS, ts=said[3])  # the first of the next page
    second = await client.conversations_history(
        channel=PARTICIPANTS, limit=2, cursor=first["response_metadata"]["next_cursor"]
    )

    assert [m["text"] for m in first["messages"]] == ["5", "4"]
    assert [m["text"] for m in second["messages"]] == ["2", "1"]
    assert second["has_more"]


async def test_neighbours_that_clients_expect(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    made = (await client.conversations_create(name="breakout", is_private=True))["channel"]
    await client.conversations_invite(channel=made["id"], users=[TOKYO])
    assert (await client.conversations_rename(channel=made["id"], name="side-table"))["channel"][
        "name"
    ] == "side-table"
    await client.conversations_kick(channel=made["id"], user=TOKYO)
    await client.conversations_archive(channel=made["id"])
    await client.conversations_unarchive(channel=made["id"])
    assert (await client.conversations_members(channel=made["id"]))["members"] == ["U0WORKSHOPBOT"]

    posted = await client.chat_postMessage(
        channel=PARTICIPANTS, text="x", username="Desk", icon_emoji=":desktop_computer:"
    )
    assert posted["message"]["icons"] == {"emoji": ":desktop_computer:"}
    await client.reactions_add(channel=PARTICIPANTS, timestamp=posted["ts"], name="eyes")
    assert (await client.reactions_list())["items"][0]["message"]["ts"] == posted["ts"]
    await client.files_upload_v2(channel=PARTICIPANTS, content="a", filename="a.txt")
    assert [file["name"] for file in (await client.files_list())["files"]] == ["a.txt"]
    profile = (await client.users_info(user=TOKYO))["user"]["profile"]
    assert profile["email"] == "participant-tokyo@example.org"
    assert (await client.emoji_list())["emoji"] == {}
    assert not (await client.dnd_info(user=TOKYO))["dnd_enabled"]
    assert not (await client.auth_revoke(test=True))["revoked"]


async def test_an_address_is_shown_by_its_scope(start: Start, http: aiohttp.ClientSession) -> None:
    manifest = {"oauth_config": {"scopes": {"bot": ["users:read"]}}}
    client = client_of(await start(manifest=manifest), http)

    assert "email" not in (await client.users_info(user=TOKYO))["user"]["profile"]
