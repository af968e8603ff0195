"""Programmes from files: read whole, with every mistake named, and known again when they come back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import Config, shipped
from bot.errors import Invalid
from bot.programme import changes
from bot.programme.calendar import Bookkeeping, calendar
from bot.programme.importing import read
from bot.programme.model import Programme, Segment, Status
from bot.rendering import Rendering
from tests.programme.programmes import instant, programme, second_config, segment


@pytest.fixture(scope="module")
def second() -> Config:
    return second_config()


@pytest.fixture
def base(second: Config) -> Programme:
    return Programme.from_config(second)


def mistakes(data: str | bytes, base: Programme, config: Config) -> list[str]:
    with pytest.raises(Invalid) as caught:
        read(data.encode() if isinstance(data, str) else data, base=base, config=config)
    assert (caught.value.code, caught.value.field) == ("import_mistakes", "file")
    found = caught.value.values["mistakes"]
    words = Rendering(config).text("errors/import_mistakes.txt.j2", {"mistakes": found})
    assert str(words).startswith("The file cannot be imported; nothing was changed.")
    return [str(mistake) for mistake in found]


# --- TOML --------------------------------------------------------------------------------------------

TOML = """
[workshop]
starts = 2026-03-31T15:00:00
ends = 2026-03-31T18:00:00
status = "postponed"

[[segments]]
id = "podium"
title = "Podium"
starts = 2026-03-31T16:30:00
speakers = ["Ada", "Bo"]
takes_questions = true

[[segments]]
id = "neu"
title = "Neues, mit Komma"
cancelled = true
"""


def test_toml_as_in_the_configuration(base: Programme, second: Config) -> None:
    after = read(TOML.encode(), base=base, config=second)
    assert (after.starts, after.ends, after.status) == (instant(60), instant(240), Status.POSTPONED)
    assert after.title == base.title
    assert after.segments == (
        Segment(
            id="podium",
            title="Podium",
            starts=instant(150),
            speakers=("Ada", "Bo"),
            takes_questions=True,
        ),
        Segment(id="neu", title="Neues, mit Komma", cancelled=True),
    )
    found = changes.diff(base, after)
    assert [(c.kind, c.segment) for c in found if c.kind is changes.Kind.CANCELLED] == [
        ("cancelled", "eroeffnung"),
        ("cancelled", "messen"),
    ]


def test_toml_of_the_hours_alone_leaves_the_segments(base: Programme, second: Config) -> None:
    after = read(b"[workshop]\nends = 2026-03-31T17:30:00\n", base=base, config=second)
    assert (after.ends, after.segments) == (instant(210), base.segments)


def test_a_whole_configuration_is_a_programme_too(config: Config) -> None:
    base = Programme.from_config(config)
    assert read(shipped("config.toml").read_bytes(), base=base, config=config) == base


def test_a_letters_paragraph_stays_the_source_of_what_it_says(config: Config) -> None:
    base = Programme.from_config(config)
    same, other = base.segments[0], base.segments[1]
    toml = "".join(
        f'[[segments]]\nid = "{id}"\ntitle = "{title}"\n'
        for id, title in ((same.id, same.title), (other.id, "X"))
    )
    after = read(toml.encode(), base=base, config=config)
    assert [s.source for s in after.segments] == ["letter, paragraph 3", None]


def test_every_mistake_in_toml_is_named_with_its_path(base: Programme, second: Config) -> None:
    toml = """
