"""The words of one language and of one workshop, and what each may stand for.

A phrase stands for one or more *names*: concepts of `words.toml` ("when", "register"), topics whose own
words it is ("recording"), and things of the workshop ("subject:gda", "segment:discussion"). Phrases are
matched whole and the longest wins; a form of a word (plural, -ed, -ing) meets the form written in a file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.answers.text import Token, fold, sentences, stem
from bot.errors import ConfigError, Mistake


class Panel(BaseModel):
    """Ways of addressing the panel instead of the bot."""

    model_config = ConfigDict(extra="forbid")

    prefixes: list[str] = []
    asking: list[str] = []  # how a question of opinion or policy begins
    strong: list[str] = []  # those of them that leave no doubt
    judging: list[str] = []  # what makes one of any question about the field
    audience: list[str] = []  # who sits on a panel
    thinking: list[str] = []  # what they are asked to do
    others: list[str] = []  # ways of addressing somebody else after it
    turning: list[str] = []  # what turns from a question for it to another


class Lists(BaseModel):
    """Word lists with a use of their own; strings hold words between spaces."""

    model_config = ConfigDict(extra="forbid")

    harmless: str
    light: str
    common: str
    harmless_phrases: list[str]
    openers: str
    wh: str
    polar: str
    subjects_of_a_question: str
    coordinators: str
    alternatives: str  # words between things of which one is asked for
    context: str
    less: str  # words that compare with what is more, or later
    more: str  # and with what is less, or earlier
    most: str  # words of what is not exceeded
    least: str  # and of what is reached
    excluding: str  # words of who may not come
    provisos: str  # words that say on which condition
    being_there: str  # words of being there, coming late, leaving
    elsewhere: str  # tells that another one is meant: "registered for another event"
    adding: str  # joins two items only beside another conjunction or a comma
    closing_tags: str  # those that need no mark before them
    limits: str  # what asks how long something is open: "by when"
    salutations: str  # what a letter begins with
    counting: str  # words that count questions to come, or lead to them
    once_more: str  # words of doing so again, or on the day itself
    enrolled: str  # what somebody is who has registered
    to_be: str  # before these: who is not yet, or does not want to be
    reasons: str  # words that begin why something is asked
    negations: str
    denial: str  # the one that denies a statement
    lacking: str  # those that say what is done without
    lead_in: str
    tags: str  # words that only ask whether it is so
    asking: str  # words that lead to what is asked
    reporting: str  # words that lead to what somebody said
    tellers: str  # words that begin a statement
    prepositions: str
    imperatives: str
    own: str
    skipped: str  # words that may stand between a border and a question
    conditions: str
    selves: str
    mine: str
    others: str
    comparing: str  # words that begin an aside
    articles: str
    relayed: str  # words between "I was told" and what was told
    small: str  # words that come in pairs: "more or less"
    who_may: str  # words that begin a question about who comes
    ourselves: str  # words that make it one about who may
    relatives: str  # words behind which "who" tells which ones
    halves: str  # what stands before the hour in "half past two"
    definite: str  # words that say which one is meant
    own_events: str  # nouns that keep meaning the workshop behind the name of a thing it is about
    counted: str  # words that a number before them counts
    named_by: str  # words that a name follows


class Times(BaseModel):
    """Words of time: days counted from today, parts of the day, numbers and units in minutes."""

    model_config = ConfigDict(extra="forbid")

    days: dict[str, int]
    spans: dict[str, str]
    dayparts: dict[str, tuple[int, int]]
    clocks: dict[str, str]
    numbers: dict[str, int]
    units: dict[str, int]
    money: list[str]

    def words(self) -> set[str]:
        """Every word of time or money."""
        phrases = [
            *self.days,
            *self.spans,
            *self.dayparts,
            *self.clocks,
            *self.numbers,
            *self.units,
            *self.money,
        ]
        return {word for phrase in phrases for word in phrase.split()}


class Words(BaseModel):
    """`templates/answers/<language>/words.toml`."""

    model_config = ConfigDict(extra="forbid")

    rewrite: dict[str, str]
    digits: dict[str, str]
    lists: Lists
    panel: Panel
    times: Times
    concepts: dict[str, list[str]]

    @cached_property
    def rewrites(self) -> dict[str, tuple[str, ...]]:
        return {short: tuple(full.split()) for short, full in self.rewrite.items()}

    @classmethod
    def load(cls, path: Path) -> Words:
        """Read the file; raises ConfigError naming every mistake."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError([Mistake(str(path), f"it cannot be read ({error})", "mend the file")]) from None
        except ValidationError as error:
            raise ConfigError(
                [
                    Mistake(
                        f"{path.name}: {'.'.join(map(str, detail['loc']))}", detail["msg"], "mend that entry"
                    )
                    for detail in error.errors()
                ]
            ) from None


