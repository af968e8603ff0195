"""`workshop-bot programme` and `calendar`: with a database and without; every mistake named."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import people
from bot.__main__ import main
from bot.config import load, shipped
from bot.programme import versions
from bot.store.engine import Database

LAUNCH = """
[[segments]]
id = "whitepaper-launch"
title = "Launch <&> 🌱"
starts = 2025-11-25T14:00:00
ends = 2025-11-25T14:30:00
speakers = ["Ada, B."]
[[segments]]
id = "discussion"
title = "Discussion"
starts = 2025-11-25T14:20:00
takes_questions = true
"""


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run a command line in an empty folder; gives (exit status, standard output, standard error)."""
    (tmp_path / "config.toml").write_bytes(shipped("config.toml").read_bytes())
    (tmp_path / "launch.toml").write_text(LAUNCH)
    monkeypatch.chdir(tmp_path)
    for name in ("WORKSHOP_DATABASE_URL", "WORKSHOP_CONFIG", "WORKSHOP_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workshop-bot", *words])
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return run


def test_reading_makes_no_database(run: Any, tmp_path: Path) -> None:
    for words in (
        ("show",),
        ("show", "--json"),
        ("show", "--version", "1"),
        ("diff",),
        ("diff", "launch.toml"),
        ("diff", "launch.toml", "--json"),
        ("history",),
        ("history", "--json"),
    ):
        assert run("programme", *words)[0] == 0, words
    for words in (
        ("show", "--version", "2"),
        ("show", "--draft"),
        ("release", "--note", "x"),
        ("restore", "7"),
    ):
        status, out, err = run("programme", *words)
        assert (status, out) == (1, "")
        assert err.startswith("error: There is no ")
    assert not list(tmp_path.glob("*.sqlite3"))


def test_from_a_file_to_a_release_and_back(run: Any) -> None:
    status, out, _ = run("programme", "import", "launch.toml")
    assert status == 0
    assert "timed            Launch <&> 🌱: no time → 14:00–14:30" in out
    assert "speaker-added    Launch <&> 🌱: Ada, B." in out
    assert "Launch <&> 🌱 and Discussion run at the same time" in out
    assert "participants would be told of" in out
    assert run("programme", "show")[1].count("no time") == 3, "nothing is public yet"
    assert "14:00 – 14:30" in run("programme", "show", "--draft")[1]
    assert run("programme", "diff")[1] == out
    status, out, _ = run("programme", "release", "--note", "Now we know.", "--json")
    summary = lines(out)[-1]["summary"]
    assert (status, summary["outcome"], summary["version"]) == (0, "released", 2)
    assert "overlap" in {warning["code"] for warning in summary["warnings"]}
    newest, first = lines(run("programme", "history", "--json")[1])
    assert (newest["version"], newest["note"], newest["origin"]) == (2, "Now we know.", "import")
    assert (first["version"], first["origin"]) == (1, "config")
    status, out, _ = run("programme", "restore", "1")
    assert status == 0
    assert "untimed" in out
    assert run("programme", "release", "--note", "Back.")[0] == 0
    assert json.loads(run("programme", "show", "--json")[1])["segments"][0]["starts"] is None
    assert "no draft" in run("programme", "diff")[1]


def test_a_file_that_says_what_was_released_closes_the_draft(run: Any) -> None:
    run("programme", "import", "launch.toml")
    status, out, _ = run("programme", "import", "config.toml", "--json")
    assert (status, lines(out)[-1]["summary"]["outcome"]) == (0, "discarded")
    assert lines(run("programme", "diff", "--json")[1])[-1]["summary"]["outcome"] == "none"


