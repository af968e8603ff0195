"""Programmes to test with: the second workshop's, and hypothesis strategies for any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.config import Config, parse
from bot.programme.model import Programme, Segment, Status

START = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)  # 14:00 in Vienna, two days after clocks went forward


def instant(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def segment(id: str, starts: int | None = None, ends: int | None = None, **fields: Any) -> Segment:
    """A segment whose times are minutes after the workshop's start."""
    return Segment(
        id=id,
        title=fields.pop("title", id.capitalize()),
        starts=None if starts is None else instant(starts),
        ends=None if ends is None else instant(ends),
        **fields,
    )


def programme(*segments: Segment, **fields: Any) -> Programme:
    """A programme of three hours from START."""
    return Programme(
        **{
            "version": 1,
            "title": "Spring meeting",
            "starts": START,
            "ends": instant(180),
            "page_url": "https://meeting.example/",
            "registration_url": "https://meeting.example/register",
            "segments": segments,
            **fields,
        }
    )


def second_config(**changes: Any) -> Config:
    """Another workshop: another zone, times and speakers, two segments that take questions, and a change
    to summer time two days before it."""
    data: dict[str, Any] = {
        "workshop": {
            "id": "fruehjahrstagung-2026",
            "title": "Frühjahrstagung Grüne Netze",
            "kind": "Tagung",
            "organiser": 'Verein "Grüne Netze", Wien',
            "starts": datetime(2026, 3, 31, 14, 0),  # noqa: DTZ001 - local, as in config.toml
            "ends": datetime(2026, 3, 31, 17, 0),  # noqa: DTZ001
            "zone": "Europe/Vienna",
            "link": "https://join.example/room?id=7",
            "link_audience": "everyone",
            "source": "announcement, page 1",
        },
        "letter": {"name": "the announcement", "source": "announcement"},
        "page": {"url": "https://tagung.example/programm", "source": "announcement, page 2"},
        "segments": [
            {
                "id": "eroeffnung",
                "title": "Eröffnung; Begrüßung, Überblick",
                "starts": datetime(2026, 3, 31, 14, 0),  # noqa: DTZ001
                "ends": datetime(2026, 3, 31, 14, 20),  # noqa: DTZ001
                "speakers": ["Žofia Krüger", "李小龙"],
            },
            {
                "id": "messen",
                "title": "Messen & Vergleichen 🌱",
                "starts": datetime(2026, 3, 31, 14, 20),  # noqa: DTZ001
                "speakers": ["O’Brien, Máire"],
                "takes_questions": True,
                "link": "https://join.example/room?id=8",
            },
            {
                "id": "podium",
                "title": "Podium",
                "starts": datetime(2026, 3, 31, 16, 0),  # noqa: DTZ001
                "ends": datetime(2026, 3, 31, 17, 0),  # noqa: DTZ001
                "takes_questions": True,
            },
        ],
        "reminders": [
            {"id": "week", "at": "-P7D", "late": "PT12H"},
            {"id": "day", "at": "-P1D", "late": "PT6H"},
            {"id": "hour", "at": "-PT1H", "late": "PT40M"},
            {"id": "soon", "at": "-PT10M", "late": "PT25M"},
            {"id": "start", "at": "start"},
            {"id": "each", "at": "-PT5M", "segment": "*", "late": "PT10M"},
            {"id": "panel", "at": "-PT15M", "segment": "podium", "audience": "moderators"},
            {"id": "mine", "at": "-PT2M", "segment": "podium", "audience": "subscribers"},
            {"id": "closing", "at": "end-PT5M"},
            {"id": "end", "at": "end", "late": "PT1H"},
        ],
        "channels": {"participants": "#tagung", "moderators": "#moderation", "organisers": "#orga"},
        "roles": {"moderators": ["#moderation"], "organisers": ["#orga"]},
    }
    for key, value in changes.items():
        data[key] = {**data.get(key, {}), **value} if isinstance(value, dict) else value
    return parse(data)


_words = st.text(
    alphabet=st.sampled_from(list("ab &<>*_~`\"'\\;,:|é語🌱\u202e{}%")), min_size=1, max_size=12
).filter(str.strip)
_links = st.sampled_from([None, "https://a.example/1", "https://b.example/2"])


@st.composite
def segments(draw: st.DrawFn, id: str) -> Segment:
    starts = draw(st.none() | st.integers(-2, 30).map(lambda steps: steps * 5))
    length = draw(st.none() | st.integers(1, 6).map(lambda steps: steps * 5))
    return segment(
        id,
        starts,
        None if starts is None or length is None else starts + length,
        title=draw(_words),
        speakers=tuple(draw(st.lists(st.sampled_from(["Ada", "Bo", "Cy, D.", "ß"]), max_size=4))),
        description=draw(st.none() | _words),
        link=draw(_links),
        takes_questions=draw(st.booleans()),
        cancelled=draw(st.booleans()),
        source=draw(st.sampled_from([None, "letter, paragraph 3"])),
    )


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """Any valid programme of at most six segments out of the same six ids, so that two overlap."""
    ids = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6))
    shift = draw(st.sampled_from([0, 0, 5, -60, 1440]))
    return programme(
        *[draw(segments(id)) for id in ids],
        title=draw(_words),
        status=draw(st.sampled_from(list(Status))),
        starts=instant(shift),
        ends=instant(shift + draw(st.sampled_from([90, 180]))),
        registration_url=draw(_links),
        link=draw(_links),
    )
