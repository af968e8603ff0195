"""What a yes-or-no question claims, and whether Yes or No could be said to it at all.

A wrong lead is worse than none: to what denies, compares or chooses in a way that nobody could tell for sure,
the facts are given without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.answers.parts import Part, Splitter
from bot.config import Config
from bot.programme.model import Programme


@dataclass(frozen=True, slots=True)
class Claim:
    """A part with what its claims are checked against."""

    part: Part
    polar: bool
    config: Config
    programme: Programme
    at: datetime
    words: Splitter
    after: tuple[str, ...] = ()  # the words of its sentence that follow it
    amid: bool = False  # the sentence says more than it does
    told: frozenset[str] = frozenset()  # the words of its sentence, and of what the message only tells

    def has(self, name: str) -> bool:
        return any(name in atom.names for atom in self.part.atoms)

    def values(self, name: str) -> list[object]:
        return [atom.value for atom in self.part.atoms if name in atom.names]

    @property
    def compared(self) -> int:
        """-1 for "less than", "before", "no more than", 1 for "longer", "after", "at least"; else 0."""
        norms, words = self.part.norms, self.words
        if not words.most.isdisjoint(norms):
            return -1
        if not words.least.isdisjoint(norms):
            return 1
        denied = -1 if any(self._denies_degree(at) for at in range(len(norms))) else 1
        if not words.less.isdisjoint(norms):
            return -denied
        return 0 if words.more.isdisjoint(norms) else denied

    @property
    def denied(self) -> bool | None:
        """Whether what is claimed is the contrary ("it is not free, right?"); None when nobody could tell.

        "Isn't it free?" is no denial, nor is "it is free isn't it?"; to "it is not free, is it?" people mean
        either by Yes.
        """
        norms, words = self._norms, self.words
        tag = len(norms) > 4 and norms[-3] in words.polar and norms[-2] in words.negations
        if tag and norms[-1] in words.subjects:
            norms = norms[:-3]
        told = bool(norms) and norms[0] not in words.polar
        within = self._within
        denials = [
            at
            for at, norm in enumerate(norms)
            if norm in words.negations - words.lacking
            and id(self.part.tokens[at]) not in within
            and not self._denies_degree(at)
            and (told or at != 1)
        ]
        lacks = bool(self._lacking)
        if not denials:
            return lacks
        plain = told and len(denials) == 1 and norms[denials[0]] == words.denial
        asked = self.part.claim and words.polar.isdisjoint(self.after[:1])
        return not lacks if plain and asked else None

    @property
    def lacks(self) -> bool:
        """Whether it is of doing without something."""
        return bool(self._lacking)

    @property
    def lacks_by_name(self) -> bool:
        """Whether a name says all of it: "without paying"."""
        return self._lacking <= self._within

    @property
    def _lacking(self) -> set[int]:
        words, norms = self.words, self._norms
        begin = 0 if norms and norms[0] not in words.polar else 3
        tokens = zip(norms[begin:], self.part.tokens[begin:], strict=False)
        return {id(token) for norm, token in tokens if norm in words.lacking}

    @property
    def _within(self) -> set[int]:
        """The tokens of names of several words."""
        return {id(token) for atom in self.part.atoms if len(atom.tokens) > 1 for token in atom.tokens}

    @property
    def chooses(self) -> bool:
        """Whether it asks which it is ("the 25th or the 26th?"), which neither Yes nor No would answer."""
        alternatives = self.words.alternatives
        other = self.after[:1] and not self.words.negations.issuperset(self.after[1:2])
        return not alternatives.isdisjoint([*self._norms, *(self.after[:1] if other else ())])

    @property
    def of_being_there(self) -> bool:
        """Whether it is of somebody who comes late, leaves or misses it, whatever hour or day is named."""
        return not self.words.being_there.isdisjoint([*self.part.norms, *self.told])

    @property
    def may_be_placed(self) -> bool:
        """Whether it is said of something that nobody knows and may be a place: "in St. John's"."""
        strange = {id(atom.tokens[0]) for atom in self.part.atoms if "?" in atom.names}
        tokens = self.part.tokens
        return any(
            before.norm in ("in", "for") and (id(token) in strange or id(after) in strange)
            for before, token, after in zip(tokens, tokens[1:], [*tokens[2:], tokens[-1]], strict=False)
        )

    @property
    def timed(self) -> bool:
        return any(self.has(name) for name in ("clock", "date", "span", "amount"))

    @property
    def _norms(self) -> list[str]:
        """Without "or not" and "no?" at the end, which only ask for yes or no."""
        norms = self.part.norms
        ends = [at for at, norm in enumerate(norms) if norm.isalnum()]
        if len(ends) > 2 and norms[ends[-1]] in self.words.negations:
            if norms[ends[-2]] in self.words.alternatives:
                return norms[: ends[-2]]
            if norms[ends[-1]] != self.words.denial:
                return norms[: ends[-1]]
        return norms

    def _denies_degree(self, at: int) -> bool:
        """ "No longer than", "not before"."""
        norms, words = self.part.norms, self.words
        return norms[at] in words.negations and not (words.less | words.more).isdisjoint(
            norms[at + 1 : at + 2]
        )
