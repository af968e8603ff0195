"""What people type is never markup, on any surface; a template that lacks a value is an error."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from bot.config import Config
from bot.rendering import (
    Mrkdwn,
    Rendering,
    clip,
    escape,
    fit,
    length,
    link,
    mention,
    parts,
    unescape,
    utc,
    zone_name,
)

HOSTILE = 'a "quote" \\ <!channel> <@U123> & {{7*7}} {% raw %} \n </script> \u202e *bold*'
START = datetime(2025, 11, 25, 13, 0, tzinfo=UTC)


@pytest.fixture
def templates(tmp_path: Path, config: Config) -> Rendering:
    (tmp_path / "pages").mkdir()
    (tmp_path / "message.json.j2").write_text(
        '{"text": "{{ said }}", "blocks": ['
        '{"type": "section", "text": {"type": "plain_text", "text": "{{ said|literal }}"}}]}'
    )
    (tmp_path / "broken.json.j2").write_text('{"text": {{ said }}}')
    (tmp_path / "date.json.j2").write_text('{"text": "{{ at|slack_date(\'{time}\') }} {{ who|mention }}"}')
    (tmp_path / "words.txt.j2").write_text("You said {{ said }}.")
    (tmp_path / "pages" / "page.html").write_text("<p>{{ said }}</p>")
    return Rendering(config, tmp_path)


def test_a_value_is_data_in_json_and_no_markup_in_mrkdwn(templates: Rendering) -> None:
    message = templates.message("message", {"said": HOSTILE})
    assert message.text == escape(HOSTILE)
    assert "<" not in message.text
    assert message.blocks[0]["text"]["text"] == HOSTILE  # plain_text takes no markup: shown to the letter


def test_a_value_is_no_markup_in_text_and_pages(templates: Rendering) -> None:
    assert "<!channel>" not in templates.text("words.txt.j2", {"said": HOSTILE})
    assert "<!channel>" not in templates.page("page", {"said": HOSTILE})
    assert "</script>" not in templates.page("page", {"said": HOSTILE})


@given(st.text())
def test_any_text_survives_the_way_through_a_block_kit_template(
    config: Config, tmp_path_factory, said: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "m.json.j2").write_text('{"text": "{{ said }}", "blocks": ["{{ said|literal }}"]}')
    message = Rendering(config, folder).message("m", {"said": said})
    assert unescape(message.text) == unescape(
        said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )
    assert message.blocks == [said]
    json.dumps(message.blocks)


@pytest.mark.parametrize("values", [{}, {"said": None}])
def test_a_missing_value_is_an_error(templates: Rendering, values: dict[str, None]) -> None:
    with pytest.raises((UndefinedError, ValueError)):
        templates.message("message", values)


def test_a_template_that_makes_no_json_is_named(templates: Rendering) -> None:
    with pytest.raises(ValueError, match="templates/broken"):
        templates.message("broken", {"said": "x"})


def test_markup_is_what_the_template_meant(templates: Rendering) -> None:
    text = templates.message("date", {"at": START, "who": "U123ABC"}).text
    assert text == "<!date^1764075600^{time}|Tuesday 25 November 2025, 14:00 CET> <@U123ABC>"


@pytest.mark.parametrize("name", ["U1|x", "channel", "C123", "u123", "<@U1>", ""])
def test_only_a_user_id_is_mentioned(name: str) -> None:
    with pytest.raises(ValueError, match="user id"):
        mention(name)


def test_a_link_cannot_be_broken_out_of() -> None:
    made = link("https://example.org/a|b>c", "click|me> <!here>\nnow")
    assert made == "<https://example.org/a%7Cb%3Ec|click¦me&gt; &lt;!here&gt; now>"


def test_length_counts_what_people_see() -> None:
    assert length("👩‍👩‍👧e\u0301🇨🇭") == 3


def test_parts_are_whole_lines_within_the_limit_and_lose_nothing() -> None:
    lines = Mrkdwn("\n".join(["aaaa", "", "bbb", "cccccc", "&lt;d&gt;"]))
    assert parts(lines, 10) == ["aaaa\n\nbbb", "cccccc", "&lt;d&gt;"]
    assert parts(lines, 100) == [lines]
    assert [len(part) for part in parts(Mrkdwn("x" * 25 + "\nyy"), 10)] == [10, 2]
    assert parts(Mrkdwn(""), 10) == [""]


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [("short", 10, "short"), ("a longer text", 9, "a longer…"), ("ab👩‍👩‍👧", 4, "ab…")],
)
def test_clip_cuts_between_characters(text: str, limit: int, cut: str) -> None:
    assert clip(text, limit) == cut


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Zurich", "CET"),
        ("Asia/Kolkata", "IST"),
        ("America/Sao_Paulo", "UTC−3"),
        ("Asia/Kathmandu", "UTC+5:45"),
    ],
)
def test_a_zone_is_named_as_people_do(zone: str, name: str) -> None:
    assert zone_name(START, ZoneInfo(zone)) == name


def test_an_instant_needs_an_offset() -> None:
    assert utc("2025-11-25T14:00:00+01:00") == START
    with pytest.raises(ValueError, match="no offset"):
        utc("2025-11-25T14:00:00")


def test_every_shipped_template_compiles(rendering: Rendering) -> None:
    assert rendering.names()
    for name in rendering.names():
        rendering.compile(name)


def test_mrkdwn_passes_as_it_is(templates: Rendering) -> None:
    assert templates.text("words.txt.j2", {"said": Mrkdwn("*you*")}) == "You said *you*."


@given(text=st.text(alphabet="ab<&>é👩🏽‍🔬 ", max_size=80), limit=st.integers(6, 60))
def test_the_escaped_text_keeps_to_the_limit_and_short_text_is_left_alone(text: str, limit: int) -> None:
    cut = fit(text, limit)
    assert len(escape(cut)) <= limit
    assert (cut == text) == (len(escape(text)) <= limit)


def test_a_time_of_day_names_its_zone(rendering: Rendering) -> None:
    assert rendering.clock(START) == "14:00 CET"


def test_a_date_may_fall_back_to_utc_where_the_workshops_zone_stands_beside_it(rendering: Rendering) -> None:
    assert (
        rendering.slack_date(START, "{time}")
        == "<!date^1764075600^{time}|Tuesday 25 November 2025, 14:00 CET>"
    )
    assert rendering.slack_date(START, "{time}", utc=True) == "<!date^1764075600^{time}|13:00 UTC>"
    assert rendering.slack_date(START, "{date_long}", utc=True).endswith(
        "|Tuesday 25 November 2025, 13:00 UTC>"
    )
