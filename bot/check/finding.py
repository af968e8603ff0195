"""One line of `workshop-bot check`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from bot.errors import Mistake

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its level, what was found, and what to do about it."""

    level: Level
    what: str
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def ok(what: str, found: str) -> Finding:
    return Finding("ok", what, found)


def warning(what: str, found: str, remedy: str) -> Finding:
    return Finding("warning", what, found, remedy)


def error(what: str, found: str, remedy: str) -> Finding:
    return Finding("error", what, found, remedy)


def of(mistake: Mistake, what: str = "") -> Finding:
    """A wrong setting as a finding; `what` says in front of its key where it stands."""
    return error(f"{what}{mistake.key}", mistake.wrong, mistake.right)
