"""The event page, watched: what becomes a change, what never does, and what organisers make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from bot import announcements, app, people
from bot import config as configuration
from bot.announcements import pages
from bot.clock import SimulatedClock
from bot.config import Config
from bot.errors import ConfigError, NotFound, Refusal
from bot.programme import versions
from bot.programme.page import Reading, Trouble
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Deed, Delivery, Draft, PageChange, PageWatch
from tests.handlers.conftest import ORGANISER, PARTICIPANT, House
from tests.handlers.conftest import START as HOUSE_START

NOW = datetime.fromisoformat("2025-11-20T09:00:00+00:00")
EVERY = timedelta(minutes=30)
ONE = ["Workshop", "Programme follows", "Speakers follow", "Contact"]
TWO = ["Workshop", "Programme: see below", "14:00–14:30 Opening", "Speakers follow", "Contact"]


class Watched:
    """A page that is looked at every half hour, and a database that remembers."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database, self.config, self.now = database, config, NOW

    async def look(self, *outcomes: list[str] | str | None) -> list[PageChange]:
        """Several looks, each when it is due: lines, None for unchanged, or a trouble's code."""
        for outcome in outcomes:
            async with self.database.begin() as db:
                self.now = max(self.now, await pages.next_due(db, now=self.now) or self.now)
                watch = await pages.claim(db, self.config, now=self.now)
                assert watch is not None
                assert await pages.claim(db, self.config, now=self.now) is None, "somebody else has it"
            found = Trouble(outcome) if isinstance(outcome, str) else Reading(outcome, '"e"', None)
            async with self.database.begin() as db:
                await pages.record(db, self.config, watch.url, found, now=self.now)
        async with self.database.read() as db:
            return list(await db.scalars(select(PageChange).order_by(PageChange.id)))

    async def decide(self, number: int, deed: str) -> None:
        async with self.database.begin() as db:
            by = await people.get_or_add(db, "U1ADA", now=self.now)
            await pages.decide(db, self.config, number, deed, by=by, now=self.now)

    async def watch(self) -> PageWatch:
        async with self.database.read() as db:
            return (await db.scalars(select(PageWatch))).one()

    async def deliveries(self, prefix: str) -> list[Delivery]:
        async with self.database.read() as db:
            return list(await db.scalars(select(Delivery).where(Delivery.key.startswith(prefix))))


@pytest.fixture
async def watched(database: Database, config: Config) -> Watched:
    async with database.begin() as db:
        await announcements.begin(db, config, now=NOW)
    return Watched(database, config)


async def test_a_change_counts_when_it_was_seen_twice(watched: Watched) -> None:
    assert await watched.look(ONE, ONE, None, TWO) == []
    (change,) = await watched.look(TWO)
    assert (change.old, change.new, change.state) == (ONE, TWO, "open")
    assert len(await watched.look(None, TWO)) == 1
    assert [one.lane for one in await watched.deliveries("page:")] == ["channel:organisers"]
    assert (await watched.watch()).checked_at == watched.now


async def test_unchanged_counts_as_seen_again(watched: Watched) -> None:
    assert len(await watched.look(ONE, None, TWO, None)) == 1


@pytest.mark.parametrize(
    "looks",
    [
        [TWO, ONE, TWO, ONE, TWO, ONE],
        ["empty", "empty", "error-page", "status-503", ONE],
        [TWO, "timeout", ONE, ONE],
        [list(reversed(ONE)), list(reversed(ONE))],
    ],
    ids=["flapping", "errors", "once and away", "order alone"],
)
async def test_what_is_never_a_change(watched: Watched, looks: list[list[str] | str | None]) -> None:
    assert await watched.look(ONE, ONE, *looks) == []
    assert await watched.deliveries("page:") == []


async def test_trouble_makes_it_look_less_often(watched: Watched) -> None:
    await watched.look(ONE, ONE)
    waits = []
    for _ in range(6):
        await watched.look("status-500")
        waits.append((await watched.watch()).next_at - watched.now)
    assert waits[:3] == [EVERY, 2 * EVERY, 4 * EVERY]
    assert waits[-1] == pages.LONGEST_WAIT
    assert (await watched.watch()).trouble == "status-500"
    await watched.look(ONE)
    seen = await watched.watch()
    assert (seen.failures, seen.trouble, seen.next_at) == (0, None, watched.now + EVERY)


