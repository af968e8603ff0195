"""Days, hours, lengths and sums of money in a line of tokens.

Each finder looks at one place of the line and tells how many tokens it takes and what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date

from babel import Locale

from bot.answers.lexicon import Lexicon
from bot.answers.text import Token, fold


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


_LENGTH = re.compile(r"([1-5])\s?(?:hrs?|h\s?([0-5]\d)?)")
AT_AN_HOUR = frozenset(
    ["at", "from", "to", "until", "till", "by", "before", "after", "um", "las", "as", "a", "-"]
)
BEFORE_A_DAY = ("next", "this", "coming", "last")
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?$")


class Times:
    """Finds what is said of time and money, by the words of one language."""

    def __init__(
        self, lexicon: Lexicon, calendar: Calendar, is_zone: Callable[[str], bool], taken: Collection[str]
    ) -> None:
        """`is_zone` knows a zone's letters; `taken` are numbers that are names of something else."""
        self.times = lexicon.words.times
        self.calendar = calendar
        self._is_zone = is_zone
        self._taken = taken
        self._halves = tuple(lexicon.words.lists.halves.split())
        self._time_words: dict[str, list[tuple[tuple[str, ...], tuple[str, object]]]] = {}
        tables: dict[str, dict[str, object]] = {
            "day": dict(self.times.days), "span": dict(self.times.spans), "part": dict(self.times.dayparts)
        }  # fmt: skip
        for label, table in tables.items():
            for phrase, value in sorted(table.items(), key=lambda item: -len(item[0])):
                words = lexicon.split(phrase)
                self._time_words.setdefault(words[0], []).append((words, (label, value)))
        self._openers = frozenset({
            *calendar.words(), *self.times.clocks, *self.times.numbers, *self.times.money,
            *self._halves[:1], *self._time_words, *BEFORE_A_DAY, "an", "one", "half",
        })  # fmt: skip

    def may_begin(self, token: Token) -> bool:
        """Whether any of the finders can find something that begins with a token."""
        return token.kind != "word" or token.norm in self._openers

    def date(self, line: list[Token], at: int) -> tuple[int, object]:
        token = line[at]
        if token.kind == "iso":
            return (1, found) if (found := _iso(token.norm)) else (0, None)
        months, after = self.calendar.months, [norm_at(line, at + step) for step in range(1, 4)]
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

    def clock(self, line: list[Token], at: int) -> tuple[int, object]:
        token = line[at]
        if token.norm in self.times.clocks:
            hour, minute = self.times.clocks[token.norm].split(":")
            return 1, Hour(int(hour), int(minute))
        if token.kind == "clock":
            found = None if _lasts(line, at) else _hour(token.norm)
            return (1, found) if found else (0, None)
        if token.kind == "number" and token.norm.isdigit():
            follows, before = norm_at(line, at + 1), norm_at(line, at - 1)
            if parted := self._parted(line, at):
                return 2, parted
            if follows == "oclock" and int(token.norm) <= 24:
                return 2, Hour(int(token.norm), 0, half=int(token.norm) <= 12)
            if (
                re.fullmatch(r"(?:[01]\d|2[0-3])[0-5]\d", token.norm)
                and (
                    before in ("at", "from", "to", "until", "till", "-", "by", "start", "starts")
                    or self._is_zone(follows)
                    or (follows in ("-", "to") and norm_at(line, at + 2).isdigit())
                )
                and token.norm not in self._taken
            ):
                return 1, Hour(int(token.norm[:2]), int(token.norm[2:]))
            if (
                len(token.norm) <= 2
                and int(token.norm) <= 24
                and (
                    before in ("at", "until", "till", "around")
                    or self._is_zone(follows)
                    or (before == "from" and follows in ("to", "-", "till", "until"))
                )
                and follows not in self.calendar.months
            ):
                return 1, Hour(int(token.norm), 0, half=int(token.norm) <= 12)
        halves = self._halves
        if tuple(norm_at(line, at + step) for step in range(len(halves))) == halves:
            hour = norm_at(line, at + len(halves))
            number = self.times.numbers.get(hour, int(hour) if hour.isdigit() else 0)
            if 1 <= number <= 12:
                return len(halves) + 1, Hour(number, 30, half=True)
        if token.norm in self.times.numbers and norm_at(line, at + 1) == "oclock":
            return 2, Hour(self.times.numbers[token.norm], 0, half=True)
        return 0, None

    def _parted(self, line: list[Token], at: int) -> Hour | None:
        """ "at 3 30", "3 30 pm", "15 30 CET"."""
        hour, minutes, behind = line[at].norm, norm_at(line, at + 1), norm_at(line, at + 2)
        if int(hour) > 24 or not re.fullmatch(r"[0-5]\d", minutes):
            return None
        half = {"am": "a", "pm": "p"}.get(behind, "")
        told = norm_at(line, at - 1) in ("at", "from", "until", "till", "by", "around", "starts", "ends")
        if not (half or told or self._is_zone(behind)):
            return None
        return _hour(f"{hour}:{minutes}{half}")

    def money(self, line: list[Token], at: int) -> tuple[int, object]:
        token, follows = line[at], norm_at(line, at + 1)
        if token.kind == "sign" and token.norm != "%":
            return (2, follows) if at + 1 < len(line) and line[at + 1].kind == "number" else (1, "")
        if token.kind == "number" and (follows in self.times.money or follows in ("€", "$", "£", "¥")):
            return 2, token.norm
        if token.norm in self.times.money and at + 1 < len(line) and line[at + 1].kind == "number":
            return 2, follows
        return 0, None

    def span(self, line: list[Token], at: int) -> tuple[int, object]:
        """today, next week, Tuesday, afternoon: value is ("day", n), ("span", s), ("weekday", n, next) …"""
        norms = [norm_at(line, at + step) for step in range(5)]
        for words, found in self._time_words.get(norms[0], ()):
            if tuple(norms[: len(words)]) == words:
                return len(words), found
        skip = 1 if norms[0] in BEFORE_A_DAY else 0
        if (weekday := self.calendar.weekdays.get(norms[skip])) is not None and norms[skip] not in (
            "sun",
            "sat",
            "mar",
        ):
            return skip + 1, ("weekday", weekday, norms[0] if skip else "")
        return 0, None

    def amount(self, line: list[Token], at: int) -> tuple[int, object]:
        """ "90 minutes", "two hours", "an hour and a half", "2h", "3 days": minutes."""
        token = line[at]
        if lasting := _lasts(line, at):
            return 1, lasting
        norms = [norm_at(line, at + step) for step in range(6)]
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


def norm_at(line: list[Token], at: int) -> str:
    return line[at].norm if 0 <= at < len(line) else ""


def _lasts(line: list[Token], at: int) -> int | None:
    """The minutes of "2h" and "1h30", where nothing before them makes them an hour of the day."""
    match = _LENGTH.fullmatch(line[at].norm) if line[at].kind == "clock" else None
    if match is None or norm_at(line, at - 1) in AT_AN_HOUR:
        return None
    return int(match[1]) * 60 + int(match[2] or 0)


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
        or (token.raw[:1].isupper() and at > 0 and norm_at(line, at - 1) in ("in", "of", "since", "until"))
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
