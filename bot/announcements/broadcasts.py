"""What organisers broadcast: written, looked at, approved, sent to whom it concerns, changed, taken back.

A broadcast's own row is its schedule; the copies are deliveries of one batch, made when it is due, so that
whoever subscribed meanwhile gets one too. Whoever calls has checked that `by` organises. Services take `db`
first and never commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.announcements import schedule
from bot.config import Config
from bot.delivery import outbox
from bot.errors import Invalid, NotFound, Refusal, Stale
from bot.people import Roles
from bot.programme import versions
from bot.programme.model import Programme
from bot.store.tables import Announcement, Delivery, DeliveryState, Person

KIND, RECEIPT = "announcements/broadcast", "announcements/broadcast_receipt"
LONGEST = 3_000  # characters of the text, what Slack's input takes
PARTICIPANTS, SUBSCRIBERS = "participants", "subscribers"
AUDIENCES = (PARTICIPANTS, SUBSCRIBERS, "moderators", "organisers")
WORTH = timedelta(days=1)  # how long one holds that is posted after the workshop and says no end
LISTED = 10
SOON_SENT, FEW = timedelta(seconds=5), 20  # a receipt waits that long for so few copies


class State(StrEnum):
    DRAFT = "draft"  # written; nobody is told
    DISCARDED = "discarded"
    SCHEDULED = "scheduled"  # approved; goes out at its moment
    POSTED = "posted"
    OVER = "over"  # it was shown until its end
    WITHDRAWN = "withdrawn"  # taken back, before or after it was posted
    MISSED = "missed"  # its end had come before it could be sent


CLOSED = (State.DISCARDED, State.OVER, State.WITHDRAWN, State.MISSED)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an organiser filled in; `moment` and `until` as `schedule.read` gives them."""

    text: str
    targets: tuple[str, ...]
    moment: str | None = None
    until: str | None = None
    segment_id: str | None = None
    pin: bool = False
    loud: bool = False


async def get(db: AsyncSession, number: int) -> Announcement:
    """The broadcast of that number; raises NotFound."""
    found = await db.get(Announcement, number)
    if found is None or found.kind != "broadcast":
        raise NotFound("no_such_announcement")
    return found


async def write(db: AsyncSession, config: Config, wish: Wish, *, by: Person, now: datetime) -> Announcement:
    """A new draft; nobody is told. Raises Invalid."""
    row = Announcement(kind="broadcast", state=State.DRAFT, revision=0, edited=False)
    await _fill(db, config, row, wish, by=by, now=now)
    db.add(row)
    await db.flush()
    _record(db, row, "write", by, now)
    return row


async def edit(
    db: AsyncSession, config: Config, number: int, wish: Wish, *, revision: int, by: Person, now: datetime
) -> Announcement:
    """Change a broadcast; of one that is posted the text, the end and the pin, in every copy.

    Raises Stale when somebody else changed it since `revision`, Refusal when it is over, Invalid.
    """
    row = await _locked(db, number)
    await _same(db, row, revision)
    old = _told(row)
    await _fill(db, config, row, wish, by=by, now=now)
    if row.state == State.POSTED:
        row.edited = True
        await outbox.refresh_batch(db, batch(row), now=now)
        await outbox.pin(db, _copy(row, PARTICIPANTS), row.pin, now=now)
    if row.state != State.DRAFT:
        await _receipt(db, row, now=now)
    _record(db, row, "edit", by, now, old=old)
    await db.flush()
    return row


async def post(
    db: AsyncSession,
    config: Config,
    number: int,
    *,
    revision: int,
    by: Person,
    roles: Roles,
    loud: bool = False,
    now: datetime,
) -> Announcement:
    """Approve a draft as it was previewed: it goes out now, or at its moment.

    `loud` says that @channel was confirmed; without it such a draft is refused. Raises Stale, Refusal,
    Invalid when its moment has passed meanwhile.
    """
    row = await _locked(db, number)
    if row.state != State.DRAFT:
        raise Refusal("announcement_done", state=row.state)
    await _same(db, row, revision)
    if row.loud and not loud:
        raise Refusal("announcement_loud")
    programme = await versions.current(db)
    _time(row, programme, config, now)
    _check_times(row, now)
    row.approved_by, row.revision = by.id, row.revision + 1
    _record(db, row, "post" if row.moment is None else "schedule", by, now)
    if row.moment is None:
        await _send(db, row, roles, now=now)
    else:
        row.state = State.SCHEDULED
        await _receipt(db, row, now=now)
    await db.flush()
    return row


