"""From an organiser's edit to everyone knowing, through the whole bot; and back again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from bot.programme import versions
from bot.store.tables import Version
from tests.handlers.conftest import MODERATOR, ORGANISER, PARTICIPANT, House

ORGANISERS = "#ict-footprint-organisers"
PARTICIPANTS = "#ict-footprint-workshop"


async def edit(house: House, segment: str, values: dict[str, Any], who: str = ORGANISER) -> dict[str, Any]:
    """Open the editor, fill in one segment's form, and keep it in the draft."""
    organiser = house.person(who)
    await organiser.command("/workshop programme edit", ORGANISERS)
    view = organiser.views()[-1]
    block = next(b for b in view["blocks"] if b.get("accessory", {}).get("value") == segment)
    await organiser.click("programme.edit_segment", view_id=view["id"], block_id=block["block_id"])
    return await organiser.submit(values)


async def release(house: House, note: str = "", who: str = ORGANISER) -> dict[str, Any]:
    """See the difference and release it."""
    organiser = house.person(who)
    await organiser.submit({})
    seen = await organiser.submit({"note": note})
    await house.settle()
    return seen


async def number(house: House) -> int:
    async with house.bot.desk.database.read() as db:
        return (await versions.current(db)).version


async def test_an_edit_is_reviewed_released_announced_and_shown_everywhere(house: House) -> None:
    await edit(
        house, "discussion", {"starts": "14:50", "speakers": "First <!channel> Speaker\nSecond Speaker"}
    )
    assert await number(house) == 1
    assert not any("14:50" in text for text in house.texts(house.person(PARTICIPANT), PARTICIPANTS))
    await release(house, "Now we know.")
    assert await number(house) == 2
    texts = house.texts(house.person(PARTICIPANT), PARTICIPANTS)
    announced = [text for text in texts if "programme has changed" in text.lower()]
    assert len(announced) == 1
    assert "Now we know." in announced[0]
    assert "14:50" in announced[0]
    assert "<!channel>" not in announced[0]
    pinned = [m for m in house.person(PARTICIPANT).messages(PARTICIPANTS) if m.get("pinned_to")]
    assert "14:50" in str(pinned[0]["blocks"])


async def test_a_release_is_undone_with_one_click(house: House) -> None:
    await edit(house, "discussion", {"starts": "14:50"})
    await release(house)
    receipt = [m for m in house.person(ORGANISER).messages(ORGANISERS) if "Version 2" in m["text"]][-1]
    await house.person(ORGANISER).click("announcements.undo", channel=ORGANISERS, ts=receipt["ts"])
    await house.settle()
    async with house.bot.desk.database.read() as db:
        current, first = await versions.current(db), await versions.get(db, 1)
    assert current.segments == first.segments
    assert any("Taken back" in text for text in house.texts(house.person(PARTICIPANT), PARTICIPANTS))


async def test_the_card_posts_what_it_shows_and_holds(house: House) -> None:
    await edit(house, "discussion", {"starts": "14:50"})
    await house.settle()
    organiser = house.person(ORGANISER)
    card = [m for m in organiser.messages(ORGANISERS) if "draft of the programme" in m["text"]][-1]
    await organiser.click("announcements.hold", channel=ORGANISERS, ts=card["ts"])
    await house.settle()
    card = [m for m in organiser.messages(ORGANISERS) if "on hold" in m["text"]][-1]
    await organiser.click("announcements.post", channel=ORGANISERS, ts=card["ts"])
    await house.settle()
    assert await number(house) == 2


async def test_the_workshops_own_form_changes_its_hours(house: House) -> None:
    organiser = house.person(ORGANISER)
    await organiser.command("/workshop programme edit", ORGANISERS)
    await organiser.click("programme.edit_workshop", view_id=organiser.views()[-1]["id"])
    assert organiser.views()[-1]["title"]["text"] == "The workshop"
    assert (await organiser.submit({"ends": "25:00"}))["errors"]

    assert not (await organiser.submit({"ends": "16:00"}))["errors"]
    await release(house, "Half an hour more.")

    assert await number(house) == 2
    assert any("16:00" in text for text in house.texts(house.person(PARTICIPANT), PARTICIPANTS))


