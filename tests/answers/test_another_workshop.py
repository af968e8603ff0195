"""Nothing in code or templates knows one workshop: another one, quite different, is answered as well."""

import tomllib
from datetime import UTC, datetime

import pytest

from bot.answers import Answers
from bot.config import parse
from bot.programme.model import Programme
from bot.rendering import Rendering

OTHER = """
[workshop]
id = "harbour-noise-2027"
title = "Quiet Harbours: Measuring Noise under Water"
kind = "Maritime seminar"
organiser = "Coastal Acoustics Network (CAN-Sea)"
organiser_aliases = ["Coastal Acoustics Network", "CAN-Sea"]
starts = 2027-06-10T09:30:00
ends = 2027-06-10T11:30:00
zone = "America/Halifax"
format = "online only"
source = "flyer, page 1"

[letter]
name = "the flyer"
source = "flyer, page 1"

[page]
url = "https://harbours.example/quiet"
source = "flyer, page 2"

[participation]
free = false
open_to = ["port authorities", "researchers"]
source = "flyer, page 2"

[[subjects]]
id = "map"
names = ["Noise Map of the Gulf", "noise map"]
text = "The seminar presents the Noise Map of the Gulf."
source = "flyer, page 1"

[[segments]]
id = "opening"
title = "Opening and the Noise Map"
starts = 2027-06-10T09:30:00
speakers = ["Ines Duarte"]
source = "flyer, page 1"

[[segments]]
id = "clinic"
title = "Hydrophone clinic"
starts = 2027-06-10T10:30:00
speakers = ["Tom Okafor", "Mei Lin"]
takes_questions = true
source = "flyer, page 1"

[channels]
participants = "#quiet"
moderators = "#quiet-mods"
organisers = "#quiet-orga"

[roles]
moderators = ["#quiet-mods"]
organisers = ["#quiet-orga"]
"""
AT = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def other():
    config = parse(tomllib.loads(OTHER))
    return Answers(config, Rendering(config)), Programme.from_config(config)


@pytest.fixture(scope="module")
def ask_other(other):
    answers, programme = other
    return lambda text, at=AT: answers.answer(text, at=at, programme=programme)


def test_its_files_are_in_order(other):
    answers, _ = other
    assert [str(mistake) for mistake in answers.check()] == []
    ids = {topic.id for topic in answers.topics()}
    assert not ids & {"registration", "registration-details", "standards", "signatory", "about"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "When is the seminar?",
            ["Thursday 10 June 2027, 09:30–11:30", "12:30–14:30 UTC", "2 hours", "in 9 days"],
        ),
        ("what time in Lisbon", ["13:30–15:30"]),
        ("Is it free?", ["*No.*", "not free of charge"]),
        ("Who can attend?", ["port authorities", "researchers"]),
        ("Who are the speakers?", ["Ines Duarte", "Tom Okafor, Mei Lin", "flyer"]),
        ("What time is the hydrophone clinic?", ["10:30"]),
        ("When is each session?", ["09:30–10:30", "10:30–11:30"]),
        ("What is the programme?", ["09:30–10:30", "Hydrophone clinic", "Tom Okafor"]),
        ("Tell me about the noise map", ["Noise Map of the Gulf"]),
        ("Who organises it?", ["Coastal Acoustics Network"]),
        ("Is it organised by CAN-Sea?", ["*Yes.*"]),
        ("Where is it?", ["online only"]),
        ("What is the event page?", ["https://harbours.example/quiet"]),
        ("What is the title?", ["Quiet Harbours"]),
    ],
)
def test_its_own_facts_are_answered(ask_other, text, parts):
    answer = ask_other(text)
    assert answer.status == "answered"
    for part in parts:
        assert part in answer.text + " ".join(answer.sources)


@pytest.mark.parametrize(
    "text",
    [
        "How do I register?",
        "Which standards are shown?",
        "Will it be recorded?",
        "what is L.1410",
        "who signed the letter",
    ],
)
def test_what_it_does_not_say_is_declined(ask_other, text):
    assert ask_other(text).status == "unknown"


def test_nothing_of_the_first_workshop_is_said(other):
    answers, programme = other
    for at in (AT, datetime(2027, 6, 10, 13, 45, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)):
        for topic in answers.topics():
            text = answers.answer_topic(topic.id, at=at, programme=programme).text
            for word in ("ITU", "CET", "COP30", "Resilio", "2025", "Onoe", "registration is at"):
                assert word not in text, (topic.id, word)


def test_what_is_on_now_follows_the_programme(ask_other):
    text = ask_other("what is on now?", datetime(2027, 6, 10, 13, 0, tzinfo=UTC)).text
    assert "*Opening and the Noise Map*" in text
    assert "Next: *Hydrophone clinic* at 10:30" in text
