"""Running late: what has not started moves, gaps absorb it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal
from bot.programme.late import late
from bot.programme.model import Programme, Status
from tests.programme.programmes import START, instant, programme, programmes, segment


def hours(it: Programme) -> list[tuple[int, int | None]]:
    """Minutes after START: the workshop's own, then each segment's."""

    def minutes(at: object) -> int | None:
        return None if at is None else round((at - START).total_seconds() / 60)  # type: ignore[operator]

    return [
        (minutes(it.starts), minutes(it.ends)),
        *((minutes(s.starts), minutes(s.ends)) for s in it.segments),
    ]


BACK_TO_BACK = programme(segment("a", 0, 60), segment("b", 60, 120), segment("c", 120, 180))
WITH_GAPS = programme(segment("a", 0, 60), segment("b", 63, 120), segment("c", 130, 170))
NO_ENDS = programme(segment("a", 0), segment("b", 60), segment("c", 120))


@pytest.mark.parametrize(
    ("it", "now", "expected"),
    [
        pytest.param(
            BACK_TO_BACK, -10, [(5, 185), (5, 65), (65, 125), (125, 185)], id="before the start all of it"
        ),
        pytest.param(BACK_TO_BACK, 30, [(0, 185), (0, 65), (65, 125), (125, 185)], id="what is on is longer"),
        pytest.param(BACK_TO_BACK, 60, [(0, 185), (0, 60), (60, 125), (125, 185)], id="what is over stays"),
        pytest.param(WITH_GAPS, 30, [(0, 180), (0, 65), (65, 122), (130, 170)], id="gaps absorb it"),
        pytest.param(WITH_GAPS, 61, [(0, 180), (0, 60), (68, 125), (130, 170)], id="within a gap"),
        pytest.param(NO_ENDS, 30, [(0, 185), (0, None), (65, None), (125, None)], id="no ends are made up"),
        pytest.param(programme(segment("a")), 30, [(0, 185), (None, None)], id="no times: the end alone"),
        pytest.param(programme(segment("a")), -30, [(5, 185), (None, None)], id="no times, not begun"),
    ],
)
def test_five_minutes_late(it: Programme, now: int, expected: list[tuple[int, int | None]]) -> None:
    assert hours(late(it, minutes=5, now=instant(now))) == expected


@pytest.mark.parametrize(
    ("it", "now"), [(BACK_TO_BACK, 180), (BACK_TO_BACK.model_copy(update={"status": Status.POSTPONED}), 0)]
)
def test_nothing_is_left_to_move(it: Programme, now: int) -> None:
    with pytest.raises(Refusal, match="nothing_to_move"):
        late(it, minutes=5, now=instant(now))


@given(it=programmes(), minutes=st.integers(1, 90), now=st.integers(-30, 120))
def test_nothing_moves_further_nor_back_and_what_has_started_stays(
    it: Programme, minutes: int, now: int
) -> None:
    try:
        after = late(it, minutes=minutes, now=instant(now))
    except Refusal:
        return
    delay = timedelta(minutes=minutes)
    for before, moved in zip(it.segments, after.segments, strict=True):
        if before.starts is None or before.cancelled or before.starts <= instant(now):
            assert moved.starts == before.starts
        else:
            assert moved.starts is not None
            assert timedelta() <= moved.starts - before.starts <= delay
        assert before.model_copy(update={"starts": None, "ends": None}) == moved.model_copy(
            update={"starts": None, "ends": None}
        )
