"""What one person sees: their channels with what is unread, messages with their own ephemerals, views."""

from __future__ import annotations

from datetime import datetime

from bot.rehearsal.state import BOT_USER, Channel, Json, Member, Message, View
from bot.rehearsal.workspace import Workspace


def person(member: Member, now: datetime) -> Json:
    """Somebody to act as."""
    data = member.as_dict(now, locale=True)
    kept = ("id", "name", "real_name", "tz", "tz_label", "tz_offset", "locale", "is_restricted")
    return {key: data[key] for key in kept} | {"role": member.role}


def channels(workspace: Workspace, user: Member) -> list[Json]:
    """The person's channels and direct messages; the one with the bot is always there."""
    workspace.direct(BOT_USER, user.id)
    found = []
    for channel in workspace.channels.values():
        inside = user.id in channel.members
        if not inside and channel.kind != "channel":
            continue
        fresh = [*unread(channel, user), *new_replies(channel, user)] if inside else []
        found.append(
            {
                "id": channel.id,
                "name": title(workspace, channel, user),
                "kind": channel.kind,
                "is_member": inside,
                "topic": channel.topic["value"],
                "unread": len(fresh),
                "mentions": sum(1 for message in fresh if channel.direct or f"<@{user.id}>" in message.text),
                "bot": channel.kind == "im" and BOT_USER in channel.members,
            }
        )
    return found


def title(workspace: Workspace, channel: Channel, user: Member) -> str:
    """What a person calls a channel: its name, or who is on the other side."""
    if not channel.direct:
        return channel.name
    others = [workspace.members[each].real_name for each in channel.members if each != user.id]
    return ", ".join(others) or user.real_name


def visible(channel: Channel, user: Member) -> list[Message]:
    """All messages of a channel that the person may see, replies included, oldest first."""
    ordered = sorted(channel.messages.values(), key=lambda message: message.ts)
    return [message for message in ordered if message.only_for in (None, user.id)]


def messages(
    workspace: Workspace, user: Member, channel: Channel, *, after: str = "", limit: int = 200
) -> list[Json]:
    """The last messages of a channel, thread replies not shown in the channel left out."""
    shown = [m for m in visible(channel, user) if (not m.is_reply or m.broadcast) and m.ts > after]
    return [shape(workspace, message) for message in shown[-limit:]]


def thread(workspace: Workspace, user: Member, channel: Channel, parent: Message) -> list[Json]:
    """A thread's parent and replies, with ephemeral ones meant for the person."""
    inside = [m for m in visible(channel, user) if m.ts == parent.ts or m.thread_ts == parent.ts]
    return [shape(workspace, message) for message in inside]


def views(workspace: Workspace, user: Member) -> list[Json]:
    """The person's open modals, topmost last, each with the errors shown on its fields."""
    return [view_shape(view) for view in workspace.modals.get(user.id, [])]


def view_shape(view: View) -> Json:
    return view.as_dict() | {"errors": view.errors}


def shape(workspace: Workspace, message: Message) -> Json:
    """A message with who wrote it and whether only one person sees it."""
    author = workspace.members.get(message.user)
    return workspace.message_dict(message, metadata=True) | {
        "ephemeral": message.only_for is not None,
        "author": {
            "id": message.user,
            "name": message.username or (author.real_name if author else message.user),
            "is_bot": bool(message.bot_id or (author and author.bot_id)),
        },
    }


def unread(channel: Channel, user: Member) -> list[Message]:
    """Other people's messages in a channel since the person last read it."""
    last = channel.last_read.get(user.id, "")
    later = [m for m in channel.messages.values() if m.ts > last and m.only_for in (None, user.id)]
    return [m for m in later if m.user != user.id and (not m.is_reply or m.broadcast)]


def new_replies(channel: Channel, user: Member, parent: Message | None = None) -> list[Message]:
    """Replies not yet read, in the threads the person takes part in (or in the one of `parent`)."""
    found = []
    for each in [parent] if parent else list(channel.messages.values()):
        replies = [channel.messages[ts] for ts in each.replies if ts in channel.messages]
        if user.id in (each.user, *(reply.user for reply in replies)):
            last = channel.last_read.get(f"{user.id}/{each.ts}", "")
            found += [reply for reply in replies if reply.ts > last and reply.user != user.id]
    return found


def words(message: Message) -> str:
    """All text of a message: its own, and that of its blocks, in order."""
    return "\n".join([message.text, *_strings(message.blocks)])


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in _texts(key, inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return []


def _texts(key: str, inner: object) -> list[str]:
    if isinstance(inner, str):
        return [inner] if key in ("text", "alt_text", "fallback") else []
    return _strings(inner)
