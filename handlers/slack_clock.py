"""How far this machine's clock is from Slack's, read from the answers to calls that are made anyway.

A clock that is minutes wrong posts every reminder minutes wrong, and has every request of Slack's over HTTP
refused as too old.
"""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp

from bot.clock import wall_now

MOST = timedelta(seconds=60)  # Slack's requests are refused at five minutes; it is said long before


def ahead(date: str | None) -> timedelta | None:
    """How far this machine is ahead of an answer's `Date`, negative when behind; None: it tells no time."""
    try:
        return wall_now() - parsedate_to_datetime(date) if date else None
    except (TypeError, ValueError):
        return None


def said(off: timedelta | None) -> str | None:
    """What is wrong with such a clock; None when nothing is."""
    if off is None or abs(off) <= MOST:
        return None
    side = "ahead of" if off > timedelta() else "behind"
    return f"this machine's clock is {int(abs(off).total_seconds())} s {side} Slack's; set it by NTP"


class SlackClock:
    """Listens to every answer of a client session (`tracing`); `trouble()` says what the latest one told."""

    def __init__(self) -> None:
        self._ahead: timedelta | None = None
        self.tracing = aiohttp.TraceConfig()
        self.tracing.on_request_end.append(self._answered)

    def trouble(self) -> str | None:
        """What is wrong with this machine's clock; None when it agrees, or nothing told the time yet."""
        return said(self._ahead)

    async def _answered(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        answer: aiohttp.TraceRequestEndParams,
    ) -> None:
        off = ahead(answer.response.headers.get("Date"))
        self._ahead = self._ahead if off is None else off
