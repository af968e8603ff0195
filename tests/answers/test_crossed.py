"""Ways of asking crossed with things asked about: the workshop by any name, and everything that is not it."""

from itertools import pairwise

import pytest

WORKSHOP = [
    "the workshop", "it", "this event", "the ITU workshop", "the webinar",
    "the ICT footprint workshop",
    "the virtual workshop", "your workshop", "the workshop on reducing the environmental footprint of ICTs",
    "the meeting", "the 25 November workshop", "the upcoming ITU event", "that ITU thing",
]  # fmt: skip
NOT_IT = [
    "gala dinner", "ITU Council", "AI for Good summit", "hackathon", "Paris Agreement", "SG5 meeting",
    "other workshop",
    "course on Python", "press conference", "workshop on cybersecurity", "previous edition", "COP31",
    "meeting with my boss", "workshop of last year", "Resilio webinar", "workshop in December", "museum",
    "UNEP assembly", "L.1410 training",
]  # fmt: skip
ASKED = {
    "when is {it}?": "25 November",
    "where is {it}?": "virtual",
    "how much is {it}?": "free of charge",
    "who organises {it}?": "International Telecommunication Union",
    "how do I register for {it}?": "C-00015986",
    "is {it} free?": "free of charge",
    "who can attend {it}?": "any individual",
    "is {it} online?": "virtual",
    "title of {it}?": "Understanding and Reducing",
    "agenda of {it}": "COP30",
    "what time does {it} start in Tokyo?": "22:00",
    "is {it} in Geneva?": "virtual",
    "can I attend {it} without registering?": "mandatory",
    "when does {it} end?": "15:30",
}
FRAMES = [
    "{asked}", "Hi all, {asked}", "Could you please tell me {asked}", "My director wants to know {asked}",
    "Sorry if this was asked before, but {asked}", "I am from the ministry of ICT in Ghana. {asked}",
    "I could not find it in the letter: {asked}", "{asked} thx",
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
def test_the_workshop_is_meant_by_any_of_its_names(ask, asked):
    for name in WORKSHOP:
        answer = ask(asked.replace("{it}", name))
        assert (name, answer.status) == (name, "answered")
        assert ASKED[asked] in answer.text, name


@pytest.mark.parametrize("asked", ASKED)
def test_another_thing_is_never_answered_with_the_workshops_facts(ask, asked):
    for name in NOT_IT:
        assert (name, ask(asked.replace("{it}", f"the {name}")).status) != (name, "answered")


@pytest.mark.parametrize("frame", FRAMES)
def test_how_a_question_is_led_in_changes_nothing(ask, frame):
    for asked, part in ASKED.items():
        answer = ask(frame.replace("{asked}", asked.replace("{it}", "the workshop")))
        assert (asked, answer.status) == (asked, "answered")
        assert part in answer.text, asked
        assert ask(frame.replace("{asked}", "who are the speakers?")).status == "unknown"


def test_two_questions_in_one_message_are_both_answered(ask):
    pairs = list(ASKED.items())
    for (first, one), (second, two) in pairwise(pairs):
        text = f"{first.replace('{it}', 'it').rstrip('?')} and {second.replace('{it}', 'the workshop')}"
        answer = ask(text)
        assert (text, one in answer.text, two in answer.text) == (text, True, True)
