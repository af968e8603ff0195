"""iCalendar: each VEVENT is a segment, known by its UID; this bot's own calendar comes back as it went."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar

from bot.config import Config
from bot.errors import ConfigError, Mistake
from bot.programme.calendar import DOMAIN
from bot.programme.importing.entries import SEGMENTS, TEXT, Entry, Found, one_line, paragraphs, utc, wrong

ONCE = ("UID", "SUMMARY", "DTSTART", "DTEND", "DURATION", "DESCRIPTION", "STATUS")  # RFC 5545 §3.6.1
SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"


def read(text: str, config: Config) -> Found:
    """Read every VEVENT of a calendar. Raises ConfigError."""
    count = len(re.findall(r"^BEGIN:VEVENT\s*$", text, re.IGNORECASE | re.MULTILINE))
    if count > SEGMENTS:  # before they are read, which takes its time
        raise wrong("the file", f"it holds {count} segments", f"{SEGMENTS} are the most")
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        reason = one_line(str(error))[:200]
        raise wrong("the file", f"it is not valid iCalendar: {reason}", "export it again") from None
    workshop: dict[str, Any] = {}
    entries, mistakes = [], []
    own = f".{config.workshop.id}@{DOMAIN}"
    for number, event in enumerate(events, 1):
        uid = str(event.get("UID", "")).strip()
        where = f"VEVENT {number}" + (f" ({uid[:80]})" if uid else "")
        try:
            entry = _of_event(event, uid, where, config.workshop.tz)
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        if uid == f"{config.workshop.id}@{DOMAIN}":
            workshop = {key: entry.fields[key] for key in ("starts", "ends") if entry.fields[key]}
            continue
        if uid.endswith(own) and re.fullmatch(
            SLUG, uid.removesuffix(own)
        ):  # from this bot's own calendar: its words are not the segment's
            title = re.sub(r"^(CANCELLED|POSTPONED): ", "", entry.fields["title"])
            fields = {**entry.fields, "title": title}
            fields = {key: fields[key] for key in ("title", "starts", "ends", "cancelled")}
            entry = Entry(uid.removesuffix(own), where, fields, is_id=True)
        entries.append(entry)
    if mistakes:
        raise ConfigError(mistakes)
    if not entries and workshop:
        return Found(workshop, None)
    return Found(workshop, entries, timed_only=True)


def _of_event(event: Any, uid: str, where: str, tz: ZoneInfo) -> Entry:
    mistakes = [
        Mistake(f"{where}: {name or 'the event'}", str(reason)[:200], "mend that line")
        for name, reason in event.errors
    ]
    if mistakes:  # what is broken cannot be looked into
        raise ConfigError(mistakes)
    mistakes += [
        Mistake(f"{where}: {name}", "it stands there twice", "keep one of them")
        for name in ONCE
        if isinstance(event.get(name), list)
    ]
    if mistakes:
        raise ConfigError(mistakes)
    if not uid:
        mistakes.append(Mistake(where, "it has no UID", "give it one that stays the same"))
    if "RRULE" in event or "RDATE" in event:
        mistakes.append(Mistake(where, "it repeats", "write each time as an event of its own"))
    title = one_line(str(event.get("SUMMARY", "")))
    if not title or len(title) > TEXT:
        mistakes.append(
            Mistake(f"{where}: SUMMARY", "it is empty or too long", f"write up to {TEXT} characters")
        )
    hours: dict[str, datetime | None] = {}
    for name, key in (("DTSTART", "starts"), ("DTEND", "ends")):
        value = _instant_of(event, name)
        zone = event[name].params.get("TZID") if name in event else None
        if isinstance(value, datetime) and value.tzinfo is None and zone is not None:
            mistakes.append(
                Mistake(f"{where}: {name}", f"{zone!r} is no time zone", "name one such as Europe/Zurich")
            )
        elif isinstance(value, datetime):
            hours[key] = utc(value, tz, f"{where}: {name}")
        elif value is not None or name == "DTSTART":
            mistakes.append(Mistake(f"{where}: {name}", "it has no time of day", "write a date and a time"))
    if hours.get("ends") is not None and hours.get("ends") == hours.get("starts"):
        hours["ends"] = None
    if mistakes:
        raise ConfigError(mistakes)
    fields = {
        "title": title,
        "starts": hours["starts"],
        "ends": hours.get("ends"),
        "description": paragraphs(str(event.get("DESCRIPTION", ""))),
        "cancelled": str(event.get("STATUS", "")).upper() == "CANCELLED",
    }
    link = next((url for name in ("CONFERENCE", "LOCATION") if (url := _address_in(event, name))), None)
    return Entry(uid, where, fields if link is None else {**fields, "link": link})


def _address_in(event: Any, name: str) -> str | None:
    """The joining link of that property; the URL of an event is a page about it (RFC 5545 §3.8.4.6)."""
    values = event.get(name, [])
    given = [str(value).strip() for value in (values if isinstance(values, list) else [values])]
    return next((value for value in given if value.lower().startswith(("https://", "http://"))), None)


def _instant_of(event: Any, name: str) -> Any:
    value = getattr(event.get(name), "dt", None)
    if value is None and name == "DTEND":
        start, length = (getattr(event.get(key), "dt", None) for key in ("DTSTART", "DURATION"))
        if isinstance(start, datetime) and isinstance(length, timedelta) and length < timedelta(days=366):
            return start + length
    return value
