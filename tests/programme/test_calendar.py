"""The calendar read back, by icalendar and by a parser that is not icalendar."""

from __future__ import annotations

from datetime import timedelta

import icalendar
import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar.parser import Contentline

from bot.config import Config
from bot.errors import NotFound
from bot.programme import changes
from bot.programme.calendar import Bookkeeping, _folded, calendar
from bot.programme.model import Programme, Status
from tests.programme.programmes import START, instant, programme, programmes, second_config, segment

RELEASED = START - timedelta(days=20)


@pytest.fixture(scope="module")
def second() -> Config:
    return second_config()


def feed(it: Programme, config: Config, book: Bookkeeping | None = None, **options: str) -> bytes:
    return calendar(it, book or Bookkeeping.begin(it, at=RELEASED), config, **options)


def events(body: bytes) -> dict[str, icalendar.Event]:
    read = icalendar.Calendar.from_ical(body)
    assert [component.errors for component in read.walk()] == [[] for _ in read.walk()]
    return {str(event["UID"]).removesuffix("@workshop-bot"): event for event in read.events}


def test_untimed_segments_are_left_out_and_the_workshop_is_always_in(config: Config) -> None:
    it = Programme.from_config(config)
    (event,) = events(feed(it, config)).values()
    assert event["UID"] == "itu-ict-footprint-2025@workshop-bot"
    assert event["SUMMARY"] == it.title
    assert (event.start, event.end) == (it.starts, it.ends)


def test_works_from_the_configuration_alone_and_is_the_same_each_time(config: Config) -> None:
    it = Programme.from_config(config)
    book = Bookkeeping.unreleased(it)
    body = calendar(it, book, config)
    assert body == calendar(it, Bookkeeping.unreleased(it), config)
    (event,) = events(body).values()
    assert event["SEQUENCE"] == 0
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt < RELEASED


def test_each_timed_segment_has_its_hours_in_utc_and_a_stable_uid(second: Config) -> None:
    it = Programme.from_config(second)
    found = events(feed(it, second))
    assert {uid: (event.start, event.end) for uid, event in found.items()} == {
        "fruehjahrstagung-2026": (instant(0), instant(180)),
        "eroeffnung.fruehjahrstagung-2026": (instant(0), instant(20)),
        "messen.fruehjahrstagung-2026": (instant(20), instant(120)),  # until the next one starts
        "podium.fruehjahrstagung-2026": (instant(120), instant(180)),
    }
    body = feed(it, second)
    assert b"DTSTART:20260331T120000Z" in body
    assert b"TZID" not in body
    assert b"VALARM" not in body


def test_the_head_says_what_clients_look_for(second: Config) -> None:
    body = feed(Programme.from_config(second), second, public_url="https://bot.example/")
    lines = body.decode().split("\r\n")
    assert lines[:1] + lines[-2:] == ["BEGIN:VCALENDAR", "END:VCALENDAR", ""]
    for line in (
        "METHOD:PUBLISH",
        "NAME:Frühjahrstagung Grüne Netze",
        "X-WR-CALNAME:Frühjahrstagung Grüne Netze",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
        "SOURCE;VALUE=URI:https://bot.example/calendar.ics",
    ):
        assert line in lines
    for event in events(body).values():
        assert "ORGANIZER" in event
        assert "ATTENDEE" not in event
        assert event["ORGANIZER"].params["CN"] == "Verein 'Grüne Netze', Wien"


def test_without_a_public_address_the_feed_names_no_source(second: Config) -> None:
    assert b"SOURCE" not in feed(Programme.from_config(second), second)


def test_the_joining_link_stands_where_clients_show_it(second: Config) -> None:
    found = events(feed(Programme.from_config(second), second))
    opening = found["eroeffnung.fruehjahrstagung-2026"]
    link = "https://join.example/room?id=7"
    assert opening["LOCATION"] == opening["CONFERENCE"] == link
    assert link in opening["DESCRIPTION"]
    assert opening["CONFERENCE"].params["FEATURE"] == ["AUDIO", "VIDEO"]
    unfolded = feed(Programme.from_config(second), second).replace(b"\r\n ", b"")
    assert b";FEATURE=AUDIO,VIDEO;" in unfolded
    assert found["messen.fruehjahrstagung-2026"]["LOCATION"] == "https://join.example/room?id=8"


