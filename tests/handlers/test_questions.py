"""Questions through the whole bot: every entry, once each, with the role looked up at the deed."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.questions import messages
from bot.questions.picture import scores
from bot.rehearsal.person import Person
from bot.store.tables import Deed as AuditLine
from bot.store.tables import Question, StageKey, Vote
from tests.handlers.conftest import MODERATOR, ORGANISER, OTHER, PARTICIPANT, House, button_of

PARTICIPANTS = "#ict-footprint-workshop"
MODERATORS = "#ict-footprint-moderators"
HOSTILE = "Is <!channel> *this* <https://e.org|safe> & {{7*7}} =1+1?"


async def submit(house: House, person: Person, text: str, **values: Any) -> dict[str, Any]:
    """Ask by the form; a form that comes back with an offer is sent again."""
    await person.command("/workshop question")
    answer = await person.submit({"text": text, **values})
    await house.settle()
    return answer


async def questions(house: House) -> list[Question]:
    async with house.bot.desk.database.read() as db:
        return list((await db.scalars(select(Question).order_by(Question.number))).all())


def card_of(house: House, number: int) -> dict[str, Any]:
    cards = [
        message
        for message in house.person(MODERATOR).messages(MODERATORS)
        if message["text"].startswith(f"Question {number} ") and message.get("blocks")
    ]
    assert len(cards) == 1
    return cards[0]


async def press(house: House, person: Person, action: str, message: dict[str, Any], **more: Any) -> Any:
    button = button_of(message, action)
    where = {"channel": more.pop("channel", MODERATORS), "ts": message["ts"]}
    if button.get("type") == "button" and "value" in button:
        more.setdefault("value", button["value"])
    answer = await person.click(action, **where, **more)
    await house.settle()
    return answer


async def test_asking_by_the_form_stores_tells_and_shows_a_card(house: House) -> None:
    person = house.person(PARTICIPANT)
    await submit(house, person, "Should small operators be measured in the same way?")
    receipt = person.messages("bot")[-1]["text"]
    assert receipt == "Your question 1 waits for review: Should small operators be measured in the same way?"
    assert (
        card_of(house, 1)["text"]
        == "Question 1 waits for review: Should small operators be measured in the same way?"
    )
    assert person.views() == []


@pytest.mark.parametrize("text", ["", "ab", "x" * 501])
async def test_an_unfitting_text_is_an_error_on_the_field_and_the_form_stays(house: House, text: str) -> None:
    person = house.person(PARTICIPANT)
    await submit(house, person, text)
    assert await questions(house) == []
    assert len(person.views()) == 1


async def test_a_repeated_submission_is_one_question(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop question")
    view = person.views()[-1]
    house.workspace.faults.arm({"envelopes": "duplicate", "count": 1})
    await person.submit({"text": "Should small operators be measured in the same way?"}, view["id"])
    await house.settle()
    assert len(await questions(house)) == 1


async def test_when_slack_opens_no_form_the_way_without_one_is_told(house: House) -> None:
    person = house.person(PARTICIPANT)
    house.workspace.faults.arm({"method": "views.open", "kind": "internal_error", "count": 2})
    for ask in (person.command("/workshop question"), person.shortcut("questions.ask")):
        await ask
        await house.settle()
        assert "Write `/workshop question` and your question after it" in house.texts(person, "bot")[-1]
    assert person.views() == []


async def test_a_moderator_whose_form_slack_does_not_open_is_told_the_command(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    moderator = house.person(MODERATOR)
    house.workspace.faults.arm({"method": "views.open", "kind": "internal_error", "count": 1})
    await press(house, moderator, "questions.decline", card_of(house, 1))
    assert (
        "Write `/workshop decline 1` and why after it: it does the same."
        in house.texts(moderator, MODERATORS)[-1]
    )


async def test_what_is_refused_in_a_form_is_said_on_top_of_it(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way, too?")
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    other = house.person(OTHER)
    await submit(house, other, "Should the small operators be measured in the same way?")
    await house.person(MODERATOR).command("/workshop questions switch vote closed", MODERATORS)
    before = house.texts(other, "bot")
    await other.click("questions.vote", view_id=other.views()[-1]["id"], value="1")
    await house.settle()
    assert len(other.views()) == 2
    assert "closed" in json.dumps(other.views()[-1]["blocks"])
    assert house.texts(other, "bot") == before


async def test_the_command_without_a_name_hides_it_from_moderators_too(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop anonymous What should regulators measure first?")
    await house.settle()
    assert [q.hidden for q in await questions(house)] == ["moderators"]
    await person.command("/workshop anonymous")
    await person.submit({"text": "Should small operators be measured in the same way?"})
    await house.settle()
    assert [q.hidden for q in await questions(house)] == ["moderators", "moderators"]


async def test_the_command_with_words_submits_them(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop question What should regulators measure first?")
    await house.settle()
    assert [q.text for q in await questions(house)] == ["What should regulators measure first?"]
    assert "has number 1" in " ".join(house.texts(person, "bot"))


async def test_the_shortcut_on_a_message_fills_in_its_words(house: House) -> None:
    person = house.person(PARTICIPANT)
    said = await person.say(PARTICIPANTS, "What <b>should</b> we measure & why? https://e.org")
    await person.message_shortcut("questions.from_message", PARTICIPANTS, said["ts"])
    await person.submit({})
    await house.settle()
    assert [q.text for q in await questions(house)] == ["What <b>should</b> we measure & why? https://e.org"]


async def test_a_question_the_bot_can_answer_is_answered_before_it_is_sent(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.shortcut("questions.ask")
    await person.submit({"text": "When does the workshop start?"})
    assert await questions(house) == []
    assert "14:00" in json.dumps(person.views()[-1])
    await person.submit({})
    await house.settle()
    assert [q.text for q in await questions(house)] == ["When does the workshop start?"]


async def test_a_similar_question_is_offered_for_a_vote_instead(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way, too?")
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    other = house.person(OTHER)
    await submit(house, other, "Should the small operators be measured in the same way?")
    assert len(await questions(house)) == 1
    await other.click("questions.vote", view_id=other.views()[-1]["id"], value="1")
    async with house.bot.desk.database.read() as db:
        assert list((await scores(db)).values()) == [1]
    await house.settle()
    assert "*Your vote counts for question 1.*" in json.dumps(other.views()[-1])
    await other.click("questions.unvote", view_id=other.views()[-1]["id"], value="1")
    await house.settle()
    assert "Your vote counts" not in json.dumps(other.views()[-1])
    await other.submit({})
    await house.settle()
    assert len(await questions(house)) == 2


async def test_approving_publishes_and_the_second_click_is_told_who_was_faster(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    seen = card_of(house, 1)
    moderator, organiser = house.person(MODERATOR), house.person(ORGANISER)
    await press(house, moderator, "questions.approve", seen)
    posts = [m for m in moderator.messages(PARTICIPANTS) if m["text"].startswith("Question 1 for the panel")]
    assert len(posts) == 1
    await organiser.forge(pressed(organiser, "questions.approve", "1:1"))  # the card as it was before
    await house.settle()
    assert "already approved by" in " ".join(house.texts(organiser, "bot"))
    assert [q.revision for q in await questions(house)] == [2]


def pressed(person: Person, action: str, value: str, **more: Any) -> dict[str, Any]:
    """A click as Slack would report it, on a button that need not exist."""
    element = {"type": "button", "action_id": action, "value": value, "action_ts": "1764000000.000001"}
    return {
        "type": "block_actions",
        "user": {"id": person.id},
        "container": {"type": "message"},
        "trigger_id": "1.1",
        "actions": [element | more],
    }


@pytest.mark.parametrize("action", ["questions.approve", "questions.decline", "questions.more"])
async def test_a_participants_forged_action_is_refused_logged_and_changes_nothing(
    house: House, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    other = house.person(OTHER)
    more = {"selected_option": {"value": "merge:1:1"}} if action == "questions.more" else {}
    with caplog.at_level(logging.WARNING):
        await other.forge(pressed(other, action, "1:1", **more))
        await house.settle()
    assert [(q.state.value, q.revision) for q in await questions(house)] == [("received", 1)]
    assert "refused block_actions: not_a_moderator" in caplog.text
    assert "Only moderators" in " ".join(house.texts(other, "bot"))


@pytest.mark.parametrize("value", ["", "1", "x:y", "1:1:1", "999999999999:1", "99:1"])
async def test_a_button_of_another_version_is_refused_and_the_bot_goes_on(house: House, value: str) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    moderator = house.person(MODERATOR)
    await moderator.forge(pressed(moderator, "questions.approve", value))
    await house.settle()
    assert [q.state.value for q in await questions(house)] == ["received"]
    await moderator.command("/workshop approve 1", MODERATORS)
    assert [q.state.value for q in await questions(house)] == ["published"]


async def test_a_form_of_another_version_is_refused(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.forge(
        {
            "type": "view_submission",
            "user": {"id": person.id},
            "view": {
                "id": "V1",
                "hash": "h",
                "type": "modal",
                "callback_id": "questions.submit",
                "blocks": [],
            },
        }
    )
    await house.settle()
    assert await questions(house) == []


async def test_declining_asks_why_and_tells_the_asker(house: House) -> None:
    person, moderator = house.person(PARTICIPANT), house.person(MODERATOR)
    await submit(house, person, "Should small operators be measured in the same way?")
    await press(house, moderator, "questions.decline", card_of(house, 1))
    await moderator.submit({"reason": ""})
    assert [q.state.value for q in await questions(house)] == ["received"]
    await moderator.submit({"reason": "It was answered in the talk."})
    await house.settle()
    receipt = next(m for m in person.messages("bot") if m["text"].startswith("Your question 1"))
    assert "was not taken" in receipt["text"]
    assert "Why: It was answered in the talk." in json.dumps(receipt["blocks"])
    thread = [reply["text"] for reply in person.thread("bot", receipt["ts"])[1:]]
    assert thread == ["Your question 1 was not taken. The message above says why."]


DEEDS = [
    ("approve 1", "published"),
    ("hold 1", "held"),
    ("queue 1", "queued"),
    ("next 1", "queued"),
    ("stage #1", "queued"),
    ("answered 1 Yes, they are.", "answered"),
    ("reopen 1", "queued"),
    ("unqueue 1", "published"),
    ("defer 1", "deferred"),
    ("undo 1", "published"),
    ("merge 1 2", "merged"),
    ("undo 1", "published"),
    ("edit 1 Should small operators be measured likewise?", "published"),
    ("assign 1 Dr. Lee", "published"),
    ("label 1 standards, climate", "published"),
    ("note 1 for later", "published"),
    ("clarify 1 Which operators?", "published"),
    ("claim 1", "published"),
    ("unclaim 1", "published"),
    ("mute 1", "published"),
    ("unmute 1", "published"),
    ("decline 1: answered in the talk", "declined"),
]


async def test_every_deed_works_by_command(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    await submit(house, house.person(OTHER), "What should regulators measure first?")
    moderator, participant = house.person(MODERATOR), house.person(PARTICIPANT)
    for words, state in DEEDS:
        before = [(q.state.value, q.revision) for q in await questions(house)]
        await participant.command(f"/workshop {words}")
        assert [(q.state.value, q.revision) for q in await questions(house)] == before, words
        await moderator.command(f"/workshop {words}", MODERATORS)
        await house.settle()
        assert (await questions(house))[0].state.value == state, words
    question = (await questions(house))[0]
    assert (question.text, question.edited) == ("Should small operators be measured likewise?", True)
    assert (question.assigned_to, question.labels) == ("Dr. Lee", ["climate", "standards"])
    card_of(house, 1)  # one card still, kept current


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("claim 1", "Colleagues see that you are handling it until "),
        ("assign 1 Dr. Lee", "It is for Dr. Lee."),
        ("label 1 climate", "Its labels: climate."),
        ("note 1 for later", "Your note stands under its card"),
        ("mute 1", "Who asked it can submit nothing more."),
        ("merge 1", "Say which question stands for question 1"),
    ],
)
async def test_a_command_says_what_it_did(house: House, words: str, said: str) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    moderator = house.person(MODERATOR)
    await moderator.command(f"/workshop {words}", MODERATORS)
    assert said in house.texts(moderator, MODERATORS)[-1]


async def test_votes_by_button_command_and_reaction_set_one_row(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    await house.settle()
    other = house.person(OTHER)
    post = next(m for m in other.messages(PARTICIPANTS) if m["text"].startswith("Question 1"))

    async def score() -> int:
        async with house.bot.desk.database.read() as db:
            assert len((await db.scalars(select(Vote))).all()) <= 1
            return sum((await scores(db)).values())

    await press(house, other, "questions.vote", post, channel=PARTICIPANTS)
    await press(house, other, "questions.vote", post, channel=PARTICIPANTS)
    assert await score() == 1
    house.clock.jump(house.clock.now().replace(minute=30))
    await other.react(PARTICIPANTS, post["ts"], "+1")
    await house.settle()
    assert await score() == 1
    house.clock.jump(house.clock.now().replace(minute=31))
    await other.unreact(PARTICIPANTS, post["ts"], "+1")
    await house.settle()
    assert await score() == 0
    await other.command("/workshop vote 1")
    assert await score() == 1
    asker = house.person(PARTICIPANT)
    await press(house, asker, "questions.vote", post, channel=PARTICIPANTS)
    await asker.react(PARTICIPANTS, post["ts"], "+1")
    await asker.command("/workshop vote 1")
    await house.settle()
    assert await score() == 1


async def test_a_vote_on_a_post_that_is_not_known_yet_to_have_arrived_counts_later(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    posted = {"method": "chat.postMessage", "kind": "lost_response", "channel": "C0PARTICIPANTS", "count": 1}
    house.workspace.faults.arm(posted)
    house.workspace.faults.arm({"method": "conversations.history", "kind": "internal_error", "count": 2})
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    other = house.person(OTHER)
    settling = asyncio.create_task(house.settle())

    def posts() -> list[Any]:
        return [m for m in other.messages(PARTICIPANTS) if m["text"].startswith("Question 1")]

    assert await house.workspace.wait_for(posts)
    await other.react(PARTICIPANTS, posts()[0]["ts"], "+1")
    await settling
    house.clock.jump(house.clock.now() + timedelta(minutes=6))  # by then Slack has delivered it again
    await house.settle()
    async with house.bot.desk.database.read() as db:
        assert sum((await scores(db)).values()) == 1


async def test_a_vote_on_a_post_that_becomes_known_between_two_looks_counts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on PostgreSQL, where the sender may record the post after the first look and before the second."""
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    await house.settle()
    other, looks, look = house.person(OTHER), [], messages.posted_as
    post = next(m for m in other.messages(PARTICIPANTS) if m["text"].startswith("Question 1"))

    async def posted_as(db: AsyncSession, channel: str, ts: str) -> int | None:
        looks.append(ts)
        return await look(db, channel, ts) if len(looks) > 1 else None

    monkeypatch.setattr(messages, "posted_as", posted_as)
    await other.react(PARTICIPANTS, post["ts"], "+1")
    await house.settle()
    async with house.bot.desk.database.read() as db:
        assert sum((await scores(db)).values()) == 1


