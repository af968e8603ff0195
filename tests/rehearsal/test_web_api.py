"""The Web API, through slack_sdk's own client."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.server import LocalWorkspace
from handlers.manifest import SCOPES

from .conftest import NOON_TS, Start, actions, button, client_of, error_of, plain

PARTICIPANTS = "C0PARTICIPANTS"
ORGANISERS = "C0ORGANISERS"
TOKYO = "U0PART0TOKYO"
BOT = "U0WORKSHOPBOT"


async def test_auth_test_says_who_the_bot_is(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    answer = await client.auth_test()

    assert answer["user_id"] == BOT
    assert answer["bot_id"] == "B0WORKSHOP"
    assert answer["team_id"] == "T0WORKSHOP"
    assert answer["url"] == f"{workspace.url}/"


@pytest.mark.parametrize(
    ("method", "token", "error"),
    [
        ("auth.test", "", "not_authed"),
        ("auth.test", "xoxb-wrong", "invalid_auth"),
        ("auth.test", "app", "not_allowed_token_type"),
        ("apps.connections.open", "bot", "not_allowed_token_type"),
        ("apps.connections.open", "xapp-wrong", "invalid_auth"),
        ("no.suchMethod", "bot", "unknown_method"),
    ],
)
async def test_a_wrong_token_is_refused_in_slacks_words(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, method: str, token: str, error: str
) -> None:
    given = {"app": workspace.app_token, "bot": workspace.bot_token}.get(token, token)
    headers = {"Authorization": f"Bearer {given}"} if given else {}

    async with http.post(workspace.api_url + method, headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        assert (await response.json())["error"] == error


@pytest.mark.parametrize("way", ["query", "form", "json", "get", "token"])
async def test_arguments_come_in_every_encoding(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, way: str
) -> None:
    url, headers = f"{workspace.api_url}chat.postMessage", {"Authorization": f"Bearer {workspace.bot_token}"}
    blocks = [{"type": "section", "text": plain("x")}]
    flat = {"channel": PARTICIPANTS, "text": "hello", "blocks": json.dumps(blocks), "unknown": "1"}
    calls: dict[str, Any] = {
        "query": lambda: http.post(url, params=flat, headers=headers),
        "form": lambda: http.post(url, data=flat, headers=headers),
        "json": lambda: http.post(url, json={**flat, "blocks": blocks}, headers=headers),
        "get": lambda: http.get(url, params=flat, headers=headers),
        "token": lambda: http.post(url, data={**flat, "token": workspace.bot_token}),
    }

    async with calls[way]() as response:
        answer = await response.json()

    assert answer["ok"], answer
    assert answer["message"]["text"] == "hello"
    assert answer["message"]["blocks"][0]["text"] == plain("x")


async def test_a_message_to_a_person_lands_in_their_direct_message(
    client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    answer = await client.chat_postMessage(
        channel=TOKYO, text="hi", blocks=[actions(button("a"), block_id="b")]
    )

    assert answer["channel"].startswith("D")
    assert answer["ts"] == f"{NOON_TS}.000000"
    message = answer["message"]
    assert (message["user"], message["bot_id"], message["app_id"]) == (BOT, "B0WORKSHOP", "A0WORKSHOP")
    [seen] = workspace.person(TOKYO).messages("bot")
    assert seen["text"] == "hi"
    again = await client.conversations_open(users=[TOKYO])
    assert (again["channel"]["id"], again["already_open"]) == (answer["channel"], True)


async def test_timestamps_rise_strictly_though_the_clock_stands(client: AsyncWebClient) -> None:
    stamps = [
        (await client.chat_postMessage(channel=PARTICIPANTS, text=str(index)))["ts"] for index in range(5)
    ]

    assert stamps == sorted(set(stamps))


async def test_missing_block_and_action_ids_are_assigned(client: AsyncWebClient) -> None:
    unnamed = {"type": "actions", "elements": [{"type": "button", "text": plain("x")}]}

    answer = await client.chat_postMessage(
        channel=PARTICIPANTS, text="x", blocks=[unnamed, {"type": "divider"}]
    )

    first, second = answer["message"]["blocks"]
    assert first["block_id"]
    assert first["elements"][0]["action_id"]
    assert first["block_id"] != second["block_id"]


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0LOBBY", "text": "x"}, "not_in_channel"),
        ({"channel": "C0SIDEROOM", "text": "x"}, "channel_not_found"),
        ({"channel": "U0GONE0OSLO", "text": "x"}, "channel_not_found"),
        ({"channel": PARTICIPANTS, "text": ""}, "no_text"),
        ({"channel": PARTICIPANTS, "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ({"channel": PARTICIPANTS, "text": "x", "blocks": [{"type": "nothing"}]}, "invalid_blocks"),
        ({"channel": PARTICIPANTS, "markdown_text": "x" * 12_001}, "msg_too_long"),
        (
            {
                "channel": PARTICIPANTS,
                "text": "x",
                "blocks": [{"type": "section", "text": plain("x" * 2500)}] * 5,
            },
            "msg_blocks_too_long",
        ),
    ],
)
async def test_posting_fails_in_slacks_words(
    client: AsyncWebClient, args: dict[str, Any], error: str
) -> None:
    assert await error_of(client.api_call("chat.postMessage", json=args)) == error


async def test_invalid_blocks_come_with_the_reasons(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=PARTICIPANTS, text="x", blocks=[{"type": "nothing"}])

    messages = caught.value.response["response_metadata"]["messages"]
    assert messages == ["[ERROR] unsupported type: nothing [json-pointer:/blocks/0/type]"]


async def test_very_long_text_is_cut_with_a_warning(client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel=PARTICIPANTS, text="x" * 40_001)

    assert len(answer["message"]["text"]) == 40_000
    assert answer["response_metadata"]["warnings"] == ["message_truncated"]


async def test_metadata_is_kept_and_given_only_when_asked_for(client: AsyncWebClient) -> None:
    metadata = {"event_type": "workshop_delivery", "event_payload": {"delivery_id": "7"}}
    posted = await client.chat_postMessage(channel=PARTICIPANTS, text="x", metadata=metadata)

    assert posted["message"]["metadata"] == metadata
    silent = await client.conversations_history(channel=PARTICIPANTS)
    assert "metadata" not in silent["messages"][0]
    told = await client.conversations_history(channel=PARTICIPANTS, include_all_metadata=True)
    assert told["messages"][0]["metadata"] == metadata


async def test_metadata_that_breaks_the_schema_is_dropped_with_a_warning(client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(
        channel=PARTICIPANTS, text="x", metadata={"event_type": "with.dots", "event_payload": {}}
    )

    assert "metadata" not in answer["message"]
    assert answer["response_metadata"]["warnings"] == ["invalid_metadata_schema"]


async def test_history_pages_from_the_newest(start: Start, http: aiohttp.ClientSession) -> None:
    client = client_of(await start(page_cap=15), http)
    stamps = [
        (await client.chat_postMessage(channel=PARTICIPANTS, text=str(index)))["ts"] for index in range(40)
    ]

    pages, cursor = [], ""
    while True:
        page = await client.conversations_history(channel=PARTICIPANTS, limit=200, cursor=cursor)
        pages.append([message["ts"] for message in page["messages"]])
        cursor = page["response_metadata"]["next_cursor"]
        assert page["has_more"] == bool(cursor)
        if not cursor:
            break

    assert [len(page) for page in pages] == [15, 15, 10]
    assert [ts for page in pages for ts in page] == stamps[::-1]


@pytest.mark.parametrize(("inclusive", "expected"), [(False, [1, 2]), (True, [0, 1, 2, 3])])
async def test_history_bounds_are_exclusive_unless_asked(
    client: AsyncWebClient, inclusive: bool, expected: list[int]
) -> None:
    stamps = [
        (await client.chat_postMessage(channel=PARTICIPANTS, text=str(index)))["ts"] for index in range(4)
    ]

    page = await client.conversations_history(
        channel=PARTICIPANTS, oldest=stamps[0], latest=stamps[3], inclusive=inclusive
    )

    assert sorted(message["ts"] for message in page["messages"]) == [stamps[index] for index in expected]
    assert (
        await error_of(client.conversations_history(channel=PARTICIPANTS, oldest="soon"))
        == "invalid_ts_oldest"
    )


async def test_replies_stay_in_their_thread_unless_broadcast(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel=PARTICIPANTS, text="parent"))["ts"]
    quiet = (await client.chat_postMessage(channel=PARTICIPANTS, text="quiet", thread_ts=parent))["ts"]
    loud = (
        await client.chat_postMessage(
            channel=PARTICIPANTS, text="loud", thread_ts=parent, reply_broadcast=True
        )
    )["ts"]

    history = (await client.conversations_history(channel=PARTICIPANTS))["messages"]
    assert [message["text"] for message in history] == ["loud", "parent"]
    assert history[0]["subtype"] == "thread_broadcast"
    assert (history[1]["reply_count"], history[1]["latest_reply"]) == (2, loud)
    replies = (await client.conversations_replies(channel=PARTICIPANTS, ts=parent))["messages"]
    assert [message["ts"] for message in replies] == [parent, quiet, loud]
    assert replies[1]["parent_user_id"] == BOT
    assert (
        await error_of(client.conversations_replies(channel=PARTICIPANTS, ts="1.000000"))
        == "thread_not_found"
    )


async def test_a_reply_to_a_reply_joins_the_same_thread(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel=PARTICIPANTS, text="parent"))["ts"]
    reply = (await client.chat_postMessage(channel=PARTICIPANTS, text="reply", thread_ts=parent))["ts"]
    nested = await client.chat_postMessage(channel=PARTICIPANTS, text="nested", thread_ts=reply)

    assert nested["message"]["thread_ts"] == parent


async def test_ephemerals_are_seen_by_one_and_read_by_no_one(
    client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    answer = await client.chat_postEphemeral(channel=PARTICIPANTS, user=TOKYO, text="psst")

    assert [m["text"] for m in workspace.person(TOKYO).messages(PARTICIPANTS)] == ["psst"]
    assert workspace.person("moderator-geneva").messages(PARTICIPANTS) == []
    assert (await client.conversations_history(channel=PARTICIPANTS))["messages"] == []
    update = client.chat_update(channel=PARTICIPANTS, ts=answer["message_ts"], text="x")
    assert await error_of(update) == "message_not_found"
    outsider = client.chat_postEphemeral(channel=ORGANISERS, user=TOKYO, text="psst")
    assert await error_of(outsider) == "user_not_in_channel"


async def test_an_edit_follows_slacks_rules(client: AsyncWebClient) -> None:
    block = {"type": "section", "block_id": "one", "text": plain("x")}
    metadata = {"event_type": "kept", "event_payload": {"id": 1}}
    ts = (await client.chat_postMessage(channel=PARTICIPANTS, text="a", blocks=[block], metadata=metadata))[
        "ts"
    ]

    async def now() -> dict[str, Any]:
        page = await client.conversations_history(channel=PARTICIPANTS, include_all_metadata=True)
        return dict(page["messages"][0])

    await client.chat_update(channel=PARTICIPANTS, ts=ts, text="b", blocks=[{**block, "block_id": "two"}])
    changed = await now()
    assert (changed["text"], changed["blocks"][0]["block_id"]) == ("b", "two")
    assert changed["metadata"] == metadata
    assert "edited" not in changed

    await client.chat_update(channel=PARTICIPANTS, ts=ts, text="c", metadata={})
    changed = await now()
    assert "blocks" not in changed
    assert "metadata" not in changed
    assert changed["edited"]["user"] == BOT

    assert await error_of(client.chat_update(channel=PARTICIPANTS, ts=ts, text="x" * 4001)) == "msg_too_long"
    assert (
        await error_of(client.chat_update(channel=PARTICIPANTS, ts="1.000000", text="x"))
        == "message_not_found"
    )


async def test_an_edit_may_bring_markdown_or_attachments(client: AsyncWebClient) -> None:
    old, new = [{"text": "old", "fallback": "old"}], [{"text": "new", "fallback": "new"}]
    ts = (await client.chat_postMessage(channel=PARTICIPANTS, text="a", attachments=old))["ts"]

    changed = await client.chat_update(channel=PARTICIPANTS, ts=ts, markdown_text="**b**")
    assert changed["message"]["text"] == "**b**"
    assert changed["message"]["blocks"][0]["type"] == "markdown"
    assert changed["message"]["attachments"][0]["text"] == "old"
    changed = await client.chat_update(channel=PARTICIPANTS, ts=ts, attachments=new)
    assert changed["message"]["attachments"] == [{"id": 1, **new[0]}]

    both = client.chat_update(channel=PARTICIPANTS, ts=ts, text="x", markdown_text="y")
    assert await error_of(both) == "markdown_text_conflict"
    odd = client.chat_update(channel=PARTICIPANTS, ts=ts, text="x", attachments="[1]")
    assert await error_of(odd) == "invalid_attachments"


async def test_a_persons_message_can_be_neither_edited_nor_deleted(
    client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    said = await workspace.person(TOKYO).say(PARTICIPANTS, "mine")

    update = client.chat_update(channel=PARTICIPANTS, ts=said["ts"], text="x")
    assert await error_of(update) == "cant_update_message"
    assert await error_of(client.chat_delete(channel=PARTICIPANTS, ts=said["ts"])) == "cant_delete_message"


async def test_a_deleted_message_is_gone_and_one_with_replies_leaves_a_tombstone(
    client: AsyncWebClient,
) -> None:
    alone = (await client.chat_postMessage(channel=PARTICIPANTS, text="alone"))["ts"]
    parent = (await client.chat_postMessage(channel=PARTICIPANTS, text="parent"))["ts"]
    await client.chat_postMessage(channel=PARTICIPANTS, text="reply", thread_ts=parent)

    await client.chat_delete(channel=PARTICIPANTS, ts=alone)
    await client.chat_delete(channel=PARTICIPANTS, ts=parent)

    [left] = (await client.conversations_history(channel=PARTICIPANTS))["messages"]
    assert (left["ts"], left["subtype"]) == (parent, "tombstone")
    assert len((await client.conversations_replies(channel=PARTICIPANTS, ts=parent))["messages"]) == 2


async def test_channels_are_found_by_kind(client: AsyncWebClient) -> None:
    public = await client.conversations_list()
    private = await client.conversations_list(types="private_channel")

    assert [channel["name"] for channel in public["channels"]] == ["ict-footprint-workshop", "lobby"]
    names = [channel["name"] for channel in private["channels"]]
    assert names == ["ict-footprint-moderators", "ict-footprint-organisers"]  # not the one the bot is not in
    assert public["response_metadata"]["next_cursor"] == ""
    assert await error_of(client.conversations_list(types="secret")) == "invalid_types"


async def test_members_page(start: Start, http: aiohttp.ClientSession) -> None:
    client = client_of(await start(page_cap=5), http)

    found: list[str] = []
    async for page in await client.conversations_members(channel=PARTICIPANTS, limit=5):
        assert len(page["members"]) <= 5
        found += page["members"]

    assert len(found) == len(set(found)) == 13


async def test_the_bot_joins_public_channels_only(client: AsyncWebClient) -> None:
    assert (await client.conversations_join(channel="C0LOBBY"))["channel"]["is_member"]
    again = await client.conversations_join(channel="C0LOBBY")
    assert again["warning"] == "already_in_channel"
    assert await error_of(client.conversations_join(channel="C0SIDEROOM")) == "channel_not_found"
    error = await error_of(client.conversations_join(channel=ORGANISERS))
    assert error == "method_not_supported_for_channel_type"
    assert (await client.chat_postMessage(channel="C0LOBBY", text="hello"))["ok"]


async def test_a_topic_is_set_and_its_length_kept(client: AsyncWebClient) -> None:
    await client.conversations_setTopic(channel=PARTICIPANTS, topic="Today 14:00 CET")

    info = await client.conversations_info(channel=PARTICIPANTS, include_num_members=True)
    assert info["channel"]["topic"]["value"] == "Today 14:00 CET"
    assert info["channel"]["num_members"] == 13
    assert await error_of(client.conversations_setTopic(channel=PARTICIPANTS, topic="x" * 251)) == "too_long"


async def test_people_have_zones_languages_and_standing(client: AsyncWebClient) -> None:
    tokyo = (await client.users_info(user=TOKYO, include_locale=True))["user"]
    assert (tokyo["tz"], tokyo["tz_offset"], tokyo["locale"]) == ("Asia/Tokyo", 9 * 3600, "ja-JP")
    delhi = (await client.users_info(user="U0PART0DELHI"))["user"]
    assert delhi["tz_offset"] == 19_800
    assert "locale" not in delhi
    everyone = {member["id"]: member for member in (await client.users_list())["members"]}
    assert everyone["U0GUEST0LIMA"]["is_restricted"]
    assert everyone["U0GONE0OSLO"]["deleted"]
    assert everyone["U0OTHERBOT"]["is_bot"]
    assert len({member["tz"] for member in everyone.values() if "tz" in member}) >= 10
    assert await error_of(client.users_info(user="U0NOBODY")) == "user_not_found"
    assert await error_of(client.conversations_open(users=["U0GONE0OSLO"])) == "user_disabled"


async def test_pins(client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=PARTICIPANTS, text="pin me"))["ts"]

    await client.pins_add(channel=PARTICIPANTS, timestamp=ts)
    assert await error_of(client.pins_add(channel=PARTICIPANTS, timestamp=ts)) == "already_pinned"
    [item] = (await client.pins_list(channel=PARTICIPANTS))["items"]
    assert item["message"]["ts"] == ts
    await client.pins_remove(channel=PARTICIPANTS, timestamp=ts)
    assert await error_of(client.pins_remove(channel=PARTICIPANTS, timestamp=ts)) == "no_pin"


async def test_reactions(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    ts = (await client.chat_postMessage(channel=PARTICIPANTS, text="react"))["ts"]
    await client.reactions_add(channel=PARTICIPANTS, timestamp=ts, name="wave")
    await workspace.person(TOKYO).react(PARTICIPANTS, ts, "wave")

    message = (await client.reactions_get(channel=PARTICIPANTS, timestamp=ts))["message"]
    assert message["reactions"] == [{"name": "wave", "users": [BOT, TOKYO], "count": 2}]
    again = client.reactions_add(channel=PARTICIPANTS, timestamp=ts, name="wave")
    assert await error_of(again) == "already_reacted"
    await client.reactions_remove(channel=PARTICIPANTS, timestamp=ts, name="wave")
    gone = client.reactions_remove(channel=PARTICIPANTS, timestamp=ts, name="wave")
    assert await error_of(gone) == "no_reaction"
    odd = client.reactions_add(channel=PARTICIPANTS, timestamp=ts, name="<!here>")
    assert await error_of(odd) == "invalid_name"

    await client.reactions_add(channel=PARTICIPANTS, timestamp=ts, name="thumbsup")
    same = client.reactions_add(channel=PARTICIPANTS, timestamp=ts, name="+1")
    assert await error_of(same) == "already_reacted"


async def test_bookmarks(client: AsyncWebClient) -> None:
    added = await client.bookmarks_add(
        channel_id=PARTICIPANTS, title="Calendar", type="link", link="https://x.org/a.ics"
    )
    bookmark_id = added["bookmark"]["id"]

    await client.bookmarks_edit(bookmark_id=bookmark_id, channel_id=PARTICIPANTS, title="Programme")
    [bookmark] = (await client.bookmarks_list(channel_id=PARTICIPANTS))["bookmarks"]
    assert (bookmark["title"], bookmark["link"]) == ("Programme", "https://x.org/a.ics")
    await client.bookmarks_remove(bookmark_id=bookmark_id, channel_id=PARTICIPANTS)
    assert (await client.bookmarks_list(channel_id=PARTICIPANTS))["bookmarks"] == []
    wrong = client.bookmarks_add(channel_id=PARTICIPANTS, title="x", type="link", link="javascript:1")
    assert await error_of(wrong) == "invalid_link"


async def test_a_file_goes_up_in_three_steps(
    client: AsyncWebClient, workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    answer = await client.files_upload_v2(
        channel=PARTICIPANTS,
        filename="programme.ics",
        content="BEGIN:VCALENDAR",
        initial_comment="The calendar",
    )

    file = answer["files"][0]
    [message] = workspace.person(TOKYO).messages(PARTICIPANTS)
    assert message["text"] == "The calendar"
    assert message["files"][0]["id"] == file["id"]
    async with http.get(file["url_private"]) as response:
        assert await response.text() == "BEGIN:VCALENDAR"
        assert response.headers["Content-Disposition"] == "attachment"
    assert (await client.files_info(file=file["id"]))["file"]["name"] == "programme.ics"
    assert await error_of(client.files_info(file="F0")) == "file_not_found"


async def test_a_permalink_leads_back_to_the_message(
    client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    ts = (await client.chat_postMessage(channel=PARTICIPANTS, text="x"))["ts"]

    answer = await client.chat_getPermalink(channel=PARTICIPANTS, message_ts=ts)

    assert answer["permalink"] == f"{workspace.url}/archives/{PARTICIPANTS}/p{ts.replace('.', '')}"
    missing = client.chat_getPermalink(channel=PARTICIPANTS, message_ts="1.000000")
    assert await error_of(missing) == "message_not_found"


async def test_a_missing_scope_says_which_is_needed(start: Start, http: aiohttp.ClientSession) -> None:
    manifest = {"oauth_config": {"scopes": {"bot": ["chat:write"]}}, "features": {"app_home": {}}}
    client = client_of(await start(manifest=manifest), http)

    with pytest.raises(SlackApiError) as caught:
        await client.pins_add(channel=PARTICIPANTS, timestamp="1.0")

    answer = caught.value.response
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "pins:write",
        "chat:write",
    )
    assert answer.headers["x-oauth-scopes"] == "chat:write"
    home = client.views_publish(user_id=TOKYO, view={"type": "home", "blocks": []})
    assert await error_of(home) == "not_enabled"
    assert await error_of(client.chat_postMessage(channel=TOKYO, text="x")) == "messages_tab_disabled"


async def test_the_synchronous_client_works_too(workspace: LocalWorkspace) -> None:
    import asyncio

    def use() -> str:
        client = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
        posted = client.chat_postMessage(channel=PARTICIPANTS, text="from a thread")
        return str(client.conversations_history(channel=PARTICIPANTS)["messages"][0]["ts"] == posted["ts"])

    assert await asyncio.to_thread(use) == "True"


async def test_without_a_manifest_the_app_has_every_scope_the_bot_asks_for(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert not set(SCOPES) - set(answer.headers["x-oauth-scopes"].split(","))
