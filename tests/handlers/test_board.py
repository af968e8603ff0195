"""The board in the App Home, the review form, many at once, answers from threads: through the whole bot."""

from __future__ import annotations

import json
from typing import Any

from bot.programme import versions
from bot.questions import submission
from bot.rehearsal.person import Person
from tests.handlers.conftest import MODERATOR, ORGANISER, OTHER, PARTICIPANT, House
from tests.handlers.test_questions import MODERATORS, PARTICIPANTS, pressed, questions, submit

TEXTS = (
    "Should small operators be measured in the same way?",
    "What should regulators measure first?",
    "Would the panel rather begin with networks or with devices?",
)


async def asked(house: House) -> None:
    for n, text in enumerate(TEXTS):
        await submit(house, house.person(PARTICIPANT if n % 2 else OTHER), text)


def drawn(person: Person) -> dict[str, Any]:
    view = person.home()
    assert view is not None
    return view


def on_board(person: Person) -> list[int]:
    """The numbers of the questions on the person's board, in order."""
    ids = [str(block.get("block_id", "")) for block in drawn(person)["blocks"]]
    return [int(id_.split(":")[1]) for id_ in ids if id_.startswith("deeds:")]


def element(view: dict[str, Any], action_id: str, within: str = "") -> dict[str, Any]:
    for block in view["blocks"]:
        if str(block.get("block_id", "")).startswith(within):
            for each in [*block.get("elements", []), block.get("accessory") or {}]:
                if each.get("action_id") == action_id:
                    return {**each, "block_id": block["block_id"]}
    raise AssertionError(f"no {action_id} in the view")


async def press(house: House, person: Person, action_id: str, *, within: str = "", value: Any = None) -> None:
    view = drawn(person)
    found = element(view, action_id, within)
    where = {"view_id": view["id"], "block_id": found["block_id"]}
    await person.click(action_id, **where, **({} if value is None else {"value": value}))
    await house.settle()


async def test_a_moderators_home_is_a_board_that_acts_and_is_kept_current(house: House) -> None:
    await asked(house)
    moderator = house.person(MODERATOR)
    await moderator.open_home()
    await house.settle()
    assert on_board(moderator) == [1, 2, 3]
    await press(house, moderator, "questions.approve", within="deeds:2:")
    assert on_board(moderator) == [1, 3]
    await press(house, moderator, "questions.show", value="approved")
    assert on_board(moderator) == [2]
    await press(house, moderator, "questions.show", value="all")
    await press(house, moderator, "questions.sort", value="newest")
    assert on_board(moderator) == [3, 2, 1]
    await press(house, moderator, "questions.search")
    await moderator.submit({"search": "NETWORKS"})
    await house.settle()
    assert on_board(moderator) == [3]


async def test_a_participants_home_offers_votes_and_their_own(house: House) -> None:
    await asked(house)
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    person = house.person(PARTICIPANT)
    await person.open_home()
    await house.settle()
    assert on_board(person) == []
    await press(house, person, "questions.vote", within="vote:1:")
    assert element(drawn(person), "questions.unvote", "vote:1:")["text"]["text"] == "✓ Voted · 1"
    words = json.dumps(drawn(person))
    assert TEXTS[1] in words  # their own, which waits
    assert TEXTS[2] not in words  # somebody else's that waits


async def test_the_boards_controls_are_for_moderators(house: House) -> None:
    await asked(house)
    person = house.person(PARTICIPANT)
    for action in ("questions.show", "questions.search", "questions.bulk", "questions.board"):
        await person.forge(pressed(person, action, "1", selected_option={"value": "all"}))
    await person.forge(
        {
            "type": "view_submission",
            "user": {"id": person.id},
            "view": {
                "id": "V1",
                "hash": "1.1",
                "type": "modal",
                "callback_id": "questions.bulk_modal",
                "blocks": [],
                "state": {
                    "values": {
                        "which": {"which": {"selected_options": [{"value": "1:1"}]}},
                        "deed": {"deed": {"selected_option": {"value": "approve"}}},
                    }
                },
            },
        }
    )
    await house.settle()
    assert person.views() == []
    assert {q.revision for q in await questions(house)} == {1}


async def test_many_at_once_leaves_those_somebody_was_faster_with(house: House) -> None:
    await asked(house)
    moderator = house.person(MODERATOR)
    await moderator.open_home()
    await house.settle()
    await press(house, moderator, "questions.bulk")
    await moderator.command("/workshop decline 2 answered in the talk", MODERATORS)  # meanwhile
    await moderator.submit({"which": ["1:1", "2:1", "3:1"], "deed": "approve"})
    await house.settle()
    assert [q.state.value for q in await questions(house)] == ["published", "declined", "published"]
    assert "Left as they are" in json.dumps(moderator.views()[-1])


