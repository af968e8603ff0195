"""The stage page over real HTTP: what it shows, that it is live, and who may drive it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from bot.store.tables import StageKey
from tests.handlers.conftest import MODERATOR, PARTICIPANT, House
from tests.handlers.test_questions import HOSTILE, MODERATORS, questions, submit

FIRST = "Should small operators be measured in the same way?"
SECOND = "What should regulators measure first?"


@pytest.fixture
async def browser(house: House) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser at the stage page's address; cookies are kept also for an address of numbers."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(f"http://{house.bot.listen}", cookie_jar=jar) as session:
        yield session


async def staged(house: House, *, hidden: str = "named") -> None:
    """Two approved questions, the first on stage, the second next."""
    moderator = house.person(MODERATOR)
    await submit(house, house.person(PARTICIPANT), FIRST, hidden=hidden)
    await submit(house, house.person(PARTICIPANT), SECOND, hidden=hidden)
    for words in ("approve 1", "approve 2", "stage 1", "next 2"):
        await moderator.command(f"/workshop {words}", MODERATORS)
    await house.settle()


async def link(house: House) -> str:
    """The secret of a new moderator's link."""
    moderator = house.person(MODERATOR)
    await moderator.command("/workshop stage link", MODERATORS)
    found = re.search(r"#key=([\w-]+)", house.texts(moderator, MODERATORS)[-1])
    assert found is not None
    return found[1]


async def use(browser: aiohttp.ClientSession, path: str, **given: Any) -> tuple[int, str]:
    async with browser.post(path, json=given) as response:
        return response.status, str((await response.json()).get("sentence", ""))


async def events(browser: aiohttp.ClientSession, last_event_id: str = "") -> AsyncIterator[dict[str, str]]:
    """The page's pieces, as they come."""
    headers = {"Last-Event-ID": last_event_id}
    async with browser.get("/stage/events", headers=headers) as response:
        assert response.content_type == "text/event-stream"
        event: dict[str, str] = {}
        async for line in response.content:
            name, _, value = line.decode().strip().partition(": ")
            if name == "id":
                event["id"] = value
            elif name == "data":
                yield event | json.loads(value)


async def test_the_page_shows_what_is_on_stage_and_next(house: House, browser: aiohttp.ClientSession) -> None:
    async with browser.get("/stage") as response:
        assert "No question is on stage" in await response.text()
    await staged(house)
    async with browser.get("/stage?segment=discussion") as response:
        page = await response.text()
    assert response.status == 200
    assert FIRST in page
    assert SECOND in page
    assert "data-deed" not in page  # no controls for everybody


async def test_nothing_inline_runs_and_nothing_is_loaded_from_elsewhere(
    house: House, browser: aiohttp.ClientSession
) -> None:
    async with browser.get("/stage") as response:
        page, policy = await response.text(), response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|javascript:|style=", page)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("/stage/")
        async with browser.get(address) as loaded:
            assert loaded.status == 200


async def test_words_are_never_html(house: House, browser: aiohttp.ClientSession) -> None:
    words = HOSTILE + "<script>alert(1)</script>"
    await submit(house, house.person(PARTICIPANT), words)
    for deed in ("approve", "stage"):
        await house.person(MODERATOR).command(f"/workshop {deed} 1", MODERATORS)
    async with browser.get("/stage") as response:
        page = await response.text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{7*7}}" in page


@pytest.mark.parametrize("hidden", ["participants", "moderators"])
async def test_a_hidden_asker_is_not_named(house: House, browser: aiohttp.ClientSession, hidden: str) -> None:
    await staged(house, hidden=hidden)
    async with browser.get("/stage") as response:
        page = await response.text()
    assert FIRST in page
    assert house.workspace.state.members[PARTICIPANT].real_name not in page
    assert PARTICIPANT not in page


async def test_changes_arrive_by_themselves_and_a_reload_loses_nothing(
    house: House, browser: aiohttp.ClientSession
) -> None:
    await staged(house)
    stream = events(browser)
    first = await anext(stream)
    assert FIRST in first["now"]
    await house.person(MODERATOR).command("/workshop advance", MODERATORS)
    second = await anext(stream)
    while "Question 2" not in second["now"]:  # two deeds in one transaction come as one; a count may follow
        second = await anext(stream)
    assert SECOND in second["say"]
    await stream.aclose()
    again = events(browser, last_event_id=first["id"])
    assert (await anext(again))["id"] == second["id"]
    await again.aclose()
    async with browser.get("/stage") as response:
        assert SECOND in await response.text()


