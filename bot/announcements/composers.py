"""What the messages of a release say at the moment they are posted or edited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.announcements import calendars, copies
from bot.programme import changes, versions
from bot.programme.excerpt import excerpt
from bot.store.tables import Announcement, Person

LINES = 15  # of an announcement; the rest is in the pinned programme
PROGRAMME_ROOM = 7_000  # characters of the programme message for its segments; Slack takes 12,000 in all
CHANGE, CARD, RECEIPT = "announcements/change", "announcements/proposal", "announcements/receipt"
POSTED, UNDONE = "posted", "undone"


async def of_version(db: AsyncSession, number: int) -> Announcement | None:
    """The announcement of a version, or None when it was not announced."""
    statement = select(Announcement).where(Announcement.kind == "change", Announcement.version == number)
    return (await db.scalars(statement)).one_or_none()


async def compose_change(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any] | None:
    """An announcement: what version `content["version"]` changed, or that it was taken back."""
    number = content["version"]
    version, announcement = await versions.version(db, number), await of_version(db, number)
    old, new = await versions.get(db, number - 1), versions.programme_of(version)
    lines = changes.noteworthy(old, new, versions.changes_of(version))
    return {
        "programme": new,
        "note": version.note,
        "origin": version.origin,
        **first(lines),
        "undone": announcement is not None and announcement.state == UNDONE,
    }


async def last_change(db: AsyncSession, *, most: int = LINES) -> dict[str, Any]:
    """What the version released last has changed; no lines for the first, which is a publication."""
    version = await versions.latest(db)
    programme = versions.programme_of(version)
    lines: list[changes.Line] = []
    if version.number > 1:
        before = await versions.get(db, version.number - 1)
        lines = changes.noteworthy(before, programme, versions.changes_of(version))
    return {
        "version": version.number,
        "released_at": version.released_at,
        "note": version.note,
        "programme": programme,
        **first(lines, most),
    }


def first(lines: list[changes.Line], most: int = LINES) -> dict[str, Any]:
    """As many lines as one message shows, and how many more there are."""
    return {"lines": lines[:most], "more": max(0, len(lines) - most)}


async def compose_card(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any] | None:
    """The organisers' card of a draft; None when the draft is gone and nobody has seen the card."""
    if "outcome" in content:
        by = await _slack_id(db, content["by"])
        return {"outcome": content["outcome"], "by": by, "version": content.get("version")}
    seen = await versions.preview(db, now=now)
    if seen is None or seen.draft.opened != content["opened"]:
        return None
    lines = changes.noteworthy(seen.old, seen.programme, seen.changes)
    return {
        "outcome": None,
        "revision": seen.draft.revision,
        "origin": seen.draft.origin,
        "by": await _slack_id(db, seen.draft.edited_by),
        "held_by": await _slack_id(db, seen.draft.held_by),
        "programme": seen.programme,
        **first(lines),
        "recorded": sum(not change.noteworthy for change in seen.changes),
        "warnings": seen.warnings,
    }


async def compose_receipt(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any]:
    """What organisers read of a release: who, what was said where, and the way back while it is the last."""
    version = await versions.version(db, content["version"])
    last = await versions.latest(db)
    following = await versions.version(db, version.number + 1) if last.number > version.number else None
    return {
        "version": version,
        "told": content["told"],
        "by": await _slack_id(db, version.released_by),
        "changes": versions.changes_of(version),
        "undoable": following is None and version.origin != "undo",
        "undone_by": await _slack_id(db, following.released_by)
        if following is not None and following.origin == "undo"
        else None,
        "undone": following is not None and following.origin == "undo",
    }


async def compose_programme(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any]:
    """The pinned programme, as it is now."""
    version = await versions.latest(db)
    programme = versions.programme_of(version)
    seen = excerpt(programme, room=PROGRAMME_ROOM, most=len(programme.segments))
    return {
        "programme": programme,
        "shown": seen.shown,
        "more": seen.later,
        "times_known": any(segment.starts for segment in programme.segments),
        "released_at": version.released_at,
    }


async def _slack_id(db: AsyncSession, person_id: int | None) -> str | None:
    person = await db.get(Person, person_id) if person_id is not None else None
    return person.slack_id if person else None


COMPOSERS = {
    CHANGE: compose_change,
    CARD: compose_card,
    RECEIPT: compose_receipt,
    "programme/message": compose_programme,
    **calendars.COMPOSERS,
    **copies.COMPOSERS,
}
