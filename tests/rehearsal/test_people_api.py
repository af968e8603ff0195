"""The people's interface over HTTP, as the page, scripts and other programs use it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal import deeds, people_api
from bot.rehearsal.server import LocalWorkspace

from .conftest import modal, text_input

TOKYO = "U0PART0TOKYO"
PARTICIPANTS = "C0PARTICIPANTS"


@pytest.fixture
def do(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> Any:
    async def do(deed: str, user: str = "participant-tokyo", **wish: Any) -> Any:
        async with http.post(f"{workspace.url}/people/{user}/{deed}", json=wish) as response:
            return await response.json()

    return do


@pytest.fixture
def look(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> Any:
    async def look(path: str) -> Any:
        async with http.get(workspace.url + path) as response:
            return await response.json()

    return look


async def test_people_have_roles_zones_and_languages(look: Any) -> None:
    people = (await look("/people"))["people"]

    assert {person["role"] for person in people} == {"participant", "moderator", "organiser", "guest"}
    tokyo = next(person for person in people if person["id"] == TOKYO)
    assert (tokyo["name"], tokyo["tz"], tokyo["locale"]) == ("participant-tokyo", "Asia/Tokyo", "ja-JP")
    assert all("bot" not in person["name"] for person in people)


async def test_each_person_sees_their_own_channels_with_what_is_unread(
    do: Any, look: Any, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=PARTICIPANTS, text="news")
    await client.chat_postMessage(channel=TOKYO, text="for you")

    mine = {each["name"]: each for each in (await look("/people/participant-tokyo/channels"))["channels"]}
    assert set(mine) == {"ict-footprint-workshop", "lobby", "Workshop"}
    assert (mine["ict-footprint-workshop"]["unread"], mine["Workshop"]["mentions"]) == (1, 1)
    theirs = (await look("/people/moderator-geneva/channels"))["channels"]
    assert "ict-footprint-moderators" in {each["name"] for each in theirs}
    await do("read", channel=PARTICIPANTS)
    mine = {each["name"]: each for each in (await look("/people/participant-tokyo/channels"))["channels"]}
    assert mine["ict-footprint-workshop"]["unread"] == 0


async def test_a_waiting_reader_gets_the_next_message(look: Any, client: AsyncWebClient) -> None:
    waiting = asyncio.create_task(look(f"/people/{TOKYO}/channels/{PARTICIPANTS}/messages?wait=10"))
    await asyncio.sleep(0)
    await client.chat_postMessage(channel=PARTICIPANTS, text="news")

    assert [message["text"] for message in (await waiting)["messages"]] == ["news"]


async def test_threads_views_and_home_are_read_back(
    do: Any, look: Any, client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    said = await do("say", channel=PARTICIPANTS, text="first")
    await do("say", channel=PARTICIPANTS, text="reply", thread_ts=said["ts"])
    thread = (await look(f"/people/{TOKYO}/threads/{PARTICIPANTS}/{said['ts']}"))["messages"]
    assert [message["text"] for message in thread] == ["first", "reply"]
    assert (await look(f"/people/{TOKYO}/home"))["view"] is None
    await client.views_open(trigger_id=workspace.views.trigger(TOKYO), view=modal("m", text_input("q")))
    [view] = (await look(f"/people/{TOKYO}/views"))["views"]
    assert view["callback_id"] == "m"


async def test_own_messages_can_be_changed_and_removed(do: Any, look: Any) -> None:
    said = await do("say", channel=PARTICIPANTS, text="frist")
    await do("edit", channel=PARTICIPANTS, ts=said["ts"], text="first <b>")
    [message] = (await look(f"/people/{TOKYO}/channels/{PARTICIPANTS}/messages"))["messages"]
    assert (message["text"], message["edited"]["user"]) == ("first &lt;b&gt;", TOKYO)
    refused = await do("delete", user="moderator-geneva", channel=PARTICIPANTS, ts=said["ts"])
    assert refused["error"] == "not_your_message"
    await do("delete", channel=PARTICIPANTS, ts=said["ts"])
    assert (await look(f"/people/{TOKYO}/channels/{PARTICIPANTS}/messages"))["messages"] == []


@pytest.mark.parametrize(
    ("user", "deed", "wish", "error"),
    [
        ("nobody", "say", {"channel": PARTICIPANTS, "text": "x"}, "user_not_found"),
        ("U0GONE0OSLO", "say", {"channel": PARTICIPANTS, "text": "x"}, "user_not_found"),
        (TOKYO, "fly", {}, "unknown_deed"),
        (TOKYO, "actor", {}, "unknown_deed"),
        (TOKYO, "say", {"channel": "C0ORGANISERS", "text": "x"}, "channel_not_found"),
        (TOKYO, "say", {"channel": PARTICIPANTS, "text": " "}, "no_text"),
        (TOKYO, "say", {"channel": PARTICIPANTS, "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
        (TOKYO, "say", {"channel": PARTICIPANTS, "files": [{"name": "a", "base64": "?"}]}, "invalid_file"),
        (TOKYO, "command", {"channel": PARTICIPANTS, "text": "no slash"}, "unknown_command"),
        (TOKYO, "click", {"channel": PARTICIPANTS, "ts": "1.0", "action_id": "a"}, "message_not_found"),
        (TOKYO, "submit", {"view_id": "V0", "values": {}}, "view_not_found"),
        (TOKYO, "shortcut", {}, "unknown_shortcut"),
        (TOKYO, "forge", {"payload": 5}, "invalid_payload"),
    ],
)
async def test_what_nobody_could_do_is_refused(
    do: Any, user: str, deed: str, wish: dict[str, Any], error: str
) -> None:
    answer = await do(deed, user, **wish)

    assert (answer["ok"], answer["error"]) == (False, error)
    assert answer["why"]


async def test_a_body_that_is_no_object_is_refused(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    for body in (b"[]", b"not json", b"5"):
        async with http.post(f"{workspace.url}/people/{TOKYO}/say", data=body) as response:
            assert (response.status, (await response.json())["error"]) == (400, "invalid_json")


async def test_a_page_of_another_site_is_refused(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    url, wish = f"{workspace.url}/people/{TOKYO}/say", {"channel": PARTICIPANTS, "text": "x"}
    async with http.post(url, json=wish, headers={"Origin": "https://elsewhere.example"}) as response:
        assert response.status == 403
    async with http.post(url, json=wish, headers={"Origin": workspace.url}) as response:
        assert response.status == 200


def test_every_deed_is_documented() -> None:
    documented = people_api.__doc__ or ""
    assert [deed for deed in deeds.DEEDS if deed not in documented] == []


async def test_a_file_is_shared_with_a_message(
    do: Any, workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    said = await do("say", channel=PARTICIPANTS, files=[{"name": "../notes.html", "text": "<script>"}])

    [file] = said["message"]["files"]
    assert (said["message"]["subtype"], file["name"]) == ("file_share", ".._notes.html")
    async with http.get(file["url_private"]) as response:
        assert response.headers["Content-Disposition"] == "attachment"
