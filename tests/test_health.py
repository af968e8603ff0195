"""What is wrong is told once when it lasts and once when it is over, whoever sees it and however often."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import event, select, text

from bot import health
from bot.clock import SimulatedClock
from bot.config import Config
from bot.delivery import outbox
from bot.errors import StoreError
from bot.health import Check, Health, Watchdog
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState
from tests.conftest import NOW


class Part:
    """A part that is as well as it is told to be."""

    def __init__(self) -> None:
        self.reason: str | None = None

    async def look(self) -> str | None:
        return self.reason


def watchdog(database: Database, part: Part, *, holder: str = "one:8080", shared: bool = False) -> Watchdog:
    clock = SimulatedClock(NOW, speed=0)
    return Watchdog(database, clock, Health([Check("socket", part.look, shared=shared)]), holder=holder)


async def told(database: Database) -> Sequence[Delivery]:
    async with database.read() as db:
        return (await db.scalars(select(Delivery).order_by(Delivery.id))).all()


async def kinds(database: Database) -> list[str]:
    return [row.kind for row in await told(database)]


async def test_a_trouble_that_lasts_is_told_once_and_its_end_once(database: Database) -> None:
    part = Part()
    dog = watchdog(database, part)
    await dog.step(0)
    part.reason = "nothing heard"
    for wall in range(10, 300, 10):
        await dog.step(wall)
    assert await kinds(database) == [health.TROUBLE]
    part.reason = None
    for wall in range(300, 600, 10):
        await dog.step(wall)
    assert await kinds(database) == [health.TROUBLE, health.OVER]
    assert {row.lane for row in await told(database)} == {"channel:organisers"}


async def test_the_same_again_later_is_told_again(database: Database) -> None:
    part = Part()
    dog = watchdog(database, part)
    for round in range(2):
        part.reason = "nothing heard"
        for wall in (0, 61):
            await dog.step(round * 1000 + wall)
        part.reason = None
        for wall in (100, 161):
            await dog.step(round * 1000 + wall)
    assert await kinds(database) == [health.TROUBLE, health.OVER] * 2


async def test_what_comes_and_goes_is_not_told(database: Database) -> None:
    part = Part()
    dog = watchdog(database, part)
    for wall in range(0, 900, 30):
        part.reason = "nothing heard" if wall % 60 else None
        await dog.step(wall)
    assert await kinds(database) == []


async def test_a_flickering_trouble_is_one_trouble(database: Database) -> None:
    part = Part()
    dog = watchdog(database, part)
    part.reason = "nothing heard"
    for wall in (0, 61):
        await dog.step(wall)
    for wall in range(90, 900, 30):
        part.reason = None if wall % 60 else "nothing heard"
        await dog.step(wall)
    assert await kinds(database) == [health.TROUBLE]


async def test_after_a_restart_nothing_is_told_twice_and_the_end_is(database: Database) -> None:
    part = Part()
    part.reason = "nothing heard"
    for _ in range(2):
        dog = watchdog(database, part)
        for wall in (0, 61):
            await dog.step(wall)
    part.reason = None
    for _ in range(2):
        dog = watchdog(database, part)
        for wall in (0, 61):
            await dog.step(wall)
    assert await kinds(database) == [health.TROUBLE, health.OVER]


async def test_replicas_tell_what_they_share_once_and_their_own_each(database: Database) -> None:
    part = Part()
    part.reason = "the oldest message has waited 9 minutes"
    dogs = [watchdog(database, part, holder=name, shared=True) for name in ("one:8080", "two:8080")]
    dogs += [watchdog(database, part, holder=name) for name in ("one:8080", "two:8080")]
    for wall in (0, 61):
        for dog in dogs:
            await dog.step(wall)
    assert [row.content["where"] for row in await told(database)] == [None, "one:8080", "two:8080"]


async def test_a_trouble_of_the_database_itself_is_told_when_it_is_over(database: Database) -> None:
    part = Part()
    dog = watchdog(database, part)
    await dog.step(0)
    await dog.step(61)
    part.reason = "away"
    async with database.begin() as db:
        await db.execute(text("ALTER TABLE deliveries RENAME TO elsewhere"))
    for wall in (70, 131, 200):
        await dog.step(wall)
    async with database.begin() as db:
        await db.execute(text("ALTER TABLE elsewhere RENAME TO deliveries"))
    part.reason = None
    for wall in (210, 271, 340):
        await dog.step(wall)
    assert await kinds(database) == [health.OVER]


async def test_a_beginning_is_not_told_after_the_end(database: Database, config: Config) -> None:
    part = Part()
    dog = watchdog(database, part)
    part.reason = "nothing <!channel> heard"
    for wall in (0, 61):
        await dog.step(wall)
    rendering = Rendering(config)
    async with database.read() as db:
        (row,) = await told(database)
        values = await health.trouble(db, row.content, now=NOW)
        assert values is not None
        message = rendering.message(row.kind, {**values, "now": NOW})
        assert "I hear nothing from Slack" in message.text
        assert "<!channel>" not in str(message.blocks)
    part.reason = None
    for wall in (100, 161):
        await dog.step(wall)
    async with database.read() as db:
        begun, ended = await told(database)
        assert await health.trouble(db, begun.content, now=NOW) is None
        values = await health.over(db, ended.content, now=NOW)
        assert "Over" in rendering.message(ended.kind, {**values, "now": NOW}).text


async def test_the_outbox_is_late_when_a_routine_message_is_and_not_when_it_is_held(
    database: Database,
) -> None:
    clock = SimulatedClock(NOW, speed=0)
    check = health.outbox_check(database, clock)
    for key, priority, late in (("bulk", outbox.BULK, 60), ("soon", outbox.ROUTINE, 4)):
        async with database.begin() as db:
            row = await outbox.add(
                db, key=key, kind="answers/flood", lane="channel:participants", priority=priority, now=NOW
            )
            row.not_before = row.due_at = NOW - health.OUTBOX_AGE * late / 5
        assert await check.look() is None
    async with database.begin() as db:
        row = await outbox.add(db, key="late", kind="answers/flood", lane="channel:participants", now=NOW)
        row.not_before = row.due_at = NOW - health.OUTBOX_AGE * 2
    assert await check.look() == "the oldest message has waited 10 minutes"
    async with database.begin() as db:
        await outbox.hold(db, True, now=NOW)
    assert await check.look() is None
    async with database.begin() as db:
        await outbox.hold(db, False, now=NOW)
        for late in (await db.scalars(select(Delivery))).all():
            late.state = DeliveryState.SENT
    assert await check.look() is None


async def test_a_look_that_fails_is_a_finding(database: Database) -> None:
    async def broken() -> str | None:
        raise RuntimeError("no such thing\nsecond line")

    found = await Health([Check("x", broken), health.database_check(database)]).look()
    assert found == {"x": "no such thing", "database": None}


async def test_a_database_that_can_be_read_and_not_written_is_a_finding_until_it_can(
    config: Config, migrated_sqlite: Path
) -> None:
    database = Database(f"sqlite:///{migrated_sqlite}", config.workshop.id)
    look = health.database_check(database).look

    def query_only(value: bool) -> None:
        event.listen(
            database.engine.sync_engine,
            "checkout",
            lambda connection, *_: connection.execute(f"PRAGMA query_only = {value}"),
        )

    query_only(True)
    with pytest.raises(StoreError, match="it cannot be written"):
        await database.probe()
    with pytest.raises(StoreError, match="readonly database; let the user who runs the bot write the file"):
        await look()
    query_only(False)
    assert await look() is None
    assert not database.write_failed
    await database.close()
