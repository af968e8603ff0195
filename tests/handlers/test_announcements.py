"""Broadcasts through the whole bot: written, previewed, posted, changed, taken back, repeated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.announcements import broadcasts
from bot.rehearsal.state import Json
from tests.handlers.conftest import MODERATOR, ORGANISER, OTHER, PARTICIPANT, House

ORGANISERS, PARTICIPANTS = "#ict-footprint-organisers", "#ict-footprint-workshop"
OTHER_ORGANISER = "U0ORG0DAKAR"
FORM = {"text": "Bring <!channel> your *questions*: https://example.org/q", "targets": ["participants"]}


async def compose(house: House, values: dict[str, Any], who: str = ORGANISER, text: str = "") -> Json:
    """Open the form and send it; the preview is the topmost view then."""
    organiser = house.person(who)
    await organiser.command(f"/workshop announce {text}".strip(), ORGANISERS)
    return await organiser.submit(values)


async def post(house: House, values: dict[str, Any], who: str = ORGANISER) -> None:
    await compose(house, values, who)
    await house.person(who).submit({})
    await house.settle()


def card(house: House) -> Json:
    """The organisers' latest card."""
    cards = [m for m in house.person(ORGANISER).messages(ORGANISERS) if m["text"].startswith("Announcement ")]
    return cards[-1]


async def press(house: House, action: str, message: Json, who: str = ORGANISER) -> None:
    await house.person(who).click(f"announcements.{action}", channel=ORGANISERS, ts=message["ts"])
    await house.settle()


def read(house: House, who: str = PARTICIPANT, channel: str = PARTICIPANTS) -> list[str]:
    return [text for text in house.texts(house.person(who), channel) if "questions" in text]


async def test_it_is_previewed_as_it_will_look_and_then_posted(house: House) -> None:
    organiser = house.person(ORGANISER)
    await compose(house, FORM, text="with words from the command")
    preview = organiser.views()[-1]
    assert read(house) == []
    await organiser.submit({})
    await house.settle()
    assert organiser.views() == []
    (said,) = [m for m in house.person(PARTICIPANT).messages(PARTICIPANTS) if "questions" in m["text"]]
    seen, shown = (
        [{key: value for key, value in block.items() if key != "block_id"} for block in where["blocks"]]
        for where in (said, preview)
    )
    assert [block for block in shown if block in seen] == seen
    assert "<!channel>" not in said["text"]
    assert "1 sent" in str(card(house)["blocks"])


async def test_the_command_s_words_are_the_form_s_text(house: House) -> None:
    organiser = house.person(ORGANISER)
    await organiser.command(
        "/workshop announce Doors open & more, @channel: https://bot.example/a?b=1&c", ORGANISERS
    )
    view = organiser.views()[-1]
    (text,) = [b["element"] for b in view["blocks"] if b.get("block_id") == "text"]
    assert text["initial_value"] == "Doors open & more, @channel: https://bot.example/a?b=1&c"
    assert "(2)" in str(view["blocks"]), "two organisers: the bot itself is none"


@pytest.mark.parametrize("who", [PARTICIPANT, MODERATOR])
async def test_only_organisers_may(house: House, who: str) -> None:
    person = house.person(who)
    for command in ("/workshop announce hello", "/workshop announcements"):
        answer = await person.command(command)
        assert "Only organisers" in str(answer)
    assert person.views() == []
    await post(house, FORM)
    number = {"type": "button", "value": "1:2", "action_ts": "1.1", "block_id": "b"}
    for action in ("edit", "preview", "discard", "withdraw", "stop", "progress"):
        clicked = {
            "type": "block_actions",
            "user": {"id": who},
            "trigger_id": "1.2.3",
            "actions": [{**number, "action_id": f"announcements.{action}", "action_ts": f"1.{len(action)}"}],
        }
        await person.forge(clicked)
    await house.settle()
    assert len(read(house)) == 1


async def test_at_channel_is_asked_for_once_more(house: House) -> None:
    organiser = house.person(ORGANISER)
    await compose(house, {**FORM, "extras": ["loud"]})
    await organiser.submit({})
    await house.settle()
    assert read(house) == []
    assert "@channel" in str(organiser.views()[-1]["submit"])
    await organiser.submit({})
    await house.settle()
    (said,) = [m for m in house.person(PARTICIPANT).messages(PARTICIPANTS) if "questions" in m["text"]]
    assert {"type": "broadcast", "range": "channel"} in said["blocks"][0]["elements"][0]["elements"]


