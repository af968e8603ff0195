"""Inquiries through the whole bot: answered in the thread, once; what is not known reaches organisers."""

from __future__ import annotations

from sqlalchemy import func, select

from bot.store.tables import Delivery, Exchange, Inquiry, LearnedTopic
from tests.handlers.conftest import ORGANISER, OTHER, PARTICIPANT, House, button_of

ORGANISERS = "#ict-footprint-organisers"
PARTICIPANTS = "#ict-footprint-workshop"


async def test_a_direct_message_is_answered_in_its_thread_with_the_asker_s_own_time(house: House) -> None:
    reply = await house.ask(house.person(PARTICIPANT), "when does it start?")
    assert "25 November 2025" in reply
    assert "22:00" in reply  # Tokyo, as Slack says of this person
    assert "letter, paragraph 1" in reply


async def test_a_mention_is_answered_in_the_thread_in_the_channel(house: House) -> None:
    reply = await house.ask(house.person(PARTICIPANT), "@workshop is it free?", PARTICIPANTS)
    assert "free of charge" in reply


async def test_what_is_not_a_mention_in_a_channel_gets_no_reply(house: House) -> None:
    assert await house.ask(house.person(PARTICIPANT), "is it free?", PARTICIPANTS) == ""


async def test_a_redelivered_event_is_answered_once(house: House) -> None:
    person = house.person(PARTICIPANT)
    house.workspace.faults.arm({"envelopes": "duplicate", "count": 1})
    said = await person.say("bot", "is it free?")
    await house.settle()
    assert len(person.thread("bot", said["ts"])) == 2
    async with house.bot.desk.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Exchange)) == 1


async def test_a_command_answers_the_asker_alone_and_never_twice(house: House) -> None:
    person, other = house.person(PARTICIPANT), house.person(OTHER)
    await person.command("/workshop ask is it free?", PARTICIPANTS)
    await house.settle()
    assert "free of charge" in house.texts(person, PARTICIPANTS)[-1]
    assert not any("free of charge" in text for text in house.texts(other, PARTICIPANTS))