async def discard(db: AsyncSession, number: int, *, revision: int, by: Person, now: datetime) -> Announcement:
    """Throw a draft away. Raises Stale when somebody else edited it, Refusal when it is none any more."""
    row = await _locked(db, number)
    if row.state != State.DRAFT:
        raise Refusal("announcement_done", state=row.state)
    await _same(db, row, revision)
    row.state, row.revision = State.DISCARDED, row.revision + 1
    _record(db, row, "discard", by, now)
    return row


async def withdraw(db: AsyncSession, number: int, *, by: Person, now: datetime) -> Announcement:
    """Take a broadcast back: what waits is not sent, and every copy is deleted. Doing it twice changes
    nothing. Raises Refusal for a draft."""
    row = await _locked(db, number)
    if row.state == State.WITHDRAWN:
        return row
    if row.state in (State.DRAFT, State.DISCARDED):
        raise Refusal("announcement_done", state=row.state)
    old = _told(row)
    row.state, row.revision = State.WITHDRAWN, row.revision + 1
    await outbox.withdraw_batch(db, batch(row), now=now)
    _record(db, row, "withdraw", by, now, old=old)
    await _receipt(db, row, now=now)
    await db.flush()
    return row


async def stop(db: AsyncSession, number: int, *, by: Person, now: datetime) -> int:
    """Send no further copies; those that are out stay. Returns how many were stopped."""
    row = await _locked(db, number)
    if row.state != State.POSTED:
        raise Refusal("announcement_done", state=row.state)
    stopped = await outbox.stop(db, batch(row))
    _record(db, row, "stop", by, now, new={"stopped": stopped})
    await _receipt(db, row, now=now)
    return stopped


async def replay(db: AsyncSession, person: Person, *, now: datetime) -> int:
    """Somebody joined the participants' channel: by direct message what holds, once a person and broadcast.

    Returns how many broadcasts that is.
    """
    rows = await standing(db, now=now)
    for row in rows:
        await outbox.add(
            db,
            key=_copy(row, people.lane(person)),
            kind=KIND,
            lane=people.lane(person),
            content={"announcement": row.id, "copy": "replay"},
            now=now,
            expires_at=row.expires_at,
            priority=outbox.BULK,
            batch=batch(row),
        )
    return len(rows)


async def standing(db: AsyncSession, *, now: datetime) -> Sequence[Announcement]:
    """What was announced to all participants and still holds."""
    return [
        row
        for row in await _in(db, State.POSTED)
        if PARTICIPANTS in row.targets and (row.expires_at is None or row.expires_at > now)
    ]


async def show(db: AsyncSession, number: int, *, now: datetime) -> None:
    """Draw the organisers' card anew. Raises NotFound."""
    await _receipt(db, await get(db, number), now=now)


async def follow(db: AsyncSession, config: Config, *, now: datetime) -> None:
    """The programme has changed: what is relative to it moves along. Call it after every release."""
    programme = await versions.current(db)
    for row in await _in(db, State.SCHEDULED, State.POSTED):
        before = row.not_before, row.expires_at
        _time(row, programme, config, now)
        if (row.not_before, row.expires_at) != before:
            await _receipt(db, row, now=now)


async def next_due(db: AsyncSession) -> datetime | None:
    """When the next broadcast goes out or is over; None when nothing waits."""
    waiting = await _in(db, State.SCHEDULED, State.POSTED)
    instants = [row.not_before if row.state == State.SCHEDULED else row.expires_at for row in waiting]
    return min((instant for instant in instants if instant is not None), default=None)


