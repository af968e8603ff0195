"""TOML: the segments as config.toml has them, and the workshop's own hours, status and link."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from bot import config as configuration
from bot.config import Config, Line, Link, Section, SegmentSection, mistake_of
from bot.errors import ConfigError
from bot.programme.importing.entries import Entry, Found, utc, wrong
from bot.programme.model import Programme

_ENDLESS = re.compile(r"(?:[\w\"'-]+[ \t]*\.[ \t]*){50}")


class _Workshop(Section):
    title: Line | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    status: Literal["on", "postponed", "cancelled"] | None = None
    link: Link | None = None


class _Segment(SegmentSection):
    cancelled: bool = False


class _File(Section):
    workshop: _Workshop = _Workshop()
    segments: Annotated[list[_Segment], Field(min_length=1)] | None = None


def read(text: str, config: Config) -> Found:
    """Read the segments, and what the workshop's own section says. Raises ConfigError."""
    if _ENDLESS.search(text):  # tomllib takes seconds for a key of thousands of parts
        raise wrong("the file", "a key has more than fifty parts", "write [[segments]] as config.toml does")
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number with thousands of digits
        right = "mend that line, or give pretalx's JSON, frab's XML or iCalendar"
        raise wrong("the file", f"it is not valid TOML: {error}", right) from None
    if "channels" in data:  # a whole config.toml
        whole = Programme.from_config(configuration.parse(data))
        names = ("title", "starts", "ends", "link", "page_url", "registration_url")
        entries = [
            Entry(s.id, f"segments.{n}", s.model_dump(exclude={"id", "cancelled", "known_as"}), is_id=True)
            for n, s in enumerate(whole.segments)
        ]
        return Found({name: getattr(whole, name) for name in names}, entries)
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        raise ConfigError([mistake_of(detail) for detail in error.errors()]) from None
    tz = config.workshop.tz
    workshop = {name: getattr(file.workshop, name) for name in file.workshop.model_fields_set}
    for name in ("starts", "ends"):
        if workshop.get(name) is not None:
            if workshop[name].tzinfo is not None:
                raise wrong(f"workshop.{name}", "it carries an offset", "write local time without one")
            workshop[name] = utc(workshop[name], tz, f"workshop.{name}")
    if file.segments is None:
        return Found(workshop, None)
    return Found(workshop, [_of_section(s, n, tz) for n, s in enumerate(file.segments)])


def _of_section(section: _Segment, number: int, tz: ZoneInfo) -> Entry:
    fields = section.model_dump(exclude={"id"})
    fields["speakers"] = tuple(section.speakers)
    for key in ("starts", "ends"):
        if fields[key] is not None:
            fields[key] = utc(fields[key], tz, f"segments.{number}.{key}")
    return Entry(section.id, f"segments.{number}", fields, is_id=True)
