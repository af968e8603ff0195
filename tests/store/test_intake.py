"""Each delivery of Slack is taken in once, also by two at the same time, and again after a rollback."""

from __future__ import annotations

import asyncio

import pytest

from bot.store.engine import Database
from bot.store.intake import first_time
from tests.conftest import NOW


async def test_a_key_is_new_once(database: Database) -> None:
    taken = []
    for _ in range(2):
        async with database.begin() as db:
            taken.append(await first_time(db, "event:Ev1", now=NOW))
    assert taken == [True, False]


async def test_of_two_at_once_one_takes_it(database: Database) -> None:
    async def take() -> bool:
        async with database.begin() as db:
            first = await first_time(db, "event:Ev1", now=NOW)
            await asyncio.sleep(0)
            return first

    assert sorted(await asyncio.gather(*(take() for _ in range(5)))) == [False] * 4 + [True]


async def test_what_was_rolled_back_is_taken_again(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as db:
            assert await first_time(db, "event:Ev1", now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.begin() as db:
        assert await first_time(db, "event:Ev1", now=NOW)
