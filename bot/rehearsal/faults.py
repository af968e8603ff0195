"""Switches that make the workspace misbehave on purpose, as a network and a busy Slack do.

A switch is armed with `count` (the next N matching calls) or `rate` with `seed` (that share of calls,
repeatably) and goes off by itself; with `channel` only calls that name this conversation match. Web API
kinds:

lost_response   the call is carried out, then the connection is cut without an answer
reset           the connection is cut, nothing is carried out
late_accept     the connection is cut now, the call is carried out `seconds` of workshop time later
slow            answered after `seconds` of wall time
ratelimited     429 with `Retry-After: seconds`, not carried out
http_500        status 500; carried out only with "performed": true
internal_error  {"ok": false, "error": "internal_error"}; carried out only with "performed": true
error           {"ok": false, "error": <"error">}, not carried out

Envelope kinds (`{"envelopes": kind}`): duplicate (sent twice), reorder (sent after the next one), drop
(not sent, noticed after `seconds` or at the deadline), slow (sent late by `seconds` of wall time).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from bot.rehearsal.state import Json

METHOD_KINDS = (
    "lost_response",
    "reset",
    "late_accept",
    "slow",
    "ratelimited",
    "http_500",
    "internal_error",
    "error",
)
ENVELOPE_KINDS = ("duplicate", "reorder", "drop", "slow")


@dataclass(slots=True)
class Fault:
    """One armed switch; `left` is None when it goes by `rate`."""

    kind: str
    target: str  # a method's name, "*" for every method, or "envelopes"
    channel: str | None  # only calls about this conversation
    left: int | None
    rate: float
    seconds: float
    error: str
    performed: bool
    dice: random.Random = field(repr=False)
    hits: int = 0

    def strikes(self, target: str, channel: str | None) -> bool:
        """Whether this call is hit; uses up one of the count."""
        if self.target != target and not (self.target == "*" and target != "envelopes"):
            return False
        if self.channel not in (None, channel):
            return False
        if self.left is not None:
            if self.left <= 0:
                return False
            self.left -= 1
        elif self.dice.random() >= self.rate:
            return False
        self.hits += 1
        return True

    def as_dict(self) -> Json:
        return {
            "target": self.target,
            "kind": self.kind,
            "channel": self.channel,
            "left": self.left,
            "rate": self.rate if self.left is None else None,
            "seconds": self.seconds,
            "hits": self.hits,
        }


class Faults:
    """The armed switches, asked in the order in which they were armed."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []

    def arm(self, wish: Json) -> Fault:
        """Arm one switch; raises ValueError with a sentence when the wish makes no sense."""
        envelopes = wish.get("envelopes")
        kind = str(envelopes or wish.get("kind") or "")
        kinds = ENVELOPE_KINDS if envelopes else METHOD_KINDS
        if kind not in kinds:
            raise ValueError(f"kind must be one of {', '.join(kinds)}")
        target = "envelopes" if envelopes else str(wish.get("method") or "*")
        rate = float(wish.get("rate", 0.0))
        if not 0 <= rate <= 1:
            raise ValueError("rate must be between 0 and 1")
        fault = Fault(
            kind=kind,
            target=target,
            channel=str(wish["channel"]) if wish.get("channel") else None,
            left=None if "rate" in wish else int(wish.get("count", 1)),
            rate=rate,
            seconds=float(wish.get("seconds", 1.0)),
            error=str(wish.get("error", "fatal_error")),
            performed=bool(wish.get("performed", False)),
            dice=random.Random(wish.get("seed", 0)),  # noqa: S311 - repeatable on purpose
        )
        self.armed.append(fault)
        return fault

    def clear(self) -> None:
        """Disarm every switch."""
        self.armed.clear()

    def strike(self, target: str, channel: str | None = None) -> Fault | None:
        """The switch that hits this call, if one does."""
        return next((fault for fault in self.armed if fault.strikes(target, channel)), None)