async def ring(db: AsyncSession, roles: Roles, *, now: datetime) -> None:
    """Send what is due and end what is over; what another process is at is left to it."""
    due = or_(
        (Announcement.state == State.SCHEDULED) & (Announcement.not_before <= now),
        (Announcement.state == State.POSTED) & (Announcement.expires_at <= now),
    )
    statement = (
        select(Announcement)
        .where(Announcement.kind == "broadcast", due)
        .order_by(Announcement.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    for row in (await db.scalars(statement)).all():
        if row.state == State.POSTED:
            row.state = State.OVER
            await outbox.pin(db, _copy(row, PARTICIPANTS), False, now=now)
            if row.until is not None:  # who gave it no end does not want it crossed out
                await outbox.refresh_batch(db, batch(row), now=now)
        elif row.expires_at is not None and row.expires_at <= now:
            row.state = State.MISSED
        else:
            await _send(db, row, roles, now=now)
            continue
        row.revision += 1
        _record(db, row, str(row.state), None, now)
        await _receipt(db, row, now=now)


async def listed(db: AsyncSession) -> Sequence[Announcement]:
    """The latest broadcasts, the newest first; discarded drafts are left out."""
    statement = (
        select(Announcement)
        .where(Announcement.kind == "broadcast", Announcement.state != State.DISCARDED)
        .order_by(Announcement.id.desc())
        .limit(LISTED)
    )
    return (await db.scalars(statement)).all()


async def latest_draft(db: AsyncSession, by: Person) -> Announcement | None:
    """The draft this person wrote or edited last."""
    statement = (
        select(Announcement)
        .where(
            Announcement.kind == "broadcast",
            Announcement.state == State.DRAFT,
            Announcement.written_by == by.id,
        )
        .order_by(Announcement.written_at.desc(), Announcement.id.desc())
        .limit(1)
    )
    return (await db.scalars(statement)).one_or_none()


async def subscribers(db: AsyncSession) -> Sequence[Person]:
    """Who has personal reminders."""
    statement = (
        select(Person)
        .where(Person.remind_minutes.is_not(None), Person.slack_id.is_not(None), Person.muted.is_(False))
        .order_by(Person.id)
    )
    return (await db.scalars(statement)).all()


async def progress(db: AsyncSession, row: Announcement) -> dict[DeliveryState, int]:
    """How many copies are in each state."""
    return await outbox.progress(db, batch(row))


async def _send(db: AsyncSession, row: Announcement, roles: Roles, *, now: datetime) -> None:
    """Make the copies: one a person, however many of its audiences they belong to."""
    row.state, row.not_before = State.POSTED, now
    lanes = []
    if PARTICIPANTS in row.targets:
        lanes.append((PARTICIPANTS, f"channel:{PARTICIPANTS}"))
    lanes += [(people.lane(person),) * 2 for person in await _addressed(db, row, roles, now=now)]
    for name, lane in lanes:
        channel = name == PARTICIPANTS
        copy = Delivery(
            key=_copy(row, name),
            batch=batch(row),
            kind=KIND,
            method="post",
            lane=lane,
            content={"announcement": row.id, "copy": "channel" if channel else "person"},
            priority=outbox.ROUTINE if channel else outbox.BULK,
            not_before=now,
            expires_at=row.expires_at,
            pin=row.pin and channel,
            state=DeliveryState.PENDING,
            created_at=now,
        )
        copy.arm(now)
        db.add(copy)
    await db.flush()
    await outbox.ring(db)
    await _receipt(db, row, now=now, wait=SOON_SENT if len(lanes) <= FEW else timedelta())


async def _addressed(db: AsyncSession, row: Announcement, roles: Roles, *, now: datetime) -> list[Person]:
    found: dict[int, Person] = {}
    if SUBSCRIBERS in row.targets:
        found |= {person.id: person for person in await subscribers(db)}
    for role, members in (("moderators", roles.moderators), ("organisers", roles.organisers)):
        if role in row.targets:
            for slack_id in sorted(members):
                person = await people.get_or_add(db, slack_id, now=now)
                found[person.id] = person
    return [found[id] for id in sorted(found) if not found[id].is_bot]


async def _fill(
    db: AsyncSession, config: Config, row: Announcement, wish: Wish, *, by: Person, now: datetime
) -> None:
    """Bring what the organiser filled in into the row; raises Invalid, and Refusal when it is closed."""
    if row.state in CLOSED:
        raise Refusal("announcement_done", state=row.state)
    text = wish.text.strip()
    if not text or len(text) > LONGEST:
        raise Invalid("too_long" if text else "empty", field="text", limit=LONGEST, length=len(text))
    row.text, row.pin, row.until = text, wish.pin, wish.until
    if row.state != State.POSTED:
        targets = [name for name in AUDIENCES if name in wish.targets]
        if not targets:
            raise Invalid("no_audience", field="targets")
        row.targets, row.moment, row.segment_id = targets, wish.moment, wish.segment_id
        if row.state == State.DRAFT:
            row.loud = wish.loud and PARTICIPANTS in targets
    row.written_by, row.written_at, row.revision = by.id, now, row.revision + 1
    _time(row, await versions.current(db), config, now)
    _check_times(row, now)


def _time(row: Announcement, programme: Programme, config: Config, now: datetime) -> None:
    """Work out when it goes out and until when it holds; what has no instant (any more) waits."""
    tz = config.workshop.tz
    if row.state != State.POSTED:
        row.not_before = now
        if row.moment is not None:
            row.not_before = schedule.instant(
                row.moment, segment_id=row.segment_id, programme=programme, tz=tz
            )
    at = row.not_before or now
    if row.until is None:
        row.expires_at = programme.ends if programme.ends > at else at + WORTH
        return
    until = schedule.instant(row.until, segment_id=row.segment_id, programme=programme, tz=tz)
    if until is not None or row.state != State.POSTED:
        row.expires_at = until


def _check_times(row: Announcement, now: datetime) -> None:
    """Raise Invalid for a moment that has passed, and for an end that comes before it."""
    posted = row.state == State.POSTED
    if not posted and row.not_before is not None and row.not_before < now:
        raise Invalid("moment_passed", field="moment", at=row.not_before)
    begins = now if posted or row.not_before is None else row.not_before
    if row.until is not None and row.expires_at is not None and row.expires_at <= begins:
        raise Invalid("until_before", field="until")


async def _receipt(
    db: AsyncSession, row: Announcement, *, now: datetime, wait: timedelta = timedelta()
) -> None:
    """Let organisers see how things stand: one card a broadcast, kept current."""
    key, content = f"{batch(row)}:receipt", {"announcement": row.id}
    if await outbox.find(db, key) is not None:
        await outbox.refresh(db, key, now=now)
        return
    await outbox.add(
        db, key=key, kind=RECEIPT, lane="channel:organisers", content=content, now=now, not_before=now + wait
    )


async def _in(db: AsyncSession, *states: State) -> Sequence[Announcement]:
    statement = (
        select(Announcement)
        .where(Announcement.kind == "broadcast", Announcement.state.in_(states))
        .order_by(Announcement.id)
    )
    return (await db.scalars(statement)).all()


async def _locked(db: AsyncSession, number: int) -> Announcement:
    statement = (
        select(Announcement)
        .where(Announcement.id == number, Announcement.kind == "broadcast")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row = (await db.scalars(statement)).one_or_none()
    if row is None:
        raise NotFound("no_such_announcement")
    return row


async def _same(db: AsyncSession, row: Announcement, revision: int) -> None:
    if row.revision != revision:
        who = await db.get(Person, row.written_by) if row.written_by is not None else None
        raise Stale("announcement_changed", by=who.slack_id if who else None, at=row.written_at)


def _record(
    db: AsyncSession,
    row: Announcement,
    deed: str,
    by: Person | None,
    now: datetime,
    *,
    old: dict[str, object] | None = None,
    new: dict[str, object] | None = None,
) -> None:
    told = new or _told(row)
    subject = f"announcement:{row.id}"
    people.record(db, actor=by, deed=f"announcement.{deed}", subject=subject, now=now, old=old, new=told)


def _told(row: Announcement) -> dict[str, object]:
    """What the audit keeps of it."""
    return {"text": row.text, "targets": list(row.targets), "state": str(row.state), "loud": row.loud}


def batch(row: Announcement) -> str:
    """The fan-out its copies belong to."""
    return f"announcement:{row.id}"


def _copy(row: Announcement, name: str) -> str:
    return f"{batch(row)}:{name}"
