"""Everything that understands messages in one language about one workshop, in one place."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.answers.intents import Intents
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

# Words of these names mean the same in any question; all others must be the same words.
ALIKE = frozenset({
    "when", "where", "who", "how", "why", "cost", "start", "end", "duration", "register", "join", "must",
})  # fmt: skip
SILENT = frozenset({"event", "orgevent", "takeplace", "light", "greeting", "thanks"})


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
        self.intents = Intents.of(language)

    def learned(self, text: str, stored: Sequence[Learned]) -> Learned | None:
        """The organiser's answer that was given to this same question before, in these or similar words."""
        asked = self._bag(text)
        if not asked:
            return None
        found = [one for one in stored if any(self._stored_bag(line) == asked for line in one.phrasings)]
        return min(found, key=lambda one: one.id, default=None)

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - one instance lives as long as the process
    def _stored_bag(self, phrasing: str) -> frozenset[str]:
        return self._bag(phrasing)

    def _bag(self, text: str) -> frozenset[str]:
        """What a text says, whatever the order: its words in one form, and one name for asking words."""
        tokens = [token for sentence in self.reader.sentences(clean(text)) for token in sentence.tokens]
        bag = set()
        for atom in self.reader.atoms(tokens):
            if atom.names <= ALIKE:
                bag.add(min(atom.names))
            elif not atom.names <= SILENT:
                bag.add(" ".join(token.stem or token.norm for token in atom.tokens))
        return frozenset(bag)


@dataclass(frozen=True)
class Language:
    """What one language's folder holds, made ready."""

    code: str
    topics: dict[str, Topic]
    understanding: Understanding

    @cached_property
    def stating(self) -> frozenset[str]:
        """The intents whose answer files always state something."""
        return frozenset(topic.intent for topic in self.topics.values() if topic.front.known is True)
