"""A small Bolt app that uses every surface the page draws; the browser tests act on it."""

from __future__ import annotations

from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

START = 1764075600  # 25 November 2025, 14:00 CET
MODERATORS = "C0MODERATORS"

MANIFEST: dict[str, Any] = {
    "features": {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "bot_user": {"display_name": "workshop"},
        "slash_commands": [
            {
                "command": "/workshop",
                "description": "Ask the workshop",
                "usage_hint": "ask …",
                "should_escape": True,
            }
        ],
        "shortcuts": [
            {
                "name": "Ask the panel",
                "type": "global",
                "callback_id": "ask",
                "description": "Put a question",
            },
            {
                "name": "Send to the panel",
                "type": "message",
                "callback_id": "ask",
                "description": "This message",
            },
        ],
    },
    "oauth_config": {"scopes": {"bot": ["chat:write", "pins:write", "im:write", "channels:history"]}},
    "settings": {"event_subscriptions": {"bot_events": ["message.im", "app_home_opened", "app_mention"]}},
}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str) -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def button(text: str, action_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": "1", **fields}


def field(block_id: str, label: str, element: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, **fields}


CHOICES = [option("Launch", "launch"), option("Discussion", "discussion")]
ALL_INPUTS = [
    field("words", "Your question", {"type": "plain_text_input", "action_id": "a", "multiline": True}),
    field("one", "Segment", {"type": "static_select", "action_id": "a", "options": CHOICES}, optional=True),
    field(
        "many", "Topics", {"type": "multi_static_select", "action_id": "a", "options": CHOICES}, optional=True
    ),
    field("who", "Colleague", {"type": "users_select", "action_id": "a"}, optional=True),
    field("where", "Channel", {"type": "conversations_select", "action_id": "a"}, optional=True),
    field(
        "radio", "Priority", {"type": "radio_buttons", "action_id": "a", "options": CHOICES}, optional=True
    ),
    field("boxes", "Also", {"type": "checkboxes", "action_id": "a", "options": CHOICES}, optional=True),
    field("day", "Day", {"type": "datepicker", "action_id": "a"}, optional=True),
    field("time", "Time", {"type": "timepicker", "action_id": "a"}, optional=True),
    field("moment", "Moment", {"type": "datetimepicker", "action_id": "a"}, optional=True),
    field("paper", "Paper", {"type": "file_input", "action_id": "a"}, optional=True),
    field("mail", "Address", {"type": "email_text_input", "action_id": "a"}, optional=True),
    field("link", "Link", {"type": "url_text_input", "action_id": "a"}, optional=True),
    field(
        "count",
        "Number",
        {"type": "number_input", "action_id": "a", "is_decimal_allowed": False},
        optional=True,
    ),
    field(
        "find",
        "Speaker",
        {"type": "external_select", "action_id": "find", "min_query_length": 1},
        optional=True,
    ),
]


def modal(callback_id: str, title: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    view = {"type": "modal", "callback_id": callback_id, "title": plain(title), "blocks": list(blocks)}
    return view | {"submit": plain("Send"), "close": plain("Cancel")}


def answer_blocks() -> list[dict[str, Any]]:
    when = f"*It starts* <!date^{START}^{{date_num}} {{time}}|25 November 2025, 14:00 CET> (14:00 CET)"
    return [
        {"type": "section", "text": mrkdwn(when), "accessory": button("More", "more")},
        {"type": "context", "elements": [mrkdwn("the invitation letter, paragraph 1")]},
    ]


def card(text: str, state: str) -> list[dict[str, Any]]:
    confirm = {
        "title": plain("Decline it?"),
        "text": plain("Its author is told."),
        "confirm": plain("Decline"),
    }
    words = {"type": "rich_text_quote", "elements": [{"type": "text", "text": text}]}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain("A question")},
        {"type": "rich_text", "elements": [words]},
        {"type": "context", "elements": [mrkdwn(f"state: *{state}*")]},
    ]
    if state == "waiting":
        elements = [
            button("Approve", "approve", style="primary"),
            button("Not now", "decline", style="danger", confirm=confirm | {"deny": plain("Keep")}),
            {
                "type": "static_select",
                "action_id": "move",
                "placeholder": plain("Move to"),
                "options": CHOICES,
            },
            {
                "type": "overflow",
                "action_id": "other",
                "options": [option("Merge", "merge"), option("Hide", "hide")],
            },
        ]
        blocks.append({"type": "actions", "block_id": "decide", "elements": elements})
    return blocks


