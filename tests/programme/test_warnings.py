"""What an organiser is asked to look at before a release."""

from __future__ import annotations

import pytest

from bot.programme.model import Programme
from bot.programme.warnings import SHOWN, Caution, warnings
from tests.programme.programmes import instant, programme, segment

BEFORE = programme(segment("a", 0, 20), segment("b", 20, 40), segment("c", 40, takes_questions=True))


def after(**segments: dict | None) -> Programme:
    """BEFORE with some segments replaced, or taken away (None)."""
    rows = {s.id: s for s in BEFORE.segments}
    for id, fields in segments.items():
        if fields is None:
            del rows[id]
        else:
            rows[id] = segment(id, **fields)
    return programme(*rows.values())


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        pytest.param(BEFORE, (), id="nothing"),
        pytest.param(after(b={"starts": 10, "ends": 40}), (Caution("overlap", ("A", "B")),), id="overlap"),
        pytest.param(
            after(b={"starts": 0, "ends": 20}), (Caution("overlap", ("A", "B")),), id="at the same time"
        ),
        pytest.param(
            after(b={"starts": 10, "ends": 20, "cancelled": True}), (), id="cancelled is no overlap"
        ),
        pytest.param(
            after(
                a={"starts": 0, "ends": 30, "speakers": ("Ada", "Bo")},
                b={"starts": 20, "ends": 40, "speakers": ("Bo",)},
            ),
            (Caution("overlap", ("A", "B")), Caution("speaker", ("A", "B"), "Bo")),
            id="speaker in two places",
        ),
        pytest.param(
            after(a={"starts": -5, "ends": 20}), (Caution("outside", ("A",)),), id="before the workshop"
        ),
        pytest.param(
            after(c={"starts": 40, "ends": 181, "takes_questions": True}),
            (Caution("outside", ("C",)),),
            id="after the workshop",
        ),
        pytest.param(
            after(c={"starts": 40}), (Caution("no_questions", ("C",)),), id="nothing takes questions"
        ),
        pytest.param(after(a=None, b=None), (Caution("many_gone", detail="2"),), id="most of it gone"),
        pytest.param(
            after(b={"starts": 20, "ends": 40, "title": " a "}),
            (Caution("doubled", (" a ",)),),
            id="one title twice",
        ),
    ],
)
def test_each_doubt_is_named(new: Programme, expected: tuple[Caution, ...]) -> None:
    assert warnings(BEFORE, new, now=instant(-600)) == expected


def test_only_a_time_that_is_new_is_called_past() -> None:
    moved = after(a={"starts": 5, "ends": 20}, b={"starts": 25, "ends": 40})
    assert warnings(BEFORE, moved, now=instant(15)) == (Caution("past", ("A",)),)
    day = BEFORE.model_copy(update={"starts": instant(-1)})
    assert warnings(BEFORE, day, now=instant(15)) == (Caution("past", ("Spring meeting",)),)


def test_hundreds_of_doubts_are_cut_short() -> None:
    crowd = programme(*[segment(f"s{n}", 0, 30) for n in range(400)])
    assert len(warnings(programme(), crowd, now=instant(-600))) == SHOWN
