"""What every kind of file is read into before it becomes a programme, and how its text is cleaned."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.errors import ConfigError, Mistake

BYTES, SEGMENTS, SPEAKERS, TEXT, LONG_TEXT = 5_000_000, 1_000, 50, 3_000, 10_000  # the most there may be


@dataclass
class Entry:
    """One segment of a file. `fields` holds what the file says of it; other fields stay as they are."""

    known_as: str
    where: str
    fields: dict[str, Any]
    is_id: bool = False  # `known_as` is the segment's own id, not that of another system


@dataclass
class Found:
    """All of a file: the workshop's own fields, and its segments (None: it says nothing of them)."""

    workshop: dict[str, Any] = field(default_factory=dict)
    entries: list[Entry] | None = None
    timed_only: bool = False  # it cannot hold a segment without a time, so those are not missing in it


def wrong(key: str, wrong: str, right: str) -> ConfigError:
    """One mistake, to be raised."""
    return ConfigError([Mistake(key, wrong, right)])


def utc(value: datetime, tz: ZoneInfo, where: str) -> datetime:
    """The instant, to the second; one without an offset is local in `tz`.

    Raises ConfigError for a year that cannot be, and a local time that the change to summer time leaves out.
    """
    if not 1971 <= value.year <= 2199:
        raise wrong(where, f"{value.year} is no year for a workshop", "mend the date")
    local = value.replace(microsecond=0, tzinfo=value.tzinfo or tz)
    instant = local.astimezone(UTC)
    if instant.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise wrong(where, f"{local:%Y-%m-%d %H:%M} is left out when clocks go forward", "mend the time")
    return instant


def one_line(text: str) -> str:
    """One line without control characters."""
    return " ".join(_printable(text).split())


def paragraphs(text: str) -> str | None:
    """Lines without control characters; None when nothing is left."""
    return _printable(text.replace("\r\n", "\n")).strip() or None


def _printable(text: str) -> str:
    return "".join(c if c == "\n" or unicodedata.category(c) != "Cc" else " " for c in text)
