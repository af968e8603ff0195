"""What is asked beyond the letter about things it names: subjects, Recommendations, calendar entries."""

import pytest

from tests.answers.conftest import DURING


@pytest.mark.parametrize(
    "text",
    [
        "Does the workshop cover data centers?",
        "will you talk about AI energy consumption",
        "What about e-waste, will it be covered?",
        "is blockchain part of the programme?",
        "Will there be anything on e-waste or circular economy?",
    ],
)
def test_of_a_subject_that_nothing_names_nobody_is_told_that_it_will_be_covered(ask, text):
    answer = ask(text)
    assert answer.status == "unknown"
    assert "has not been published" in answer.text
    assert "On the programme so far" in answer.text


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("will energy efficiency be covered", "programme"),
        ("Will the white paper be discussed?", "subject:whitepaper"),
        ("Will L.1410 be discussed?", "standards"),
        ("Is there an agenda?", "programme"),
    ],
)
def test_of_what_is_named_it_is_told(ask, text, topic):
    assert topic in ask(text).topics


@pytest.mark.parametrize("text", ["What does L.1410 say about recycling?", "what is inside L.1410?"])
def test_what_a_recommendation_says_is_declined_with_its_title(ask, text):
    answer = ask(text)
    assert answer.status == "unknown"
    assert "beyond their titles" in answer.text
    assert "lifecycle assessments" in answer.text
    assert "L.1450" not in answer.text


def test_who_wants_it_in_a_calendar_learns_how(ask):
    answer = ask("send me an ics please")
    assert answer.status == "unknown"
    assert "/workshop calendar" in answer.text


def test_a_date_that_was_only_noted_is_still_held_against_the_facts(ask):
    assert ask("I have it in my calendar on the 26th, is that right?").text.startswith("*No.*")


def test_a_workshop_of_another_day_is_put_right(ask):
    text = ask("the workshop in december about ICT footprint - still possible to register?").text
    assert "25 November 2025" in text
    assert "C-00015986" in text


@pytest.mark.parametrize("text", ["do I need a hotel in Geneva?", "do I need a visa?"])
def test_who_plans_a_journey_learns_that_there_is_no_place_to_go_to(ask, text):
    assert "virtual" in ask(text).text


def test_the_way_from_a_station_is_neither_yes_nor_no(ask):
    assert not ask("Best way from the airport to the station in Geneva?").text.startswith("*")


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("can my assistant come in my place", ("participation", "registration-details")),
        ("registered yesterday, what do i do now?", ("joining-link",)),
        (
            "I registered for another ITU event last month, do I need to register for this one?",
            ("registration",),
        ),
        ("Not a question for the speakers: where is the programme?", ("page",)),
    ],
)
def test_what_is_meant_besides_the_words_that_stand_there(ask, text, topics):
    assert ask(text).topics == topics


@pytest.mark.parametrize("text", ["Buongiorno, bisogna iscriversi prima?", "nama workshopnya apa?"])
def test_other_languages_are_read_as_they_stand(ask, text):
    assert ask(text).status == "answered"


@pytest.mark.parametrize(
    "text", ["My director in Nairobi asks when it will be finished", "My boss in Nairobi asks when it starts"]
)
def test_a_place_that_leads_to_a_question_is_converted(ask, text):
    assert "16:00–17:30" in ask(text).text


@pytest.mark.parametrize("text", ["salut :)", "Sabah al khair", "hola, qué tal?", "Malo e lelei", "jambo"])
def test_a_greeting_in_another_language_is_greeted(ask, text):
    assert ask(text).status == "small_talk"


def test_how_much_is_left_is_no_question_of_money(ask):
    answer = ask("stuck in another mtg, how much of the workshop is left??", at=DURING)
    assert "15:30" in answer.text
    assert "fee" not in answer.text


def test_today_in_another_language_is_a_day(ask):
    assert "25 November" in ask("oggi?").text


@pytest.mark.parametrize(
    "text",
    ["is the workshop suitable for beginners", "is this too technical for a lawyer?", "which level is it"],
)
def test_the_level_is_not_published(ask, text):
    answer = ask(text)
    assert (answer.status, answer.topics) == ("unknown", ("level",))


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("is it paid with taxpayers money", "sponsors"),
        ("is a nomination letter needed", "registration-details"),
        ("can we do a group registration", "registration-details"),
        ("will it run over", "arrangements"),
    ],
)
def test_what_is_beyond_the_fee_and_the_form_is_declined(ask, text, topic):
    answer = ask(text)
    assert answer.status == "unknown"
    assert topic in answer.topics
