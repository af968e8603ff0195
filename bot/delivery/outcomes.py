"""What a call to Slack came to, and what its row becomes: the only place where a row's fate is written."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery import outbox, retry
from bot.delivery.retry import Decision, Done, Fault, GiveUp, LookFirst, NeedsPerson, Retry
from bot.store.tables import Delivery, DeliveryState, Person

log = logging.getLogger(__name__)

NOT_WANTED = "not wanted any more"

OnFailure = Callable[[AsyncSession, Delivery, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sent:
    """The message is in Slack: posted just now, or found there."""

    channel: str
    ts: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """Slack shows that revision of the message or Home view."""

    revision: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The message is deleted."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The message is pinned, or it no longer is."""

    value: bool


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Nothing was called: what the message was about is over."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One page of the conversation held no such message; `cursor` leads to the next page, None: all seen."""

    channel: str
    cursor: str | None


Outcome = Sent | Shown | Gone | Pinned | Unwanted | Searched | Fault


async def record(
    db: AsyncSession, row: Delivery, outcome: Outcome, *, now: datetime, on_failure: OnFailure | None
) -> str:
    """Write what came of one piece of work; returns the word it is counted by."""
    match outcome:
        case Sent(channel, ts, found):
            return await _sent(db, row, channel, ts, found=found, now=now)
        case Shown(revision):
            if row.state is DeliveryState.PENDING:
                row.state, row.sent_at = DeliveryState.SENT, now
            row.shown, row.last_error = revision, None
            return _settled(row, now, "shown")
        case Gone():
            row.state, row.pinned = DeliveryState.WITHDRAWN, False
            await outbox.close_replies(db, row.id)
            return _settled(row, now, "withdrawn")
        case Pinned(value):
            row.pinned = value
            return _settled(row, now, "pinned" if value else "unpinned")
        case Unwanted():
            return await _unwanted(db, row, now)
        case Searched(channel, cursor):
            row.channel, row.cursor = channel, cursor
            return await _searched(db, row, now, on_failure)
        case Fault():
            return await _failed(db, row, outcome, now, on_failure)


def decision(row: Delivery, fault: Fault, now: datetime) -> Decision:
    """What `retry.decide` says, at this row's count of attempts."""
    counted = row.attempts if fault.task == "post" else row.upkeep_attempts + 1
    return retry.decide(counted, fault, now)


async def _sent(db: AsyncSession, row: Delivery, channel: str, ts: str, *, found: bool, now: datetime) -> str:
    if row.state is DeliveryState.SENT:
        if row.ts != ts:
            log.error("delivery %d is in Slack twice: %s and %s", row.id, row.ts, ts)
        return "late"
    row.state, row.channel, row.ts = DeliveryState.SENT, channel, ts
    row.sent_at = datetime.fromtimestamp(float(ts), UTC) if found else now
    row.attempt_at, row.cursor, row.last_error = None, None, None
    await _remember_conversation(db, row, channel)
    await outbox.release_replies(db, row)
    return _settled(row, now, "found" if found else "sent")


async def _remember_conversation(db: AsyncSession, row: Delivery, channel: str) -> None:
    kind, _, number = row.lane.partition(":")
    if kind == "person" and channel.startswith("D"):
        unknown = update(Person).where(Person.id == int(number), Person.dm.is_(None))
        await db.execute(unknown.values(dm=channel))


def _settled(row: Delivery, now: datetime, word: str) -> str:
    row.upkeep_attempts = 0
    row.arm(now)
    return word


async def _unwanted(db: AsyncSession, row: Delivery, now: datetime) -> str:
    if row.state is DeliveryState.SENT:  # what is there stays as it is
        row.shown = row.revision
        return _settled(row, now, "kept")
    row.attempt_at = None
    await outbox.close(db, row, DeliveryState.DROPPED, NOT_WANTED)
    return "dropped"


async def _searched(db: AsyncSession, row: Delivery, now: datetime, on_failure: OnFailure | None) -> str:
    row.upkeep_attempts = 0
    if row.cursor is not None:
        row.due_at = now
        return "searching"
    row.looks += 1
    ended = row.last_error in retry.UNKNOWN
    at = retry.next_look(row.attempt_at or now, row.looks, now, ended=ended)
    if at is not None:
        row.due_at = at
        return "not_found"
    if not ended:
        return await _failed(db, row, Fault("cut_off"), now, on_failure)
    blameless = row.attempts >= retry.MOST_ATTEMPTS and await _outage(db, row)
    return await _failed(db, row, Fault("outage" if blameless else "lost"), now, on_failure)


async def _outage(db: AsyncSession, row: Delivery) -> bool:
    """Whether Slack took no message of anybody's in the time before this row's attempt."""
    if row.attempt_at is None:
        return False
    since = row.attempt_at - retry.OUTAGE_SEEN_WITHIN
    taken = select(Delivery.id).where(
        Delivery.method == "post", Delivery.sent_at > since, Delivery.sent_at <= row.attempt_at
    )
    return (await db.scalars(taken.limit(1))).first() is None