async def test_it_ends_a_day_after_the_workshop(watched: Watched) -> None:
    end = watched.config.workshop.end
    async with watched.database.read() as db:
        assert await pages.next_due(db, now=end) == end
        assert await pages.next_due(db, now=end + timedelta(days=2)) is None


async def test_told_once_and_only_once(watched: Watched) -> None:
    (change,) = await watched.look(ONE, ONE, TWO, TWO)
    await watched.decide(change.id, pages.TELL)
    (told,) = await watched.deliveries(f"page:{change.id}:told")
    assert (told.lane, told.kind) == ("channel:participants", pages.TOLD)
    for deed in (pages.TELL, pages.IGNORE, pages.DRAFT):
        with pytest.raises(Refusal) as refused:
            await watched.decide(change.id, deed)
        assert refused.value.code == "page_decided"
    with pytest.raises(NotFound):
        await watched.decide(99, pages.TELL)
    assert len(await watched.look(TWO, TWO)) == 1, "it is what organisers know now"
    async with watched.database.read() as db:
        watch = watched.config.watch.model_copy(update={"enabled": True})
        watching = watched.config.model_copy(update={"watch": watch})
        seen = await pages.news(db, {}, now=watched.now, config=watching)
        assert seen["told"][0]["added"] == ["14:00–14:30 Opening"]
        assert seen["checked_at"] == watched.now
        deeds = await db.scalars(select(Deed.deed).where(Deed.subject == f"page:{change.id}"))
        assert list(deeds) == ["page.tell"]


async def test_what_was_ignored_is_not_asked_again_when_the_page_flaps(watched: Watched) -> None:
    (change,) = await watched.look(ONE, ONE, TWO, TWO)
    await watched.decide(change.id, pages.IGNORE)
    back = (await watched.look(ONE, ONE))[-1]
    await watched.decide(back.id, pages.IGNORE)
    assert len(await watched.look(TWO, TWO, ONE, ONE, TWO, TWO)) == 2


async def test_a_later_change_takes_the_place_of_one_that_waits(watched: Watched) -> None:
    three = [*TWO, "Registration closes on Friday"]
    first, second = await watched.look(ONE, ONE, TWO, TWO, three, three)
    assert (first.state, second.state, second.old) == ("passed", "open", ONE)
    only = await watched.look(ONE, ONE)
    assert [one.state for one in only] == ["passed", "passed"], "the page is as it was"


async def test_a_mass_disappearance_is_never_told(watched: Watched, rendering: Rendering) -> None:
    (change,) = await watched.look(ONE, ONE, ["Workshop"], ["Workshop"])
    async with watched.database.read() as db:
        content = {"change": change.id, "readable": False}
        values = await pages.compose_card(db, content, now=watched.now)
    card = str(rendering.message(pages.CARD, values).blocks)
    assert "Most of the page is gone" in card
    assert "page.tell" not in card
    with pytest.raises(Refusal) as refused:
        await watched.decide(change.id, pages.TELL)
    assert refused.value.code == "page_vanished"


async def test_times_become_a_draft_for_organisers(watched: Watched) -> None:
    (change,) = await watched.look(ONE, ONE, TWO, TWO)
    await watched.decide(change.id, pages.DRAFT)
    async with watched.database.read() as db:
        draft = (await db.scalars(select(Draft))).one()
        opening = versions.programme_of(draft).segment("opening")
        assert draft.origin == "page"
        assert opening is not None
        assert opening.starts == watched.config.workshop.start
        assert (await versions.current(db)).segment("opening") is None, "nothing is released"
    assert len(await watched.deliveries("programme:draft:")) == 1


async def test_without_times_there_is_no_draft(watched: Watched) -> None:
    (change,) = await watched.look(ONE, ONE, [*ONE, "More soon"], [*ONE, "More soon"])
    with pytest.raises(Refusal) as refused:
        await watched.decide(change.id, pages.DRAFT)
    assert refused.value.code == "page_no_times"


