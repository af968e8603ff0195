"""Typing errors: only a word that is no word is mended, and only when one known word is clearly meant."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping
from importlib import resources

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

SHORTEST = 4


@functools.cache
def english() -> dict[str, str]:
    """English words and what each mostly is: "r" adverb or small word, "a" adjective, "v" verb."""
    data = resources.files("bot.answers").joinpath("data").joinpath("words-en.txt")
    lines = data.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("\t") for line in lines if line and not line.startswith("#"))
    return {word: sys.intern(kind) for word, _, kind in pairs}


class Spelling:
    """Mends words towards a vocabulary; words of the language or of the vocabulary stay as they are."""

    def __init__(self, vocabulary: Iterable[str], words: Mapping[str, str]) -> None:
        self._words = words
        self._targets: dict[str, list[str]] = {}
        for word in sorted(set(vocabulary)):
            if len(word) >= SHORTEST and word.isalpha():
                self._targets.setdefault(word[0], []).append(word)
        self._known = frozenset(word for targets in self._targets.values() for word in targets)
        self._every = [word for targets in self._targets.values() for word in targets]

    def is_word(self, word: str) -> bool:
        """Whether the language has this word, in this form or with a plural or possessive s."""
        return word in self._words or (word.endswith("s") and word[:-1] in self._words)

    def kind(self, word: str) -> str:
        """What a word mostly is, as `english` tells it."""
        return self._words.get(word, "")

    def is_target(self, word: str) -> bool:
        """Whether this is a word that others are mended to."""
        return word in self._known

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - one instance lives as long as the process
    def mend(self, word: str, *, proper: bool = False) -> str | None:
        """The word that was meant, or None when it is a word already or its meaning is not clear.

        `proper`: it may be a name (a capital inside a sentence), so only one slip in a long word is mended.
        """
        if len(word) < SHORTEST or len(word) > 24 or not word.isalpha() or self.is_word(word):
            return None
        most = 1 if len(word) <= 5 or proper else 2 if len(word) <= 9 else 3
        if proper and len(word) < 6:
            return None
        same = self._nearest(word, self._targets.get(word[0], []), most)
        if same is not None:
            return same
        return self._nearest(word, self._every, 1) if len(word) >= 5 else None

    def _nearest(self, word: str, targets: list[str], most: int) -> str | None:
        found = process.extract(word, targets, scorer=DamerauLevenshtein.distance, limit=4, score_cutoff=most)
        if not found:
            return None
        least = found[0][1]
        turned = [name for name, distance, _ in found if distance == 1 and sorted(name) == sorted(word)]
        if len(turned) == 1:  # two letters changed places: the commonest slip
            return turned[0]
        best = sorted(
            (name for name, distance, _ in found if distance == least),
            key=lambda name: (name[-1] != word[-1], abs(len(name) - len(word)), name),
        )
        if len(best) > 1 and len({name[: max(3, len(name) - 3)] for name in best}) > 1:
            return None
        return best[0]
