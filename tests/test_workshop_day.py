"""One simulated workshop day, end to end through the local workspace: all four jobs and what goes wrong.

It is played for the shipped workshop and for another that shares nothing with it, on each kind of
database, by the command's own code (`bot.day`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot import config as configuration
from bot import day
from bot.config import Config, shipped
from bot.store.engine import Database

CONFIGURATIONS = {
    "shipped": shipped("config.toml"),
    "forum": Path(__file__).parent / "configurations" / "forum.toml",
}
REMINDERS = {"shipped": 8, "forum": 9}  # the shipped one's discussion gets its time, and so one more


@pytest.mark.long
@pytest.mark.parametrize("name", CONFIGURATIONS)
async def test_a_whole_day(name: str, database_url: str) -> None:
    config = configuration.load(CONFIGURATIONS[name])
    lines: list[dict[str, Any]] = []

    async def keep(line: dict[str, Any]) -> None:
        lines.append(line)

    summary = await day.play(config, Database(database_url, config.workshop.id), keep)

    assert summary["unexpected"] == []
    assert summary["reminders"]["missing"] == []
    assert summary["reminders"]["off_their_minute"] == []
    assert summary["reminders"]["posted"] == summary["reminders"]["planned"] == REMINDERS[name]
    assert summary["questions"] == {"submitted": 3, "approved": 2, "declined": 1}
    assert summary["changes_announced"] == 1
    assert summary["left_in_outbox"] == []
    assert summary["failed"] == []
    assert summary["unknown"] == 2
    assert summary["ok"]
    _check_transcript(lines[:-1], config)
    assert lines[-1] == {"summary": summary}


def _check_transcript(lines: list[dict[str, Any]], config: Config) -> None:
    """What people saw: nothing twice, in order of time, no markup of theirs, times in the zone in words."""
    posted = [line for line in lines if not line["edited"] and line["kind"] not in ("message", "reply")]
    said = [
        (line["channel"], line["kind"], line["text"]) for line in posted if line["kind"] != "answers/reply"
    ]
    assert len(said) == len(set(said))
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    by_bot = [line for line in lines if line["kind"] != "message"]
    assert not any(
        "<!channel>" in line["text"] or "<https://example.org|safe>" in line["text"] for line in by_bot
    )
    reminders = [line for line in posted if line["kind"].startswith("reminders/")]
    assert all(":00" in line["at"] for line in reminders)
    changes = [line for line in posted if line["kind"] == "announcements/change"]
    assert [line["channel"] for line in changes] == [config.channels.participants]
