"""What the bot is doing, read from the database alone: `workshop-bot status` and the metrics.

No names and no texts: numbers, states and instants.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from bot import health
from bot.delivery import outbox
from bot.programme import versions
from bot.rendering import Rendering
from bot.store.tables import Delivery, DeliveryState, Exchange, Inquiry, Person, Question, QuestionState

SHOWN = 5  # reminders to come, and failures


async def snapshot(db: AsyncSession, *, now: datetime) -> dict[str, Any]:
    """Everything `status` shows, as plain values; instants are ISO 8601, durations seconds."""
    latest = await versions.latest(db)
    programme = versions.programme_of(latest)
    oldest = await health.waiting_since(db)
    waits = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
    return {
        "at": now.isoformat(timespec="seconds"),
        "workshop": db.info["workshop_id"],
        "programme": {
            "version": latest.number,
            "released_at": latest.released_at.isoformat(timespec="seconds"),
            "status": programme.status.value,
            "draft": await versions.draft(db) is not None,
        },
        "paused": await outbox.held(db),
        "outbox": await outbox_states(db),
        "oldest_waiting_seconds": round(waits, 1),
        "to_come": [line async for line in _to_come(db, now)],
        "failed": [_failure(row) for row in await _failed(db)],
        "questions": await _counted(db, Question.state, QuestionState),
        "open_inquiries": await _number(db, Inquiry, Inquiry.state == "open"),
        "inquiries": await inquiry_outcomes(db),
        "people": await _number(db, Person, Person.slack_id.is_not(None)),
        "troubles": await _troubles(db),
    }


async def outbox_states(db: AsyncSession) -> dict[str, int]:
    """How many deliveries there are in each state, zeros too."""
    return await _counted(db, Delivery.state, DeliveryState)


async def inquiry_outcomes(db: AsyncSession) -> dict[str, int]:
    """How many inquiries ended in each way, by their word."""
    rows = await db.execute(
        select(Exchange.status, func.count()).group_by(Exchange.status).order_by(Exchange.status)
    )
    return {row[0]: row[1] for row in rows}


async def _counted(db: AsyncSession, column: InstrumentedAttribute[Any], kind: Any) -> dict[str, int]:
    rows = {row[0]: row[1] for row in await db.execute(select(column, func.count()).group_by(column))}
    return {state.value: rows.get(state, 0) for state in kind}


async def _number(db: AsyncSession, table: Any, condition: Any) -> int:
    return await db.scalar(select(func.count()).select_from(table).where(condition)) or 0


async def _to_come(db: AsyncSession, now: datetime) -> Any:
    wanted = (
        select(Delivery.not_before, Delivery.kind, func.count())
        .where(Delivery.state == DeliveryState.PENDING, Delivery.not_before > now)
        .group_by(Delivery.not_before, Delivery.kind)
        .order_by(Delivery.not_before, Delivery.kind)
        .limit(SHOWN)
    )
    for at, kind, number in await db.execute(wanted):
        yield {"at": at.isoformat(timespec="seconds"), "kind": kind, "messages": number}


async def _failed(db: AsyncSession) -> list[Delivery]:
    statement = (
        select(Delivery)
        .where(Delivery.state == DeliveryState.FAILED)
        .order_by(Delivery.id.desc())
        .limit(SHOWN)
    )
    return list((await db.scalars(statement)).all())


def _failure(row: Delivery) -> dict[str, Any]:
    return {"delivery": row.id, "kind": row.kind, "lane": row.lane, "reason": row.last_error}


async def _troubles(db: AsyncSession) -> list[dict[str, Any]]:
    """What organisers were told is wrong, and not yet that it is over."""
    told = select(Delivery).where(Delivery.kind.in_((health.TROUBLE, health.OVER))).order_by(Delivery.id)
    latest = {row.batch: row for row in (await db.scalars(told)).all()}
    return [
        {key: row.content.get(key) for key in ("part", "where", "since", "reason")}
        for row in latest.values()
        if row.kind == health.TROUBLE
    ]


def shown(found: dict[str, Any], rendering: Rendering) -> Group:
    """The snapshot as people read it on a terminal."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in _lines(found, rendering):
        table.add_row(name, Text(value, style="red" if name in ("trouble", "failed", "paused") else ""))
    return Group(table)


def _lines(found: dict[str, Any], rendering: Rendering) -> Iterator[tuple[str, str]]:
    def local(instant: str) -> str:
        return rendering.in_words(datetime.fromisoformat(instant))

    programme = found["programme"]
    yield "now", f"{local(found['at'])} · {found['workshop']}"
    draft = "; a draft waits for release" if programme["draft"] else ""
    yield "programme", f"version {programme['version']}, {programme['status']}{draft}"
    if found["paused"]:
        yield "paused", "nothing is posted until `/workshop resume`"
    for each in found["troubles"]:
        where = f" ({each['where']})" if each["where"] else ""
        yield "trouble", f"{each['part']}{where} since {local(each['since'])}: {each['reason']}"
    yield "outbox", _counts(found["outbox"])
    yield "oldest waiting", f"{found['oldest_waiting_seconds']:.0f} s"
    for each in found["failed"]:
        yield "failed", f"{each['kind']} to {each['lane']}: {each['reason']}"
    for each in found["to_come"]:
        times = f" x {each['messages']}" if each["messages"] > 1 else ""
        yield "to come", f"{local(each['at'])}  {each['kind']}{times}"
    yield "questions", _counts(found["questions"])
    yield "inquiries", f"{found['open_inquiries']} wait for an organiser; {_counts(found['inquiries'])}"
    yield "people", str(found["people"])


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "none"
