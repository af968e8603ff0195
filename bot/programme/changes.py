"""What differs between two programmes, field by field; and one programme made from another by it.

Values only. `diff` and `apply` are each other's inverse: `apply(old, diff(old, new))` is
`with_missing(old, new)`, for a segment that an import no longer holds is cancelled, never forgotten.
`noteworthy` marks what participants are told; the rest is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

from bot.programme.model import Programme, Segment, Status


class Kind(StrEnum):
    """What changed; about the workshop itself when the change names no segment. In order of listing."""

    STATUS = "status"  # the workshop is on, postponed or cancelled
    ADDED = "added"
    CANCELLED = "cancelled"
    REINSTATED = "reinstated"
    RETITLED = "retitled"  # before all that is told under the new title
    TIMED = "timed"  # has a start now and had none
    UNTIMED = "untimed"  # had a start and has none now
    MOVED = "moved"
    LONGER = "longer"
    SHORTER = "shorter"
    ENDING = "ending"  # its end became known, or is no longer
    SPEAKER_ADDED = "speaker-added"
    SPEAKER_REMOVED = "speaker-removed"
    SPEAKERS = "speakers"  # the same ones, listed otherwise
    QUESTIONS = "questions"  # it takes questions for the panel, or no longer does
    LINK = "link"
    REGISTRATION = "registration"
    PAGE = "page"
    DESCRIPTION = "description"
    SOURCE = "source"
    KNOWN_AS = "known-as"
    ORDER = "order"  # of the segments


_RECORDED_ONLY = {Kind.SPEAKERS, Kind.DESCRIPTION, Kind.SOURCE, Kind.KNOWN_AS}
_TIMES = {Kind.TIMED, Kind.UNTIMED, Kind.MOVED, Kind.LONGER, Kind.SHORTER, Kind.ENDING}


class Span(BaseModel):
    """From when to when; None where it is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    starts: AwareDatetime | None = None
    ends: AwareDatetime | None = None

    @property
    def length(self) -> timedelta | None:
        return self.ends - self.starts if self.starts and self.ends else None


class Placed(BaseModel):
    """A segment and its place in the programme's order, counted from 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: int
    segment: Segment


Value = Placed | Span | tuple[str, ...] | bool | str | None


class Change(BaseModel):
    """One difference. `old` and `new` are a Span for the kinds about time, a Placed for an added segment,
    ids for the order, and the field's own value otherwise; None where there is none."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    segment: str | None = None  # its id; None: the workshop itself
    title: str  # what it is called after the change
    old: Value = None
    new: Value = None
    noteworthy: bool = True


class Shift(NamedTuple):
    """Segments that follow one another and all moved by the same time: one line instead of many."""

    delta: timedelta
    segments: tuple[str, ...]
    first: str  # titles
    last: str
    after: str | None  # title of the segment before the first; None: nothing stands before it
    rest: bool  # nothing timed follows the last
    old: datetime  # the first one's start
    new: datetime
    kind: str = "shift"


class Cast(NamedTuple):
    """Who speaks in a segment now and did not before, and the other way round: one line."""

    segment: str
    title: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    kind: str = "cast"


Line = Change | Shift | Cast


def with_missing(old: Programme, new: Programme) -> Programme:
    """`new`, with the segments that only `old` has kept in their place and cancelled."""
    segments = list(new.segments)
    ids = [segment.id for segment in segments]
    place = 0
    for segment in old.segments:
        if segment.id in ids:
            place = ids.index(segment.id) + 1
            continue
        segments.insert(place, segment.model_copy(update={"cancelled": True}))
        ids.insert(place, segment.id)
        place += 1
    return new.model_copy(update={"segments": tuple(segments)})


