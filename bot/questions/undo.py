"""Undoing: the latest deed of a question is taken back by who did it, while nothing has happened since."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import Refusal
from bot.questions import life, messages
from bot.questions.deeds import AUTHORS, Deed, check_role
from bot.questions.picture import Standing, standing
from bot.store.tables import Deed as AuditLine
from bot.store.tables import Person, Question, QuestionState, Stage

_UNDOABLE = {f"question.{deed}": deed for deed in Deed}

_MODERATORS = [name for name, deed in _UNDOABLE.items() if deed not in AUTHORS]


async def undoable(db: AsyncSession, numbers: Sequence[int]) -> set[int]:
    """Which of these questions a moderator's deed was the latest change of: who did it may take it back."""
    subjects = {f"question:{number}": number for number in numbers}
    last = (
        select(func.max(AuditLine.id))
        .where(AuditLine.subject.in_(sorted(subjects)), AuditLine.deed.in_(life.CHANGES))
        .group_by(AuditLine.subject)
    )
    statement = select(AuditLine.subject).where(AuditLine.id.in_(last), AuditLine.deed.in_(_MODERATORS))
    return {subjects[name] for name in await db.scalars(statement)}


async def undo(
    db: AsyncSession,
    number: int,
    *,
    by: Person,
    moderates: bool,
    now: datetime,
    revision: int | None = None,
) -> Question:
    """Restore question `number` to what it was before this person's deed; returns it.

    A place on the stage that somebody else took meanwhile is not taken back: the question is queued then.
    What the same press did to another question is taken back too.
    Raises NotFound, NotAllowed, Stale, and Refusal("nothing_to_undo").
    """
    question, stage = await life.hold(db, number)
    if revision is not None and revision != question.revision:
        raise await life.stale(db, question, stage)
    line = await life.latest(db, question)
    deed = _UNDOABLE.get(line.deed) if line else None
    if line is None or deed is None or line.actor_id != by.id:
        raise Refusal("nothing_to_undo", number=number)
    check_role(deed, question, by=by, moderates=moderates)
    was, became = line.old or {}, line.new or {}

    before, after = standing(question, stage), Standing(was["standing"])
    old = life.fields(question)
    _restore(question, was)
    await _bring_back(db, question, became, by=by, now=now)
    if (after is Standing.ON_STAGE and stage.current_id not in (None, question.id)) or (
        after is Standing.NEXT and stage.next_id not in (None, question.id)
    ):
        after = Standing.QUEUED
    question.revision += 1
    await life.stand(db, question, stage, after, by=by, now=now)
    await _return_displaced(db, stage, became, place=before, by=by, now=now)
    life.record(
        db,
        question,
        "undo",
        by=by,
        now=now,
        before=before,
        after=after,
        old=old,
        extra={"undone": str(deed)},
    )
    await messages.changed(db, question, before=before, after=after, now=now, quiet=True)
    if became.get("along_with") is not None:
        with contextlib.suppress(Refusal):  # that one has gone on meanwhile
            await undo(db, became["along_with"], by=by, moderates=moderates, now=now)
    return question


def _restore(question: Question, was: dict[str, Any]) -> None:
    for name in life.FIELDS:
        if name in was:
            value = was[name]
            if name == "decided_at" and value is not None:
                value = datetime.fromisoformat(value)
            setattr(question, name, value)


async def _bring_back(
    db: AsyncSession, question: Question, became: dict[str, Any], *, by: Person, now: datetime
) -> None:
    """Point what a merge had brought along to this question again, unless it has gone elsewhere since."""
    merged = Standing.MERGED
    for number in became.get("brought", []):
        child = await life.get(db, number)
        if child.state is QuestionState.MERGED and child.merged_into == became.get("merged_into"):
            child.merged_into, child.revision = question.id, child.revision + 1
            life.record_move(db, child, "carry", by=by, now=now, before=merged, after=merged)


async def _return_displaced(
    db: AsyncSession, stage: Stage, became: dict[str, Any], *, place: Standing, by: Person, now: datetime
) -> None:
    """Give the place back to whom the undone deed had displaced, if that one still waits and it is free."""
    if became.get("displaced") is None:
        return
    other = await life.get(db, became["displaced"])
    free = stage.current_id is None if place is Standing.ON_STAGE else stage.next_id is None
    if not free or standing(other, stage) is not Standing.QUEUED:
        return
    other.revision += 1
    await life.stand(db, other, stage, place, by=by, now=now)
    life.record_move(db, other, "return", by=by, now=now, before=Standing.QUEUED, after=place)
    await messages.changed(db, other, before=Standing.QUEUED, after=place, now=now, quiet=True)
