"""Any sequence of deeds, faults, kills and jumps: nothing lost, nothing doubled, nothing out of order.

A state machine plays the outbox, the sender and the clock against the local workspace, over real HTTP.
`MACHINE_EXAMPLES` says how many sequences are tried.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import aiohttp
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import select

from bot import people
from bot.clock import SimulatedClock
from bot.config import Config, LimitsSection
from bot.delivery import outbox
from bot.delivery.claims import Work
from bot.delivery.sender import Sender
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState
from tests.conftest import IN_MEMORY, NOW, WORKSHOP
from tests.delivery.conftest import MANIFEST, TOKYO

T = TypeVar("T")

FAULTS: list[dict[str, Any] | None] = [
    None,
    {"kind": "lost_response"},
    {"kind": "reset"},
    {"kind": "late_accept", "seconds": 3},
    {"kind": "late_accept", "seconds": 29},
    {"kind": "http_500", "performed": True},
    {"kind": "http_500"},
    {"kind": "internal_error", "performed": True},
    {"kind": "internal_error"},
    {"kind": "ratelimited", "seconds": 5},
    {"kind": "error", "error": "brand_new_error"},
]
# Posts are what cannot be repeated, so they are hit most.
METHODS = ["chat.postMessage"] * 4 + ["chat.update", "chat.delete", "conversations.history", "pins.add"]
LANES = ["channel:participants", "channel:organisers", "person"]
WISHES = st.fixed_dictionaries(
    {
        "lane": st.sampled_from(LANES),
        "priority": st.sampled_from([outbox.URGENT, outbox.ROUTINE, outbox.BULK]),
        "wait": st.sampled_from([0, 0, 0, 10, 60]),
        "worth": st.sampled_from([None, None, 5, 120]),
        "pin": st.booleans(),
    }
)


@dataclass
class Said:
    """What the machine knows of one message it put into the outbox."""

    key: str
    lane: str
    newest: str
    taken_back: bool = False
    seen: bool = False


class Machine(RuleBasedStateMachine):
    """The deeds of everybody; `play` fills in what they work with."""

    config: ClassVar[Config]
    rendering: ClassVar[Rendering]
    empty_database: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.said: list[Said] = []

    def wait(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)  # type: ignore[arg-type]

    @initialize(wishes=st.lists(WISHES, min_size=3, max_size=8))
    def open(self, wishes: list[dict[str, Any]]) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=IN_MEMORY))
        shutil.copy(self.empty_database, self.folder / "workshop.sqlite3")
        self.database = Database(f"sqlite:///{self.folder}/workshop.sqlite3", WORKSHOP)
        self.clock = SimulatedClock(NOW, speed=0)
        self.workspace = LocalWorkspace(self.config, self.clock, rates="strict", manifest=MANIFEST)
        self.wait(self._connect())
        self.add(wishes)

    async def _connect(self) -> None:
        await self.workspace.start()
        self.session = aiohttp.ClientSession()
        async with self.database.begin() as db:
            self.person = people.lane(await people.get_or_add(db, TOKYO, now=NOW))
        self.start_sender()

    def start_sender(self) -> None:
        """A process comes up; whatever the one before held in memory is gone."""
        client = AsyncWebClient(
            token=self.workspace.bot_token,
            base_url=self.workspace.api_url,
            session=self.session,
            retry_handlers=[],
        )
        named = self.config.channels.model_dump().items()
        channels = ((key, self.workspace.state.channel(name)) for key, name in named)
        self.sender = Sender(
            self.database,
            self.rendering,
            self.clock,
            client,
            places={key: channel.id for key, channel in channels if channel},
            composers={},
            limits=LimitsSection(posts_per_minute=600),
            holder="the only one",
            on_failure=None,
        )

    # --- deeds ------------------------------------------------------------------------------------

    @rule(wishes=st.lists(WISHES, min_size=1, max_size=4))
    def add(self, wishes: list[dict[str, Any]]) -> None:
        for wish in wishes:
            self.wait(self._add(**wish))

    async def _add(self, lane: str, priority: int, wait: int, worth: int | None, pin: bool) -> None:
        number = len(self.said)
        said = Said(f"k{number}", self.person if lane == "person" else lane, f"message {number}")
        not_before = self.clock.now() + timedelta(seconds=wait)
        async with self.database.begin() as db:
            for _ in range(2):  # whoever repeats himself changes nothing
                await outbox.add(
                    db,
                    key=said.key,
                    kind="note",
                    lane=said.lane,
                    content={"text": said.newest},
                    now=self.clock.now(),
                    not_before=not_before,
                    expires_at=None if worth is None else not_before + timedelta(seconds=worth),
                    priority=priority,
                    pin=pin,
                )
        self.said.append(said)

    @precondition(lambda self: self.said)
    @rule(
        which=st.integers(0, 100),
        deed=st.sampled_from(["change", "change", "withdraw", "cancel", "move", "pin", "unpin"]),
    )
    def do(self, which: int, deed: str) -> None:
        self.wait(self._do(self.said[which % len(self.said)], deed))

    async def _do(self, said: Said, deed: str) -> None:
        now = self.clock.now()
        async with self.database.begin() as db:
            if deed == "change":
                said.newest += "!"
                await outbox.refresh(db, said.key, content={"text": said.newest}, now=now)
            elif deed == "withdraw":
                said.taken_back = True
                await outbox.withdraw(db, said.key, now=now)
            elif deed == "cancel":
                said.taken_back |= await outbox.cancel(db, said.key)
            elif deed == "move":
                later = now + timedelta(seconds=30)
                await outbox.move(db, said.key, not_before=later, expires_at=None)
            else:
                await outbox.pin(db, said.key, deed == "pin", now=now)

    @rule(paused=st.booleans())
    def hold(self, paused: bool) -> None:
        async def deed() -> None:
            async with self.database.begin() as db:
                await outbox.hold(db, paused, now=self.clock.now())

        self.wait(deed())

    # --- the world --------------------------------------------------------------------------------

    @rule(fault=st.sampled_from(FAULTS), method=st.sampled_from(METHODS), steps=st.integers(1, 6))
    def send(self, fault: dict[str, Any] | None, method: str, steps: int) -> None:
        """The sender works, and Slack or the network breaks one call if `fault` says so."""
        if fault is not None:
            self.workspace.faults.arm({"method": method, **fault})
        for _ in range(steps):
            self.wait(self.step())

    @rule(called=st.booleans())
    def kill(self, called: bool) -> None:
        """The process dies between taking and recording, before or after its call; another comes up."""

        async def die() -> None:
            work = await self.sender._take()
            if called and isinstance(work, Work):
                await self.sender._calls.make(work)

        self.wait(self.watched(die()))
        self.start_sender()

    @rule(seconds=st.sampled_from([0.5, 1, 5, 40, 300]))
    def pass_time(self, seconds: float) -> None:
        async def deed() -> None:
            self.clock.jump(self.clock.now() + timedelta(seconds=seconds))
            assert await self.workspace.idle()

        self.wait(deed())

    async def step(self) -> bool:
        return await self.watched(self.sender.step())

    async def watched(self, deed: Awaitable[T]) -> T:
        """Do one thing, and check that what appears in Slack then overtook nothing."""
        before, there = await self.rows(), self.shown()
        result = await deed
        appeared = [said for said in self.said if said.key not in there and said.key in self.shown()]
        for said in appeared:
            said.seen = True
            own = before[said.key]
            for other in before.values():
                if other.lane == own.lane and other.key not in there and self.goes_first(other, own):
                    raise AssertionError(f"{own.key} overtook {other.key}")
        return result

    def goes_first(self, row: Delivery, than: Delivery) -> bool:
        now: datetime = self.clock.now()
        waits = row.state in (DeliveryState.PENDING, DeliveryState.SENDING) and row.not_before <= now
        late = row.state is DeliveryState.PENDING and row.expires_at is not None and row.expires_at <= now
        return waits and not late and rank(row) < rank(than)

    async def rows(self) -> dict[str, Delivery]:
        async with self.database.read() as db:
            return {row.key: row for row in await db.scalars(select(Delivery))}

    def shown(self) -> dict[str, list[str]]:
        """The texts of each message that is in Slack; a message's text begins with its number."""
        found: dict[str, list[str]] = {}
        state = self.workspace.state
        channels = [channel for channel in state.channels.values() if BOT_USER in channel.members]
        for channel in channels:
            for _, message in sorted(channel.messages.items()):
                number = message.text.removeprefix("message ").rstrip("!")
                found.setdefault(f"k{number}", []).append(message.text)
        return found

    # --- the end ----------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "workspace"):
            self.loop.close()
            return
        try:
            self.workspace.faults.clear()
            self.hold(False)
            self.wait(self.play_out())
            self.wait(self.check())
        finally:
            self.wait(self._disconnect())
            self.loop.close()
            shutil.rmtree(self.folder)

    async def play_out(self) -> None:
        """Until nothing is left to do."""
        for _ in range(2_000):
            while await self.step():
                pass
            assert await self.workspace.idle()
            due = [await self.sender.next_due(), self.workspace.next_due()]
            soonest = min((instant for instant in due if instant is not None), default=None)
            if soonest is None:
                return
            self.clock.jump(max(soonest, self.clock.now()))
            assert await self.workspace.idle()
        raise AssertionError("it never comes to an end")

    async def check(self) -> None:
        rows, shown = await self.rows(), self.shown()
        for said in self.said:
            row, texts = rows[said.key], shown.get(said.key, [])
            if row.state is DeliveryState.SENT:
                assert texts == [said.newest], f"{said.key} should read {said.newest!r} once: {texts}"
                message = self.workspace.state.channels[row.channel or ""].messages[row.ts or ""]
                assert message.text == said.newest
                assert bool(message.pinned_by) == row.pin == row.pinned
                assert not said.taken_back
            else:
                assert texts == [], f"{said.key} is {row.state} and must not be there: {texts}"
            assert row.task is None
            assert row.state not in (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.FAILED)

    async def _disconnect(self) -> None:
        await self.session.close()
        await self.workspace.stop()
        await self.database.close()


def rank(row: Delivery) -> tuple[int, datetime, int]:
    return row.priority, row.not_before, row.id


def test_any_sequence_ends_with_everything_said_once(
    config: Config, plain_rendering: Rendering, migrated_sqlite: Path
) -> None:
    Machine.config, Machine.rendering, Machine.empty_database = config, plain_rendering, migrated_sqlite
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=int(os.environ.get("MACHINE_EXAMPLES", "12")),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
