"""Questions that ask much the same: offered before a submission, and to moderators who merge.

Compared offline by words in any order (rapidfuzz); 5,000 questions take a few tens of milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import unicodedata
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.engine import Database
from bot.store.tables import Person, Question, QuestionState

ALIKE = 72  # of 100; below it, most pairs ask different things
OFFERED = 3
GROUPED = 200  # waiting questions at a time; a few milliseconds each where thousands are public
REMEMBERED = 10_000  # texts, prepared for comparison
COMPARED = (QuestionState.PUBLISHED, QuestionState.QUEUED)
COMPARED_BY_MODERATORS = (*COMPARED, QuestionState.RECEIVED, QuestionState.HELD)

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Alike:
    """A question that asks much the same; `score` is 0 to 100."""

    id: int
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
    statement = select(Question.id, Question.number, Question.text, Question.author_id).where(
        Question.segment_id == segment_id, Question.state.in_(states)
    )
    # At most so much longer or shorter, a text can still be alike; a run of punctuation is forgiven.
    size = len(_folded(text))
    fits = func.length(Question.text).between(size * ALIKE // (200 - ALIKE), 3 * size + 20)
    rows = (await db.execute(statement.where(fits).order_by(Question.number))).all()
    mine = not_by.id if not_by else 0
    candidates = {row.number: row for row in rows if row.author_id != mine and row.number != other_than}
    return [
        Alike(candidates[number].id, number, candidates[number].text, score)
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


@dataclass(frozen=True, slots=True)
class Group:
    """Waiting questions (`others`) that ask much the same as `into`, which could stand for them."""

    into: Question
    others: tuple[Question, ...]


async def groups(db: AsyncSession) -> list[Group]:
    """What could be merged of the questions that have waited longest: the largest group first.

    Each is put to the one it is most alike, be that public or one that waits.
    """
    compared = select(Question).where(Question.state.in_(COMPARED_BY_MODERATORS)).order_by(Question.number)
    questions = {question.number: question for question in await db.scalars(compared)}
    waiting = [question for question in questions.values() if question.state not in COMPARED]
    heads: dict[str, dict[int, str]] = {}  # by segment: what others can be merged into
    for question in questions.values():
        if question.state in COMPARED:
            heads.setdefault(question.segment_id, {})[question.number] = _folded(question.text)
    found: dict[int, list[Question]] = {}
    for question in waiting[:GROUPED]:
        folded, known = _folded(question.text), heads.setdefault(question.segment_id, {})
        best = process.extractOne(folded, known, scorer=fuzz.ratio, score_cutoff=ALIKE) if folded else None
        if best is None:
            known[question.number] = folded
        else:
            found.setdefault(best[2], []).append(question)
        await asyncio.sleep(0)
    made = [Group(questions[number], tuple(others)) for number, others in found.items()]
    return sorted(made, key=lambda group: (-len(group.others), group.into.number))


async def warm(database: Database) -> None:
    """Prepare the questions that are there for comparison, so that nobody's submission waits for it.

    For a start; ends without a word when the database is away, for then the first submission does it.
    """
    newest = select(Question.text).order_by(Question.number.desc()).limit(REMEMBERED)
    with contextlib.suppress(SQLAlchemyError, OSError):
        async with database.read() as db:
            texts = (await db.scalars(newest.where(Question.state.in_(COMPARED_BY_MODERATORS)))).all()
        for n, text in enumerate(texts):
            _folded(text)
            if n % 100 == 0:
                await asyncio.sleep(0)


@functools.lru_cache(maxsize=REMEMBERED)  # the same few thousand texts are compared again and again
def _folded(text: str) -> str:
    """Its words in one case and by alphabet, so that their order does not matter."""
    return " ".join(sorted(_WORD.findall(unicodedata.normalize("NFKC", text).casefold())))
