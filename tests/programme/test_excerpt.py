"""What is shown of a programme that is longer than its place."""

from __future__ import annotations

from bot.programme.excerpt import Excerpt, excerpt
from bot.programme.model import Programme
from tests.programme.programmes import instant, programme, segment

LONG = programme(*[segment(f"s{n}", n * 5, title="T" * 400, description="d" * 9000) for n in range(30)])


def ids(seen: Excerpt) -> list[str]:
    return [one.id for one in seen.shown]


def test_all_of_it_with_descriptions_in_time_s_order_where_there_is_room() -> None:
    it = programme(segment("c"), segment("b", 20, description="x"), segment("a", 5))
    seen = excerpt(it, room=3_000, most=9)
    assert (ids(seen), seen.earlier, seen.later, seen.described) == (["a", "b", "c"], 0, 0, True)


def test_descriptions_go_before_segments_do() -> None:
    seen = excerpt(LONG, room=30 * 500, most=30)
    assert (len(seen.shown), seen.later, seen.described) == (30, 0, False)


def test_what_is_over_goes_first_and_what_is_left_out_is_counted() -> None:
    seen = excerpt(LONG, room=9_000, most=10, at=instant(52))
    assert ids(seen) == [f"s{n}" for n in range(10, 20)]
    assert (seen.earlier, seen.later) == (10, 10)


def test_after_the_last_one_it_is_shown_from_the_beginning() -> None:
    assert ids(excerpt(LONG, room=9_000, most=2, at=instant(999))) == ["s0", "s1"]


def test_a_room_for_none_shows_none() -> None:
    seen = excerpt(LONG, room=10, most=10)
    assert (seen.shown, seen.later) == ((), 30)
    assert excerpt(Programme.model_copy(LONG, update={"segments": ()}), room=10, most=10).shown == ()
