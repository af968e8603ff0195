"""All of it in one reply, part of it only, and what is told once."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "tell me everything about it",
        "Please could you share the full details of the workshop so I can circulate it to my team",
        "can you send me information on the event?",
    ],
)
def test_who_wants_everything_gets_what_one_needs_to_come(ask, text):
    answer = ask(text)
    assert answer.topics == ("overview",)
    for fact in ("25 November 2025, 14:00–15:30 CET", "free of charge", "C-00015986", "fully virtual"):
        assert fact in answer.text


@pytest.mark.parametrize(
    "text", ["can i leave early", "can I attend only the first part", "Can I join late?"]
)
def test_who_comes_for_a_part_learns_that_nothing_is_known_and_the_hours(ask, text):
    answer = ask(text)
    assert answer.status == "unknown"
    assert answer.topics == ("in-part",)
    assert "14:00–15:30 CET" in answer.text


def test_hours_beside_coming_late_are_told_once(ask):
    answer = ask("I have a call until 14:15 CET, can I join late?")
    assert answer.topics == ("in-part", "when")
    assert answer.text.count("14:00–15:30 CET") == 1


@pytest.mark.parametrize(
    ("text", "lines", "lead"),
    [
        ("We in Sierra Leone are on GMT so 2pm, yes?", ["Sierra Leone (GMT)"], "*No.*"),
        ("We in Sierra Leone are on GMT so 1pm, yes?", ["Sierra Leone (GMT)"], "*Yes.*"),
        ("I'm in Kingston, Jamaica. What time is it for me?", ["Kingston (EST)"], "•"),
        ("When is it in Toronto, Canada and in Paris?", ["Toronto (EST)", "Paris (CET)"], "•"),
        ("What time is it in Nairobi and in UTC?", ["Nairobi (EAT)", "UTC (UTC+0)"], "•"),
    ],
)
def test_a_place_and_its_zone_or_country_are_one_line(ask, text, lines, lead):
    answer = ask(text)
    told = [
        line.removeprefix("• ").split(":")[0] for line in answer.text.splitlines() if line.startswith("•")
    ]
    assert told == lines
    assert answer.text.startswith(lead)


def test_it_is_a_thing_that_is_no_more_launched_here_than_known(ask):
    answer = ask("when was GDA launched and who runs it")
    assert "organiser" not in answer.topics
    assert "who runs it" in answer.unanswered


@pytest.mark.parametrize(
    "text", ["Is press accreditation needed?", "Sector Members pay the same as everybody else?"]
)
def test_no_lead_where_something_else_is_asked(ask, text):
    assert not ask(text).text.startswith(("*Yes", "*No"))


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("everything about the speakers", "speakers"),
        ("full details of the programme", "programme"),
        ("tell me everything about the recording", "recording"),
    ],
)
def test_everything_of_one_thing_is_not_the_overview(ask, text, topic):
    assert ask(text).topics == (topic,)
