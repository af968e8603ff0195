"""A workshop whose discussion is on, people in it, and short ways to put questions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot import config as configuration
from bot.config import Config
from bot.programme import versions
from bot.programme.model import Programme
from bot.questions import submission
from bot.store.engine import Database
from bot.store.tables import Question
from tests.questions import deeds_of

START = datetime(2025, 11, 25, 13, 0, tzinfo=UTC)
ON = START + timedelta(minutes=40)


@pytest.fixture
def programme(config: Config) -> Programme:
    return Programme.from_config(config)


@pytest.fixture
async def workshop(database: Database, config: Config) -> Database:
    """A database with the programme released and nothing else."""
    async with database.begin() as db:
        await versions.seed(db, config, now=ON)
    return database


@pytest.fixture
def generous(config: Config) -> Config:
    """The shipped configuration without limits per person, for tests of other things."""
    data = config.model_dump()
    data["questions"] |= {"open_per_person": 100, "per_minute": 100}
    return configuration.parse(data)


Ask = Callable[..., Awaitable[Question]]


@pytest.fixture
def ask(workshop: Database, generous: Config, programme: Programme) -> Ask:
    """Submit a question in a transaction of its own: `await ask("text", by="UANA")`."""

    async def submit(text: str, *, by: str = "UANA", now: datetime = ON, **more: object) -> Question:
        async with workshop.begin() as db:
            author = await deeds_of.person(db, by, now=now)
            submitted = await submission.submit(
                db, by=author, text=text, programme=programme, config=generous, now=now, **more
            )
        return submitted.question

    return submit


@pytest.fixture
def do(workshop: Database) -> deeds_of.Do:
    """Do a deed in a transaction of its own: `await do(Deed.APPROVE, 1)`; by a moderator unless said."""
    return deeds_of.doing(workshop, now=ON)
