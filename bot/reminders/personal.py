"""Reminders of one's own: subscribed to by anybody, off by default, by direct message."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.config import Config
from bot.errors import Invalid, NotFound
from bot.programme import versions
from bot.reminders.arming import replan_person
from bot.store.tables import Person

LONGEST_LEAD = 1_440  # minutes
DEFAULT_LEAD = 10


async def subscribe(
    db: AsyncSession, person: Person, config: Config, *, minutes: int | None, now: datetime
) -> None:
    """Remind this person so many minutes before, from now on; None: no longer. Raises Invalid."""
    if minutes is not None and not 1 <= minutes <= LONGEST_LEAD:
        raise Invalid("no_such_lead_time", field="minutes", longest=LONGEST_LEAD)
    person.remind_minutes = minutes
    await db.flush()
    await replan_person(db, config, person, now=now)


async def star(db: AsyncSession, person: Person, config: Config, *, segment_id: str, now: datetime) -> bool:
    """Set or take away a star; true when it is set now. Raises NotFound.

    Starred segments are the only ones that remind. The first star subscribes, with ten minutes; taking the
    last one away ends the subscription, so that nobody is reminded of what they did not ask for.
    """
    if (await versions.current(db)).segment(segment_id) is None:
        raise NotFound("no_such_segment", segment=segment_id)
    stars = list(person.stars)
    starred = segment_id not in stars
    person.stars = [*stars, segment_id] if starred else [id for id in stars if id != segment_id]
    if starred and person.remind_minutes is None:
        person.remind_minutes = DEFAULT_LEAD
    elif not person.stars:
        person.remind_minutes = None
    await db.flush()
    await replan_person(db, config, person, now=now)
    return starred
