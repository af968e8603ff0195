"""When Slack or the network misbehaves: nothing lost, nothing doubled, nothing out of order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from bot import people
from bot.clock import SimulatedClock
from bot.delivery import claims, outbox, retry
from bot.delivery.claims import Work
from bot.delivery.failure import tell_organisers
from bot.delivery.retry import Fault
from bot.delivery.sender import Sender, calls
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState, Lane
from tests.conftest import NOW
from tests.delivery.conftest import MANIFEST, TOKYO, Post, after, texts
from tests.delivery.conftest import calls as requests

Drain = Callable[..., Any]

# The call was carried out, and nobody heard of it.
CARRIED_OUT = [
    {"kind": "lost_response"},
    {"kind": "http_500", "performed": True},
    {"kind": "internal_error", "performed": True},
    {"kind": "late_accept", "seconds": 4},
    {"kind": "late_accept", "seconds": 29},
]
# It was not.
NOT_CARRIED_OUT = [
    {"kind": "reset"},
    {"kind": "http_500"},
    {"kind": "internal_error"},
    {"kind": "error", "error": "request_timeout"},
]
UNKNOWN = CARRIED_OUT + NOT_CARRIED_OUT


def named(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("fault", UNKNOWN, ids=named)
async def test_an_open_outcome_in_a_channel_is_settled_without_loss_or_double(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, fault: dict[str, Any]
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", **fault})
    await post("one")
    await post("two")
    await drain(sender)
    assert texts(workspace) == ["one", "two"]
    row = await post.row("one")
    assert row.state is DeliveryState.SENT
    assert row.ts == min(workspace.state.channels[row.channel].messages)  # type: ignore[index]
    asked_again = len(requests(workspace, "chat.postMessage")) - 2
    assert asked_again == (0 if fault in CARRIED_OUT else 1)


@pytest.mark.parametrize("fault", UNKNOWN, ids=named)
async def test_an_open_outcome_in_a_thread_is_looked_for_in_its_replies(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, fault: dict[str, Any]
) -> None:
    parent = await post("parent")
    await drain(sender)
    workspace.faults.arm({"method": "chat.postMessage", **fault})
    await post("reply", reply_to=parent.id)
    await drain(sender)
    assert texts(workspace) == ["parent", "reply"]
    assert (await post.row("reply")).thread_ts == (await post.row("parent")).ts
    assert requests(workspace, "conversations.replies")
    assert not requests(workspace, "conversations.history")


@pytest.mark.parametrize("fault", UNKNOWN, ids=named)
async def test_an_open_outcome_in_a_direct_message_opens_the_conversation_to_look(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, fault: dict[str, Any]
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", **fault})
    await post("psst", lane=await post.lane_of(TOKYO))
    await drain(sender)
    assert texts(workspace, TOKYO) == ["psst"]
    assert len(requests(workspace, "conversations.open")) == 1


async def test_an_urgent_message_does_not_wait_for_an_open_outcome(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, clock: SimulatedClock
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "reset"})
    await post("routine")
    assert await sender.step()
    await post("next")
    await post("urgent", priority=outbox.URGENT)
    clock.jump(after(1.5))
    await drain(sender)
    assert texts(workspace) == ["urgent", "routine", "next"]


async def test_slow_answers_beyond_the_timeout_are_looked_for(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "CALL_TIMEOUT", 0.1)
    workspace.faults.arm({"method": "chat.postMessage", "kind": "slow", "seconds": 0.5})
    await post("slow")
    assert await sender.step()
    assert (await post.row("slow")).last_error == "timeout"
    await drain(sender)
    assert texts(workspace) == ["slow"]


async def test_a_limit_is_obeyed_to_the_second_by_every_channel(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "ratelimited", "seconds": 7})
    await post("limited")
    await post("elsewhere", lane="channel:organisers", not_before=after(1))
    await drain(sender)
    row = await post.row("limited")
    assert (await post.row("elsewhere")).sent_at == after(7)
    assert (row.sent_at, row.attempts) == (after(8), 1)
    assert sender.counts["limited"] == 1


async def test_a_channel_that_is_limited_for_itself_holds_up_the_others_once(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, places: dict[str, str]
) -> None:
    fault = {"kind": "ratelimited", "seconds": 30, "channel": places["participants"], "count": 3}
    workspace.faults.arm({"method": "chat.postMessage", **fault})
    await post("limited")
    for number in range(60):
        lane = "channel:organisers" if number % 2 else "channel:moderators"
        await post(f"{number:02}", lane=lane, not_before=after(2 * number + 1))
    await drain(sender)
    assert (await post.row("limited")).sent_at == after(3 * 31)
    for number in range(60):
        row = await post.row(f"{number:02}")
        assert row.sent_at is not None
        late = max(row.sent_at, after(31)) - max(row.not_before, after(31))
        assert late <= timedelta(seconds=10), "what waited in the 30 s goes at one a second and channel"


async def test_a_limit_of_the_whole_workspace_is_kept_by_all_however_often_it_comes(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "ratelimited", "seconds": 30, "count": 4})
    for lane in ("participants", "organisers", "moderators"):
        await post(lane, lane=f"channel:{lane}")
    await drain(sender)
    times = [datetime.fromisoformat(entry["at"]) for entry in requests(workspace, "chat.postMessage")]
    assert len(times) == 7
    limited = requests(workspace, "chat.postMessage")[:4]
    assert all(entry["status"] == 429 for entry in limited)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times[:5])]
    assert min(gaps) >= 30


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "lost_response"}], ids=named)
async def test_a_stopped_fan_out_repeats_no_post_that_did_not_arrive(
    post: Post,
    sender: Sender,
    workspace: LocalWorkspace,
    drain: Drain,
    database: Database,
    fault: dict[str, Any],
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", **fault})
    await post("under way", batch="all")
    await post("waits", lane="channel:organisers", batch="all")
    assert await sender.step()
    async with database.begin() as db:
        assert await outbox.stop(db, "all") == 1
    await drain(sender)
    arrived = fault["kind"] == "lost_response"
    assert texts(workspace) == (["under way"] if arrived else [])
    assert (await post.row("under way")).state is (DeliveryState.SENT if arrived else DeliveryState.DROPPED)
    assert len(requests(workspace, "chat.postMessage")) == 1


async def test_a_dead_channel_holds_up_no_other(
    post: Post, sender: Sender, workspace: LocalWorkspace, clock: SimulatedClock, drain: Drain
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "error", "error": "brand_new_error"})
    await post("refused")
    await post("behind it")
    await post("elsewhere", lane="channel:organisers")
    while await sender.step():
        pass
    assert texts(workspace, "ict-footprint-organisers") == ["elsewhere"]
    assert texts(workspace) == []
    await drain(sender)
    assert texts(workspace) == ["refused", "behind it"]


async def test_an_unreachable_slack_is_waited_for_without_looking(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    clock: SimulatedClock,
    drain: Drain,
) -> None:
    sender = make_sender()
    address = sender._calls._client.base_url
    sender._calls._client.base_url = "http://127.0.0.1:9/api/"
    await post("patience")
    for number in range(10):
        assert await sender.step()
        row = await post.row("patience")
        assert (row.state, row.last_error) == (DeliveryState.PENDING, "unreachable")
        clock.jump(after(3 * (number + 1)))
    assert row.attempts == 0, "so that an outage uses up none of its attempts"
    sender._calls._client.base_url = address
    await drain(sender)
    assert texts(workspace) == ["patience"]
    assert not requests(workspace, "conversations.history")


async def test_a_lockout_is_reported_and_waited_for(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "error", "error": "invalid_auth"})
    await post("patience")
    assert await sender.step()
    assert sender.refused == "invalid_auth"
    await drain(sender)
    assert sender.refused is None
    assert (await post.row("patience")).sent_at == after(60)


@pytest.fixture
def in_between(
    database: Database, make_sender: Callable[..., Sender], clock: SimulatedClock
) -> Callable[..., Any]:
    """A process that takes a row and is killed: before its call, or after it and before the record."""

    async def die(*, called: bool) -> None:
        clock.jump(clock.now() + timedelta(seconds=2))
        dead = make_sender("dead")
        work = await dead._take()
        assert isinstance(work, Work)
        if called:
            await dead._calls.make(work)

    return die


async def expire_leases(database: Database) -> None:
    async with database.begin() as db:
        for lane in (await db.scalars(select(Lane))).all():
            if lane.leased_until is not None:
                lane.leased_until -= claims.SPEAKING_LEASE


@pytest.mark.parametrize("called", [True, False], ids=["after the call", "before the call"])
@pytest.mark.parametrize("place", ["channel", "thread", "person"])
async def test_whoever_comes_after_a_killed_process_settles_what_it_left(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    database: Database,
    drain: Drain,
    in_between: Callable[..., Any],
    clock: SimulatedClock,
    called: bool,
    place: str,
) -> None:
    given: dict[str, Any] = {}
    before: list[str] = []
    if place == "thread":
        parent = await post("parent")
        await drain(make_sender())
        given["reply_to"], before = parent.id, ["parent"]
    elif place == "person":
        given["lane"] = await post.lane_of(TOKYO)
    await post("first", **given)
    await post("second", **given)
    await in_between(called=called)
    killed_at = clock.now()
    if database.shared:
        assert not await make_sender("next").step()  # the lease holds
        await expire_leases(database)
    await drain(make_sender("next"))
    waited = (await post.row("second")).sent_at - killed_at
    assert waited <= timedelta(seconds=3 if called else 45)
    reference = TOKYO if place == "person" else "ict-footprint-workshop"
    assert texts(workspace, reference) == [*before, "first", "second"]


async def test_no_number_of_kills_uses_up_the_attempts_of_a_message(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    database: Database,
    clock: SimulatedClock,
    drain: Drain,
) -> None:
    await post("once")
    for _ in range(retry.MOST_ATTEMPTS + 2):
        for _ in range(2):  # looks that find nothing, then the post that is not made
            await expire_leases(database)
            unlucky = make_sender("unlucky")
            while (work := await unlucky._take()) is not None and work.task == "look":
                await unlucky._do(work)
            clock.jump(await unlucky.next_due() or clock.now())
            if work is not None:
                break
    await expire_leases(database)
    await drain(make_sender("lucky"))
    row = await post.row("once")
    assert (row.state, row.attempts) == (DeliveryState.SENT, 1)
    assert len(requests(workspace, "conversations.history")) > retry.MOST_ATTEMPTS
    assert texts(workspace) == ["once"]


async def test_a_process_that_comes_back_after_its_lease_ran_out_spoils_nothing(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    database: Database,
    drain: Drain,
) -> None:
    sleeper, other = make_sender("sleeper"), make_sender("other")
    await post("once")
    work = await sleeper._take()
    assert isinstance(work, Work)
    outcome = await sleeper._calls.make(work)
    await expire_leases(database)
    await drain(other)
    assert (await post.row("once")).state is DeliveryState.SENT
    await sleeper._record(work, outcome)
    assert texts(workspace) == ["once"]
    assert sleeper.counts["late"] == 1


async def test_two_searches_at_once_count_as_one(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    database: Database,
    clock: SimulatedClock,
    drain: Drain,
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "reset"})
    await post("once")
    slow, other = make_sender("slow"), make_sender("other")
    assert await slow.step()
    await other._take()  # from now on it knows that nobody's lease is left from before
    clock.jump(after(2))
    works = []
    for searcher in (slow, other):
        works.append((searcher, await searcher._take()))
        await expire_leases(database)
    for searcher, work in works:
        assert isinstance(work, Work)
        assert work.task == "look"
        await searcher._record(work, await searcher._calls.make(work))
    row = await post.row("once")
    assert (row.looks, row.due_at) == (1, after(34))
    assert other.counts["late"] == 1
    await drain(other)
    assert texts(workspace) == ["once"]


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "did not arrive"])
async def test_a_process_that_looked_while_its_own_post_was_slow_goes_by_what_it_saw(
    post: Post,
    sender: Sender,
    workspace: LocalWorkspace,
    database: Database,
    clock: SimulatedClock,
    drain: Drain,
    arrived: bool,
) -> None:
    await post("slow")
    await post("behind it")
    slow = await sender._take()
    assert isinstance(slow, Work)
    if arrived:
        await sender._calls.make(slow)
    await expire_leases(database)
    clock.jump(after(2))
    assert await sender.step()
    assert requests(workspace, "conversations.history")
    clock.jump(after(4))
    behind = await sender._take()
    assert (behind is None) == (not arrived)
    await sender._record(slow, Fault("timeout"))
    row = await post.row("slow")
    if arrived:
        assert (row.state, row.task) == (DeliveryState.SENT, None)
    else:
        assert (row.looks, row.due_at) == (1, after(42))
    await expire_leases(database)
    await drain(sender)
    assert texts(workspace) == ["slow", "behind it"]


async def test_a_process_held_up_between_taking_and_calling_calls_no_more(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    database: Database,
    drain: Drain,
) -> None:
    held_up, other = make_sender("held up"), make_sender("other")
    await post("once")
    work = await held_up._take()
    assert isinstance(work, Work)
    outcome = await held_up._calls.make(replace(work, begin_by=work.begin_by - claims.BEGIN_WITHIN))
    assert outcome == Fault("held_up")
    assert not requests(workspace, "chat.postMessage")
    await held_up._record(work, outcome)
    await drain(other)
    assert texts(workspace) == ["once"]


async def test_a_found_message_lets_its_replies_go(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response"})
    parent = await post("parent")
    await post("reply", reply_to=parent.id)
    await drain(sender)
    assert (await post.row("reply")).thread_ts == (await post.row("parent")).ts


async def test_a_change_made_while_the_outcome_was_open_is_shown(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response"})
    await post("card")
    assert await sender.step()
    async with database.begin() as db:
        await outbox.refresh(db, "card", content={"text": "newer"}, now=NOW)
        await outbox.withdraw(db, "unknown", now=NOW)
    await drain(sender)
    assert texts(workspace) == ["newer"]


async def test_what_is_withdrawn_while_its_outcome_is_open_is_found_and_deleted(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response"})
    await post("oops")
    assert await sender.step()
    async with database.begin() as db:
        await outbox.withdraw(db, "oops", now=NOW)
    await drain(sender)
    assert texts(workspace) == []
    assert (await post.row("oops")).state is DeliveryState.WITHDRAWN


async def test_withdrawn_and_never_posted_is_not_posted(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "reset"})
    await post("oops")
    assert await sender.step()
    async with database.begin() as db:
        await outbox.withdraw(db, "oops", now=NOW)
    await drain(sender)
    assert texts(workspace) == []
    assert len(requests(workspace, "chat.postMessage")) == 1


@pytest.mark.parametrize("when", ["before", "meanwhile", "after"])
async def test_what_answers_a_withdrawn_message_is_dropped(
    post: Post,
    sender: Sender,
    workspace: LocalWorkspace,
    drain: Drain,
    database: Database,
    clock: SimulatedClock,
    when: str,
) -> None:
    parent = await post("parent")
    if when == "before":
        await post("reply", reply_to=parent.id, not_before=after(60))
    await drain(sender) if when != "before" else await sender.step()
    clock.jump(after(5))
    if when == "meanwhile":
        workspace.faults.arm({"method": "chat.postMessage", "kind": "reset"})
        await post("reply", reply_to=parent.id)
        assert await sender.step()
    async with database.begin() as db:
        await outbox.withdraw(db, "parent", now=clock.now())
    if when == "after":
        await post("reply", reply_to=parent.id)
    await drain(sender)
    assert texts(workspace) == []
    reply = await post.row("reply")
    assert (reply.state, reply.last_error) == (DeliveryState.DROPPED, outbox.PARENT_NOT_SENT)
    assert sender.counts["failed"] == 0


@pytest.mark.parametrize("code", ["not_in_channel", "internal_error", "message_not_found"])
async def test_edits_are_repeated_or_given_up_and_never_stand_in_the_way(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database, code: str
) -> None:
    await post("card")
    await drain(sender)
    workspace.faults.arm({"method": "chat.update", "kind": "error", "error": code})
    async with database.begin() as db:
        await outbox.refresh(db, "card", content={"text": "newer"}, now=NOW)
    await post("another")
    await drain(sender)
    assert texts(workspace) == ["newer" if code == "internal_error" else "card", "another"]
    row = await post.row("card")
    assert (row.state, row.task) == (DeliveryState.SENT, None)
    assert (row.last_error is not None) == (code != "internal_error")


async def test_deleting_and_pinning_what_is_gone_already_is_done(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    for method in ("chat.delete", "pins.add"):
        workspace.faults.arm({"method": method, "kind": "lost_response"})
    await post("oops", pin=True)
    await drain(sender)
    assert (await post.row("oops")).pinned
    async with database.begin() as db:
        await outbox.withdraw(db, "oops", now=NOW)
    await drain(sender)
    assert (await post.row("oops")).state is DeliveryState.WITHDRAWN
    assert sender.counts["failed"] == 0


@pytest.mark.parametrize("deleted", [True, False], ids=["a tombstone is left", "it is still there"])
async def test_a_deletion_that_is_refused_counts_as_done_once_the_message_is_gone(
    post: Post,
    sender: Sender,
    workspace: LocalWorkspace,
    drain: Drain,
    database: Database,
    deleted: bool,
) -> None:
    parent = await post("oops")
    await post("an answer to it", reply_to=parent.id)
    await drain(sender)
    if deleted:
        workspace.faults.arm({"method": "chat.delete", "kind": "lost_response"})
    else:
        workspace.faults.arm({"method": "chat.delete", "kind": "error", "error": "cant_delete_message"})
    async with database.begin() as db:
        await outbox.withdraw(db, "oops", now=NOW)
    await drain(sender)
    assert (await post.row("oops")).state is (DeliveryState.WITHDRAWN if deleted else DeliveryState.SENT)
    assert sender.counts["failed"] == (0 if deleted else 1)


async def test_a_post_that_fails_where_others_get_through_reaches_a_person(
    post: Post,
    make_sender: Callable[..., Sender],
    workspace: LocalWorkspace,
    drain: Drain,
    places: dict[str, str],
) -> None:
    told = []

    async def tell(db: object, row: Delivery, now: object) -> None:
        told.append(row.last_error)

    sender = make_sender(on_failure=tell)
    await post("cursed")
    for number in range(20):  # meanwhile, elsewhere
        await post(f"{number}", lane="channel:organisers", not_before=after(30 * number))
    fault = {"method": "chat.postMessage", "kind": "reset", "channel": places["participants"]}
    workspace.faults.arm({**fault, "count": 99})
    await drain(sender)
    assert told == ["lost"]
    assert (await post.row("cursed")).attempts == 8


async def test_while_slack_takes_nothing_from_anybody_nothing_is_given_up(
    post: Post, make_sender: Callable[..., Sender], workspace: LocalWorkspace, drain: Drain
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "http_500", "count": 60})
    sender = make_sender(on_failure=tell_organisers)
    for key in ("participants", "organisers"):
        await post(f"{key} one", lane=f"channel:{key}")
        await post(f"{key} two", lane=f"channel:{key}")
    await drain(sender)
    assert texts(workspace) == ["participants one", "participants two"]
    assert texts(workspace, "ict-footprint-organisers") == ["organisers one", "organisers two"]
    assert (await post.row("participants one")).attempts > 8


class TestMeagreReads:
    """An app that gets fifteen messages a page and one call a minute."""

    @pytest.fixture
    def workspace_options(self) -> dict[str, Any]:
        return {"rates": "strict", "manifest": MANIFEST, "page_cap": 15, "reads_per_minute": 1}

    @pytest.mark.parametrize("fault", [CARRIED_OUT[0], NOT_CARRIED_OUT[0]], ids=named)
    async def test_page_by_page_minute_by_minute(
        self,
        post: Post,
        sender: Sender,
        workspace: LocalWorkspace,
        drain: Drain,
        clock: SimulatedClock,
        fault: dict[str, Any],
    ) -> None:
        workspace.faults.arm({"method": "chat.postMessage", **fault})
        await post("needle")
        assert await sender.step()
        crowd = workspace.person(TOKYO)
        channel = workspace.state.channel("ict-footprint-workshop")
        assert channel is not None
        for number in range(40):
            await crowd.say(channel.id, f"hay {number}")
        await drain(sender)
        assert texts(workspace).count("needle") == 1
        row = await post.row("needle")
        assert row.state is DeliveryState.SENT
        pages = requests(workspace, "conversations.history")
        assert len([page for page in pages if page["status"] == 200]) == (3 if fault in CARRIED_OUT else 6)
        assert clock.now() - NOW < timedelta(minutes=8)

    async def test_many_open_outcomes_share_the_one_call(
        self, post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
    ) -> None:
        workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response", "count": 3})
        for key in ("participants", "moderators", "organisers"):
            await post(key, lane=f"channel:{key}")
        await drain(sender)
        for key in ("participants", "moderators", "organisers"):
            assert (await post.row(key)).state is DeliveryState.SENT
        limited = [entry for entry in requests(workspace, "conversations.history") if entry["status"] == 429]
        assert len(limited) <= 3


async def test_a_conversation_that_cannot_be_read_is_left_to_a_person_who_may_try_again(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response"})
    workspace.faults.arm({"method": "conversations.history", "kind": "error", "error": "missing_scope"})
    await post("unsure")
    await drain(sender)
    row = await post.row("unsure")
    assert (row.state, row.last_error) == (DeliveryState.FAILED, "missing_scope")
    async with database.begin() as db:
        assert await outbox.retry(db, row.id, now=NOW)
    await drain(sender)
    assert texts(workspace) == ["unsure"]
    assert (await post.row("unsure")).state is DeliveryState.SENT


async def test_people_known_by_conversation_are_not_opened_again(
    post: Post, sender: Sender, workspace: LocalWorkspace, drain: Drain, database: Database
) -> None:
    lane = await post.lane_of(TOKYO)
    async with database.begin() as db:
        person = await people.find(db, TOKYO)
        assert person is not None
        person.dm = workspace.state.direct(BOT_USER, TOKYO).id
    workspace.faults.arm({"method": "chat.postMessage", "kind": "lost_response"})
    await post("psst", lane=lane)
    await drain(sender)
    assert texts(workspace, TOKYO) == ["psst"]
    assert not requests(workspace, "conversations.open")
