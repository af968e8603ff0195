"""Senders that post over real HTTP into a local workspace, on a clock that stands until it is moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import people
from bot.clock import SimulatedClock
from bot.config import Config, LimitsSection
from bot.delivery import outbox
from bot.delivery.sender import Sender
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Delivery
from tests.conftest import NOW, WORKSHOP

PARTICIPANTS = "channel:participants"
TOKYO, NAIROBI = "U0PART0TOKYO", "U0PART0NAIROBI"
# All that delivering needs.
MANIFEST = {
    "features": {"app_home": {"home_tab_enabled": True, "messages_tab_enabled": True}},
    "oauth_config": {
        "scopes": {
            "bot": [
                "chat:write",
                "channels:history",
                "groups:history",
                "im:history",
                "im:write",
                "pins:write",
            ]
        }
    },
}
HORIZON = timedelta(days=2)
TEMPLATES = {
    "note": '{"text": "{{ text }}"}',
    "timed": '{"text": "{{ text }} at {{ now.isoformat() }}"}',
    "defect": '{"text": "{{ nothing_of_the_kind }}"}',
    "home": '{"type": "home", "blocks": [{"type": "section", "text": '
    '{"type": "plain_text", "text": "{{ text }}"}}]}',
}


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW, speed=0)


@pytest.fixture
def workspace_options() -> dict[str, Any]:
    """How the workspace treats the bot; a test or module may override it. Nobody listens to its events."""
    return {"rates": "strict", "manifest": MANIFEST}


@pytest.fixture
async def workspace(
    config: Config, clock: SimulatedClock, workspace_options: dict[str, Any]
) -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(config, clock, **workspace_options) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def plain_rendering(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    """The templates of these tests: one line of text."""
    folder = tmp_path_factory.mktemp("templates")
    for name, source in TEMPLATES.items():
        (folder / f"{name}.json.j2").write_text(source, encoding="utf-8")
    return Rendering(config, Path(folder))


@pytest.fixture
async def client(workspace: LocalWorkspace) -> AsyncIterator[AsyncWebClient]:
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield AsyncWebClient(
            token=workspace.bot_token, base_url=workspace.api_url, session=session, retry_handlers=[]
        )


@pytest.fixture
def places(workspace: LocalWorkspace, config: Config) -> dict[str, str]:
    named = config.channels.model_dump()
    return {key: channel.id for key, name in named.items() if (channel := workspace.state.channel(name))}


@pytest.fixture
def make_sender(
    database: Database,
    plain_rendering: Rendering,
    clock: SimulatedClock,
    client: AsyncWebClient,
    places: dict[str, str],
) -> Callable[..., Sender]:
    """A sender, of a process of its own when `own_database` is given."""

    def make(holder: str = "first", *, own_database: Database | None = None, **options: Any) -> Sender:
        given: dict[str, Any] = {
            "composers": {},
            "limits": LimitsSection(),
            "places": places,
            "on_failure": None,
        } | options
        return Sender(own_database or database, plain_rendering, clock, client, holder=holder, **given)

    return make


@pytest.fixture
def sender(make_sender: Callable[..., Sender]) -> Sender:
    return make_sender()


@pytest.fixture
async def second(database: Database) -> AsyncIterator[Database]:
    """Another process's engine on the same database."""
    other = Database(database.url.render_as_string(hide_password=False), WORKSHOP)
    yield other
    await other.close()


class Post:
    """Puts messages of these tests into the outbox, each in a transaction of its own."""

    def __init__(self, database: Database, clock: SimulatedClock) -> None:
        self.database, self.clock = database, clock

    async def __call__(self, text: str, **given: Any) -> Delivery:
        values = {"key": text, "kind": "note", "lane": PARTICIPANTS, "content": {"text": text}} | given
        async with self.database.begin() as db:
            return await outbox.add(db, now=self.clock.now(), **values)

    async def lane_of(self, slack_id: str) -> str:
        async with self.database.begin() as db:
            return people.lane(await people.get_or_add(db, slack_id, now=NOW))

    async def row(self, key: str) -> Delivery:
        async with self.database.read() as db:
            row = await outbox.find(db, key)
        assert row is not None
        return row


@pytest.fixture
def post(database: Database, clock: SimulatedClock) -> Post:
    return Post(database, clock)


@pytest.fixture
def drain(workspace: LocalWorkspace, clock: SimulatedClock) -> Callable[..., Any]:
    """Play until nothing is left to do, moving the clock to whatever comes next."""

    async def drain(*senders: Sender) -> None:
        end = clock.now() + HORIZON
        while True:
            while any([await sender.step() for sender in senders]):
                pass
            assert await workspace.idle()
            due = [await sender.next_due() for sender in senders] + [workspace.next_due()]
            soonest = min((instant for instant in due if instant is not None), default=None)
            if soonest is None:
                return
            assert soonest < end, f"still something to do at {soonest}"
            if soonest > clock.now():
                clock.jump(soonest)
            else:  # somebody's lease, or a request that is still on its way: wall time must pass
                await asyncio.sleep(0.005)

    return drain


def texts(workspace: LocalWorkspace, reference: str = "ict-footprint-workshop") -> list[str]:
    """What stands in a channel, or in the direct message with a person, oldest first."""
    state = workspace.state
    channel = state.channel(reference) or state.direct(BOT_USER, reference)
    return [message.text for _, message in sorted(channel.messages.items())]


def calls(workspace: LocalWorkspace, *methods: str) -> list[dict[str, Any]]:
    """The requests that reached the workspace, in order."""
    return [entry for entry in workspace.log.entries(kind="request") if entry["what"] in methods]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)
