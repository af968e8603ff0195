"""`check`: each thing that can be wrong, found and named with its remedy; and content when nothing is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bot import check
from bot.check import Finding, offline, online
from bot.check.online import _skew
from bot.clock import SimulatedClock
from bot.config import Config, Environment, shipped
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.store.engine import Database
from handlers.manifest import SCOPES, manifest
from handlers.slack_faults import reason, remedy
from tests.conftest import NOW, WORKSHOP

TOKENS = {"bot_token": "xoxb-1234567890-abc", "app_token": "xapp-1-A0-1234567890-abc"}


@pytest.fixture
async def workspace(config: Config) -> AsyncIterator[LocalWorkspace]:
    made = manifest(config, "socket")
    async with LocalWorkspace(config, SimulatedClock(NOW, speed=0), manifest=made) as workspace:
        yield workspace


def environment(workspace: LocalWorkspace, **changes: Any) -> Environment:
    given = {
        "bot_token": workspace.bot_token,
        "app_token": workspace.app_token,
        "api_url": workspace.api_url,
    }
    return Environment(**given | changes)


async def asked(config: Config, environment: Environment) -> dict[str, Finding]:
    return {finding.what: finding async for finding in online(config, environment)}


def wrong(findings: dict[str, Finding]) -> dict[str, str]:
    return {what: finding.found for what, finding in findings.items() if finding.level == "error"}


# --- asking Slack ----------------------------------------------------------------------------------------


async def test_a_workspace_that_is_right_is_found_right(config: Config, workspace: LocalWorkspace) -> None:
    found = await asked(config, environment(workspace))
    assert [finding for finding in found.values() if finding.level != "ok"] == []
    assert set(found) == {
        "bot token", "scopes", "channels.participants", "channels.moderators", "channels.organisers",
        "roles.moderators", "roles.organisers", "app token", "app", "clock", "Socket Mode",
    }  # fmt: skip


async def test_tokens_that_slack_refuses(config: Config, workspace: LocalWorkspace) -> None:
    found = await asked(config, environment(workspace, bot_token="xoxb-wrong-1234567890"))
    assert wrong(found) == {"bot token": "auth.test fails: invalid_auth"}
    assert "SLACK_BOT_TOKEN" in found["bot token"].remedy
    found = await asked(config, environment(workspace, app_token="xapp-1-A0-wrong-1234567890"))
    assert list(wrong(found)) == ["app token"]
    assert "SLACK_APP_TOKEN" in found["app token"].remedy
    assert wrong(await asked(config, Environment())) == {"bot token": "SLACK_BOT_TOKEN is not set"}


async def test_slack_that_does_not_answer(config: Config) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/"
        found = await asked(config, Environment(**TOKENS, api_url=url))
    assert "127.0.0.1 cannot be reached" in wrong(found)["bot token"]
    assert "network" in found["bot token"].remedy


async def test_scopes_that_are_missing_or_too_many(config: Config) -> None:
    made = manifest(config, "socket")
    made["oauth_config"]["scopes"]["bot"] = [scope for scope in SCOPES if scope != "pins:write"]
    async with LocalWorkspace(config, SimulatedClock(NOW, speed=0), manifest=made) as workspace:
        assert "pins:write" in wrong(await asked(config, environment(workspace)))["scopes"]
    made["oauth_config"]["scopes"]["bot"] = [*SCOPES, "users:read.email"]
    async with LocalWorkspace(config, SimulatedClock(NOW, speed=0), manifest=made) as workspace:
        found = (await asked(config, environment(workspace)))["scopes"]
        assert (found.level, "users:read.email" in found.found) == ("warning", True)


async def test_channels_that_are_absent_archived_or_not_joined(
    config: Config, workspace: LocalWorkspace
) -> None:
    channels = {channel.name: channel for channel in workspace.state.channels.values()}
    channels["ict-footprint-workshop"].members.remove(BOT_USER)
    channels["ict-footprint-moderators"].archived = True
    channels["ict-footprint-organisers"].name = "renamed"
    found = wrong(await asked(config, environment(workspace)))
    assert found["channels.participants"] == "the bot is not in #ict-footprint-workshop"
    assert "does not see" in found["channel #ict-footprint-moderators"]
    assert "does not see" in found["channel #ict-footprint-organisers"]
    assert found["roles.organisers"] == "nobody holds this role"


async def test_roles_that_cannot_be_read(config: Config, workspace: LocalWorkspace) -> None:
    roles = config.roles.model_copy(update={"moderators": ["S0NOBODY", "#elsewhere"], "organisers": ["U0ME"]})
    findings = [
        finding
        async for finding in online(config.model_copy(update={"roles": roles}), environment(workspace))
        if finding.what.startswith("roles.")
    ]
    errors = [finding.found for finding in findings if finding.level == "error"]
    assert [found.split(":")[0] for found in errors] == [
        "the user group S0NOBODY cannot be read",
        "#elsewhere was not found",
        "nobody holds this role",
    ]
    assert findings[-1] == Finding("ok", "roles.organisers", "1 person")


async def test_tokens_of_two_apps(config: Config, workspace: LocalWorkspace) -> None:
    workspace.app_token = workspace._api.app_token = "xapp-1-A0OTHER-1234567890"
    found = await asked(config, environment(workspace, app_token=workspace.app_token))
    assert "A0OTHER" in wrong(found)["app"]


async def test_the_public_address_is_asked_for_the_bot(config: Config, workspace: LocalWorkspace) -> None:
    found = await asked(config, environment(workspace, public_url=workspace.url))
    assert found["public address"].level == "warning"
    found = await asked(
        config,
        environment(workspace, app_token=None, signing_secret="0" * 32, public_url="https://bot.invalid"),
    )
    assert found["request URL"].found.startswith("https://bot.invalid/slack/events")
    assert "nothing answers there" in found["public address"].found


def test_a_clock_that_is_off() -> None:
    for off, level in ((0, "ok"), (50, "ok"), (90, "error"), (-400, "error")):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=off), usegmt=True)
        assert _skew(date).level == level
    assert _skew(None).level == "warning"


def test_a_certificate_that_is_not_trusted() -> None:
    key: Any = SimpleNamespace(host="slack.com", port=443, is_ssl=True, ssl=True)
    failure = aiohttp.ClientConnectorCertificateError(key, ssl.SSLCertVerificationError("self-signed"))
    assert reason(failure) == "the certificate is not trusted on this machine"
    assert "SSL_CERT_FILE" in remedy(failure, "SLACK_BOT_TOKEN")


# --- looking at this machine -----------------------------------------------------------------------------


async def looked(environment: Environment, url: str) -> dict[str, Finding]:
    return {finding.what: finding async for finding in offline(shipped("config.toml"), environment, url)}


@pytest.mark.parametrize(
    ("given", "key", "found"),
    [
        ({**TOKENS, "bot_token": TOKENS["app_token"]}, "SLACK_BOT_TOKEN", "it looks like an app-level token"),
        ({**TOKENS, "app_token": TOKENS["bot_token"]}, "SLACK_APP_TOKEN", "it looks like a bot token"),
        ({**TOKENS, "bot_token": "xoxp-1234567890"}, "SLACK_BOT_TOKEN", "it looks like a person's token"),
        ({**TOKENS, "bot_token": " xoxb-1234567890"}, "SLACK_BOT_TOKEN", "it has spaces around it"),
        ({**TOKENS, "bot_token": "xoxb-1234…"}, "SLACK_BOT_TOKEN", "it is cut off"),
        ({**TOKENS, "signing_secret": "secret"}, "SLACK_SIGNING_SECRET", "it has another shape than Slack's"),
        ({"bot_token": TOKENS["bot_token"]}, "SLACK_APP_TOKEN", "neither it nor SLACK_SIGNING_SECRET is set"),
        ({**TOKENS, "public_url": "http://bot.example.org"}, "WORKSHOP_PUBLIC_URL", "it is no https address"),
        ({**TOKENS, "public_url": "ftp://bot.example.org"}, "WORKSHOP_PUBLIC_URL", "it is no web address"),
        ({**TOKENS, "public_url": "https://a:b@bot.example.org"}, "WORKSHOP_PUBLIC_URL", "it is no web"),
        ({**TOKENS, "public_url": "https://bot.example.org/?a"}, "WORKSHOP_PUBLIC_URL", "it is no web"),
        ({**TOKENS, "api_url": "slack.example.org"}, "SLACK_API_URL", "it is no web address"),
        ({**TOKENS, "listen": "nowhere"}, "WORKSHOP_LISTEN", "cannot listen on 'nowhere'"),
        ({**TOKENS, "listen": "127.0.0.1:99999"}, "WORKSHOP_LISTEN", "cannot listen on '127.0.0.1:99999'"),
    ],
)
async def test_settings_that_cannot_be_right(
    tmp_path: Path, given: dict[str, str], key: str, found: str
) -> None:
    seen = (await looked(Environment(**given), f"sqlite:///{tmp_path}/new.sqlite3"))[key]
    assert seen.level == "error"
    assert seen.found.startswith(found)
    assert seen.remedy
    for secret in given.values():
        assert secret == given.get("listen") or secret not in f"{seen.found} {seen.remedy}"


async def test_a_database_of_a_rehearsal_and_one_that_is_right(database_url: str) -> None:
    found = await looked(Environment(**TOKENS), database_url)
    assert found["database"].level == "ok"
    assert found["database mode"].level == "error"
    assert found["database writing"].level == "ok"


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    for url, said in (
        (f"sqlite:///{tmp_path}/nowhere/x.sqlite3", "there is no folder"),
        ("postgresql://nobody@127.0.0.1:1/none", "the database cannot be used"),
        ("mysql://x/y", "mysql is not supported"),
        ("nonsense", "no database URL"),
    ):
        found = (await looked(Environment(**TOKENS), url))["database"]
        assert found.level == "error"
        assert said in found.found


async def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "workshop.sqlite3"
    database = Database(f"sqlite:///{path}", WORKSHOP)
    await database.prepare("live", now=NOW)
    async with database.begin() as db:
        await (await db.connection()).exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON stamp BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    await database.close()
    found = (await looked(Environment(**TOKENS), f"sqlite:///{path}"))["database writing"]
    assert (found.level, "disk full" in found.found) == ("error", True)


async def test_a_listen_address_for_everybody_and_a_proxy_for_loopback_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    given = Environment(**TOKENS, listen="0.0.0.0:0", api_url="http://127.0.0.1:1/api/")
    found = await looked(given, f"sqlite:///{tmp_path}/new.sqlite3")
    assert found["WORKSHOP_LISTEN"].level == "warning"
    assert found["HTTPS_PROXY"].level == "warning"


def test_a_finding_prints_as_json() -> None:
    assert check.Finding("ok", "a", "b").as_json() == {"level": "ok", "what": "a", "found": "b", "remedy": ""}