def diff(old: Programme, new: Programme) -> tuple[Change, ...]:
    """Every change from `old` to `new`: the workshop's own first, then segment by segment in time's order.

    A segment that `new` does not hold is cancelled. The order is the same for the same two programmes.
    """
    new = with_missing(old, new)
    before = {segment.id: segment for segment in old.segments}
    ends = old.ends_of_all(), new.ends_of_all()
    found = _of_workshop(old, new)
    for position, segment in sorted(enumerate(new.segments), key=lambda pair: _listing(*pair)):
        earlier = before.get(segment.id)
        if earlier is None:
            placed = Placed(position=position, segment=segment)
            found.append(_added(placed, new))
        elif earlier != segment:
            same_end = ends[0].get(segment.id) == ends[1].get(segment.id)
            found += _of_segment(earlier, segment, new, same_end=same_end)
    kept = [segment.id for segment in new.segments if segment.id in before]
    if kept != [segment.id for segment in old.segments]:
        found.append(_order(old, new))
    return tuple(found)


def _listing(position: int, segment: Segment) -> tuple[bool, float, int]:
    return (segment.starts is None, segment.starts.timestamp() if segment.starts else 0.0, position)


def _of_workshop(old: Programme, new: Programme) -> list[Change]:
    told = new.status is not Status.CANCELLED
    found: list[Change] = []

    def add(kind: Kind, before: Value, after: Value, *, noteworthy: bool = told) -> None:
        if before != after:
            found.append(Change(kind=kind, title=new.title, old=before, new=after, noteworthy=noteworthy))

    add(Kind.STATUS, old.status.value, new.status.value, noteworthy=True)
    spans = Span(starts=old.starts, ends=old.ends), Span(starts=new.starts, ends=new.ends)
    for kind in _time_kinds(*spans):
        add(kind, *spans, noteworthy=old.status is new.status is Status.ON)  # else its status says the hours
    add(Kind.RETITLED, old.title, new.title)
    add(Kind.LINK, old.link, new.link)
    add(Kind.REGISTRATION, old.registration_url, new.registration_url)
    add(Kind.PAGE, old.page_url, new.page_url)
    return found


def _added(placed: Placed, new: Programme) -> Change:
    segment = placed.segment
    told = not segment.cancelled and new.status is not Status.CANCELLED
    return Change(kind=Kind.ADDED, segment=segment.id, title=segment.title, new=placed, noteworthy=told)


def _of_segment(old: Segment, new: Segment, programme: Programme, *, same_end: bool) -> list[Change]:
    found: list[Change] = []
    # Who reads that a segment is cancelled need not read that it was also renamed.
    told = not new.cancelled and programme.status is not Status.CANCELLED

    def add(kind: Kind, before: Value, after: Value, *, noteworthy: bool = told) -> None:
        noteworthy = noteworthy and kind not in _RECORDED_ONLY
        found.append(
            Change(kind=kind, segment=new.id, title=new.title, old=before, new=after, noteworthy=noteworthy)
        )

    if old.cancelled != new.cancelled:
        kind = Kind.CANCELLED if new.cancelled else Kind.REINSTATED
        span = Span(starts=new.starts, ends=new.ends)
        add(kind, span, span, noteworthy=programme.status is not Status.CANCELLED)
    spans = Span(starts=old.starts, ends=old.ends), Span(starts=new.starts, ends=new.ends)
    for kind in _time_kinds(*spans):
        shown = programme.status is Status.ON and not (kind is Kind.ENDING and same_end)
        add(kind, *spans, noteworthy=told and shown)
    for kind, before, after in (
        (Kind.RETITLED, old.title, new.title),
        (Kind.QUESTIONS, old.takes_questions, new.takes_questions),
        (Kind.LINK, old.link, new.link),
        (Kind.DESCRIPTION, old.description, new.description),
        (Kind.SOURCE, old.source, new.source),
        (Kind.KNOWN_AS, old.known_as, new.known_as),
    ):
        if before != after:
            add(kind, before, after)
    for name in dict.fromkeys(name for name in new.speakers if name not in old.speakers):
        add(Kind.SPEAKER_ADDED, None, name)
    for name in dict.fromkeys(name for name in old.speakers if name not in new.speakers):
        add(Kind.SPEAKER_REMOVED, name, None)
    if _speakers(old.speakers, found) != new.speakers:
        add(Kind.SPEAKERS, old.speakers, new.speakers)
    listed = list(Kind)
    return sorted(found, key=lambda change: listed.index(change.kind))


