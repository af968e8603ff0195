"""Yes and No, where the sentence only looks like one that either would answer; and each of them once."""

import pytest

from tests.answers.conftest import AFTER


@pytest.mark.parametrize(
    "text",
    [
        "can I join late? my other meeting finishes 14:30 CET",
        "what is CET? is it summer time",
        "Is it ITU-T or ITU-D workshop?",
        "what if I don't register",
        "is L.1470 one of the standards being presented?",
        "I heard members get in free and others pay 100 CHF. Is this so?",
        "do speakers have to register as well?",
        "do i hv to register my whole team seperately",
        "do I have to attend the whole 90 minutes",
        "would an academic be out of place",
        "is today the 20th?",
        "is it legit?",
        "I can only join for the last 30 minutes, is that ok?",
        "May I bring my whole class",
        "the whole afternoon?",
        "I'm in Tokyo, would it be in the middle of the night for me?",
        "It's on Monday the 25th, 14:00 CET, correct?",
        "I have it down as Wednesday 25 November 2025, 1400 to 1530 CET. Is that correct?",
        "Tue 25 Nov, 2pm CET, 2 hours - right?",
        "26 November, 16:00 in Nairobi, is that right?",
        "Tuesday 25 November, 00:00 Sydney time, correct?",
        "Does it fall in the same week as 28 November?",
        "so 1 to 3:30 pm?",
        "Full title of L.1472?",
        "is it open 4 every one?",
        "can anybody come",
        "can under 18s join",
        "do you think it should be free",
        "cost of registration?",
        "start time in UTC?",
        "time in EST?",
        "so today is thursday, that's in 5 days yes?",
        "is there a new date",
        "can i make it to a 3 pm meeting after",
        "is it worth an hour and a half of my life",
        "is the paper out yet",
        "jam 8 malam WIB betul?",
    ],
)
def test_no_lead(ask, text):
    answer = ask(text)
    assert answer.status == "answered"
    assert "*Yes.*" not in answer.text
    assert "*No.*" not in answer.text


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("its 2 hours long right", "*No.*"),
        ("only five days to go, is it?", "*Yes.*"),
        ("so 4 days from now correct", "*No.*"),
        ("I can just click the link on the website and join without registering, correct?", "*No.*"),
        ("Attendance without registering is fine, right?", "*No.*"),
        ("Can I attend without registering?", "*No.*"),
        ("ends 15:30 right", "*Yes.*"),
        ("Someone told me it's on 24 November at 14:00, is this right?", "*No.*"),
        ("My colleague says no registration needed… Is he right?", "*No.*"),
        ("I heard you can register on the spot… True?", "*No.*"),
        ("it's on the 26th isn't it", "*No.*"),
        ("it's tomorrow innit", "*No.*"),
        ("are students welcome", "*Yes.*"),
        ("can I just turn up on the day without signing up?", "*No.*"),
        ("so 2 to 3:30 pm?", "*Yes.*"),
        ("It's on Tuesday the 25th, 14:00 CET, correct?", "*Yes.*"),
        ("25 November, 16:00 in Nairobi, is that right?", "*Yes.*"),
    ],
)
def test_a_claim_ends_in_a_question_of_many_kinds(ask, text, lead):
    assert ask(text).text.startswith(lead)


@pytest.mark.parametrize(
    ("text", "lead"), [("1400 CET is 1300 UTC, right?", "*Yes.*"), ("is it at 14:00 UTC, correct?", "*No.*")]
)
def test_of_the_hours_one_lead_is_enough(ask, text, lead):
    text = ask(text).text
    assert text.startswith(lead)
    assert text.count("*Yes.*") + text.count("*No.*") == 1


def test_the_hours_are_told_once(ask):
    assert ask("Bonjour, l'atelier est à quelle heure?").text.count("25 November") == 1
    assert ask("is the workshop today?", at=AFTER).text.count("25 November") == 1


def test_who_may_have_missed_it_is_not_told_of_changes(ask):
    assert ask("did i miss it?").text.startswith("The workshop has not started yet")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("I'd like to attend from Canada (Toronto). What time is it there?", "Toronto"),
        ("I'm from Brazil and want to know what time it is in Brasília", "Brasilia"),
    ],
)
def test_a_country_is_not_converted_beside_its_city(ask, text, kept):
    rows = [line for line in ask(text).text.splitlines() if line.startswith("•")]
    assert len(rows) == 1
    assert kept in rows[0]


def test_a_zone_is_never_taken_for_the_country_of_another(ask):
    assert "18:30–20:00" in ask("15:30 CET in IST?").text


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("I'm in São Paulo, what time should I be online and is it in Portuguese?", {"languages"}),
        ("Till when is registration open & where is the form", {"registration", "registration-details"}),
        ("date + hour + link pls", {"when", "registration"}),
    ],
)
def test_a_second_question_that_names_what_it_asks_is_not_dropped(ask, text, topics):
    assert topics <= set(ask(text).topics)


@pytest.mark.parametrize(
    "text", ["is the AI for Good summit also free?", "is the SG5 meeting also free of charge"]
)
def test_the_fee_of_another_event_is_not_this_ones(ask, text):
    answer = ask(text)
    assert answer.status == "unknown"
    assert "free of charge" not in answer.text


def test_who_leads_a_subject_is_not_who_organises_the_workshop(ask):
    answer = ask("what does the Green Digital Action initiative do, and who leads it")
    assert "organiser" not in answer.topics
    assert answer.unanswered


@pytest.mark.parametrize("text", ["Hola, ¿a qué hora empieza en Buenos Aires?", "hora en Buenos Aires"])
def test_a_greeting_is_no_part_of_a_city(ask, text):
    assert "10:00–11:30" in ask(text).text


def test_a_verb_before_a_place_is_no_slip_of_another(ask):
    assert "Serbia" not in ask("¿qué hora sería en Madrid?").text


@pytest.mark.parametrize("text", ["has registration closed?", "is registration still open"])
def test_who_asks_whether_registration_is_open_learns_that_no_deadline_is_known(ask, text):
    text = ask(text).text
    assert "C-00015986" in text
    assert "Nothing has been published about a deadline" in text


def test_what_is_asked_of_a_document_is_not_asked_of_the_workshop(ask):
    assert "participation" not in ask("what is L.1450 and is it mandatory for operators?").topics