def test_links_meant_for_the_registered_stay_out_of_a_public_feed() -> None:
    config = second_config(workshop={"link_audience": "registered"})
    body = feed(Programme.from_config(config), config).replace(b"\r\n ", b"")
    assert b"join.example" not in body
    assert b"CONFERENCE" not in body
    assert b"LOCATION:Virtual" in body


def test_a_cancelled_segment_stays_and_says_so_everywhere(second: Config) -> None:
    it = programme(segment("a", 0, 10), segment("b", 10, 20, cancelled=True), segment("c", cancelled=True))
    found = events(feed(it, second))
    assert list(found) == ["fruehjahrstagung-2026", "a.fruehjahrstagung-2026", "b.fruehjahrstagung-2026"]
    gone, stays = found["b.fruehjahrstagung-2026"], found["a.fruehjahrstagung-2026"]
    assert (gone["STATUS"], gone["TRANSP"], gone["SUMMARY"]) == ("CANCELLED", "TRANSPARENT", "CANCELLED: B")
    assert (stays["STATUS"], stays["TRANSP"], stays["SUMMARY"]) == ("CONFIRMED", "OPAQUE", "A")


@pytest.mark.parametrize(
    ("status", "prefix"), [(Status.CANCELLED, "CANCELLED: "), (Status.POSTPONED, "POSTPONED: ")]
)
def test_a_workshop_that_is_off_takes_every_entry_with_it(
    second: Config, status: Status, prefix: str
) -> None:
    it = programme(segment("a", 0, 10), status=status)
    for event in events(feed(it, second)).values():
        assert (event["STATUS"], event["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
        assert str(event["SUMMARY"]).startswith(prefix)


def test_a_postponed_workshop_that_gets_another_day_keeps_its_entries(second: Config) -> None:
    planned = programme(segment("a", 0, 10))
    off = planned.model_copy(update={"status": Status.POSTPONED})
    day = timedelta(days=8)
    moved = programme(planned.segments[0].later(day), starts=planned.starts + day, ends=planned.ends + day)
    book = Bookkeeping.begin(planned, at=RELEASED)
    seen = [events(feed(planned, second, book))]
    for old, new in ((planned, off), (off, moved)):
        book = book.carry(old, new, at=book.changed_at + timedelta(hours=1))
        seen.append(events(feed(new, second, book)))
    assert [list(found) for found in seen] == [list(seen[0])] * 3
    for uid in seen[0]:
        entries = [found[uid] for found in seen]
        assert [entry["SEQUENCE"] for entry in entries] == [0, 1, 2]
        assert [entry["STATUS"] for entry in entries] == ["CONFIRMED", "CANCELLED", "CONFIRMED"]
        assert entries[0].start == entries[1].start == entries[2].start - day


def test_the_file_of_one_segment_holds_it_alone_under_the_same_uid(second: Config) -> None:
    it = Programme.from_config(second)
    body = feed(it, second, segment="podium", public_url="https://bot.example")
    assert list(events(body)) == ["podium.fruehjahrstagung-2026"]
    assert b"NAME:Podium\r\n" in body
    assert b"SOURCE;VALUE=URI:https://bot.example/calendar/podium.ics" in body
    alone = events(body)["podium.fruehjahrstagung-2026"]
    assert alone == events(feed(it, second))["podium.fruehjahrstagung-2026"]


@pytest.mark.parametrize("id", ["nowhere", "untimed"])
def test_there_is_no_file_for_what_has_no_time(second: Config, id: str) -> None:
    with pytest.raises(NotFound, match="no_such_segment"):
        feed(programme(segment("untimed")), second, segment=id)


def test_sequence_and_stamp_change_only_where_the_calendar_does(second: Config) -> None:
    old = programme(segment("a", 0, 10), segment("b", 10, 20), segment("c", 20))
    new = programme(segment("a", 0, 10), segment("b", 12, 22), segment("c", 20), segment("d", 60))
    later = RELEASED + timedelta(days=1)
    book = Bookkeeping.begin(old, at=RELEASED).carry(old, new, at=later)
    found = {
        uid.split(".")[0]: (event["SEQUENCE"], event["DTSTAMP"].dt)
        for uid, event in events(feed(new, second, book)).items()
    }
    assert found == {
        "fruehjahrstagung-2026": (0, RELEASED),
        "a": (0, RELEASED),
        "b": (1, later),
        "c": (1, later),  # its end is where the new one starts
        "d": (0, later),
    }
    assert book.changed_at == later


def test_a_segment_cancelled_and_reinstated_counts_both(second: Config) -> None:
    on, off = programme(segment("a", 0)), programme(segment("a", 0, cancelled=True))
    book = Bookkeeping.begin(on, at=RELEASED)
    book = book.carry(on, off, at=RELEASED).carry(off, on, at=RELEASED)
    assert book.segments["a"].sequence == 2


def test_what_the_calendar_does_not_show_counts_for_nothing() -> None:
    old = programme(segment("a", 0))
    new = programme(segment("a", 0, source="letter", takes_questions=True, known_as="X"))
    book = Bookkeeping.begin(old, at=RELEASED)
    assert book.carry(old, new, at=RELEASED + timedelta(days=1)) == book


AWKWARD = [
    pytest.param("Comma, semicolon; back\\slash: \"quoted\" 'too'", id="marks"),
    pytest.param("two\nlines\r\nand\ttabs\x00\x07", id="controls"),
    pytest.param("BEGIN:VEVENT\r\nSUMMARY:forged", id="injection"),
    pytest.param("&lt; <script> & {{ 7*7 }} {% raw %}", id="markup"),
    pytest.param("‮שלום עולם العربية", id="right to left"),
    pytest.param("🌱👩🏽‍🔬" * 60, id="emoji"),
    pytest.param("ä" * 3000, id="long"),
]


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_comes_back_as_it_was(second: Config, text: str) -> None:
    it = programme(segment("a", 0, 10, title=text, speakers=(text,), description=text), title=text)
    body = feed(it, second)
    assert all(len(line.decode().encode()) <= 75 for line in body.split(b"\r\n"))
    assert body.count(b"\n") == body.count(b"\r") == body.count(b"\r\n")
    found = events(body)
    assert list(found) == ["fruehjahrstagung-2026", "a.fruehjahrstagung-2026"]
    line = " ".join(text.replace("\x00", "").replace("\x07", "").split())
    event = found["a.fruehjahrstagung-2026"]
    assert event["SUMMARY"] == line
    assert (
        icalendar.Calendar.from_ical(body)["NAME"].to_ical().decode()
        == icalendar.vText(line).to_ical().decode()
    )
    second_reading = vobject.readOne(body.decode())
    assert [entry.summary.value for entry in second_reading.vevent_list] == [line, line]


@given(line=st.text(st.sampled_from(["a", "é", "😀", "\\", "^", " ", "\u0301"]), min_size=1, max_size=400))
def test_lines_are_folded_as_icalendar_folds_them(line: str) -> None:
    assert _folded(line) == Contentline(line).to_ical()


def test_a_second_parser_reads_the_same(second: Config) -> None:
    it = Programme.from_config(second)
    read = vobject.readOne(feed(it, second, public_url="https://bot.example").decode())
    assert read.validate(raiseException=True)
    assert [
        (e.uid.value.split(".")[0], e.dtstart.value, e.dtend.value, e.sequence.value, e.status.value)
        for e in read.vevent_list[1:]
    ] == [
        ("eroeffnung", instant(0), instant(20), "0", "CONFIRMED"),
        ("messen", instant(20), instant(120), "0", "CONFIRMED"),
        ("podium", instant(120), instant(180), "0", "CONFIRMED"),
    ]


@settings(max_examples=20, deadline=None)
@given(versions=st.lists(programmes(), min_size=2, max_size=5))
def test_sequence_never_falls_and_bytes_follow_the_facts(second: Config, versions: list[Programme]) -> None:
    it, at = versions[0], RELEASED
    book = Bookkeeping.begin(it, at=at)
    body = feed(it, second, book)
    for following in versions[1:]:
        at += timedelta(minutes=1)
        released = changes.with_missing(it, following)
        carried = book.carry(it, released, at=at)
        for id, entry in book.segments.items():
            after = carried.segments[id]
            assert after.sequence >= entry.sequence
            assert (after.sequence > entry.sequence) == (after.changed_at > entry.changed_at)
        after_body = feed(released, second, carried)
        assert after_body == feed(released, second, carried)
        if carried == book:
            assert after_body == body
        for uid, event in events(after_body).items():
            before = events(body).get(uid)
            assert before is None or before == event or before["SEQUENCE"] < event["SEQUENCE"]
        it, book, body = released, carried, after_body
