"""The calendar: the workshop and each segment that has a time, as iCalendar (RFC 5545, 5546, 7986).

The bytes depend on the programme, its bookkeeping and the configuration alone, so an unchanged calendar
has unchanged bytes. Times are in UTC: no VTIMEZONE is needed, and none can be misread.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from icalendar import Calendar, Event, vCalAddress, vText, vUri
from pydantic import AwareDatetime, BaseModel, ConfigDict

from bot.config import Config
from bot.errors import NotFound
from bot.programme.model import Programme, Segment, Status
from bot.rendering import Rendering, unescape

DOMAIN = "workshop-bot"  # after the @ of every UID; never change it, calendars know events by their UID
REFRESH = "PT15M"
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # Unicode's category Cc, but for the line feed


class Entry(BaseModel):
    """How often one calendar entry has changed since it was first published, and when last."""

    model_config = ConfigDict(frozen=True)

    sequence: int = 0
    changed_at: AwareDatetime


class Bookkeeping(BaseModel):
    """What calendar clients need to know an old copy from a new one. Counts never fall."""

    model_config = ConfigDict(frozen=True)

    workshop: Entry
    segments: dict[str, Entry] = {}

    @property
    def changed_at(self) -> datetime:
        """When anything in the calendar changed last."""
        return max(entry.changed_at for entry in (self.workshop, *self.segments.values()))

    @classmethod
    def begin(cls, programme: Programme, *, at: datetime) -> Bookkeeping:
        """The bookkeeping of a first version, released at `at`."""
        entry = Entry(changed_at=at.replace(microsecond=0))
        return cls(workshop=entry, segments={segment.id: entry for segment in programme.segments})

    @classmethod
    def unreleased(cls, programme: Programme) -> Bookkeeping:
        """For a programme that is in no database: an instant that is always the same, and older than any
        release of it is likely to be."""
        return cls.begin(programme, at=programme.starts - timedelta(days=365))

    def carry(self, old: Programme, new: Programme, *, at: datetime) -> Bookkeeping:
        """The bookkeeping after `new` was released at `at` in place of `old`.

        An entry's count rises when anything that the calendar shows of it differs, and so does the end of
        a segment that has none of its own when the one after it moves.
        """
        before, after = _facts(old), _facts(new)
        now = at.replace(microsecond=0)

        def next_entry(entry: Entry | None, id: str | None) -> Entry:
            if entry is None:
                return Entry(changed_at=now)
            if before.get(id) == after.get(id):
                return entry
            return Entry(sequence=entry.sequence + 1, changed_at=max(now, entry.changed_at))

        ids = dict.fromkeys([*self.segments, *(segment.id for segment in new.segments)])
        return Bookkeeping(
            workshop=next_entry(self.workshop, None),
            segments={id: next_entry(self.segments.get(id), id) for id in ids},
        )


def _facts(programme: Programme) -> dict[str | None, Any]:
    """Everything of each entry that the calendar shows; None stands for the workshop."""
    shared = (programme.status, programme.title, programme.page_url, programme.link)
    ends = programme.ends_of_all()
    facts: dict[str | None, Any] = {
        None: (*shared, programme.starts, programme.ends, programme.registration_url)
    }
    for segment in programme.segments:
        shown = segment.model_copy(update={"source": None, "known_as": None, "takes_questions": False})
        facts[segment.id] = (*shared, shown, ends[segment.id])
    return facts


def calendar(
    programme: Programme,
    bookkeeping: Bookkeeping,
    config: Config,
    *,
    segment: str | None = None,
    public_url: str | None = None,
    rendering: Rendering | None = None,
) -> bytes:
    """The whole calendar, or the file of one segment.

    Cancelled entries stay in it, said to be so in the title too, because some clients show nothing else.
    Raises NotFound when the segment does not exist or has no time.
    """
    one = programme.segment(segment) if segment is not None else None
    if segment is not None and (one is None or one.starts is None):
        raise NotFound("no_such_segment", segment=segment)
    result = _empty(one.title if one else programme.title)
    if public_url:
        path = f"calendar/{segment}.ics" if segment else "calendar.ics"
        result["SOURCE"] = vUri(f"{public_url.rstrip('/')}/{path}", params={"VALUE": "URI"})
    build = _Build(programme, bookkeeping, config, rendering or Rendering(config))
    if one is not None:
        result.add_component(build.segment(one))
    else:
        result.add_component(build.workshop())
        timed = [(s.starts, position, s) for position, s in enumerate(programme.segments) if s.starts]
        for _, _, each in sorted(timed, key=lambda entry: entry[:2]):
            result.add_component(build.segment(each))
    return b"".join(_folded(line) + b"\r\n" for line in result.content_lines() if line)


def as_json(body: bytes) -> list[Any]:
    """The same calendar as jCal (RFC 7265)."""
    return list(Calendar.from_ical(body).to_jcal())


def _empty(name: str) -> Calendar:
    result = Calendar()
    result.add("prodid", "-//workshop-bot//programme//EN")
    result.add("version", "2.0")
    result.add("calscale", "GREGORIAN")
    result.add("method", "PUBLISH")
    # icalendar 7.3 writes these names unescaped when they are given as plain strings, and leaves out
    # the VALUE that REFRESH-INTERVAL must carry (RFC 7986 §5.7).
    result["NAME"] = result["X-WR-CALNAME"] = vText(_line(name))
    result["REFRESH-INTERVAL"] = vText(REFRESH, params={"VALUE": "DURATION"})
    result["X-PUBLISHED-TTL"] = vText(REFRESH)
    return result


class _Build:
    """Makes the entries of one calendar."""

    def __init__(
        self, programme: Programme, bookkeeping: Bookkeeping, config: Config, rendering: Rendering
    ) -> None:
        self.programme = programme
        self.bookkeeping = bookkeeping
        self.config = config
        self.ends = programme.ends_of_all()
        self.rendering = rendering
        self.links_are_public = config.workshop.link_audience == "everyone"

    def workshop(self) -> Event:
        programme = self.programme
        return self._event(
            uid=f"{self.config.workshop.id}@{DOMAIN}",
            entry=self.bookkeeping.workshop,
            title=programme.title,
            starts=programme.starts,
            ends=programme.ends,
            cancelled=False,
            segment=None,
            link=programme.link,
        )

    def segment(self, segment: Segment) -> Event:
        return self._event(
            uid=f"{segment.id}.{self.config.workshop.id}@{DOMAIN}",
            entry=self.bookkeeping.segments.get(segment.id, self.bookkeeping.workshop),
            title=segment.title,
            starts=segment.starts,
            ends=self.ends[segment.id],
            cancelled=segment.cancelled,
            segment=segment,
            link=segment.link or self.programme.link,
        )

    def _event(
        self,
        *,
        uid: str,
        entry: Entry,
        title: str,
        starts: datetime | None,
        ends: datetime | None,
        cancelled: bool,
        segment: Segment | None,
        link: str | None,
    ) -> Event:
        status = Status.CANCELLED if cancelled else self.programme.status
        link = link if self.links_are_public else None
        values = {
            "programme": self.programme,
            "segment": segment,
            "link": link,
            "status": status.value,
            "title": title,
        }
        event = Event()
        event.add("uid", uid)
        event.add("dtstamp", entry.changed_at)
        event.add("last-modified", entry.changed_at)
        event.add("sequence", entry.sequence)
        event.add("dtstart", starts)
        if ends is not None:
            event.add("dtend", ends)
        # Postponed means: not at this hour, so the entry at this hour is off; a new hour brings it back.
        event.add("status", "CONFIRMED" if status is Status.ON else "CANCELLED")
        event.add("transp", "OPAQUE" if status is Status.ON else "TRANSPARENT")
        event["SUMMARY"] = vText(_line(self._words("event_title", values)))
        event["DESCRIPTION"] = vText(_lines(self._words("event", values)))
        event["ORGANIZER"] = self._organiser()
        event.add("url", self.programme.page_url)
        if link is not None:
            event["LOCATION"] = vText(link)
            # RFC 7986 §5.11: VALUE must be said, FEATURE is an unquoted list.
            params = {"VALUE": "URI", "FEATURE": ["AUDIO", "VIDEO"], "LABEL": _parameter(title)}
            event["CONFERENCE"] = vUri(link, params=params)
        elif self.config.workshop.virtual:
            event["LOCATION"] = vText(_line(self.config.workshop.format.capitalize()))
        return event

    def _organiser(self) -> vCalAddress:
        # PUBLISH asks for an ORGANIZER (RFC 5546 §3.2.1); any URI may be one, and no address is invented.
        address = vCalAddress(self.programme.page_url)
        address.params["CN"] = _parameter(self.config.workshop.organiser)
        return address

    def _words(self, template: str, values: dict[str, Any]) -> str:
        return unescape(self.rendering.text(f"programme/{template}.txt.j2", values))


def _folded(line: str) -> bytes:
    """A content line in pieces of at most 75 octets, none ending within a character or an escape (RFC 5545
    §3.1). As icalendar does it, which asks each character for its length: half the time of a long feed."""
    rest, pieces = line.encode(), []
    while len(rest) > 74:  # and the space that begins all but the first
        end = 74
        while rest[end] & 0xC0 == 0x80:
            end -= 1
        if end > 1 and rest[end - 1] in b"\\^":
            end -= 1
        pieces.append(rest[:end])
        rest = rest[end:]
    return b"\r\n ".join([*pieces, rest])


def _line(text: str) -> str:
    """One line without control characters, which would break the file or be refused by its readers."""
    return " ".join(_lines(text).split())


def _lines(text: str) -> str:
    """Lines as they are; tabs are spaces, other control characters are left out."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\t", " "))


def _parameter(text: str) -> str:
    """A parameter's value; RFC 5545 §3.2 has no way to write a double quote in one."""
    return _line(text).replace('"', "'")
