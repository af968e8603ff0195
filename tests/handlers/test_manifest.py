"""The manifest asks for what the code uses: every event, scope, command and shortcut, and not one more."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.config import Config
from bot.rehearsal.methods import METHODS
from handlers.commands import COMMAND
from handlers.manifest import EVENTS, SCOPES, manifest

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT.parent / "shared" / "data" / "slack-manifest.schema.2.0.0.json"
CODE = [
    *(ROOT / "handlers").rglob("*.py"),
    *(ROOT / "bot" / "delivery").rglob("*.py"),
    ROOT / "bot" / "app.py",
]
# What Slack wants for an event; for the last two one of the scopes is enough (Slack, "Events").
EVENT_SCOPES: dict[str, set[str]] = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "message.im": {"im:history"},
    "reaction_added": {"reactions:read"},
    "reaction_removed": {"reactions:read"},
    "member_joined_channel": {"channels:read", "groups:read"},
    "member_left_channel": {"channels:read", "groups:read"},
}


def calls() -> list[ast.Call]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in CODE]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def registered(kind: str) -> set[str]:
    """The names given to `app.<kind>(…)`, as the handlers write them."""
    return {
        ast.unparse(call.args[0]).strip("'")
        for call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == kind
        and ast.unparse(call.func.value) == "app"
        and call.args
    }


def methods() -> set[str]:
    """The Web API methods that the code calls on a client, by Slack's names."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in CODE]
    used = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("client")
    }
    named = {name.replace(".", "_"): name for name in METHODS}
    if "files_upload_v2" in used:  # what the SDK makes of it
        used = used - {"files_upload_v2"} | {"files_getUploadURLExternal", "files_completeUploadExternal"}
    unknown = {name for name in used - set(named) if "_" in name and hasattr(AsyncWebClient, name)}
    assert not unknown, "the local workspace does not know them"
    return {named[name] for name in used & set(named)}


def test_the_events_are_those_that_are_listened_for() -> None:
    assert {event.partition(".")[0] for event in EVENTS} == registered("event")
    assert sorted(set(EVENTS)) == EVENTS


def test_the_scopes_are_those_that_are_needed() -> None:
    per_method = {name: set(METHODS[name].scopes) for name in methods() if METHODS[name].scopes}
    for name, enough in per_method.items():
        assert enough & set(SCOPES), f"{name} needs one of {enough}"
    needed = {"commands"}.union(*per_method.values(), *(EVENT_SCOPES[event] for event in EVENTS))
    # Channels are read about where config.toml names them; direct messages and group messages never are.
    assert set(SCOPES) - (needed - {"im:read", "mpim:read"}) == set()


def test_the_command_and_the_shortcuts_are_those_that_are_answered(config: Config) -> None:
    features = manifest(config, "socket")["features"]
    assert [command["command"] for command in features["slash_commands"]] == [COMMAND]
    assert registered("command") == {"commands.COMMAND"}
    assert {each["type"] for each in features["shortcuts"]} == {"global", "message"}
    assert len(registered("shortcut")) == len(features["shortcuts"])


@pytest.mark.parametrize(("mode", "url"), [("socket", None), ("http", "https://bot.example.org/")])
def test_it_fits_slack_s_schema(config: Config, mode: Any, url: str | None) -> None:
    if not SCHEMA.exists():
        pytest.skip(f"Slack's manifest schema is not at ../{SCHEMA.relative_to(ROOT.parent)}")
    made = manifest(config, mode, url)
    jsonschema.validate(made, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert made["settings"]["socket_mode_enabled"] is (mode == "socket")


def test_over_http_every_entry_has_the_request_url(config: Config) -> None:
    made = json.dumps(manifest(config, "http", "https://bot.example.org/"))
    assert made.count("https://bot.example.org/slack/events") == 3
    with pytest.raises(ValueError, match="https"):
        manifest(config, "http", "http://bot.example.org")


def test_long_titles_keep_to_slack_s_limits(config: Config) -> None:
    workshop = config.workshop.model_copy(update={"title": "x" * 500, "short_title": ""})
    made = manifest(config.model_copy(update={"workshop": workshop}), "socket")["display_information"]
    assert len(made["name"]) <= 35
    assert len(made["description"]) <= 140
