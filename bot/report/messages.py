"""What the bot posted and when: reminders, changes and broadcasts with their lateness, and what failed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.announcements.broadcasts import State, batch
from bot.announcements.composers import CHANGE
from bot.programme import versions
from bot.programme.model import Programme
from bot.store.tables import Announcement, Delivery, DeliveryState

_CHANNEL = "channel:"
_STATES = (DeliveryState.SENT, DeliveryState.DROPPED, DeliveryState.CANCELLED, DeliveryState.FAILED)


async def reminders(db: AsyncSession, programme: Programme) -> list[dict[str, Any]]:
    """Each reminder once, however many people got it, in order of time: what became of it and how late.

    A segment has the title it has now; one that left the programme keeps its id.
    """
    titles = {segment.id: segment.title for segment in programme.segments}
    groups: dict[tuple[Any, ...], list[Delivery]] = defaultdict(list)
    statement = select(Delivery).where(Delivery.kind.startswith("reminders/"))
    for row in await db.scalars(statement.order_by(Delivery.not_before, Delivery.id)):
        # Personal ones lose their rule with their person (`[retention]`); that they were sent stays.
        about = row.content.get("rule"), row.content.get("segment")
        groups[row.not_before, _channel(row.lane), *about].append(row)
    return [
        {
            "due": due,
            "channel": channel,
            "rule": rule,
            "segment": titles.get(segment, segment),
            **came_of(rows),
        }
        for (due, channel, rule, segment), rows in groups.items()
    ]


async def changes(db: AsyncSession) -> list[dict[str, Any]]:
    """Every released version after the first, with what changed and when participants were told."""
    told = {
        row.content["version"]: row
        for row in await db.scalars(select(Delivery).where(Delivery.kind == CHANGE))
        if "version" in row.content
    }
    found = []
    for version in reversed(await versions.history(db)):
        if version.number == 1:
            continue
        row = told.get(version.number)
        found.append(
            {
                "version": version.number,
                "released_at": version.released_at,
                "note": version.note,
                "changes": versions.changes_of(version),
                "announced": row is not None,
                **came_of([row] if row else []),
            }
        )
    return found


async def broadcasts(db: AsyncSession) -> list[dict[str, Any]]:
    """What organisers wrote to people themselves, and how many it reached."""
    rows = await db.scalars(
        select(Announcement).where(Announcement.kind == "broadcast").order_by(Announcement.id)
    )
    found = []
    for row in rows:
        if row.state in (State.DRAFT, State.DISCARDED):
            continue
        copies = await db.scalars(select(Delivery).where(Delivery.batch == batch(row)))
        found.append(
            {
                "number": row.id,
                "text": row.text,
                "to": list(row.targets),
                "state": row.state,
                "due": row.not_before,
                **came_of(copies.all()),
            }
        )
    return found


async def states(db: AsyncSession) -> dict[str, dict[str, int]]:
    """How many messages of each sort ended in which state; the sort is the noun of their template."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, state, number in await db.execute(
        select(Delivery.kind, Delivery.state, func.count()).group_by(Delivery.kind, Delivery.state)
    ):
        found[kind.partition("/")[0]][state.value] += number
    return {sort: dict(sorted(found[sort].items())) for sort in sorted(found)}


async def failed(db: AsyncSession) -> list[dict[str, Any]]:
    """What never reached Slack and should have, with why; people's own conversations are not named."""
    statement = (
        select(Delivery.kind, Delivery.lane, Delivery.last_error, func.count())
        .where(Delivery.state == DeliveryState.FAILED)
        .group_by(Delivery.kind, Delivery.lane, Delivery.last_error)
    )
    counts: Counter[tuple[str, str | None, str | None]] = Counter()
    for kind, lane, reason, number in await db.execute(statement):
        counts[kind, _channel(lane), reason] += number
    return [
        {"kind": kind, "channel": channel, "reason": reason, "messages": number}
        for (kind, channel, reason), number in sorted(counts.items(), key=str)
    ]


def came_of(rows: Sequence[Delivery]) -> dict[str, Any]:
    """How many messages there were, how they ended, and how late those in Slack were, in seconds."""
    late = [
        max(0.0, (row.sent_at - row.not_before).total_seconds())
        for row in rows
        if row.state is DeliveryState.SENT and row.sent_at is not None
    ]
    ended = Counter(row.state for row in rows)
    return {
        "messages": len(rows),
        **{state.value: ended[state] for state in _STATES},
        "sent_at": min((row.sent_at for row in rows if row.sent_at is not None), default=None),
        "late_median": round(median(late), 1) if late else None,
        "late_most": round(max(late), 1) if late else None,
    }


def _channel(lane: str) -> str | None:
    """The configuration's key of a channel; None for people's own conversations."""
    return lane.partition(":")[2] if lane.startswith(_CHANNEL) else None
