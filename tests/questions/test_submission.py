"""Putting a question to the panel: what is stored, what is refused, and what it causes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import config as configuration
from bot.config import Config
from bot.delivery import claims, outbox, outcomes
from bot.delivery.outcomes import Sent
from bot.errors import Invalid, NotAllowed, Refusal
from bot.programme.model import Programme, Status
from bot.questions import COMPOSERS, messages, submission, windows
from bot.questions.deeds import Deed
from bot.questions.words import clean
from bot.store.engine import Database
from bot.store.tables import Deed as AuditLine
from bot.store.tables import Question, QuestionState
from tests.questions import deeds_of
from tests.questions.conftest import ON, Ask


async def submit(
    workshop: Database, config: Config, programme: Programme, text: str, *, by: str = "UANA", now=ON, **more
) -> submission.Submitted:
    async with workshop.begin() as db:
        author = await deeds_of.person(db, by, now=now)
        return await submission.submit(
            db, by=author, text=text, programme=programme, config=config, now=now, **more
        )


async def count(workshop: Database) -> int:
    async with workshop.read() as db:
        return len((await db.scalars(select(Question.id))).all())


async def test_a_question_is_stored_and_causes_a_receipt_and_a_card(workshop: Database, ask: Ask) -> None:
    question = await ask("  What does L.1450 count?\r\n ", hidden="participants", cannot_attend=True)
    assert (question.number, question.text, question.state) == (
        1,
        "What does L.1450 count?",
        QuestionState.RECEIVED,
    )
    assert (question.segment_id, question.hidden, question.cannot_attend) == (
        "discussion",
        "participants",
        True,
    )
    rows = await deeds_of.deliveries(workshop, "question:")
    assert {key: (row.kind, row.lane) for key, row in rows.items()} == {
        "question:1:asker": ("questions/receipt", f"person:{question.author_id}"),
        "question:1:card": ("questions/card", "channel:moderators"),
    }


async def test_numbers_have_no_gap_after_a_refusal(workshop: Database, ask: Ask) -> None:
    await ask("First question?")
    with pytest.raises(Invalid):
        await ask("ab")
    assert (await ask("Second question?", by="UBEN")).number == 2


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("  \n ", 0),
        ("ab", 2),
        ("\u200b\u200b\u200b\u200b", 0),  # nothing visible
        ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 2),  # two as people count, fourteen code points
        ("x" * 501, 501),
        ("🇨🇭" * 501, 501),
    ],
)
async def test_a_text_of_the_wrong_length_is_refused_on_its_field(
    workshop: Database, ask: Ask, text: str, length: int
) -> None:
    with pytest.raises(Invalid) as refused:
        await ask(text)
    assert (refused.value.code, refused.value.field) == ("text_length", "text")
    assert refused.value.values == {"length": length, "shortest": 3, "longest": 500}
    assert await count(workshop) == 0


@pytest.mark.parametrize("text", ["abc", "x" * 500, "🇨🇭" * 500, "Was zählt?\n\nUnd wie?"])
async def test_a_text_at_the_limits_is_stored_as_it_is(ask: Ask, text: str) -> None:
    assert (await ask(text)).text == text


async def test_one_letter_under_ten_thousand_accents_is_over_long(ask: Ask) -> None:
    with pytest.raises(Invalid):
        await ask("abc" + "\u0301" * 10_000)


def test_cleaning_keeps_words_and_drops_what_could_bend_them() -> None:
    assert clean("a\x00b\ud800c") == "abc"
    assert clean("safe \u202egnp.exe") == "safe gnp.exe"
    assert clean("one\u2028two\r\nthree\n\n\n\nfour") == "one\ntwo\nthree\n\nfour"
    assert clean("e\u0301") == "é"
    assert clean("👩‍💻 مرحبا") == "👩‍💻 مرحبا"


async def test_the_same_words_within_a_minute_are_one_submission(
    workshop: Database, config: Config, programme: Programme
) -> None:
    first = await submit(workshop, config, programme, "Is it free?")
    again = await submit(workshop, config, programme, "Is it free? ", now=ON + timedelta(seconds=59))
    assert (again.again, again.question.number) == (True, first.question.number)
    later = await submit(workshop, config, programme, "Is it free?", now=ON + timedelta(seconds=60))
    other = await submit(workshop, config, programme, "Is it free?", by="UBEN")
    assert (later.again, other.again, await count(workshop)) == (False, False, 3)


async def test_a_double_tap_at_the_same_instant_is_one_submission(
    workshop: Database, config: Config, programme: Programme
) -> None:
    taps = await asyncio.gather(*(submit(workshop, config, programme, "Is it free?") for _ in range(5)))
    assert sorted(tap.again for tap in taps) == [False, True, True, True, True]
    assert {tap.question.number for tap in taps} == {1}


async def test_many_at_once_get_different_numbers(
    workshop: Database, config: Config, programme: Programme
) -> None:
    submitted = await asyncio.gather(
        *(submit(workshop, config, programme, f"Question of {n}?", by=f"U{n}") for n in range(20))
    )
    assert sorted(each.question.number for each in submitted) == list(range(1, 21))


async def test_undecided_questions_are_limited_and_decided_ones_are_not_counted(
    workshop: Database, config: Config, programme: Programme, do: deeds_of.Do
) -> None:
    at = ON
    for n in range(config.questions.open_per_person):
        at += timedelta(minutes=2)
        await submit(workshop, config, programme, f"Question {n}?", now=at)
    at += timedelta(minutes=2)
    with pytest.raises(Refusal) as refused:
        await submit(workshop, config, programme, "One more?", now=at)
    assert (refused.value.code, refused.value.values) == ("too_many_questions", {"undecided": 5})
    await do(Deed.APPROVE, 1)
    assert (await submit(workshop, config, programme, "One more?", now=at)).question.number == 6


async def test_a_burst_is_limited(workshop: Database, config: Config, programme: Programme) -> None:
    for n in range(config.questions.per_minute):
        await submit(workshop, config, programme, f"Question {n}?")
    with pytest.raises(Refusal) as refused:
        await submit(workshop, config, programme, "One more?")
    assert refused.value.code == "too_fast"
    assert (
        await submit(workshop, config, programme, "One more?", now=ON + timedelta(minutes=1))
    ).again is False


async def test_a_muted_person_is_told_so(workshop: Database, config: Config, programme: Programme) -> None:
    async with workshop.begin() as db:
        (await deeds_of.person(db, "UEVE", now=ON)).muted = True
    with pytest.raises(NotAllowed) as refused:
        await submit(workshop, config, programme, "Hello there?", by="UEVE")
    assert refused.value.code == "muted"
    assert await count(workshop) == 0


def several(programme: Programme, **times: object) -> Programme:
    """The programme with a second segment that takes questions."""
    segments = tuple(
        segment.model_copy(update={"takes_questions": True, **times})
        if segment.id == "standards-showcase"
        else segment
        for segment in programme.segments
    )
    return programme.model_copy(update={"segments": segments})


async def test_of_several_segments_one_must_be_chosen_unless_one_is_on(
    workshop: Database, config: Config, programme: Programme
) -> None:
    two = several(programme)
    with pytest.raises(Invalid) as refused:
        await submit(workshop, config, two, "Which one?")
    assert (refused.value.code, refused.value.field) == ("which_panel", "segment")
    chosen = await submit(workshop, config, two, "Which one?", segment_id="standards-showcase")
    assert chosen.question.segment_id == "standards-showcase"
    on = several(programme, starts=ON - timedelta(minutes=5), ends=ON + timedelta(minutes=5))
    assert (await submit(workshop, config, on, "And now?")).question.segment_id == "standards-showcase"


@pytest.mark.parametrize(
    ("choice", "code"),
    [({"segment_id": "whitepaper-launch"}, "no_such_panel"), ({"hidden": "everybody"}, "no_such_choice")],
)
async def test_a_forged_choice_is_refused(
    workshop: Database, config: Config, programme: Programme, choice: dict[str, str], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await submit(workshop, config, programme, "Is it free?", **choice)
    assert refused.value.code == code


async def test_a_cancelled_workshop_takes_no_questions(
    workshop: Database, config: Config, programme: Programme
) -> None:
    cancelled = programme.model_copy(update={"status": Status.CANCELLED})
    with pytest.raises(Refusal, match="no_panel"):
        await submit(workshop, config, cancelled, "Is it free?")


async def test_closed_submitting_is_refused_and_reopens(
    workshop: Database, config: Config, programme: Programme
) -> None:
    async def set_to(setting: str) -> None:
        async with workshop.begin() as db:
            by = await deeds_of.person(db, "UMOD", now=ON)
            await windows.switch(
                db,
                "submit",
                setting,
                segments=programme.taking_questions(),
                by=by,
                moderates=True,
                now=ON,
            )

    await set_to("closed")
    with pytest.raises(Refusal, match="submitting_closed"):
        await submit(workshop, config, programme, "Is it free?")
    assert await count(workshop) == 0
    await set_to("auto")
    assert (await submit(workshop, config, programme, "Is it free?")).question.number == 1


async def test_after_the_workshop_questions_still_come_for_written_answers(
    workshop: Database, config: Config, programme: Programme
) -> None:
    after = programme.ends + timedelta(days=1)
    assert (await submit(workshop, config, programme, "And later?", now=after)).question.number == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("See https://example.org for more?", "it holds a link"),
        ("Write me at ana@example.org?", "it seems to hold an e-mail address or a phone number"),
        ("Call +41 22 730 51 11 ok?", "it seems to hold an e-mail address or a phone number"),
        ("Why is this soooooooooooooo?", "it repeats one character many times"),
        ("WHY DOES NOBODY ANSWER THIS QUESTION", "it is written in capitals"),
        ("😀😀😀", "it holds no words"),
        ("Is Spam covered?", "it holds the word “spam”"),
    ],
)
async def test_filters_hold_and_say_why(
    workshop: Database, config: Config, programme: Programme, text: str, reason: str
) -> None:
    data = config.model_dump()
    data["questions"] |= {"hold_words": ["spam"], "publish": "at-once"}
    question = (await submit(workshop, configuration.parse(data), programme, text)).question
    assert (question.state, question.reason, question.text) == (QuestionState.HELD, reason, text)
    assert set(await deeds_of.deliveries(workshop)) == {"question:1:asker", "question:1:card"}


@pytest.mark.parametrize(
    "text",
    ["Does L.1472 cover 2020-2030?", "Spammers?", "Is CO2 counted at 1.5 °C, 2 °C or 3 °C?", "Why? Who?"],
)
async def test_filters_leave_ordinary_questions_alone(
    workshop: Database, config: Config, programme: Programme, text: str
) -> None:
    data = config.model_dump()
    data["questions"] |= {"hold_words": ["spam"]}
    assert (
        await submit(workshop, configuration.parse(data), programme, text)
    ).question.state is QuestionState.RECEIVED


async def test_published_at_once_when_configured_so(
    workshop: Database, config: Config, programme: Programme
) -> None:
    data = config.model_dump()
    data["questions"] |= {"publish": "at-once"}
    question = (await submit(workshop, configuration.parse(data), programme, "Is it free?")).question
    assert question.state is QuestionState.PUBLISHED
    posts = await deeds_of.deliveries(workshop, "question:1:post")
    assert [row.lane for row in posts.values()] == ["channel:participants"]


async def test_the_audit_knows_of_the_submission_without_its_words(workshop: Database, ask: Ask) -> None:
    question = await ask("Is it free?")
    async with workshop.read() as db:
        line = (await db.scalars(select(AuditLine).where(AuditLine.subject == "question:1"))).one()
    assert (line.deed, line.actor_id, line.new) == (
        "question.submit",
        question.author_id,
        {"standing": "received", "revision": 1},
    )


async def test_past_twenty_waiting_cards_a_digest_counts_instead(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for n in range(22):
        await ask(f"Question {n}?", by=f"U{n}")
    cards = [key for key in await deeds_of.deliveries(workshop) if key.endswith(":card")]
    digests = await deeds_of.deliveries(workshop, "questions:digest:")
    assert (len(cards), list(digests)) == (20, ["questions:digest:21"])
    shown = digests["questions:digest:21"].revision
    for number in (1, 2, 3):
        await do(Deed.APPROVE, number)
    digests = await deeds_of.deliveries(workshop, "questions:digest:")
    assert digests["questions:digest:21"].revision > shown
    await ask("One that gets its card again?", by="UBEN")
    assert "question:23:card" in await deeds_of.deliveries(workshop)


async def test_the_digest_is_shown_anew_before_everything_else_yet_not_with_every_question(
    workshop: Database, ask: Ask
) -> None:
    for n in range(21):
        await ask(f"Question {n}?", by=f"U{n}")
    key = "questions:digest:21"
    async with workshop.begin() as db:
        row = await outbox.find(db, key)
        assert row is not None
        claims.open_attempt(row, ON)
        await outcomes.record(db, row, Sent("C1", "1.1"), now=ON, on_failure=None)
        card = await outbox.find(db, "question:1:card")
        assert card is not None
        assert row.priority < card.priority
    for n, later in enumerate((1, 2, 3)):
        await ask(f"Question {n} more?", by=f"UMORE{n}", now=ON + timedelta(seconds=later))
    row = (await deeds_of.deliveries(workshop))[key]
    assert (row.task, row.due_at) == ("update", ON + timedelta(seconds=1) + messages.COUNTED_WITHIN)
    async with workshop.read() as db:
        values = await COMPOSERS[row.kind](db, row.content, now=ON)
    assert values == {"waiting": 24, "newest": 24, "present": True}
