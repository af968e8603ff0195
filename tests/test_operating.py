"""What an operator types: status, erase, report; each on a live database and where there is none."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import announcements, people
from bot.config import Config
from bot.store.engine import Database
from tests.conftest import NOW, WORKSHOP
from tests.test_main import elsewhere, run  # noqa: F401 - fixtures

PERSON = "U0PART0TOKYO"


@pytest.fixture
def live(tmp_path: Path, config: Config) -> Path:
    """A live database beside the configuration, in which one person is known."""
    path = tmp_path / "workshop.sqlite3"

    async def make() -> None:
        database = Database(f"sqlite:///{path}", WORKSHOP)
        await database.prepare("live", now=NOW)
        async with database.begin() as db:
            await announcements.begin(db, config, now=NOW)
            people.update(
                await people.get_or_add(db, PERSON, now=NOW), people.Profile(name="Yuki Tanaka"), now=NOW
            )
        await database.close()

    asyncio.run(make())
    return path


def test_status_shows_what_the_bot_is_doing(run: Any, live: Path) -> None:  # noqa: F811
    status, out, _ = run("status")
    assert status == 0
    assert "version 1" in out
    assert "Yuki" not in out
    status, out, _ = run("status", "--json")
    found = json.loads(out)
    assert found["programme"] | {"released_at": ""} == {
        "version": 1, "released_at": "", "status": "on", "draft": False,
    }  # fmt: skip
    assert found["outbox"]["pending"] >= 1
    assert found["people"] == 1
    assert found["troubles"] == []


def test_status_and_erase_need_a_database_that_is_there(run: Any, tmp_path: Path) -> None:  # noqa: F811
    for words in (("status",), ("erase", PERSON, "--yes")):
        status, _, err = run(*words)
        assert status == 1
        assert "there is no database yet" in err
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_erase_forgets_once_and_then_knows_nobody(run: Any, live: Path) -> None:  # noqa: F811
    assert PERSON.encode() in live.read_bytes()
    status, out, _ = run("erase", PERSON, "--yes", "--json")
    assert status == 0
    assert json.loads(out)["questions"] == 0
    assert PERSON.encode() not in live.read_bytes()
    assert b"Yuki" not in live.read_bytes()
    status, _, err = run("erase", PERSON, "--yes")
    assert (status, "nobody with the Slack id" in err) == (1, True)


@pytest.mark.parametrize(("typed", "status", "known"), [("n\n", 1, 1), ("y\n", 0, 0)])
def test_erase_asks_first_at_a_terminal(
    run: Any,  # noqa: F811
    live: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    status: int,
    known: int,
) -> None:
    keyboard, terminal = os.openpty()
    os.write(keyboard, typed.encode())
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run("erase", PERSON)[0] == status
    os.close(keyboard)
    assert json.loads(run("status", "--json")[1])["people"] == known


def test_erase_wants_an_id_and_asks_nobody_where_there_is_no_terminal(run: Any, live: Path) -> None:  # noqa: F811
    assert run("erase", "Yuki Tanaka")[0] == 2
    assert json.loads(run("status", "--json")[1])["people"] == 1
    assert run("erase", PERSON)[0] == 0
    assert json.loads(run("status", "--json")[1])["people"] == 0


def test_the_command_prints_or_writes_the_page(
    run: Any,  # noqa: F811
    live: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    status, out, _ = run("report")
    assert (status, out.startswith("<!doctype html>")) == (0, True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    status, out, err = run("report", "-o", "report.html")
    assert (status, out) == (0, "")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "Chromium is not installed" in err
    status, out, _ = run("report", "--json")
    assert json.loads(out)["workshop"]["version"] == 1
    assert run("report", "-o", "nowhere/report.html")[0] == 2
    assert run("report", "-o", "report.pdf")[0] == 1  # asked for, and not to be had


def test_without_a_database_there_is_nothing_to_report(run: Any) -> None:  # noqa: F811
    status, _, err = run("report")
    assert (status, "there is no database yet" in err) == (1, True)


@pytest.mark.clients
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_chromium_prints_it(run: Any, live: Path, tmp_path: Path) -> None:  # noqa: F811
    assert run("report", "-o", "report.html")[0] == 0
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
