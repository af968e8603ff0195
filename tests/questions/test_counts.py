"""Scores that messages show: every vote reaches them, whatever becomes of the process; no voter waits."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from bot.clock import SimulatedClock
from bot.config import Config
from bot.delivery import claims, outcomes
from bot.delivery.outcomes import Sent
from bot.programme.model import Programme
from bot.questions import messages
from bot.questions.counts import Counts
from bot.questions.deeds import Deed
from bot.questions.picture import Standing
from bot.store.engine import Database
from bot.store.tables import Delivery
from tests.questions import deeds_of
from tests.questions.conftest import ON, Ask
from tests.questions.test_life import bring, score, voted

POST, CARD = "question:1:post:1", "question:1:card"


async def in_slack(workshop: Database, *keys: str) -> None:
    """These messages were posted, and nothing more is to be done with them."""
    async with workshop.begin() as db:
        for row in await db.scalars(select(Delivery).where(Delivery.key.in_(keys))):
            claims.open_attempt(row, ON)
            await outcomes.record(db, row, Sent("C1", f"{row.id}.000001"), now=ON, on_failure=None)
            row.shown, row.task = row.revision, None


async def to_redraw(workshop: Database) -> set[str]:
    async with workshop.read() as db:
        return set(await db.scalars(select(Delivery.key).where(Delivery.task == "retouch")))


async def test_a_vote_has_the_post_and_the_card_shown_anew(
    workshop: Database, ask: Ask, do: deeds_of.Do, config: Config, programme: Programme
) -> None:
    await ask("Is it measured?")
    await bring(do, 1, Standing.PUBLISHED)
    await in_slack(workshop, POST, CARD)
    counts = Counts(workshop, SimulatedClock(ON, speed=0))
    for who in ("U1", "U2"):
        await voted(workshop, config, programme, 1, who)
    assert await to_redraw(workshop) == set()  # no vote touches a message itself
    await counts.step()
    assert await to_redraw(workshop) == {POST, CARD}


async def test_what_is_shown_is_not_shown_again_until_a_vote_changes(
    workshop: Database, ask: Ask, do: deeds_of.Do, config: Config, programme: Programme
) -> None:
    await ask("Is it measured?")
    await bring(do, 1, Standing.PUBLISHED)
    await voted(workshop, config, programme, 1, "U1")
    counts = Counts(workshop, SimulatedClock(ON, speed=0))
    await counts.step()
    await in_slack(workshop, POST, CARD)
    await voted(workshop, config, programme, 1, "U1")  # the same word again
    await counts.step()
    assert await to_redraw(workshop) == set()
    await voted(workshop, config, programme, 1, "U1", stands=False)
    await counts.step()
    assert await to_redraw(workshop) == {POST, CARD}


async def test_a_vote_taken_back_from_what_was_merged_shows_where_it_counted(
    workshop: Database, ask: Ask, do: deeds_of.Do, config: Config, programme: Programme
) -> None:
    await ask("Is it measured?")
    await ask("How is it measured?", by="UBEN")
    for number in (1, 2):
        await bring(do, number, Standing.PUBLISHED)
    await voted(workshop, config, programme, 2, "U1")
    await do(Deed.MERGE, 2, target=1)
    counts = Counts(workshop, SimulatedClock(ON, speed=0))
    await counts.step()
    await in_slack(workshop, POST, CARD)
    await voted(workshop, config, programme, 1, "U1", stands=False)
    await counts.step()
    assert await to_redraw(workshop) == {POST, CARD}


async def test_a_vote_of_a_process_that_was_killed_is_found_by_the_next(
    workshop: Database, ask: Ask, do: deeds_of.Do, config: Config, programme: Programme
) -> None:
    await ask("Is it measured?")
    await bring(do, 1, Standing.PUBLISHED)
    await in_slack(workshop, POST, CARD)
    await voted(workshop, config, programme, 1, "U1")  # and nobody lived to nudge
    looks = asyncio.create_task(Counts(workshop, SimulatedClock(ON, speed=0)).run())
    try:
        async with asyncio.timeout(5):
            while await to_redraw(workshop) != {POST, CARD}:  # noqa: ASYNC110 - the store is what counts
                await asyncio.sleep(0.02)
    finally:
        looks.cancel()
        await asyncio.gather(looks, return_exceptions=True)


async def test_nobody_waits_for_a_message_that_somebody_has_in_hand(
    workshop: Database, ask: Ask, do: deeds_of.Do, config: Config, programme: Programme
) -> None:
    """On SQLite writers take turns anyway; on PostgreSQL the row is held the whole time."""
    await ask("Is it measured?")
    await bring(do, 1, Standing.PUBLISHED)
    await in_slack(workshop, POST, CARD)
    if not workshop.shared:
        return
    async with workshop.begin() as db, asyncio.timeout(5):
        await db.execute(select(Delivery).where(Delivery.key == POST).with_for_update())
        await voted(workshop, config, programme, 1, "U1")
        async with workshop.begin() as other:
            await messages.recount(other, now=ON)
        assert await score(workshop, 1) == 1
    await Counts(workshop, SimulatedClock(ON, speed=0)).step()  # left for the next time, not forgotten
    assert POST in await to_redraw(workshop)


async def test_a_post_that_many_wait_for_goes_before_every_receipt(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    await ask("Is it measured?")
    await ask("How is it measured?", by="UBEN")
    await bring(do, 1, Standing.PUBLISHED)
    rows = await deeds_of.deliveries(workshop)
    assert rows[POST].priority < min(row.priority for key, row in rows.items() if key.endswith(":asker"))
