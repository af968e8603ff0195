"""The event page: read from a real server, compared in words, its times understood or left alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.programme import page
from bot.programme.page import Difference, Trouble
from tests.programme.programmes import START, programme, segment

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = "<html><body><h1>Workshop</h1><p>Programme <b>follows</b></p><script>x()</script></body></html>"


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """A server on this machine that answers every request so; gives the address of its page."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("/page"))


def html(text: str, **more: object) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="text/html", **more)  # type: ignore[arg-type]

    return answer


async def test_a_page_is_read_line_by_line_and_not_again_while_unchanged() -> None:
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        headers = {"ETag": '"one"', "Last-Modified": "Tue, 18 Nov 2025 10:00:00 GMT"}
        if request.headers.get("If-None-Match") == '"one"':
            return web.Response(status=304, headers=headers)
        return web.Response(text=PAGE, content_type="text/html", headers=headers)

    async with serving(answer) as url:
        first = await page.read(url, loopback=True)
        assert first.lines == ["Workshop", "Programme follows"]
        again = await page.read(url, etag=first.etag, last_modified=first.last_modified, loopback=True)
    assert again.lines is None
    assert asked[1].headers["If-Modified-Since"] == "Tue, 18 Nov 2025 10:00:00 GMT"
    assert "Cookie" not in asked[1].headers


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (html(PAGE, status=503), "status-503"),
        (html(PAGE, status=404), "status-404"),
        (html("<html><body><script>only()</script></body></html>"), "empty"),
        (html("<title>404 Not Found</title><p>nginx</p>"), "error-page"),
        (html("<h1>Just a moment...</h1><p>Checking your browser</p>"), "error-page"),
        (html("x" * (page.LARGEST + 1)), "large"),
    ],
)
async def test_what_is_no_page_is_trouble(answer: Answer, code: str) -> None:
    async with serving(answer) as url:
        with pytest.raises(Trouble) as trouble:
            await page.read(url, loopback=True)
    assert trouble.value.code == code


async def test_other_kinds_of_content_are_not_read() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"%PDF", content_type="application/pdf")

    async with serving(answer) as url:
        with pytest.raises(Trouble, match="type"):
            await page.read(url, loopback=True)


async def test_a_packed_page_is_measured_unpacked() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.Response(text="y" * (page.LARGEST + 1), content_type="text/html")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with serving(answer) as url:
        with pytest.raises(Trouble, match="large"):
            await page.read(url, loopback=True)


@pytest.mark.parametrize("begun", [True, False])
async def test_a_server_that_never_ends_is_left(begun: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "WITHIN", 0.3)
    left = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        if begun:
            await response.prepare(request)
            await response.write(PAGE.encode())
        await left.wait()
        return response

    async with serving(answer) as url:
        with pytest.raises(Trouble, match="timeout"):
            await page.read(url, loopback=True)
        left.set()


async def test_a_server_may_ask_to_be_left_alone() -> None:
    async with serving(html("busy", status=429, headers={"Retry-After": "3600"})) as url:
        with pytest.raises(Trouble) as trouble:
            await page.read(url, loopback=True)
    assert (trouble.value.code, trouble.value.wait) == ("status-429", 3600)


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:1/",
        "https://example.org/",
        "file:///etc/passwd",
        "//example.org/x",
        "http://user:secret@127.0.0.1/",
        "",
    ],
)
async def test_redirects_stay_on_the_page_s_own_server(location: str) -> None:
    async with serving(html("", status=302, headers={"Location": location})) as url:
        with pytest.raises(Trouble, match="redirect"):
            await page.read(url, loopback=True)


async def test_a_redirect_on_the_server_is_followed() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/page":
            raise web.HTTPFound("/elsewhere")
        return web.Response(text=PAGE, content_type="text/html")

    async with serving(answer) as url:
        assert (await page.read(url, loopback=True)).lines == ["Workshop", "Programme follows"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_is_called_only_when_said_so(host: str) -> None:
    async with serving(html(PAGE)) as url:
        with pytest.raises(Trouble, match="address"):
            await page.read(url.replace("127.0.0.1", host))


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1",
     "0.0.0.0", "224.0.0.1", "100.64.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "no address"],  # noqa: S104
)  # fmt: skip
def test_private_addresses_are_not_called(address: str) -> None:
    assert not page.allowed(address)
    assert page.allowed("8.8.8.8")
    assert page.allowed("2001:4860:4860::8888")
    assert page.allowed("64:ff9b::8.8.8.8")


def test_what_is_on_this_machine() -> None:
    assert page.local("http://127.0.0.1:1/x")
    assert not page.local("http://127.0.0.1.example.org/")
    assert not page.local("not an address")


@pytest.mark.parametrize(
    "text", ["", "<", "<p" * 50_000, "<div>" * 5_000 + "deep", "\x00<p>a\x07b</p>", "<!-- never closed"]
)
def test_broken_pages_are_read_as_far_as_they_go(text: str) -> None:
    assert all(line == " ".join(line.split()) for line in page.lines_of(text))


def test_a_difference_is_told_in_words() -> None:
    old = ["Programme", "Speakers: to be announced", "Old room", "Contact"]
    new = ["Programme", "Contact", "Speakers: announced next week", "Registration closes on Friday"]
    assert page.difference(old, new) == Difference(
        added=["Registration closes on Friday"],
        removed=["Old room"],
        reworded=[("Speakers: to be announced", "Speakers: announced next week")],
    )
    assert not page.difference(old, list(reversed(old))), "what stands elsewhere is no difference"


def test_a_mass_disappearance_is_known() -> None:
    whole = [f"line {n}" for n in range(10)]
    assert page.vanished(whole, ["line 1", "welcome"])
    assert not page.vanished(whole, whole[:6])
    assert not page.vanished(whole, [f"row {n}" for n in range(12)])


ZONE = ZoneInfo("Europe/Vienna")


def test_times_become_a_draft_that_cancels_nothing() -> None:
    base = programme(segment("welcome", title="Welcome"), segment("podium", title="Podium"))
    read = page.programme_of(
        ["Programme", "14:00–14:20 WELCOME!", "14.20 - 15:00 | Panel: what next?"], base, ZONE
    )
    assert read is not None
    welcome, podium, panel = read.segments
    assert welcome.starts is not None
    assert welcome.starts.astimezone(ZONE).strftime("%H:%M") == "14:00"
    assert (podium, panel.id, panel.title) == (base.segments[1], "panel-what-next", "Panel: what next?")
    assert panel.starts is not None
    assert panel.starts.date() == START.date()
    assert page.programme_of(["14:00–14:20 WELCOME!"], read, ZONE) is None, "it says nothing new"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["no times"],
        ["14:00 UTC Welcome"],
        ["2:00 pm Welcome"],
        ["15:00–14:00 Welcome"],
        ["25:00 Welcome"],
    ],
)
def test_doubtful_times_are_not_read(lines: list[str]) -> None:
    assert page.programme_of(lines, programme(segment("welcome", title="Welcome")), ZONE) is None
