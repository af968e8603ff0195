"""What a named place or zone says the time is.

Places come from the tz database (zones and countries), from CLDR through Babel (country names), from the
list of cities and from `data/places-en.toml` (other names, states, abbreviations). What is ambiguous stays
so: a country of several zones, a city name shared by two cities and letters such as CST give several
readings, and the reply says all of them.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from rapidfuzz import fuzz, process

from bot.answers.text import fold
from bot.rendering import zone_name

MOST_READINGS = 12


@dataclass(frozen=True, slots=True)
class Clock:
    """One zone, as it is named to the reader; `summer` is a zone whose summer time the letters mean."""

    label: str
    zone: str | None = None
    minutes: int | None = None
    summer: str | None = None

    def tz(self) -> ZoneInfo | timezone:
        if self.zone is not None:
            return ZoneInfo(self.zone)
        return timezone(timedelta(minutes=self.minutes or 0))


@dataclass(frozen=True, slots=True)
class Place:
    """A place or zone somebody named: its name, the clocks it may mean, and its ISO country if it is one."""

    name: str
    clocks: tuple[Clock, ...]
    kind: str  # city, country, region, zone
    shared: bool = False  # several places or zones have this name (not: one country with several zones)


@dataclass(frozen=True, slots=True)
class Reading:
    """The workshop's hours on one clock."""

    label: str
    starts: datetime  # local, aware
    ends: datetime
    abbreviation: str  # "JST", "UTC+5:30"
    out_of_season: str | None = None  # zone whose people do not keep this summer time on that day


def readings(place: Place, starts: datetime, ends: datetime) -> list[Reading]:
    """The hours at a place, one reading for each different clock time, in the place's own order."""
    found: list[Reading] = []
    offsets: dict[timedelta | None, int] = {}
    for clock in place.clocks:
        local = starts.astimezone(clock.tz())
        offset = local.utcoffset()
        if offset in offsets and not place.shared:
            continue
        offsets[offset] = 1
        out_of_season = None
        if clock.summer is not None and starts.astimezone(ZoneInfo(clock.summer)).utcoffset() != offset:
            out_of_season = clock.summer
        found.append(
            Reading(
                clock.label, local, ends.astimezone(clock.tz()), _abbreviation(clock, starts), out_of_season
            )
        )
    return found[:MOST_READINGS]


def of_zone(tz: ZoneInfo, starts: datetime, ends: datetime, language: str) -> Reading:
    """The hours in one person's own zone, labelled by its city."""
    return Reading(
        city_of(tz.key, language), starts.astimezone(tz), ends.astimezone(tz), zone_name(starts, tz)
    )


def _abbreviation(clock: Clock, instant: datetime) -> str:
    if clock.zone is not None:
        return zone_name(instant, ZoneInfo(clock.zone))
    return offset_name(timedelta(minutes=clock.minutes or 0))


def offset_name(offset: timedelta) -> str:
    """ "UTC+5:30"."""
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes >= 0 else '−'}{hours}" + (f":{rest:02}" if rest else "")


def city_of(zone: str, language: str) -> str:
    """The city a zone is named after, in that language where CLDR has it."""
    names = _locale(language).time_zones.get(zone, {})
    return str(names.get("city") or zone.rsplit("/", 1)[-1].replace("_", " "))


@functools.cache
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


@functools.cache
def _country_zones() -> dict[str, tuple[str, ...]]:
    zones: dict[str, list[str]] = {}
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    known = available_timezones()
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            if zone in known:
                zones.setdefault(country, []).append(zone)
    return {country: tuple(found) for country, found in zones.items()}


def _data(name: str) -> str:
    return resources.files("bot.answers").joinpath("data").joinpath(name).read_text(encoding="utf-8")


def key(name: str) -> str:
    """A place's name as it is looked up: folded, words only, one space between."""
    plain = (
        fold(name).replace("'", "").replace(".", " ").replace("-", " ").replace("&", "and").replace(",", " ")
    )
    return " ".join(plain.split())


