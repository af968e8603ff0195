"""Log lines: no secrets in them, JSON for machines, and a lasting trouble said once a minute."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from bot import logs

log = logging.getLogger("bot.tested")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What `configure` has written to standard error, in a room of its own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    logs.configure()
    yield sys.stderr  # type: ignore[misc]
    root.handlers, root.level = handlers, level


def lines(written: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_where_nobody_reads_along_a_line_is_json(written: io.StringIO) -> None:
    log.info("delivery %d", 7)
    try:
        raise ValueError("x")
    except ValueError:
        log.exception("failed")
    first, second = lines(written)
    assert (first["level"], first["part"], first["message"]) == ("info", "bot.tested", "delivery 7")
    assert second["traceback"].endswith("ValueError: x")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("refused xoxb-123-456-abcDEF", "refused […]"),
        ("xapp-1-A0-99-abc and xoxe.xoxp-1-abc", "[…] and […]"),
        (
            "url='wss://wss.slack.com/link/?ticket=a1b2-c3&app_id=A1'",
            "url='wss://wss.slack.com/link/?ticket=[…]&app_id=A1'",
        ),
        ("/stage?segment=discussion#key=s3cret", "/stage?segment=discussion#key=[…]"),
        ("nothing secret: delivery 12 to person:3", "nothing secret: delivery 12 to person:3"),
    ],
)
def test_no_secret_is_written(written: io.StringIO, text: str, shown: str) -> None:
    log.error("%s", text)
    (line,) = lines(written)
    assert line["message"] == shown


def test_the_same_trouble_is_written_once_a_minute_with_its_number(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    monkeypatch.setattr("time.time_ns", lambda: int(now[0] * 1e9))
    for _ in range(30):
        log.error("the outbox cannot be read: %s", "disk full")
        log.info("an ordinary line")
        now[0] += 1
    log.error("something else")
    now[0] += logs.REPEATED
    log.error("the outbox cannot be read: %s", "disk full")
    said = [line["message"] for line in lines(written)]
    assert said.count("an ordinary line") == 30
    assert [each for each in said if each != "an ordinary line"] == [
        "the outbox cannot be read: disk full",
        "something else",
        "the outbox cannot be read: disk full (and 29 times more since the last time)",
    ]
