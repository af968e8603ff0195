"""Several things in one message: each is answered, declined or put to the panel, and none twice."""

import pytest

from bot.answers.message import Message

PANEL = "how can AI data centres cut their water use"


def test_a_question_for_the_panel_beside_another_is_offered_too(ask):
    answer = ask(f"What's the date, and {PANEL}?")
    assert (answer.status, answer.topics, answer.panel_text) == ("answered", ("when",), PANEL)
    assert "25 November 2025" in answer.text
    assert f"“{PANEL}”" in answer.text


@pytest.mark.parametrize(
    ("text", "status", "topics", "put"),
    [
        ("When is it? Question for the panel: {0}?", "answered", ("when",), "{0}?"),
        ("For the speakers: {0}? Also, how do I register?", "answered", ("registration",), "{0}?"),
        ("Is it recorded? Question for the panel: {0}?", "panel_question", ("recording",), "{0}?"),
        ("Q for panel: {0}? Q for organisers: is it free?", "answered", ("cost",), "{0}?"),
        ("For the panel: {0}? And do I have to register?", "answered", ("registration",), "{0}?"),
        ("Is it free?\nFor the panel: {0}?\nThanks!", "answered", ("cost",), "{0}?"),
        ("My question to the panel is whether {0}.", "panel_question", (), "whether {0}"),
        # What only tells something, or may belong to the question, does not stand beside it.
        ("I work for a regulator in Kenya. Question for the panel: {0}?", "panel_question", (), "{0}?"),
        ("For the panel: {0}? And who pays?", "panel_question", (), "{0}? And who pays?"),
        ("{0}? That is my question for the panel.", "panel_question", (), "{0}?"),
    ],
)
def test_what_stands_beside_a_question_that_is_put_to_the_panel_is_not_lost(ask, text, status, topics, put):
    answer = ask(text.format(PANEL))
    assert (answer.status, answer.topics, answer.panel_text) == (status, topics, put.format(PANEL))
    assert f"“{put.format(PANEL)}”" in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "Can I send a question to the speakers in advance, and how?",
        "How can I put a question to the panel? Is there a limit?",
        "do you pass questions on to the speakers?",
        "I got three questions for the authors, do I write them here",
        "i got questions for resilio, where do they go",
    ],
)
def test_how_to_ask_the_panel_is_no_question_for_it(ask, text):
    answer = ask(text)
    assert (answer.status, answer.panel_text) == ("panel_question", None)
    assert "“Question for the panel:”" in answer.text


def test_what_may_belong_to_a_question_for_the_panel_is_put_to_it_where_nothing_else_is_answered(ask):
    answer = ask(f"For the panel: {PANEL}? Thanks! Recycled water counts too.")
    assert (answer.status, answer.panel_text) == (
        "panel_question",
        f"{PANEL}? Thanks! Recycled water counts too",
    )


def test_a_message_that_turns_to_and_fro_is_read_once_more_and_not_more_often(answers, monkeypatch, ask):
    made: list[str] = []
    begin = Message.__init__
    monkeypatch.setattr(
        Message, "__init__", lambda self, *a, **k: (made.append("one"), begin(self, *a, **k))[1]
    )
    assert ask("When is it? For the panel: why? Also, when does it start? " * 40).text
    assert len(made) == 2


def test_what_is_said_to_be_none_for_the_panel_is_answered(ask):
    assert ask("Not a question for the speakers: where is the programme?").topics == ("page",)


def test_how_to_ask_the_panel_is_told_beside_an_answer(ask):
    answer = ask("Can I ask questions during the session, and how much does it cost?")
    assert (answer.topics, answer.panel_text) == (("cost",), None)
    assert "free of charge" in answer.text
    assert "“Question for the panel:”" in answer.text


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("¿Es gratis? ¿Se va a grabar?", {"cost", "recording"}),
        ("هل سيتم تسجيل الورشة؟", {"recording"}),  # a recording of the workshop, not registering for it
        ("Is it free? Is it recorded? Do I need to register?", {"cost", "recording", "registration"}),
        ("Is COP30 covered, and at what time?", {"subject:cop30", "segment-times"}),
        ("Is the white paper launched, and when?", {"subject:whitepaper"}),
        ("Dear organisers, is it free?", {"cost"}),
        ("When is the workshop and what is the capital of France?", {"when"}),
        ("do I need to register, and by when?", {"registration", "registration-details"}),
        ("Can I register onsite? And until when?", {"registration", "registration-details"}),
        ("Where do I register and when is it?", {"registration", "when"}),
        (
            "Is it in Geneva on the 26th? Is it in Paris on the 27th? Is it recorded? Is it free?",
            {"venue", "when", "recording", "cost"},
        ),
    ],
)
def test_each_part_has_its_answer(ask, text, topics):
    assert set(ask(text).topics) == topics


