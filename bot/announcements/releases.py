"""What organisers approve and everybody is told: released programmes, in one go with all that follows.

A release, its announcement, the pinned programme message, the reminders, the Homes that are open and the
organisers' receipt are written in one transaction. Services take `db` first and never commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot import home, questions, reminders
from bot.announcements import broadcasts, calendars
from bot.announcements.composers import CARD, CHANGE, LINES, POSTED, RECEIPT, UNDONE, of_version
from bot.config import Config
from bot.delivery import outbox
from bot.errors import NotFound
from bot.programme import changes, versions
from bot.programme.changes import Line
from bot.programme.late import late
from bot.programme.model import Programme
from bot.programme.versions import Released
from bot.programme.warnings import Caution
from bot.store.tables import Announcement, DeliveryState, Draft, Person

QUIET = timedelta(seconds=60)  # edits that follow one another within it make one card
SOON = timedelta(hours=1)  # what begins within it is urgent
WORTH = timedelta(days=1)  # how long a change is worth announcing

PARTICIPANTS, ORGANISERS = "channel:participants", "channel:organisers"
PROGRAMME_MESSAGE = "programme:message"


@dataclass(frozen=True, slots=True)
class Review:
    """What releasing the draft would tell participants, and what an organiser should look at before.

    `lines` is what is announced, in order; none means that participants are told nothing. `recorded` counts
    the changes that are kept without being told.
    """

    revision: int
    programme: Programme
    lines: list[Line]
    more: int
    recorded: int
    warnings: tuple[Caution, ...]


async def begin(db: AsyncSession, config: Config, *, now: datetime) -> None:
    """What every start does: version 1 of an empty store, a card for what changed in config.toml since, the
    pinned programme, the reminders. Doing it again changes nothing."""
    if await versions.seed(db, config, now=now) is not None:
        await propose(db, now=now)
    await show_programme(db, now=now, edit=False)
    await reminders.replan(db, config, now=now)
    await questions.replan(db, now=now)


async def review(db: AsyncSession, config: Config, *, now: datetime) -> Review:
    """What releasing the open draft would do; raises NotFound when there is none."""
    seen = await versions.preview(db, now=now)
    if seen is None:
        raise NotFound("no_draft")
    lines = changes.noteworthy(seen.old, seen.programme, seen.changes)
    return Review(
        revision=seen.draft.revision,
        programme=seen.programme,
        lines=lines[:LINES],
        more=max(0, len(lines) - LINES),
        recorded=sum(not change.noteworthy for change in seen.changes),
        warnings=seen.warnings,
    )


async def propose(db: AsyncSession, *, now: datetime) -> None:
    """Show organisers the draft as a card: call it after every `versions.save`.

    A burst of edits makes one card, and later edits change it in place; what begins soon does not wait.
    """
    seen = await versions.preview(db, now=now)
    if seen is None:
        return
    key = _card(seen.draft)
    soonest = changes.soonest(seen.old, seen.changes, now=now)
    at = now if soonest is not None and soonest - now <= SOON else now + QUIET
    row = await outbox.add(
        db,
        key=key,
        kind=CARD,
        lane=ORGANISERS,
        content={"opened": seen.draft.opened},
        now=now,
        not_before=at,
    )
    if row.state is DeliveryState.PENDING:
        await outbox.move(db, key, not_before=min(at, row.not_before), expires_at=None)
    else:
        await outbox.refresh(db, key, now=now)


async def hold(db: AsyncSession, *, by: Person, draft_revision: int, now: datetime) -> None:
    """*Hold*: the card says who wants to wait. Raises Stale."""
    draft = await versions.hold(db, by=by, draft_revision=draft_revision, now=now)
    await outbox.refresh(db, _card(draft), now=now)


async def discard(db: AsyncSession, *, by: Person | None, draft_revision: int, now: datetime) -> None:
    """Throw the draft away, and close its card. Raises Stale."""
    await versions.turn(db)
    draft = await versions.draft(db)
    card = _card(draft) if draft else ""
    await versions.discard(db, by=by, draft_revision=draft_revision, now=now)
    await _close_card(db, card, {"outcome": "discarded", "by": by.id if by else None}, now=now)


async def release_and_announce(
    db: AsyncSession,
    config: Config,
    *,
    by: Person | None,
    note: str | None,
    draft_revision: int,
    now: datetime,
) -> Released:
    """Release the draft and tell everybody whom it concerns.

    Raises what `versions.release` raises: Stale, Invalid (field "note"), Refusal; nothing is changed then.
    """
    await versions.turn(db)
    draft = await versions.draft(db)
    card = _card(draft) if draft else ""
    released = await versions.release(db, by=by, note=note, now=now, draft_revision=draft_revision)
    outcome = {"outcome": "released", "by": by.id if by else None, "version": released.programme.version}
    await _close_card(db, card, outcome, now=now)
    await _announce(db, config, released, by=by, now=now)
    return released


async def run_late(
    db: AsyncSession, config: Config, *, by: Person | None, minutes: int, now: datetime
) -> Released:
    """Move what has not started by so many minutes, and say so. Raises Refusal when nothing is left."""
    await versions.turn(db)
    moved = late(await versions.current(db), minutes=minutes, now=now)
    released = await versions.release_now(db, moved, origin="late", by=by, note=None, now=now)
    await _announce(db, config, released, by=by, now=now)
    return released


async def undo(
    db: AsyncSession, config: Config, *, number: int, by: Person | None, now: datetime
) -> Released:
    """Take back version `number`, the last: the one before it is released again, and what was said is put
    right. If its announcement was not posted yet, nobody ever reads of it. Raises Stale and Refusal."""
    released = await versions.undo(db, number, by=by, now=now)
    unseen = await outbox.cancel(db, _change(number))
    announcement = await of_version(db, number)
    if announcement is not None:
        announcement.state, announcement.revision = UNDONE, announcement.revision + 1
    await outbox.refresh(db, _change(number), now=now)
    await outbox.withdraw(db, _calendar(number), now=now)
    await _announce(db, config, released, by=by, now=now, silently=unseen)
    return released


async def show_programme(db: AsyncSession, *, now: datetime, edit: bool = True) -> None:
    """Have the programme pinned in the participants' channel, as it is now; not once the day is over."""
    programme = await versions.current(db)
    if await outbox.find(db, PROGRAMME_MESSAGE) is not None:
        if edit:
            await outbox.refresh(db, PROGRAMME_MESSAGE, now=now)
    elif now < programme.ends:
        await outbox.add(
            db,
            key=PROGRAMME_MESSAGE,
            kind="programme/message",
            lane=PARTICIPANTS,
            now=now,
            expires_at=programme.ends,
            pin=True,
        )


