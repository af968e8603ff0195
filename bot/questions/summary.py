"""What participants are told at the end: how many questions, what was taken, why the rest was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables import Question, QuestionState

KEY, KIND = "questions:summary", "questions/summary"
REASONS = 8  # the most frequent ones are told
_Q = QuestionState


async def values(db: AsyncSession, _content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """Numbers and reasons; no words of a question that participants have not seen, and no names."""
    rows = (
        await db.execute(
            select(Question.number, Question.state, Question.reason, Question.assigned_to)
            .where(Question.state != _Q.WITHDRAWN)
            .order_by(Question.number)
        )
    ).all()
    reasons = Counter(row.reason for row in rows if row.state is _Q.DECLINED and row.reason)
    following = [row for row in rows if row.state in (_Q.DEFERRED, _Q.PUBLISHED, _Q.QUEUED)]
    return {
        "asked": len(rows),
        "answered": [row.number for row in rows if row.state is _Q.ANSWERED],
        "following": [(row.number, row.assigned_to) for row in following],
        "declined": sum(row.state is _Q.DECLINED for row in rows),
        "reasons": sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:REASONS],
        "merged": sum(row.state is _Q.MERGED for row in rows),
        "waiting": sum(row.state in (_Q.RECEIVED, _Q.HELD) for row in rows),
    }
