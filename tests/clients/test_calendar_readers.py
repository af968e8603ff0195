"""The calendar as programs read it that share no code with the one it is written by: ical.js and libical.

libical also checks what RFC 5545 and 5546 ask of a published calendar, and its reader fails on any fault.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config import Config
from bot.programme.calendar import Bookkeeping, calendar
from bot.programme.model import Programme, Status
from tests.programme.programmes import START, instant, programme, second_config, segment
from tests.programme.test_calendar import AWKWARD

pytestmark = pytest.mark.clients

Reader = Callable[[bytes], list[dict[str, Any]]]
RELEASED = START - timedelta(days=20)


@pytest.fixture(params=["ical.js", "libical"])
def read(request: pytest.FixtureRequest) -> Reader:
    """Gives the events of a published calendar as that program understood them."""
    if request.param == "ical.js":
        command = [request.getfixturevalue("node"), "read_calendar.mjs"]
    else:
        command = [request.getfixturevalue("libical")]

    def read(body: bytes) -> list[dict[str, Any]]:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, input=body, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        if request.param == "ical.js":
            said = json.loads(done.stdout)
            assert said["method"] == "PUBLISH"
            return list(said["events"])
        return _events(done.stdout.decode())

    return read


def _events(printed: str) -> list[dict[str, Any]]:
    events: dict[int, dict[str, Any]] = {}
    for line in printed.rstrip("\n").split("\n"):
        number, name, value = line.split("\t", 2)
        whole = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], value)
        events.setdefault(int(number), {})[name] = (
            int(whole) if name in ("starts", "ends", "stamp", "sequence", "alarms") else whole
        )
    assert events.pop(0) == {"method": "PUBLISH"}
    return list(events.values())


def feed(it: Programme, config: Config, book: Bookkeeping | None = None) -> bytes:
    return calendar(it, book or Bookkeeping.begin(it, at=RELEASED), config, public_url="https://bot.example")


def test_the_shipped_workshop_is_read_as_it_is(read: Reader, config: Config) -> None:
    it = Programme.from_config(config)
    (event,) = read(feed(it, config))
    assert event["uid"] == "itu-ict-footprint-2025@workshop-bot"
    assert event["summary"] == it.title
    assert (event["starts"], event["ends"]) == (it.starts.timestamp(), it.ends.timestamp())
    assert (event["status"], event["sequence"], event["alarms"]) == ("CONFIRMED", 0, 0)
    assert it.registration_url in event["description"]


def test_times_counts_and_cancellations_are_read_as_they_are(read: Reader) -> None:
    config = second_config()
    old = Programme.from_config(config)
    podium, opening = old.segment("podium"), old.segment("eroeffnung")
    assert podium
    assert opening
    moved = podium.model_copy(update={"starts": instant(130)})
    off = opening.model_copy(update={"cancelled": True})
    new = old.model_copy(update={"segments": (off, *old.segments[1:2], moved)})
    later = RELEASED + timedelta(days=1)
    book = Bookkeeping.begin(old, at=RELEASED).carry(old, new, at=later)
    found = {
        event["uid"].partition(".")[0].partition("@")[0]: event for event in read(feed(new, config, book))
    }
    said = {
        id: (event["starts"], event["ends"], event["status"], event["sequence"], event["stamp"])
        for id, event in found.items()
    }
    at, then = RELEASED.timestamp(), later.timestamp()
    assert said == {
        "fruehjahrstagung-2026": (START.timestamp(), instant(180).timestamp(), "CONFIRMED", 0, at),
        "eroeffnung": (START.timestamp(), instant(20).timestamp(), "CANCELLED", 1, then),
        "messen": (instant(20).timestamp(), instant(130).timestamp(), "CONFIRMED", 1, then),
        "podium": (instant(130).timestamp(), instant(180).timestamp(), "CONFIRMED", 1, then),
    }
    assert found["eroeffnung"]["summary"] == "CANCELLED: Eröffnung; Begrüßung, Überblick"
    assert "https://join.example/room?id=7" in found["podium"]["description"]


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_is_read_as_it_was_written(read: Reader, text: str) -> None:
    it = programme(segment("a", 0, 10, title=text, speakers=(text,), description=text), title=text)
    plain = text.replace("\x00", "").replace("\x07", "")
    whole, part = read(feed(it, second_config()))
    assert whole["summary"] == part["summary"] == " ".join(plain.split())
    assert plain.replace("\r\n", "\n").replace("\t", " ") in part["description"]


def test_a_long_day_is_read_to_its_end(read: Reader) -> None:
    it = programme(*[segment(f"s{n}", n, n + 1, title=f"Talk {n}, ünd 🌱 " * 9) for n in range(500)])
    events = read(feed(it, second_config()))
    assert len(events) == 501
    assert [event["summary"].split(",")[0] for event in events[1:]] == [f"Talk {n}" for n in range(500)]


@pytest.mark.parametrize("status", [Status.POSTPONED, Status.CANCELLED])
def test_a_workshop_that_is_off_is_read_as_such(read: Reader, status: Status) -> None:
    events = read(feed(programme(segment("a", 0, 5), status=status), second_config()))
    assert [event["status"] for event in events] == ["CANCELLED", "CANCELLED"]
