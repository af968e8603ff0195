"""What a programme is: the workshop's own hours, links and status, and its segments.

Values only: frozen, JSON-serialisable, instants aware in UTC. How versions are stored and released is
`bot.programme.versions`; what differs between two is `bot.programme.changes`.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict

from bot.config import Config


class Status(StrEnum):
    ON = "on"  # takes place as planned
    POSTPONED = "postponed"  # will take place, not at the hours it had
    CANCELLED = "cancelled"  # will not take place


class Segment(BaseModel):
    """One entry of the programme; `id` is stable through renaming, moving and re-import."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    starts: AwareDatetime | None = None  # None: not published
    ends: AwareDatetime | None = None
    speakers: tuple[str, ...] = ()
    description: str | None = None
    link: str | None = None
    takes_questions: bool = False
    cancelled: bool = False  # a cancelled segment stays, so that calendars and readers see it
    source: str | None = None  # where the fact comes from: a letter paragraph; None for an organiser's
    known_as: str | None = None  # its id in the file it was imported from, so that it is found again

    def later(self, delay: timedelta) -> Segment:
        """The segment so much later; one without a time stays as it is."""
        starts, ends = self.starts and self.starts + delay, self.ends and self.ends + delay
        return self.model_copy(update={"starts": starts, "ends": ends})


class Programme(BaseModel):
    """The whole timetable at one version; version 0 is a draft that has no number yet."""

    model_config = ConfigDict(frozen=True)

    version: int = 0
    title: str
    status: Status = Status.ON
    starts: AwareDatetime
    ends: AwareDatetime
    page_url: str
    registration_url: str | None = None
    link: str | None = None  # the joining link
    segments: tuple[Segment, ...] = ()

    @classmethod
    def from_config(cls, config: Config) -> Programme:
        """The programme that config.toml seeds: version 1 of an empty store."""
        tz = config.workshop.tz
        return cls(
            version=1,
            title=config.workshop.title,
            starts=config.workshop.start,
            ends=config.workshop.end,
            page_url=config.page.url,
            registration_url=config.registration.url if config.registration else None,
            link=config.workshop.link,
            segments=tuple(
                Segment(
                    id=segment.id,
                    title=segment.title,
                    starts=_utc(segment.starts, tz),
                    ends=_utc(segment.ends, tz),
                    speakers=tuple(segment.speakers),
                    description=segment.description,
                    link=segment.link,
                    takes_questions=segment.takes_questions,
                    source=segment.source,
                )
                for segment in config.segments
            ),
        )

    def segment(self, id: str) -> Segment | None:
        """The segment of that id, or None."""
        return next((segment for segment in self.segments if segment.id == id), None)

    def timed(self) -> list[Segment]:
        """The segments that take place and have a start, in order of it."""
        return sorted(
            (segment for segment in self.segments if segment.starts and not segment.cancelled),
            key=lambda segment: (segment.starts, segment.id),
        )

    def listed(self) -> list[Segment]:
        """Every segment in order of its start, those without one last; else as the programme has them."""
        return sorted(
            self.segments, key=lambda one: (one.starts is None, one.starts.timestamp() if one.starts else 0.0)
        )

    def end_of(self, segment: Segment) -> datetime | None:
        """When a timed segment ends: its own end, else the next one's start, else the workshop's end."""
        if segment.starts is None or segment.ends is not None:
            return segment.ends
        starts = segment.starts
        later = [other.starts for other in self.timed() if other.starts and other.starts > starts]
        return min([*later, self.ends]) if starts < self.ends else None

    def ends_of_all(self) -> dict[str, datetime | None]:
        """`end_of` every segment that has a start, by id: one pass for a long programme."""
        starts = [segment.starts for segment in self.timed() if segment.starts]
        ends: dict[str, datetime | None] = {}
        for segment in self.segments:
            if segment.starts is None or segment.ends is not None:
                ends[segment.id] = segment.ends
            elif segment.starts < self.ends:
                later = starts[bisect_right(starts, segment.starts) :][:1]
                ends[segment.id] = min([*later, self.ends])
            else:
                ends[segment.id] = None
        return ends

    def now(self, at: datetime) -> list[Segment]:
        """The segments that are on at that instant; several when they run side by side."""
        ends = self.ends_of_all()
        return [s for s in self.timed() if s.starts and s.starts <= at < (ends[s.id] or s.starts)]

    def next(self, at: datetime) -> list[Segment]:
        """The segments that start next after that instant: one, or all that start together."""
        later = [segment for segment in self.timed() if segment.starts and segment.starts > at]
        return [segment for segment in later if segment.starts == later[0].starts]

    def taking_questions(self) -> list[Segment]:
        """The segments that take questions for the panel and are not cancelled."""
        return [segment for segment in self.segments if segment.takes_questions and not segment.cancelled]


def _utc(local: datetime | None, tz: ZoneInfo) -> datetime | None:
    return None if local is None else local.replace(tzinfo=tz).astimezone(UTC)