async def test_an_unknown_verb_and_an_empty_ask_get_help_only_for_that_person(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop frobnicate", PARTICIPANTS)
    assert "What I can do" in house.texts(person, PARTICIPANTS)[-1]
    await person.command("/workshop ask", PARTICIPANTS)
    assert "after the command" in house.texts(person, PARTICIPANTS)[-1]
    assert not any("What I can do" in text for text in house.texts(house.person(OTHER), PARTICIPANTS))


async def test_the_same_unknown_question_joins_one_inquiry_with_a_count(house: House) -> None:
    for who in (PARTICIPANT, OTHER):
        await house.ask(house.person(who), "Will the session be recorded?")
    cards = [m for m in house.person(ORGANISER).messages(ORGANISERS) if "recorded" in m["text"]]
    assert len(cards) == 1
    assert cards[0]["text"].startswith("2 people ask")


async def test_an_organiser_s_answer_goes_to_all_who_asked_and_is_learned(house: House) -> None:
    asker, other, organiser = (house.person(who) for who in (PARTICIPANT, OTHER, ORGANISER))
    said = await asker.say("bot", "Is there a dial-in number?")
    await house.settle()
    await house.ask(other, "is there a dial-in number")
    card = organiser.messages(ORGANISERS)[-1]
    await organiser.click("answers.answer", channel=ORGANISERS, ts=card["ts"])
    await organiser.submit({"answer": "No <!channel>: join from the *browser*."})
    await house.settle()
    answers = [m for m in asker.thread("bot", said["ts"]) if "join from the" in m["text"]]
    assert len(answers) == 1
    assert "<!channel>" not in answers[0]["text"]
    assert any(
        "join from the" in text
        for text in [m["text"] for m in other.messages("bot")]
        + [reply["text"] for m in other.messages("bot") for reply in other.thread("bot", m["ts"])]
    )
    assert "join from the" in await house.ask(house.person("U0PART0PARIS"), "Is there a dial-in number?")
    async with house.bot.desk.database.read() as db:
        assert (await db.scalars(select(Inquiry.state))).all() == ["answered"]


async def test_a_second_organiser_s_stale_answer_changes_nothing(house: House) -> None:
    await house.ask(house.person(PARTICIPANT), "Is there a dial-in number?")
    first, second = house.person(ORGANISER), house.person("U0ORG0DAKAR")
    card = first.messages(ORGANISERS)[-1]
    for organiser in (first, second):
        await organiser.click("answers.answer", channel=ORGANISERS, ts=card["ts"])
    await first.submit({"answer": "No."})
    seen = await second.submit({"answer": "Yes!"})
    assert "already answered" in str(seen["errors"])
    async with house.bot.desk.database.read() as db:
        assert (await db.scalars(select(LearnedTopic.answer))).all() == ["No."]


async def test_a_participant_s_forged_click_on_an_organiser_s_button_is_refused(house: House) -> None:
    await house.ask(house.person(PARTICIPANT), "Is there a dial-in number?")
    card = house.person(ORGANISER).messages(ORGANISERS)[-1]
    value = button_of(card, "answers.ignore")["value"]
    person = house.person(PARTICIPANT)
    action = {
        "type": "button",
        "action_id": "answers.ignore",
        "block_id": "b",
        "action_ts": "1.1",
        "value": value,
    }
    await person.forge({"type": "block_actions", "actions": [action], "trigger_id": "1.1", "container": {}})
    await house.settle()
    assert "Only organisers" in house.texts(person, "bot")[-1]
    async with house.bot.desk.database.read() as db:
        assert (await db.scalars(select(Inquiry.state))).all() == ["open"]


async def test_a_person_who_floods_gets_one_polite_message_and_then_silence(house: House) -> None:
    person = house.person(PARTICIPANT)
    limit = house.config.limits.inquiries_per_minute
    for number in range(limit + 3):
        await person.say("bot", f"is it free {number}?")
    await house.settle()
    async with house.bot.desk.database.read() as db:
        kinds = (await db.scalars(select(Delivery.kind).order_by(Delivery.id))).all()
    assert kinds.count("answers/reply") == limit
    assert kinds.count("answers/flood") == 1


async def test_the_bot_ignores_other_bots_edits_and_deletions(house: House) -> None:
    person = house.person(PARTICIPANT)
    said = await person.say("bot", "thanks")
    await house.settle()
    await person._deeds.edit(person.account, {"channel": "bot", "ts": said["ts"], "text": "is it free?"})
    await house.settle()
    async with house.bot.desk.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Exchange)) == 1


async def test_organisers_list_reword_and_remove_what_was_learned(house: House) -> None:
    organiser, asker = house.person(ORGANISER), house.person(PARTICIPANT)
    await house.ask(asker, "Is there a dial-in number?")
    await organiser.command("/workshop inquiries", ORGANISERS)
    assert "1 inquiry waits" in house.texts(organiser, ORGANISERS)[-1]
    card = [m for m in organiser.messages(ORGANISERS) if not m["ephemeral"]][-1]
    await organiser.click("answers.answer", channel=ORGANISERS, ts=card["ts"])
    await organiser.submit({"answer": "No."})
    await organiser.command("/workshop learned 1 There is none.", ORGANISERS)
    assert "There is none." in await house.ask(asker, "Is there a dial-in number?")
    await organiser.command("/workshop learned 1 remove", ORGANISERS)
    assert "There is none." not in await house.ask(asker, "Is there a dial-in number?")
    await asker.command("/workshop learned", PARTICIPANTS)
    assert "Only organisers" in house.texts(asker, PARTICIPANTS)[-1]


async def test_pointing_to_a_topic_answers_those_who_asked_and_teaches_the_phrasing(house: House) -> None:
    organiser, asker = house.person(ORGANISER), house.person(PARTICIPANT)
    said = await asker.say("bot", "Is there a dial-in number?")
    await house.settle()
    card = organiser.messages(ORGANISERS)[-1]
    await organiser.click("answers.point", channel=ORGANISERS, ts=card["ts"])
    await organiser.submit({"topic": "registration"})
    await house.settle()
    replies = [reply["text"] for reply in asker.thread("bot", said["ts"])]
    assert any("C-00015986" in text for text in replies)
    assert "C-00015986" in await house.ask(house.person(OTHER), "is there a dial-in number")