async def test_a_crowd_whose_votes_are_refused_is_acknowledged_at_once_and_told_alone(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), "Should small operators be measured in the same way?")
    await house.person(MODERATOR).command("/workshop approve 1", MODERATORS)
    await house.settle()
    other = house.person(OTHER)
    post = next(m for m in other.messages(PARTICIPANTS) if m["text"].startswith("Question 1"))
    await house.person(MODERATOR).command("/workshop questions switch vote closed", MODERATORS)
    house.workspace.faults.arm({"method": "chat.postEphemeral", "kind": "ratelimited", "count": 100})
    for _ in range(3):
        answer = await press(house, other, "questions.vote", post, channel=PARTICIPANTS)
        assert answer["acknowledged"]
    told = [text for text in house.texts(other, PARTICIPANTS) if text.startswith("Voting on question 1")]
    assert len(told) == 3
    assert not [text for text in house.texts(house.person(PARTICIPANT), PARTICIPANTS) if text in told]


async def test_the_asker_withdraws_and_nobody_else_can(house: House) -> None:
    person = house.person(PARTICIPANT)
    await submit(house, person, "Should small operators be measured in the same way?")
    await house.person(OTHER).command("/workshop withdraw 1")
    assert (await questions(house))[0].state.value == "received"
    receipt = next(m for m in person.messages("bot") if m["text"].startswith("Your question 1"))
    await press(house, person, "questions.withdraw", receipt, channel="bot")
    assert (await questions(house))[0].state.value == "withdrawn"


