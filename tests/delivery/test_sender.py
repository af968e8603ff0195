"""What the sender does with the outbox while Slack behaves: order, pace, threads, edits, pins, views."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.clock import SimulatedClock
from bot.config import LimitsSection
from bot.delivery import outbox
from bot.delivery.outcomes import NOT_WANTED
from bot.delivery.sender import Sender
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState, Person
from tests.conftest import NOW
from tests.delivery.conftest import NAIROBI, PARTICIPANTS, TOKYO, Post, after, calls, texts

Drain = Callable[..., Any]


def edited(workspace: LocalWorkspace) -> list[str]:
    """The texts that messages were given, in order."""
    return [entry["args"]["text"] for entry in calls(workspace, "chat.update")]


async def until(predicate: Callable[[], bool]) -> None:
    """Let everything else run until `predicate()` holds."""
    async with asyncio.timeout(20):
        while not predicate():  # noqa: ASYNC110 - idleness is asked for, it is no event
            await asyncio.sleep(0.001)


async def test_a_message_is_posted_and_recorded(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    await post("hello")
    await drain(sender)
    assert texts(workspace) == ["hello"]
    row = await post.row("hello")
    message = workspace.state.channel("ict-footprint-workshop").messages[row.ts]  # type: ignore[union-attr,index]
    assert (row.state, row.channel, row.sent_at) == (DeliveryState.SENT, message.channel, NOW)
    assert message.metadata == {
        "event_type": "workshop_delivery",
        "event_payload": {"delivery_id": row.token},
    }
    assert (row.task, row.attempts, row.last_error) == (None, 1, None)
    assert sender.counts["sent"] == 1
    assert await sender.next_due() is None


async def test_nothing_is_posted_before_its_time(
    post: Post, sender: Sender, workspace: LocalWorkspace, clock: SimulatedClock
) -> None:
    await post("later", not_before=after(60))
    assert not await sender.step()
    assert await sender.next_due() == after(60)
    clock.jump(after(60))
    assert await sender.step()
    assert texts(workspace) == ["later"]


async def test_in_a_channel_urgent_goes_first_and_order_is_kept(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    await post("bulk", priority=outbox.BULK)
    await post("one")
    await post("two")
    await post("earlier", not_before=after(-5))
    await post("urgent", priority=outbox.URGENT)
    await drain(sender)
    assert texts(workspace) == ["urgent", "earlier", "one", "two", "bulk"]


async def test_one_message_a_second_a_channel(
    post: Post, sender: Sender, drain: Drain, clock: SimulatedClock
) -> None:
    for number in range(5):
        await post(f"m{number}")
    await drain(sender)
    sent = [(await post.row(f"m{number}")).sent_at for number in range(5)]
    assert sent == [after(number) for number in range(5)]
    assert sender.counts["limited"] == 0


async def test_a_direct_message_goes_to_the_person_and_its_conversation_is_remembered(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    await post("psst", lane=await post.lane_of(TOKYO))
    await drain(sender)
    assert texts(workspace, TOKYO) == ["psst"]
    assert calls(workspace, "chat.postMessage")[0]["channel"] == TOKYO
    assert calls(workspace, "conversations.open") == []
    async with database.read() as db:
        person = await people.find(db, TOKYO)
        assert person is not None
        assert person.dm == (await post.row("psst")).channel == workspace.state.direct(BOT_USER, TOKYO).id


async def test_a_reply_goes_into_the_thread_of_what_it_answers(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    parent = await post("parent", not_before=after(30))
    await post("reply", reply_to=parent.id)
    dm = await post("dm parent", lane=await post.lane_of(TOKYO))
    await post("dm reply", lane=await post.lane_of(TOKYO), reply_to=dm.id)
    await drain(sender)
    for reply, above in (("reply", "parent"), ("dm reply", "dm parent")):
        assert (await post.row(reply)).thread_ts == (await post.row(above)).ts
    assert texts(workspace, TOKYO) == ["dm parent", "dm reply"]


async def test_what_is_too_late_is_dropped_with_what_answers_it(
    post: Post, sender: Sender, workspace: LocalWorkspace, clock: SimulatedClock, drain: Drain
) -> None:
    row = await post("late", expires_at=after(60))
    await post("reply", reply_to=row.id)
    clock.jump(after(60))
    await drain(sender)
    assert texts(workspace) == []
    assert [(await post.row(key)).state for key in ("late", "reply")] == [DeliveryState.DROPPED] * 2
    assert (await post.row("late")).last_error == "too late"


async def test_values_are_made_when_the_message_is_sent(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    clock: SimulatedClock,
    drain: Drain,
) -> None:
    async def compose(
        db: AsyncSession, content: Mapping[str, Any], *, now: datetime
    ) -> Mapping[str, Any] | None:
        return None if content["over"] else {"text": "starts soon"}

    sender = make_sender(composers={"timed": compose})
    await post("due", kind="timed", content={"over": False})
    await post("over", kind="timed", content={"over": True})
    clock.jump(after(180))
    await drain(sender)
    assert texts(workspace) == [f"starts soon at {after(180).isoformat()}"]
    over = await post.row("over")
    assert (over.state, over.last_error) == (DeliveryState.DROPPED, NOT_WANTED)


async def test_a_burst_of_changes_costs_one_edit(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    await post("card")
    await drain(sender)
    for number in range(20):
        async with database.begin() as db:
            await outbox.refresh(db, "card", content={"text": f"state {number}"}, now=NOW)
    await drain(sender)
    assert texts(workspace) == ["state 19"]
    assert len(calls(workspace, "chat.update")) == 1
    row = await post.row("card")
    assert (row.shown, row.task) == (row.revision, None)


async def test_edits_keep_to_their_tier(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    for number in range(5):
        await post(f"c{number}")
    await drain(sender)
    for round_ in range(12):
        async with database.begin() as db:
            for number in range(5):
                await outbox.refresh(db, f"c{number}", content={"text": f"c{number} {round_}"}, now=NOW)
        await drain(sender)
    assert texts(workspace) == [f"c{number} 11" for number in range(5)]
    assert all(entry["status"] == 200 for entry in calls(workspace, "chat.update"))


async def test_an_edit_that_matters_comes_before_those_that_do_not(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    for name in ("first", "second", "third"):
        await post(name)
    await drain(sender)
    async with database.begin() as db:
        await outbox.touch(db, "first", now=NOW)
        await outbox.touch(db, "second", now=NOW)
        await outbox.refresh(db, "second", content={"text": "counted and moved"}, now=NOW)
        await outbox.refresh(db, "third", content={"text": "moved and counted"}, now=NOW)
        await outbox.touch(db, "third", now=NOW)
    await drain(sender)
    assert edited(workspace) == ["counted and moved", "moved and counted", "first"]


async def test_of_edits_that_do_not_matter_the_oldest_comes_first_whatever_it_is_of(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    for name, priority in (("card", outbox.IMMEDIATE), ("receipt", outbox.ROUTINE)):
        await post(name, priority=priority)
    await drain(sender)
    async with database.begin() as db:
        await outbox.touch(db, "unknown", now=NOW)
        await outbox.touch(db, "receipt", now=NOW)
        await outbox.touch(db, "card", now=after(1))
        await outbox.touch(db, "receipt", now=after(2))
    await drain(sender)
    assert edited(workspace) == ["receipt", "card"]


async def test_what_changes_all_the_time_does_not_keep_others_from_being_shown(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    for name in ("busy", "calm"):
        await post(name)
    await drain(sender)
    async with database.begin() as db:
        for name in ("busy", "calm"):
            await outbox.refresh(db, name, content={"text": f"{name} 1"}, now=NOW)
    assert await sender.step()
    async with database.begin() as db:
        await outbox.refresh(db, "busy", content={"text": "busy 2"}, now=after(1))
    await drain(sender)
    assert edited(workspace) == ["busy 1", "calm 1", "busy 2"]


async def test_an_edit_that_waits_keeps_its_place_when_more_changes(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    for name in ("one", "two"):
        await post(name)
    await drain(sender)
    async with database.begin() as db:
        await outbox.refresh(db, "two", content={"text": "two"}, now=NOW)
        await outbox.refresh(db, "one", content={"text": "one"}, now=after(1))
        await outbox.refresh(db, "two", content={"text": "two again"}, now=after(2))
    await drain(sender)
    assert edited(workspace) == ["two again", "one"]


async def test_pins_follow_what_is_wanted(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    await post("programme", pin=True)
    await drain(sender)
    row = await post.row("programme")
    message = workspace.state.channels[row.channel].messages[row.ts]  # type: ignore[index]
    assert message.pinned_by
    assert row.pinned
    async with database.begin() as db:
        await outbox.pin(db, "programme", False)
    await drain(sender)
    assert not message.pinned_by
    assert sender.counts["unpinned"] == 1


async def test_a_pin_that_nobody_lived_to_record_is_taken_off_when_it_is_no_longer_wanted(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    await post("programme", pin=True)
    await drain(sender)
    row = await post.row("programme")
    message = workspace.state.channels[row.channel].messages[row.ts]  # type: ignore[index]
    async with database.begin() as db:
        await db.execute(update(Delivery).values(pinned=False))  # as after a kill behind the call
        await outbox.pin(db, "programme", False)
    await drain(sender)
    assert not message.pinned_by


async def test_a_withdrawn_message_is_deleted(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    await post("oops", pin=True)
    await drain(sender)
    async with database.begin() as db:
        await outbox.withdraw(db, "oops", now=NOW)
        await outbox.withdraw(db, "oops", now=NOW)
    await drain(sender)
    assert texts(workspace) == []
    assert (await post.row("oops")).state is DeliveryState.WITHDRAWN
    assert len(calls(workspace, "chat.delete")) == 1


async def test_a_home_view_is_published_anew_when_it_changes(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    lane = await post.lane_of(TOKYO)
    for text in ("first", "second"):
        for _ in range(3):
            async with database.begin() as db:
                await outbox.want(
                    db,
                    key="home:1",
                    kind="home",
                    lane=lane,
                    method="home",
                    content={"text": text},
                    now=NOW,
                )
        await drain(sender)
        assert text in str(workspace.state.homes[TOKYO])
    assert len(calls(workspace, "views.publish")) == 2


async def test_a_row_that_cannot_be_rendered_fails_alone_and_is_told(
    post: Post, make_sender: Callable[..., Sender], workspace: LocalWorkspace, drain: Drain
) -> None:
    told: list[tuple[str, str | None]] = []

    async def tell(db: AsyncSession, row: Delivery, now: datetime) -> None:
        told.append((row.key, row.last_error))
        await outbox.add(
            db,
            key=f"failure:{row.id}",
            kind="note",
            lane=PARTICIPANTS,
            content={"text": "it failed"},
            now=now,
        )

    sender = make_sender(on_failure=tell)
    await post("bad", kind="defect")
    await post("good")
    await drain(sender)
    assert texts(workspace) == ["good", "it failed"]
    assert told == [("bad", "template")]
    assert (await post.row("bad")).state is DeliveryState.FAILED


async def test_a_failure_is_recorded_even_if_nobody_can_be_told(
    post: Post, make_sender: Callable[..., Sender], drain: Drain
) -> None:
    async def tell(db: AsyncSession, row: Delivery, now: datetime) -> None:
        await outbox.add(db, key="k", kind="note", lane="nowhere", now=now)

    await post("bad", kind="defect")
    await drain(make_sender(on_failure=tell))
    assert (await post.row("bad")).state is DeliveryState.FAILED


async def test_while_held_nothing_is_said_and_then_what_is_still_worth_it(
    post: Post,
    sender: Sender,
    workspace: LocalWorkspace,
    drain: Drain,
    database: Database,
    clock: SimulatedClock,
) -> None:
    await post("shown")
    await drain(sender)
    async with database.begin() as db:
        await outbox.hold(db, True, now=NOW)
        await outbox.refresh(db, "shown", content={"text": "edited"}, now=NOW)
    await post("stale", expires_at=after(60))
    await post("fresh")
    clock.jump(after(90))
    await drain(sender)
    assert texts(workspace) == ["shown"]
    async with database.begin() as db:
        await outbox.hold(db, False, now=clock.now())
    await drain(sender)
    assert texts(workspace) == ["edited", "fresh"]
    assert (await post.row("stale")).state is DeliveryState.DROPPED


async def test_the_workspaces_limit_is_kept_and_hardly_undercut(
    post: Post, make_sender: Callable[..., Sender], drain: Drain, clock: SimulatedClock, database: Database
) -> None:
    limits = LimitsSection(posts_per_minute=120)
    sender = make_sender(limits=limits)
    async with database.begin() as db:
        for number in range(60):
            person = Person(slack_id=f"U{number:03}", met_at=NOW)
            db.add(person)
            await db.flush()
            await outbox.add(
                db, key=f"{number}", kind="note", lane=people.lane(person), content={"text": "x"}, now=NOW
            )
    while await sender.next_due() is not None:
        if not await sender.step():
            clock.jump(await sender.next_due() or NOW)
    took = clock.now() - NOW
    assert timedelta(seconds=28) < took < timedelta(seconds=30 * 1.05)


async def test_running_it_posts_what_is_committed_and_stops_cleanly(
    post: Post, sender: Sender, workspace: LocalWorkspace, clock: SimulatedClock
) -> None:
    running = asyncio.create_task(sender.run())
    await post("first")
    assert await workspace.wait_for(lambda: texts(workspace) == ["first"])
    await post("second", not_before=after(600))
    clock.jump(after(600))
    assert await workspace.wait_for(lambda: texts(workspace) == ["first", "second"])
    await sender.stop()
    await running
    await post("third")
    assert texts(workspace) == ["first", "second"]


async def test_stopping_lets_what_is_in_flight_end(
    post: Post, sender: Sender, workspace: LocalWorkspace
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "slow", "seconds": 0.3})
    running = asyncio.create_task(sender.run())
    await post("slow")
    await until(lambda: workspace.busy)
    await sender.stop()
    await running
    assert (await post.row("slow")).state is DeliveryState.SENT


async def test_retired_it_takes_nothing_new_and_a_stop_cuts_off_what_hangs(
    post: Post, sender: Sender, workspace: LocalWorkspace
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "slow", "seconds": 60})
    running = asyncio.create_task(sender.run())
    await post("hangs")
    await until(lambda: workspace.busy)
    sender.retire()
    await running
    await post("new", lane="channel:organisers")
    assert not sender.idle()
    await sender.stop(within=0)
    assert (await post.row("hangs")).state is DeliveryState.SENDING
    assert (await post.row("new")).state is DeliveryState.PENDING


async def test_what_it_takes_while_it_stops_is_done_when_it_has_stopped(
    post: Post, sender: Sender, database: Database
) -> None:
    await post("last")
    async with database.begin():  # on SQLite it cannot take anything meanwhile
        running = asyncio.create_task(sender.run())
        await asyncio.sleep(0.01)
        stopping = asyncio.create_task(sender.stop())
        await asyncio.sleep(0.01)
    await stopping
    await running
    assert sender.in_flight == 0
    assert (await post.row("last")).state is DeliveryState.SENT


async def test_it_is_idle_only_when_nothing_is_due_or_in_flight(
    post: Post, sender: Sender, workspace: LocalWorkspace, clock: SimulatedClock
) -> None:
    assert not sender.idle()
    running = asyncio.create_task(sender.run())
    await post("now")
    assert not sender.idle()
    await post("later", not_before=after(60))
    await until(sender.idle)
    assert texts(workspace) == ["now"]
    clock.jump(after(60))
    assert not sender.idle()
    await until(sender.idle)
    assert texts(workspace) == ["now", "later"]
    await sender.stop()
    await running


@pytest.mark.parametrize("restarted", [False, True])
async def test_after_the_clock_went_back_nothing_waits_for_the_old_future(
    post: Post,
    sender: Sender,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    clock: SimulatedClock,
    drain: Callable[..., Any],
    restarted: bool,
) -> None:
    clock.jump(NOW + timedelta(days=3))
    await post("future")
    await drain(sender)
    workspace.faults.arm({"method": "chat.postMessage", "kind": "reset"})
    await post("open", lane="channel:organisers", not_before=NOW)
    assert await sender.step()
    clock.jump(NOW)
    await post("past")
    whoever = make_sender("second") if restarted else sender
    while await whoever.step():
        pass
    assert texts(workspace) == ["future", "past"]
    await drain(whoever)
    assert texts(workspace, "ict-footprint-organisers") == ["open"]
    assert clock.now() - NOW < timedelta(minutes=1)


@pytest.mark.parametrize("lane", ["channel:nowhere", "C0UNKNOWN"])
async def test_an_unknown_place_fails_without_a_loop(
    post: Post, sender: Sender, drain: Drain, lane: str
) -> None:
    await post("lost", lane=lane)
    await drain(sender)
    row = await post.row("lost")
    assert row.state is DeliveryState.FAILED
    assert row.last_error in ("no_such_place", "channel_not_found")


async def test_an_erased_person_is_written_to_no_more(
    post: Post, sender: Sender, drain: Drain, database: Database
) -> None:
    lane = await post.lane_of(NAIROBI)
    async with database.begin() as db:
        person = await people.find(db, NAIROBI)
        assert person is not None
        person.slack_id = None
    await post("gone", lane=lane)
    await drain(sender)
    assert (await post.row("gone")).last_error == "nobody"