def foreign_words(folder: Path) -> dict[str, dict[str, str]]:
    """`foreign.toml` of a language's folder: for each other language, its words in this one."""
    path = folder / "foreign.toml"
    if not path.exists():
        return {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([Mistake(str(path), f"it cannot be read ({error})", "mend the file")]) from None
    return {code: {fold(word): str(meant) for word, meant in table.items()} for code, table in data.items()}


def _is_inflected(word: str) -> bool:
    """Whether a word is a form in -ed or -ing: "linked to" must not mean "link to"."""
    return len(word) > 4 and word.endswith(("ed", "ing")) and stem(word) != stem(word + "s")


class Lexicon:
    """Phrases to names; see the module's first lines."""

    def __init__(self, words: Words, organisers: Sequence[str] = ()) -> None:
        """`organisers` stand for "{org}" in the phrases of `words.toml`."""
        self.words = words
        self._exact: dict[tuple[str, ...], frozenset[str]] = {}
        self._stems: dict[tuple[str, ...], frozenset[str]] = {}
        self._longest: dict[str, int] = {}
        self.vocabulary: set[str] = set()
        for name, phrases in words.concepts.items():
            for phrase in phrases:
                for organiser in organisers if "{org}" in phrase else ("",):
                    self.add(phrase.replace("{org}", organiser), name)
        self.harmless = self._set(words.lists.harmless)
        self._harmless_stems = {stem(word) for word in self.harmless if len(word) > 2}
        for word in words.lists.light.split():
            if not self.names(word):
                self.add(word, "light")
            elif self.split(word) not in self._exact:
                self.add(f"={word}", "light")
        for phrase in words.lists.harmless_phrases:
            self.add(phrase, "")
        self.vocabulary |= self.harmless
        for line in (
            words.lists.openers,
            words.lists.coordinators,
            words.lists.context,
            words.lists.negations,
        ):
            self.vocabulary |= self._set(line)
        for line in (*words.panel.prefixes, *words.panel.asking, *words.panel.audience):
            self.vocabulary.update(self.split(line))

    def _set(self, line: str) -> set[str]:
        return set(line.split())

    def split(self, phrase: str) -> tuple[str, ...]:
        """The words of a phrase, as a message's words would be normalised."""
        return tuple(
            token.norm
            for sentence in sentences(phrase, self.words.rewrites)
            for token in sentence.tokens
            if token.kind != "mark"
        )

    def add(self, phrase: str, name: str) -> None:
        """Let a phrase stand for `name` ("" for nothing at all); "=phrase" only in just this form."""
        words = self.split(fold(phrase.removeprefix("=")))
        if not words:
            return
        self._exact[words] = self._exact.get(words, frozenset()) | {name}
        self._longest[stem(words[0])] = max(self._longest.get(stem(words[0]), 0), len(words))
        self.vocabulary.update(words)
        if phrase.startswith("=") or any(_is_inflected(word) for word in words):
            return
        stems = tuple(stem(word) for word in words)
        self._stems[stems] = self._stems.get(stems, frozenset()) | {name}

    def names(self, phrase: str) -> frozenset[str]:
        """Everything a whole phrase stands for."""
        words = self.split(fold(phrase))
        return self._exact.get(words) or self._stems.get(tuple(stem(word) for word in words)) or frozenset()

    def match(self, tokens: list[Token], at: int) -> tuple[int, frozenset[str], bool]:
        """The longest phrase that starts at a token: its length, its names, whether in just this form."""
        longest = self._longest.get(tokens[at].stem)
        if longest is None:
            return 0, frozenset(), False
        words: list[str] = []
        stems: list[str] = []
        for token in tokens[at : at + longest]:
            if token.kind == "mark":
                break
            words.append(token.norm)
            stems.append(token.stem)
        for length in range(len(words), 0, -1):
            exact = self._exact.get(tuple(words[:length]))
            found = exact or self._stems.get(tuple(stems[:length]))
            if found:
                return length, found, exact is not None
        return 0, frozenset(), False

    def is_harmless(self, token: Token) -> bool:
        """Whether a single word carries no fact."""
        norm = token.norm
        if norm in self.harmless or (len(norm) > 3 and token.stem in self._harmless_stems):
            return True
        return len(norm) > 5 and norm.endswith("ly") and norm not in self.words.lists.common.split()

    def knows(self, word: str) -> bool:
        """Whether a word stands anywhere in this lexicon, in this form or another."""
        return word in self.vocabulary or stem(word) in self._vocabulary_stems

    @cached_property
    def _vocabulary_stems(self) -> frozenset[str]:
        return frozenset(stem(word) for word in self.vocabulary)

    def claims(self) -> Iterable[tuple[str, frozenset[str]]]:
        """Every phrase with its names."""
        for words, names in sorted(self._exact.items()):
            yield " ".join(words), names