@pytest.mark.parametrize("along", [True, False])
async def test_the_workshop_moves_to_another_day_and_its_segments_with_it(house: House, along: bool) -> None:
    await edit(house, "discussion", {"starts": "14:50", "ends": "15:20"})
    organiser = house.person(ORGANISER)
    await organiser.click("programme.edit_workshop", view_id=organiser.views()[-1]["id"])
    fields = {"starts": "2025-12-03 15:00", "ends": "2025-12-03 16:30"}
    assert not (await organiser.submit({**fields, "along": ["along"] if along else []}))["errors"]
    async with house.bot.desk.database.read() as db:
        draft = await versions.draft(db)
        assert draft is not None
        segment = versions.programme_of(draft).segment("discussion")
        assert segment is not None
    day, hour = (3, 14) if along else (25, 13)
    assert segment.starts is not None
    assert (segment.starts.day, segment.starts.hour, segment.starts.minute) == (day, hour, 50)


async def test_a_postponed_workshop_shows_its_old_hours_nowhere_as_if_they_held(house: House) -> None:
    reader, organiser = house.person(PARTICIPANT), house.person(ORGANISER)
    await edit(house, "discussion", {"starts": "14:50", "ends": "15:20"})
    await release(house)
    await organiser.command("/workshop programme edit", ORGANISERS)
    await organiser.click("programme.edit_workshop", view_id=organiser.views()[-1]["id"])
    await organiser.submit({"status": "postponed"})
    await release(house)
    await reader.open_home()
    await house.settle()
    seen = [str(reader.home()["blocks"])]
    seen += [str(m["blocks"]) for m in reader.messages(PARTICIPANTS) if m.get("pinned_to")]
    for command in ("programme", "now", "calendar"):
        await reader.command(f"/workshop {command}", PARTICIPANTS)
        message = reader.messages(PARTICIPANTS)[-1]
        seen.append(f"{message['text']} {message['blocks']}")
    assert len(seen) == 5
    for shown in seen:
        assert "postponed" in shown
        assert "14:50" not in shown
        assert "calendar.google.com" not in shown


async def test_running_late_says_what_moves(house: House) -> None:
    await edit(house, "discussion", {"starts": "14:50", "ends": "15:20"})
    await release(house)
    house.clock.jump(house.config.workshop.start)
    await house.settle()
    organiser = house.person(ORGANISER)
    await organiser.command("/workshop late 5", ORGANISERS)
    told = str(organiser.messages(ORGANISERS)[-1]["blocks"])
    assert "14:55" in told
    assert "*Undo*" in told
    await house.settle()
    assert any("running late" in text for text in house.texts(house.person(PARTICIPANT), PARTICIPANTS))


async def test_two_organisers_never_overwrite_each_other_unseen(house: House) -> None:
    first, second = house.person(ORGANISER), house.person("U0ORG0DAKAR")
    for organiser in (first, second):
        await organiser.command("/workshop programme edit", ORGANISERS)
        view = organiser.views()[-1]
        block = next(b for b in view["blocks"] if b.get("accessory", {}).get("value") == "discussion")
        await organiser.click("programme.edit_segment", view_id=view["id"], block_id=block["block_id"])
    assert not (await first.submit({"starts": "14:50"}))["errors"]
    seen = await second.submit({"starts": "15:00"})
    assert seen["errors"]
    async with house.bot.desk.database.read() as db:
        draft = await versions.draft(db)
        assert draft is not None
        starts = versions.programme_of(draft).segment("discussion").starts  # type: ignore[union-attr]
    assert starts is not None
    assert (starts.hour, starts.minute) == (13, 50)


async def test_of_two_who_release_the_second_is_shown_what_the_first_did(house: House) -> None:
    first, second = house.person(ORGANISER), house.person("U0ORG0DAKAR")
    await edit(house, "discussion", {"starts": "14:50"})
    await first.submit({})
    await second.command("/workshop programme edit", ORGANISERS)
    await second.submit({})
    await first.submit({"note": ""})
    await second.submit({"note": "mine"})
    shown = second.views()[-1]
    assert "version 2 was released" in str(shown["blocks"])
    assert "14:50 CET" in str(shown["blocks"])
    assert not shown.get("submit")
    assert await number(house) == 2


async def test_who_releases_a_draft_that_was_discarded_is_told_so(house: House) -> None:
    first, second = house.person(ORGANISER), house.person("U0ORG0DAKAR")
    await edit(house, "discussion", {"starts": "14:50"})
    await first.submit({})
    await second.command("/workshop programme edit", ORGANISERS)
    await second.click("programme.discard", view_id=second.views()[-1]["id"])
    await first.submit({"note": ""})
    assert "was discarded" in str(first.views()[-1]["blocks"])
    assert await number(house) == 1


