"""Every kind of change, alone and together, and that applying a difference gives the new programme."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter

from bot.programme import changes
from bot.programme.changes import Cast, Change, Kind, Placed, Shift, Span
from bot.programme.model import Programme, Segment, Status
from tests.programme.programmes import START, instant, programme, programmes, segment

AS_JSON = TypeAdapter(tuple[Change, ...])


def span(starts: int | None, ends: int | None = None) -> Span:
    return Span(
        starts=None if starts is None else instant(starts), ends=None if ends is None else instant(ends)
    )


def one(**before: Any) -> Programme:
    return programme(segment("a", **before))


SEGMENT_CHANGES = [
    pytest.param({}, {"starts": 10}, Kind.TIMED, span(None), span(10), True, id="timed"),
    pytest.param({"starts": 10}, {}, Kind.UNTIMED, span(10), span(None), True, id="untimed"),
    pytest.param({"starts": 10}, {"starts": 20}, Kind.MOVED, span(10), span(20), True, id="moved"),
    pytest.param(
        {"starts": 10, "ends": 30},
        {"starts": 5, "ends": 25},
        Kind.MOVED,
        span(10, 30),
        span(5, 25),
        True,
        id="moved with its end",
    ),
    pytest.param(
        {"starts": 10, "ends": 30},
        {"starts": 10, "ends": 40},
        Kind.LONGER,
        span(10, 30),
        span(10, 40),
        True,
        id="longer",
    ),
    pytest.param(
        {"starts": 10, "ends": 30},
        {"starts": 10, "ends": 20},
        Kind.SHORTER,
        span(10, 30),
        span(10, 20),
        True,
        id="shorter",
    ),
    pytest.param(
        {"starts": 10},
        {"starts": 10, "ends": 20},
        Kind.ENDING,
        span(10),
        span(10, 20),
        True,
        id="ends earlier",
    ),
    pytest.param(
        {"starts": 10},
        {"starts": 10, "ends": 180},
        Kind.ENDING,
        span(10),
        span(10, 180),
        False,
        id="the end everybody assumed",
    ),
    pytest.param({"title": "Old"}, {"title": "New"}, Kind.RETITLED, "Old", "New", True, id="retitled"),
    pytest.param({}, {"speakers": ("Ada",)}, Kind.SPEAKER_ADDED, None, "Ada", True, id="speaker added"),
    pytest.param({"speakers": ("Ada",)}, {}, Kind.SPEAKER_REMOVED, "Ada", None, True, id="speaker removed"),
    pytest.param(
        {"speakers": ("Ada", "Bo")},
        {"speakers": ("Bo", "Ada")},
        Kind.SPEAKERS,
        ("Ada", "Bo"),
        ("Bo", "Ada"),
        False,
        id="speakers listed otherwise",
    ),
    pytest.param({}, {"takes_questions": True}, Kind.QUESTIONS, False, True, True, id="takes questions"),
    pytest.param({}, {"link": "https://x.example"}, Kind.LINK, None, "https://x.example", True, id="link"),
    pytest.param({}, {"description": "d"}, Kind.DESCRIPTION, None, "d", False, id="description"),
    pytest.param({}, {"source": "letter"}, Kind.SOURCE, None, "letter", False, id="source"),
    pytest.param({}, {"known_as": "X1"}, Kind.KNOWN_AS, None, "X1", False, id="known as"),
    pytest.param({}, {"cancelled": True}, Kind.CANCELLED, span(None), span(None), True, id="cancelled"),
    pytest.param(
        {"cancelled": True, "starts": 10},
        {"starts": 10},
        Kind.REINSTATED,
        span(10),
        span(10),
        True,
        id="reinstated",
    ),
]


@pytest.mark.parametrize(("before", "after", "kind", "old", "new", "told"), SEGMENT_CHANGES)
def test_a_segment_changes_in_one_field(
    before: dict[str, Any], after: dict[str, Any], kind: Kind, old: object, new: object, told: bool
) -> None:
    title = after.get("title", "A")
    expected = Change(kind=kind, segment="a", title=title, old=old, new=new, noteworthy=told)
    assert changes.diff(one(**before), one(**after)) == (expected,)


WORKSHOP_CHANGES = [
    ({"status": Status.CANCELLED}, Kind.STATUS, "on", "cancelled"),
    ({"status": Status.POSTPONED}, Kind.STATUS, "on", "postponed"),
    ({"title": "Autumn"}, Kind.RETITLED, "Spring meeting", "Autumn"),
    ({"starts": instant(60), "ends": instant(240)}, Kind.MOVED, span(0, 180), span(60, 240)),
    ({"ends": instant(200)}, Kind.LONGER, span(0, 180), span(0, 200)),
    ({"ends": instant(100)}, Kind.SHORTER, span(0, 180), span(0, 100)),
    ({"link": "https://j.example"}, Kind.LINK, None, "https://j.example"),
    ({"registration_url": None}, Kind.REGISTRATION, "https://meeting.example/register", None),
    ({"page_url": "https://p.example"}, Kind.PAGE, "https://meeting.example/", "https://p.example"),
]


@pytest.mark.parametrize(("fields", "kind", "old", "new"), WORKSHOP_CHANGES)
def test_the_workshop_itself_changes(fields: dict[str, Any], kind: Kind, old: object, new: object) -> None:
    after = programme(segment("a"), **fields)
    assert changes.diff(programme(segment("a")), after) == (
        Change(kind=kind, title=after.title, old=old, new=new),
    )


def test_an_added_segment_carries_its_place() -> None:
    added = segment("b", 10)
    assert changes.diff(
        programme(segment("a"), segment("c")), programme(segment("a"), added, segment("c"))
    ) == (Change(kind=Kind.ADDED, segment="b", title="B", new=Placed(position=1, segment=added)),)


def test_a_segment_that_is_gone_is_cancelled_in_its_place_and_comes_back_as_reinstated() -> None:
    full = programme(segment("a", 0), segment("b", 10), segment("c", 20))
    without = programme(segment("a", 0), segment("c", 20))
    gone = changes.diff(full, without)
    assert [(change.kind, change.segment) for change in gone] == [(Kind.CANCELLED, "b")]
    after = changes.apply(full, gone)
    assert [(s.id, s.cancelled) for s in after.segments] == [("a", False), ("b", True), ("c", False)]
    back = changes.diff(after, full)
    assert [(change.kind, change.segment) for change in back] == [(Kind.REINSTATED, "b")]
    assert changes.apply(after, back) == full


def test_the_workshop_comes_first_then_segments_by_time_and_kinds_in_their_order() -> None:
    before = programme(segment("z"), segment("b", 60, 70), segment("a", 0, 10))
    after = programme(
        segment("z", title="Zed"),
        segment("b", 50, 55, title="Bee", speakers=("Ada",)),
        segment("a", 0, 10, cancelled=True),
        segment("n", 20),
        title="Other",
    )
    assert [(change.segment, change.kind) for change in changes.diff(before, after)] == [
        (None, Kind.RETITLED),
        ("a", Kind.CANCELLED),
        ("n", Kind.ADDED),
        ("b", Kind.RETITLED),
        ("b", Kind.MOVED),
        ("b", Kind.SHORTER),
        ("b", Kind.SPEAKER_ADDED),
        ("z", Kind.RETITLED),
    ]


def test_two_segments_that_swap_their_times_both_move() -> None:
    before = programme(segment("a", 0, 10), segment("b", 10, 20))
    after = programme(segment("a", 10, 20), segment("b", 0, 10))
    assert [(change.segment, change.kind) for change in changes.diff(before, after)] == [
        ("b", Kind.MOVED),
        ("a", Kind.MOVED),
    ]


@pytest.mark.parametrize(("starts", "told"), [(None, True), (0, False)])
def test_another_order_is_told_where_only_the_listing_says_it(starts: int | None, told: bool) -> None:
    first, second = segment("a", starts), segment("b", starts)
    (change,) = changes.diff(programme(first, second), programme(second, first))
    assert (change.kind, change.old, change.new) == (Kind.ORDER, ("a", "b"), ("b", "a"))
    assert change.noteworthy is told


def test_who_reads_that_it_is_cancelled_is_not_told_the_rest() -> None:
    before = programme(segment("a", 0), segment("b", 10))
    after = programme(segment("a", 5, title="X", cancelled=True), segment("b", 20))
    assert [change.kind for change in changes.diff(before, after) if change.noteworthy] == [
        Kind.CANCELLED,
        Kind.MOVED,
    ]
    cancelled = after.model_copy(update={"status": Status.CANCELLED})
    assert [change.kind for change in changes.diff(before, cancelled) if change.noteworthy] == [Kind.STATUS]


def test_hours_of_a_postponed_workshop_are_recorded_and_not_told() -> None:
    before = programme(segment("a", 0), segment("b"))
    after = programme(segment("a", 60), segment("b", speakers=("Ada",)), status=Status.POSTPONED)
    told = [change.kind for change in changes.diff(before, after) if change.noteworthy]
    assert told == [Kind.STATUS, Kind.SPEAKER_ADDED]


def five_later(*ids: str, by: int = 5) -> tuple[Programme, Programme]:
    before = programme(*[segment(id, number * 20) for number, id in enumerate("abcd")])
    after = programme(
        *[segment(id, number * 20 + (by if id in ids else 0)) for number, id in enumerate("abcd")]
    )
    return before, after


@pytest.mark.parametrize(
    ("ids", "after", "rest"),
    [("bcd", "A", True), ("abcd", None, True), ("bc", "A", False), ("ab", None, False)],
)
def test_a_common_shift_is_one_line(ids: str, after: str | None, rest: bool) -> None:
    before, later = five_later(*ids)
    (shift,) = changes.noteworthy(before, later, changes.diff(before, later))
    begin = "abcd".index(ids[0]) * 20
    assert shift == Shift(
        delta=timedelta(minutes=5),
        segments=tuple(ids),
        first=ids[0].upper(),
        last=ids[-1].upper(),
        after=after,
        rest=rest,
        old=instant(begin),
        new=instant(begin + 5),
    )


def test_one_segment_alone_is_no_shift() -> None:
    before, later = five_later("c")
    (change,) = changes.noteworthy(before, later, changes.diff(before, later))
    assert isinstance(change, Change)
    assert change.kind is Kind.MOVED


def test_a_shift_stands_where_its_first_segment_stood_and_the_rest_stays() -> None:
    before = programme(segment("a", 0, 20), segment("b", 20, 40), segment("c", 40, 60))
    after = programme(
        segment("a", 0, 25), segment("b", 25, 45, title="Bee"), segment("c", 45, 65, speakers=("Ada",))
    )
    told = changes.noteworthy(before, after, changes.diff(before, after))
    assert [entry.delta if isinstance(entry, Shift) else entry.kind for entry in told] == [
        Kind.LONGER,
        Kind.RETITLED,
        timedelta(minutes=5),
        "cast",
    ]


def test_who_speaks_now_and_who_no_longer_is_one_line_a_segment() -> None:
    before = programme(segment("a", 0, speakers=("Ada", "Bo", "Cy")), segment("b", 20, speakers=("Bo",)))
    after = programme(segment("a", 0, speakers=("Ada", "Di", "Ed")), segment("b", 20))
    assert changes.noteworthy(before, after, changes.diff(before, after)) == [
        Cast("a", "A", ("Di", "Ed"), ("Bo", "Cy")),
        Cast("b", "B", (), ("Bo",)),
    ]


def test_changes_carry_over_to_a_programme_released_since() -> None:
    file_before = programme(segment("a"), segment("b"))
    file_after = programme(segment("a", title="Better"), segment("b"), segment("n"))
    released = programme(segment("a", 10), segment("c", 20))
    merged = changes.apply(released, changes.diff(file_before, file_after))
    assert [(s.id, s.title, s.starts) for s in merged.segments] == [
        ("a", "Better", instant(10)),
        ("c", "C", instant(20)),
        ("n", "N", None),
    ]


@pytest.mark.parametrize(("now", "expected"), [(-30, 40), (45, 45), (50, 50), (61, 70), (71, None)], ids=str)
def test_the_soonest_is_the_first_old_or_new_instant_ahead(now: int, expected: int | None) -> None:
    before = programme(segment("a", 40, 60), segment("b", 100))
    after = programme(segment("a", 70, 70), segment("b", 100, title="Bee"))
    found = changes.diff(before, after)
    assert changes.soonest(before, found, now=instant(now)) == (
        None if expected is None else instant(expected)
    )


def test_a_cancelled_workshop_is_at_stake_until_it_would_have_ended() -> None:
    after = programme(status=Status.CANCELLED)
    found = changes.diff(programme(), after)
    assert changes.soonest(programme(), found, now=instant(-60)) == START
    assert changes.soonest(programme(), found, now=instant(30)) == instant(30)
    assert changes.soonest(programme(), found, now=instant(181)) is None


@settings(max_examples=80)
@given(old=programmes(), new=programmes())
def test_a_difference_applied_to_the_old_gives_the_new(old: Programme, new: Programme) -> None:
    found = changes.diff(old, new)
    assert changes.apply(old, found) == changes.with_missing(old, new)
    assert AS_JSON.validate_json(AS_JSON.dump_json(found)) == found


@given(old=programmes(), new=programmes())
def test_nothing_changes_between_a_programme_and_itself(old: Programme, new: Programme) -> None:
    assert changes.diff(old, old) == ()
    kept = changes.with_missing(old, new)
    assert changes.with_missing(old, kept) == kept
    assert changes.diff(old, kept) == changes.diff(old, new)


@given(old=programmes(), new=programmes())
def test_every_noteworthy_change_is_told_once(old: Programme, new: Programme) -> None:
    found = changes.diff(old, new)
    told = changes.noteworthy(old, changes.with_missing(old, new), found)
    moved = [entry.segments for entry in told if isinstance(entry, Shift)]
    single = [entry for entry in told if isinstance(entry, Change)]
    cast = [name for entry in told if isinstance(entry, Cast) for name in (*entry.added, *entry.removed)]
    collapsed = [id for ids in moved for id in ids]
    alone = {entry.segment for entry in single if entry.kind is Kind.MOVED}
    implied = [c for c in found if c.kind in (Kind.LONGER, Kind.SHORTER) and c.segment in alone]
    assert len(single) + len(cast) + len(collapsed) + len(implied) == sum(c.noteworthy for c in found)
    assert len(set(collapsed)) == len(collapsed)


def test_five_hundred_segments_are_compared_field_by_field() -> None:
    before = programme(*[segment(f"s{n}", n * 5, n * 5 + 5) for n in range(500)], ends=instant(5000))
    after = programme(*[segment(f"s{n}", n * 5 + 10, n * 5 + 15) for n in range(500)], ends=instant(5000))
    found = changes.diff(before, after)
    assert len(found) == 500
    (shift,) = changes.noteworthy(before, after, found)
    assert isinstance(shift, Shift)
    assert shift.segments == tuple(segment.id for segment in after.segments)


def test_a_segment_may_hold_what_an_older_row_lacks() -> None:
    assert Segment.model_validate({"id": "a", "title": "A"}) == segment("a")