def _time_kinds(old: Span, new: Span) -> list[Kind]:
    if old == new:
        return []
    if old.starts is None:
        return [Kind.TIMED]
    if new.starts is None:
        return [Kind.UNTIMED]
    kinds = [] if old.starts == new.starts else [Kind.MOVED]
    if old.length is not None and new.length is not None:
        if old.length != new.length:
            kinds.append(Kind.LONGER if new.length > old.length else Kind.SHORTER)
    elif not kinds:
        kinds.append(Kind.ENDING)
    return kinds


def _order(old: Programme, new: Programme) -> Change:
    # Where times are known they say the order; among the untimed ones the listing does.
    def untimed(programme: Programme) -> list[str]:
        return [s.id for s in programme.segments if s.starts is None and not s.cancelled]

    shared = set(untimed(old)) & set(untimed(new))
    swapped = [id for id in untimed(old) if id in shared] != [id for id in untimed(new) if id in shared]
    return Change(
        kind=Kind.ORDER,
        title=new.title,
        old=tuple(segment.id for segment in old.segments),
        new=tuple(segment.id for segment in new.segments),
        noteworthy=swapped and new.status is not Status.CANCELLED,
    )


def apply(old: Programme, changes: Iterable[Change]) -> Programme:
    """`old` with the changes made; its version number stays.

    Made for another base than the one they were found on, changes to a segment that is not there are
    skipped: so what differs between two files can be carried over to a programme released since.
    """
    workshop: dict[str, object] = {}
    segments = {segment.id: segment for segment in old.segments}
    added: list[Placed] = []
    order: tuple[str, ...] = ()
    for change in changes:
        if change.kind is Kind.ORDER:
            order = _ids(change.new)
        elif change.segment is None:
            workshop |= _workshop_fields(change)
        elif isinstance(change.new, Placed):
            added.append(change.new)
        elif change.segment in segments:
            earlier = segments[change.segment]
            segments[earlier.id] = earlier.model_copy(update=_segment_fields(earlier, change))
    ids = list(segments)
    for placed in sorted(added, key=lambda placed: placed.position):
        if placed.segment.id not in segments:
            ids.insert(placed.position, placed.segment.id)
        segments[placed.segment.id] = placed.segment
    if order:
        known = [id for id in order if id in segments]
        ids = known + [id for id in ids if id not in order]
    return old.model_copy(update={**workshop, "segments": tuple(segments[id] for id in ids)})


def _workshop_fields(change: Change) -> dict[str, object]:
    if isinstance(change.new, Span):
        return {"starts": change.new.starts, "ends": change.new.ends}
    if change.kind is Kind.STATUS:
        return {"status": Status(str(change.new))}
    names = {
        Kind.RETITLED: "title",
        Kind.LINK: "link",
        Kind.REGISTRATION: "registration_url",
        Kind.PAGE: "page_url",
    }
    return {names[change.kind]: change.new}


def _segment_fields(segment: Segment, change: Change) -> dict[str, object]:
    if change.kind in _TIMES and isinstance(change.new, Span):
        return {"starts": change.new.starts, "ends": change.new.ends}
    if change.kind in (Kind.CANCELLED, Kind.REINSTATED):
        return {"cancelled": change.kind is Kind.CANCELLED}
    if change.kind in (Kind.SPEAKER_ADDED, Kind.SPEAKER_REMOVED, Kind.SPEAKERS):
        return {"speakers": _speakers(segment.speakers, [change])}
    names = {
        Kind.RETITLED: "title",
        Kind.QUESTIONS: "takes_questions",
        Kind.LINK: "link",
        Kind.DESCRIPTION: "description",
        Kind.SOURCE: "source",
        Kind.KNOWN_AS: "known_as",
    }
    return {names[change.kind]: change.new}


