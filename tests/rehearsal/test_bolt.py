"""Bolt for Python, unmodified, over Socket Mode and over signed HTTP: everything people can do."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp

from bot.rehearsal.reach import DeedError
from bot.rehearsal.server import LocalWorkspace

from .conftest import actions, button, modal, plain, settled, text_input

TOKYO = "U0PART0TOKYO"
PARTICIPANTS = "C0PARTICIPANTS"


async def test_a_direct_message_is_answered_in_its_thread(app: AsyncApp, workspace: LocalWorkspace) -> None:
    heard: list[str] = []

    @app.event("message")
    async def answer(event: dict[str, Any], say: Any) -> None:
        heard.append(event["text"])
        await say(text="Tuesday", thread_ts=event["ts"])

    person = workspace.person(TOKYO)
    said = await person.say("bot", "when & where <b>?")
    await settled(workspace)

    thread = person.thread("bot", said["ts"])
    assert [message["text"] for message in thread] == ["when &amp; where &lt;b&gt;?", "Tuesday"]
    assert heard == ["when &amp; where &lt;b&gt;?"]  # the bot's own message came too, and Bolt dropped it
    own = [e for e in workspace.log.entries(kind="ack") if e["what"] == "message"]
    assert len(own) == 2


async def test_a_mention_reaches_the_app_where_it_is_a_member(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    heard: list[dict[str, Any]] = []

    @app.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        heard.append(event)

    person = workspace.person(TOKYO)
    await person.say(PARTICIPANTS, "@workshop when?")
    await person.say("lobby", "@workshop when?")
    await settled(workspace)

    [event] = heard
    assert event["text"] == "<@U0WORKSHOPBOT> when?"
    assert event["channel"] == PARTICIPANTS
    assert "channel_type" not in event


async def test_a_command_may_answer_with_its_acknowledgement(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    @app.command("/workshop")
    async def command(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"{command['channel_name']}: {command['text']}")

    person = workspace.person(TOKYO)
    in_channel = await person.command("/workshop ask @moderator-geneva", PARTICIPANTS)
    await person.command("/workshop now")

    assert in_channel["acknowledged"]
    [told] = person.messages(PARTICIPANTS)
    assert told["text"] == "ict-footprint-workshop: ask <@U0MOD0GENEVA|moderator-geneva>"
    assert told["ephemeral"]
    assert [message["text"] for message in person.messages("bot")] == ["directmessage: now"]


async def test_a_broken_command_is_shown_as_such(app: AsyncApp, workspace: LocalWorkspace) -> None:
    workspace.sockets.ack_seconds = 0.3

    @app.command("/workshop")
    async def command() -> None:
        raise RuntimeError("broken on purpose")

    report = await workspace.person(TOKYO).command("/workshop now")

    assert report["acknowledged"] is False
    assert "did not respond" in workspace.person(TOKYO).messages("bot")[0]["text"]


async def test_response_url_answers_replaces_and_deletes(app: AsyncApp, workspace: LocalWorkspace) -> None:
    person = workspace.person(TOKYO)
    statuses: list[int] = []

    @app.command("/workshop")
    async def command(ack: Any, respond: Any) -> None:
        await ack()
        statuses.extend([(await respond(f"answer {index}")).status_code for index in range(6)])

    @app.action("replace")
    async def replace(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="replaced", replace_original=True)

    @app.action("delete")
    async def delete(ack: Any, respond: Any) -> None:
        await ack()
        await respond(delete_original=True)

    await person.command("/workshop now", PARTICIPANTS)
    assert statuses == [200] * 5 + [404]
    assert [m["text"] for m in person.messages(PARTICIPANTS)] == [f"answer {index}" for index in range(5)]

    posted = await app.client.chat_postEphemeral(
        channel=PARTICIPANTS, user=TOKYO, text="press", blocks=[actions(button("replace"))]
    )
    await person.click("replace", channel=PARTICIPANTS, ts=posted["message_ts"])
    assert person.messages(PARTICIPANTS)[-1]["text"] == "replaced"

    second = await app.client.chat_postMessage(
        channel=PARTICIPANTS, text="x", blocks=[actions(button("delete"))]
    )
    await person.click("delete", channel=PARTICIPANTS, ts=second["ts"])
    assert second["ts"] not in [m["ts"] for m in person.messages(PARTICIPANTS)]


async def test_a_response_url_ends_after_half_an_hour(
    app: AsyncApp, workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    url = workspace.response_urls.grant(TOKYO, PARTICIPANTS)
    workspace.clock.jump(workspace.clock.now().replace(minute=31))  # type: ignore[attr-defined]

    async with http.post(url, json={"text": "late"}) as response:
        assert (response.status, (await response.json())["error"]) == (404, "expired_url")


async def test_a_click_brings_message_channel_and_state(app: AsyncApp, workspace: LocalWorkspace) -> None:
    bodies: list[dict[str, Any]] = []

    @app.action("vote")
    async def vote(ack: Any, body: dict[str, Any]) -> None:
        bodies.append(body)
        await ack()

    @app.action("choice")
    async def choice(ack: Any) -> None:
        await ack()

    menu = {
        "type": "static_select",
        "action_id": "choice",
        "options": [{"text": plain("One"), "value": "1"}, {"text": plain("Two"), "value": "2"}],
    }
    blocks = [actions(button("vote", "42"), menu, block_id="row")]
    posted = await app.client.chat_postMessage(channel=PARTICIPANTS, text="vote", blocks=blocks)
    person = workspace.person(TOKYO)
    await person.click("choice", channel=PARTICIPANTS, ts=posted["ts"], value="2")
    report = await person.click("vote", channel=PARTICIPANTS, ts=posted["ts"])

    assert report["acknowledged"]
    [body] = bodies
    assert body["user"]["id"] == TOKYO
    assert body["channel"] == {"id": PARTICIPANTS, "name": "ict-footprint-workshop"}
    assert body["message"]["ts"] == posted["ts"]
    assert body["actions"][0]["value"] == "42"
    assert body["actions"][0]["block_id"] == "row"
    assert body["state"]["values"]["row"]["choice"]["selected_option"]["value"] == "2"
    with pytest.raises(DeedError, match="no option"):
        await person.click("choice", channel=PARTICIPANTS, ts=posted["ts"], value="3")
    with pytest.raises(DeedError, match="no element"):
        await person.click("nothing", channel=PARTICIPANTS, ts=posted["ts"])


async def test_a_click_on_an_ephemeral_message_brings_no_message(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    bodies: list[dict[str, Any]] = []

    @app.action("vote")
    async def vote(ack: Any, body: dict[str, Any]) -> None:
        bodies.append(body)
        await ack()

    posted = await app.client.chat_postEphemeral(
        channel=PARTICIPANTS, user=TOKYO, text="vote", blocks=[actions(button("vote"))]
    )
    ts = posted["message_ts"]
    await workspace.person(TOKYO).click("vote", channel=PARTICIPANTS, ts=ts)

    [body] = bodies
    assert "message" not in body
    assert body["container"]["is_ephemeral"] is True
    with pytest.raises(DeedError, match="sees no such message"):
        await workspace.person("moderator-geneva").click("vote", channel=PARTICIPANTS, ts=ts)


async def test_shortcuts_global_and_on_a_message(app: AsyncApp, workspace: LocalWorkspace) -> None:
    bodies: list[dict[str, Any]] = []

    @app.shortcut("ask")
    async def ask(ack: Any, body: dict[str, Any], client: Any) -> None:
        bodies.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=modal("asked", text_input("q")))
        await ack()

    person = workspace.person(TOKYO)
    said = await person.say(PARTICIPANTS, "a thought")
    from_menu = await person.shortcut("ask")
    on_message = await person.message_shortcut("ask", PARTICIPANTS, said["ts"])

    assert [body["type"] for body in bodies] == ["shortcut", "message_action"]
    assert bodies[1]["message"]["text"] == "a thought"
    assert bodies[1]["channel"]["id"] == PARTICIPANTS
    assert from_menu["view"]["callback_id"] == on_message["view"]["callback_id"] == "asked"


async def test_a_modal_shows_errors_updates_pushes_and_clears(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    @app.shortcut("open")
    async def opened(ack: Any, body: dict[str, Any], client: Any) -> None:
        await client.views_open(
            trigger_id=body["trigger_id"],
            view=modal("first", text_input("q"), text_input("note", multiline=True) | {"optional": True}),
        )
        await ack()

    @app.view("first")
    async def first(ack: Any, view: dict[str, Any]) -> None:
        assert view["state"]["values"]["note"]["note-text"] == {"type": "plain_text_input", "value": None}
        match view["state"]["values"]["q"]["q-text"]["value"]:
            case "wrong":
                await ack(response_action="errors", errors={"q": "Not like this."})
            case "unknown":
                await ack(response_action="errors", errors={"nowhere": "Not like this."})
            case "update":
                await ack(response_action="update", view=modal("first", text_input("q"), text_input("note")))
            case "push":
                await ack(response_action="push", view=modal("second", text_input("r")))

    @app.view("second")
    async def second(ack: Any) -> None:
        await ack(response_action="clear")

    person = workspace.person(TOKYO)
    view = (await person.shortcut("open"))["view"]

    empty = await person.submit({"q": ""})
    assert (empty["sent"], empty["errors"]) == (False, {"q": "Please complete this required field."})
    wrong = await person.submit({"q": "wrong"})
    assert (wrong["acknowledged"], wrong["errors"]) == (True, {"q": "Not like this."})
    unknown = await person.submit({"q": "unknown"})
    assert "nowhere" in unknown["complaint"]
    assert person.views()[0]["state"]["values"]["q"]["q-text"]["value"] == "unknown"  # the text is kept

    updated = await person.submit({"q": "update"})
    assert updated["view"]["id"] == view["id"]
    assert updated["view"]["hash"] != view["hash"]
    assert updated["view"]["state"]["values"]["q"]["q-text"]["value"] == "update"
    await person.close_view()
    await person.shortcut("open")
    pushed = await person.submit({"q": "push"})
    assert pushed["view"]["callback_id"] == "second"
    assert pushed["view"]["previous_view_id"] == pushed["view"]["root_view_id"]
    with pytest.raises(DeedError, match="another modal"):
        await person.submit({"q": "x"}, view_id=pushed["view"]["root_view_id"])
    cleared = await person.submit({"r": "fine"})
    assert cleared["view"] is None
    assert person.views() == []


async def test_closing_tells_the_app_only_when_it_asked(app: AsyncApp, workspace: LocalWorkspace) -> None:
    told: list[tuple[str, bool]] = []

    @app.shortcut("open")
    async def opened(ack: Any, body: dict[str, Any], client: Any) -> None:
        view = modal("first", {"type": "divider"}, actions(button("deeper")), notify_on_close=True)
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @app.action("deeper")
    async def deeper(ack: Any, body: dict[str, Any], client: Any) -> None:
        await client.views_push(trigger_id=body["trigger_id"], view=modal("second", {"type": "divider"}))
        await ack()

    @app.view_closed("first")
    async def closed(ack: Any, body: dict[str, Any], view: dict[str, Any]) -> None:
        told.append((view["callback_id"], body["is_cleared"]))
        await ack()

    person = workspace.person(TOKYO)
    view = (await person.shortcut("open"))["view"]
    pushed = await person.click("deeper", view_id=view["id"])
    assert pushed["view"]["callback_id"] == "second"
    back = await person.close_view()
    assert back["view"]["callback_id"] == "first"
    assert told == []
    await person.close_view(all_=True)
    assert told == [("first", True)]


async def test_options_are_suggested_while_typing(app: AsyncApp, workspace: LocalWorkspace) -> None:
    menu = {"type": "external_select", "action_id": "who", "min_query_length": 1}

    @app.options("who")
    async def who(ack: Any, payload: dict[str, Any]) -> None:
        await ack(options=[{"text": plain(f"{payload['value']} One"), "value": "1"}])

    posted = await app.client.chat_postMessage(
        channel=PARTICIPANTS, text="x", blocks=[actions(menu, block_id="b")]
    )
    person = workspace.person(TOKYO)
    wish = {"channel": PARTICIPANTS, "ts": posted["ts"], "action_id": "who", "query": "Sp"}
    report = await workspace.deeds.suggest(person.account, wish)

    assert report["options"] == [{"text": plain("Sp One"), "value": "1"}]


async def test_the_home_tab_is_published_and_its_hash_guards_it(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    views: list[Any] = []
    home = {
        "type": "home",
        "blocks": [{"type": "section", "text": plain("Welcome")}, actions(button("refresh"))],
    }

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any], client: Any) -> None:
        views.append(event.get("view"))
        await client.views_publish(user_id=event["user"], view=home)

    @app.action("refresh")
    async def refresh(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        stale = await client.api_call(
            "views.publish", json={"user_id": TOKYO, "view": home, "hash": body["view"]["hash"]}
        )
        views.append(stale["view"]["hash"])

    person = workspace.person(TOKYO)
    await person.open_home()
    await settled(workspace)
    await person.open_home()
    await settled(workspace)
    assert views[0] is None  # only the second opening knows a view
    assert views[1]["type"] == "home"
    shown = person.home()
    assert shown is not None
    report = await person.click("refresh", view_id=shown["id"])
    assert report["acknowledged"]
    assert views[2] != shown["hash"]
    assert workspace.person("moderator-geneva").home() is None


async def test_reactions_and_membership_raise_events(app: AsyncApp, workspace: LocalWorkspace) -> None:
    heard: list[tuple[str, str]] = []

    @app.event("reaction_added")
    @app.event("reaction_removed")
    @app.event("member_joined_channel")
    @app.event("member_left_channel")
    async def note(event: dict[str, Any]) -> None:
        heard.append((event["type"], event["user"]))

    posted = await app.client.chat_postMessage(channel=PARTICIPANTS, text="x")
    person = workspace.person(TOKYO)
    await person.react(PARTICIPANTS, posted["ts"], "+1")
    await settled(workspace)
    assert (await person.react(PARTICIPANTS, posted["ts"], "+1"))["changed"] is False
    await person.unreact(PARTICIPANTS, posted["ts"], "+1")
    await settled(workspace)
    await person.leave(PARTICIPANTS)
    await settled(workspace)
    await person.join(PARTICIPANTS)
    await settled(workspace)

    kinds = ["reaction_added", "reaction_removed", "member_left_channel", "member_joined_channel"]
    assert heard == [(kind, TOKYO) for kind in kinds]


async def test_a_forged_action_reaches_the_app_as_its_maker_wrote_it(
    app: AsyncApp, workspace: LocalWorkspace
) -> None:
    bodies: list[dict[str, Any]] = []

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any]) -> None:
        bodies.append(body)
        await ack()

    payload = {
        "type": "block_actions",
        "actions": [
            {"type": "button", "action_id": "approve", "block_id": "b", "value": "1", "action_ts": "1.1"}
        ],
        "container": {"type": "message", "message_ts": "1.000000", "channel_id": "C0MODERATORS"},
        "channel": {"id": "C0MODERATORS", "name": "privategroup"},
    }
    report = await workspace.person(TOKYO).forge(payload)

    assert report["acknowledged"]
    assert bodies[0]["user"]["id"] == TOKYO
    assert bodies[0]["channel"]["id"] == "C0MODERATORS"
