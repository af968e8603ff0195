"""Pins, reactions and bookmarks."""

from __future__ import annotations

import re

from bot.rehearsal.calls import ApiError, Call, is_ts
from bot.rehearsal.state import APP_ID, BOT_USER, Channel, Json, Message
from bot.rehearsal.workspace import reactions

MOST_PINS = 100
MOST_REACTIONS = 23
MOST_BOOKMARKS = 100


async def pins_add(call: Call) -> Json:
    channel = call.joined()
    message = _item(call, channel)
    if message.pinned_by:
        raise ApiError("already_pinned")
    if sum(1 for each in channel.messages.values() if each.pinned_by) >= MOST_PINS:
        raise ApiError("too_many_pins")
    call.workspace.pin(BOT_USER, message, add=True)
    return {}


async def pins_remove(call: Call) -> Json:
    if not call.workspace.pin(BOT_USER, _item(call, call.joined()), add=False):
        raise ApiError("no_pin")
    return {}


async def pins_list(call: Call) -> Json:
    channel = call.joined()
    pinned = [message for message in channel.messages.values() if message.pinned_by]
    pinned.sort(key=lambda message: max(message.pinned_by.values()), reverse=True)
    return {
        "items": [
            {
                "type": "message",
                "channel": channel.id,
                "created": int(next(iter(message.pinned_by.values()))),
                "created_by": next(iter(message.pinned_by)),
                "message": call.workspace.message_dict(message),
            }
            for message in pinned
        ]
    }


async def reactions_add(call: Call) -> Json:
    name = _emoji(call)
    message = _item(call, call.joined())
    if name not in message.reactions and len(message.reactions) >= MOST_REACTIONS:
        raise ApiError("too_many_reactions")
    if not call.workspace.react(BOT_USER, message, name, add=True):
        raise ApiError("already_reacted")
    return {}


async def reactions_remove(call: Call) -> Json:
    message = _item(call, call.joined())
    if not call.workspace.react(BOT_USER, message, _emoji(call), add=False):
        raise ApiError("no_reaction")
    return {}


async def reactions_get(call: Call) -> Json:
    if not call.text("channel"):
        raise ApiError("no_item_specified")
    channel = call.joined()
    message = _item(call, channel)
    shown = call.workspace.message_dict(message) | {"reactions": reactions(message)}
    return {"type": "message", "channel": channel.id, "message": shown}


async def reactions_list(call: Call) -> Json:
    """What a member (the bot, when none is named) has reacted to, newest first."""
    user = call.user().id if call.text("user") else BOT_USER
    found: list[Json] = [
        {"type": "message", "channel": channel.id, "message": call.workspace.message_dict(message)}
        for channel in call.workspace.channels_of(BOT_USER)
        for message in channel.messages.values()
        if any(user in users for users in message.reactions.values())
    ]
    found.sort(key=lambda item: item["message"]["ts"], reverse=True)
    chosen, cursor = call.page(found, "item", lambda item: f"{item['channel']}/{item['message']['ts']}")
    paging = {"count": len(chosen), "total": len(found), "page": 1, "pages": 1}
    return {"items": chosen, "paging": paging, "response_metadata": {"next_cursor": cursor}}


async def bookmarks_add(call: Call) -> Json:
    channel = call.joined("channel_id")
    if call.text("type") != "link":
        raise ApiError("invalid_bookmark_type")
    if len(channel.bookmarks) >= MOST_BOOKMARKS:
        raise ApiError("too_many_bookmarks")
    now = int(call.workspace.now().timestamp())
    bookmark = {
        "id": call.workspace.mint("Bk"),
        "channel_id": channel.id,
        "title": call.need("title"),
        "link": _link(call),
        "emoji": call.text("emoji") or None,
        "type": "link",
        "entity_id": None,
        "date_created": now,
        "date_updated": 0,
        "rank": "i",
        "last_updated_by_user_id": BOT_USER,
        "app_id": APP_ID,
    }
    channel.bookmarks[str(bookmark["id"])] = bookmark
    call.workspace.changed()
    return {"bookmark": bookmark}


async def bookmarks_edit(call: Call) -> Json:
    bookmark = _bookmark(call)
    if call.text("title"):
        bookmark["title"] = call.text("title")
    if call.text("link"):
        bookmark["link"] = _link(call)
    if call.text("emoji"):
        bookmark["emoji"] = call.text("emoji")
    bookmark["date_updated"] = int(call.workspace.now().timestamp())
    call.workspace.changed()
    return {"bookmark": bookmark}


async def bookmarks_remove(call: Call) -> Json:
    bookmark = _bookmark(call)
    del call.joined("channel_id").bookmarks[str(bookmark["id"])]
    call.workspace.changed()
    return {}


async def bookmarks_list(call: Call) -> Json:
    return {"bookmarks": list(call.joined("channel_id").bookmarks.values())}


def _item(call: Call, channel: Channel) -> Message:
    """The message that a pin or a reaction is about."""
    timestamp = call.need("timestamp", "no_item_specified")
    if not is_ts(timestamp):
        raise ApiError("bad_timestamp")
    return call.message(channel, "timestamp")


def _bookmark(call: Call) -> Json:
    found = call.joined("channel_id").bookmarks.get(call.text("bookmark_id"))
    if found is None:
        raise ApiError("not_found")
    return found


def _link(call: Call) -> str:
    link = call.text("link")
    if not re.fullmatch(r"https?://\S{1,3000}", link):
        raise ApiError("invalid_link")
    return link


def _emoji(call: Call) -> str:
    name = call.need("name", "invalid_name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?", name):
        raise ApiError("invalid_name")
    return name
