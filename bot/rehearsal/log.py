"""The inspector: every request, envelope, acknowledgement and retry, with its timing."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from bot.clock import Clock
from bot.rehearsal.state import Json

KEEP = 5_000  # entries; older ones are dropped

# Fields that would repeat a secret or a whole file are never noted.
_SECRET = {"token", "content"}


class Log:
    """A bounded list of entries; `seq` counts all that ever were."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[Json] = deque(maxlen=KEEP)
        self._started = time.monotonic()
        self.seq = 0
        self.on_note: Callable[[], None] = lambda: None

    def note(self, kind: str, what: str, **fields: Any) -> None:
        """Add an entry: `kind` is request, envelope, ack, retry, failure, deed, response_url or fault."""
        self.seq += 1
        kept = {key: value for key, value in fields.items() if key not in _SECRET and value is not None}
        self._entries.append(
            {
                "seq": self.seq,
                "at": self._clock.now().isoformat(timespec="milliseconds"),
                "wall_ms": round((time.monotonic() - self._started) * 1000, 1),
                "kind": kind,
                "what": what,
                **kept,
            }
        )
        self.on_note()

    def entries(self, *, after: int = 0, kind: str | None = None, limit: int = 500) -> list[Json]:
        """The last `limit` entries with `seq` above `after`, oldest first."""
        found = [e for e in self._entries if e["seq"] > after and kind in (None, e["kind"])]
        return found[-limit:]


def elapsed_ms(since: float) -> float:
    """Milliseconds of wall time since a `time.monotonic()`."""
    return round((time.monotonic() - since) * 1000, 1)
