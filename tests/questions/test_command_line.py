"""`questions list` and `questions export` read what is there, and never make a database."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.config import Config, shipped
from bot.programme import versions
from bot.programme.model import Programme
from bot.questions import life, submission
from bot.questions.deeds import Deed
from bot.store.engine import Database
from tests.questions import deeds_of
from tests.questions.conftest import ON


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    (tmp_path / "config.toml").write_bytes(shipped("config.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKSHOP_DATABASE_URL", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workshop-bot", "questions", *words])
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return run


async def fill(url: str, config: Config) -> None:
    """A database with three questions: on stage, approved, waiting."""
    database = Database(url, config.workshop.id)
    async with database.begin() as db:
        await versions.seed(db, config, now=ON)
        for n in range(1, 4):
            by = await deeds_of.person(db, "UANA", now=ON)
            await submission.submit(
                db,
                by=by,
                text=f"=Question {n}?",
                hidden="moderators",
                programme=Programme.from_config(config),
                config=config,
                now=ON,
            )
        by = await deeds_of.person(db, "UMOD", now=ON)
        for number, deed in ((1, Deed.APPROVE), (1, Deed.STAGE), (2, Deed.APPROVE)):
            await life.do(db, deed, number, by=by, moderates=True, now=ON)
    await database.close()


def test_without_a_database_it_says_so_and_makes_none(run: Any, tmp_path: Path) -> None:
    status, _, err = run("list")
    assert (status, "there is no database yet" in err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_the_inquiries_without_a_database_make_none_either(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["workshop-bot", "inquiries"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, "there is no database yet" in capfd.readouterr().err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_the_list_and_the_exports(
    run: Any, tmp_path: Path, config: Config, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(fill(database_url, config))
    monkeypatch.setenv("WORKSHOP_DATABASE_URL", database_url)
    assert run("list", "--show", "approved")[1].splitlines() == [
        "   1  on_stage     0  =Question 1?",
        "   2  published    0  =Question 2?",
    ]
    rows = [json.loads(line) for line in run("list", "--json")[1].splitlines()]
    assert [(row["number"], row["asker"]) for row in rows] == [(1, ""), (2, ""), (3, "")]
    assert run("list", "--show", "nonsense")[0] == 2
    assert len(json.loads(run("export", "--format", "json")[1])) == 3
    assert run("export", "--format", "xlsx")[0] == 2
    assert run("export", "--format", "csv", "-o", "questions.csv")[0] == 0
    with open(tmp_path / "questions.csv", encoding="utf-8-sig", newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == [f"'=Question {n}?" for n in (1, 2, 3)]
