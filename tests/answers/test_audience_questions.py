"""What is asked about the questions of the audience, and short forms that the letter does not write out."""

import pytest

from tests.answers.conftest import AFTER


@pytest.mark.parametrize("text", ["Is there a Q&A session?", "will there be a Q&A?", "is it interactive"])
def test_who_asks_for_a_q_and_a_learns_how_to_put_a_question(ask, text):
    answer = ask(text)
    assert answer.status == "unknown"
    assert "has not been published" in answer.text
    assert "for the panel:" in answer.text


def test_after_the_workshop_nobody_is_told_to_put_a_question(ask):
    assert "for the panel:" not in ask("Is there a Q&A session?", at=AFTER).text


def test_speaking_oneself_is_another_matter(ask):
    assert "calls for speakers" in ask("Can I speak at the workshop?").text


def test_sg5_is_written_out(ask):
    assert "Study Group 5" in ask("SG5 = what in long?").text


def test_a_short_form_of_a_subject_that_nothing_writes_out_is_declined_with_what_is_known(ask):
    answer = ask("what does COP30 stand for?")
    assert answer.status == "unknown"
    assert "not in the invitation letter" in answer.text
