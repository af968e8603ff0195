"""Pins, reactions and bookmarks."""

from __future__ import annotations

import re

from bot.rehearsal.calls import ApiError, Call
from bot.rehearsal.state import APP_ID, BOT_USER, Json
from bot.rehearsal.workspace import reactions

MOST_PINS = 100
MOST_REACTIONS = 23
MOST_BOOKMARKS = 100


async def pins_add(call: Call) -> Json:
    channel = call.joined()
    message = call.message(channel, "timestamp")
    if message.pinned_by:
        raise ApiError("already_pinned")
    if sum(1 for each in channel.messages.values() if each.pinned_by) >= MOST_PINS:
        raise ApiError("too_many_pins")
    message.pinned_by[BOT_USER] = call.workspace.now().timestamp()
    call.workspace.changed()
    return {}


async def pins_remove(call: Call) -> Json:
    message = call.message(call.joined(), "timestamp")
    if not message.pinned_by:
        raise ApiError("no_pin")
    message.pinned_by.clear()
    call.workspace.changed()
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
    message = call.message(call.joined(), "timestamp")
    if name not in message.reactions and len(message.reactions) >= MOST_REACTIONS:
        raise ApiError("too_many_reactions")
    if not call.workspace.react(BOT_USER, message, name, add=True):
        raise ApiError("already_reacted")
    return {}


async def reactions_remove(call: Call) -> Json:
    message = call.message(call.joined(), "timestamp")
    if not call.workspace.react(BOT_USER, message, _emoji(call), add=False):
        raise ApiError("no_reaction")
    return {}


async def reactions_get(call: Call) -> Json:
    channel = call.joined()
    message = call.message(channel, "timestamp")
    shown = call.workspace.message_dict(message) | {"reactions": reactions(message)}
    return {"type": "message", "channel": channel.id, "message": shown}


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
