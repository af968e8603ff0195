"""Where the lines of the report's plots run; the template draws them (`templates/pages/report_plots.html`).

Bars and lines over time need no plotting library: matplotlib and what it needs (170 MB installed) would
double the image, and want a writable folder in it. Drawn here they have the page's own colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

WIDTH, HEIGHT = 640, 220  # of the area inside the axes, in the units of the drawing
MOST_TICKS = 8
_STEPS = [  # what a person would choose between two marks of a clock
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14, 28, 91, 364)),
]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and of what."""

    place: float
    value: datetime | int


@dataclass(frozen=True, slots=True)
class Steps:
    """A count that grows with time, as a line."""

    line: tuple[tuple[float, float], ...]
    total: int
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    days: bool  # the marks are days, not times of day


def steps(instants: Sequence[datetime], tz: tzinfo) -> Steps | None:
    """The running count of what happened at these instants; None when there is not one."""
    if not instants:
        return None
    first, last = min(instants), max(*instants, min(instants) + timedelta(minutes=1))
    step = next((each for each in _STEPS if (last - first) / each <= MOST_TICKS - 2), _STEPS[-1])
    marks = _marks(first, last, step, tz)
    begin, span = marks[0], marks[-1] - marks[0]
    every = _every(len(instants))
    top = -(-len(instants) // every) * every

    def at(instant: datetime) -> float:
        return round((instant - begin) / span * WIDTH, 1)

    def high(count: int) -> float:
        return round(HEIGHT - count / top * HEIGHT, 1)

    line = [(0.0, high(0))]
    for count, instant in enumerate(sorted(instants), start=1):
        line += [(at(instant), high(count - 1)), (at(instant), high(count))]
    return Steps(
        line=(*line, (at(last), high(len(instants)))),
        total=len(instants),
        across=tuple(Tick(at(mark), mark) for mark in marks),
        up=tuple(Tick(high(count), count) for count in range(0, top + 1, every)),
        days=step >= timedelta(days=1),
    )


def _marks(first: datetime, last: datetime, step: timedelta, tz: tzinfo) -> list[datetime]:
    """Round instants of the workshop's clock, from the one before `first` to the one after `last`."""
    local = first.astimezone(tz)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    mark = midnight if step >= timedelta(days=1) else midnight + (local - midnight) // step * step
    marks = [mark]
    while marks[-1] < last:  # by the clock on the wall: a day is a day, also when clocks change
        marks.append(marks[-1] + step)
    return [mark.astimezone(UTC) for mark in marks]


def _every(most: int) -> int:
    """A round number that divides `most` into at most five parts."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if most <= 5 * factor * size:
                return factor * size
        size *= 10
