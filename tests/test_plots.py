"""Where the lines of the report's plots run: inside their axes, between round marks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from bot.report import plots

ZURICH = ZoneInfo("Europe/Zurich")
START = datetime(2025, 11, 25, 13, tzinfo=UTC)
instants = st.integers(0, 10**8).map(lambda seconds: START + timedelta(seconds=seconds))


@given(st.lists(instants, min_size=1, max_size=60))
def test_every_line_stays_inside_its_axes_and_ends_at_its_count(instants: list[datetime]) -> None:
    drawn = plots.steps(instants, ZURICH)
    assert drawn is not None
    assert all(0 <= x <= plots.WIDTH and 0 <= y <= plots.HEIGHT for x, y in drawn.line)
    assert [x for x, _ in drawn.line] == sorted(x for x, _ in drawn.line)
    assert drawn.line[-1][1] == min(y for _, y in drawn.line)
    assert 2 <= len(drawn.across) <= plots.MOST_TICKS + 1
    assert drawn.up[-1].value >= len(instants)
    assert len({tick.place for tick in drawn.across}) == len(drawn.across)


def test_marks_are_round_instants_of_the_workshops_clock() -> None:
    drawn = plots.steps([START + timedelta(minutes=at) for at in (3, 40, 88)], ZURICH)
    assert drawn is not None
    assert [tick.value.astimezone(ZURICH).strftime("%H:%M") for tick in drawn.across] == [  # type: ignore[union-attr]
        "14:00", "14:15", "14:30", "14:45", "15:00", "15:15", "15:30",
    ]  # fmt: skip
    assert [tick.value for tick in drawn.up] == [0, 1, 2, 3]
    assert plots.steps([], ZURICH) is None
