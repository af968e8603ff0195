"""The calendar entries in the thread of a change: each segment concerned, fresh, as one file.

A link to the file the bot serves, not an upload: Slack gives an uploaded file no metadata by which a share of
unknown outcome is found again, so it could be shared twice, and an upload would go stale with the next change
while the link is current whenever it is followed. Without a public address the one-click links remain, and
`/workshop calendar` gives the file to whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery import outbox
from bot.programme import versions
from bot.programme.changes import Change
from bot.programme.links import one_click
from bot.programme.model import Programme, Segment, Status
from bot.store.tables import Delivery, DeliveryState

KIND = "announcements/calendar"
FOLLOWED = 8  # threads of earlier changes that are kept current; older ones are not looked at any more
MOST = 6  # segments; the whole programme's file holds the rest


def concerned(new: Programme, found: Iterable[Change]) -> list[str]:
    """The ids of the segments whose entries have changed, in the order of the changes."""
    ids = dict.fromkeys(change.segment for change in found if change.noteworthy and change.segment)
    return [id for id in ids if (segment := new.segment(id)) is not None and segment.starts is not None]


async def follow(db: AsyncSession, found: Iterable[Change], *, now: datetime) -> None:
    """The programme has changed: entries in the threads of earlier changes are to read as they are now."""
    ids = {change.segment for change in found}
    latest = (
        select(Delivery.key, Delivery.content)
        .where(Delivery.kind == KIND, Delivery.state == DeliveryState.SENT)
        .order_by(Delivery.id.desc())
        .limit(FOLLOWED)
    )
    for key, content in (await db.execute(latest)).all():
        if None in ids or not ids.isdisjoint(content["segments"]):
            await outbox.refresh(db, key, now=now)


async def compose(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime, public_url: str | None = None
) -> Mapping[str, Any]:
    """The entries as they are now."""
    programme = await versions.current(db)
    ends = programme.ends_of_all()
    segments = [segment for id in content["segments"] if (segment := programme.segment(id)) is not None]
    entries = [_entry(segment, ends.get(segment.id), programme, public_url) for segment in segments[:MOST]]
    feed = _address(public_url, "calendar.ics")
    return {"entries": entries, "more": max(0, len(segments) - MOST), "feed": feed}


def _entry(
    segment: Segment, ends: datetime | None, programme: Programme, public_url: str | None
) -> dict[str, Any]:
    cancelled = segment.cancelled or programme.status is Status.CANCELLED
    known = {"title": segment.title, "cancelled": cancelled}
    if segment.starts is None or programme.status is Status.POSTPONED:
        return {**known, "timed": False, "file": "", "google": "", "outlook": ""}
    starts = segment.starts.astimezone(UTC)
    links = one_click(segment.title, starts, (ends or starts).astimezone(UTC), programme.page_url)
    return {
        **known,
        "timed": True,
        "file": _address(public_url, f"calendar/{segment.id}.ics"),
        "google": links["google"] if len(links["google"]) <= _LONGEST else "",
        "outlook": links["outlook"] if len(links["outlook"]) <= _LONGEST else "",
    }


def _address(public_url: str | None, path: str) -> str:
    return f"{public_url.rstrip('/')}/{path}" if public_url else ""


_LONGEST = 600  # six segments with two of them each are one message
COMPOSERS = {KIND: compose}