async def _announce(
    db: AsyncSession,
    config: Config,
    released: Released,
    *,
    by: Person | None,
    now: datetime,
    silently: bool = False,
) -> None:
    number = released.programme.version
    told = any(change.noteworthy for change in released.changes) and not silently
    if told:
        soonest = changes.soonest(released.old, released.changes, now=now)
        urgent = soonest is not None and soonest - now <= SOON
        db.add(
            Announcement(
                kind="change",
                text=released.version.note or "",
                version=number,
                targets=[PARTICIPANTS],
                state=POSTED,
                not_before=now,
                expires_at=now + WORTH,
                written_by=by.id if by else None,
                written_at=now,
            )
        )
        said = await outbox.add(
            db,
            key=_change(number),
            kind=CHANGE,
            lane=PARTICIPANTS,
            content={"version": number},
            now=now,
            expires_at=now + WORTH,
            priority=outbox.URGENT if urgent else outbox.ROUTINE,
        )
        segments = calendars.concerned(released.programme, released.changes)
        if segments:
            await outbox.add(
                db,
                key=_calendar(number),
                kind=calendars.KIND,
                lane=PARTICIPANTS,
                content={"segments": segments},
                now=now,
                expires_at=now + WORTH,
                priority=outbox.BULK,
                reply_to=said.id,
            )
    await show_programme(db, now=now)
    await calendars.follow(db, released.changes, now=now)
    await reminders.replan(db, config, now=now)
    await questions.replan(db, now=now)
    await broadcasts.follow(db, config, now=now)
    await home.refresh_recent(db, now=now)
    await outbox.refresh(db, _receipt(number - 1), now=now)  # its *Undo* is for the last version alone
    content = {"version": number, "told": told}
    await outbox.add(
        db,
        key=_receipt(number),
        kind=RECEIPT,
        lane=ORGANISERS,
        content=content,
        now=now,
        expires_at=now + WORTH,
    )


async def _close_card(db: AsyncSession, key: str, outcome: Mapping[str, Any], *, now: datetime) -> None:
    if not key or await outbox.cancel(db, key):
        return
    row = await outbox.find(db, key)
    if row is not None:
        await outbox.refresh(db, key, content={**row.content, **outcome}, now=now)


def _card(draft: Draft) -> str:
    return f"programme:draft:{draft.opened}"


def _change(number: int) -> str:
    return f"change:{number}"


def _calendar(number: int) -> str:
    return f"change:{number}:calendar"


def _receipt(number: int) -> str:
    return f"change:{number}:receipt"
