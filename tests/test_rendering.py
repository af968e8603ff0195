"""Text cut so that it keeps to a limit once it is escaped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.rendering import Rendering, escape, fit
from tests.conftest import NOW


@given(text=st.text(alphabet="ab<&>é👩🏽‍🔬 ", max_size=80), limit=st.integers(6, 60))
def test_the_escaped_text_keeps_to_the_limit_and_short_text_is_left_alone(text: str, limit: int) -> None:
    cut = fit(text, limit)
    assert len(escape(cut)) <= limit
    assert (cut == text) == (len(escape(text)) <= limit)


def test_a_time_of_day_names_its_zone(rendering: Rendering) -> None:
    assert rendering.clock(NOW) == "10:00 CET"
