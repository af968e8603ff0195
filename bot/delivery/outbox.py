"""The outbox: what must reach people, as rows written in the caller's own transaction.

A row's key says what the message is, and no key is ever posted twice; whoever repeats himself changes
nothing. The sender (`bot.delivery.sender`) posts the rows once they are committed.

Lanes say where to: "channel:<key>" (a key of the configuration's `channels`), "person:<number>" (their
direct messages, see `people.lane`), or the id of a conversation ("C…", "D…", "G…").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables import Delivery, DeliveryState, Person, Switch

# What stands for many others, such as a count of what waits; what somebody works with, such as a card with
# buttons; what somebody waits for; all else; fan-outs.
FOREMOST, IMMEDIATE, URGENT, ROUTINE, BULK = 1, 5, 10, 50, 90
SWITCH = "outgoing"  # its value "paused" holds back everything the sender would say
CHANNEL = "workshop_outbox"  # what PostgreSQL is told to notify
FAILURE_NOTICE = "delivery/failed"  # tells organisers of messages that failed: `content["deliveries"]`
PARENT_NOT_SENT = "the message it answers is not there"

_LANE = re.compile(r"channel:[a-z][a-z0-9_-]*|person:\d+|[CDG][A-Z0-9]{1,30}")


async def add(
    db: AsyncSession,
    *,
    key: str,
    kind: str,
    lane: str,
    content: Mapping[str, Any] | None = None,
    now: datetime,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int = ROUTINE,
    thread_ts: str | None = None,
    reply_to: int | None = None,
    pin: bool = False,
    method: str = "post",
    batch: str | None = None,
) -> Delivery:
    """Put one message into the outbox; with a key that is there already, give back that row unchanged.

    `content` is JSON and becomes template values when the message is sent. From `expires_at` on the
    message is dropped instead of posted. `reply_to` is the id of another delivery, in whose thread it
    goes once that one is posted; when that one never is, this one is dropped. `method` "home" publishes a
    Home view instead. `batch` names a fan-out, for `progress` and `stop`. Raises ValueError for a lane
    that is none.
    """
    row, _ = await _add(
        db,
        key=key,
        kind=kind,
        lane=lane,
        content=content,
        now=now,
        not_before=not_before,
        expires_at=expires_at,
        priority=priority,
        thread_ts=thread_ts,
        reply_to=reply_to,
        pin=pin,
        method=method,
        batch=batch,
    )
    return row


async def want(
    db: AsyncSession,
    *,
    key: str,
    kind: str,
    lane: str,
    content: Mapping[str, Any] | None = None,
    now: datetime,
    method: str = "post",
    priority: int = ROUTINE,
) -> Delivery:
    """Let this be what people see under that key: posted the first time, edited in place from then on."""
    row, new = await _add(
        db, key=key, kind=kind, lane=lane, content=content, now=now, method=method, priority=priority
    )
    if not new:
        await refresh(db, key, content=content, now=now)
    return row


async def find(db: AsyncSession, key: str) -> Delivery | None:
    """The row of that key, or None."""
    return (await db.scalars(select(Delivery).where(Delivery.key == key))).one_or_none()


async def refresh(
    db: AsyncSession,
    key: str,
    *,
    content: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Have the message shown anew: an edit becomes due if it is in Slack, else it is posted as it is then.

    However often this is called before the sender comes to it, one edit follows. Unknown keys are ignored.
    """
    row = await _locked(db, Delivery.key == key)
    if row is None:
        return
    if content is not None:
        row.content = dict(content)
    row.revision += 1
    if row.method == "home" and row.state is DeliveryState.FAILED:
        row.state = DeliveryState.PENDING  # a view is never given up for good
        row.arm(now)
    elif row.state is DeliveryState.SENT:
        row.want_edit(now)
    await ring(db)


async def touch(db: AsyncSession, key: str, *, now: datetime) -> None:
    """Have the message shown anew when no other edit waits: for one, a count that grows with every vote.

    Slack allows fifty edits a minute. Unknown keys are ignored.
    """
    await _touch(db, Delivery.key == key, now=now)


