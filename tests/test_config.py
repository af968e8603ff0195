"""config.toml: the shipped one says what the letter says; every mistake is named in one go."""

from __future__ import annotations

import copy
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot import config as configuration
from bot.config import Config, Environment, Moment, parse_duration, shipped
from bot.errors import ConfigError


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(tomllib.loads(shipped("config.toml").read_text(encoding="utf-8")))


def mistakes(data: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configuration.parse(data)
    return [mistake.key for mistake in caught.value.mistakes]


def test_the_shipped_workshop_is_the_letters(config: Config) -> None:
    assert config.workshop.start == datetime(2025, 11, 25, 13, 0, tzinfo=UTC)
    assert config.workshop.end == datetime(2025, 11, 25, 14, 30, tzinfo=UTC)
    assert [segment.starts for segment in config.segments] == [None, None, None]
    assert [segment.id for segment in config.segments if segment.takes_questions] == ["discussion"]
    assert [item.code for item in config.standards.items] == ["ITU-T L.1410", "ITU-T L.1450", "ITU-T L.1472"]


def test_every_mistake_is_named_at_once_with_its_dotted_key(data: dict[str, Any]) -> None:
    data["workshop"]["zone"] = "Mars/Olympus"
    data["limits"]["posts_per_minute"] = "many"
    data["remindres"] = []
    data["channels"]["moderators"] = "Moderators"
    data["reminders"][0]["at"] = "a week before"
    del data["page"]
    assert sorted(mistakes(data)) == [
        "channels.moderators",
        "limits.posts_per_minute",
        "page",
        "reminders.0.at",
        "remindres",
        "workshop.zone",
    ]


def test_a_mistake_says_the_value_and_what_would_be_right(data: dict[str, Any]) -> None:
    data["workshop"]["zone"] = "Mars/Olympus"
    with pytest.raises(
        ConfigError, match=r"workshop\.zone: 'Mars/Olympus' is no time zone; use a name of the tz"
    ):
        configuration.parse(data)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda d: d["workshop"].update(ends=datetime(2025, 11, 25, 13, 0)), "workshop"),  # noqa: DTZ001
        (lambda d: d["workshop"].update(starts=datetime(2025, 11, 25, 14, 0, tzinfo=UTC)), "workshop.starts"),
        (lambda d: d["segments"][0].update(id="discussion"), "segments.2.id"),
        (lambda d: d["segments"][0].update(id="Not A Slug"), "segments.0.id"),
        (lambda d: d["segments"][0].update(ends=datetime(2025, 11, 25, 14, 0)), "segments.0"),  # noqa: DTZ001
        (lambda d: d["segments"].clear(), "segments"),
        (lambda d: d["reminders"][0].update(segment="lunch"), "reminders.0.segment"),
        (lambda d: d["reminders"][0].update(late="soon"), "reminders.0.late"),
        (lambda d: d["page"].update(url="javascript:alert(1)"), "page.url"),
        (lambda d: d["workshop"].update(title="two\nlines"), "workshop.title"),
        (lambda d: d["workshop"].update(language="klingonese"), "workshop.language"),
        (lambda d: d["roles"].update(organisers=[]), "roles.organisers"),
        (lambda d: d["registration"].update(mandatory="yes"), "registration.mandatory"),
    ],
)
def test_a_wrong_value_is_refused(data: dict[str, Any], change: Any, key: str) -> None:
    change(data)
    assert mistakes(data) == [key]


def test_a_missing_or_broken_file_is_a_mistake(tmp_path: Path) -> None:
    for content in (None, b"title = ", b"\xff\xfe"):
        path = tmp_path / "config.toml"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigError, match="config"):
            configuration.load(path)


def test_seven_days_before_keeps_the_hour_over_a_clock_change() -> None:
    tz = ZoneInfo("Europe/Zurich")
    start = datetime(2025, 10, 28, 14, 0, tzinfo=tz).astimezone(UTC)  # the clocks went back on the 26th
    instant = Moment.parse("-P7D").instant(start, start, tz)
    assert instant.astimezone(tz).hour == 14
    assert start - instant == timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("start", timedelta()),
        ("end", timedelta(minutes=90)),
        ("-PT10M", timedelta(minutes=-10)),
        ("end-PT5M", timedelta(minutes=85)),
        ("start+P1DT1H", timedelta(days=1, hours=1)),
        ("-P1W", timedelta(days=-7)),
    ],
)
def test_a_moment_is_relative_to_start_or_end(text: str, offset: timedelta) -> None:
    start = datetime(2025, 11, 25, 13, 0, tzinfo=UTC)
    end = start + timedelta(minutes=90)
    assert Moment.parse(text).instant(start, end, ZoneInfo("Europe/Zurich")) == start + offset


@pytest.mark.parametrize("text", ["", "P7D", "-P", "-PT", "-P1Y", "soon", "start-", "-P7D ", "+P99999D"])
def test_no_moment(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is the message
        Moment.parse(text)


def test_a_duration_is_days_and_exact_time() -> None:
    assert parse_duration("P1W2DT3H4M5S") == (9, timedelta(hours=3, minutes=4, seconds=5))


def test_secrets_come_from_the_environment_and_never_show() -> None:
    environment = Environment.read({"SLACK_BOT_TOKEN": "xoxb-secret", "SLACK_APP_TOKEN": "", "OTHER": "x"})
    assert environment.bot_token == "xoxb-secret"
    assert environment.app_token is None
    assert "secret" not in repr(environment)
    assert "secret" not in str(environment)
