"""What callers may put into the outbox, change there and take back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.delivery import outbox
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState
from tests.conftest import NOW

LANE = "channel:participants"
SOON = NOW + timedelta(minutes=10)


async def a_message(db: AsyncSession, key: str = "k", **given) -> Delivery:
    return await outbox.add(db, **{"key": key, "kind": "any", "lane": LANE, "now": NOW} | given)


def as_sent(row: Delivery) -> Delivery:
    """What the sender does to a row once Slack has the message."""
    row.state, row.shown, row.channel, row.ts = DeliveryState.SENT, row.revision, "C1", "1.000001"
    row.arm(NOW)
    return row


async def test_a_key_is_added_once_and_its_row_is_given_back(database: Database) -> None:
    async with database.begin() as db:
        first = await a_message(db, content={"a": 1})
        again = await a_message(db, content={"a": 2}, lane="channel:organisers")
        assert again is first
    async with database.begin() as db:
        later = await a_message(db, content={"a": 3})
        assert (later.id, later.content, later.lane) == (first.id, {"a": 1}, LANE)


async def test_a_new_message_is_due_at_its_time_or_at_once(database: Database) -> None:
    async with database.begin() as db:
        at_once, later = await a_message(db, "a"), await a_message(db, "b", not_before=SOON)
    assert (at_once.task, at_once.due_at) == ("post", NOW)
    assert (later.task, later.due_at) == ("post", SOON)
    assert at_once.token != later.token


@pytest.mark.parametrize("lane", ["", "participants", "channel:", "person:x", "U123", "channel:a b", "C1\n"])
async def test_what_is_no_lane_is_refused(database: Database, lane: str) -> None:
    async with database.begin() as db:
        with pytest.raises(ValueError, match="no lane"):
            await a_message(db, lane=lane)


async def test_a_waiting_message_is_posted_with_its_newest_content(database: Database) -> None:
    async with database.begin() as db:
        row = await a_message(db, content={"a": 1})
        await outbox.refresh(db, "k", content={"a": 2}, now=NOW)
    assert (row.content, row.state, row.task) == ({"a": 2}, DeliveryState.PENDING, "post")


async def test_a_burst_of_changes_to_a_sent_message_makes_one_edit_due(database: Database) -> None:
    async with database.begin() as db:
        row = as_sent(await a_message(db))
        for number in range(5):
            await outbox.refresh(db, "k", content={"a": number}, now=SOON)
    assert (row.task, row.due_at, row.content) == ("update", SOON, {"a": 4})
    assert row.shown < row.revision


async def test_want_posts_the_first_time_and_edits_from_then_on(database: Database) -> None:
    async with database.begin() as db:
        row = await outbox.want(db, key="card", kind="any", lane=LANE, content={"a": 1}, now=NOW)
        as_sent(row)
        same = await outbox.want(db, key="card", kind="any", lane=LANE, content={"a": 2}, now=NOW)
    assert same is row
    assert (row.task, row.content) == ("update", {"a": 2})


async def test_only_a_waiting_message_moves(database: Database) -> None:
    async with database.begin() as db:
        row = await a_message(db)
        assert await outbox.move(db, "k", not_before=SOON, expires_at=SOON + timedelta(minutes=5))
        assert (row.not_before, row.due_at, row.expires_at) == (SOON, SOON, SOON + timedelta(minutes=5))
        as_sent(row)
        assert not await outbox.move(db, "k", not_before=NOW, expires_at=None)
        assert not await outbox.move(db, "unknown", not_before=NOW, expires_at=None)


async def test_only_a_waiting_message_is_cancelled(database: Database) -> None:
    async with database.begin() as db:
        row = await a_message(db)
        assert await outbox.cancel(db, "k")
        assert (row.state, row.task) == (DeliveryState.CANCELLED, None)
        assert not await outbox.cancel(db, "k")


async def test_a_withdrawn_message_is_cancelled_or_deleted(database: Database) -> None:
    async with database.begin() as db:
        waiting, sent = await a_message(db, "a"), as_sent(await a_message(db, "b", pin=True))
        for key in ("a", "b", "unknown"):
            await outbox.withdraw(db, key, now=NOW)
    assert (waiting.state, waiting.task) == (DeliveryState.CANCELLED, None)
    assert (sent.state, sent.task) == (DeliveryState.SENT, "delete")


async def test_pinning_is_wanted_state(database: Database) -> None:
    async with database.begin() as db:
        row = as_sent(await a_message(db, pin=True))
        assert row.task == "pin"
        await outbox.pin(db, "k", True, now=NOW)
        assert (row.pin, row.pinned, row.task) == (True, False, "pin")
        await outbox.pin(db, "k", False, now=NOW)
    # It may have been put on already by a process that was killed before it could say so: it is taken off.
    assert (row.pin, row.task) == (False, "pin")


async def test_a_reply_waits_for_what_it_answers_and_goes_into_its_thread(database: Database) -> None:
    async with database.begin() as db:
        parent = await a_message(db, "parent")
        early = await a_message(db, "early", reply_to=parent.id)
        assert (early.state, early.task) == (DeliveryState.PENDING, None)
        as_sent(parent)
        await outbox.release_replies(db, parent)
        late = await a_message(db, "late", reply_to=parent.id)
        await db.refresh(early)
    for reply in (early, late):
        assert (reply.task, reply.thread_ts, reply.channel) == ("post", parent.ts, "C1")


async def test_a_reply_to_what_is_never_posted_is_dropped(database: Database) -> None:
    async with database.begin() as db:
        parent = await a_message(db, "parent")
        reply = await a_message(db, "reply", reply_to=parent.id)
        reply_to_reply = await a_message(db, "reply2", reply_to=reply.id)
        await outbox.cancel(db, "parent")
        late = await a_message(db, "late", reply_to=parent.id)
        for row in (reply, reply_to_reply, late):
            assert (row.state, row.last_error) == (DeliveryState.DROPPED, outbox.PARENT_NOT_SENT)


async def test_try_again_sends_what_was_refused_and_looks_first_where_it_may_be_there(
    database: Database,
) -> None:
    async with database.begin() as db:
        refused, unsure, sent = await a_message(db, "a"), await a_message(db, "b"), await a_message(db, "c")
        reply = await a_message(db, "reply", reply_to=refused.id)
        refused.expires_at, unsure.attempt_at = SOON, NOW
        as_sent(sent)
        for row in (refused, unsure):
            row.state, row.task, row.due_at = DeliveryState.FAILED, None, None
        await db.flush()
        await outbox.close_replies(db, refused.id)
        later = SOON + timedelta(hours=1)
        assert await outbox.retry(db, refused.id, now=later)
        assert await outbox.retry(db, unsure.id, now=later)
        assert not await outbox.retry(db, sent.id, now=later)
        assert not await outbox.retry(db, 999, now=later)
        await db.refresh(reply)
    assert (refused.state, refused.task, refused.due_at) == (DeliveryState.PENDING, "post", later)
    assert refused.expires_at is None
    assert (unsure.state, unsure.task) == (DeliveryState.SENDING, "look")
    assert (reply.state, reply.task) == (DeliveryState.PENDING, None)


async def test_what_waits_is_listed_in_the_order_of_sending(database: Database) -> None:
    async with database.begin() as db:
        await a_message(db, "bulk", priority=outbox.BULK)
        await a_message(db, "second")
        await a_message(db, "planned", not_before=SOON)
        await a_message(db, "urgent", priority=outbox.URGENT)
        await a_message(db, "gone")
        await outbox.cancel(db, "gone")
    async with database.read() as db:
        assert [row.key for row in await outbox.pending(db, NOW)] == ["urgent", "second", "bulk"]
        assert [row.key for row in await outbox.outstanding(db)] == ["urgent", "second", "bulk", "planned"]


async def test_a_fan_out_shows_its_progress_and_can_be_stopped(database: Database) -> None:
    async with database.begin() as db:
        for number in range(4):
            await a_message(db, f"b{number}", batch="broadcast:1")
        await a_message(db, "other", batch="broadcast:2")
        as_sent((await outbox.find(db, "b0")) or pytest.fail("it is there"))
    async with database.begin() as db:
        assert await outbox.stop(db, "broadcast:1") == 3
    async with database.read() as db:
        assert await outbox.progress(db, "broadcast:1") == {
            DeliveryState.CANCELLED: 3,
            DeliveryState.SENT: 1,
        }
        assert await outbox.progress(db, "broadcast:2") == {DeliveryState.PENDING: 1}


async def test_everything_can_be_held_back_and_let_go(database: Database) -> None:
    async with database.begin() as db:
        assert not await outbox.held(db)
        await outbox.hold(db, True, now=NOW)
    async with database.begin() as db:
        assert await outbox.held(db)
        await outbox.hold(db, False, now=SOON)
    async with database.read() as db:
        assert not await outbox.held(db)


async def test_a_commit_rings_and_a_rollback_does_not(database: Database) -> None:
    rung = []
    database.outbox_listeners.append(lambda: rung.append(1))

    async def fail() -> None:
        async with database.begin() as db:
            await a_message(db)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert rung == []
    async with database.begin() as db:
        await a_message(db, "a")
        await a_message(db, "b")
        assert rung == []
    assert rung == [1]
    async with database.begin() as db:
        await outbox.find(db, "a")
    assert rung == [1]


async def test_direct_messages_share_the_persons_lane(database: Database) -> None:
    async with database.begin() as db:
        person = await people.get_or_add(db, "U1", now=NOW)
        person.dm = "D1"
        await db.flush()
        assert (await a_message(db, "a", lane="D1")).lane == people.lane(person)
        assert (await a_message(db, "b", lane="D2")).lane == "D2"