async def test_every_copy_is_edited_and_taken_back(house: House) -> None:
    await post(house, {**FORM, "targets": ["participants", "moderators"], "extras": ["pin"]})
    moderator = house.person(MODERATOR)
    assert (len(read(house)), len(read(house, MODERATOR, "bot"))) == (1, 1)
    await press(house, "edit", card(house))
    await house.person(ORGANISER).submit({"text": "No questions today."})
    await house.settle()
    assert (read(house), read(house, MODERATOR, "bot")) == (["No questions today."],) * 2
    await press(house, "withdraw", card(house))
    assert (read(house), read(house, MODERATOR, "bot")) == ([], [])
    assert "taken back" in str(card(house)["blocks"])
    assert moderator.views() == []


async def test_a_stale_form_changes_nothing(house: House) -> None:
    await post(house, FORM)
    first, second = house.person(ORGANISER), house.person(OTHER_ORGANISER)
    await press(house, "edit", card(house))
    await press(house, "edit", card(house), OTHER_ORGANISER)
    await first.submit({"text": "First questions."})
    refused = await second.submit({"text": "Second questions."})
    await house.settle()
    said = refused["errors"]["text"]
    assert "changed by organiser-geneva at" in said, "a field's error is plain text: mentions are not drawn"
    assert read(house) == ["First questions."]


async def test_it_goes_out_at_its_moment_and_is_over_at_its_end(house: House) -> None:
    start = house.config.workshop.start
    form = {**FORM, "moment": "10 min before the start", "until": "start+PT5M", "extras": ["pin"]}
    await post(house, form)
    assert read(house) == []
    assert "(10 minutes before the start of the workshop)" in str(card(house)["blocks"])
    house.clock.jump(start - timedelta(minutes=10))
    await house.settle()
    assert len(read(house)) == 1
    pinned = [m for m in house.person(PARTICIPANT).messages(PARTICIPANTS) if m.get("pinned_to")]
    assert any("questions" in m["text"] for m in pinned)
    house.clock.jump(start + timedelta(minutes=6))
    await house.settle()
    assert read(house)[0].startswith("This is over")
    pinned = [m for m in house.person(PARTICIPANT).messages(PARTICIPANTS) if m.get("pinned_to")]
    assert not any("questions" in m["text"] for m in pinned)


async def test_who_joins_later_reads_what_holds(house: House) -> None:
    joiner = house.person(OTHER)
    await joiner.leave(PARTICIPANTS)
    await post(house, FORM)
    for _ in range(2):
        await joiner.join(PARTICIPANTS)
        await house.settle()
        await joiner.leave(PARTICIPANTS)
    assert len(read(house, OTHER, "bot")) == 1
    assert read(house, PARTICIPANT, "bot") == []


async def test_a_draft_is_found_again_previewed_and_discarded(house: House) -> None:
    organiser = house.person(OTHER_ORGANISER)
    await compose(house, FORM)
    await organiser.command("/workshop announcements", ORGANISERS)
    listed = organiser.messages(ORGANISERS)[-1]
    await organiser.click("announcements.preview", channel=ORGANISERS, ts=listed["ts"])
    view = organiser.views()[-1]
    await organiser.click("announcements.edit", view_id=view["id"])
    await organiser.submit({"text": "Other questions."})
    stale = await house.person(ORGANISER).submit({})
    assert "changed by" in str(house.person(ORGANISER).views()) + str(stale)
    await organiser.click("announcements.discard", view_id=organiser.views()[-1]["id"])
    async with house.bot.desk.database.read() as db:
        assert await broadcasts.listed(db) == []
    assert read(house) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"moment": "soon"}, "moment"),
        ({"moment": "2025-11-01 10:00"}, "moment"),
        ({"until": "2025-11-01 10:00"}, "until"),
    ],
)
async def test_a_mistake_stands_at_its_field(house: House, values: dict[str, str], field: str) -> None:
    refused = await compose(house, {**FORM, **values})
    assert list(refused["errors"]) == [field]
