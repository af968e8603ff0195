"""What the copies of a broadcast say, and the organisers' card about it, at the moment they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.announcements import broadcasts
from bot.announcements.broadcasts import State
from bot.config import Moment
from bot.programme import versions
from bot.store.tables import Announcement, DeliveryState, Person

_ADDRESS = re.compile(r"https?://[^\s<>|\"]{3,1900}")
_CLOSING = ".,;:!?)]}’”'"  # after an address they belong to the sentence


def pieces(text: str) -> list[dict[str, str]]:
    """An organiser's text as literal stretches and the addresses written out in it: {"text"} or {"url"}."""
    found, at = [], 0
    for match in _ADDRESS.finditer(text):
        url = match[0].rstrip(_CLOSING)
        if match.start() > at:
            found.append({"text": text[at : match.start()]})
        found.append({"url": url})
        at = match.start() + len(url)
    if at < len(text):
        found.append({"text": text[at:]})
    return found


def drawn(row: Announcement, copy: str) -> dict[str, Any]:
    """Template values of one copy: "channel", "person", or "replay" for somebody who joined later."""
    return {
        "text": row.text,
        "pieces": pieces(row.text),
        "loud": row.loud and copy == "channel",
        "copy": copy,
        "edited": row.edited,
        "over": row.state == State.OVER and row.until is not None,
        "until": row.expires_at if row.until is not None else None,
        "posted_at": row.not_before,
    }


async def compose_copy(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any] | None:
    """One copy; None once the broadcast was taken back."""
    row = await broadcasts.get(db, content["announcement"])
    return None if row.state == State.WITHDRAWN else drawn(row, content["copy"])


async def compose_receipt(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime
) -> Mapping[str, Any]:
    """The organisers' card: what, to whom, when, how far it is, and the ways to change it."""
    return await card(db, await broadcasts.get(db, content["announcement"]))


async def card(db: AsyncSession, row: Announcement) -> dict[str, Any]:
    """Template values of the organisers' card."""
    counted = await broadcasts.progress(db, row)
    segment = (await versions.current(db)).segment(row.segment_id) if row.segment_id else None
    return {
        "number": row.id,
        "revision": row.revision,
        "state": str(row.state),
        "text": row.text,
        "targets": list(row.targets),
        "loud": row.loud,
        "pin": row.pin,
        "at": row.not_before,
        "until": row.expires_at,
        "moment": Moment.parse(row.moment) if row.moment and not row.moment[0].isdigit() else None,
        "anchor": segment.title if segment else None,
        "edited": row.edited,
        "written_by": await _slack_id(db, row.written_by),
        "approved_by": await _slack_id(db, row.approved_by),
        "sent": counted.get(DeliveryState.SENT, 0),
        "waiting": counted.get(DeliveryState.PENDING, 0) + counted.get(DeliveryState.SENDING, 0),
        "failed": counted.get(DeliveryState.FAILED, 0),
        "stopped": counted.get(DeliveryState.CANCELLED, 0) + counted.get(DeliveryState.DROPPED, 0),
    }


async def _slack_id(db: AsyncSession, person_id: int | None) -> str | None:
    person = await db.get(Person, person_id) if person_id is not None else None
    return person.slack_id if person else None


COMPOSERS = {broadcasts.KIND: compose_copy, broadcasts.RECEIPT: compose_receipt}
