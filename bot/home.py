"""The App Home: the day in the reader's own time, and the ways to ask. Wanted state, rendered when sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.delivery import outbox
from bot.programme import versions
from bot.programme.excerpt import excerpt
from bot.questions import board
from bot.rendering import BLOCKS_PER_VIEW
from bot.store.tables import Person

OWN_BLOCKS = 12  # at most, besides a segment's each and the questions
SEGMENTS, ROOM = 50, 60_000  # of the programme: segments at most, and characters; a view takes 250 kB
KEPT_CURRENT = timedelta(minutes=30)  # a Home opened this recently follows every change


async def opened(
    db: AsyncSession,
    person: Person,
    *,
    moderates: bool,
    organises: bool,
    now: datetime,
    quiet_votes: bool = False,
) -> None:
    """Somebody opened their App Home: show it as things stand, and keep it current for a while.

    The roles decide which buttons are drawn, no more: every deed checks them again.
    """
    person.home_opened_at = now
    content = {
        "person": person.id,
        "moderates": moderates,
        "organises": organises,
        "quiet_votes": quiet_votes,
    }
    await outbox.want(
        db,
        key=_key(person),
        kind="home/view",
        method="home",
        lane=people.lane(person),
        content=content,
        now=now,
    )


async def refresh(db: AsyncSession, person: Person, *, now: datetime) -> None:
    """Something that this person's Home shows has changed."""
    if person.home_opened_at is None:  # they have none
        return
    await outbox.refresh(db, _key(person), now=now)


async def refresh_recent(db: AsyncSession, *, now: datetime) -> None:
    """Something that every Home shows has changed: redraw those opened within `KEPT_CURRENT`."""
    recent = await db.scalars(
        select(Person).where(Person.home_opened_at > now - KEPT_CURRENT).order_by(Person.id)
    )
    for person in recent:
        await refresh(db, person, now=now)


async def view(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any] | None:
    """What the Home shows at this moment (composer of `home/view`)."""
    person = await db.get(Person, content["person"])
    if person is None or person.slack_id is None:
        return None
    programme = await versions.current(db)
    seen = excerpt(programme, room=ROOM, most=SEGMENTS, at=now)
    moderates = bool(content.get("moderates", False))
    if moderates:
        room = BLOCKS_PER_VIEW - OWN_BLOCKS - len(seen.shown)
        asked = await board.moderators_home(db, person, programme=programme, now=now, room=room)
    else:
        quiet = bool(content.get("quiet_votes", False))
        asked = await board.participants_home(db, person, programme=programme, quiet=quiet, now=now)
    return {
        "person": person,
        "moderates": moderates,
        "questions": asked,
        "organises": content.get("organises", False),
        "programme": programme,
        "seen": seen,
        "on_now": {segment.id for segment in programme.now(now)},
        "phase": "before" if now < programme.starts else "during" if now < programme.ends else "after",
    }


COMPOSERS = {"home/view": view}


def _key(person: Person) -> str:
    return f"home:{person.id}"
