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
from bot.programme.importing.entries import TEXT, Entry, Found, one_line, paragraphs, utc, wrong

SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"


def read(text: str, config: Config) -> Found:
    """Read every VEVENT of a calendar. Raises ConfigError."""
    try:
        calendar = icalendar.Calendar.from_ical(text)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise wrong("the file", f"it is not valid iCalendar: {str(error)[:200]}", "export it again") from None
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
    return Found(workshop, entries)


def _of_event(event: Any, uid: str, where: str, tz: ZoneInfo) -> Entry:
    mistakes = [
        Mistake(f"{where}: {name or 'the event'}", str(reason)[:200], "mend that line")
        for name, reason in event.errors
    ]
    if mistakes:  # what is broken cannot be looked into
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
        if isinstance(value, datetime):
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
        "link": str(event.get("URL", "")).strip() or None,
        "cancelled": str(event.get("STATUS", "")).upper() == "CANCELLED",
    }
    return Entry(uid, where, fields)


def _instant_of(event: Any, name: str) -> Any:
    value = getattr(event.get(name), "dt", None)
    if value is None and name == "DTEND":
        start, length = (getattr(event.get(key), "dt", None) for key in ("DTSTART", "DURATION"))
        if isinstance(start, datetime) and isinstance(length, timedelta) and length < timedelta(days=366):
            return start + length
    return value