async def test_declining_many_needs_a_reason_on_its_field(house: House) -> None:
    await asked(house)
    moderator = house.person(MODERATOR)
    await moderator.open_home()
    await house.settle()
    await press(house, moderator, "questions.bulk")
    await moderator.submit({"which": ["1:1", "2:1"], "deed": "decline"})
    assert {q.state.value for q in await questions(house)} == {"received"}
    await moderator.submit({"which": ["1:1", "2:1"], "deed": "decline", "reason": "off topic"})
    await house.settle()
    assert [q.state.value for q in await questions(house)] == ["declined", "declined", "received"]


async def review_form(house: House, moderator: Person) -> dict[str, Any]:
    """22 questions wait, so the digest stands for cards: its form, opened."""
    desk = house.bot.desk
    async with desk.database.begin() as db:
        programme = await versions.current(db)
        for n in range(22):
            by = await desk.person(db, f"UCROWD{n}")
            await submission.submit(
                db, by=by, text=f"Question {n}?", programme=programme, config=desk.config, now=desk.now()
            )
    await house.settle()
    digest = next(m for m in moderator.messages(MODERATORS) if "22 questions wait" in m["text"])
    assert digest["text"].endswith("the newest is question 22")
    await moderator.click("questions.board", channel=MODERATORS, ts=digest["ts"])
    return moderator.views()[-1]


async def in_form(house: House, person: Person, action_id: str, number: int, **more: Any) -> None:
    form = person.views()[-1]
    found = element(form, action_id, f"deeds:{number}:")
    await person.click(action_id, view_id=form["id"], block_id=found["block_id"], **more)
    await house.settle()


async def test_the_digest_opens_a_review_form_that_acts_and_shows_what_is_left(house: House) -> None:
    moderator = house.person(MODERATOR)
    form = await review_form(house, moderator)
    assert "*22 questions wait for review*" in json.dumps(form)
    found = element(form, "questions.approve", "deeds:1:")
    await moderator.click("questions.approve", view_id=form["id"], block_id=found["block_id"])
    await house.settle()
    form = moderator.views()[-1]
    assert "*21 questions wait for review*" in json.dumps(form)
    assert "deeds:1:" not in json.dumps(form)
    assert any("21 questions wait" in text for text in house.texts(moderator, MODERATORS))


async def test_a_press_that_is_refused_in_the_review_form_is_explained_in_it(house: House) -> None:
    moderator = house.person(MODERATOR)
    await review_form(house, moderator)
    await house.person(ORGANISER).command("/workshop approve 1")  # meanwhile
    before = len(moderator.messages("bot"))
    await in_form(house, moderator, "questions.approve", 1)
    form = json.dumps(moderator.views()[-1])
    assert "Question 1 is published: already approved by" in form
    assert "deeds:1:" not in form
    assert len(moderator.messages("bot")) == before  # behind a form nobody would see it


async def test_a_deed_is_done_although_its_form_was_closed_before_it_could_be_redrawn(house: House) -> None:
    moderator = house.person(MODERATOR)
    await review_form(house, moderator)
    house.workspace.faults.arm({"method": "views.update", "kind": "internal_error", "count": 1})
    before = house.texts(moderator, "bot")
    await in_form(house, moderator, "questions.approve", 1)
    assert (await questions(house))[0].state.value == "published"
    assert house.texts(moderator, "bot") == before


async def test_declining_in_the_review_form_leads_back_to_it(house: House) -> None:
    moderator = house.person(MODERATOR)
    await review_form(house, moderator)
    await in_form(house, moderator, "questions.decline", 1)
    assert len(moderator.views()) == 2
    await moderator.submit({"reason": "answered in the talk"})
    await house.settle()
    [form] = moderator.views()
    assert "*21 questions wait for review*" in json.dumps(form)
    assert (await questions(house))[0].state.value == "declined"


ALIKE = (
    "Should small operators be measured in the same way?",
    "Should the small operators be measured in the same way, too?",
    "Should small operators be measured the same way?",
    "What should regulators measure first?",
)


async def alike(house: House) -> None:
    """Three that ask the same, of which the first is published, and one that asks something else."""
    desk = house.bot.desk
    async with desk.database.begin() as db:
        programme = await versions.current(db)
        for n, text in enumerate(ALIKE):
            by = await desk.person(db, f"UCROWD{n}")
            await submission.submit(
                db, by=by, text=text, programme=programme, config=desk.config, now=desk.now()
            )
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    await house.settle()


