"""Dates, times, money, numbers, document codes, places and persons in a part's tokens.

Each found thing replaces its tokens by one token whose `kind` says what it is and whose `value` carries
it. What a phrase of the lexicon explains better stays words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from babel import Locale

from bot.answers.lexicon import Lexicon
from bot.answers.localtimes import Place, Places
from bot.answers.text import Token, fold, stem
from bot.config import Config


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day as far as it was said."""

    day: int | None = None
    month: int | None = None
    year: int | None = None
    swapped: tuple[int, int] | None = None  # the other reading of 11/12: (day, month)


@dataclass(frozen=True, slots=True)
class Hour:
    """A wall time as far as it was said; `half` is True where 2 may be 14:00 as well."""

    hour: int
    minute: int = 0
    half: bool = False


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


@dataclass(slots=True)
class Calendar:
    """Month and weekday names of a language, folded."""

    months: dict[str, int] = field(default_factory=dict)
    weekdays: dict[str, int] = field(default_factory=dict)

    def words(self) -> set[str]:
        """Every word of them."""
        return {*self.months, *self.weekdays}

    @classmethod
    def of(cls, language: str) -> Calendar:
        locale = Locale.parse(language, sep="-")
        made = cls()
        for width in ("wide", "abbreviated"):
            for number, name in locale.months["format"][width].items():
                made.months[fold(str(name)).rstrip(".")] = number
            for number, name in locale.days["format"][width].items():
                made.weekdays[fold(str(name)).rstrip(".")] = number
                made.weekdays[fold(str(name)).rstrip(".") + "s"] = number
        made.months.setdefault("sept", 9)
        for short, full in (("tues", 1), ("weds", 2), ("thur", 3), ("thurs", 3)):
            made.weekdays.setdefault(short, full)
        return made