def test_what_a_person_edits_in_slack_is_replaced_only_when_said(run: Any) -> None:
    run("programme", "import", "launch.toml")  # makes the database

    async def edit() -> None:
        database = Database("sqlite:///workshop.sqlite3", load(Path("config.toml")).workshop.id)
        now = datetime(2025, 11, 20, 9, tzinfo=UTC)
        async with database.begin() as db:
            ada = await people.get_or_add(db, "U1ADA", now=now)
            draft = await versions.draft(db)
            assert draft is not None
            wanted = versions.programme_of(draft).model_copy(update={"link": "https://ada.example/"})
            await versions.save(db, wanted, by=ada, origin="edit", revision=draft.revision, now=now)
        await database.close()

    asyncio.run(edit())
    for words in (("import", "launch.toml"), ("restore", "1")):
        status, out, err = run("programme", *words)
        assert (status, out) == (1, "")
        assert "<@U1ADA> is editing the draft in Slack" in err
    assert "https://ada.example/" in run("programme", "diff")[1]
    assert run("programme", "import", "launch.toml", "--replace")[0] == 0
    assert "https://ada.example/" not in run("programme", "diff")[1]


@pytest.mark.parametrize("command", ["import", "diff"])
def test_every_mistake_in_a_file_is_named_with_its_place(run: Any, command: str) -> None:
    Path("bad.toml").write_text(LAUNCH.replace('"Discussion"', '""').replace("T14:30:00", "T13:30:00"))
    status, out, err = run("programme", command, "bad.toml")
    assert (status, out) == (2, "")
    told = err.splitlines()
    assert all(line.startswith("error: bad.toml, segments.") for line in told)
    assert len(told) == 2
    status, out, _ = run("programme", command, "bad.toml", "--json")
    assert status == 2
    (answer,) = lines(out)
    assert {mistake["key"] for mistake in answer["mistakes"]} == {"segments.0", "segments.1.title"}
    assert lines(run("programme", "diff", "--json")[1])[-1]["summary"]["outcome"] == "none"


@pytest.mark.parametrize(
    "words",
    [
        ("import", "nowhere.toml"),
        ("import", "."),
        ("import",),
        ("diff", "nowhere.toml"),
        ("release",),
        ("restore", "first"),
        ("show", "--version", "1", "--draft"),
    ],
)
def test_wrong_usage(run: Any, words: tuple[str, ...]) -> None:
    status, out, err = run("programme", *words)
    assert (status, out) == (2, "")
    assert err


def test_an_over_long_note_is_refused_with_the_limit(run: Any) -> None:
    run("programme", "import", "launch.toml")
    status, _, err = run("programme", "release", "--note", "x" * 1001)
    assert status == 1
    assert "1000" in err
    assert len(lines(run("programme", "history", "--json")[1])) == 1


def test_a_file_comes_from_standard_input_too(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LAUNCH.encode())))
    assert "Ada, B." in run("programme", "diff", "-")[1]


def test_the_calendar_follows_a_release(run: Any) -> None:
    status, _, err = run("calendar", "--segment", "discussion")
    assert status == 2
    assert "time yet" in err
    run("programme", "import", "launch.toml")
    before = run("calendar")[1]
    run("programme", "release", "--note", "x")
    after = run("calendar")[1]
    assert before.count("BEGIN:VEVENT") == 1
    assert after.count("BEGIN:VEVENT") == 3
    assert after == run("calendar")[1]
    assert (
        "UID:discussion.itu-ict-footprint-2025@workshop-bot" in run("calendar", "--segment", "discussion")[1]
    )


def test_the_calendar_as_json_is_the_same_calendar(run: Any) -> None:
    name, properties, events = json.loads(run("calendar", "--json")[1])
    assert name == "vcalendar"
    assert ["method", {}, "text", "PUBLISH"] in properties
    assert ["dtstart", {}, "date-time", "2025-11-25T13:00:00Z"] in events[0][1]


def test_a_file_that_cannot_be_written_is_named(run: Any) -> None:
    status, out, err = run("calendar", "-o", "nowhere/a.ics")
    assert (status, out) == (2, "")
    assert "cannot be written" in " ".join(err.split())
