"""Several processes on one PostgreSQL database share the work: no double, no overtaking, quick to wake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from bot.clock import SimulatedClock
from bot.delivery import claims, outbox, sender, wake
from bot.delivery.claims import Work
from bot.delivery.sender import Sender
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState
from tests.conftest import WORKSHOP
from tests.delivery.conftest import NAIROBI, PARTICIPANTS, TOKYO, Post, after, calls, texts

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

MakeSender = Callable[..., Sender]


async def all_sent(database: Database) -> None:
    async with asyncio.timeout(60):
        while True:
            async with database.read() as db:
                if not await outbox.outstanding(db):
                    return
            await asyncio.sleep(0.01)


async def test_three_replicas_post_everything_once_and_in_order(
    post: Post,
    make_sender: MakeSender,
    database: Database,
    workspace: LocalWorkspace,
    clock: SimulatedClock,
    database_url: str,
) -> None:
    lanes = [PARTICIPANTS, "channel:organisers", await post.lane_of(TOKYO), await post.lane_of(NAIROBI)]
    for number in range(10):
        for lane in lanes:
            await post(f"{number:02} {lane}", lane=lane)
    workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response", "rate": 0.1, "seed": 1})
    workspace.faults.arm({"method": "chat.postMessage", "kind": "reset", "rate": 0.1, "seed": 2})
    workspace.faults.arm({"method": "chat.postMessage", "kind": "internal_error", "rate": 0.1, "seed": 3})
    databases = [Database(database_url, WORKSHOP) for _ in range(3)]
    senders = [make_sender(f"replica {n}", own_database=own) for n, own in enumerate(databases)]
    clock.set_speed(100)
    running = [asyncio.create_task(each.run()) for each in senders]
    await all_sent(database)
    for each in senders:
        await each.stop()
    await asyncio.gather(*running)
    for own in databases:
        await own.close()
    places = ["ict-footprint-workshop", "ict-footprint-organisers", TOKYO, NAIROBI]
    for lane, place in zip(lanes, places, strict=True):
        assert texts(workspace, place) == [f"{number:02} {lane}" for number in range(10)]
    shares = [each.counts["sent"] + each.counts["found"] for each in senders]
    assert sum(shares) == 40
    assert sum(share > 0 for share in shares) > 1, "with four lanes a third may find nothing to do"
    assert sum(each.counts["limited"] for each in senders) == 0


@pytest.fixture
async def replica(second: Database, make_sender: MakeSender) -> AsyncIterator[Sender]:
    replica = make_sender("replica", own_database=second)
    running = asyncio.create_task(replica.run())
    yield replica
    await replica.stop()
    await running


async def test_a_replica_is_woken_by_another_ones_commit(
    post: Post, replica: Sender, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SWEEP", 1000)
    async with asyncio.timeout(20):
        while not replica.idle():  # noqa: ASYNC110 - idleness is asked for, it is no event
            await asyncio.sleep(0.001)
    await post("from another process")
    assert await workspace.wait_for(lambda: texts(workspace) == ["from another process"])


async def test_a_listener_that_lost_its_connection_listens_again(
    post: Post,
    replica: Sender,
    workspace: LocalWorkspace,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "SWEEP", 1000)
    monkeypatch.setattr(wake, "RECONNECT", 0.01)
    await post("first")
    assert await workspace.wait_for(lambda: texts(workspace) == ["first"])
    async with database.begin() as db:
        await db.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
                " AND datname = current_database()"
            )
        )
    await post("second", lane="channel:organisers")
    assert await workspace.wait_for(lambda: texts(workspace, "ict-footprint-organisers") == ["second"])


async def test_only_one_of_many_takes_a_lane(
    post: Post, make_sender: MakeSender, database: Database, database_url: str
) -> None:
    for number in range(6):
        await post(f"m{number}")
    databases = [Database(database_url, WORKSHOP) for _ in range(6)]
    taken = await asyncio.gather(
        *(make_sender(f"r{n}", own_database=own)._take() for n, own in enumerate(databases))
    )
    assert sum(isinstance(each, Work) for each in taken) == 1
    for own in databases:
        await own.close()
    async with database.read() as db:
        sending = select(Delivery.key).where(Delivery.state == DeliveryState.SENDING)
        assert (await db.scalars(sending)).all() == ["m0"]


async def test_a_lease_is_not_ended_by_a_jump_of_the_workshop_clock(
    post: Post, make_sender: MakeSender, second: Database, clock: SimulatedClock
) -> None:
    await post("one")
    await post("two")
    assert isinstance(await make_sender("first")._take(), Work)
    clock.jump(clock.now() + timedelta(days=1))
    other = make_sender("other", own_database=second)
    assert not await other.step()
    assert timedelta(seconds=2 * sender.calls.CALL_TIMEOUT) < claims.LEASE


async def test_a_limit_met_by_one_is_kept_by_all(
    post: Post,
    make_sender: MakeSender,
    second: Database,
    workspace: LocalWorkspace,
    clock: SimulatedClock,
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "ratelimited", "seconds": 20})
    await post("one")
    await post("elsewhere", lane="channel:organisers")
    first, other = make_sender("first"), make_sender("other", own_database=second)
    assert await first.step()
    assert not await other.step()
    assert await other.next_due() == after(20)
    clock.jump(after(20))
    assert await other.step()
    assert len(calls(workspace, "chat.postMessage")) == 2
