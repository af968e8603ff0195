"""What every listener works with, and the plain values read from Slack's payloads.

A listener has four steps: read the payload into plain values, open one transaction that first marks the
delivery as taken in (`bot.store.intake.first_time`), call one service, answer. It takes `desk` as an
argument by name; Bolt injects it from its context (`handlers.register`).
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.answers import Answers
from bot.clock import Clock
from bot.config import Config
from bot.errors import NotAllowed
from bot.rendering import Message, Rendering
from bot.store.engine import WANTED_BY, Database
from bot.store.tables import Person
from handlers.directory import Directory

log = logging.getLogger(__name__)

PROFILE_KEPT = timedelta(hours=12)
MOST_BESIDE = 200


@dataclass(frozen=True)
class Desk:
    """Everything a listener may reach; built once by the composition root."""

    config: Config
    clock: Clock
    database: Database
    rendering: Rendering
    directory: Directory
    read_answers: Callable[[], Answers]
    nudge: Callable[[], None]  # wakes the sender; call it after a commit that added deliveries
    recount: Callable[[], None]  # has scores shown anew; call it after a commit that set a vote
    public_url: str | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # set when the process is to end
    beside: set[asyncio.Task[Any]] = field(default_factory=set)  # what `later` has begun
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @property
    def answers(self) -> Answers:
        """The answers; whoever wants them first may wait until they are read."""
        return self.read_answers()

    def now(self) -> datetime:
        return self.clock.now()

    def turn(self, key: str) -> asyncio.Lock:
        """To be held while a delivery of that key is taken in: its double waits here, not in the database."""
        return self.turns.setdefault(key, asyncio.Lock())

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do it without letting Slack wait for it: an explanation, a form redrawn, a name looked up.

        Nobody keeps it: it is gone with the process, and left undone while two hundred others are under way.
        """
        if len(self.beside) >= MOST_BESIDE:
            log.warning("too much is under way: something less important was left undone")
            work.close()
            return
        beside = contextvars.copy_context()
        beside.run(WANTED_BY.set, None)
        task = asyncio.create_task(work, context=beside)
        self.beside.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.beside.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, (SQLAlchemyError, OSError)):  # the database is away, which others say in full
            log.warning("something beside a request was left undone: %s", type(error).__name__)
        elif error is not None:
            log.error("something beside a request failed", exc_info=error)

    async def drop_rest(self) -> None:
        """Leave undone what `later` has begun: the process ends."""
        for task in list(self.beside):
            task.cancel()
        await asyncio.gather(*self.beside, return_exceptions=True)

    def lane(self, channel: str) -> str:
        """The outbox lane of a Slack channel: its key in config.toml where it has one."""
        known = {channel_id: f"channel:{key}" for key, channel_id in self.directory.places.items()}
        return known.get(channel, channel)

    async def person(self, db: AsyncSession, slack_id: str) -> Person:
        """The person behind a Slack id, met now if never before."""
        return await people.get_or_add(db, slack_id, now=self.now())

    async def acquaint(self, slack_id: str) -> None:
        """Ask Slack for a person's name and zone when what is stored is old; not inside a transaction."""
        now = self.now()
        async with self.database.read() as db:
            known = await people.find(db, slack_id)
        if known and known.refreshed_at and timedelta() <= now - known.refreshed_at < PROFILE_KEPT:
            return
        profile = await self.directory.profile(slack_id)
        if profile is None:
            return
        async with self.database.begin() as db:
            people.update(await people.get_or_add(db, slack_id, now=now), profile, now=now)

    async def require_moderator(self, slack_id: str) -> None:
        """Raise NotAllowed unless the person moderates (organisers do) at this moment."""
        if not (await self.directory.roles()).moderates(slack_id):
            raise NotAllowed("not_a_moderator")

    async def require_organiser(self, slack_id: str) -> None:
        """Raise NotAllowed unless the person organises at this moment."""
        if not (await self.directory.roles()).organises(slack_id):
            raise NotAllowed("not_an_organiser")


@dataclass(frozen=True)
class Call:
    """One `/workshop <verb> …`: who typed it, where, and what stands behind the verb."""

    desk: Desk
    client: Any  # the AsyncWebClient of this request, for views.open
    user: str  # Slack id
    channel: str
    words: str  # as typed, Slack's escapes undone
    trigger_id: str
    key: str  # marks this command as taken in


# What a verb's function gives back: shown to the one who typed it, alone; None shows nothing.
Reply = Message | None


def event_key(body: Mapping[str, Any]) -> str:
    """The event's own id: stable across Slack's redeliveries."""
    return f"event:{body['event_id']}"


def action_key(body: Mapping[str, Any]) -> str:
    """One click: the same click redelivered has the same time stamp."""
    action = body["actions"][0]
    return f"action:{body['user']['id']}:{action['action_ts']}:{action['action_id']}"[:255]


def view_key(body: Mapping[str, Any]) -> str:
    """One submission of one state of a modal: a double tap has the same view and hash."""
    return f"view:{body['view']['id']}:{body['view']['hash']}"[:255]


def command_key(body: Mapping[str, Any]) -> str:
    """One typed command."""
    return f"command:{body['trigger_id']}"[:255]


def state_value(view: Mapping[str, Any], block_id: str) -> Any:
    """What stands in the input of that block: a string, an option's value, a list of them, or None.

    Never raises: a view of an older version simply lacks the block.
    """
    block = (view.get("state") or {}).get("values", {}).get(block_id) or {}
    for element in block.values():
        if element.get("selected_option"):
            return element["selected_option"].get("value")
        if "selected_options" in element:
            return [option.get("value") for option in element["selected_options"] or []]
        for key in (
            "value",
            "selected_date_time",
            "selected_date",
            "selected_time",
            "selected_user",
            "selected_channel",
        ):
            if element.get(key) is not None:
                return element[key]
    return None