[workshop]
status = "perhaps"
venue = "Wien"
[[segments]]
id = "Not A Slug"
title = ""
[[segments]]
id = "b"
title = "B"
starts = 2026-03-31T16:00:00
ends = 2026-03-31T15:00:00
link = "javascript:alert(1)"
"""
    found = mistakes(toml, base, second)
    assert [line.split(":")[0] for line in found] == [
        "workshop.status",
        "workshop.venue",
        "segments.0.id",
        "segments.0.title",
        "segments.1.link",
    ]
    found = mistakes(
        toml.replace("javascript:alert(1)", "https://x.example").replace('"perhaps"', '"on"'), base, second
    )
    assert "segments.1: it ends before it starts; let `ends` be later than `starts`" in found


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[[segments]\nid=1", "line 1"),
        ("segments = []", "segments"),
        ("[workshop]\nends = 2026-03-31T13:00:00", "the workshop ends before it starts"),
        ("[workshop]\nends = 2026-03-31T13:00:00Z", "it carries an offset"),
        ("[workshop]\nends = 9999-12-31T23:59:59", "9999 is no year"),
        ('[[segments]]\nid="a"\ntitle="A"\n[[segments]]\nid="a"\ntitle="B"', "'a' stands there twice"),
        ("x = " + "[" * 10_000, "it is not valid TOML"),
        ("x = " + "9" * 10_000, "it is not valid TOML"),
    ],
)
def test_bad_toml(base: Programme, second: Config, toml: str, words: str) -> None:
    assert any(words in line for line in mistakes(toml, base, second))


# --- pretalx and frab ----------------------------------------------------------------------------------


def talk(code: str | None = "ABCDEF", **fields: Any) -> dict[str, Any]:
    return {
        "guid": "5b6f0a4e-0000-4000-8000-000000000001",
        "code": code,
        "id": 17,
        "date": "2026-03-31T14:30:00+02:00",
        "start": "14:30",
        "duration": "00:30",
        "room": "Main",
        "title": "Messen\nim  Feld",
        "subtitle": "",
        "abstract": "Wie\r\nmisst man?",
        "description": "lang",
        "url": "https://pretalx.example/talk/ABCDEF/",
        "persons": [{"code": "X", "name": "Ada", "public_name": "Ada L."}, {"name": "Bo"}],
        "links": [],
        **fields,
    }


def pretalx(*talks: dict[str, Any]) -> str:
    days = [{"index": 1, "date": "2026-03-31", "rooms": {"Main": list(talks)}}]
    return json.dumps({"schedule": {"version": "1", "conference": {"title": "T", "days": days}}})


FRAB = """<?xml version="1.0" encoding="utf-8"?>
<schedule>
  <version>1</version>
  <conference><title>T</title></conference>
  <day index="1" date="2026-03-31">
    <room name="Main">
      <event guid="5b6f0a4e-0000-4000-8000-000000000001" id="17" code="ABCDEF">
        <date>2026-03-31T14:30:00+02:00</date><start>14:30</start><duration>00:30</duration>
        <title>Messen
          im  Feld</title>
        <abstract>Wie
misst man?</abstract>
        <url>https://pretalx.example/talk/ABCDEF/</url>
        <persons><person id="1">Ada L.</person><person id="2">Bo</person></persons>
      </event>
    </room>
  </day>