async def touch_all(db: AsyncSession, keys: Collection[str], *, now: datetime) -> set[str]:
    """`touch` for many at once, except those that another transaction has in hand: their keys are returned.

    So this waits for nobody, and may take them in any order.
    """
    there = select(Delivery.key).where(Delivery.key.in_(keys))
    known = set(await db.scalars(there))
    free = set(await db.scalars(there.with_for_update(skip_locked=True)))
    await _touch(db, Delivery.key.in_(free), now=now)
    return known - free


async def _touch(db: AsyncSession, which: ColumnElement[bool], *, now: datetime) -> None:
    idle = and_(Delivery.state == DeliveryState.SENT, Delivery.task.is_(None))
    await db.execute(
        update(Delivery)
        .where(which)
        .values(
            revision=Delivery.revision + 1,
            task=case((idle, "retouch"), else_=Delivery.task),
            due_at=case((idle, now), else_=Delivery.due_at),
        )
        .execution_options(synchronize_session=False)
    )
    await ring(db)


async def move(db: AsyncSession, key: str, *, not_before: datetime, expires_at: datetime | None) -> bool:
    """Give a message that still waits another time; False when it does not wait (any more)."""
    row = await _locked(db, Delivery.key == key)
    if row is None or row.state is not DeliveryState.PENDING:
        return False
    row.not_before, row.expires_at = not_before, expires_at
    if row.due_at is not None:  # None: it waits for the message it answers
        row.due_at = not_before
    await ring(db)
    return True


async def cancel(db: AsyncSession, key: str) -> bool:
    """Take back a message that still waits; False when it does not wait (any more)."""
    row = await _locked(db, Delivery.key == key)
    if row is None or row.state is not DeliveryState.PENDING:
        return False
    await close(db, row, DeliveryState.CANCELLED, None)
    return True


async def withdraw(db: AsyncSession, key: str, *, now: datetime) -> None:
    """Have the message gone: deleted from Slack if it is there, cancelled if it is not.

    Unknown keys are ignored.
    """
    row = await _locked(db, Delivery.key == key)
    if row is None:
        return
    row.withdrawn = True
    if row.state in (DeliveryState.PENDING, DeliveryState.FAILED):
        await close(db, row, DeliveryState.CANCELLED, row.last_error)
    elif row.state is DeliveryState.SENT:
        row.upkeep_attempts = 0
        row.arm(now)
    await ring(db)


async def pin(db: AsyncSession, key: str, wanted: bool, *, now: datetime | None = None) -> None:
    """Have the message pinned in its channel, or no longer. Unknown keys are ignored."""
    row = await _locked(db, Delivery.key == key)
    if row is None:
        return
    if row.state is DeliveryState.SENT and row.pin != wanted:
        row.pinned = not wanted  # Slack may have done what was wished before, and nobody lived to record it
    row.pin = wanted
    if row.state is DeliveryState.SENT:
        row.upkeep_attempts = 0
        row.arm(now or row.not_before)
    await ring(db)


async def retry(db: AsyncSession, delivery_id: int, *, now: datetime) -> bool:
    """Have a message that was given up sent after all (the *Try again* button); False when it is not one.

    The id of a notice of failures stands for everything that it lists. When the last attempt's outcome was
    never learnt, Slack is searched before anything is posted.
    """
    row = await _locked(db, Delivery.id == delivery_id)
    if row is not None and row.kind == FAILURE_NOTICE:
        # Only what failed is locked: the sender may be telling this very notice of the others.
        failed = select(Delivery.id).where(
            Delivery.id.in_(row.content["deliveries"]), Delivery.state == DeliveryState.FAILED
        )
        tried = [await retry(db, each, now=now) for each in (await db.scalars(failed)).all()]
        await refresh(db, row.key, now=now)
        return any(tried)
    if row is None or row.state is not DeliveryState.FAILED:
        return False
    if row.expires_at is not None and row.expires_at <= now:
        row.expires_at = None  # a person wants it now
    row.attempts = row.looks = 0
    row.cursor = None
    if row.attempt_at is not None:
        row.state, row.task, row.due_at = DeliveryState.SENDING, "look", now
    else:
        row.state = DeliveryState.PENDING
        row.arm(now)
    await _revive_replies(db, row)
    await ring(db)
    return True


async def pending(db: AsyncSession, now: datetime) -> Sequence[Delivery]:
    """What should be in Slack by now and is not, in the order in which it will be sent."""
    statement = (
        select(Delivery)
        .where(Delivery.state.in_((DeliveryState.PENDING, DeliveryState.SENDING)), Delivery.not_before <= now)
        .order_by(Delivery.priority, Delivery.not_before, Delivery.id)
    )
    return (await db.scalars(statement)).all()


