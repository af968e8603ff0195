"""What a reminder says, worked out when it is posted: minutes are counted then, never before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.config import Config
from bot.programme import versions
from bot.programme.model import Programme, Status
from bot.reminders.plan import SUBSCRIBERS, plan
from bot.rendering import Rendering
from bot.store.tables import Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A reminder to come, as it will read. `target` is the channel as config.toml names it."""

    at: datetime
    target: str
    kind: str
    key: str
    text: str


def upcoming(config: Config, programme: Programme, rendering: Rendering, *, at: datetime) -> list[Upcoming]:
    """The reminders from `at` on, in order. Those of subscribers depend on who they are: not in here."""
    return [
        Upcoming(
            at=one.at,
            target=getattr(config.channels, one.lane.removeprefix("channel:")),
            kind=one.kind,
            key=one.key,
            text=rendering.message(one.kind, values(programme, one.content, now=one.at)).text,
        )
        for one in plan(config, programme)
        if one.at >= at and one.lane != SUBSCRIBERS
    ]


def standing(programme: Programme, content: Mapping[str, Any]) -> dict[str, Any] | None:
    """None while what the reminder is about takes place when it said; else how things stand now:
    {"off": "cancelled" | "postponed" | None, "instant": ISO 8601 | None}."""
    segment = programme.segment(content["segment"]) if content["segment"] else None
    if content["segment"] and (segment is None or segment.cancelled):
        return {"off": "cancelled", "instant": None}
    if programme.status is not Status.ON:
        return {"off": programme.status.value, "instant": None}
    starts, ends = _hours(programme, content)
    instant = starts if content["anchor"] == "start" else ends
    if instant == datetime.fromisoformat(content["instant"]):
        return None
    return {"off": None, "instant": instant.isoformat() if instant else None}


def values(programme: Programme, content: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """What a reminder's template needs. `minutes` until the instant it is about, negative once it passed."""
    segment = programme.segment(content["segment"]) if content["segment"] else None
    starts, ends = _hours(programme, content)
    instant = datetime.fromisoformat(content["instant"])
    return {
        "programme": programme,
        "segment": segment,
        "title": segment.title if segment else programme.title,
        "anchor": content["anchor"],
        "starts": starts,
        "ends": ends,
        "minutes": math.floor((instant - now).total_seconds() / 60 + 0.5),
        "first": [s for s in programme.timed() if s.starts == programme.starts],
        "taking_questions": programme.taking_questions(),
        "link": (segment.link if segment else None) or programme.link,
    }


def _hours(programme: Programme, content: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    segment = programme.segment(content["segment"]) if content["segment"] else None
    if segment is None:
        return programme.starts, programme.ends
    return segment.starts, programme.end_of(segment)


async def compose(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any] | None:
    """Composer of every reminder; None once the thing has moved or is off: another row says that."""
    programme = await versions.current(db)
    return None if standing(programme, content) else values(programme, content, now=now)


async def compose_corrected(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any] | None:
    """Composer of a posted reminder that is no longer true: what it said, and how things stand.

    One that was under way meanwhile may not have got into Slack. Then nothing is there to correct, and it is
    said no more (None), unless the thing takes place earlier: no reminder that is ahead would say so.
    """
    programme = await versions.current(db)
    stands, said = content["stands"], datetime.fromisoformat(content["instant"])
    instead = datetime.fromisoformat(stands["instant"]) if stands["instant"] else None
    row = await db.get(Delivery, content["delivery"]) if "delivery" in content else None
    if row is not None and row.state is not DeliveryState.SENT and (instead is None or instead > said):
        return None
    return {
        **values(programme, content, now=now),
        "said": said,
        "off": stands["off"],
        "instead": instead,
    }


CORRECTED = "reminders/corrected"
COMPOSERS = {
    **{
        f"reminders/{name}": compose
        for name in (
            "days",
            "hours",
            "minutes",
            "start",
            "segment",
            "end",
            "moderators",
            "organisers",
            "personal",
        )
    },
    CORRECTED: compose_corrected,
}
