"""The page as the server draws it, without a browser."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.server import LocalWorkspace

from .conftest import actions, button, modal, plain, text_input

TOKYO = "U0PART0TOKYO"
PARTICIPANTS = "C0PARTICIPANTS"


@pytest.fixture
def page(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> Any:
    async def page(path: str) -> str:
        async with http.get(workspace.url + path) as response:
            assert response.status == 200
            return await response.text()

    return page


async def test_the_first_page_is_the_participants_channel(page: Any, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=PARTICIPANTS, text="Welcome *everyone*")

    html = await page("/")

    assert "<title>ict-footprint-workshop · Participant in Tokyo · workshop rehearsal</title>" in html
    assert "Welcome <strong>everyone</strong>" in html
    assert html.count('aria-current="true"') == 1


@pytest.mark.parametrize(
    "query",
    [
        "as=nobody",
        "in=C0NOWHERE",
        "in=C0ORGANISERS",
        "thread=1.0",
        "limit=x",
        "limit=-1",
        "tab=other",
        "as=%3Cb%3E",
        "in=D0X",
    ],
)
async def test_a_wrong_address_leads_to_the_nearest_place(page: Any, query: str) -> None:
    assert "Participant in Tokyo" in await page(f"/?{query}")


async def test_somebody_elses_direct_message_shows_ones_own(page: Any, workspace: LocalWorkspace) -> None:
    await workspace.person(TOKYO).say("bot", "my secret")
    secret = workspace.person(TOKYO).channels()[-1]["id"]

    html = await page(f"/?as=moderator-geneva&in={secret}")

    assert "my secret" not in html
    assert 'data-channel="D0MOD0GENEVA"' in html


async def test_only_ones_own_ephemerals_and_modals_are_drawn(
    page: Any, client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    await client.chat_postEphemeral(channel=PARTICIPANTS, user=TOKYO, text="just for you")
    await client.views_open(trigger_id=workspace.views.trigger(TOKYO), view=modal("m", text_input("q")))

    mine, theirs = await page(f"/?as={TOKYO}"), await page("/?as=moderator-geneva")

    assert "just for you" in mine
    assert "Only visible to you" in mine
    assert 'data-hash="' in mine
    assert "just for you" not in theirs
    assert 'data-hash="' not in theirs


HOSTILE = '<img src=x onerror=alert(1)> "><script>alert(2)</script> {{ 7*7 }} </textarea> javascript:alert(3)'


async def test_hostile_text_stays_text_wherever_it_is_drawn(
    page: Any, client: AsyncWebClient, workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    person = workspace.person(TOKYO)
    said = await person.say(PARTICIPANTS, HOSTILE, files=[{"name": HOSTILE, "text": "x"}])
    await person.say(PARTICIPANTS, HOSTILE, thread_ts=said["ts"])
    await client.conversations_setTopic(channel=PARTICIPANTS, topic=HOSTILE)
    blocks = [
        {"type": "header", "text": plain(HOSTILE)},
        {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}, "fields": [plain(HOSTILE)]},
        actions(
            button(HOSTILE, HOSTILE) | {"text": plain(HOSTILE[:70]), "url": "javascript:alert(4)"},
            block_id=HOSTILE,
        ),
        {"type": "context", "elements": [plain(HOSTILE)]},
    ]
    await client.chat_postMessage(channel=PARTICIPANTS, text=HOSTILE, blocks=blocks, username=HOSTILE)
    view = modal("m", text_input("q", initial_value=HOSTILE, multiline=True, placeholder=plain(HOSTILE)))
    await client.views_open(trigger_id=workspace.views.trigger(TOKYO), view=view)

    html = await page(f"/?as={TOKYO}&thread={said['ts']}") + await page("/inspector")

    assert "<img src=x" not in html
    assert "<script>" not in html
    assert "</textarea> javascript" not in html
    assert 'href="javascript' not in html
    assert "{{ 7*7 }}" in html


async def test_unknown_blocks_are_a_labelled_box(
    page: Any, workspace: LocalWorkspace, client: AsyncWebClient
) -> None:
    posted = await client.chat_postMessage(channel=PARTICIPANTS, text="x", blocks=[{"type": "divider"}])
    message = workspace.state.channels[PARTICIPANTS].messages[posted["ts"]]
    message.blocks = [{"type": "from_the_future", "block_id": "f", "wonder": "<b>"}]

    html = await page("/")

    assert "A block of type “from_the_future”" in html
    assert "&#34;wonder&#34;: &#34;&lt;b&gt;&#34;" in html


async def test_the_words_of_attachments_are_drawn(page: Any, client: AsyncWebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*in* a block"}}
    attachments = [{"title": "<i>", "text": "said"}, {"blocks": [section]}, {"fallback": "instead"}]
    await client.chat_postMessage(channel=PARTICIPANTS, text="x", attachments=attachments)

    html = await page("/")

    for words in ("&lt;i&gt;", "said", "a block", "instead"):
        assert words in html


async def test_parts_are_the_same_as_on_the_whole_page(page: Any, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=PARTICIPANTS, text="hello", blocks=[actions(button("a"))])
    place = f"as={TOKYO}&in={PARTICIPANTS}&thread={posted['ts']}"

    whole, parts = await page(f"/?{place}"), json.loads(await page(f"/page/parts?{place}"))

    assert set(parts["parts"]) == {"sidebar", "head", "modal", "messages", "thread"}
    for html in parts["parts"].values():
        assert html.strip() in whole
    assert parts["unread"] == 1


async def test_long_channels_begin_with_the_newest(page: Any, workspace: LocalWorkspace) -> None:
    person = workspace.person(TOKYO)
    for index in range(130):
        await person.say(PARTICIPANTS, f"message {index}.")

    first = await page("/")
    oldest = re.findall(r'data-ts="([^"]+)"', first)[0]
    more = json.loads(await page(f"/page/earlier?limit=60&before={oldest}"))

    assert 'data-above="90"' in first
    assert "message 90." in first
    assert "message 89." not in first
    assert more["above"] == 30
    assert re.findall(r">message (\d+)\.<", more["html"]) == [str(n) for n in range(30, 90)]
    assert json.loads(await page("/page/earlier?before=0")) == {"html": "", "above": 0}


async def test_an_open_threads_message_is_there_however_old(page: Any, workspace: LocalWorkspace) -> None:
    person = workspace.person(TOKYO)
    said = [await person.say(PARTICIPANTS, f"message {index}.") for index in range(70)]
    await person.say(PARTICIPANTS, "a reply", thread_ts=said[10]["ts"])

    assert f'id="m-{said[10]["ts"]}"' in await page(f"/?thread={said[10]['ts']}")


async def test_new_replies_are_marked_until_the_thread_is_read(
    page: Any, client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    person = workspace.person(TOKYO)
    said = await person.say("bot", "when?")
    await client.chat_postMessage(channel=said["channel"], thread_ts=said["ts"], text="Tuesday")

    assert "1 new" in await page(f"/?as={TOKYO}&in=bot")
    await workspace.deeds.read(person.account, {"channel": "bot", "thread_ts": said["ts"]})
    assert "1 new" not in await page(f"/?as={TOKYO}&in=bot")


async def test_live_tells_of_every_change(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{workspace.url}/live") as response:
        assert response.content_type == "text/event-stream"
        first = await response.content.readuntil(b"\n\n")
        await workspace.person(TOKYO).say(PARTICIPANTS, "hello")
        second = await response.content.readuntil(b"\n\n")

    before, after = (json.loads(line.removeprefix(b"data: ")) for line in (first, second))
    assert after["revision"] > before["revision"]
    assert (after["now"], after["speed"]) == ("2025-11-24T12:00:00+00:00", 0)


async def test_pages_forbid_foreign_scripts_and_styles(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    for path in ("/", "/inspector", "/two"):
        async with http.get(workspace.url + path) as response:
            policy, html = response.headers["Content-Security-Policy"], await response.text()
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert " style=" not in html
        assert " onclick=" not in html


async def test_only_the_pages_own_files_are_served(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    for name, status in (
        ("rehearsal.js", 200),
        ("rehearsal.css", 200),
        ("stage.css", 404),
        ("..%2Frehearsal.html", 404),
    ):
        async with http.get(f"{workspace.url}/static/{name}") as response:
            assert response.status == status, name


async def test_two_people_side_by_side_and_back(page: Any) -> None:
    html = await page("/two?left=participant-paris&right=nobody")

    assert 'src="/?as=participant-paris"' in html
    assert 'src="/?as=moderator-geneva"' in html  # who is not there gives way to who is
    assert '<a href="/?as=participant-paris">' in html
