"""Bolt for JavaScript, unmodified from npm, over Socket Mode and over signed HTTP."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.clock import SimulatedClock
from bot.config import Config
from bot.rehearsal.server import LocalWorkspace

pytestmark = pytest.mark.clients

PARTICIPANTS = "#ict-footprint-workshop"


@pytest.fixture(params=["socket", "http"])
async def workspace(
    request: pytest.FixtureRequest, node: str, config: Config
) -> AsyncIterator[LocalWorkspace]:
    """A workspace that the app has joined."""
    clock = SimulatedClock(datetime(2025, 11, 24, 12, 0, tzinfo=UTC), speed=0)
    async with LocalWorkspace(config, clock) as workspace:
        app = await asyncio.create_subprocess_exec(
            node,
            "bolt_app.mjs",
            cwd=Path(__file__).parent,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                **{key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
                "SLACK_API_URL": workspace.api_url,
                "BOT_TOKEN": workspace.bot_token,
                "APP_TOKEN": workspace.app_token,
                "SIGNING_SECRET": workspace.signing_secret,
                "MODE": request.param,
            },
        )
        assert app.stdin
        assert app.stdout
        ready = b""
        while not ready.startswith(b'{"ready"'):  # Bolt writes log lines of its own
            ready = await asyncio.wait_for(app.stdout.readline(), 30)
            assert ready, "the app ended before it was ready"
        if request.param == "http":
            workspace.deliver_to(f"http://127.0.0.1:{json.loads(ready)['port']}/slack/events")
        yield workspace
        app.stdin.close()
        await asyncio.wait_for(app.communicate(), 30)


async def test_messages_threads_metadata_and_history(workspace: LocalWorkspace) -> None:
    person = workspace.person("participant-tokyo")

    said = await person.say("bot", "hello there")
    answer = await person.sees("hello <@U0PART0TOKYO>")
    assert answer["thread_ts"] == said["ts"]
    assert answer["metadata"] == {"event_type": "greeting", "event_payload": {"id": "7"}}
    for text in ("one", "two", "three", "history"):
        await person.say("bot", text)
    assert (await person.sees("seen "))["text"] == "seen 5: hello there/-"


async def test_mentions_actions_options_and_response_urls(workspace: LocalWorkspace) -> None:
    person = workspace.person("participant-paris")

    said = await person.say(PARTICIPANTS, "@workshop help")
    card = await person.sees("press", PARTICIPANTS)
    assert card["thread_ts"] == said["ts"]
    [parent] = person.messages(PARTICIPANTS)
    assert parent["reactions"][0]["name"] == "eyes"
    wish = {"channel": PARTICIPANTS, "ts": card["ts"], "action_id": "pick", "query": "Sp"}
    assert (await workspace.deeds.suggest(person.account, wish))["options"][0]["text"]["text"] == "Sp!"
    report = await person.click("press", channel=PARTICIPANTS, ts=card["ts"])
    assert report["acknowledged"]
    assert await person.sees("pressed 42 by participant-paris", PARTICIPANTS)


async def test_commands(workspace: LocalWorkspace) -> None:
    person = workspace.person("participant-delhi")

    report = await person.command("/workshop ask @moderator-geneva", PARTICIPANTS)
    assert report["acknowledged"]
    told = await person.sees("<@U0MOD0GENEVA|moderator-geneva>", PARTICIPANTS)
    assert told["ephemeral"]
    later = await workspace.person("participant-paris").sees("and later", PARTICIPANTS)
    assert not later["ephemeral"]
    workspace.sockets.ack_seconds = 1.0
    silent = await person.command("/workshop silent")
    assert silent["acknowledged"] is False


async def test_files(workspace: LocalWorkspace) -> None:
    person = workspace.person("participant-delhi")

    await person.command("/workshop file", PARTICIPANTS)

    message = await person.sees("Here", PARTICIPANTS)
    assert message["files"][0]["name"] == "notes.txt"


async def test_shortcuts_and_modals(workspace: LocalWorkspace) -> None:
    person = workspace.person("participant-nairobi")
    said = await person.say(PARTICIPANTS, "a thought")

    await person.message_shortcut("ask", PARTICIPANTS, said["ts"])
    assert await workspace.wait_for(person.views)
    assert person.views()[0]["private_metadata"] == "a thought"
    wrong = await person.submit({"q": "wrong"})
    assert wrong["errors"] == {"q": "Not like this."}
    updated = await person.submit({"q": "update"})
    assert [block["block_id"] for block in updated["view"]["blocks"]] == ["q", "more"]
    pushed = await person.submit({"q": "push"})
    assert pushed["view"]["callback_id"] == "second"
    cleared = await person.submit({"r": "fine"})
    assert cleared["view"] is None
    assert await person.sees("both done")

    await person.shortcut("ask")
    assert await workspace.wait_for(person.views)
    await person.close_view(all_=True)
    assert await person.sees("closed, cleared true")


async def test_home_and_reactions(workspace: LocalWorkspace) -> None:
    person = workspace.person("participant-auckland")

    for words in ("welcome", "welcome back"):
        await person.open_home()

        def shown(words: str = words) -> bool:
            home = person.home()
            return home is not None and home["blocks"][0]["text"]["text"] == words

        assert await workspace.wait_for(shown)
    said = await person.say(PARTICIPANTS, "react to me")
    await person.react(PARTICIPANTS, said["ts"], "tada")
    assert (await person.sees("thanks for :tada:", PARTICIPANTS))["ephemeral"]


async def test_it_comes_back_after_a_disconnect(
    workspace: LocalWorkspace, request: pytest.FixtureRequest
) -> None:
    """Whatever becomes of its socket, the app hears what was said meanwhile."""
    person = workspace.person("participant-new-york")
    if workspace.sockets.is_open:
        await workspace.sockets.close()
        assert await workspace.wait_for(lambda: not workspace.sockets.is_open)

    await person.say("bot", "hello again")

    assert await person.sees("hello <@U0PART0NEWYORK>", seconds=30)
