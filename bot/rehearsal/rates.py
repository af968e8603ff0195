"""Slack's rate limits: a bucket per method, one a second per channel for posts (reference: rate limits).

Buckets follow the workshop clock. A tier's bucket holds a minute's worth of calls ("short bursts are
tolerated"); a channel's holds two messages, so that a client which keeps to one a second is never hit
because one request travelled faster than the one before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Tier = Literal[1, 2, 3, 4, "special", "posting"]
PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
CHANNEL_BURST = 2


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    capacity: float
    per_second: float
    level: float
    at: datetime

    def wait(self, now: datetime) -> float:
        """0 when a token is there, else the seconds until one will be."""
        self._refill(now)
        return 0.0 if self.level >= 1 else (1 - self.level) / self.per_second

    def take(self, now: datetime) -> None:
        self._refill(now)
        self.level -= 1

    def _refill(self, now: datetime) -> None:
        passed = max(0.0, (now - self.at).total_seconds())
        self.level, self.at = min(self.capacity, self.level + passed * self.per_second), now


class Rates:
    """Decides whether a call may pass. `strict=False` lets everything through."""

    def __init__(self, *, strict: bool, reads_per_minute: int | None, posts_per_minute: int | None) -> None:
        self.strict = strict
        self._reads = reads_per_minute
        self._posts = posts_per_minute
        self._buckets: dict[str, Bucket] = {}

    def check(self, method: str, tier: Tier, channel: str, now: datetime) -> int:
        """0 when the call may pass (and is counted), else the `Retry-After` in whole seconds."""
        if not self.strict:
            return 0
        buckets = [self._bucket(*spec, now) for spec in self._specs(method, tier, channel)]
        wait = max((bucket.wait(now) for bucket in buckets), default=0.0)
        if wait > 0:
            return max(1, math.ceil(wait))
        for bucket in buckets:
            bucket.take(now)
        return 0

    def _specs(self, method: str, tier: Tier, channel: str) -> list[tuple[str, float, float]]:
        if tier == "posting":
            specs = [(f"channel {channel}", float(CHANNEL_BURST), 1.0)]
            if self._posts is not None:
                specs.append(("workspace", float(max(1, self._posts // 6)), self._posts / 60))
            return specs
        if tier == "special":
            return []
        limit = PER_MINUTE[tier]
        if method in ("conversations.history", "conversations.replies") and self._reads is not None:
            limit = self._reads
        return [(method, float(limit), limit / 60)]

    def _bucket(self, name: str, capacity: float, per_second: float, now: datetime) -> Bucket:
        return self._buckets.setdefault(name, Bucket(capacity, per_second, capacity, now))
