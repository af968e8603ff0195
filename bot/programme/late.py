"""Running late: the rest of the day moves, and gaps in it absorb what they can."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.errors import Refusal
from bot.programme.model import Programme, Segment, Status


def late(programme: Programme, *, minutes: int, now: datetime) -> Programme:
    """The programme with everything that has not started `minutes` later.

    What is on is so much longer, if its end is known. A gap between two segments, or before the
    workshop's end, uses up as much of the delay as it is long. Raises Refusal when nothing is left to move.
    """
    if programme.status is not Status.ON or now >= programme.ends:
        raise Refusal("nothing_to_move")
    delay = timedelta(minutes=minutes)
    moved = {"starts": programme.starts + delay} if now < programme.starts else {}
    later: dict[str, Segment] = {}
    ends_of_all = programme.ends_of_all()
    reached: datetime | None = None  # the end of everything looked at so far
    for segment in programme.now(now):
        if segment.ends is not None:
            later[segment.id] = segment.model_copy(update={"ends": segment.ends + delay})
        reached = max(filter(None, (reached, ends_of_all[segment.id])), default=None)
    for segment in programme.timed():
        if segment.starts is None or segment.starts <= now:
            continue
        delay = _left(delay, reached, segment.starts)
        later[segment.id] = segment.later(delay)
        reached = max(filter(None, (reached, segment.starts, ends_of_all[segment.id])))
    moved["ends"] = programme.ends + _left(delay, reached, programme.ends)
    segments = tuple(later.get(segment.id, segment) for segment in programme.segments)
    return programme.model_copy(update={**moved, "segments": segments})


def _left(delay: timedelta, reached: datetime | None, following: datetime) -> timedelta:
    """What is left of a delay after the gap between two instants."""
    gap = max(timedelta(), following - reached) if reached is not None else timedelta()
    return max(timedelta(), delay - gap)
