"""Dates as one person's Slack shows them: `<!date^…>` and rich_text dates (reference: "Date formatting")."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, format_timedelta

_TOKEN = re.compile(r"\{([a-z_]+)\}")
_NUMERIC = {"date_num": "yyyy-MM-dd", "date_slash": "yyyy/MM/dd"}
# The lengths of CLDR: the language decides which words, order and punctuation that means.
_LENGTHS: dict[str, Literal["full", "long", "medium"]] = {
    "date_short": "medium",
    "date_long": "full",
    "date_long_full": "full",
    "day_divider": "full",
}
_RELATIVE = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def locale_of(tag: str) -> Locale:
    """The locale of a tag such as "pt-BR", English when it is unknown."""
    try:
        return Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale.parse("en")


def fill(pattern: str, stamp: int, tz: ZoneInfo, locale: Locale, now: datetime) -> str | None:
    """A pattern of tokens filled in for an instant; None when it holds an unknown token or no instant."""
    try:
        instant = datetime.fromtimestamp(stamp, UTC).astimezone(tz)
    except (OverflowError, OSError, ValueError):
        return None
    words = [_token(name, instant, locale, now.astimezone(tz)) for name in _TOKEN.findall(pattern)]
    if not words or None in words:
        return None
    remaining = iter(words)
    return _TOKEN.sub(lambda _: str(next(remaining)), pattern)


def day(instant: datetime, locale: Locale, now: datetime) -> str:
    """The heading of a day in a channel, both instants in the reader's zone."""
    relative = _RELATIVE.get((instant.date() - now.date()).days)
    return relative.capitalize() if relative else _written("date_long", instant, locale)


def clock_time(instant: datetime, locale: Locale) -> str:
    """The time of day as the reader's language writes it."""
    return format_time(instant, "short", locale=locale)


def _token(name: str, instant: datetime, locale: Locale, now: datetime) -> str | None:
    if name == "time":
        return clock_time(instant, locale)
    if name == "time_secs":
        return format_time(instant, "medium", locale=locale)
    if name == "ago":
        passed: timedelta = instant - now
        return format_timedelta(passed, add_direction=True, locale=locale)
    if name in _NUMERIC:
        return format_date(instant, _NUMERIC[name], locale=locale)
    plain = name.removesuffix("_pretty")
    relative = _RELATIVE.get((instant.date() - now.date()).days) if plain != name else None
    if plain != "date" and plain not in _LENGTHS:
        return None
    return relative or _written(plain, instant, locale)


def _written(name: str, instant: datetime, locale: Locale) -> str:
    if name == "date":  # without its year, which no length leaves out
        return format_skeleton("MMMMd", instant, tzinfo=instant.tzinfo, locale=locale)
    return format_date(instant, _LENGTHS[name], locale=locale)