_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?$")
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
    ) -> None:
        self.is_word = is_word
        self.lexicon = lexicon
        self.places = places
        self.calendar = calendar
        self.times = lexicon.words.times
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
        self._numbered = {
            (words[:-1] if words[-1].isdigit() else (match[1],)): words[-1]
            if words[-1].isdigit()
            else match[2]
            for subject in config.subjects
            for name in subject.names
            if (words := lexicon.split(fold(name)))
            and ((match := re.fullmatch(r"([a-z]+)(\d+)", words[-1])) or words[-1].isdigit())
        }
        self._addresses = {config.page.url.lower(): "page"}
        if config.registration:
            self._addresses[config.registration.url.lower()] = "register"
        self._numbered_first = {words[0] for words in self._numbered}
        self._time_words: dict[str, list[tuple[tuple[str, ...], tuple[str, object]]]] = {}
        tables: dict[str, dict[str, object]] = {
            "day": dict(self.times.days), "span": dict(self.times.spans), "part": dict(self.times.dayparts)
        }  # fmt: skip
        for label, table in tables.items():
            for phrase, value in sorted(table.items(), key=lambda item: -len(item[0])):
                words = lexicon.split(phrase)
                self._time_words.setdefault(words[0], []).append((words, (label, value)))

    def atoms(self, tokens: Sequence[Token]) -> list[Atom]:
        """Every atom in order; unknown words have the name "?", harmless ones make no atom."""
        line = [token for token in tokens]
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
            if not self.lexicon.is_harmless(token):
                found.append(Atom(frozenset({"?"}), (token,)))
            at += 1
        return found

    def _longest(self, line: list[Token], at: int) -> tuple[int, frozenset[str], object]:
        best: tuple[int, frozenset[str], object] = (0, frozenset(), None)
        for name, finder in (
            ("code", self._code),
            ("othernumber", self._other_number),
            ("date", self._date),
            ("clock", self._clock),
            ("money", self._money),
            ("span", self._span),
            ("amount", self._amount),
        ):
            length, value = finder(line, at)
            if length > best[0]:
                names = {name}
                if isinstance(value, Code):
                    names.add("unlisted" if value.listed is None else "listed")
                best = (length, frozenset(names), value)
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
            if run == words and (other := _norm(line, at + length)).isdigit() and other != number:
                return length + 1, other
            match = re.fullmatch(r"([a-z]+)(\d+)", line[at].norm)
            if match and words == (match[1],) and match[2] != number:
                return 1, match[2]
        return 0, None

    def _date(self, line: list[Token], at: int) -> tuple[int, object]:
        token = line[at]
        if token.kind == "iso":
            return (1, found) if (found := _iso(token.norm)) else (0, None)
        months, after = self.calendar.months, [_norm(line, at + step) for step in range(1, 4)]
        if (day := _ordinal(token)) is not None:
            skip = 1 if after[0] == "of" else 0
            if (month := months.get(after[skip])) is not None and not _modal(line, at + skip + 1):
                length = skip + 2
                year = _year(line, at + length)
                return length + (1 if year else 0) + _comma(line, at + length, year), Day(day, month, year)
            if not token.norm.isdigit():
                return 1, Day(day)
            return 0, None
        month = months.get(token.norm)
        if month is not None and not _modal(line, at):
            position = at + 1 + (1 if after[0] == "the" else 0)
            if position < len(line) and (day := _ordinal(line[position])) is not None:
                length = position - at + 1
                year = _year(line, at + length)
                return length + (1 if year else 0) + _comma(line, at + length, year), Day(day, month, year)
            year = _year(line, at + 1)
            return 1 + (1 if year else 0), Day(None, month, year)
        if token.kind == "number" and (year := _year(line, at)) is not None:
            return 1, Day(None, None, year)
        return 0, None

    def _clock(self, line: list[Token], at: int) -> tuple[int, object]:
        token = line[at]
        if token.norm in self.times.clocks:
            hour, minute = self.times.clocks[token.norm].split(":")
            return 1, Hour(int(hour), int(minute))
        if token.kind == "clock":
            return (1, found) if (found := _hour(token.norm)) else (0, None)
        if token.kind == "number" and token.norm.isdigit():
            follows, before = _norm(line, at + 1), _norm(line, at - 1)
            if follows == "oclock" and int(token.norm) <= 24:
                return 2, Hour(int(token.norm), 0, half=int(token.norm) <= 12)
            if (
                re.fullmatch(r"(?:[01]\d|2[0-3])[0-5]\d", token.norm)
                and (
                    before in ("at", "from", "to", "until", "till", "-", "by", "start", "starts")
                    or self.places.is_abbreviation(follows)
                    or (follows in ("-", "to") and _norm(line, at + 2).isdigit())
                )
                and token.norm not in self._numbers
            ):
                return 1, Hour(int(token.norm[:2]), int(token.norm[2:]))
            if (
                len(token.norm) <= 2
                and int(token.norm) <= 24
                and (before in ("at", "until", "till", "around") or self.places.is_abbreviation(follows))
                and follows not in self.calendar.months
            ):
                return 1, Hour(int(token.norm), 0, half=int(token.norm) <= 12)
        if token.norm in self.times.numbers and _norm(line, at + 1) == "oclock":
            return 2, Hour(self.times.numbers[token.norm], 0, half=True)
        return 0, None

    def _money(self, line: list[Token], at: int) -> tuple[int, object]:
        token, follows = line[at], _norm(line, at + 1)
        if token.kind == "sign" and token.norm != "%":
            return (2, follows) if at + 1 < len(line) and line[at + 1].kind == "number" else (1, "")
        if token.kind == "number" and (follows in self.times.money or follows in ("€", "$", "£", "¥")):
            return 2, token.norm
        if token.norm in self.times.money and at + 1 < len(line) and line[at + 1].kind == "number":
            return 2, follows
        return 0, None

    def _span(self, line: list[Token], at: int) -> tuple[int, object]:
        """today, next week, Tuesday, afternoon: value is ("day", n), ("span", s), ("weekday", n, next) …"""
        norms = [_norm(line, at + step) for step in range(5)]
        for words, found in self._time_words.get(norms[0], ()):
            if tuple(norms[: len(words)]) == words:
                return len(words), found
        skip = 1 if norms[0] in ("next", "this", "coming", "last") else 0
        if (weekday := self.calendar.weekdays.get(norms[skip])) is not None and norms[skip] not in (
            "sun",
            "sat",
            "mar",
        ):
            return skip + 1, ("weekday", weekday, norms[0] if skip else "")
        return 0, None

    def _amount(self, line: list[Token], at: int) -> tuple[int, object]:
        """ "90 minutes", "two hours", "an hour and a half", "3 days": minutes."""
        token = line[at]
        norms = [_norm(line, at + step) for step in range(6)]
        if norms[:5] == ["an", "hour", "and", "a", "half"] or norms[:5] == [
            "one",
            "hour",
            "and",
            "a",
            "half",
        ]:
            return 5, 90
        if norms[:2] == ["half", "hour"] or norms[:4] == ["half", "an", "hour"]:
            return 2 if norms[1] == "hour" else 3, 30
        if norms[:2] in (["an", "hour"], ["one", "hour"]):
            return 2, 60
        number: float | None = None
        if token.kind == "number" and re.fullmatch(r"\d+(?:[.,]\d)?", token.norm):
            number = float(token.norm.replace(",", "."))
        elif token.norm in self.times.numbers:
            number = float(self.times.numbers[token.norm])
        if number is None:
            return 0, None
        for step in (1, 2):
            unit = norms[step]
            minutes = self.times.units.get(unit) or self.times.units.get(unit.removesuffix("s"))
            if minutes and (step == 1 or norms[1] == "-"):
                return step + 1, number * minutes
            if norms[1] != "-":
                break
        if number >= 2 and token.kind != "number":
            return 1, number
        return 0, None

    def _place(self, line: list[Token], at: int, beaten: int) -> tuple[int, Place | None]:
        token = line[at]
        longest = self.places.longest.get(token.norm, 0)
        for length in range(min(longest, len(line) - at), beaten, -1):
            run = line[at : at + length]
            if any(word.kind not in ("word",) for word in run):
                continue
            name = " ".join(word.norm for word in run)
            before, follows = _norm(line, at - 1), _norm(line, at + length)
            if (zone := self.places.zone(name)) and self._means_zone(run, before, follows, line, at):
                extra = 1 if follows == "time" else 0
                return length + extra, zone
            if follows == "time" and (people := self.places.demonym(name)):
                return length + 1, people
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