</schedule>"""

IMPORTED = Segment(
    id="abcdef",
    title="Messen im Feld",
    starts=instant(30),
    ends=instant(60),
    speakers=("Ada L.", "Bo"),
    description="Wie\nmisst man?",
    known_as="ABCDEF",
)


@pytest.mark.parametrize("file", [pretalx(talk()), FRAB], ids=["pretalx", "frab"])
def test_pretalx_and_frab_give_the_same(base: Programme, second: Config, file: str) -> None:
    after = read(file.encode(), base=base, config=second)
    assert after.segments == (IMPORTED,)
    assert after.model_copy(update={"segments": base.segments}) == base


def test_without_a_date_the_days_and_the_start_count(base: Programme, second: Config) -> None:
    file = pretalx(talk(date=None, start="9:05"))
    (only,) = read(file.encode(), base=base, config=second).segments
    assert only.starts == datetime(2026, 3, 31, 7, 5, tzinfo=UTC)


def test_a_talk_stays_the_same_segment_when_it_is_renamed_and_moved(base: Programme, second: Config) -> None:
    first = read(pretalx(talk()).encode(), base=base, config=second)
    moved = talk(title="Anders", date="2026-03-31T15:00:00+02:00")
    again = read(pretalx(moved).encode(), base=first, config=second)
    assert [(c.kind, c.segment) for c in changes.diff(first, again)] == [
        ("retitled", "abcdef"),
        ("moved", "abcdef"),
    ]


def test_a_segment_of_the_letter_is_known_by_its_title_and_then_by_its_code(
    base: Programme, second: Config
) -> None:
    file = pretalx(talk(title="messen & vergleichen 🌱"))
    after = read(file.encode(), base=base, config=second)
    (only,) = after.segments
    assert (only.id, only.known_as) == ("messen", "ABCDEF")
    assert only.takes_questions, "pretalx cannot say it, so it stays"
    kept = changes.with_missing(base, after)
    again = read(pretalx(talk(title="Etwas anderes")).encode(), base=kept, config=second)
    assert [s.id for s in again.segments] == ["messen"]


def test_what_vanishes_is_cancelled_and_comes_back(base: Programme, second: Config) -> None:
    both = read(pretalx(talk(), talk("GHIJKL", title="Zwei")).encode(), base=base, config=second)
    both = changes.with_missing(base, both)
    one = changes.with_missing(both, read(pretalx(talk()).encode(), base=both, config=second))
    assert [s.id for s in one.segments if not s.cancelled] == ["abcdef"]
    back = read(pretalx(talk(), talk("GHIJKL", title="Zwei")).encode(), base=one, config=second)
    assert changes.with_missing(both, back) == both


def test_every_mistake_in_a_schedule_is_named_with_its_path(base: Programme, second: Config) -> None:
    file = pretalx(
        talk(title="  "),
        talk("B", duration="half an hour"),
        talk(None, guid=None, id=None),
        talk("D", date=None, start=None),
        talk("E", start="25:00", persons=[{"name": ["x"]}]),
        talk("F", date="0001-01-01T00:00:00+14:00"),
    )
    keys = [line.split(":")[0] for line in mistakes(file, base, second)]
    place = "schedule.conference.days.0.rooms.Main"
    assert keys == [
        f"{place}.0.title",
        f"{place}.1.duration",
        f"{place}.2",
        f"{place}.3",
        f"{place}.4.start",
        f"{place}.4.persons.0.name",
        f"{place}.5",
    ]
    later = mistakes(pretalx(talk(), talk("G"), talk("G")), base, second)
    assert [line.split(":")[0] for line in later] == [f"{place}.2"]
    broken = FRAB.replace("00:30", "x").replace(' id="17"', "")
    assert mistakes(broken, base, second)[0].startswith("schedule/day[1]/room[1]/event[1].duration:")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ('{"schedule": {\n"x": }', "line 2, column 6"),
        ("{}", "schedule: it is missing"),
        (pretalx(), "it holds no segments"),
        (pretalx(*[talk(f"T{n}") for n in range(1001)]), "1000 are the most"),
        ('{"a":' + "[" * 100_000, "it cannot be read"),
        (pretalx(talk(title="x" * 3001)), "at most 3000 characters"),
        ("<schedule><day", "it is not valid XML"),
        ("<!doctype html><title>Log in</title>", "it is a web page"),
        ("<schedule/>", "it holds no segments"),
        ('<schedule><day date="soon"/></schedule>', "schedule/day[1]@date: 'soon' is no date"),
        (
            '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><schedule>&c;</schedule>',
            "it is refused (DTDForbidden)",
        ),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><schedule/>', "it is refused (DTDForbidden)"),
        ("", "it is empty"),
        ("  \n", "it is empty"),
        ("[]", "it is no schedule as pretalx writes it"),
        ('[{"title": "x"}]', "it is no schedule as pretalx writes it"),
        ("id,title\n1,x", "or give pretalx's JSON, frab's XML or iCalendar"),
        (pretalx(talk(duration="00:60")), "a duration is written as 00:30"),
    ],
)
def test_bad_schedules(base: Programme, second: Config, file: str, words: str) -> None:
    assert any(words in line for line in mistakes(file, base, second))


def test_what_is_not_text_or_too_much_is_refused(base: Programme, second: Config) -> None:
    assert "byte 0 is not UTF-8" in mistakes(b"\xff\xfe{}", base, second)[0]
    assert "5000000 are the most" in mistakes(b" " * 5_000_001, base, second)[0]


# --- iCalendar -----------------------------------------------------------------------------------------


def ics(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n"


EVENT = (
    "UID:Talk-1@else.example\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Eins\\, zwei\r\nDTSTART:20260331T123000Z"
)


def test_icalendar_events_become_segments(base: Programme, second: Config) -> None:
    file = ics(
        EVENT + "\r\nDTEND:20260331T130000Z\r\nDESCRIPTION:Zeile\\nzwei\r\nURL:https://x.example/about"
        "\r\nLOCATION:https://x.example/1",
        EVENT.replace("Talk-1", "Talk-2").replace("20260331T123000Z", "20260331T160000")
        + "\r\nDURATION:PT15M",
        EVENT.replace("Talk-1", "Talk-3").replace("DTSTART", "DTSTART;TZID=Asia/Tokyo").replace("00Z", "00")
        + "\r\nSTATUS:CANCELLED",
    )
    after = read(file.encode(), base=base, config=second)
    assert [(s.id, s.title, s.starts, s.ends, s.cancelled) for s in after.segments] == [
        ("talk-1-else-example", "Eins, zwei", instant(30), instant(60), False),
        ("talk-2-else-example", "Eins, zwei", instant(120), instant(135), False),  # 16:00 in Vienna
        ("talk-3-else-example", "Eins, zwei", instant(30 - 9 * 60), None, True),
    ]
    assert (after.segments[0].description, after.segments[0].link) == ("Zeile\nzwei", "https://x.example/1")


def test_this_bots_own_calendar_comes_back_as_it_went(base: Programme, second: Config) -> None:
    body = calendar(base, Bookkeeping.unreleased(base), second)
    after = read(body, base=base, config=second)
    messen = base.segments[1].model_copy(update={"ends": instant(120)})  # its end is written out there
    assert after == base.model_copy(update={"segments": (base.segments[0], messen, base.segments[2])})


def test_every_mistake_in_a_calendar_is_named(base: Programme, second: Config) -> None:
    file = ics(
        EVENT + "\r\nRRULE:FREQ=DAILY",
        EVENT.replace("UID:Talk-1@else.example\r\n", ""),
        EVENT.replace("DTSTART:20260331T123000Z", "DTSTART;VALUE=DATE:20260331").replace("Talk-1", "Talk-3"),
        EVENT.replace("SUMMARY:Eins\\, zwei\r\n", "").replace("Talk-1", "Talk-4"),
    )
    assert mistakes(file, base, second) == [
        "VEVENT 1 (Talk-1@else.example): it repeats; write each time as an event of its own",
        "VEVENT 2: it has no UID; give it one that stays the same",
        "VEVENT 3 (Talk-3@else.example): DTSTART: it has no time of day; write a date and a time",
        "VEVENT 4 (Talk-4@else.example): SUMMARY: it is empty or too long; write up to 3000 characters",
    ]
    assert mistakes("BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", base, second)
    assert mistakes(ics(EVENT.replace("20260331T123000Z", "soon")), base, second)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            {"DTSTART:20260331T123000Z": "DTSTART;TZID=Nowhere/None:20260331T123000"},
            "'Nowhere/None' is no time zone",
        ),
        ({"DTSTART:20260331T123000Z": "DTSTART:20260329T023000"}, "02:30 is left out when clocks go forward"),
        ({"SUMMARY:": "SUMMARY:Zwei\r\nSUMMARY:"}, "SUMMARY: it stands there twice"),
        ({"DTSTART:": "DTSTART:20260331T120000Z\r\nDTSTART:"}, "DTSTART: it stands there twice"),
        ({"UID:": "LOCATION:https://x.example/ onward\r\nUID:"}, "is no web address"),
        ({"UID:": "DURATION:-PT5M\r\nUID:"}, "it ends before it starts"),
    ],
)
def test_bad_events(base: Programme, second: Config, lines: dict[str, str], words: str) -> None:
    event = EVENT
    for old, new in lines.items():
        event = event.replace(old, new)
    assert any(words in line for line in mistakes(ics(event), base, second))


def test_a_calendar_of_too_many_events_is_refused_before_it_is_read(base: Programme, second: Config) -> None:
    events = [EVENT.replace("Talk-1", f"Talk-{n}") for n in range(1001)]
    assert mistakes(ics(*events), base, second) == ["the file: it holds 1001 segments; 1000 are the most"]


def test_what_has_no_time_cannot_be_missing_in_a_calendar(base: Programme, second: Config) -> None:
    """This bot's own calendar leaves such segments out too; they are not cancelled by that."""
    open_ = Segment(id="offen", title="Offen")
    mixed = base.model_copy(update={"segments": (open_, *base.segments)})
    after = read(calendar(mixed, Bookkeeping.unreleased(mixed), second), base=mixed, config=second)
    assert [segment.id for segment in after.segments] == ["offen", "eroeffnung", "messen", "podium"]
    assert after.segments[0] == open_
    alone = base.model_copy(update={"segments": (open_,)})
    assert read(calendar(alone, Bookkeeping.unreleased(alone), second), base=alone, config=second) == alone