@pytest.mark.parametrize(
    "text",
    [
        "Two questions: is it free? and who speaks?",
        "1. Is it free?\n2. Who speaks?",
        "Could you tell me (a) the date (b) whether it is free (c) who speaks",
        "first: is it free? second: who speaks?",
    ],
)
def test_what_only_opens_a_question_is_not_declined(ask, text):
    answer = ask(text)
    assert {"cost", "speakers"} <= set(answer.topics)
    assert "could not answer this part" not in answer.text
    assert "Two questions" not in "".join(answer.unanswered)


@pytest.mark.parametrize(
    "text",
    [
        "i alredy registerd. wat now",
        "registered yesterday, what do i do now?",
        "already registered - how do I join on the day?",
    ],
)
def test_who_has_registered_wants_the_way_in(ask, text):
    answer = ask(text)
    assert answer.topics == ("joining-link",)
    assert "Registration in advance" not in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "I want to get registered. how?",
        "Nobody from our regulator has registered so far. Can we do it now?",
        "I am not registered yet. What do I do?",
        "How do I get registered?",
    ],
)
def test_who_has_not_wants_to_register(ask, text):
    assert "registration" in ask(text).topics


def test_documents_that_are_not_listed_are_told_apart_from_those_that_are(ask):
    text = ask("L.1480, L.1450 and L.1470 - which of these are showcased?").text
    assert "L.1480, L.1470 are not among" in text
    assert "*ITU-T L.1450*" in text
    answer = ask("Is L.1410 covered? And L.1420?")
    assert "L.1420 is not among" in answer.text
    assert not answer.text.startswith(("*Yes.*", "*No.*"))


def test_a_remark_that_names_something_is_a_remark(ask):
    assert ask("Great initiative, congratulations to the team.").status == "small_talk"
    assert ask("What is the initiative?").topics == ("subject:gda",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("What's L.1450 and how much does it cost to buy?", {"standards"}),
        ("What's the title of the whitepaper, and how long is it?", {"subject:whitepaper"}),
    ],
)
def test_it_is_what_was_named_before_and_not_the_workshop(ask, text, said):
    answer = ask(text)
    assert set(answer.topics) <= said | {"documents-access"}
    assert answer.unanswered


def test_what_is_told_of_a_subject_is_told_once(ask):
    text = ask("the whitepaper launch is at the workshop or at COP30?").text
    assert text.count("The workshop will mark the launch") == 1
    assert text.count("The discussion will provide") == 1


@pytest.mark.parametrize("text", ["I have no sound", "can't hear anything", "I'm in the lobby, let me in?"])
def test_who_is_in_the_meeting_and_hears_nothing_is_not_told_of_a_link(ask, text):
    answer = ask(text)
    assert (answer.status, answer.topics) == ("unknown", ("joining-link",))
    assert "cannot see into the meeting" in answer.text
    assert "link to join" not in answer.text


def test_a_second_question_that_nothing_answers_is_declined(ask):
    answer = ask("Hi, will the chair of SG5 attend? and is SG5 the organiser?")
    assert answer.unanswered == ("will the chair of SG5 attend",)
    assert "organiser" in answer.topics


def test_a_name_below_a_question_is_no_question(ask):
    answer = ask("Dear all, could you kindly share the programme? Best regards, M. Keller")
    assert (answer.topics, answer.unanswered) == (("programme",), ())


def test_a_place_that_is_claimed_beside_a_day_is_corrected(ask):
    answer = ask("I understand the workshop is on 25 November in Geneva and costs nothing, correct?")
    assert {"when", "venue", "cost"} <= set(answer.topics)
