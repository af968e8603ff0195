"""No answer states a date, time, name, link or number that is not in config.toml or the programme."""

import re
import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from bot.config import shipped
from tests.answers.conftest import AFTER, BEFORE, DURING

# What the answers work out from the date, the hours and the zone: CET in UTC and in twelve hours, the
# length, and how far away it is at the three instants.
DERIVED = {
    BEFORE: {"13:00", "14:30", "2:00", "3:30", "90", "1", "30", "5"},
    DURING: {"13:00", "14:30", "2:00", "3:30", "90", "1", "30", "50"},
    AFTER: {"13:00", "14:30", "2:00", "3:30", "90", "1", "30", "365"},
}
COUNTS = {"3"}  # how many Recommendations the letter lists
PLAIN = {
    # Sentence openers and the bot's own words that begin with a capital.
    "Anything", "Ask", "Event", "For", "Further", "If", "It", "Its", "L", "May", "News", "No", "Nothing",
    "Findings",
    "On", "Participation", "Please", "Registration", "Source", "Speakers", "The", "This", "Times",
    "Updates", "What",
    "Where", "Whether", "Your", "I", "You", "That", "UTC", "Central", "Standard", "Time", "European",
    "CET", "Yes",
    "Next", "Name", "Nairobi", "UTC+3", "Tuesday", "November", "Launch", "Showcase", "Discussion", "Title",
    "Q",
}  # fmt: skip