async def test_a_clarification_goes_both_ways_without_names(house: House) -> None:
    person, moderator = house.person(PARTICIPANT), house.person(MODERATOR)
    await submit(house, person, "Should small operators be measured in the same way?", hidden="moderators")
    await moderator.command("/workshop clarify 1 Which operators do you mean?", MODERATORS)
    await house.settle()
    receipt = next(m for m in person.messages("bot") if m["text"].startswith("Your question 1"))
    asked = person.thread("bot", receipt["ts"])[-1]
    assert "Which operators do you mean?" in json.dumps(asked)
    assert moderator.id not in json.dumps([asked["text"], asked["blocks"]])
    await press(house, person, "questions.reply", asked, channel="bot")
    await person.submit({"reply": "Those below 10,000 lines."})
    await house.settle()
    under = moderator.thread(MODERATORS, card_of(house, 1)["ts"])
    assert "Those below 10,000 lines." in json.dumps(under[-1])
    assert person.id not in json.dumps([m["blocks"] for m in under])


async def test_the_queue_and_ones_own_questions_by_command(house: House) -> None:
    person, moderator = house.person(PARTICIPANT), house.person(MODERATOR)
    await submit(house, person, "Should small operators be measured in the same way?")
    await person.command("/workshop questions")
    assert "Your questions: 1" in house.texts(person, "bot")
    await moderator.command("/workshop questions", MODERATORS)
    assert "1 question (waiting)" in house.texts(moderator, MODERATORS)[-1]
    await moderator.command("/workshop questions approved", MODERATORS)
    assert "0 questions (approved)" in house.texts(moderator, MODERATORS)[-1]
    await moderator.command("/workshop questions nonsense", MODERATORS)
    assert "There is no such list" in house.texts(moderator, MODERATORS)[-1]