def _speakers(names: tuple[str, ...], changes: Sequence[Change]) -> tuple[str, ...]:
    for change in changes:
        if change.kind is Kind.SPEAKERS:
            names = _ids(change.new)
        elif change.kind is Kind.SPEAKER_ADDED and change.new not in names:
            names = (*names, str(change.new))
        elif change.kind is Kind.SPEAKER_REMOVED:
            names = tuple(name for name in names if name != change.old)
    return names


def _ids(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def noteworthy(old: Programme, new: Programme, changes: Iterable[Change]) -> list[Line]:
    """What participants are told, in order; two or more segments that follow one another and moved by the
    same time become one Shift, at the place of the first, and all speakers of a segment one Cast. What
    moves says when it ends too, so that it is longer or shorter is no line besides."""
    told = [change for change in changes if change.noteworthy]
    moved = {change.segment for change in told if change.kind is Kind.MOVED}
    begins: dict[str, Shift] = {}
    collapsed: set[str] = set()
    for shift in shifts(old, new):
        if moved.issuperset(shift.segments):
            begins[shift.segments[0]] = shift
            collapsed.update(shift.segments)
    lines: list[Line] = []
    for (_, kind), group in groupby(told, key=lambda change: (change.segment, _merged(change.kind))):
        several = list(group)
        change = several[0]
        if kind in (Kind.LONGER, Kind.SHORTER) and change.segment in moved - collapsed:
            continue
        if kind is Kind.SPEAKERS and change.segment is not None:
            added = tuple(str(one.new) for one in several if one.kind is Kind.SPEAKER_ADDED)
            removed = tuple(str(one.old) for one in several if one.kind is Kind.SPEAKER_REMOVED)
            lines.append(Cast(change.segment, change.title, added, removed))
        elif kind is not Kind.MOVED or change.segment not in collapsed:
            lines += several
        elif change.segment in begins:
            lines.append(begins[change.segment])
    return lines


def _merged(kind: Kind) -> Kind:
    return Kind.SPEAKERS if kind in (Kind.SPEAKER_ADDED, Kind.SPEAKER_REMOVED) else kind


def shifts(old: Programme, new: Programme) -> list[Shift]:
    """The runs of two or more consecutive segments that all moved by the same time."""
    after = {segment.id: segment for segment in new.segments}
    row = []
    for segment in old.timed():
        later = after.get(segment.id)
        if later and segment.starts and later.starts and not later.cancelled:
            row.append((segment.starts, later.starts, later))
    found = []
    begin = 0
    while begin < len(row):
        delta = row[begin][1] - row[begin][0]
        end = begin + 1
        while end < len(row) and row[end][1] - row[end][0] == delta:
            end += 1
        if delta and end - begin > 1:
            run = [entry[2] for entry in row[begin:end]]
            found.append(
                Shift(
                    delta=delta,
                    segments=tuple(segment.id for segment in run),
                    first=run[0].title,
                    last=run[-1].title,
                    after=row[begin - 1][2].title if begin else None,
                    rest=end == len(row),
                    old=row[begin][0],
                    new=row[begin][1],
                )
            )
        begin = end
    return found


def soonest(old: Programme, changes: Iterable[Change], *, now: datetime) -> datetime | None:
    """The earliest instant from `now` on at which something of it that is cancelled or moved begins, or
    would have begun; `now` when it is under way; None when nothing told of is at stake any more."""
    spans: list[Span] = []
    for change in changes:
        if change.noteworthy and change.kind is Kind.STATUS:
            spans.append(Span(starts=old.starts, ends=old.ends))
        elif change.noteworthy and change.kind in {Kind.CANCELLED, Kind.REINSTATED, *_TIMES}:
            spans += [span for span in (change.old, change.new) if isinstance(span, Span)]
    ahead = [
        max(span.starts, now)
        for span in spans
        if span.starts is not None and (span.ends or span.starts) >= now
    ]
    return min(ahead, default=None)
