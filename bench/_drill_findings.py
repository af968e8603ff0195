"""What a drill came to: the workspace held against the store, with the evidence for whatever does not fit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot import reminders
from bot.config import Config
from bot.delivery import outbox
from bot.programme.model import Programme
from bot.rehearsal.server import LocalWorkspace
from bot.reminders.plan import Planned
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState, Question

CALLED = ("chat.postMessage", "chat.update", "chat.delete", "pins.add", "pins.remove")
OPEN = (DeliveryState.FAILED, DeliveryState.SENDING)


@dataclass
class Tally:
    """What happened and what was found."""

    database: str
    seed: int
    replicas: int
    kills: int = 0
    server_crashes: int = 0
    faults: int = 0
    messages: int = 0
    inquiries: int = 0
    questions: int = 0
    refused: int = 0  # questions whose author was told to the end that they are not stored
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    evidence: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.disorder)


class Calls:
    """Every call about a message, as they came: by the message's token, and by its place in Slack."""

    def __init__(self) -> None:
        self._by: defaultdict[str, list[str]] = defaultdict(list)

    def note(self, method: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Take one request down."""
        if method not in CALLED:
            return
        args = fields.get("args") or {}
        if method == "chat.postMessage":
            about = ((args.get("metadata") or {}).get("event_payload") or {}).get("delivery_id")
        else:
            about = _place(args.get("channel"), args.get("ts") or args.get("timestamp"))
        words = [
            f"{now:%H:%M:%S.%f}"[:-4],
            method,
            fields.get("status"),
            fields.get("error"),
            fields.get("fault"),
        ]
        self._by[str(about)].append(" ".join(str(word) for word in words if word))

    def about(self, row: Delivery) -> list[str]:
        """The calls about that row, and the row."""
        shown = ("state", "task", "attempts", "upkeep_attempts", "last_error", "lane", "channel", "ts")
        told = " ".join(f"{name}={getattr(row, name)}" for name in (*shown, "thread_ts", "withdrawn"))
        return [told, *self._by[row.token], *self._by[_place(row.channel, row.ts)]]


def _place(channel: Any, ts: Any) -> str:
    return f"{channel} {ts}"


@dataclass
class Findings:
    """Compares once everything has settled; what it finds goes into `tally`."""

    tally: Tally
    config: Config
    workspace: LocalWorkspace
    database: Database
    calls: Calls
    began: datetime
    planned: Sequence[str]  # keys, in the order in which they were put into the outbox
    asked: Sequence[tuple[str, str]]  # (channel, ts) of inquiries
    given_up: int  # of those, by Slack, after three retries
    submitted: Mapping[str, bool]  # question → whether its author was told that it is stored

    async def compare(self) -> None:
        """Hold the workspace against the store."""
        async with self.database.read() as db:
            rows = (await db.scalars(select(Delivery).order_by(Delivery.id))).all()
            stored = Counter((await db.scalars(select(Question.text))).all())
        self._messages({row.token: row for row in rows})
        planned = set(self.planned)
        self._order([row for row in rows if row.key in planned])
        self._reminders({row.key: row for row in rows})
        self._inquiries()
        self._questions(stored)
        self.tally.messages = len(rows)

    def _found(self, where: list[str], what: str, row: Delivery | None) -> None:
        where.append(what)
        if row is not None:
            self.tally.evidence[row.key] = self.calls.about(row)

    def _messages(self, rows: dict[str, Delivery]) -> None:
        lost, doubled = self.tally.lost, self.tally.doubled
        there: Counter[str] = Counter()
        for channel in self.workspace.state.channels.values():
            for message in channel.messages.values():
                if message.metadata and message.bot_id:
                    there[message.metadata["event_payload"]["delivery_id"]] += 1
        for token in there - Counter(rows.keys()):
            row = rows.get(token)
            self._found(doubled, row.key if row else token, row)
        now = self.workspace.clock.now()
        for token, row in rows.items():
            if row.method != "post":
                continue
            if row.state is DeliveryState.SENT and not there[token]:
                self._found(lost, row.key, row)
            elif row.state in OPEN:
                self._found(lost, f"{row.key}: {row.state}, {row.last_error}", row)
            elif row.state is DeliveryState.PENDING and row.not_before <= now:
                self._found(lost, f"{row.key}: still waiting, {row.last_error}", row)
            elif row.state is not DeliveryState.SENT and there[token]:
                self._found(doubled, f"{row.key}: {row.state}, and posted", row)

    def _order(self, rows: list[Delivery]) -> None:
        last: dict[tuple[str | None, str | None], Delivery] = {}
        for row in rows:
            if row.state is not DeliveryState.SENT or row.priority != outbox.ROUTINE:
                continue
            place = (row.channel, row.thread_ts)
            before = last.get(place)
            if before is not None and float(before.ts or 0) > float(row.ts or 0):
                self._found(self.tally.disorder, f"{before.key} after {row.key}", row)
            last[place] = row

    def _reminders(self, rows: dict[str, Delivery]) -> None:
        now = self.workspace.clock.now()
        for one in reminders.plan(self.config, Programme.from_config(self.config)):
            row = rows.get(one.key)
            if self.began < one.at <= now and (row is None or row.state is DeliveryState.DROPPED):
                self._found(self.tally.lost, f"{one.key}: {'dropped' if row else 'not planned'}", row)
                self._before(one, rows)

    def _before(self, one: Planned, rows: dict[str, Delivery]) -> None:
        """The last posts in that conversation before the reminder was too late, and how much went anywhere:
        little from many that waited means that this machine was too busy for the drill's fast clock."""
        waited = sum(row.not_before <= one.at < row.sent_at for row in rows.values() if row.sent_at)
        posted = sum(one.at < row.sent_at < one.expires_at for row in rows.values() if row.sent_at)
        counted = f"{waited} waited when it fell due, {posted} were posted before it was too late"
        self.tally.evidence[f"  {one.key}"] = [counted]
        # What was found in Slack counts as sent when it was posted, however long it took to find it.
        there = [row for row in rows.values() if (row.lane, row.method) == (one.lane, "post")]
        for row in [row for row in there if row.not_before < one.expires_at and row.key != one.key][-5:]:
            self.tally.evidence[f"  in its way: {row.key}"] = self.calls.about(row)

    def _inquiries(self) -> None:
        replies = Counter(
            (channel.id, message.thread_ts)
            for channel in self.workspace.state.channels.values()
            for message in channel.messages.values()
            if message.bot_id and message.thread_ts
        )
        unanswered = [asked for asked in self.asked if not replies[asked]]
        if len(unanswered) > self.given_up:
            self.tally.lost += [f"no answer to {asked}" for asked in unanswered]
        self.tally.inquiries = len(self.asked)

    def _questions(self, stored: Counter[str]) -> None:
        for text, accepted in self.submitted.items():
            if accepted and not stored[text]:
                self.tally.lost.append(f"question {text!r}")
            if stored[text] > 1:
                self.tally.doubled.append(f"question {text!r}")
        self.tally.questions = sum(self.submitted.values())
        self.tally.refused = len(self.submitted) - self.tally.questions
