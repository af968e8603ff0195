"""A start that cannot come to good does not begin: each reason is one sentence with its remedy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import app as composition
from bot.clock import SimulatedClock
from bot.commands import joining
from bot.config import Config, Environment
from bot.errors import ConfigError, StoreError
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.store.engine import Database
from handlers.manifest import SCOPES, manifest
from tests.conftest import NOW, WORKSHOP
from tests.test_main import elsewhere, run  # noqa: F401 - fixtures


@pytest.fixture
async def workspace(config: Config) -> AsyncIterator[LocalWorkspace]:
    made = manifest(config, "socket")
    async with LocalWorkspace(config, SimulatedClock(NOW, speed=0), manifest=made) as workspace:
        yield workspace


async def start(config: Config, workspace: LocalWorkspace, path: Path, **changes: Any) -> None:
    given = {
        "bot_token": workspace.bot_token,
        "app_token": workspace.app_token,
        "api_url": workspace.api_url,
        "listen": "127.0.0.1:0",
    }
    database = Database(f"sqlite:///{path}/workshop.sqlite3", WORKSHOP)
    environment = Environment(**given | changes)
    async with composition.running(config, environment, database, workspace.clock, mode="live"):
        pass


async def test_a_right_start_begins_and_ends(
    config: Config, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    await start(config, workspace, tmp_path)
    await start(config, workspace, tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bot_token": "xoxb-wrong-12345678"}, r"SLACK_BOT_TOKEN: Slack refuses it \(invalid_auth\)"),
        ({"app_token": "xapp-1-A0-wrong-12345678"}, r"SLACK_APP_TOKEN: Slack refuses it \(invalid_auth\)"),
        ({"listen": "203.0.113.1:80"}, "WORKSHOP_LISTEN: cannot listen on '203.0.113.1:80'"),
        ({"listen": "127.0.0.1:many"}, "WORKSHOP_LISTEN: cannot listen on '127.0.0.1:many'"),
        ({"listen": "127.0.0.1:99999"}, "WORKSHOP_LISTEN: cannot listen on '127.0.0.1:99999'"),
    ],
)
async def test_a_wrong_setting_stops_it(
    config: Config, workspace: LocalWorkspace, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        await start(config, workspace, tmp_path, **changes)


async def test_a_channel_that_is_missing_or_not_joined_stops_it(
    config: Config, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    channels = {channel.name: channel for channel in workspace.state.channels.values()}
    channels["ict-footprint-moderators"].name = "renamed"
    channels["ict-footprint-workshop"].members.remove(BOT_USER)
    with pytest.raises(ConfigError) as stopped:
        await start(config, workspace, tmp_path)
    assert [mistake.key for mistake in stopped.value.mistakes] == [
        "channels (#ict-footprint-moderators)",
        "channels.participants",
    ]


async def test_an_app_that_may_not_post_does_not_start(config: Config, tmp_path: Path) -> None:
    made = manifest(config, "socket")
    made["oauth_config"]["scopes"]["bot"].remove("chat:write")
    async with LocalWorkspace(config, SimulatedClock(NOW, speed=0), manifest=made) as workspace:
        with pytest.raises(ConfigError, match="it lacks chat:write; update the app's manifest"):
            await start(config, workspace, tmp_path)


async def test_a_scope_that_is_missing_stops_it(config: Config, tmp_path: Path) -> None:
    made = manifest(config, "socket")
    made["oauth_config"]["scopes"]["bot"] = [scope for scope in SCOPES if not scope.endswith(":read")]
    async with LocalWorkspace(config, SimulatedClock(NOW, speed=0), manifest=made) as workspace:
        with pytest.raises(ConfigError, match="missing_scope"):
            await start(config, workspace, tmp_path)


async def test_a_database_of_the_other_mode_and_a_folder_that_is_not_there_stop_it(
    config: Config, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="the database cannot be used"):
        await start(config, workspace, tmp_path / "nowhere")
    rehearsed = Database(f"sqlite:///{tmp_path}/workshop.sqlite3", WORKSHOP)
    await rehearsed.prepare("rehearsal", now=NOW)
    await rehearsed.close()
    with pytest.raises(StoreError, match="made by a rehearsal run"):
        await start(config, workspace, tmp_path)


def test_swapped_tokens_are_seen_before_slack_is_asked(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xapp-1-A0-12345678-abc")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xoxb-12345678-abc")
    status, _, err = run("run")
    assert status == 2
    assert "SLACK_BOT_TOKEN: it looks like an app-level token" in err
    assert "SLACK_APP_TOKEN: it looks like a bot token" in err
    assert "12345678" not in err


@pytest.mark.parametrize("spelling", ["sqlite:///{path}", "sqlite+aiosqlite:///{path}?timeout=5"])
def test_a_second_run_on_one_sqlite_file_is_refused_however_it_is_spelt(
    tmp_path: Path, spelling: str
) -> None:
    (tmp_path / "beside").symlink_to(tmp_path)
    first = Database(f"sqlite:///{tmp_path}/workshop.sqlite3", WORKSHOP)
    second = Database(spelling.format(path=tmp_path / "beside" / "workshop.sqlite3"), WORKSHOP)
    with joining.only_one(first), pytest.raises(StoreError, match="another `workshop-bot run`"):
        joining.only_one(second).__enter__()
    with joining.only_one(second):
        pass


def test_replicas_on_postgresql_are_not_refused() -> None:
    shared = Database("postgresql://somewhere/workshop", WORKSHOP)
    with joining.only_one(shared), joining.only_one(shared):
        pass