def test_a_hostile_page_is_literal_and_fits(rendering: Rendering) -> None:
    wild = "<!channel> *<https://evil.example|click>* & " * 20
    values = {
        "added": [wild] * 4, "removed": [wild] * 4, "reworded": [(wild, wild)] * 4, "more": 7,
        "page_url": "https://example.org/",
    }  # fmt: skip
    message = rendering.message(pages.TOLD, values)
    assert "<!" not in message.text
    assert len(message.text) <= 4000
    assert "evil.example|" not in str(message.blocks[0])


def test_a_rehearsal_looks_at_this_machine_only(config: Config) -> None:
    def with_page(url: str, enabled: bool = True) -> Config:
        data = config.model_dump()
        data["page"]["url"], data["watch"]["enabled"] = url, enabled
        return configuration.parse(data)

    assert not pages.watching(config, rehearsal=False), "off until somebody says so"
    assert pages.watching(with_page("https://example.org/"), rehearsal=False)
    assert not pages.watching(with_page("https://example.org/"), rehearsal=True)
    assert pages.watching(with_page("http://127.0.0.1:5000/"), rehearsal=True)
    assert not pages.watching(with_page("http://127.0.0.1:5000/", enabled=False), rehearsal=True)


@pytest.mark.parametrize("every", ["PT1M", "soon", "P0D"])
def test_nobody_is_asked_too_often(config: Config, every: str) -> None:
    data = config.model_dump()
    data["watch"]["every"] = every
    with pytest.raises(ConfigError) as refused:
        configuration.parse(data)
    assert [mistake.key for mistake in refused.value.mistakes] == ["watch.every"]


# --- through the whole bot ----------------------------------------------------------------------------


class Site:
    """A page on this machine whose words a test changes."""

    lines = ONE

    async def answer(self, request: web.Request) -> web.Response:
        body = "".join(f"<p>{line}</p>" for line in self.lines)
        return web.Response(text=f"<html><body>{body}</body></html>", content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[tuple[Site, str]]:
    own, application = Site(), web.Application()
    application.router.add_get("/page", own.answer)
    async with TestServer(application) as server:
        yield own, str(server.make_url("/page"))


async def test_from_the_page_to_everybody(site: tuple[Site, str], config: Config, database_url: str) -> None:
    own, url = site
    data = config.model_dump()
    data["page"]["url"], data["watch"]["enabled"] = url, True
    mine, clock = configuration.parse(data), SimulatedClock(HOUSE_START, speed=0)
    database = Database(database_url, mine.workshop.id)
    async with app.rehearsing(mine, database, clock) as (bot, workspace):
        house = House(bot, workspace, clock, mine)
        await house.settle()
        for lines in (ONE, TWO, TWO):
            own.lines = lines
            clock.jump(clock.now() + EVERY)
            await house.settle()
        organiser, organisers = house.person(ORGANISER), mine.channels.organisers
        (card,) = [m for m in organiser.messages(organisers) if "event page has changed" in m["text"]]
        told = mine.channels.participants
        assert not any("event page" in text for text in house.texts(house.person(PARTICIPANT), told))
        await house.person(PARTICIPANT).forge(
            {
                "type": "block_actions",
                "user": {"id": PARTICIPANT},
                "trigger_id": "1.2.3",
                "actions": [{"action_id": "page.tell", "action_ts": "1.1", "value": "1", "block_id": "b"}],
            }
        )
        await house.settle()
        assert not any("event page" in text for text in house.texts(house.person(PARTICIPANT), told))
        await organiser.click("page.tell", channel=organisers, ts=card["ts"])
        await house.settle()
        said = [m for m in house.person(PARTICIPANT).messages(told) if "event page has" in m["text"]]
        assert len(said) == 1
        assert "14:00–14:30 Opening" in str(said[0]["blocks"])
        await house.person(PARTICIPANT).command("/workshop news")
        news = str(house.person(PARTICIPANT).messages()[-1]["blocks"])
        assert "Opening" in news
        assert "last checked" in news
