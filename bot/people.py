"""Who is who: the people the bot has met, known inside by a number, and what Slack says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables import Deed, Person

Role = str  # "participant", "moderator", "organiser"


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack says of a person; None where it does not."""

    name: str | None = None
    tz: str | None = None
    locale: str | None = None
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Roles:
    """Who holds which role, as Slack ids, at the moment it was looked up; organisers may moderate too."""

    moderators: frozenset[str] = frozenset()
    organisers: frozenset[str] = frozenset()

    def moderates(self, slack_id: str) -> bool:
        return slack_id in self.moderators or slack_id in self.organisers

    def organises(self, slack_id: str) -> bool:
        return slack_id in self.organisers


async def get_or_add(db: AsyncSession, slack_id: str, *, now: datetime) -> Person:
    """The person of that Slack id, met now if never before; raises ValueError for anything else."""
    if not re.fullmatch(r"[UW][A-Z0-9]{1,30}", slack_id):
        raise ValueError("that is no Slack user id")
    person = await find(db, slack_id)
    if person is None:
        dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
        await db.execute(
            dialect.insert(Person)
            .values(
                workshop_id=db.info["workshop_id"],
                slack_id=slack_id,
                met_at=now,
                stars=[],
                is_bot=False,
                muted=False,
            )
            .on_conflict_do_nothing()
        )
        person = await find(db, slack_id)
    assert person is not None, "inserted or found in this very transaction"  # noqa: S101
    return person


async def find(db: AsyncSession, slack_id: str) -> Person | None:
    """The person of that Slack id, or None."""
    return (await db.scalars(select(Person).where(Person.slack_id == slack_id))).one_or_none()


def update(person: Person, profile: Profile, *, now: datetime) -> None:
    """Remember what Slack says of a person."""
    person.name, person.tz, person.locale, person.is_bot = (
        profile.name,
        profile.tz,
        profile.locale,
        profile.is_bot,
    )
    person.refreshed_at = now


def zone(person: Person) -> ZoneInfo | None:
    """Their time zone, or None when it is not known or not one."""
    try:
        return ZoneInfo(person.tz) if person.tz else None
    except (KeyError, ValueError, OSError):
        return None


def lane(person: Person) -> str:
    """The outbox lane of their direct messages."""
    return f"person:{person.id}"


def record(
    db: AsyncSession,
    *,
    actor: Person | None,
    deed: str,
    subject: str,
    now: datetime,
    old: dict[str, object] | None = None,
    new: dict[str, object] | None = None,
    reason: str | None = None,
) -> None:
    """Add a line to the audit; `actor` None is the command line or the bot itself."""
    db.add(
        Deed(
            actor_id=actor.id if actor else None,
            deed=deed,
            subject=subject,
            at=now,
            old=old,
            new=new,
            reason=reason,
        )
    )
