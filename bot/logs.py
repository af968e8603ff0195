"""Log lines: for people on a terminal, JSON otherwise. They carry ids, never texts or tokens."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

# Libraries that print whole payloads at DEBUG or INFO, texts and all.
_TALKATIVE = (
    "slack_bolt",
    "slack_sdk",
    "aiohttp",
    "uvicorn",
    "apscheduler",
    "alembic",
    "sqlalchemy",
    "websockets",
)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "part": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(level: int = logging.INFO) -> None:
    """Send every log line to standard error, in the form its reader wants."""
    handler = logging.StreamHandler(sys.stderr)
    if sys.stderr.isatty():
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        )
    else:
        handler.setFormatter(_Json())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
