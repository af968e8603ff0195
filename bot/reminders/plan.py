"""What is due when: rules × programme. Pure; the same two give the same plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from bot.config import Config, Moment, ReminderSection
from bot.programme.model import Programme, Segment, Status

SUBSCRIBERS = "subscribers"  # in place of a lane: one direct message for each subscriber
PERSONAL = "@personal"  # in place of a rule's id, which has no @
PERSONAL_WORTH = timedelta(minutes=10)  # after the start


@dataclass(frozen=True, slots=True)
class Planned:
    """One reminder: when, what and where to. `key` is its outbox key: rule, segment and the instant it is
    about, so that a segment that moves is reminded of anew. From `expires_at` on it is not worth posting."""

    at: datetime
    key: str
    kind: str  # its template
    lane: str
    content: dict[str, Any]
    expires_at: datetime
    rule: str
    segment: str | None = None


def plan(config: Config, programme: Programme) -> list[Planned]:
    """Every reminder of the rules, in the order of posting; what ends is named before what starts.

    A workshop that is postponed or cancelled has none, and neither has a segment that is cancelled or has
    no time. A late reminder is dropped at the latest when the next one about the same thing is due.
    """
    if programme.status is not Status.ON:
        return []
    found = [
        (planned, rule.moment.anchor, order)
        for order, rule in enumerate(config.reminders)
        for planned in _by_rule(rule, config, programme)
    ]
    found.sort(key=lambda entry: (entry[0].at, entry[1] == "start", entry[2], entry[0].segment or ""))
    return _superseded([entry[0] for entry in found])


def _by_rule(rule: ReminderSection, config: Config, programme: Programme) -> Iterator[Planned]:
    ends_of_all = programme.ends_of_all()
    things: list[tuple[Segment | None, datetime, datetime | None]]
    if rule.segment is None:
        things = [(None, programme.starts, programme.ends)]
    else:
        things = [
            (segment, segment.starts, ends_of_all[segment.id])
            for segment in programme.timed()
            if segment.starts is not None and rule.segment in ("*", segment.id)
        ]
    for segment, starts, ends in things:
        instant = starts if rule.moment.anchor == "start" else ends
        if instant is None:
            continue
        at = rule.moment.instant(starts, ends or starts, config.workshop.tz)
        id = segment.id if segment else None
        yield Planned(
            at=at,
            key=f"reminder:{rule.id}:{id or '-'}:{_stamp(instant)}",
            kind=f"reminders/{_kind(rule.moment, rule.audience, segment)}",
            lane=SUBSCRIBERS if rule.audience == "subscribers" else f"channel:{rule.audience}",
            content={
                "rule": rule.id,
                "segment": id,
                "anchor": rule.moment.anchor,
                "instant": instant.isoformat(),
            },
            expires_at=at + rule.worth,
            rule=rule.id,
            segment=id,
        )


def _kind(moment: Moment, audience: str, segment: Segment | None) -> str:
    """The template's name: each sort of reminder has words of its own."""
    if audience in ("moderators", "organisers"):
        return audience
    if segment is not None:
        return "segment"
    if moment.anchor == "end":
        return "end"
    if moment.sign < 0 and moment.days:
        return "days"
    if moment.sign < 0 and moment.exact >= timedelta(hours=1):
        return "hours"
    if moment.sign < 0 and moment.exact:
        return "minutes"
    return "start"


def _superseded(planned: list[Planned]) -> list[Planned]:
    def subject(one: Planned) -> tuple[str, str, str]:
        return one.lane, one.segment or "", str(one.content["anchor"])

    kept: dict[str, Planned] = {}
    for _, group in groupby(sorted(planned, key=lambda one: (subject(one), one.at)), key=subject):
        following = None
        for one in reversed(list(group)):
            if following is not None and one.at < following < one.expires_at:
                one = replace(one, expires_at=following)
            following = one.at
            kept[one.key] = one
    return [kept[one.key] for one in planned]


@dataclass(frozen=True, slots=True)
class Early:
    """How much before its instant a reminder to very many begins to go out, so that the last is in time:
    for this person's own lead time, and for the rules whose audience is subscribers."""

    own: timedelta = timedelta()
    by_rule: timedelta = timedelta()


def personal(
    planned: list[Planned],
    programme: Programme,
    *,
    person_id: int,
    minutes: int,
    stars: list[str],
    early: Early,
) -> list[Planned]:
    """One subscriber's reminders: their lead time before the start of the workshop and of each segment, or
    of the segments they starred alone; and the rules whose audience is subscribers (in `planned`)."""
    lane = f"person:{person_id}"
    found = [
        replace(one, key=f"{one.key}:{person_id}", lane=lane, at=one.at - early.by_rule)
        for one in planned
        if one.lane == SUBSCRIBERS
    ]
    if programme.status is not Status.ON:
        return found
    things = [(segment.id, segment.starts) for segment in programme.timed() if segment.starts is not None]
    if stars:
        chosen: list[tuple[str | None, datetime]] = [(id, starts) for id, starts in things if id in stars]
    else:
        later = [(id, starts) for id, starts in things if starts != programme.starts]
        chosen = [(None, programme.starts), *later]
    for id, starts in chosen:
        found.append(
            Planned(
                at=starts - timedelta(minutes=minutes) - early.own,
                key=f"reminder:{PERSONAL}:{id or '-'}:{_stamp(starts)}:{person_id}",
                kind="reminders/personal",
                lane=lane,
                content={
                    "rule": PERSONAL,
                    "segment": id,
                    "anchor": "start",
                    "instant": starts.isoformat(),
                },
                expires_at=starts + PERSONAL_WORTH,
                rule=PERSONAL,
                segment=id,
            )
        )
    return found


def _stamp(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%SZ}"