async def _failed(
    db: AsyncSession, row: Delivery, fault: Fault, now: datetime, on_failure: OnFailure | None
) -> str:
    decided = decision(row, fault, now)
    if fault.task == "look":
        return await _look_failed(db, row, fault, decided, on_failure, now)
    if fault.task == "post":
        return await _post_failed(db, row, decided, on_failure, now)
    return await _upkeep_failed(db, row, fault, decided, on_failure, now)


async def _post_failed(
    db: AsyncSession, row: Delivery, decided: Decision, on_failure: OnFailure | None, now: datetime
) -> str:
    if isinstance(decided, LookFirst):
        row.last_error, row.task, row.due_at = decided.reason, "look", decided.at
        row.looks, row.cursor = 0, None
        return "unknown"
    row.attempt_at, row.cursor = None, None  # its outcome is known: it is not in Slack
    if row.withdrawn:
        await outbox.close(db, row, DeliveryState.CANCELLED, row.last_error)
        return "cancelled"
    if isinstance(decided, Retry):
        row.state, row.task, row.due_at = DeliveryState.PENDING, "post", decided.at
        row.last_error = decided.reason
        if decided.whole_method or decided.reason in (*retry.UNREACHED, "cut_off"):
            row.attempts -= 1  # the message is not to blame
        return "limited" if decided.whole_method else "retried"
    return await _give_up(db, row, decided, on_failure, now)


async def _look_failed(
    db: AsyncSession,
    row: Delivery,
    fault: Fault,
    decided: Decision,
    on_failure: OnFailure | None,
    now: datetime,
) -> str:
    if fault.code == "invalid_cursor":
        row.cursor = None
    if isinstance(decided, Retry):
        row.due_at = decided.at
        return _count_failure(row, decided)
    return await _give_up(db, row, decided, on_failure, now)  # `attempt_at` stays: it may be in Slack


async def _upkeep_failed(
    db: AsyncSession,
    row: Delivery,
    fault: Fault,
    decided: Decision,
    on_failure: OnFailure | None,
    now: datetime,
) -> str:
    match decided:
        case Retry():
            row.due_at, row.last_error = decided.at, decided.reason
            return _count_failure(row, decided)
        case Done() if fault.task == "delete":
            return await record(db, row, Gone(), now=now, on_failure=on_failure)
        case Done():
            return await record(db, row, Pinned(row.pin), now=now, on_failure=on_failure)
        case GiveUp(reason) | NeedsPerson(reason):
            return await _give_up_upkeep(db, row, fault, reason, on_failure, now)
        case LookFirst():
            raise AssertionError("only a post is looked for")


async def _give_up_upkeep(
    db: AsyncSession, row: Delivery, fault: Fault, reason: str, on_failure: OnFailure | None, now: datetime
) -> str:
    """Stop wishing for what cannot be: the message stays as Slack shows it, and a person hears of it."""
    row.last_error = reason
    if fault.task == "home":
        if row.state is DeliveryState.PENDING:
            row.state = DeliveryState.FAILED
        row.shown = row.revision
        return _settled(row, now, "failed")
    if fault.task == "update":
        row.shown = row.revision
    elif fault.task == "delete":
        row.withdrawn = False
    else:
        row.pin = row.pinned
    await _tell(db, row, on_failure, now)
    return _settled(row, now, "failed")


async def _give_up(
    db: AsyncSession, row: Delivery, decided: Decision, on_failure: OnFailure | None, now: datetime
) -> str:
    assert isinstance(decided, GiveUp | NeedsPerson)  # noqa: S101 - all a failed post can come to here
    parent = await db.get(Delivery, row.reply_to) if row.reply_to else None
    if decided.reason == "thread_not_found" and parent is not None and parent.withdrawn:
        await outbox.close(db, row, DeliveryState.DROPPED, outbox.PARENT_NOT_SENT)
        return "dropped"
    await outbox.close(db, row, DeliveryState.FAILED, decided.reason)
    await _tell(db, row, on_failure, now)
    return "failed"


async def _tell(db: AsyncSession, row: Delivery, on_failure: OnFailure | None, now: datetime) -> None:
    log.error("delivery %d (%s) to %s failed: %s", row.id, row.kind, row.lane, row.last_error)
    if on_failure is None:
        return
    try:
        async with db.begin_nested():
            await on_failure(db, row, now)
    except Exception:  # whatever it is, the failure itself must be recorded
        log.exception("nobody could be told that delivery %d failed", row.id)


def _count_failure(row: Delivery, decided: Retry) -> str:
    if decided.whole_method:
        return "limited"
    row.upkeep_attempts += 1
    return "retried"
