"""As much of a long programme as a Slack message or view has room for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.programme.model import Programme, Segment
from bot.rendering import escape

NAME, TEXT = 120, 600  # characters of a title or the speakers, and of a description, once escaped
_DATES = 300  # two dates, and what stands in their place where dates are not drawn


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The segments shown, in time's order; how many are left out before and after them."""

    shown: tuple[Segment, ...]
    earlier: int = 0
    later: int = 0
    described: bool = False  # there is room for the descriptions too


def excerpt(programme: Programme, *, room: int, most: int, at: datetime | None = None) -> Excerpt:
    """At most `most` segments in at most `room` characters, as the templates cut them.

    Descriptions are left out before any segment is. When not all segments fit and `at` is given, those that
    were over by then are left out first.
    """
    whole = programme.listed()
    if _fits(whole, room, most, described=True):
        return Excerpt(tuple(whole), described=True)
    begin = 0 if _fits(whole, room, most) else _first_ahead(programme, whole, at)
    shown: list[Segment] = []
    for segment in whole[begin : begin + most]:
        room -= _size(segment)
        if room < 0:
            break
        shown.append(segment)
    return Excerpt(tuple(shown), begin, len(whole) - begin - len(shown))


def _fits(segments: list[Segment], room: int, most: int, *, described: bool = False) -> bool:
    return len(segments) <= most and sum(_size(one, described=described) for one in segments) <= room


def _first_ahead(programme: Programme, listed: list[Segment], at: datetime | None) -> int:
    """The place of the first segment that is not over by then; 0 when all are."""
    if at is None:
        return 0
    ends = programme.ends_of_all()
    return next((place for place, one in enumerate(listed) if (ends[one.id] or at) >= at), 0)


def _size(segment: Segment, *, described: bool = False) -> int:
    names = (segment.title, ", ".join(segment.speakers))
    text = min(len(escape(segment.description or "")), TEXT) if described else 0
    return _DATES + text + sum(min(len(escape(name)), NAME) for name in names)