def _norm(line: list[Token], at: int) -> str:
    return line[at].norm if 0 <= at < len(line) else ""


def _ordinal(token: Token) -> int | None:
    match = _ORDINAL.fullmatch(token.norm) if token.kind == "number" else None
    return int(match[1]) if match and 1 <= int(match[1]) <= 31 else None


def _modal(line: list[Token], at: int) -> bool:
    """ "may" and "march" in lower case without a day beside them are verbs."""
    token = line[at]
    if token.norm not in ("may", "march", "mar", "sun", "sat"):
        return False
    beside = (at > 0 and line[at - 1].kind == "number") or (
        at + 1 < len(line) and line[at + 1].kind == "number"
    )
    return not (
        beside
        or (token.raw[:1].isupper() and at > 0 and _norm(line, at - 1) in ("in", "of", "since", "until"))
    )


def _year(line: list[Token], at: int) -> int | None:
    if at < len(line) and line[at].kind == "mark" and line[at].norm == ",":
        at += 1
    if at < len(line) and line[at].kind == "number" and re.fullmatch(r"(?:19|20)\d\d", line[at].norm):
        return int(line[at].norm)
    return None


def _comma(line: list[Token], at: int, year: int | None) -> int:
    return 1 if year and at < len(line) and line[at].norm == "," else 0


def _iso(text: str) -> Day | None:
    parts = [int(part) for part in re.split(r"[./-]", text)]
    if len(parts) == 3 and parts[0] > 31:
        year, month, day = parts
    elif len(parts) >= 2:
        day, month, year = parts[0], parts[1], parts[2] if len(parts) == 3 else 0
        year = year + 2000 if 0 < year < 100 else year
    else:
        return None
    swapped = (month, day) if day <= 12 and month <= 31 else None
    if month > 12 >= day:
        day, month, swapped = month, day, None
    try:
        date(year or 2024, month, day)
    except ValueError:
        return None
    return Day(day, month, year or None, swapped)


def _hour(text: str) -> Hour | None:
    half = "a" if "a" in text else "p" if "p" in text else ""
    digits = re.findall(r"\d+", text)
    if len(digits) == 1 and len(digits[0]) == 4:
        digits = [digits[0][:2], digits[0][2:]]
    hour, minute = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    if hour > 24 or minute > 59:
        return None
    if half:
        if not 1 <= hour <= 12:
            return Hour(hour % 24, minute)
        return Hour(hour % 12 + (12 if half == "p" else 0), minute)
    return Hour(
        hour % 24, minute, half=1 <= hour < 12 and ("." in text or ":" in text) and not text.startswith("0")
    )
