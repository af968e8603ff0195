"""How fast Slack lets us go: per conversation, and per Web API method over all replicas.

Each method has a row whose `next_free` is where its even spacing has got to (the generic cell rate
algorithm): a call may run `ahead` of that by a few spacings, so a short burst goes at once and a late
wake-up is made good, while no minute ever sees more calls than `per_minute`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.config import LimitsSection

# One message a second in a conversation (slack.md §5.1), counted from the answer to the one before:
# counted from its start, a slow request would arrive just before a fast one.
LANE_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """One method's limit; `burst` of a minute's calls may come at once."""

    method: str
    per_minute: int
    burst: int

    @property
    def spacing(self) -> timedelta:
        return timedelta(minutes=1) / (self.per_minute - self.burst)

    @property
    def ahead(self) -> timedelta:
        return self.spacing * self.burst

    def allowed_at(self, next_free: datetime | None, now: datetime) -> datetime:
        """The instant from which the next call may go."""
        return now if next_free is None else max(now, next_free - self.ahead)

    def after_call(self, next_free: datetime | None, now: datetime) -> datetime:
        """`next_free` once a call has gone at `now`."""
        return max(next_free or now, now) + self.spacing

    def after_limit(self, until: datetime) -> datetime:
        """`next_free` so that nothing goes before `until`, as Retry-After demands."""
        return until + self.ahead


def rates(limits: LimitsSection) -> dict[str, Rate]:
    """The limit behind each task: Slack's tiers (slack.md §4.2), and the configured one for posts."""
    posts = limits.posts_per_minute
    return {
        "post": Rate("chat.postMessage", posts, posts // 30),  # two seconds: a busy machine is late
        "look": Rate("conversations.history", 50, 10),
        "update": Rate("chat.update", 50, 10),
        "retouch": Rate("chat.update", 50, 10),  # the same calls out of the same budget, after the others
        "delete": Rate("chat.delete", 50, 10),
        "pin": Rate("pins", 20, 4),
        "home": Rate("views.publish", 100, 20),
    }


def time_for(posts: int, limits: LimitsSection) -> timedelta:
    """How long a fan-out of that many messages takes: start so much earlier for the last to be in time."""
    rate = rates(limits)["post"]
    return rate.spacing * max(0, posts - 1 - rate.burst)
