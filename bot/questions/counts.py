"""The scores that posts and cards show follow the votes, in steps: Slack allows fifty edits a minute."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from bot.questions import messages
from bot.store.engine import Database

log = logging.getLogger(__name__)

APART = 0.5  # wall seconds between two looks
SWEEP = 2.0  # wall seconds; votes of another process, or of one that was killed, are seen within this


class Counts:
    """Has messages shown anew whose votes changed: at once, and then every half second at most.

    Which those are stands in the votes themselves, so a process may die at any instant.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._set = asyncio.Event()
        self._looking = False

    def nudge(self) -> None:
        """Votes were set: call it after the commit."""
        self._set.set()

    def idle(self) -> bool:
        """Whether no vote of this process waits to be shown."""
        return not self._looking and not self._set.is_set()

    async def run(self) -> None:
        """Look for ever; ends when cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(APART)
            try:
                async with asyncio.timeout(SWEEP):
                    await self._set.wait()
            except TimeoutError:
                continue

    async def step(self) -> None:
        """Look once; while the database is away nothing is lost, for the next look finds it."""
        self._looking = True
        self._set.clear()
        try:
            async with self._database.begin() as db:
                await messages.recount(db, now=self._clock.now())
        except (SQLAlchemyError, OSError) as error:
            log.warning("votes are not shown yet: %s", type(error).__name__)
        finally:
            self._looking = False
