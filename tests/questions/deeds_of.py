"""Who does what in the tests: people by Slack id, deeds in transactions of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.questions import life
from bot.questions.deeds import Deed, Wish
from bot.questions.picture import Standing, standing
from bot.store.engine import Database
from bot.store.tables import Delivery, Person, Question, Stage

NAMES = {
    "UANA": "Ana Lima",
    "UBEN": "Ben Okoro",
    "UMOD": "Mona Diaz",
    "UMAX": "Max Roth",
    "UEVE": "Eve Stone",
}
Do = Callable[..., Awaitable[Question]]


async def person(db: AsyncSession, slack_id: str, *, now: datetime) -> Person:
    met = await people.get_or_add(db, slack_id, now=now)
    met.name = NAMES.get(slack_id)
    return met


def doing(database: Database, *, now: datetime) -> Do:
    async def do(
        deed: Deed,
        number: int,
        *,
        by: str = "UMOD",
        moderates: bool = True,
        revision: int | None = None,
        at: datetime = now,
        **wish: object,
    ) -> Question:
        async with database.begin() as db:
            actor = await person(db, by, now=at)
            return await life.do(
                db, deed, number, by=actor, moderates=moderates, now=at, revision=revision, wish=Wish(**wish)
            )

    return do


async def standing_of(database: Database, number: int) -> Standing:
    async with database.read() as db:
        question = await life.get(db, number)
        stage = (await db.scalars(select(Stage).where(Stage.segment_id == question.segment_id))).one_or_none()
        return standing(question, stage)


async def deliveries(database: Database, prefix: str = "") -> dict[str, Delivery]:
    """The outbox rows whose key starts so, by key."""
    async with database.read() as db:
        rows = (await db.scalars(select(Delivery).order_by(Delivery.id))).all()
    return {row.key: row for row in rows if row.key.startswith(prefix)}
