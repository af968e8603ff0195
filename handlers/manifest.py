"""The Slack app manifest, made from what the handlers register and call.

Reference: Slack, "App manifest reference"; the limits and the event-to-scope mapping are theirs.
"""

from __future__ import annotations

from typing import Any, Literal

from bot.config import Config
from bot.rendering import clip
from handlers import panel_answers, questions
from handlers.commands import COMMAND

Mode = Literal["socket", "http"]

# Why the app needs each scope: the methods and events behind it.
SCOPES = {
    "app_mentions:read": "app_mention",
    "channels:history": "conversations.history and .replies: has a post arrived whose answer was lost?",
    "channels:read": "conversations.list and .members: channels by name, roles from membership",
    "chat:write": "chat.postMessage, chat.postEphemeral, chat.update, chat.delete",
    "commands": "/workshop and the shortcuts",
    "files:write": "files.getUploadURLExternal and .completeUploadExternal: the calendar as a file",
    "groups:history": "the same looks in private channels",
    "groups:read": "private channels of moderators and organisers",
    "im:history": "message.im; looks into direct messages",
    "im:write": "conversations.open: to look whether a direct message has arrived, and to send a file there",
    "pins:write": "pins.add and pins.remove: the programme message",
    "reactions:read": "reaction_added and reaction_removed: votes",
    "usergroups:read": "roles from user groups",
    "users:read": "users.info: time zone and name",
}
EVENTS = [
    "app_home_opened",
    "app_mention",
    "member_joined_channel",
    "member_left_channel",
    "message.im",
    "reaction_added",
    "reaction_removed",
]


def manifest(config: Config, mode: Mode, url: str | None = None) -> dict[str, Any]:
    """The manifest for Socket Mode, or for HTTP with the public `url` of the bot.

    Raises ValueError for HTTP without an https address.
    """
    if mode == "http" and not (url or "").startswith("https://"):
        raise ValueError("HTTP needs the bot's public https:// address")
    request_url = f"{(url or '').rstrip('/')}/slack/events"
    title = config.workshop.short_title or config.workshop.title
    settings: dict[str, Any] = {
        "event_subscriptions": {"bot_events": EVENTS},
        "interactivity": {"is_enabled": True},
        "org_deploy_enabled": False,
        "socket_mode_enabled": mode == "socket",
        "token_rotation_enabled": False,
    }
    command = {
        "command": COMMAND,
        "description": "Ask about the workshop, see the programme, put a question to the panel",
        "usage_hint": "ask … | programme | now | question | help",
        "should_escape": True,
    }
    if mode == "http":
        settings["event_subscriptions"]["request_url"] = request_url
        settings["interactivity"]["request_url"] = request_url
        command["url"] = request_url
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": clip(title, 35),
            "description": clip(f"Answers, reminders and Q&A for {title}", 140),
            "background_color": "#1b3a5c",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "workshop", "always_online": True},
            "shortcuts": [
                {
                    "name": "Ask the panel",
                    "type": "global",
                    "callback_id": questions.SHORTCUT,
                    "description": "Put a question to the workshop's panel",
                },
                {
                    "name": "Send to the panel",
                    "type": "message",
                    "callback_id": questions.MESSAGE_SHORTCUT,
                    "description": "Turn this message into a question for the panel",
                },
                {
                    "name": "Mark as the answer",
                    "type": "message",
                    "callback_id": panel_answers.ANSWER_SHORTCUT,
                    "description": "In a question's thread: this message answers it",
                },
            ],
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": settings,
    }
