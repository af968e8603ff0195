"""Attachments, the old way to add blocks and buttons to a message, through Bolt over both roads."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp

from bot.rehearsal.server import LocalWorkspace

from .conftest import actions, button, error_of, plain

TOKYO = "U0PART0TOKYO"
PARTICIPANTS = "C0PARTICIPANTS"
OLD = {
    "text": "Shall we?",
    "callback_id": "decide",
    "actions": [
        {"name": "answer", "type": "button", "text": "Yes", "value": "yes"},
        {"name": "answer", "type": "button", "text": "No", "value": "no"},
        {"name": "when", "type": "select", "options": [{"text": "Now", "value": "now"}, 7]},
    ],
}


async def test_the_server_numbers_what_is_inside(app: AsyncApp) -> None:
    unnamed = {"type": "actions", "elements": [{"type": "button", "text": plain("x")}]}
    given = [{"text": "first"}, {"blocks": [unnamed]}, OLD]

    posted = await app.client.chat_postMessage(channel=PARTICIPANTS, text="card", attachments=given)

    first, second, third = posted["message"]["attachments"]
    assert [first["id"], second["id"], third["id"]] == [1, 2, 3]
    assert second["fallback"] == "[no preview available]"
    assert second["blocks"][0]["block_id"]
    assert second["blocks"][0]["elements"][0]["action_id"]
    assert [action["id"] for action in third["actions"]] == ["1", "2", "3"]


@pytest.mark.parametrize("attachment", [{"blocks": [{"type": "nosuch"}]}, {"actions": 1}, {"fields": "x"}])
async def test_what_is_wrong_inside_is_refused(app: AsyncApp, attachment: dict[str, Any]) -> None:
    call = app.client.chat_postMessage(channel=PARTICIPANTS, text="x", attachments=[attachment])

    assert await error_of(call) == "invalid_attachments"


async def test_a_block_inside_is_clicked_like_any_other(app: AsyncApp, workspace: LocalWorkspace) -> None:
    bodies: list[dict[str, Any]] = []

    @app.action("vote")
    async def vote(ack: Any, body: dict[str, Any], respond: Any) -> None:
        bodies.append(body)
        await ack()
        await respond(replace_original="true", text="voted")

    inside = [{"text": "one"}, {"blocks": [actions(button("vote", "42"))]}]
    posted = await app.client.chat_postMessage(channel=PARTICIPANTS, text="vote", attachments=inside)
    person = workspace.person(TOKYO)
    report = await person.click("vote", channel=PARTICIPANTS, ts=posted["ts"])

    assert report["acknowledged"]
    [body] = bodies
    assert body["container"]["type"] == "message_attachment"
    assert body["container"]["attachment_id"] == 2
    assert body["actions"][0]["value"] == "42"
    [message] = person.messages(PARTICIPANTS)
    assert (message["text"], message.get("attachments")) == ("voted", None)


async def test_an_old_button_reaches_the_app_under_its_callback(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    bodies: list[dict[str, Any]] = []

    @app.action("decide")
    async def decide(ack: Any, body: dict[str, Any], respond: Any) -> None:
        bodies.append(body)
        await ack()
        await respond(text="thanks", replace_original=False)

    posted = await app.client.chat_postMessage(channel=PARTICIPANTS, text="card", attachments=[OLD])
    person = workspace.person(TOKYO)
    await person.click("answer", channel=PARTICIPANTS, ts=posted["ts"], value="no")
    await person.click("when", channel=PARTICIPANTS, ts=posted["ts"], value="now")

    pressed, picked = bodies
    assert (pressed["type"], pressed["callback_id"]) == ("interactive_message", "decide")
    assert pressed["actions"] == [{"name": "answer", "type": "button", "value": "no"}]
    assert pressed["attachment_id"] == "1"
    assert pressed["original_message"]["ts"] == posted["ts"]
    assert picked["actions"][0]["selected_options"] == [{"value": "now"}]
    assert [m["text"] for m in person.messages(PARTICIPANTS)] == ["card", "thanks", "thanks"]


async def test_an_old_button_may_be_answered_with_the_message_in_its_place(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    @app.action("decide")
    async def decide(ack: Any) -> None:
        await ack(text="decided")

    posted = await app.client.chat_postMessage(channel=PARTICIPANTS, text="card", attachments=[OLD])
    person = workspace.person(TOKYO)
    await person.click("answer", channel=PARTICIPANTS, ts=posted["ts"], value="yes")

    [message] = person.messages(PARTICIPANTS)
    assert message["text"] == "decided"
