"""The interaction payloads the app receives (reference: "Interaction payloads", slash commands)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.rehearsal import inputs
from bot.rehearsal.attachments import blocks_of
from bot.rehearsal.blockkit import elements_of
from bot.rehearsal.state import APP_ID, TEAM_DOMAIN, TEAM_ID, Channel, Json, Member, Message, View

if TYPE_CHECKING:
    from bot.rehearsal.deeds import Deeds

__all__ = [
    "closed",
    "command",
    "common",
    "elements_of",
    "interactive_message",
    "message_action",
    "message_block_action",
    "shortcut",
    "submission",
    "suggestion",
    "view_action",
]

VERIFICATION_TOKEN = "rehearsal-verification-token"  # noqa: S105 - the legacy field; it protects nothing


def common(deeds: Deeds, user: Member, channel: Channel | None = None) -> Json:
    """What every interaction carries; `channel` is where it happens, if anywhere."""
    return {
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "trigger_id": deeds.views.trigger(user.id, channel.id if channel else ""),
    }


def command(deeds: Deeds, user: Member, channel: Channel, name: str, text: str) -> Json:
    """A slash command's fields."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": deeds.response_urls.grant(user.id, channel.id),
        "trigger_id": deeds.views.trigger(user.id, channel.id),
    }


def shortcut(deeds: Deeds, user: Member, callback_id: str) -> Json:
    """A global shortcut."""
    action_ts = deeds.workspace.next_ts()
    return {"type": "shortcut", **common(deeds, user), "callback_id": callback_id, "action_ts": action_ts}


def message_action(deeds: Deeds, user: Member, callback_id: str, channel: Channel, message: Message) -> Json:
    """A message shortcut."""
    return {
        "type": "message_action",
        **common(deeds, user, channel),
        "callback_id": callback_id,
        "action_ts": deeds.workspace.next_ts(),
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "message_ts": message.ts,
        "message": deeds.workspace.message_dict(message),
        "response_url": deeds.response_urls.grant(user.id, channel.id),
    }


def message_block_action(
    deeds: Deeds,
    user: Member,
    channel: Channel,
    message: Message,
    action: Json,
    attachment: Json | None = None,
) -> Json:
    """A click in a message, or in an attachment of one; an ephemeral one comes without `message`."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.only_for is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    if attachment is not None:
        container |= {
            "type": "message_attachment",
            "attachment_id": attachment["id"],
            "is_app_unfurl": False,
        }
    blocks = [*message.blocks, *(block for _, block in blocks_of(message.attachments))]
    payload: Json = {
        "type": "block_actions",
        **common(deeds, user, channel),
        "container": container,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "state": {"values": inputs.values(blocks, message.state.get(user.id, {}))},
        "response_url": deeds.response_urls.grant(user.id, channel.id, message.ts),
        "actions": [action | {"action_ts": deeds.workspace.next_ts()}],
    }
    if message.only_for is None:
        payload["message"] = deeds.workspace.message_dict(message, metadata=True)
    return payload


def interactive_message(
    deeds: Deeds, user: Member, channel: Channel, message: Message, attachment: Json, action: Json
) -> Json:
    """A press on an old button or menu; an ephemeral message comes without itself."""
    payload: Json = {
        "type": "interactive_message",
        **common(deeds, user, channel),
        "actions": [action],
        "callback_id": str(attachment.get("callback_id") or ""),
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "action_ts": deeds.workspace.next_ts(),
        "message_ts": message.ts,
        "attachment_id": str(attachment["id"]),
        "is_app_unfurl": False,
        "response_url": deeds.response_urls.grant(user.id, channel.id, message.ts),
    }
    if message.only_for is None:
        payload["original_message"] = deeds.workspace.message_dict(message)
    return payload


def view_action(deeds: Deeds, user: Member, view: View, action: Json) -> Json:
    """A click in a modal or on the Home tab."""
    return {
        "type": "block_actions",
        **common(deeds, user),
        "container": {"type": "view", "view_id": view.id},
        "view": view.as_dict(),
        "actions": [action | {"action_ts": deeds.workspace.next_ts()}],
    }


def suggestion(
    deeds: Deeds,
    user: Member,
    block: Json,
    element: Json,
    query: str,
    *,
    view: View | None = None,
    channel: Channel | None = None,
    message: Message | None = None,
) -> Json:
    """What was typed into an external select."""
    payload = {
        "type": "block_suggestion",
        **common(deeds, user),
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": query,
    }
    del payload["trigger_id"]
    if view is not None:
        return payload | {"container": {"type": "view", "view_id": view.id}, "view": view.as_dict()}
    if channel is not None and message is not None:
        payload["container"] = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
        payload["channel"] = {"id": channel.id, "name": channel_name(channel)}
        payload["message"] = deeds.workspace.message_dict(message)
    return payload


def submission(deeds: Deeds, user: Member, view: View) -> Json:
    """A submitted modal, with response URLs for the channel selects that ask for one."""
    urls = []
    for block_id, element in inputs.stateful(view.body["blocks"]):
        state = view.values.get(block_id, {}).get(element["action_id"], {})
        chosen = state.get("selected_conversation") or state.get("selected_channel")
        if element.get("response_url_enabled") and chosen in deeds.workspace.channels:
            url = deeds.response_urls.grant(user.id, chosen)
            place = {"block_id": block_id, "action_id": element["action_id"]}
            urls.append({**place, "channel_id": chosen, "response_url": url})
    return {"type": "view_submission", **common(deeds, user), "view": view.as_dict(), "response_urls": urls}


def closed(deeds: Deeds, user: Member, view: View, *, cleared: bool) -> Json:
    """A closed modal that wanted to be told."""
    payload = {"type": "view_closed", **common(deeds, user), "view": view.as_dict(), "is_cleared": cleared}
    del payload["trigger_id"]
    return payload


def channel_name(channel: Channel) -> str:
    """What payloads call a channel: only public ones by their name."""
    return {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)
