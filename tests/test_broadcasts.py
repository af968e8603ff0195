"""Broadcasts: when they go out, who gets a copy, what becomes of each copy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import announcements, people, reminders
from bot.announcements import broadcasts, copies, schedule
from bot.announcements.broadcasts import State, Wish
from bot.config import Config
from bot.errors import Invalid, NotFound, Refusal, Stale
from bot.people import Roles
from bot.programme import versions
from bot.programme.model import Programme, Status
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Announcement, Deed, Delivery, DeliveryState, Person
from tests.programme.programmes import START, instant, programme, second_config, segment

DAYS_BEFORE = START - timedelta(days=2)
ROLES = Roles(moderators=frozenset({"U1MOD"}), organisers=frozenset({"U1ADA", "U1MOD"}))
ALL = ("participants", "subscribers", "moderators", "organisers")


@pytest.fixture(scope="module")
def second() -> Config:
    return second_config()


@pytest.fixture
async def running(database: Database, second: Config) -> Database:
    async with database.begin() as db:
        await announcements.begin(db, second, now=DAYS_BEFORE)
        for name in ("U1BEA", "U1CID"):
            person = await people.get_or_add(db, name, now=DAYS_BEFORE)
            await reminders.subscribe(db, person, second, minutes=10, now=DAYS_BEFORE)
    return database


async def ada(db: AsyncSession) -> Person:
    return await people.get_or_add(db, "U1ADA", now=DAYS_BEFORE)


async def draft(db: AsyncSession, config: Config, now: datetime = DAYS_BEFORE, **fields: Any) -> Announcement:
    wish = Wish(**{"text": "Bring questions.", "targets": ("participants",), **fields})
    return await broadcasts.write(db, config, wish, by=await ada(db), now=now)


async def post(
    db: AsyncSession, config: Config, row: Announcement, now: datetime = DAYS_BEFORE, **more: Any
) -> Announcement:
    return await broadcasts.post(
        db, config, row.id, revision=row.revision, by=await ada(db), roles=ROLES, now=now, **more
    )


async def made(db: AsyncSession, row: Announcement) -> list[Delivery]:
    batch = f"announcement:{row.id}"
    found = await db.scalars(select(Delivery).where(Delivery.batch == batch).order_by(Delivery.id))
    return list(found)


async def let_be_sent(db: AsyncSession, rows: list[Delivery]) -> None:
    """As the sender records it."""
    for row in rows:
        row.state, row.shown, row.channel, row.ts = DeliveryState.SENT, row.revision, "C1", f"{row.id}.1"
        row.pinned = row.pin
        row.arm(DAYS_BEFORE)
    await db.flush()


async def move(db: AsyncSession, config: Config, now: datetime = DAYS_BEFORE, **fields: Any) -> None:
    """Release the programme with its podium changed."""
    before = await versions.current(db)
    wanted = tuple(s.model_copy(update=fields) if s.id == "podium" else s for s in before.segments)
    saved = await versions.save(
        db,
        before.model_copy(update={"segments": wanted}),
        by=await ada(db),
        origin="edit",
        revision=None,
        now=now,
    )
    await announcements.release_and_announce(
        db, config, by=await ada(db), note=None, draft_revision=saved.revision, now=now
    )


# --- when -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", None),
        (" Now ", None),
        ("start", "start"),
        ("end+PT5M", "end+PT5M"),
        ("-P1D", "-P1D"),
        ("10 min before the start", "start-PT10M"),
        ("2 hours after the end", "end+PT2H"),
        ("1 day before", "start-P1D"),
    ],
)
def test_moments_are_read(typed: str, kept: str | None, second: Config) -> None:
    whole = Programme.from_config(second)
    assert schedule.read(typed, programme=whole, tz=second.workshop.tz, field="moment") == kept


def test_local_times_become_instants(second: Config) -> None:
    whole, tz = Programme.from_config(second), second.workshop.tz
    local = START.astimezone(tz)
    typed = schedule.read(f"{local:%H:%M}", programme=whole, tz=tz, field="moment")
    assert typed is not None
    assert schedule.instant(typed, segment_id=None, programme=whole, tz=tz) == START
    dated = schedule.read("2031-02-03 9.05", programme=whole, tz=tz, field="moment")
    assert dated is not None
    at = schedule.instant(dated, segment_id=None, programme=whole, tz=tz)
    assert at is not None
    assert at.astimezone(tz).strftime("%Y-%m-%d %H:%M") == "2031-02-03 09:05"


@pytest.mark.parametrize(
    "typed", ["soon", "25:00", "2031-02-30 10:00", "start-5", "P1Y", "start-PT", "١٠:٣٠x"]
)
def test_other_words_are_refused(typed: str, second: Config) -> None:
    with pytest.raises(Invalid) as refused:
        schedule.read(typed, programme=Programme.from_config(second), tz=second.workshop.tz, field="until")
    assert (refused.value.code, refused.value.field) == ("no_moment", "until")


@pytest.mark.parametrize(
    "fields", [{"starts": None, "ends": None}, {"cancelled": True}], ids=["no time", "cancelled"]
)
def test_what_has_no_time_has_no_instant(fields: dict[str, Any], second: Config) -> None:
    whole, tz = programme(segment("podium", 60, 90)), second.workshop.tz
    assert schedule.instant("start", segment_id="podium", programme=whole, tz=tz) is not None
    changed = tuple(s.model_copy(update=fields) if s.id == "podium" else s for s in whole.segments)
    without = whole.model_copy(update={"segments": changed})
    assert schedule.instant("start", segment_id="podium", programme=without, tz=tz) is None
    assert schedule.instant("start", segment_id="gone", programme=whole, tz=tz) is None
    postponed = whole.model_copy(update={"status": Status.POSTPONED})
    assert schedule.instant("start", segment_id=None, programme=postponed, tz=tz) is None


# --- writing and approving --------------------------------------------------------------------------


async def test_a_draft_tells_nobody_and_its_approval_everybody_once(
    running: Database, second: Config
) -> None:
    async with running.begin() as db:
        row = await draft(db, second, targets=ALL, pin=True)
        assert await made(db, row) == []
        await post(db, second, row)
        sent = await made(db, row)
        assert sorted(one.lane.partition(":")[0] for one in sent) == ["channel"] + ["person"] * 4
        assert [one.pin for one in sent] == [True, False, False, False, False]
        assert {one.expires_at for one in sent} == {(await versions.current(db)).ends}
        with pytest.raises(Refusal) as again:
            await post(db, second, row)
        assert again.value.code == "announcement_done"
        deeds = await db.scalars(select(Deed.deed).where(Deed.subject == f"announcement:{row.id}"))
        assert list(deeds) == ["announcement.write", "announcement.post"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "  "}, "empty"),
        ({"text": "x" * 3001}, "too_long"),
        ({"targets": ()}, "no_audience"),
        ({"targets": ("everybody",)}, "no_audience"),
        ({"moment": "start-P9D"}, "moment_passed"),
        ({"moment": "start", "until": "start-PT1H"}, "until_before"),
        ({"until": (DAYS_BEFORE - timedelta(hours=1)).isoformat()}, "until_before"),
    ],
)
async def test_what_cannot_be_is_refused(
    running: Database, second: Config, fields: dict[str, Any], code: str
) -> None:
    async with running.begin() as db:
        with pytest.raises(Invalid) as refused:
            await draft(db, second, **fields)
        assert refused.value.code == code


async def test_everybody_is_notified_only_when_confirmed(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second, loud=True)
        with pytest.raises(Refusal) as refused:
            await post(db, second, row)
        assert refused.value.code == "announcement_loud"
        assert await made(db, row) == []
        await post(db, second, row, loud=True)
        assert copies.drawn(row, "channel")["loud"]
        assert not copies.drawn(row, "person")["loud"]
        quiet = await draft(db, second, loud=True, targets=("subscribers",))
        assert not quiet.loud, "there is no channel to notify"


async def test_two_organisers_never_overwrite_each_other_unseen(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second)
        seen, bea = row.revision, await people.get_or_add(db, "U1BEA", now=DAYS_BEFORE)
        wish = Wish("Bring answers.", ("participants",))
        await broadcasts.edit(db, second, row.id, wish, revision=seen, by=bea, now=DAYS_BEFORE)
        with pytest.raises(Stale) as stale:
            await broadcasts.edit(
                db, second, row.id, Wish("Mine.", ALL), revision=seen, by=await ada(db), now=DAYS_BEFORE
            )
        assert stale.value.values["by"] == "U1BEA"
        with pytest.raises(Stale):
            await broadcasts.post(
                db, second, row.id, revision=seen, by=await ada(db), roles=ROLES, now=DAYS_BEFORE
            )
        assert (row.text, row.state) == ("Bring answers.", State.DRAFT)


async def test_a_draft_is_discarded_and_gone(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second)
        with pytest.raises(Stale):
            await broadcasts.discard(db, row.id, revision=row.revision - 1, by=await ada(db), now=DAYS_BEFORE)
        await broadcasts.discard(db, row.id, revision=row.revision, by=await ada(db), now=DAYS_BEFORE)
        assert await broadcasts.listed(db) == []
        with pytest.raises(Refusal):
            await broadcasts.withdraw(db, row.id, by=await ada(db), now=DAYS_BEFORE)
        with pytest.raises(Refusal):
            await broadcasts.stop(db, row.id, by=await ada(db), now=DAYS_BEFORE)
        with pytest.raises(NotFound):
            await broadcasts.get(db, 999_999)


# --- later ------------------------------------------------------------------------------------------


async def test_one_relative_to_a_segment_moves_along_and_goes_out(running: Database, second: Config) -> None:
    async with running.begin() as db:
        await move(db, second, starts=instant(60), ends=instant(90))
        row = await draft(db, second, moment="start-PT10M", segment_id="podium", targets=ALL)
        await post(db, second, row)
        assert (row.state, await broadcasts.next_due(db)) == (State.SCHEDULED, instant(50))
        await move(db, second, starts=instant(75), ends=instant(100))
        assert await broadcasts.next_due(db) == instant(65)
        await move(db, second, starts=None, ends=None)
        assert await broadcasts.next_due(db) is None, "it waits until there is a time again"
        await move(db, second, starts=instant(70), ends=instant(100))
        await broadcasts.ring(db, ROLES, now=instant(59))
        assert await made(db, row) == []
        dee = await people.get_or_add(db, "U1DEE", now=DAYS_BEFORE)
        await reminders.subscribe(db, dee, second, minutes=10, now=DAYS_BEFORE)
        await broadcasts.ring(db, ROLES, now=instant(60))
        await broadcasts.ring(db, ROLES, now=instant(60))
        assert people.lane(dee) in {one.lane for one in await made(db, row)}, "who subscribed meanwhile too"
        assert len(await made(db, row)) == 6


async def test_one_whose_end_has_passed_is_not_sent(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second, moment="start", until="start+PT5M")
        await post(db, second, row)
        await broadcasts.ring(db, ROLES, now=START + timedelta(minutes=6))
        assert (row.state, await made(db, row)) == (State.MISSED, [])


async def test_at_its_end_it_is_marked_over_and_unpinned(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second, pin=True, until="start")
        await post(db, second, row)
        (copy,) = await made(db, row)
        await let_be_sent(db, [copy])
        assert await broadcasts.next_due(db) == START
        await broadcasts.ring(db, ROLES, now=START)
        await db.refresh(copy)
        assert (row.state, copy.pin, copy.shown < copy.revision) == (State.OVER, False, True)
        assert copies.drawn(row, "channel")["over"]
        assert await broadcasts.next_due(db) is None


async def test_without_an_end_of_its_own_it_is_unpinned_and_not_crossed_out(
    running: Database, second: Config
) -> None:
    async with running.begin() as db:
        row = await draft(db, second, pin=True)
        await post(db, second, row)
        (copy,) = await made(db, row)
        await let_be_sent(db, [copy])
        shown = copy.revision
        await broadcasts.ring(db, ROLES, now=(await versions.current(db)).ends)
        await db.refresh(copy)
        assert (row.state, copy.pin, copy.revision) == (State.OVER, False, shown)
        assert not copies.drawn(row, "channel")["over"]


# --- after it is out --------------------------------------------------------------------------------


async def test_an_edit_changes_every_copy_and_leaves_the_rest(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second, targets=ALL)
        await post(db, second, row)
        out = await made(db, row)
        await let_be_sent(db, out)
        wish = Wish("Room change.", ("moderators",), pin=True, loud=True)
        await broadcasts.edit(
            db, second, row.id, wish, revision=row.revision, by=await ada(db), now=DAYS_BEFORE
        )
        assert (row.text, tuple(row.targets), row.loud, row.edited) == ("Room change.", ALL, False, True)
        assert all(one.shown < one.revision for one in await made(db, row))
        assert [one.pin for one in await made(db, row)] == [True, False, False, False, False]


async def test_taken_back_is_every_copy(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second, targets=ALL)
        await post(db, second, row)
        out = await made(db, row)
        await let_be_sent(db, out[:2])
        for _ in range(2):
            await broadcasts.withdraw(db, row.id, by=await ada(db), now=DAYS_BEFORE)
        assert [one.task for one in await made(db, row)] == ["delete", "delete", None, None, None]
        assert {one.state for one in out[2:]} == {DeliveryState.CANCELLED}
        assert await copies.compose_copy(db, {"announcement": row.id, "copy": "person"}, now=START) is None
        with pytest.raises(Refusal):
            await broadcasts.edit(
                db, second, row.id, Wish("x", ALL), revision=row.revision, by=await ada(db), now=START
            )


async def test_stopped_is_what_waits(running: Database, second: Config) -> None:
    async with running.begin() as db:
        row = await draft(db, second, targets=ALL)
        await post(db, second, row)
        await let_be_sent(db, (await made(db, row))[:1])
        assert await broadcasts.stop(db, row.id, by=await ada(db), now=DAYS_BEFORE) == 4
        shown = await copies.card(db, row)
        assert (shown["sent"], shown["waiting"], shown["stopped"]) == (1, 0, 4)


async def test_who_joins_later_gets_what_holds_once(running: Database, second: Config) -> None:
    async with running.begin() as db:
        holds = await draft(db, second)
        await post(db, second, holds)
        for other in ({"targets": ("moderators",)}, {"until": "start-P1D"}):
            await post(db, second, await draft(db, second, **other))
        dee = await people.get_or_add(db, "U1DEE", now=DAYS_BEFORE)
        for _ in range(2):
            assert await broadcasts.replay(db, dee, now=START) == 1
        own = await db.scalars(select(Delivery).where(Delivery.lane == people.lane(dee)))
        assert [one.content for one in own] == [{"announcement": holds.id, "copy": "replay"}]


# --- what is read -----------------------------------------------------------------------------------


def test_the_text_is_literal_and_its_addresses_are_links(second: Config) -> None:
    text = "Hi <!channel> *b* @channel &amp; see https://example.org/a?b=1&c=<x>, (https://example.org)."
    row = Announcement(
        kind="broadcast", text=text, targets=["participants"], state=State.POSTED, loud=False, edited=False
    )
    values = {**copies.drawn(row, "channel"), "now": START}
    message = Rendering(second).message(broadcasts.KIND, values)
    elements = message.blocks[0]["elements"][0]["elements"]
    assert "".join(one.get("text") or one["url"] for one in elements) == text
    assert [one["url"] for one in elements if one["type"] == "link"] == [
        "https://example.org/a?b=1&c=",
        "https://example.org",
    ]
    assert not any(one["type"] == "broadcast" for one in elements)
    assert "<!" not in message.text


def test_the_longest_text_fits(second: Config) -> None:
    row = Announcement(
        kind="broadcast", text="&" * 3000, targets=[], state=State.OVER, loud=True, edited=True,
        until="start", expires_at=START, not_before=START,
    )  # fmt: skip
    message = Rendering(second).message(broadcasts.KIND, {**copies.drawn(row, "replay"), "now": START})
    assert len(message.text) <= 4000