async def test_a_link_drives_the_stage_until_it_is_revoked(
    house: House, browser: aiohttp.ClientSession
) -> None:
    await staged(house)
    secret = await link(house)
    assert (await use(browser, "/stage/do", deed="advance", revision=1))[0] == 403
    assert (await use(browser, "/stage/key", key="x" * 32))[0] == 403
    assert await use(browser, "/stage/key", key=secret) == (200, "")
    async with browser.get("/stage") as response:
        found = re.search(r'data-deed="advance" data-revision="(\d+)"', await response.text())
    assert found is not None
    seen = int(found[1])
    assert await use(browser, "/stage/do", deed="advance", revision=seen) == (200, "")
    assert [q.state.value for q in await questions(house)] == ["answered", "queued"]
    status, sentence = await use(browser, "/stage/do", deed="advance", revision=seen)
    assert (status, "has changed" in sentence) == (409, True)
    revision = (await questions(house))[1].revision
    assert (await use(browser, "/stage/do", deed="queue", number=2, revision=revision))[0] == 200
    assert (await use(browser, "/stage/do", deed="undo", number=2, revision=revision + 1))[0] == 200
    await house.person(MODERATOR).command("/workshop stage revoke", MODERATORS)
    status, sentence = await use(browser, "/stage/do", deed="queue", number=2, revision=revision + 2)
    assert (status, "no longer" in sentence) == (403, True)
    async with browser.get("/stage") as response:
        assert "data-deed" not in await response.text()


async def test_a_link_of_somebody_who_no_longer_moderates_does_nothing(
    house: House, browser: aiohttp.ClientSession
) -> None:
    await staged(house)
    assert (await use(browser, "/stage/key", key=await link(house)))[0] == 200
    await house.person(MODERATOR).leave(MODERATORS)
    await house.settle()
    question = (await questions(house))[0]
    status, sentence = await use(browser, "/stage/do", deed="answer", number=1, revision=question.revision)
    assert (status, "Only moderators" in sentence) == (403, True)
    assert (await questions(house))[0].revision == question.revision


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"deed": "decline", "number": 1, "revision": 1},
        {"deed": "answer", "number": "1", "revision": 1},
        {"deed": "answer", "number": 99, "revision": 1},
        {"deed": "answer", "number": True, "revision": "1"},
        {"deed": {"a": 1}, "number": 1, "revision": 1},
    ],
)
async def test_made_up_deeds_are_refused(
    house: House, browser: aiohttp.ClientSession, given: dict[str, Any]
) -> None:
    await staged(house)
    await use(browser, "/stage/key", key=await link(house))
    before = [(q.state, q.revision) for q in await questions(house)]
    assert (await use(browser, "/stage/do", **given))[0] in (403, 409)
    assert [(q.state, q.revision) for q in await questions(house)] == before


async def test_requests_from_elsewhere_are_refused(house: House, browser: aiohttp.ClientSession) -> None:
    secret = await link(house)
    for headers, body in (
        ({"Origin": "https://e.org", "Content-Type": "application/json"}, json.dumps({"key": secret})),
        ({"Content-Type": "text/plain"}, json.dumps({"key": secret})),
        ({"Content-Type": "application/x-www-form-urlencoded"}, f"key={secret}"),
    ):
        async with browser.post("/stage/key", data=body, headers=headers) as response:
            assert response.status == 403
            assert "Set-Cookie" not in response.headers
    for body in ("[]", "{", "x" * 5_000, '"a"'):
        async with browser.post(
            "/stage/key", data=body, headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 400


async def test_the_secret_is_stored_only_as_a_hash(house: House) -> None:
    secret = await link(house)
    async with house.bot.desk.database.read() as db:
        key = (await db.scalars(select(StageKey))).one()
    assert secret not in key.digest
    assert len(key.digest) == 64


@pytest.mark.parametrize(
    "path", ["/stage?segment=nowhere", "/stage/events?segment=nowhere", "/stage/static/x"]
)
async def test_what_is_not_there_is_not_found(
    house: House, browser: aiohttp.ClientSession, path: str
) -> None:
    async with browser.get(path) as response:
        assert response.status == 404
