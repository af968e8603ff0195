"""When a broadcast is due, and until when it holds: read from what an organiser typed, kept as said.

A local time is kept as an instant; a moment relative to the workshop or a segment is kept as it is and worked
out from the programme each time, so that it follows what moves.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from bot.config import Moment
from bot.errors import Invalid
from bot.programme.model import Programme, Status

_LOCAL = re.compile(r"(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2})[:.h](\d{2})")
_WORDS = re.compile(
    r"(\d{1,4})\s*(m|min|minutes?|h|hours?|d|days?) (before|after)(?: (?:the )?(start|end))?", re.IGNORECASE
)


def read(typed: str, *, programme: Programme, tz: ZoneInfo, field: str) -> str | None:
    """What is kept of "14:50", "2025-11-26 14:50", "start-PT10M", "10 min before the end", "now" or nothing.

    Gives None for now and nothing; raises Invalid on `field` for anything else. Source of the relative
    form: `bot.config.Moment`.
    """
    text = " ".join(typed.split())
    if text.lower() in ("", "now"):
        return None
    local, words = _LOCAL.fullmatch(text), _WORDS.fullmatch(text)
    try:
        if local is not None:
            day = date.fromisoformat(local[1]) if local[1] else programme.starts.astimezone(tz).date()
            at = datetime(day.year, day.month, day.day, int(local[2]), int(local[3]), tzinfo=tz)
            return at.astimezone(UTC).isoformat()
        moment = _from_words(words) if words is not None else text
        Moment.parse(moment)
        return moment
    except (ValueError, OverflowError):
        raise Invalid("no_moment", field=field) from None


def instant(kept: str, *, segment_id: str | None, programme: Programme, tz: ZoneInfo) -> datetime | None:
    """The instant of what is kept, UTC; None while what it is relative to has no time or does not happen."""
    if kept[0].isdigit():
        return datetime.fromisoformat(kept).astimezone(UTC)
    moment = Moment.parse(kept)
    if programme.status is not Status.ON:
        return None
    starts, ends = programme.starts, programme.ends
    if segment_id is not None:
        segment = programme.segment(segment_id)
        if segment is None or segment.cancelled or segment.starts is None:
            return None
        end = programme.end_of(segment)
        if moment.anchor == "end" and end is None:
            return None
        starts, ends = segment.starts, end or segment.starts
    return moment.instant(starts, ends, tz)


def _from_words(match: re.Match[str]) -> str:
    amount, unit, side, anchor = match[1], match[2][0].upper(), match[3].lower(), match[4]
    duration = f"P{amount}D" if unit == "D" else f"PT{amount}{unit}"
    return f"{(anchor or 'start').lower()}{'-' if side == 'before' else '+'}{duration}"