@pytest.fixture(scope="module")
def known_text():
    data = tomllib.loads(shipped("config.toml").read_text(encoding="utf-8"))

    def texts(value):
        if isinstance(value, dict):
            for inner in value.values():
                yield from texts(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from texts(inner)
        else:
            yield value.isoformat() if isinstance(value, datetime) else str(value)

    kept = {
        key: value for key, value in data.items() if key not in ("reminders", "channels", "roles", "limits")
    }
    return " ".join(texts(kept))


@pytest.mark.parametrize("at", [BEFORE, DURING, AFTER], ids=["before", "during", "after"])
def test_every_topic_states_only_what_the_letter_holds(answers, programme, known_text, at):
    allowed_numbers = set(re.findall(r"\d+(?::\d\d)?", known_text)) | DERIVED[at] | COUNTS
    allowed_words = set(re.findall(r"[^\W\d_]+", known_text)) | {
        word for name in PLAIN for word in name.split()
    }
    allowed_links = set(re.findall(r"https?://\S+", known_text))
    for topic in answers.topics():
        text = str(answers.answer_topic(topic.id, at=at, programme=programme).text)
        links = re.findall(r"https?://[^\s|>)]+", text)
        assert {link.rstrip(".,") for link in links} <= allowed_links, topic.id
        plain = re.sub(r"https?://\S+", " ", text)
        numbers = set(re.findall(r"\d+(?::\d\d)?", plain))
        assert numbers <= allowed_numbers, (topic.id, numbers - allowed_numbers)
        names = set(re.findall(r"(?<![.!?*_“•(:] )(?<!^)\b[A-Z][^\W\d_]+", plain, flags=re.MULTILINE))
        assert names <= allowed_words, (topic.id, names - allowed_words)


@pytest.mark.parametrize("at", [BEFORE, DURING, AFTER], ids=["before", "during", "after"])
def test_every_answer_names_its_source_or_the_event_page(answers, programme, config, at):
    for topic in answers.topics():
        answer = answers.answer_topic(topic.id, at=at, programme=programme)
        if answer.status == "answered":
            assert "_Source: " in answer.text, topic.id
            assert all(source.startswith(config.letter.name) for source in answer.sources), topic.id
        else:
            assert config.page.url in answer.text, topic.id


def test_the_date_is_told_before_during_and_after(ask, programme):
    assert "takes place on *Tuesday 25 November 2025, 14:00–15:30 CET*" in ask("When is the workshop?").text
    assert "in 5 days" in ask("When is the workshop?").text
    assert (
        "That is today, in 4 hours 5 minutes."
        in ask("When is it?", at=programme.starts - timedelta(minutes=245)).text
    )
    assert "in 1 minute." in ask("how many minutes to go", at=programme.starts - timedelta(seconds=5)).text
    assert "It ends in 50 minutes." in ask("how much time is left", at=DURING).text
    assert "tomorrow" in ask("When is it?", at=datetime(2025, 11, 24, 20, tzinfo=UTC)).text
    assert "is on now: today" in ask("When is the workshop?", at=DURING).text
    after = ask("When is the workshop?", at=AFTER).text
    assert "took place" in after
    assert "takes place" not in after


def test_each_kind_of_fact_is_answered(ask):
    for text, *parts in [
        (
            "How do I register?",
            "https://www.itu.int/net/CRM/js/sr/C-00015986",
            "mandatory",
            "exclusively online",
        ),
        ("How much does it cost?", "free of charge"),
        ("Who can attend?", "any individual from a country that is a member of ITU"),
        ("Where is it?", "fully virtual", "no physical venue"),
        ("What is the title?", "Understanding and Reducing the Environmental Footprint of ICTs"),
        ("What is the workshop about?", "increasingly important"),
        ("What is on the programme?", "White", "Study Group 5", "COP30"),
        ("What is the white paper about?", "Environmental Impacts of the ICT Sector in Switzerland"),
        ("Which standards are shown?", "L.1410", "L.1450", "L.1472"),
        ("What is L.1450?", "Methodologies for the assessment"),
        ("What does GDA stand for?", "Green Digital Action"),
        ("Will COP30 be discussed?", "key highlights of COP30"),
        ("Who organises the workshop?", "International Telecommunication Union"),
        ("Who signed the letter?", "Seizo Onoe"),
        ("Where is the event page?", "2025/1125"),
        ("Is it still on?", "25 November 2025"),
    ]:
        answer = ask(text)
        assert answer.status == "answered", text
        for part in parts:
            assert part.lower() in answer.text.lower(), (text, part)


def test_what_is_not_published_is_said_to_be_so(ask, config):
    for text in [
        "Who are the speakers?", "Will it be recorded?", "Do I get a certificate?",
        "Is there interpretation?",
        "What is the Zoom link?", "Who can I contact?", "How many people can attend?",
        "Where are the slides?",
        "Where can I download the white paper?", "What are its findings?", "What did COP30 decide?",
        "What is the registration deadline?", "What time is the discussion?", "Is there a dress code?",
        "How do I get CPD credits?", "Who sponsors it?", "How much does L.1410 cost?",
        "Who leads Study Group 5?",
    ]:  # fmt: skip
        answer = ask(text)
        assert answer.status == "unknown", text
        assert config.page.url in answer.text, text
        assert answer.unanswered, text


def test_it_never_says_when_what_has_been_called_off(ask, programme):
    cancelled = programme.model_copy(update={"status": "cancelled"})
    answer = ask("When is the workshop?", programme=cancelled)
    assert "has been cancelled" in answer.text
    assert "*No.*" in ask("Is it still on?", programme=cancelled).text
    postponed = programme.model_copy(update={"status": "postponed"})
    assert "postponed" in ask("what time does it start", programme=postponed).text
    assert "nothing to register" in ask("how do I register?", programme=cancelled).text


def test_released_times_speakers_and_links_become_answers_without_a_file_edited(ask, programme):
    start = programme.starts
    segments = tuple(
        segment.model_copy(
            update={
                "starts": start + timedelta(minutes=30 * number),
                "speakers": ("Ama Serwaa", "Li Wei") if number == 0 else (),
            }
        )
        for number, segment in enumerate(programme.segments)
    )
    released = programme.model_copy(
        update={"version": 4, "segments": segments, "link": "https://example.org/room/7"}
    )
    speakers = ask("Who are the speakers?", programme=released)
    assert speakers.status == "answered"
    assert "Ama Serwaa, Li Wei" in speakers.text
    assert speakers.sources == ("programme, version 4",)
    times = ask("What time is the discussion?", programme=released)
    assert times.status == "answered"
    assert "15:00" in times.text
    assert "https://example.org/room/7" in ask("What is the joining link?", programme=released).text
    now = ask("What is on now?", programme=released, at=DURING)
    assert "Showcase of standards" in now.text
    assert "*Discussion: Green Digital Action" in now.text.split("Next:")[1]
    assert ask("What is on now?", at=DURING).status == "unknown"


def test_a_year_later_nothing_is_told_as_yet_to_come(answers, programme):
    for topic in answers.topics():
        text = answers.answer_topic(topic.id, at=AFTER, programme=programme).text
        own = re.sub(r"\b(?:letter|it) said(?: before the workshop)?: .*", "", text, flags=re.I)  # its words
        assert not re.search(
            r"\bThe (?:workshop|event) (?:is on|takes|will|showcases)\b|\bpublished yet\b", own
        ), text
