"""A programme of many segments and of names as long and odd as an import takes them, on every surface."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import announcements
from bot.programme import versions
from bot.programme.model import Segment
from tests.handlers.conftest import MODERATOR, ORGANISER, PARTICIPANT, House
from tests.handlers.test_programme import edit

ORGANISERS = "#ict-footprint-organisers"
PARTICIPANTS = "#ict-footprint-workshop"
ODD = "Comma, <!channel> & “quotes” *bold* `code` \u05e9\u05dc\u05d5\u05dd 👩🏽‍🔬 "
LONG = (ODD * 80)[:3000]


async def have(house: House, count: int, title: str) -> None:
    """Release a programme of that many segments, each five minutes, from the workshop's start on."""
    now = house.clock.now()
    async with house.bot.desk.database.begin() as db:
        current = await versions.current(db)
        segments = tuple(
            Segment(
                id=f"part-{n}",
                title=title,
                starts=current.starts + timedelta(minutes=5 * n),
                ends=current.starts + timedelta(minutes=5 * n + 5),
                speakers=(title, "O’Brien, Máire"),
                description=title * 3,
                takes_questions=n < 2,
            )
            for n in range(count)
        )
        programme = current.model_copy(update={"segments": segments})
        await versions.save(db, programme, by=None, origin="import", revision=None, now=now)
        await announcements.propose(db, now=now)
        draft = await versions.draft(db)
        assert draft is not None
        await announcements.release_and_announce(
            db, house.config, by=None, note=None, draft_revision=draft.revision, now=now
        )
    house.bot.desk.nudge()
    await house.settle()


@pytest.mark.parametrize(("count", "title"), [(3, LONG), (150, "Talk, <b> & 🌱"), (150, LONG)])
async def test_every_surface_shows_what_it_has_room_for(house: House, count: int, title: str) -> None:
    await have(house, count, title)
    house.clock.jump(house.config.workshop.start + timedelta(minutes=7))
    await house.settle()
    for who in (PARTICIPANT, MODERATOR, ORGANISER):
        person = house.person(who)
        await person.open_home()
        await house.settle()
        home = person.home()
        assert home is not None
        assert f"*{title[:5]}" in str(home)
        for command in ("programme", "now", "calendar", "news", "ask what is the programme?"):
            await person.command(f"/workshop {command}", "bot")
        await house.settle()
        replies = house.texts(person, "bot")
        assert not [reply for reply in replies if "did not work" in reply]
        assert [reply for reply in replies if reply.startswith("The workshop is on ")], "the answer to `ask`"
    told = house.texts(house.person(ORGANISER), ORGANISERS)
    assert not [text for text in told if "could not be" in text.lower()]


@pytest.mark.parametrize("title", ["Talk, <b> & 🌱", LONG, "🌱" * 2000])
async def test_a_form_left_as_it_was_changes_nothing(house: House, title: str) -> None:
    """Also where no input holds what is there; another field can be edited all the same."""
    await have(house, 3, title)
    await edit(house, "part-1", {})
    async with house.bot.desk.database.read() as db:
        seen = await versions.preview(db, now=house.clock.now())
    assert seen is not None
    assert [change.kind for change in seen.changes] == []
    house.person(ORGANISER).views()
    organiser = house.person(ORGANISER)
    await organiser.close_view(all_=True)
    await edit(house, "part-1", {"starts": "14:06"})
    async with house.bot.desk.database.read() as db:
        seen = await versions.preview(db, now=house.clock.now())
    assert seen is not None
    assert {change.segment for change in seen.changes} == {"part-1"}
