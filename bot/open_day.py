"""A rehearsal for people to try: the bot in its local workspace, on a clock that they may move.

Forward the clock goes step by step, so that everything that falls in between happens in its order and at
its instant. Backward begins a new day: an empty store, the workspace as at first, a bot that knows nothing.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from bot import app
from bot.answers import Answers
from bot.app import Bot
from bot.clock import SimulatedClock
from bot.config import Config
from bot.rehearsal import scenario
from bot.rehearsal.player import SETTLE_WITHIN, Player
from bot.rehearsal.server import LocalWorkspace
from bot.rendering import Rendering
from bot.store.engine import Database

Json = dict[str, Any]

# Wall seconds in which a browser that opens at once gets its page; reading the answers would slow it.
BROWSER_FIRST = 1.0


class OpenDay:
    """One workspace and the bot in it; `run` returns when it is over."""

    def __init__(
        self, config: Config, database: Database, clock: SimulatedClock, workspace: LocalWorkspace
    ) -> None:
        self.config, self.database, self.clock, self.workspace = config, database, clock, workspace
        self._answers: Answers | None = None
        self._reading = threading.Lock()
        self._moving = asyncio.Lock()
        self._bot: asyncio.Future[Bot] = asyncio.get_running_loop().create_future()
        self._back: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()
        control = workspace.control
        control.forward, control.rewind, control.play = self.forward, self.rewind, self.play

    async def run(self, until: Awaitable[object], started: Callable[[Bot], Awaitable[None]]) -> None:
        """Run until `until` is done; `started` is awaited once, with the first bot.

        Mistakes in the answer files are raised (ConfigError) after that: they are read once the page is up.
        """
        over: asyncio.Future[object] = asyncio.ensure_future(until)
        first = True
        while not over.done():
            async with app.running(
                self.config,
                self.workspace.environment,
                self.database,
                self.clock,
                mode="rehearsal",
                read_answers=self._read_answers,
            ) as bot:
                if first:
                    await started(bot)
                self._bot.set_result(bot)
                if first:
                    await asyncio.wait({over}, timeout=BROWSER_FIRST)
                    await asyncio.to_thread(self._read_answers)
                first = False
                waiting: set[asyncio.Future[Any]] = {over, self._back}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._back.done():
                await self._clean(self._back.result())
        await over

    def _read_answers(self) -> Answers:
        with self._reading:
            if self._answers is None:
                self._answers = Answers(self.config, Rendering(self.config))
            return self._answers

    async def forward(self, instant: datetime) -> None:
        """Move the clock to a later instant; raises TimeoutError when something never comes to rest."""
        async with self._moving:
            bot, speed = await asyncio.shield(self._bot), self.clock.speed
            self.clock.set_speed(0)
            try:
                await step_to(instant, bot, self.workspace, self.clock)
            finally:
                self.clock.set_speed(speed)

    async def rewind(self, instant: datetime) -> None:
        """Begin a new day at this instant; returns when the bot has joined it."""
        async with self._moving:
            await asyncio.shield(self._bot)
            self._bot = asyncio.get_running_loop().create_future()
            self._back.set_result(instant)
            async with asyncio.timeout(SETTLE_WITHIN):
                await asyncio.shield(self._bot)

    async def play(self, name: str) -> Json:
        """Play a shipped scenario; gives how many deeds there were and which came out unexpectedly.

        One that cannot be played at any instant begins a new day. Raises KeyError for an unknown name.
        """
        script = scenario.shipped()[name]
        if not script.anywhere:
            await self.rewind(scenario.instant(script.starts, self.config, self.clock.now()))
        async with self._moving:
            bot, speed = await asyncio.shield(self._bot), self.clock.speed
            self.clock.set_speed(0)
            player = Player(
                script,
                self.config,
                self.clock,
                self.workspace,
                settled=functools.partial(settled, bot, self.workspace),
                next_due=functools.partial(next_due, bot, self.workspace),
            )
            try:
                outcomes = [outcome async for outcome in player.play()]
            finally:
                self.clock.set_speed(speed)
        unexpected = [outcome.as_dict() for outcome in outcomes if outcome.wrong]
        return {"title": script.title, "deeds": len(outcomes), "unexpected": unexpected}

    async def _clean(self, instant: datetime) -> None:
        self._back = asyncio.get_running_loop().create_future()
        await self.database.empty("rehearsal")
        self.clock.jump(instant)
        await self.workspace.clear()


async def step_to(instant: datetime, bot: Bot, workspace: LocalWorkspace, clock: SimulatedClock) -> None:
    """Move a standing clock to an instant that is not past, stopping wherever something is due."""
    await settled(bot, workspace)
    while (due := await next_due(bot, workspace)) and clock.now() < due <= instant:
        clock.jump(due)
        await settled(bot, workspace)
    clock.jump(max(instant, clock.now()))
    await settled(bot, workspace)


async def settled(bot: Bot, workspace: LocalWorkspace) -> None:
    """Return once neither side has anything due or in flight; TimeoutError when that never comes."""
    async with asyncio.timeout(SETTLE_WITHIN):
        quiet = 0
        while quiet < 2:  # twice: what one side finishes may start the other
            await workspace.idle(SETTLE_WITHIN)
            quiet = quiet + 1 if bot.idle() and not workspace.busy else 0
            await asyncio.sleep(0 if quiet else 0.005)


async def next_due(bot: Bot, workspace: LocalWorkspace) -> datetime | None:
    """The next instant of the workshop clock at which either side has something to do, or None."""
    instants = [await bot.next_due(), workspace.next_due()]
    return min((instant for instant in instants if instant), default=None)
