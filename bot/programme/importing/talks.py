"""The schedule files of pretalx (JSON) and frab (XML): two writings of the same talks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.config import mistake_of
from bot.errors import ConfigError, Mistake
from bot.programme.importing.entries import (
    LONG_TEXT,
    SPEAKERS,
    TEXT,
    Entry,
    Found,
    one_line,
    paragraphs,
    utc,
    wrong,
)


def _line(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _text(value: object) -> object:
    return paragraphs(value) if isinstance(value, str) else value


def _hours_and_minutes(value: object) -> object:
    """ "00:30", "1:30" or "1:02:30" (days, hours, minutes) as a duration."""
    match = (
        re.fullmatch(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)", value.strip()) if isinstance(value, str) else None
    )
    if match is None:
        raise ValueError("a duration is written as 00:30")
    return timedelta(days=int(match[1] or 0), hours=int(match[2]), minutes=int(match[3]))


_Title = Annotated[str, Field(min_length=1, max_length=TEXT), BeforeValidator(_line)]
_Text = Annotated[str | None, Field(max_length=LONG_TEXT), BeforeValidator(_text)]


class _Person(BaseModel):
    public_name: Annotated[str | None, Field(max_length=TEXT), BeforeValidator(_line)] = None
    name: Annotated[str | None, Field(max_length=TEXT), BeforeValidator(_line)] = None


class _Talk(BaseModel):
    """What pretalx and frab say of a talk, as far as it matters here (schema of the c3voc, "schedule")."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    code: str | None = None
    guid: str | None = None
    id: str | None = None
    title: _Title
    date: datetime | None = None
    start: Annotated[str, Field(pattern=r"^([01]?\d|2[0-3]):[0-5]\d$")] | None = None
    duration: Annotated[timedelta, BeforeValidator(_hours_and_minutes)]
    abstract: _Text = None
    description: _Text = None
    persons: Annotated[list[_Person], Field(max_length=SPEAKERS)] = []


class _Day(BaseModel):
    date: date
    rooms: dict[str, list[dict[str, Any]]]


class _Conference(BaseModel):
    days: list[_Day]


class _Schedule(BaseModel):
    conference: _Conference


class _Pretalx(BaseModel):
    schedule: _Schedule


def from_json(text: str, tz: ZoneInfo) -> Found:
    """Read pretalx's schedule.json. Raises ConfigError."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise wrong(where, f"it is not valid JSON: {error.msg}", "export the schedule again") from None
    except (ValueError, RecursionError) as error:  # a number with thousands of digits; endless brackets
        raise wrong("the file", f"it cannot be read ({error})", "export the schedule again") from None
    if not isinstance(data, dict):
        raise wrong("the file", "it is no schedule as pretalx writes it", "export schedule.json again")
    try:
        days = _Pretalx.model_validate(data).schedule.conference.days
    except ValidationError as error:
        raise ConfigError([mistake_of(detail) for detail in error.errors()]) from None
    rows = (
        (f"schedule.conference.days.{n}.rooms.{room}.{number}", day.date, talk)
        for n, day in enumerate(days)
        for room, talks in day.rooms.items()
        for number, talk in enumerate(talks)
    )
    return _talks(rows, tz)


def from_xml(data: bytes, tz: ZoneInfo) -> Found:
    """Read frab's schedule.xml, as pretalx, pentabarf and others write it too. Raises ConfigError."""
    try:
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except defusedxml.ElementTree.ParseError as error:
        raise wrong("the file", f"it is not valid XML: {error}", "export the schedule again") from None
    except (DefusedXmlException, ValueError, LookupError) as error:
        reason = f"it is refused ({type(error).__name__})"
        raise wrong("the file", reason, "export it without a document type or entities") from None
    return _talks(_events(root), tz)


def _events(root: Any) -> Iterator[tuple[str, date, dict[str, Any]]]:
    for d, day in enumerate(root.iter("day"), 1):
        try:
            on = date.fromisoformat(day.get("date", ""))
        except ValueError:
            reason = f"{day.get('date')!r} is no date"
            raise wrong(f"schedule/day[{d}]@date", reason, "write it as 2025-11-25") from None
        for r, room in enumerate(day.iter("room"), 1):
            for e, event in enumerate(room.findall("event"), 1):
                talk = {child.tag: child.text for child in event if child.text and child.text.strip()}
                names = [{"name": person.text} for person in event.iter("person")]
                given = {**talk, "guid": event.get("guid"), "id": event.get("id"), "code": event.get("code")}
                yield f"schedule/day[{d}]/room[{r}]/event[{e}]", on, {**given, "persons": names}


def _talks(rows: Iterator[tuple[str, date, dict[str, Any]]], tz: ZoneInfo) -> Found:
    entries, mistakes = [], []
    for where, day, given in rows:
        try:
            entries.append(_entry(where, day, _Talk.model_validate(given), tz))
        except ValidationError as error:
            mistakes += [_beneath(where, mistake_of(detail)) for detail in error.errors()]
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(mistakes)
    return Found(entries=entries)


def _entry(where: str, day: date, talk: _Talk, tz: ZoneInfo) -> Entry:
    known_as = talk.code or talk.guid or talk.id
    if not known_as:
        raise wrong(where, "it has no code, guid or id", "give it one")
    if talk.date is None and talk.start is None:
        raise wrong(where, "it has neither date nor start", "give it one of them")
    local = talk.date or datetime.combine(day, time.fromisoformat(f"{talk.start:0>5}"))
    return Entry(known_as, where, _of_talk(talk, utc(local, tz, where)))


def _of_talk(talk: _Talk, starts: datetime) -> dict[str, Any]:
    names = [person.public_name or person.name for person in talk.persons]
    return {
        "title": talk.title,
        "starts": starts,
        "ends": starts + talk.duration if talk.duration else None,
        "speakers": tuple(dict.fromkeys(name for name in names if name)),
        "description": talk.abstract or talk.description,
        "cancelled": False,
    }


def _beneath(where: str, mistake: Mistake) -> Mistake:
    return Mistake(f"{where}.{mistake.key}", mistake.wrong, mistake.right)