async def outstanding(db: AsyncSession) -> Sequence[Delivery]:
    """Everything not yet in Slack, planned messages too, by time."""
    statement = (
        select(Delivery)
        .where(Delivery.state.in_((DeliveryState.PENDING, DeliveryState.SENDING)))
        .order_by(Delivery.not_before, Delivery.priority, Delivery.id)
    )
    return (await db.scalars(statement)).all()


async def progress(db: AsyncSession, batch: str) -> dict[DeliveryState, int]:
    """How many messages of a fan-out are in each state; states without any are left out."""
    statement = (
        select(Delivery.state, func.count())
        .where(Delivery.batch == batch)
        .group_by(Delivery.state)
        .order_by(Delivery.state)
    )
    return {row[0]: row[1] for row in await db.execute(statement)}


async def stop(db: AsyncSession, batch: str) -> int:
    """Cancel what of a fan-out still waits; returns how many.

    A post that is under way cannot be called back; one that turns out not to have arrived is not repeated.
    """
    rows = await _locked_batch(db, batch)
    waiting = [row for row in rows if row.state is DeliveryState.PENDING]
    for row in rows:
        if row.state is DeliveryState.SENDING:
            row.expires_at = row.attempt_at
    await _cancel_all(db, batch, waiting)
    return len(waiting)


async def refresh_batch(db: AsyncSession, batch: str, *, now: datetime) -> None:
    """`refresh` for every message of a fan-out."""
    for row in await _locked_batch(db, batch):
        row.revision += 1
        if row.state is DeliveryState.SENT:
            row.want_edit(now)
    await ring(db)


async def withdraw_batch(db: AsyncSession, batch: str, *, now: datetime) -> None:
    """`withdraw` for every message of a fan-out."""
    rows = await _locked_batch(db, batch)
    for row in rows:
        row.withdrawn = True
        if row.state is DeliveryState.SENT:
            row.upkeep_attempts = 0
            row.arm(now)
    unsent = (DeliveryState.PENDING, DeliveryState.FAILED)
    await _cancel_all(db, batch, [row for row in rows if row.state in unsent])
    await ring(db)


async def hold(db: AsyncSession, paused: bool, *, now: datetime, by: int | None = None) -> None:
    """Hold everything back, or let it go again; `by` is the number of the person who says so."""
    switch = await db.get(Switch, (db.info["workshop_id"], SWITCH), with_for_update=True)
    if switch is None:
        switch = Switch(name=SWITCH, value="", changed_at=now)
        db.add(switch)
    switch.value, switch.changed_by, switch.changed_at = "paused" if paused else "open", by, now
    await ring(db)


async def held(db: AsyncSession) -> bool:
    """Whether everything is held back."""
    statement = select(Switch.value).where(Switch.name == SWITCH)
    return (await db.scalars(statement)).one_or_none() == "paused"


async def ring(db: AsyncSession) -> None:
    """Wake every sender when this transaction commits: this process's, and on PostgreSQL the replicas'."""
    if db.info.get("outbox"):
        return
    db.info["outbox"] = True  # `Database.begin` tells this process's listeners
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


async def close_replies(db: AsyncSession, *parents: int) -> None:
    """Drop what was to answer messages that will not be posted."""
    replies = await db.scalars(
        select(Delivery).where(Delivery.reply_to.in_(parents), Delivery.state == DeliveryState.PENDING)
    )
    for reply in replies.all():
        await close(db, reply, DeliveryState.DROPPED, PARENT_NOT_SENT)


async def release_replies(db: AsyncSession, parent: Delivery) -> None:
    """Let go what waited for a message that is in Slack now."""
    await db.execute(
        update(Delivery)
        .where(Delivery.reply_to == parent.id, Delivery.state == DeliveryState.PENDING)
        .values(task="post", due_at=Delivery.not_before, thread_ts=parent.ts, channel=parent.channel)
    )


