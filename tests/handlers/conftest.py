"""The whole bot joined to a local workspace, on a standing clock: what tests of the edge work with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot import app, day
from bot.answers import Answers
from bot.app import Bot
from bot.clock import SimulatedClock
from bot.config import Config
from bot.rehearsal.person import Person
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database

START = datetime(2025, 11, 20, 9, 0, tzinfo=UTC)
PARTICIPANT, OTHER = "U0PART0TOKYO", "U0PART0NAIROBI"
MODERATOR, ORGANISER = "U0MOD0GENEVA", "U0ORG0GENEVA"


@dataclass
class House:
    """The running bot and its workspace; `settle` returns once nothing is due or in flight."""

    bot: Bot
    workspace: LocalWorkspace
    clock: SimulatedClock
    config: Config

    def person(self, reference: str) -> Person:
        return self.workspace.person(reference)

    async def settle(self) -> None:
        """Until nothing is due within a minute: posts to one conversation are a second apart."""
        await day.settled(self.bot, self.workspace)
        while (due := await self.bot.next_due()) and due <= self.clock.now() + timedelta(minutes=1):
            self.clock.jump(max(due, self.clock.now()))
            await day.settled(self.bot, self.workspace)

    async def ask(self, person: Person, text: str, channel: str = "bot") -> str:
        """Say something and give the bot's reply in the thread, "" when there is none."""
        said = await person.say(channel, text)
        await self.settle()
        return "\n".join(reply["text"] for reply in person.thread(channel, said["ts"])[1:])

    def texts(self, person: Person, channel: str) -> list[str]:
        return [message["text"] for message in person.messages(channel)]


@pytest.fixture
async def house(config: Config, database_url: str, answers: Answers) -> AsyncIterator[House]:
    """A bot on a fresh database of each kind."""
    clock = SimulatedClock(START, speed=0)
    database = Database(database_url, config.workshop.id)
    async with app.rehearsing(config, database, clock, read_answers=lambda: answers) as (bot, workspace):
        house = House(bot, workspace, clock, config)
        await house.settle()
        yield house


def button_of(message: dict[str, Any], action_id: str) -> dict[str, Any]:
    """The button of that id in a message or view."""
    for block in message["blocks"]:
        for element in [*block.get("elements", []), block.get("accessory") or {}]:
            if element.get("action_id") == action_id:
                return element
    raise AssertionError(f"no button {action_id}")