async def test_questions_that_ask_the_same_are_merged_by_one_press(house: House) -> None:
    await alike(house)
    moderator = house.person(MODERATOR)
    await moderator.open_home()
    await house.settle()
    await press(house, moderator, "questions.similar")
    form = moderator.views()[-1]
    button = element(form, "questions.merge_group")
    assert button["text"]["text"] == "Merge 2, 3 into 1"
    await house.person(ORGANISER).command("/workshop decline 3 answered in the talk")  # meanwhile
    await moderator.click("questions.merge_group", view_id=form["id"], block_id=button["block_id"])
    await house.settle()
    assert [q.state.value for q in await questions(house)] == ["published", "merged", "declined", "received"]
    drawn_anew = json.dumps(moderator.views()[-1])
    assert "Merged: 2. Left as they are, because they had changed meanwhile: 3." in drawn_anew
    assert "Nothing that waits asks the same" in drawn_anew


async def test_the_merge_form_and_the_card_name_what_asks_the_same(house: House) -> None:
    await alike(house)
    moderator = house.person(MODERATOR)
    await moderator.command("/workshop questions similar", MODERATORS)
    assert house.texts(moderator, MODERATORS)[-1] == "2, 3 ask much the same as 1"
    card = next(m for m in moderator.messages(MODERATORS) if m["text"].startswith("Question 3 waits"))
    assert "Much like question 1 and 2: " in json.dumps(card["blocks"])
    await moderator.click("questions.more", channel=MODERATORS, ts=card["ts"], value="merge:3:1")
    assert ALIKE[0] in json.dumps(moderator.views()[-1])
    await moderator.submit({})
    await house.settle()
    question = (await questions(house))[2]
    assert question.state.value == "merged"


async def test_merging_a_group_is_for_moderators(house: House) -> None:
    await alike(house)
    person = house.person(PARTICIPANT)
    for action, value in (("questions.merge_group", "1 2:1"), ("questions.similar", "")):
        await person.forge(pressed(person, action, value))
    for value in ("", "1", "1 ", "1 x", "x 2:1", "99 2:1", "2 2:1"):
        await house.person(MODERATOR).forge(pressed(house.person(MODERATOR), "questions.merge_group", value))
    await house.settle()
    assert [q.state.value for q in await questions(house)] == ["published", *["received"] * 3]


async def test_a_reply_in_the_thread_becomes_the_answer(house: House) -> None:
    await asked(house)
    moderator, person = house.person(MODERATOR), house.person(OTHER)
    await moderator.command("/workshop approve 1", MODERATORS)
    await house.settle()
    post = next(m for m in moderator.messages(PARTICIPANTS) if m["text"].startswith("Question 1"))
    said = await moderator.say(PARTICIPANTS, "Yes, <all> of them.", thread_ts=post["ts"])
    shortcut = "questions.answer_from_message"
    await person.message_shortcut(shortcut, PARTICIPANTS, said["ts"])
    assert (await questions(house))[0].state.value == "published"
    await moderator.message_shortcut(shortcut, PARTICIPANTS, post["ts"])
    assert (await questions(house))[0].state.value == "published"
    await moderator.message_shortcut(shortcut, PARTICIPANTS, said["ts"])
    await house.settle()
    question = (await questions(house))[0]
    assert (question.state.value, question.answer) == ("answered", "Yes, <all> of them.")
    assert question.answer_link
    receipt = next(m for m in person.messages("bot") if m["text"].startswith("Your question 1"))
    assert "Yes, <all> of them." in json.dumps(receipt["blocks"])
    assert question.answer_link in json.dumps(receipt["blocks"])


async def test_what_became_of_the_questions_is_told_once_and_kept_current(house: House) -> None:
    await asked(house)
    moderator = house.person(MODERATOR)
    for words in (
        "approve 1",
        "answered 1",
        "decline 2 answered in the talk",
        "approve 3",
        "assign 3 Dr. Lee",
    ):
        await moderator.command(f"/workshop {words}", MODERATORS)
    await moderator.command("/workshop questions summary", MODERATORS)
    await house.settle()
    await moderator.command("/workshop questions defer", MODERATORS)
    await moderator.command("/workshop questions summary", MODERATORS)
    await house.settle()
    told = [m for m in moderator.messages(PARTICIPANTS) if m["text"].startswith("What became of")]
    assert len(told) == 1
    words = json.dumps(told[0]["blocks"])
    for expected in ("3 questions in all", "*Answered:* 1", "3 (Dr. Lee)", "answered in the talk"):
        assert expected in words
    assert TEXTS[1] not in words  # never published
