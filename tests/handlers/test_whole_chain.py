"""From an organiser's edit while the day is on to everyone knowing, and back: every place, in one go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import aiohttp
from icalendar import Calendar

from tests.handlers.conftest import ORGANISER, OTHER, PARTICIPANT, House
from tests.handlers.test_programme import ORGANISERS, PARTICIPANTS, edit, release


def at(hour: int, minute: int) -> datetime:
    """A time of the workshop's day in UTC; the workshop's zone is an hour ahead."""
    return datetime(2025, 11, 25, hour - 1, minute, tzinfo=UTC)


async def go(house: House, hour: int, minute: int) -> None:
    house.clock.jump(at(hour, minute))
    await house.settle()


async def feed(house: House) -> Any:
    """The discussion's entry as a calendar client reads it."""
    async with (
        aiohttp.ClientSession(f"http://{house.bot.listen}") as http,
        http.get("/calendar/discussion.ics") as answer,
    ):
        (event,) = Calendar.from_ical(await answer.read()).events
        return event


def one(messages: list[dict[str, Any]], *needles: str) -> dict[str, Any]:
    """The only message that holds all of these words."""
    found = [m for m in messages if all(needle in f"{m['text']} {m.get('blocks')}" for needle in needles)]
    assert len(found) == 1, [m["text"] for m in messages]
    return found[0]


async def test_a_change_while_the_day_is_on_reaches_every_place_and_is_undone_in_each(house: House) -> None:
    reader, early, organiser = (house.person(id) for id in (PARTICIPANT, OTHER, ORGANISER))
    await edit(house, "standards-showcase", {"starts": "14:20"})
    await organiser.close_view(all_=True)
    await edit(house, "discussion", {"starts": "14:50", "ends": "15:25"})
    await release(house, "Now we know.")
    await reader.command("/workshop remind 10", PARTICIPANTS)
    await go(house, 14, 0)
    await early.open_home()
    await house.settle()
    await go(house, 14, 40)
    await reader.open_home()
    await go(house, 14, 45)
    await go(house, 14, 46)
    before = await feed(house)
    assert (before["DTSTART"].dt, before["SEQUENCE"]) == (at(14, 50), 1)
    channel = one(reader.messages(PARTICIPANTS), "Discussion", "in 5 minutes", "14:50 CET")
    own = one(reader.messages("bot"), "Discussion", "in 10 minutes", "14:50 CET")

    # The edit, in its last minutes: the card does not wait for more edits.
    edited_at = house.clock.now()
    await edit(house, "discussion", {"starts": "15:00", "ends": "15:30"})
    await organiser.close_view(all_=True)
    await house.settle()
    assert (house.clock.now() - edited_at).total_seconds() < 10
    card = one(organiser.messages(ORGANISERS), "draft of the programme", "14:50", "15:00")
    await organiser.click("announcements.post", channel=ORGANISERS, ts=card["ts"])
    await house.settle()

    said = one(reader.messages(PARTICIPANTS), "programme has changed", "~", "14:50", "*", "15:00")
    pinned = one([m for m in reader.messages(PARTICIPANTS) if m.get("pinned_to")], "15:00")
    assert "Version 3" in str(pinned["blocks"])
    for person, where, reminder in ((reader, PARTICIPANTS, channel), (reader, "bot", own)):
        (now,) = [m for m in person.messages(where) if m["ts"] == reminder["ts"]]
        assert "Discussion" in now["text"]
        assert "15:00 CET" in now["text"]
    assert "15:00 CET" in str(reader.home())
    assert "15:00 CET" not in str(early.home()), "that Home was opened more than half an hour ago"
    (entry,) = reader.thread(PARTICIPANTS, said["ts"])[1:]
    assert "Discussion" in entry["text"]
    assert "20251125T140000Z" in str(entry["blocks"])
    after = await feed(house)
    assert (after["DTSTART"].dt, after["SEQUENCE"], after["UID"]) == (at(15, 0), 2, before["UID"])
    assert after["DTSTAMP"].dt > before["DTSTAMP"].dt

    # The reminders are for the new time too, and only once each.
    await go(house, 14, 50)
    await go(house, 14, 55)
    await go(house, 14, 56)
    one(reader.messages(PARTICIPANTS), "Discussion", "in 5 minutes", "15:00 CET")
    one(reader.messages("bot"), "Discussion", "in 10 minutes", "15:00 CET")

    # It was a mistake.
    receipt = one(organiser.messages(ORGANISERS), "Version 3", "announcements.undo")
    await organiser.click("announcements.undo", channel=ORGANISERS, ts=receipt["ts"])
    await house.settle()
    (taken_back,) = [m for m in reader.messages(PARTICIPANTS) if m["ts"] == said["ts"]]
    assert "Taken back" in taken_back["text"]
    one([m for m in reader.messages(PARTICIPANTS) if m.get("pinned_to")], "14:50", "Version 4")
    assert "15:00 CET" not in str(reader.home())
    back = await feed(house)
    assert (back["DTSTART"].dt, back["SEQUENCE"]) == (at(14, 50), 3)
    shown = [m["text"] for m in reader.messages(PARTICIPANTS) if "Discussion" in m["text"]]
    assert not [text for text in shown if "starts in 5 minutes, at 15:00" in text], shown
