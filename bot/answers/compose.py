"""Topics to the text a person reads: facts at an instant, in the reader's own time, with their source."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta, get_timezone_name

from bot.answers.entities import Atom, Code
from bot.answers.knowledge import Topic
from bot.answers.localtimes import Place, Reading, of_zone, readings
from bot.config import Config
from bot.programme.model import Programme
from bot.rendering import Mrkdwn, Rendering, zone_name

MINUTE = timedelta(minutes=1)
WHEN = "when"  # the topic of the date and the hours


@dataclass(frozen=True, slots=True)
class Moment:
    """When and for whom a reply is made."""

    at: datetime
    programme: Programme
    tz: ZoneInfo | None
    lang: str
    facts: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class Said:
    """One topic's text with where its facts come from."""

    topic: str
    text: Mrkdwn
    sources: tuple[str, ...]
    known: bool
    verdict: bool | None = None
    question: str | None = None
    kind: str = "topic"


class Composer:
    """Renders topics and the frame around them."""

    def __init__(self, config: Config, rendering: Rendering) -> None:
        self.config = config
        self.rendering = rendering
        self._hours = functools.lru_cache(maxsize=64)(self._hours_of)  # formatting them takes long

    def known(self, topic: Topic, moment: Moment) -> bool:
        """Whether the topic states something at that moment; its front matter may hold an expression."""
        if isinstance(topic.front.known, bool):
            return topic.front.known
        values = self.values(topic, moment)
        return self.rendering.snippet(f"{{{{ 1 if ({topic.front.known}) else 0 }}}}", values) == "1"

    def say(
        self,
        topic: Topic,
        moment: Moment,
        *,
        verdict: bool | None = None,
        polar: bool = False,
        places: Sequence[Place] = (),
        atoms: Sequence[Atom] = (),
        beside: Collection[str] = (),
    ) -> Said:
        """The topic's text and sources; `beside` are the ids of what the same reply answers."""
        values = self.values(
            topic, moment, verdict=verdict, places=places, atoms=atoms, polar=polar, beside=beside
        )
        text = self.rendering.snippet(topic.body, values)
        lines = [
            line
            for source in topic.front.sources
            for line in self.rendering.snippet(source, values).splitlines()
        ]
        sources = tuple(dict.fromkeys(self.source(line) for line in lines if line.strip()))
        known = self.known(topic, moment)
        return Said(topic.id, text, sources, known, verdict if known else None, kind=topic.front.kind)

    def source(self, text: str) -> str:
        """ "letter, paragraph 7" as it is said: "the invitation letter, paragraph 7"."""
        text = text.strip()
        if text == "letter" or text.startswith("letter,"):
            return self.config.letter.name + text.removeprefix("letter")
        return text

    def frame(self, name: str, moment: Moment, **values: Any) -> Mrkdwn:
        """Render `templates/answers/<lang>/_<name>.md` around what was said."""
        return self.rendering.text(
            f"answers/{moment.lang}/_{name}.md", {"programme": moment.programme, **values}
        )

    def values(
        self,
        topic: Topic,
        moment: Moment,
        *,
        verdict: bool | None = None,
        polar: bool = False,
        places: Sequence[Place] = (),
        atoms: Sequence[Atom] = (),
        beside: Collection[str] = (),
    ) -> dict[str, Any]:
        """Everything an answer file's body may use (docs/answers.md lists it)."""
        programme, config = moment.programme, self.config
        item = topic.item
        if topic.front.each == "segments" and item is not None:
            item = programme.segment(item.id) or item
        codes = [atom.value for atom in atoms if isinstance(atom.value, Code)]
        items = config.standards.items if config.standards else []
        if topic.id == WHEN:  # which tells the hours in the workshop's own zone
            own = "zone", self._facts(moment)["hours"]["zone"]
            places = [place for place in places if (place.kind, place.name) != own]
        return {
            **self._facts(moment),
            "verdict": verdict,
            "polar": polar,
            "item": item,
            "local": [
                self._local(reading, moment.lang, programme.starts)
                for place in places
                for reading in readings(place, programme.starts, programme.ends)
            ],
            "places": [place.name for place in places],
            "codes": codes,
            "unlisted": [code.text for code in codes if code.listed is None],
            "listed": [items[code.listed] for code in codes if code.listed is not None],
            "asked_for": frozenset(name for atom in atoms for name in atom.names),
            "beside": frozenset(beside),
        }

    def _facts(self, moment: Moment) -> dict[str, Any]:
        """What is the same for every topic of one reply, worked out once."""
        if moment.facts:
            return moment.facts
        programme, config, lang = moment.programme, self.config, moment.lang
        starts, ends, tz = programme.starts, programme.ends, config.workshop.tz
        days = (starts.astimezone(tz).date() - moment.at.astimezone(tz).date()).days
        as_invited = starts == config.workshop.start and ends == config.workshop.end
        moment.facts.update(
            config=config,
            programme=programme,
            at=moment.at,
            phase="before" if moment.at < starts else "during" if moment.at < ends else "after",
            days=days,
            when_words=_from_now(days, lang),
            left=_lasting(-((moment.at - (starts if moment.at < starts else ends)) // MINUTE), lang),
            hours=self._hours(starts, ends, lang),
            clock=lambda instant: format_datetime(instant, "HH:mm", tzinfo=tz, locale=lang),
            own=self._own(moment),
            own_tz=moment.tz,
            on_now=programme.now(moment.at),
            up_next=programme.next(moment.at),
            hours_source=config.workshop.source if as_invited else self._version(programme),
            programme_source=self._version(programme),
        )
        return moment.facts

    def _version(self, programme: Programme) -> str:
        return f"programme, version {programme.version}"

    def _hours_of(self, starts: datetime, ends: datetime, lang: str) -> dict[str, Any]:
        tz = self.config.workshop.tz
        minutes = int((ends - starts) / MINUTE)
        return {
            **self._formatted(starts.astimezone(tz), ends.astimezone(tz), lang, starts),
            "zone": zone_name(starts, tz),
            "zone_words": get_timezone_name(starts.astimezone(tz), locale=lang, width="long"),
            "utc": f"{starts.astimezone(UTC):%H:%M}–{ends.astimezone(UTC):%H:%M}",
            "weekday": format_datetime(starts, "EEEE", tzinfo=tz, locale=lang),
            "minutes": minutes,
            "length": divmod(minutes, 60),
            "starts": format_datetime(starts, "HH:mm", tzinfo=tz, locale=lang),
            "ends": format_datetime(ends, "HH:mm", tzinfo=tz, locale=lang),
        }

    def _formatted(self, starts: datetime, ends: datetime, lang: str, instant: datetime) -> dict[str, Any]:
        here = instant.astimezone(self.config.workshop.tz)
        spread = (ends.date() - starts.date()).days
        return {
            "date": format_datetime(starts.replace(tzinfo=None), "EEEE d MMMM y", locale=lang),
            "span": f"{starts:%H:%M}–{ends:%H:%M}",
            "twelve": f"{_twelve(starts)}–{_twelve(ends)}",
            "spread": spread,
            "other_day": starts.date() != here.date(),
        }

    def _local(self, reading: Reading, lang: str, instant: datetime) -> dict[str, Any]:
        return {
            **self._formatted(reading.starts, reading.ends, lang, instant),
            "label": reading.label,
            "zone": reading.abbreviation,
            "out_of_season": reading.out_of_season is not None,
        }

    def _own(self, moment: Moment) -> dict[str, Any] | None:
        """The hours in the reader's own zone, None when they are the workshop's own."""
        programme = moment.programme
        if moment.tz is None:
            return None
        if (
            programme.starts.astimezone(moment.tz).utcoffset()
            == programme.starts.astimezone(self.config.workshop.tz).utcoffset()
        ):
            return None
        return self._local(
            of_zone(moment.tz, programme.starts, programme.ends, moment.lang), moment.lang, programme.starts
        )


@functools.lru_cache(maxsize=64)
def _from_now(days: int, lang: str) -> str:
    """ "in 5 days", "5 days ago"; "" for today."""
    if not days:
        return ""
    return format_timedelta(
        timedelta(days=days), granularity="day", add_direction=True, locale=lang, threshold=1e9
    )


@functools.lru_cache(maxsize=64)
def _lasting(left: int, lang: str) -> str:
    """ "2 hours 5 minutes"; of less than a minute, one."""
    hours, minutes = divmod(max(1, left), 60)
    said = [format_timedelta(timedelta(hours=hours), "hour", 1e9, locale=lang)] if hours else []
    if minutes:
        said.append(format_timedelta(timedelta(minutes=minutes), "minute", 1e9, locale=lang))
    return " ".join(said)


def _twelve(local: datetime) -> str:
    """ "2:00 pm"."""
    return f"{(local.hour + 11) % 12 + 1}:{local:%M} {'am' if local.hour < 12 else 'pm'}"