class Places:
    """Every place and zone that can be named in one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._clocks: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {}  # key: name, (zone, country)…
        self._countries: dict[str, tuple[str, str]] = {}  # key: name, ISO code
        self._regions: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._zones: dict[str, tuple[str, tuple[Clock, ...]]] = {}
        self._demonyms: dict[str, str] = {}
        self._shared: dict[str, tuple[Clock, ...]] = {}
        self._main: dict[str, tuple[str, ...]] = {}
        self._abroad: set[str] = set()
        self._load_cities()
        self._load_names(tomllib.loads(_data("places-en.toml")))
        self._load_abroad()
        self.longest: dict[str, int] = {}
        self.words: set[str] = set()
        for name in (*self._all(), *(f"{people}s" for people in self._demonyms)):
            self.words.update(name.split())
            first, *rest = name.split()
            self.longest[first] = max(self.longest.get(first, 0), len(rest) + 1)

    def _load_cities(self) -> None:
        for zone in sorted(available_timezones()):
            if zone.count("/") and not zone.startswith(
                ("Etc/", "SystemV/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")
            ):
                city = city_of(zone, self.language)
                self._clocks.setdefault(key(zone.rsplit("/", 1)[-1].replace("_", " ")), (city, ((zone, ""),)))
                self._clocks.setdefault(key(city), (city, ((zone, ""),)))
        for name in ("christmas", "easter", "general", "center"):  # zones whose names mean something else
            self._clocks.pop(name, None)
        listed: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        for line in _data("cities.txt").splitlines():
            if line and not line.startswith("#"):
                name, zone, country = line.split("|")
                listed.setdefault(key(name), (name, []))[1].append((zone, country))
        listed.pop("kita", None)  # "we" to Indonesians, of whom more write than of the town
        self._clocks |= {name: (shown, tuple(zones)) for name, (shown, zones) in listed.items()}
        territories = _locale(self.language).territories
        for code, zones in _country_zones().items():
            if code in territories and zones:
                self._countries[key(str(territories[code]))] = (str(territories[code]), code)

    def _load_names(self, names: dict[str, Any]) -> None:
        territories = _locale(self.language).territories
        for alias, zone in names["aliases"].items():
            self._clocks[key(alias)] = (_shown(alias), ((str(zone), ""),))
        for name, places in names["shared"].items():
            self._shared[key(name)] = tuple(Clock(label, zone) for label, zone in places.items())
        for alias, code in names["countries"].items():
            self._countries[key(alias)] = (str(territories[str(code)]), str(code))
        for word, code in names["demonyms"].items():
            self._demonyms[key(word)] = str(code)
        for region, zones in names["regions"].items():
            listed = tuple(str(zone) for zone in zones) if isinstance(zones, list) else (str(zones),)
            self._regions[key(region)] = (_shown(region), listed)
        self._main = {str(code): tuple(zones) for code, zones in names["main"].items()}
        for entry in names["zones"]:
            clocks = tuple(Clock(**of) for of in entry["of"])
            for name in entry["names"]:
                self._zones[key(name)] = (name.upper() if len(name) <= 4 else _shown(name), clocks)

    def _load_abroad(self) -> None:
        """What countries and cities are called in other languages, where this one has no such name."""
        known, territories = set(self._all()), _locale(self.language).territories
        for line in _data("places-abroad.txt").splitlines():
            name, _, place = line.partition("|")
            called = key(name)
            if not place or line.startswith("#") or called in known:
                continue
            self._abroad.add(called)
            if "/" in place:
                self._clocks[called] = (city_of(place, self.language), ((place, ""),))
            else:
                self._countries[called] = (str(territories[place]), place)

    def _all(self) -> list[str]:
        return [
            *self._clocks, *self._countries, *self._regions, *self._zones, *self._demonyms, *self._shared
        ]  # fmt: skip

    def within(self, city: Place, larger: Place) -> Place | None:
        """The city of that name in the country or region named behind it; None where none is known."""
        if city.kind != "city" or not (larger.kind != "city" or larger.shared):
            return None
        named = self._clocks.get(key(f"{city.name} {larger.name}"))
        if named is not None:
            return Place(city.name, (Clock(f"{city.name}, {larger.name}", named[1][0][0]),), "city")
        zones = {clock.zone for clock in larger.clocks}
        clocks = tuple(clock for clock in city.clocks if clock.zone in zones)
        return Place(city.name, clocks, "city", shared=len(clocks) > 1) if clocks else None

    def is_abbreviation(self, name: str) -> bool:
        """Whether this is a zone's letters."""
        return name in self._zones

    def zone(self, name: str) -> Place | None:
        """The zone of that name or those letters."""
        if name in self._zones:
            shown, clocks = self._zones[name]
            return Place(shown, clocks, "zone", shared=len(clocks) > 1)
        return None

    def demonym(self, name: str) -> Place | None:
        """The country of "Indian", for "Indian time"."""
        code = self._demonyms.get(name)
        return self._country(code) if code else None

    def place(self, name: str) -> Place | None:
        """The city, country or region of that name (a key)."""
        country, region, city = self._countries.get(name), self._regions.get(name), self._clocks.get(name)
        if name in self._shared:
            return Place(_shown(name), self._shared[name], "city", shared=True)
        if country is not None:
            place = self._country(country[1])
            if region is not None:  # Georgia
                more = tuple(
                    Clock(f"{region[0]} ({city_of(zone, self.language)})", zone) for zone in region[1]
                )
                return Place(place.name, more, "country", shared=True)
            return place
        if region is not None:
            labels = tuple(Clock(self._within(region[0], zone, len(region[1])), zone) for zone in region[1])
            return Place(region[0], labels, "region")
        if city is not None:
            shown, zones = city
            if len(zones) == 1:
                return Place(shown, (Clock(shown, zones[0][0]),), "city")
            territories = _locale(self.language).territories
            clocks = tuple(
                Clock(f"{shown}, {territories.get(country, country)}", zone) for zone, country in zones
            )
            return Place(shown, clocks, "city", shared=True)
        return None

    def _within(self, name: str, zone: str, count: int) -> str:
        return name if count == 1 else f"{name} ({city_of(zone, self.language)})"

    def _country(self, code: str) -> Place:
        name = str(_locale(self.language).territories[code])
        every = _country_zones()[code]
        zones = (*self._main.get(code, ()), *(zone for zone in every if zone not in self._main.get(code, ())))
        clocks = tuple(Clock(self._within(name, zone, len(zones)), zone) for zone in zones)
        return Place(name, clocks, "country")

    def offset(self, text: str) -> Place | None:
        """The zone "UTC+5:30", "gmt-3" or "+05:30"."""
        sign = -1 if "-" in text else 1
        digits = text.split("-" if sign < 0 else "+", 1)[-1].strip()
        hours, _, minutes = (
            digits.partition(":")
            if ":" in digits
            else (digits[:-2] if len(digits) > 2 else digits, "", digits[-2:] if len(digits) > 2 else "0")
        )
        total = sign * (int(hours) * 60 + int(minutes or 0))
        if not -12 * 60 <= total <= 14 * 60:
            return None
        label = offset_name(timedelta(minutes=total))
        return Place(label, (Clock(label, minutes=total),), "zone")

    @functools.lru_cache(maxsize=512)  # noqa: B019 - one instance lives as long as the process
    def closest(self, word: str) -> str | None:
        """The one place name that a misspelt word must mean, or None when that is not clear."""
        if len(word) < 5:
            return None
        cutoff = 84 if len(word) > 6 else 80
        candidates = process.extract(word, self._spellable, scorer=fuzz.ratio, limit=3, score_cutoff=cutoff)
        best = [name for name, score, _ in candidates if score >= candidates[0][1] - 0.1]
        preferred = [name for name in best if name in self._countries or name in self._prominent]
        chosen = preferred or (best if len(word) > 6 else [])  # a short one is one letter off from many
        return chosen[0] if len(chosen) == 1 and chosen[0][0] == word[0] else None

    @functools.cached_property
    def _spellable(self) -> list[str]:
        own = set(self._all()) - self._abroad
        return sorted({name for name in own if len(name) >= 5 and " " not in name})

    @functools.cached_property
    def _prominent(self) -> frozenset[str]:
        return frozenset(key(zone.rsplit("/", 1)[-1]) for zone in available_timezones())


def _shown(name: str) -> str:
    if len(name) <= 3:
        return name.upper()
    return " ".join(word if word in ("of", "the", "us") else word.capitalize() for word in name.split())


def utc_of(hour: int, minute: int, day: datetime, clock: Clock) -> datetime:
    """The instant of a wall time on the calendar day of `day` at that clock."""
    local = day.astimezone(clock.tz())
    return local.replace(hour=hour % 24, minute=minute, second=0, microsecond=0).astimezone(UTC)
