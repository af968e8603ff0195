"""What must have become of each vote, by where its question stood meanwhile, as the audit has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.questions.picture import VOTABLE, WAITING
from bot.store.tables import Deed, Question

TOLD_WITHIN = timedelta(seconds=10)  # of the acknowledgement
# From the instant that a moderator's deed has in the audit until it holds for everybody.
TAKES_HOLD = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Word:
    """Somebody said that their vote stands, or does not; `ended`: acknowledged, None: never."""

    stands: bool
    sent: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class _Move:
    at: datetime
    standing: str
    merged_into: int | None  # a question's id


class Verdicts:
    """Says of words on questions whether they hold."""

    def __init__(self, questions: Mapping[int, Question], authors: Mapping[int, str | None]) -> None:
        self._questions, self._authors = questions, authors
        self._moves: dict[int, list[_Move]] = defaultdict(list)

    def read(self, audit: Iterable[Deed]) -> None:
        """Take in the audit, oldest line first."""
        ids = {question.number: question.id for question in self._questions.values()}
        for line in audit:
            new: dict[str, Any] = line.new or {}
            if line.subject.startswith("question:") and new.get("standing") is not None:
                moves = self._moves[ids[int(line.subject.partition(":")[2])]]
                before = moves[-1].merged_into if moves else None
                moves.append(_Move(line.at, new["standing"], new.get("merged_into", before)))

    def moves(self, question_id: int) -> list[_Move]:
        """Where a question stood, and from when."""
        return self._moves[question_id]

    def of(
        self,
        question_id: int,
        user: str,
        words: Iterable[Word],
        *,
        refused: bool,
        failed: Iterable[datetime],
    ) -> set[bool]:
        """What a person's vote may be after these words, in the order they were said.

        `refused`: they were told, alone, of a vote for it that did not count; `failed`: when they were told
        that something did not work, without being told what.
        """
        may_be = {False}
        for word in words:
            holds = self._holds(question_id, user, word)
            if word.ended and any(word.sent <= at <= word.ended + TOLD_WITHIN for at in failed):
                holds |= {False}
            if holds == {True, False} and refused and word.ended is not None:
                holds = {False}
            may_be = ({word.stands} if True in holds else set()) | (may_be if False in holds else set())
        return may_be

    def _holds(self, question_id: int, user: str, word: Word) -> set[bool]:
        found = set()
        for place in self._places(question_id, word):
            root, there = question_id, [place]
            if place.merged_into is not None:
                root, there = place.merged_into, self._places(place.merged_into, word)
            found |= {each.standing in VOTABLE and self._authors[root] != user for each in there}
        return found | ({False} if word.ended is None else set())

    def _places(self, question_id: int, word: Word) -> list[_Move]:
        """Where the question may have stood while the word was on its way."""
        moves, begins = self._moves[question_id], word.sent - TAKES_HOLD
        before = [move for move in moves if move.at <= begins][-1:]
        found = before + [m for m in moves if begins < m.at and (word.ended is None or m.at <= word.ended)]
        public_from = min((move.at for move in moves if move.standing not in WAITING), default=None)
        # They voted on its post, so it had been public; after an undo it may wait again.
        seen = [move for move in found if public_from is not None and move.at >= public_from]
        return seen or found
