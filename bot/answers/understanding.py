"""Everything that understands messages in one language about one workshop, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.answers.forms import EVENT, UNKNOWN
from bot.answers.judging import Judge
from bot.answers.knowledge import Topic
from bot.answers.lexicon import Words
from bot.answers.localtimes import Places
from bot.answers.model import Learned
from bot.answers.panel import PanelQuestions
from bot.answers.parts import Splitter
from bot.answers.reading import Reader
from bot.answers.text import clean
from bot.config import Config


class Understanding:
    """A reader of words, a splitter of messages, a judge of parts and an ear for the panel's questions."""

    def __init__(
        self,
        config: Config,
        words: Words,
        topics: Sequence[Topic],
        places: Places,
        language: str,
        foreign: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.reader = Reader(config, words, topics, places, language, foreign)
        self.splitter = Splitter(words)
        self.judge = Judge(topics, self.reader, self.splitter)
        self.panel = PanelQuestions(self.reader)

    def learned(self, text: str, stored: Sequence[Learned]) -> Learned | None:
        """The organiser's answer that was given to this same question before, in these or similar words."""
        asked = self._bag(text)
        if not asked:
            return None
        best: tuple[float, int, Learned] | None = None
        for one in stored:
            for phrasing in one.phrasings:
                other = self._bag(phrasing)
                if other and asked == other and (best is None or (1.0, -one.id) > best[:2]):
                    best = (1.0, -one.id, one)
        return best[2] if best else None

    def _bag(self, text: str) -> frozenset[str]:
        """The words that carry something, typing errors mended, one form each; concepts by their name."""
        tokens = [token for sentence in self.reader.sentences(clean(text)) for token in sentence.tokens]
        bag = set()
        for atom in self.reader.atoms(tokens):
            if EVENT in atom.names:
                continue
            bag.add(
                "/".join(sorted(atom.names))
                if UNKNOWN not in atom.names and atom.value is None
                else " ".join(token.stem or token.norm for token in atom.tokens)
            )
        return frozenset(bag)
