"""Log lines: for people on a terminal, JSON otherwise. They carry ids, never texts or tokens.

The same warning or error is written once a minute however often it is found, with how often that was: a
trouble that lasts must not push out of sight what else there is.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections import OrderedDict
from typing import Any

# Libraries that print whole payloads at DEBUG or INFO, texts and all.
_TALKATIVE = (
    "slack_sdk",
    "aiohttp",
    "uvicorn",
    "apscheduler",
    "alembic",
    "sqlalchemy",
    "websockets",
)
REPEATED = 60.0  # wall seconds in which the same is said once
_REMEMBERED = 1_000  # different warnings
# Tokens, the ticket of a socket's address, the key of a stage link: from whichever library's sentence.
_SECRET = re.compile(
    r"\b(xox[a-z]|xapp|xoxe\.xox[a-z])-[\w-]+|((?:ticket|key|secret|token)=)[\w%.-]+", re.IGNORECASE
)


class _Once(logging.Filter):
    """Lets the same warning through once in `REPEATED` seconds, then with the number of those held back."""

    def __init__(self) -> None:
        super().__init__()
        self._said: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        key = record.name, record.getMessage()
        at, held = self._said.pop(key, (0.0, 0))
        if record.created - at < REPEATED:
            self._said[key] = (at, held + 1)
            return False
        self._said[key] = (record.created, 0)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        record.held = held
        return True


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "part": record.name,
            "message": without_secrets(record.getMessage()) + _held(record),
        }
        if record.exc_info:
            line["traceback"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record)) + _held(record)


def _held(record: logging.LogRecord) -> str:
    held = getattr(record, "held", 0)
    return f" (and {held} times more since the last time)" if held else ""


def without_secrets(text: str) -> str:
    """The text with "[…]" in place of whatever looks like a secret."""
    return _SECRET.sub(lambda found: f"{found[2] or ''}[…]", text)


def configure(level: int = logging.INFO) -> None:
    """Send every log line to standard error, in the form its reader wants."""
    handler = logging.StreamHandler(sys.stderr)
    if sys.stderr.isatty():
        handler.setFormatter(_Plain("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"))
    else:
        handler.setFormatter(_Json())
    handler.addFilter(_Once())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # Its warnings are about settings that are not used here; Bolt hands this level on to its parts.
    logging.getLogger("slack_bolt").setLevel(max(level, logging.ERROR))
