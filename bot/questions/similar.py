"""Questions that ask much the same: offered before a submission, and to moderators who merge.

Compared offline by words in any order (rapidfuzz); 5,000 questions take a few tens of milliseconds.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

import regex
from rapidfuzz import fuzz, process
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.tables import Person, Question, QuestionState

ALIKE = 72  # of 100; below it, most pairs ask different things
OFFERED = 3
COMPARED = (QuestionState.PUBLISHED, QuestionState.QUEUED)
COMPARED_BY_MODERATORS = (*COMPARED, QuestionState.RECEIVED, QuestionState.HELD)


@dataclass(frozen=True, slots=True)
class Alike:
    """A question that asks much the same; `score` is 0 to 100."""

    number: int
    text: str
    score: int


async def find(
    db: AsyncSession,
    text: str,
    *,
    segment_id: str,
    not_by: Person | None = None,
    states: tuple[QuestionState, ...] = COMPARED,
    other_than: int | None = None,
) -> list[Alike]:
    """At most three public questions of the segment that ask much the same, most alike first.

    Only what participants see is compared, unless `states` says otherwise; never the person's own.
    """
    statement = select(Question.number, Question.text, Question.author_id).where(
        Question.segment_id == segment_id, Question.state.in_(states)
    )
    # At most so much longer or shorter, a text can still be alike; a run of punctuation is forgiven.
    size = len(_folded(text))
    fits = func.length(Question.text).between(size * ALIKE // (200 - ALIKE), 3 * size + 20)
    rows = (await db.execute(statement.where(fits).order_by(Question.number))).all()
    mine = not_by.id if not_by else 0
    candidates = {row.number: row for row in rows if row.author_id != mine and row.number != other_than}
    return [
        Alike(number, candidates[number].text, score)
        for number, score in alike(text, {number: row.text for number, row in candidates.items()})
    ]


def alike(text: str, candidates: dict[int, str]) -> list[tuple[int, int]]:
    """The numbers of at most three candidates that ask much the same, with their scores, best first."""
    wanted = _folded(text)
    if not wanted:
        return []
    found = process.extract(
        wanted,
        {number: _folded(candidate) for number, candidate in candidates.items()},
        scorer=fuzz.ratio,
        score_cutoff=ALIKE,
        limit=OFFERED,
    )
    return sorted(
        ((number, round(score)) for _, score, number in found), key=lambda item: (-item[1], item[0])
    )


@functools.lru_cache(maxsize=10_000)  # the same few thousand texts are compared again and again
def _folded(text: str) -> str:
    """Its words in one case and by alphabet, so that their order does not matter."""
    words = regex.sub(r"[^\p{L}\p{N}]+", " ", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(sorted(words.split()))
