"""The table of methods is the contract: what is listed is served, under the names Slack's SDK uses."""

from __future__ import annotations

import inspect
import re

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.web import async_client

from bot.rehearsal.methods import METHODS
from bot.rehearsal.server import LocalWorkspace

# What the bot itself calls, and what Slack's clients call on their own.
NEEDED = {
    "apps.connections.open",
    "auth.test",
    "chat.delete",
    "chat.getPermalink",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.update",
    "conversations.history",
    "conversations.info",
    "conversations.list",
    "conversations.members",
    "conversations.open",
    "conversations.replies",
    "files.completeUploadExternal",
    "files.getUploadURLExternal",
    "pins.add",
    "pins.remove",
    "reactions.add",
    "usergroups.users.list",
    "users.info",
    "users.list",
    "views.open",
    "views.publish",
    "views.push",
    "views.update",
}
KNOWN_TO_THE_SDK = set(re.findall(r'api_call\(\s*"([A-Za-z.]+)"', inspect.getsource(async_client)))


def test_every_needed_method_is_listed() -> None:
    assert set(METHODS) >= NEEDED


def test_every_listed_method_is_one_of_slacks() -> None:
    assert set(METHODS) <= KNOWN_TO_THE_SDK


def test_the_table_is_in_order_and_its_scopes_look_like_scopes() -> None:
    assert list(METHODS) == sorted(METHODS)
    for name, method in METHODS.items():
        assert all(re.fullmatch(r"[a-z.]+:[a-z._]+", scope) for scope in method.scopes), name


@pytest.mark.parametrize("name", sorted(METHODS))
async def test_a_listed_method_is_served(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, name: str
) -> None:
    """With no arguments a method succeeds or says in Slack's words what is missing; it never breaks."""
    token = workspace.app_token if METHODS[name].app_token else workspace.bot_token

    async with http.post(workspace.api_url + name, headers={"Authorization": f"Bearer {token}"}) as response:
        answer = await response.json()

    assert response.status == 200
    assert answer.get("error") not in ("unknown_method", "fatal_error", "invalid_auth"), answer


ARGUMENTS = [
    *(
        "channel",
        "text",
        "blocks",
        "ts",
        "thread_ts",
        "metadata",
        "view",
        "view_id",
        "trigger_id",
        "user",
        "users",
    ),
    *(
        "cursor",
        "limit",
        "oldest",
        "latest",
        "types",
        "timestamp",
        "name",
        "files",
        "post_at",
        "length",
        "hash",
    ),
    *(
        "attachments",
        "topic",
        "channel_id",
        "external_id",
        "file",
        "chunks",
        "filename",
        "user_id",
        "markdown_text",
    ),
]
VALUES = st.one_of(
    st.sampled_from(
        ["C0PARTICIPANTS", "U0PART0TOKYO", "D0PART0TOKYO", "1763985600.000000", "1", "", "[]", "{}"]
    ),
    st.text(max_size=30),
    st.integers(-5, 10**12),
    st.none(),
    st.booleans(),
    st.recursive(
        st.none()
        | st.booleans()
        | st.text(max_size=5)
        | st.sampled_from(["section", "plain_text", "actions"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "text", "elements", "blocks", "element", "id", "options"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_arguments_break_a_method(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(METHODS)))
    args = data.draw(st.dictionaries(st.sampled_from(ARGUMENTS), VALUES, max_size=6))
    token = workspace.app_token if METHODS[name].app_token else workspace.bot_token

    async with http.post(
        workspace.api_url + name, json=args, headers={"Authorization": f"Bearer {token}"}
    ) as response:
        answer = await response.json()

    assert answer.get("error") != "fatal_error", (name, args)
