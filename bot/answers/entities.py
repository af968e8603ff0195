"""Dates, times, money, numbers, document codes, places and persons in a part's tokens.

Each found thing replaces its tokens by one token whose `kind` says what it is and whose `value` carries
it. What a phrase of the lexicon explains better stays words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.answers.dates import Calendar, Times, norm_at
from bot.answers.lexicon import Lexicon
from bot.answers.localtimes import Place, Places
from bot.answers.text import Token, fold, stem
from bot.config import Config


@dataclass(frozen=True, slots=True)
class Code:
    """A document's number; `listed` is the configured standard's index, None for one that is not listed."""

    text: str
    listed: int | None


@dataclass(frozen=True, slots=True)
class Atom:
    """A run of tokens that stands for something: the names it may stand for, and what it carries."""

    names: frozenset[str]
    tokens: tuple[Token, ...]
    value: object = None

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end


WORDS_ABROAD = frozenset({"ist", "et", "est"})  # zones' letters that are German and French words
_CODE = re.compile(r"([a-z]{1,2})\.?(\d{3,5})(?:\.\d+)?$")


class Entities:
    """Finds what a part of a message names."""

    def __init__(
        self,
        config: Config,
        lexicon: Lexicon,
        places: Places,
        calendar: Calendar,
        is_word: Callable[[str], bool],
        kind_of: Callable[[str], str],
    ) -> None:
        self.is_word = is_word
        self.kind_of = kind_of
        self.lexicon = lexicon
        self.places = places
        self._numbers: dict[str, int] = {}
        self._series: set[str] = set()
        self._lead: set[str] = set()
        for index, item in enumerate(config.standards.items if config.standards else []):
            words = re.findall(r"[a-z]+|\d+", fold(item.code))
            digits = [word for word in words if word.isdigit()]
            if digits:
                self._numbers[digits[-1]] = index
                letters = [word for word in words if not word.isdigit()]
                self._series.update(letters[-1:])
                self._lead.update(letters[:-1])
        self._numbered: dict[tuple[str, ...], str] = {}
        for subject in config.subjects:
            for name in subject.names:
                self._note_number(lexicon.split(fold(name)))
        self.times = Times(lexicon, calendar, places.is_abbreviation, self._numbers)
        self._numbered_things = (("code", self._code), ("othernumber", self._other_number))
        self._timed = (
            *self._numbered_things,
            ("date", self.times.date),
            ("clock", self.times.clock),
            ("money", self.times.money),
            ("span", self.times.span),
            ("amount", self.times.amount),
        )
        self._addresses = {config.page.url.lower(): "page"}
        if config.registration:
            self._addresses[config.registration.url.lower()] = "register"
        self._numbered_first = {words[0] for words in self._numbered}

    def _note_number(self, name: tuple[str, ...]) -> None:
        """ "Study Group 5" and "SG5": another number behind the same words is another thing."""
        last = name[-1] if name else ""
        if last.isdigit() and len(name) > 1:
            self._numbered[name[:-1]] = last
        elif match := re.fullmatch(r"([a-z]+)(\d+)", last):
            self._numbered[(match[1],)] = match[2]

    def atoms(self, tokens: Sequence[Token]) -> list[Atom]:
        """Every atom in order; unknown words have the name "?", harmless ones make no atom."""
        line = list(tokens)
        for token in line:
            if not token.stem:
                token.stem = stem(token.norm)
        found: list[Atom] = []
        at = 0
        while at < len(line):
            token = line[at]
            if token.kind == "mark" or token.norm == "'s":
                at += 1
                continue
            length, names, value = self._longest(line, at)
            if length:
                if names != frozenset({""}):
                    found.append(Atom(names - {""}, tuple(line[at : at + length]), value))
                at += length
                continue
            if not self.lexicon.is_harmless(token) or self._is_noun(line, at):
                found.append(Atom(frozenset({"?"}), (token,)))
            at += 1
        return found

    def _is_noun(self, line: list[Token], at: int) -> bool:
        """ "the show", "a hope": a verb that carries nothing is a noun behind an article, and may matter."""
        if norm_at(line, at - 1) not in ("the", "a", "an"):
            return False
        norm = line[at].norm
        return self.kind_of(norm) == "v" and norm_at(line, at + 1) not in self.lexicon.vocabulary

    def _longest(self, line: list[Token], at: int) -> tuple[int, frozenset[str], object]:
        best: tuple[int, frozenset[str], object] = (0, frozenset(), None)
        for name, finder in self._timed if self.times.may_begin(line[at]) else self._numbered_things:
            length, value = finder(line, at)
            if length > best[0]:
                kinds = {name}
                if isinstance(value, Code):
                    kinds.add("unlisted" if value.listed is None else "listed")
                best = (length, frozenset(kinds), value)
        length, names, exact = self.lexicon.match(line, at)
        if length == 1 and not exact and line[at].norm in self.lexicon.harmless:
            length = 0  # "expected" as it stands carries nothing, whatever "expect" means
        if length > best[0]:
            best = (length, names, None)
        length, place = self._place(line, at, best[0])
        if place is not None and length > best[0]:
            best = (length, frozenset({"zone_" if place.kind == "zone" else "place"}), place)
        if best[0] == 0 and line[at].kind in ("url", "email", "sign", "number", "offset"):
            kind = line[at].kind
            if kind == "offset" and (found := self.places.offset(line[at].norm)):
                return 1, frozenset({"zone_"}), found
            if line[at].norm in self._addresses:
                return 1, frozenset({self._addresses[line[at].norm]}), None
            return 1, frozenset({kind if kind in ("url", "email") else "number"}), line[at].norm
        return best

    def _code(self, line: list[Token], at: int) -> tuple[int, object]:
        """ "ITU-T L.1410", "L1410", "L 1410", "recommendation 1410", and codes that are not listed."""
        norm = line[at].norm
        if not (norm in self._lead or norm in self._series or norm[-1:].isdigit()):
            return 0, None
        position = at
        while position < len(line) and line[position].norm in self._lead:
            position += 1
        if position >= len(line):
            return 0, None
        token = line[position]
        match = _CODE.match(token.norm)
        if match and (match[1] in self._series or position > at or "." in token.norm):
            return position - at + 1, Code(
                token.raw, self._numbers.get(match[2]) if match[1] in self._series else None
            )
        if (
            token.norm in self._series
            and position + 1 < len(line)
            and line[position + 1].norm.lstrip(".").isdigit()
        ):
            digits = line[position + 1].norm
            if 3 <= len(digits) <= 5:
                return position - at + 2, Code(f"{token.raw}.{digits}", self._numbers.get(digits))
        if token.norm in self._numbers and token.kind == "number":
            return position - at + 1, Code(token.raw, self._numbers[token.norm])
        return 0, None

    def _other_number(self, line: list[Token], at: int) -> tuple[int, object]:
        """ "SG13", "Study Group 20" where the workshop is about Study Group 5."""
        if line[at].norm not in self._numbered_first and not line[at].norm[-1:].isdigit():
            return 0, None
        for words, number in self._numbered.items():
            length = len(words)
            run = tuple(token.norm for token in line[at : at + length])
            if run == words and (other := norm_at(line, at + length)).isdigit() and other != number:
                return length + 1, other
            match = re.fullmatch(r"([a-z]+)(\d+)", line[at].norm)
            if match and words == (match[1],) and match[2] != number:
                return 1, match[2]
        return 0, None

    def _place(self, line: list[Token], at: int, beaten: int) -> tuple[int, Place | None]:
        token = line[at]
        longest = self.places.longest.get(token.norm, 0)
        for length in range(min(longest, len(line) - at), beaten, -1):
            run = line[at : at + length]
            if any(word.kind not in ("word",) for word in run):
                continue
            name = " ".join(word.norm for word in run).replace(" 's", "s")  # St. John's
            before, follows = norm_at(line, at - 1), norm_at(line, at + length)
            if (zone := self.places.zone(name)) and self._means_zone(run, before, follows, line, at):
                extra = 1 if follows == "time" else 0
                return length + extra, zone
            if follows == "time" and (people := self.places.demonym(name)):
                return length + 1, people
            if before == "for" and name.endswith("s") and (people := self.places.demonym(name[:-1])):
                return length, people
            if (place := self.places.place(name)) and self._means_place(run, name, before, follows):
                return length, place
        return 0, None

    def _means_zone(self, run: list[Token], before: str, follows: str, line: list[Token], at: int) -> bool:
        if len(run) > 1 or follows == "time":
            return True
        raw = run[0].raw
        if len(line) <= 2 and raw.isupper() and len(raw) >= 2:
            return True
        plain = not self.is_word(run[0].norm)
        if raw.isupper() and len(raw) >= 2:
            return (
                plain or before in ("in", "to", "at") or (at > 0 and line[at - 1].kind in ("clock", "number"))
            )
        if run[0].norm in WORDS_ABROAD and not raw.isupper():
            plain = before == "time" and not line[at - 1].translated
        timed = before in ("in", "to", "into") or (at > 0 and line[at - 1].kind in ("clock", "number"))
        return plain or (timed and len(raw) >= 2 and run[0].norm not in ("act", "eat", "cat", "pet"))

    def _means_place(self, run: list[Token], name: str, before: str, follows: str) -> bool:
        if len(run) == 1 and len(name) <= 3:
            raw = run[0].raw.replace(".", "")
            return (
                raw.isupper()
                or (raw[:1].isupper() and not self.is_word(name))
                or name in ("uk", "uae", "usa", "nyc")
                or (follows == "time" and not self.is_word(name))
                or (before in ("in", "from") and not self.is_word(name))
            )
        if len(run) > 1 or not self.is_word(name):
            return True
        capital = run[0].raw[:1].isupper() and not run[0].raw.isupper()
        return (
            before in ("in", "from")
            or (capital and before in ("to", "for", "at", "", ",", "/", "and", "or"))
            or (capital and follows == "time")
        )
