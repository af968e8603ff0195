"""What an operator types: status, erase; each on a live database and where there is none."""

from __future__ import annotations

import asyncio
import json
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


def test_erase_asks_first_and_wants_an_id(run: Any, live: Path) -> None:  # noqa: F811
    assert run("erase", PERSON)[0] == 2  # nobody can be asked here
    assert run("erase", "Yuki Tanaka", "--yes")[0] == 2
    assert json.loads(run("status", "--json")[1])["people"] == 1
