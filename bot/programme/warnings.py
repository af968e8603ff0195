"""What an organiser should look at before a programme is released. Nothing here forbids a release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Literal

from bot.programme.model import Programme, Segment

SHOWN = 20  # more warnings than this help nobody

Code = Literal["overlap", "outside", "speaker", "no_questions", "past", "many_gone", "doubled"]


@dataclass(frozen=True, slots=True)
class Caution:
    """One thing to look at; `titles` are the segments it is about, `detail` a name or a number.

    `overlap`: the two run at the same time. `outside`: it is not within the workshop's hours. `speaker`:
    `detail` speaks in both at the same time. `no_questions`: no segment takes questions any more, one did.
    `past`: its new time has passed. `many_gone`: more than half of the segments, `detail` of them, are
    cancelled at once, as a broken import would. `doubled`: two have the same title.
    """

    code: Code
    titles: tuple[str, ...] = ()
    detail: str = ""


def warnings(old: Programme, new: Programme, *, now: datetime) -> tuple[Caution, ...]:
    """What to look at before `new` is released in place of `old`, the gravest first; 20 at most."""
    found = chain(
        _many_gone(old, new),
        _no_questions(old, new),
        _past(old, new, now),
        _outside(new),
        _side_by_side(new),
        _doubled(new),
    )
    return tuple(islice(found, SHOWN))


def _many_gone(old: Programme, new: Programme) -> Iterator[Caution]:
    after = {segment.id: segment for segment in new.segments}
    had = [segment for segment in old.segments if not segment.cancelled]
    gone = [s for s in had if s.id not in after or after[s.id].cancelled]
    if len(gone) > 1 and 2 * len(gone) > len(had):
        yield Caution("many_gone", detail=str(len(gone)))


def _no_questions(old: Programme, new: Programme) -> Iterator[Caution]:
    if old.taking_questions() and not new.taking_questions():
        yield Caution("no_questions", tuple(segment.title for segment in old.taking_questions()))


def _past(old: Programme, new: Programme, now: datetime) -> Iterator[Caution]:
    if new.starts != old.starts and new.starts < now:
        yield Caution("past", (new.title,))
    before = {segment.id: segment.starts for segment in old.segments}
    for segment in new.timed():
        if segment.starts and segment.starts < now and before.get(segment.id) != segment.starts:
            yield Caution("past", (segment.title,))


def _outside(new: Programme) -> Iterator[Caution]:
    for segment in new.timed():
        within = segment.starts is not None and new.starts <= segment.starts < new.ends
        if not within or (segment.ends is not None and segment.ends > new.ends):
            yield Caution("outside", (segment.title,))


def _side_by_side(new: Programme) -> Iterator[Caution]:
    for first, second in _overlaps(new):
        yield Caution("overlap", (first.title, second.title))
        for name in first.speakers:
            if name in second.speakers:
                yield Caution("speaker", (first.title, second.title), name)


def _overlaps(new: Programme) -> Iterator[tuple[Segment, Segment]]:
    """Pairs that run at the same time; a segment without an end ends where the next one starts."""
    timed, ends = new.timed(), new.ends_of_all()
    for position, first in enumerate(timed):
        end = ends[first.id] or first.starts
        for second in timed[position + 1 :]:
            same_start = first.starts == second.starts
            if not same_start and (second.starts is None or end is None or second.starts >= end):
                break
            yield first, second


def _doubled(new: Programme) -> Iterator[Caution]:
    seen: set[str] = set()
    for segment in new.segments:
        title = " ".join(segment.title.casefold().split())
        if not segment.cancelled and title in seen:
            yield Caution("doubled", (segment.title,))
        seen |= set() if segment.cancelled else {title}