async def _add(
    db: AsyncSession,
    *,
    key: str,
    kind: str,
    lane: str,
    content: Mapping[str, Any] | None,
    now: datetime,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int,
    thread_ts: str | None = None,
    reply_to: int | None = None,
    pin: bool = False,
    method: str,
    batch: str | None = None,
) -> tuple[Delivery, bool]:
    """The row of that key, and whether it is new."""
    if not _LANE.fullmatch(lane):
        raise ValueError(f"{lane!r} is no lane")
    parent = await _parent(db, reply_to)
    values: dict[str, Any] = {
        "workshop_id": db.info["workshop_id"],
        "key": key,
        "batch": batch,
        "kind": kind,
        "method": method,
        "lane": await _same_lane(db, lane),
        "thread_ts": thread_ts,
        "reply_to": reply_to,
        "content": dict(content or {}),
        "priority": priority,
        "not_before": not_before or now,
        "expires_at": expires_at,
        "pin": pin,
        "state": DeliveryState.PENDING,
        "task": "home" if method == "home" else "post",
        "due_at": max(now, not_before or now),
        "created_at": now,
    }
    if parent is not None:
        values |= _as_reply(parent)
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Delivery).values(**values).on_conflict_do_nothing().returning(Delivery)
    row = (await db.scalars(statement)).one_or_none()
    if row is not None:
        await ring(db)
        return row, True
    row = await find(db, key)
    assert row is not None, "the key was taken, so its row is there"  # noqa: S101
    return row, False


async def _revive_replies(db: AsyncSession, parent: Delivery) -> None:
    await db.execute(
        update(Delivery)
        .where(
            Delivery.reply_to == parent.id,
            Delivery.state == DeliveryState.DROPPED,
            Delivery.last_error == PARENT_NOT_SENT,
        )
        .values(state=DeliveryState.PENDING, last_error=None, task=None, due_at=None)
    )


async def close(db: AsyncSession, row: Delivery, state: DeliveryState, reason: str | None) -> None:
    """End a row that is not in Slack, and drop what was to answer it."""
    row.state, row.last_error, row.task, row.due_at = state, reason, None, None
    await db.flush()
    await close_replies(db, row.id)


async def _locked(db: AsyncSession, condition: Any) -> Delivery | None:
    """The row as it is now, kept from the sender until this transaction ends."""
    statement = select(Delivery).where(condition).with_for_update().execution_options(populate_existing=True)
    return (await db.scalars(statement)).one_or_none()


async def _locked_batch(db: AsyncSession, batch: str) -> Sequence[Delivery]:
    statement = select(Delivery).where(Delivery.batch == batch).order_by(Delivery.id)
    return (await db.scalars(statement.with_for_update().execution_options(populate_existing=True))).all()


async def _cancel_all(db: AsyncSession, batch: str, rows: Sequence[Delivery]) -> None:
    """`close` for many rows of one fan-out at once."""
    for row in rows:
        row.state, row.task, row.due_at = DeliveryState.CANCELLED, None, None
    await db.flush()
    ended = select(Delivery.id).where(Delivery.batch == batch, Delivery.state == DeliveryState.CANCELLED)
    replies = await db.scalars(
        select(Delivery).where(Delivery.reply_to.in_(ended), Delivery.state == DeliveryState.PENDING)
    )
    for reply in replies.all():
        await close(db, reply, DeliveryState.DROPPED, PARENT_NOT_SENT)


async def _parent(db: AsyncSession, delivery_id: int | None) -> Delivery | None:
    if delivery_id is None:
        return None
    # Locked, so that it cannot be posted between this look at it and our commit: we would wait for ever.
    parent = await _locked(db, Delivery.id == delivery_id)
    if parent is None:
        raise ValueError(f"there is no delivery {delivery_id} to reply to")
    return parent


def _as_reply(parent: Delivery) -> dict[str, Any]:
    if parent.state is DeliveryState.SENT and not parent.withdrawn:
        return {"thread_ts": parent.ts, "channel": parent.channel}
    waits: dict[str, Any] = {"task": None, "due_at": None}
    if parent.withdrawn or parent.state not in (DeliveryState.PENDING, DeliveryState.SENDING):
        waits |= {"state": DeliveryState.DROPPED, "last_error": PARENT_NOT_SENT}
    return waits


async def _same_lane(db: AsyncSession, lane: str) -> str:
    """A direct message's conversation, by the person's own lane, so that order and pace are kept."""
    if not lane.startswith("D"):
        return lane
    person = (await db.scalars(select(Person.id).where(Person.dm == lane))).first()
    return lane if person is None else f"person:{person}"