# --- anything ------------------------------------------------------------------------------------------


def refused_well(refusal: Invalid) -> None:
    assert refusal.code == "import_mistakes"
    assert refusal.values["mistakes"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused_with_words_or_read(data: st.DataObject) -> None:
    config = second_config()
    base = Programme.from_config(config)
    whole = data.draw(
        st.sampled_from(
            [
                TOML,
                pretalx(talk()),
                FRAB,
                ics(EVENT),
                calendar(base, Bookkeeping.unreleased(base), config).decode(),
            ]
        )
    )
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(len(whole), begin + 40)))
    junk = data.draw(
        st.text(max_size=8) | st.sampled_from(["\x00", "[[", "<!--", "BEGIN:VEVENT\r\n", "9" * 50])
    )
    try:
        after = read((whole[:begin] + junk + whole[end:]).encode(), base=base, config=config)
    except Invalid as refused:
        refused_well(refused)
        return
    except UnicodeEncodeError:  # a lone surrogate is no file at all
        return
    found = changes.diff(base, after)
    assert changes.apply(base, found) == changes.with_missing(base, after)
    assert Programme.model_validate_json(after.model_dump_json()) == after


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_bytes_are_refused_or_read(data: bytes) -> None:
    config = second_config()
    try:
        read(data, base=programme(segment("a", 0)), config=config)
    except Invalid as refused:
        refused_well(refused)