async def test_who_reviewed_a_draft_that_was_edited_since_is_shown_it_as_it_is_now(house: House) -> None:
    first = house.person(ORGANISER)
    await edit(house, "discussion", {"starts": "14:50"})
    await first.submit({})
    await edit(house, "discussion", {"starts": "15:10"}, who="U0ORG0DAKAR")
    await first.submit({"note": ""})
    shown = str(first.views()[-1]["blocks"])
    assert "draft was changed" in shown
    assert "15:10 CET" in shown
    assert await number(house) == 1
    await first.submit({"note": ""})
    assert await number(house) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"starts": "half past two"}, "starts"),
        ({"starts": "25:10"}, "starts"),
        ({"starts": "2026-03-29 02:30"}, "starts"),  # left out when clocks go forward
        ({"starts": "0001-01-01 00:10"}, "starts"),
        ({"starts": "14:50", "ends": "14:40"}, "ends"),
        ({"ends": "14:40"}, "ends"),
        ({"title": "   "}, "title"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"speakers": "\n".join(f"Speaker {i}" for i in range(60))}, "speakers"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_stored(house: House, values: Any, field: str) -> None:
    seen = await edit(house, "discussion", values)
    assert list(seen["errors"]) == [field]
    async with house.bot.desk.database.read() as db:
        assert await versions.draft(db) is None


@pytest.mark.parametrize("who", [PARTICIPANT, MODERATOR])
async def test_only_organisers_edit(house: House, who: str) -> None:
    person = house.person(who)
    await person.command("/workshop programme edit", PARTICIPANTS)
    assert person.views() == []
    assert "Only organisers" in house.texts(person, PARTICIPANTS)[-1]
    action = {
        "type": "button",
        "action_id": "announcements.undo",
        "block_id": "b",
        "action_ts": "1.1",
        "value": "1",
    }
    await person.forge({"type": "block_actions", "actions": [action], "trigger_id": "1.1", "container": {}})
    async with house.bot.desk.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Version)) == 1


async def test_running_late_moves_the_rest_of_the_day(house: House) -> None:
    await edit(house, "discussion", {"starts": "14:50"})
    await release(house)
    await house.person(ORGANISER).command("/workshop late 5", ORGANISERS)
    await house.settle()
    async with house.bot.desk.database.read() as db:
        segment = (await versions.current(db)).segment("discussion")
    assert segment is not None
    assert segment.starts is not None
    assert (segment.starts.hour, segment.starts.minute) == (13, 55)


async def test_programme_and_now_answer_the_asker_alone_before_times_are_known(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop programme", PARTICIPANTS)
    shown = person.messages(PARTICIPANTS)[-1]
    assert shown["ephemeral"]
    assert "not published yet" in str(shown["blocks"])
    await person.command("/workshop now", PARTICIPANTS)
    assert "starts" in house.texts(person, PARTICIPANTS)[-1]


async def test_whoever_asks_what_is_new_reads_what_has_changed(house: House) -> None:
    person = house.person(PARTICIPANT)
    said = await person.say("bot", "anything new?")
    await house.settle()
    (reply,) = person.thread("bot", said["ts"])[1:]
    assert "version 1" in str(reply["blocks"])
    assert "event page" in str(reply["blocks"])
    await edit(house, "discussion", {"starts": "14:50"})
    await release(house, "Now we know.")
    said = await person.say("bot", "has the programme changed?")
    await house.settle()
    (reply,) = person.thread("bot", said["ts"])[1:]
    await person.command("/workshop ask what's new?", "bot")
    for shown in (str(reply["blocks"]), str(person.messages("bot")[-1]["blocks"])):
        assert "has a time now" in shown
        assert "Now we know." in shown
        assert "version 2" in shown


async def test_home_shows_the_day_and_follows_a_release(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.open_home()
    await house.settle()
    home = person.home()
    assert home is not None
    assert "programme.edit'" not in str(home["blocks"])
    await edit(house, "discussion", {"title": "Discussion, renamed"})
    await release(house)
    assert "Discussion, renamed" in str((person.home() or {})["blocks"])


async def test_a_personal_reminder_is_set_and_stopped_by_command(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop remind 15", PARTICIPANTS)
    assert "15 minutes" in house.texts(person, PARTICIPANTS)[-1]
    house.clock.jump(house.config.workshop.start)
    await house.settle()
    await person.command("/workshop remind soon", PARTICIPANTS)
    assert "how many minutes" in house.texts(person, PARTICIPANTS)[-1]
    await person.command("/workshop remind off", PARTICIPANTS)
    assert "no personal reminders" in house.texts(person, PARTICIPANTS)[-1]
