"""What stands between the bot and its work: looked at for `/readyz`, told to organisers when it lasts.

A trouble is told once when it has lasted a while and once when it has been over for a while, so that a
short one is not mentioned and a flickering one is one trouble. What has been told stands in the outbox, so
a restart or another replica does not say it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exc, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import Clock
from bot.delivery import outbox
from bot.rendering import utc
from bot.store.engine import Database, with_remedy
from bot.store.tables import Delivery, DeliveryState

log = logging.getLogger(__name__)

TROUBLE, OVER = "operations/trouble", "operations/trouble_over"
LANE = "channel:organisers"
LOOK_EVERY = 5.0  # wall seconds
LASTS = 60.0  # wall seconds a trouble, or its absence, lasts before anybody is told
LOOK_WITHIN = 3.0  # wall seconds one look may take
OUTBOX_AGE = timedelta(minutes=5)  # workshop time the oldest routine message may wait
TOLD_WORTH = timedelta(hours=6)
AWAY = (exc.SQLAlchemyError, OSError)

Look = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong. `look` says what, in words for an operator; None: all well.

    `shared` means the same for every replica; what is not is told with the name of its process.
    """

    name: str
    look: Look
    shared: bool = False


@dataclass
class Health:
    """All the checks of one process."""

    checks: Sequence[Check]

    async def look(self) -> dict[str, str | None]:
        """What is wrong with each part at this moment, None where nothing is; never raises."""
        async with asyncio.TaskGroup() as group:  # when cancelled, it leaves no look behind
            looks = {check.name: group.create_task(self._look(check)) for check in self.checks}
        return {name: look.result() for name, look in looks.items()}

    async def _look(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                return await check.look()
        except TimeoutError:
            return f"no answer within {LOOK_WITHIN:.0f} s"
        except Exception as error:  # a look that fails is a finding like any other
            return str(error).strip().partition("\n")[0][:200] or type(error).__name__


def database_check(database: Database) -> Check:
    """Whether the database answers, and takes what is written where the latest attempt failed."""

    async def look() -> str | None:
        try:
            async with database.read() as db:
                await db.execute(text("SELECT 1"))
        except AWAY as error:
            return with_remedy(error)
        if database.write_failed:  # it can be full or read-only and still be read: try whether it is over
            await database.probe()
        return None

    return Check("database", look, shared=True)


def outbox_check(database: Database, clock: Clock) -> Check:
    """Whether messages leave in time; bulk may take its time, and what is held back on purpose waits."""

    async def look() -> str | None:
        async with database.read() as db:
            if await outbox.held(db):
                return None
            now = clock.now()
            oldest = await waiting_since(db, below=outbox.BULK)
        if oldest is None or now - oldest < OUTBOX_AGE:
            return None
        return f"the oldest message has waited {int((now - oldest).total_seconds() // 60)} minutes"

    return Check("outbox", look, shared=True)


async def waiting_since(db: AsyncSession, *, below: int | None = None) -> datetime | None:
    """Since when the longest-waiting message should be in Slack; `below` leaves later priorities out."""
    waits = Delivery.state.in_((DeliveryState.PENDING, DeliveryState.SENDING)), Delivery.task.is_not(None)
    statement = select(func.min(Delivery.not_before)).where(*waits)
    if below is not None:
        statement = statement.where(Delivery.priority < below)
    return (await db.scalars(statement)).one()


@dataclass
class _Seen:
    """What this process knows of one part."""

    steady_from: float  # wall
    reason: str | None = None
    since: datetime | None = None  # when the present trouble began, workshop time
    told: bool | None = None  # whether organisers know of a trouble; None: ask the outbox
    untold: datetime | None = None  # a trouble that lasted and could not be told: since when


@dataclass
class Watchdog:
    """Tells organisers of troubles that last. `holder` names this process, the same after a restart."""

    database: Database
    clock: Clock
    health: Health
    holder: str
    lasts: float = LASTS
    look_every: float = LOOK_EVERY
    _seen: dict[str, _Seen] = field(default_factory=dict)

    async def run(self) -> None:
        """Look for ever; ends when cancelled."""
        while True:
            await self.step(asyncio.get_running_loop().time())
            await asyncio.sleep(self.look_every)

    async def step(self, wall: float) -> None:
        """Look once, at this wall instant in seconds, and tell what is due to be told; never raises."""
        found = await self.health.look()
        for check in self.health.checks:
            seen = self._seen.setdefault(check.name, _Seen(steady_from=wall))
            self._note(check.name, seen, found[check.name], wall)
            if wall - seen.steady_from < self.lasts:
                continue
            try:
                await (self._well(check, seen) if seen.reason is None else self._wrong(check, seen))
            except AWAY as error:
                if seen.reason is not None:
                    seen.untold = seen.untold or seen.since
                log.warning("a trouble cannot be told: %s", type(error).__name__)

    def _note(self, name: str, seen: _Seen, reason: str | None, wall: float) -> None:
        if (reason is None) != (seen.reason is None):
            seen.steady_from = wall
            if reason is None:
                log.info("%s is well again", name)
            else:
                seen.since = self.clock.now()
                log.warning("%s: %s", name, reason)
        seen.reason = reason

    async def _wrong(self, check: Check, seen: _Seen) -> None:
        if seen.told:
            return
        async with self.database.begin() as db:
            last = await self._last(db, check)
            if last is None or last.kind == OVER:
                since = seen.untold or seen.since or self.clock.now()
                await self._say(db, check, TROUBLE, last, since, {"reason": seen.reason})
        seen.told, seen.untold = True, None

    async def _well(self, check: Check, seen: _Seen) -> None:
        if seen.told is False and seen.untold is None:
            return
        async with self.database.begin() as db:
            last = await self._last(db, check)
            since = utc(last.content["since"]) if last is not None and last.kind == TROUBLE else seen.untold
            if since is not None:
                await self._say(db, check, OVER, last, since, {"until": self.clock.now().isoformat()})
        seen.told, seen.untold = False, None

    async def _last(self, db: AsyncSession, check: Check) -> Delivery | None:
        statement = select(Delivery).where(Delivery.batch == self._batch(check)).order_by(Delivery.id.desc())
        return (await db.scalars(statement.limit(1))).first()

    async def _say(
        self,
        db: AsyncSession,
        check: Check,
        kind: str,
        last: Delivery | None,
        since: datetime,
        content: Mapping[str, Any],
    ) -> None:
        batch, now = self._batch(check), self.clock.now()
        where = None if check.shared else self.holder
        await outbox.add(
            db,
            key=f"{batch}:{last.id if last else 0}",  # two replicas that see the same say it once
            kind=kind,
            lane=LANE,
            content={"part": check.name, "where": where, "since": since.isoformat(), **content},
            priority=outbox.URGENT,
            batch=batch,
            expires_at=now + TOLD_WORTH,
            now=now,
        )

    def _batch(self, check: Check) -> str:
        return f"trouble:{check.name}" if check.shared else f"trouble:{check.name}@{self.holder}"[:80]


async def trouble(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any] | None:
    """A trouble that has begun; not said any more once its end is to be said (composer)."""
    ended = await db.scalar(
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.kind == OVER, Delivery.content["since"].as_string() == content["since"])
    )
    return None if ended else {**content, "since": utc(content["since"])}


async def over(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """A trouble that has ended (composer)."""
    return {**content, "since": utc(content["since"]), "until": utc(content["until"])}


COMPOSERS = {TROUBLE: trouble, OVER: over}