async def test_switches_close_submitting_for_everybody_but_not_triage(house: House) -> None:
    person, moderator = house.person(PARTICIPANT), house.person(MODERATOR)
    await submit(house, person, "Should small operators be measured in the same way?")
    await moderator.command("/workshop questions switch submit closed", MODERATORS)
    await person.command("/workshop question Another one?")
    assert len(await questions(house)) == 1
    await moderator.command("/workshop approve 1", MODERATORS)
    assert (await questions(house))[0].state.value == "published"


@pytest.mark.parametrize("hidden", ["participants", "moderators"])
async def test_a_hidden_askers_name_reaches_no_channel_audit_or_log(
    house: House, hidden: str, caplog: pytest.LogCaptureFixture
) -> None:
    person, moderator = house.person(PARTICIPANT), house.person(MODERATOR)
    name = house.workspace.state.members[PARTICIPANT].real_name
    with caplog.at_level(logging.DEBUG, logger="bot"), caplog.at_level(logging.DEBUG, logger="handlers"):
        await submit(house, person, "Should small operators be measured in the same way?", hidden=hidden)
        for words in ("claim 1", "approve 1", "next 1", "stage 1", "answered 1 Like this.", "questions all"):
            await moderator.command(f"/workshop {words}", MODERATORS)
            await house.settle()
    places = [moderator.messages(PARTICIPANTS)]
    if hidden == "moderators":
        places.append(moderator.messages(MODERATORS))
    for shown in places:
        written = json.dumps([[m["text"], m.get("blocks")] for m in shown if m.get("bot_id")])
        assert "Question 1" in written
        assert person.id not in written
        assert name not in written
    assert person.id not in caplog.text
    assert name not in caplog.text
    async with house.bot.desk.database.read() as db:
        lines = (await db.scalars(select(AuditLine))).all()
    assert not any(person.id in json.dumps([line.old, line.new, line.reason]) for line in lines)


async def test_words_are_never_markup(house: House) -> None:
    await submit(house, house.person(PARTICIPANT), HOSTILE)
    moderator = house.person(MODERATOR)
    await moderator.command("/workshop approve 1", MODERATORS)
    await moderator.command("/workshop questions approved", MODERATORS)
    await house.settle()
    for channel in (PARTICIPANTS, MODERATORS):
        for message in moderator.messages(channel):
            if message.get("bot_id"):
                assert "<!channel>" not in message["text"]
                assert "49" not in message["text"].replace("&amp;", "")


async def test_a_stage_link_is_made_and_revoked_by_command(house: House) -> None:
    moderator = house.person(MODERATOR)
    await house.person(PARTICIPANT).command("/workshop stage link")
    await moderator.command("/workshop stage link", MODERATORS)
    assert "/stage?segment=discussion#key=" in house.texts(moderator, MODERATORS)[-1]
    await moderator.command("/workshop stage revoke", MODERATORS)
    async with house.bot.desk.database.read() as db:
        keys = (await db.scalars(select(StageKey))).all()
    assert [key.revoked_at is not None for key in keys] == [True]
