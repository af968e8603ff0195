"""What is open when, and the word that closing is near."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.config import Config
from bot.errors import Invalid, NotAllowed
from bot.programme import versions
from bot.programme.model import Programme, Status
from bot.questions import COMPOSERS, replan, windows
from bot.questions.deeds import Deed
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import DeliveryState
from tests.questions import deeds_of
from tests.questions.conftest import ON, START, Ask

MINUTE = timedelta(minutes=1)


def timed(programme: Programme, starts: datetime | None, ends: datetime | None = None) -> Programme:
    segments = tuple(
        segment.model_copy(update={"starts": starts, "ends": ends}) if segment.takes_questions else segment
        for segment in programme.segments
    )
    return programme.model_copy(update={"segments": segments})


async def at(
    workshop: Database, config: Config, programme: Programme, now: datetime, **switches: str
) -> windows.Windows:
    segment = programme.segment("discussion")
    assert segment is not None
    async with workshop.begin() as db:
        by = await deeds_of.person(db, "UMOD", now=now)
        for what, setting in switches.items():
            await windows.switch(db, what, setting, segments=[segment], by=by, moderates=True, now=now)
        return await windows.windows(db, segment, programme=programme, config=config, now=now)


@pytest.mark.parametrize(
    ("minutes", "live"), [(-60 * 24 * 30, True), (0, True), (89, True), (90, False), (60 * 24, False)]
)
async def test_without_segment_times_the_live_part_lasts_until_the_workshops_end(
    workshop: Database, config: Config, programme: Programme, minutes: int, live: bool
) -> None:
    state = await at(workshop, config, programme, START + minutes * MINUTE)
    assert (state.submit, state.vote, state.live) == (True, live, live)
    assert state.closes_at == programme.ends


async def test_with_times_the_live_part_ends_with_the_segment(
    workshop: Database, config: Config, programme: Programme
) -> None:
    moved = timed(programme, START + 50 * MINUTE, START + 80 * MINUTE)
    assert (await at(workshop, config, moved, START + 79 * MINUTE)).live
    state = await at(workshop, config, moved, START + 80 * MINUTE)
    assert (state.submit, state.vote, state.live) == (True, False, False)


async def test_switches_go_before_the_programme_and_auto_follows_it_again(
    workshop: Database, config: Config, programme: Programme
) -> None:
    state = await at(workshop, config, programme, ON, submit="closed", vote="closed", publish="open")
    assert (state.submit, state.vote, state.publish_at_once) == (False, False, True)
    after = programme.ends + MINUTE
    state = await at(workshop, config, programme, after, submit="open", vote="open", publish="closed")
    assert (state.submit, state.vote, state.publish_at_once) == (True, True, False)
    state = await at(workshop, config, programme, after, submit="auto", vote="auto", publish="auto")
    assert (state.submit, state.vote, state.publish_at_once) == (True, False, False)


async def test_a_cancelled_workshop_takes_nothing_whatever_the_switches_say(
    workshop: Database, config: Config, programme: Programme
) -> None:
    cancelled = programme.model_copy(update={"status": Status.CANCELLED})
    state = await at(workshop, config, cancelled, ON, submit="open")
    assert (state.submit, state.live, state.closes_at) == (False, False, None)


@pytest.mark.parametrize(("what", "setting"), [("everything", "open"), ("submit", "half"), ("", "")])
async def test_an_unknown_switch_or_setting_is_refused(
    workshop: Database, config: Config, programme: Programme, what: str, setting: str
) -> None:
    with pytest.raises(Invalid, match="no_such_switch"):
        await at(workshop, config, programme, ON, **{what: setting})


async def test_only_moderators_switch(workshop: Database, programme: Programme) -> None:
    async with workshop.begin() as db:
        by = await deeds_of.person(db, "UANA", now=ON)
        with pytest.raises(NotAllowed):
            await windows.switch(
                db, "submit", "closed", segments=programme.taking_questions(), by=by, moderates=False, now=ON
            )


async def test_the_queue_line_knows_the_clock(
    workshop: Database, programme: Programme, ask: Ask, do: deeds_of.Do
) -> None:
    for n in range(8):
        await ask(f"Question {n}?")
        if n < 7:
            await do(Deed.APPROVE, n + 1)
    await do(Deed.STAGE, 1)
    moved = timed(programme, START + 50 * MINUTE, START + 80 * MINUTE)
    segment = moved.segment("discussion")
    assert segment is not None

    async def line(now: datetime) -> windows.QueueLine:
        async with workshop.read() as db:
            return await windows.queue_line(db, segment, programme=moved, now=now)

    assert await line(START + 69 * MINUTE) == windows.QueueLine(6, 1, 11)
    assert windows.QueueLine(6, 1, 11).fit(2) == 5
    assert windows.QueueLine(3, 1, 11).fit(2) == 3
    assert await line(START + 30 * MINUTE) == windows.QueueLine(6, 1, None)
    assert await line(START + 80 * MINUTE) == windows.QueueLine(6, 1, None)
    assert windows.QueueLine(6, 1, None).fit(2) is None


async def test_closing_is_announced_two_minutes_before_and_follows_the_programme(
    workshop: Database, config: Config, programme: Programme, rendering: Rendering
) -> None:
    async def plan() -> list[tuple[datetime, datetime | None, DeliveryState]]:
        async with workshop.begin() as db:
            await replan(db, now=ON)
        rows = await deeds_of.deliveries(workshop, "questions:closing:")
        return [(row.not_before, row.expires_at, row.state) for row in rows.values()]

    pending, cancelled = DeliveryState.PENDING, DeliveryState.CANCELLED
    first = (programme.ends - 2 * MINUTE, programme.ends)
    assert await plan() == [(*first, pending)]
    assert await plan() == [(*first, pending)]
    earlier = START + 80 * MINUTE
    await release(workshop, timed(programme, START + 50 * MINUTE, earlier))
    second = (earlier - 2 * MINUTE, earlier)
    assert await plan() == [(*first, cancelled), (*second, pending)]
    rows = await deeds_of.deliveries(workshop, "questions:closing:")
    async with workshop.read() as db:
        drawn = [
            await COMPOSERS[row.kind](db, row.content, now=earlier - 2 * MINUTE) for row in rows.values()
        ]
    assert drawn[0] is None
    assert "two minutes left" in rendering.message("questions/closing", drawn[1]).text
    await release(workshop, programme)  # the old hours again: announced anew
    assert await plan() == [(*first, cancelled), (*second, cancelled), (*first, pending)]


async def release(workshop: Database, programme: Programme) -> None:
    async with workshop.begin() as db:
        await versions.release_now(db, programme, origin="edit", by=None, note=None, now=ON)
