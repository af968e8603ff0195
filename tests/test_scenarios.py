"""The shipped scenarios, played headless: whatever goes wrong, nothing is lost, doubled or unanswered."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot import day
from bot.config import Config
from bot.errors import ConfigError
from bot.rehearsal import scenario
from bot.store.engine import Database

ANSWERED = {"crowd": 20, "connection": 22, "slow": 8, "late": 7}


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.alone] if each.crowd else [])
        for name, each in scenario.shipped().items()
        if each.anywhere
    ],
)
async def test_a_shipped_scenario_goes_as_it_should(name: str, config: Config, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []

    async def keep(line: dict[str, Any]) -> None:
        lines.append(line)

    database = Database(f"sqlite:///{tmp_path}/rehearsal.sqlite3", config.workshop.id)
    summary = await day.play(config, database, keep, name=name)

    assert summary["unexpected"] == []
    assert summary["ok"]
    assert summary["answered"] == ANSWERED[name]
    answers = Counter(
        (line["channel"], line["text"]) for line in lines if line.get("kind") == "answers/reply"
    )
    assert max(answers.values()) == 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('title = "x"\nstarts = "start"\nends = "someday"\nsteps = []', "ends"),
        (
            'title = "x"\nstarts = "start"\nends = "end"\n[[steps]]\nat = "now+1h"\ndoes = "say"',
            "steps.0.at",
        ),
        (
            'title = "x"\nstarts = "start"\nends = "end"\n[[steps]]\nat = "now"\ndoes = "sing"',
            "steps.0.does",
        ),
        ("title = ", "toml"),
    ],
)
def test_a_mistake_in_a_scenario_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        scenario.load(file)

    assert wrong in str(caught.value)