def build(client: AsyncWebClient, heard: list[tuple[str, Any]]) -> AsyncApp:
    """The app. What it hears of clicks and submissions is added to `heard`."""
    app = AsyncApp(client=client, process_before_response=True, attaching_conversation_kwargs_enabled=False)
    cards: dict[str, str] = {}

    @app.event("message")
    async def answer(event: dict[str, Any], client: AsyncWebClient) -> None:
        if "subtype" not in event:
            await client.chat_postMessage(
                channel=event["channel"], thread_ts=event["ts"], text="It starts", blocks=answer_blocks()
            )

    @app.command("/workshop")
    async def command(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"You said: {command['text']}")

    @app.shortcut("ask")
    async def ask(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        first = {**ALL_INPUTS[0], "element": dict(ALL_INPUTS[0]["element"])}
        if "message" in body:
            first["element"]["initial_value"] = body["message"]["text"]
        view = modal("question", "Ask the panel", first, *ALL_INPUTS[1:])
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @app.options("find")
    async def find(ack: Any, payload: dict[str, Any]) -> None:
        await ack(options=[option(f"{payload['value']} found", "7")])

    @app.view("question")
    async def submitted(ack: Any, view: dict[str, Any], client: AsyncWebClient) -> None:
        values = view["state"]["values"]
        heard.append(("question", values))
        text = values["words"]["a"]["value"]
        if "wrong" in text:
            await ack(response_action="errors", errors={"words": "Please ask a question."})
        elif "push" in text:
            note = {"type": "section", "text": mrkdwn("Are you sure?")}
            await ack(response_action="push", view=modal("sure", "Sure?", note))
        else:
            await ack()
            posted = await client.chat_postMessage(
                channel=MODERATORS, text="A question", blocks=card(text, "waiting")
            )
            cards[posted["ts"]] = text

    @app.view("sure")
    async def sure(ack: Any) -> None:
        await ack(response_action="clear")

    @app.action("approve")
    @app.action("decline")
    async def decide(ack: Any, body: dict[str, Any], action: dict[str, Any], client: AsyncWebClient) -> None:
        heard.append((action["action_id"], body["user"]["id"]))
        await ack()
        ts, state = body["message"]["ts"], {"approve": "approved", "decline": "declined"}[action["action_id"]]
        await client.chat_update(channel=MODERATORS, ts=ts, text="A question", blocks=card(cards[ts], state))

    @app.action("move")
    @app.action("other")
    @app.action("more")
    @app.action("lead")
    @app.action("find")
    async def note(ack: Any, action: dict[str, Any]) -> None:
        heard.append((action["action_id"], (action.get("selected_option") or action).get("value")))
        await ack()

    @app.action("decide")
    async def old(ack: Any, action: dict[str, Any]) -> None:
        heard.append(("decide", (action.get("selected_options") or [action])[0]["value"]))
        await ack()

    @app.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        menu = {
            "type": "static_select",
            "action_id": "lead",
            "placeholder": plain("Remind me"),
            "options": CHOICES,
        }
        blocks = [
            {"type": "header", "text": plain("The workshop")},
            {"type": "section", "fields": [mrkdwn("*Where*\nvirtual"), mrkdwn("*Cost*\nfree")]},
            {"type": "divider"},
            {"type": "actions", "elements": [button("More", "more"), menu]},
        ]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    return app
