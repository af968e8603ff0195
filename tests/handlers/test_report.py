"""The report: what a day left in the database, told without naming anybody unless asked."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from bot import report
from bot.commands import reporting
from bot.store.tables import Delivery, DeliveryState, Person
from handlers import questions
from tests.handlers.conftest import MODERATOR, OTHER, PARTICIPANT, House


@pytest.fixture
async def after(house: House) -> House:
    """A house in which people asked, voted, were told of a change and reminded."""
    person, other = house.person(PARTICIPANT), house.person(OTHER)
    for who in (person, other):
        await house.ask(who, "Will it be recorded?")
    await house.ask(person, "when does it start?")
    await person.command("/workshop question Why <b>now</b>?")
    await other.command("/workshop question How is scope 3 counted?")
    await house.settle()
    for number in (1, 2):
        await house.person(MODERATOR).command(f"/workshop approve {number}")
    await other.command("/workshop vote 1")
    await house.settle()
    return house


async def gathered(house: House, *, names: bool = False) -> dict[str, Any]:
    desk = house.bot.desk
    async with desk.database.read() as db:
        return await report.gather(db, desk.answers.topics(), now=house.clock.now(), names=names)


async def test_it_tells_what_was_asked_and_what_was_missing(after: House) -> None:
    found = await gathered(after)
    assert found["inquiries"]["outcomes"] == {
        "answered": 1, "unknown": 2, "small_talk": 0, "panel_question": 0,
    }  # fmt: skip
    assert [(each["label"], each["times"]) for each in found["inquiries"]["missing_topics"]] == [
        ("Recording", 2)
    ]
    assert "Date and time" in {each["label"] for each in found["inquiries"]["answered_topics"]}
    (asked,) = found["inquiries"]["unanswered"]
    assert (asked["state"], asked["people"]) == ("open", 2)
    assert found["questions"]["by_state"]["published"] == 2
    assert [each["votes"] for each in found["questions"]["list"]] == [1, 0]
    assert len(found["questions"]["voted_at"]) == 1
    assert found["reached"]["asked_the_bot"] == 2
    assert found["reached"]["asked_the_panel"] == 2
    assert found["reached"]["voted"] == 1


async def test_nobody_is_named_unless_asked_for(after: House) -> None:
    names = ("U0PART", "Tanaka", "Yuki")
    text = json.dumps(await gathered(after), default=str)
    assert [name for name in names if name in text] == []
    named = await gathered(after, names=True)
    assert PARTICIPANT in {each["slack_id"] for each in named["reached"]["list"]}
    assert [each["asker"] is not None for each in named["questions"]["list"]] == [True, True]


async def test_hidden_askers_are_not_named_either(after: House) -> None:
    person = after.person(PARTICIPANT)
    await person.shortcut(questions.SHORTCUT)
    await person.submit({"text": "Is anybody measuring the hidden part?", "hidden": "moderators"})
    if person.views():  # shown again, with what may already answer it
        await person.submit({"text": "Is anybody measuring the hidden part?", "hidden": "moderators"})
    await after.settle()
    found = await gathered(after, names=True)
    assert found["questions"]["list"][2]["asker"] is None
    (line,) = [each for each in found["reached"]["list"] if each["slack_id"] == PARTICIPANT]
    assert line["questions_by_name"] == 1


async def test_reminders_and_changes_are_told_with_their_lateness(after: House) -> None:
    desk, now = after.bot.desk, after.clock.now()
    async with desk.database.begin() as db:
        for number, (late, state) in enumerate(
            (
                (0, DeliveryState.SENT),
                (30, DeliveryState.SENT),
                (600, DeliveryState.SENT),
                (None, DeliveryState.DROPPED),
            )
        ):
            db.add(
                Delivery(
                    key=f"reminder:test:{number}",
                    kind="reminders/personal",
                    lane=f"person:{number + 1}",
                    content={"rule": "@personal", "segment": "discussion"},
                    not_before=now,
                    created_at=now,
                    state=state,
                    sent_at=None if late is None else now + timedelta(seconds=late),
                )
            )
    (told,) = [each for each in (await gathered(after))["reminders"] if each["rule"] == "@personal"]
    assert (told["messages"], told["sent"], told["dropped"]) == (4, 3, 1)
    assert (told["late_median"], told["late_most"]) == (30.0, 600.0)
    assert told["channel"] is None
    assert told["segment"] == "Discussion: Green Digital Action (GDA) and the key highlights of COP30"


async def test_one_of_something_is_not_told_as_several(after: House) -> None:
    rendering = after.bot.desk.rendering
    page = rendering.page("report", reporting._values(await gathered(after), rendering))
    assert "1</span> vote for questions" in page
    assert "2</span> questions for the panel" in page


async def test_the_page_needs_nothing_else_and_shows_words_as_words(after: House) -> None:
    rendering = after.bot.desk.rendering
    found = await gathered(after)
    page = rendering.page("report", reporting._values(found, rendering))
    assert "Why &lt;b&gt;now&lt;/b&gt;?" in page
    assert "<b>now" not in page
    assert not re.search(r"<(script|link|img|iframe)\b|url\(|@import", page)
    drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawn) == 3
    for one in drawn:
        assert ElementTree.fromstring(one).get("role") == "img"  # noqa: S314 - our own
    assert "Recording" in page


async def test_a_day_on_which_nothing_happened_has_a_report_too(house: House) -> None:
    found = await gathered(house)
    page = house.bot.desk.rendering.page("report", reporting._values(found, house.bot.desk.rendering))
    assert "None were asked." in page
    assert "<svg" not in page


async def test_who_was_forgotten_is_a_number(after: House) -> None:
    async with after.bot.desk.database.begin() as db:
        db.add(Person(slack_id=None, met_at=after.clock.now(), stars=[], is_bot=False, muted=False))
    found = await gathered(after, names=True)
    assert found["reached"]["forgotten"] == 1
    assert all(each["slack_id"] for each in found["reached"]["list"])
