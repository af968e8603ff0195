"""conversations.*: finding, reading and joining channels and direct messages."""

from __future__ import annotations

import operator
import re

from bot.rehearsal.calls import ApiError, Call, is_ts
from bot.rehearsal.state import BOT_USER, SLACKBOT, Channel, Json, Message

_KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


async def list_(call: Call) -> Json:
    kinds = _kinds(call)
    visible = [c for c in call.workspace.channels.values() if c.kind == "channel" or BOT_USER in c.members]
    chosen, cursor = call.page(_filtered(call, visible, kinds), "team", _id)
    return {
        "channels": [_with_count(channel) for channel in chosen],
        "response_metadata": {"next_cursor": cursor},
    }


async def info(call: Call) -> Json:
    channel = call.channel()
    data = channel.as_dict(BOT_USER, num_members=call.flag("include_num_members"))
    if BOT_USER in channel.members:
        data["last_read"] = channel.last_read.get(BOT_USER, "0000000000.000000")
    if channel.kind == "im" and call.flag("include_locale"):
        data["locale"] = call.workspace.members[channel.other(BOT_USER)].locale
    return {"channel": data}


async def members(call: Call) -> Json:
    chosen, cursor = call.page(list(call.channel().members), "user", str)
    return {"members": chosen, "response_metadata": {"next_cursor": cursor}}


async def open_(call: Call) -> Json:
    if call.text("channel"):
        channel = call.channel()
        return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
    users = [user for user in call.ids("users") if user != BOT_USER]
    if not users:
        raise ApiError("users_list_not_supplied")
    if len(users) > 8:
        raise ApiError("too_many_users")
    for user in users:
        member = call.workspace.members.get(user)
        if member is None or user == SLACKBOT:
            raise ApiError("user_not_found")
        if member.deleted:
            raise ApiError("user_disabled")
    before = len(call.workspace.channels)
    channel = call.workspace.direct(BOT_USER, *users)
    known = {"no_op": True, "already_open": True} if len(call.workspace.channels) == before else {}
    whole = channel.kind == "mpim" or call.flag("return_im")
    return {**known, "channel": channel.as_dict(BOT_USER) if whole else {"id": channel.id}}


async def join(call: Call) -> Json:
    channel = call.channel()
    if channel.kind != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    if channel.archived:
        raise ApiError("is_archived")
    if not call.workspace.join(BOT_USER, channel):
        call.warnings.append("already_in_channel")
    return {"channel": channel.as_dict(BOT_USER)}


async def leave(call: Call) -> Json:
    channel = call.channel()
    if channel.direct:
        raise ApiError("method_not_supported_for_channel_type")
    if channel.archived:
        raise ApiError("is_archived")
    if not call.workspace.leave(BOT_USER, channel):
        return {"not_in_channel": True}
    return {}


async def invite(call: Call) -> Json:
    channel = _manageable(call)
    if channel.archived:
        raise ApiError("is_archived")
    if not call.ids("users"):
        raise ApiError("no_user")
    for user in call.ids("users"):
        if user == BOT_USER:
            raise _uninvited(user, "cant_invite_self")
        if user not in call.workspace.members:
            raise _uninvited(user, "user_not_found")
        if not call.workspace.join(user, channel, inviter=BOT_USER):
            raise _uninvited(user, "already_in_channel")
    return {"channel": channel.as_dict(BOT_USER)}


def _uninvited(user: str, error: str) -> ApiError:
    return ApiError(error, errors=[{"user": user, "ok": False, "error": error}])


async def create(call: Call) -> Json:
    name = _name(call)
    channel = Channel(
        id=call.workspace.mint("C"),
        name=name,
        kind="group" if call.flag("is_private") else "channel",
        members=[BOT_USER],
        created=int(call.workspace.now().timestamp()),
        creator=BOT_USER,
    )
    call.workspace.channels[channel.id] = channel
    call.workspace.channel_event("channel_created", channel)
    return {"channel": channel.as_dict(BOT_USER)}


async def set_topic(call: Call) -> Json:
    return _set_line(call, "topic")


async def set_purpose(call: Call) -> Json:
    return _set_line(call, "purpose")


async def archive(call: Call) -> Json:
    channel = _manageable(call)
    if channel.archived:
        raise ApiError("already_archived")
    channel.archived = True
    call.workspace.channel_event("channel_archive", channel)
    return {}


async def unarchive(call: Call) -> Json:
    channel = _manageable(call, joined=False)
    if not channel.archived:
        raise ApiError("not_archived")
    channel.archived = False
    call.workspace.channel_event("channel_unarchive", channel)
    return {}


async def rename(call: Call) -> Json:
    channel = _manageable(call)
    if channel.archived:
        raise ApiError("is_archived")
    channel.name = _name(call)
    call.workspace.channel_event("channel_rename", channel)
    return {"channel": channel.as_dict(BOT_USER)}


async def kick(call: Call) -> Json:
    channel = _manageable(call)
    user = call.user()
    if user.id == BOT_USER:
        raise ApiError("cant_kick_self")
    if not call.workspace.leave(user.id, channel):
        raise ApiError("not_in_channel")
    return {}


async def close(call: Call) -> Json:
    """Close a direct message: what was said stays, and it opens again with the next message."""
    if not call.channel().direct:
        raise ApiError("method_not_supported_for_channel_type")
    return {}


async def history(call: Call) -> Json:
    channel = call.joined()
    shown = [m for m in channel.messages.values() if not m.only_for and (not m.is_reply or m.broadcast)]
    newest_first = _between(call, shown)[::-1]
    chosen, cursor = call.page(newest_first, "next_ts", _key, lenient=True, reached=operator.le)
    return _page(call, chosen, cursor) | {
        "pin_count": sum(1 for m in channel.messages.values() if m.pinned_by),
        "channel_actions_ts": None,
        "channel_actions_count": 0,
    }


async def replies(call: Call) -> Json:
    channel = call.joined()
    asked = channel.messages.get(call.need("ts", "thread_not_found"))
    if asked is None or asked.only_for:
        raise ApiError("thread_not_found")
    parent = channel.messages.get(asked.thread_ts or "") or asked
    thread = [m for ts in parent.replies if (m := channel.messages.get(ts)) and not m.only_for]
    # The parent heads every page's range, whatever `oldest` and `latest` say.
    whole = [parent, *_between(call, thread)]
    chosen, cursor = call.page(whole, "next_ts", _key, lenient=True, reached=operator.ge)
    return _page(call, chosen, cursor)


async def mark(call: Call) -> Json:
    channel = call.joined()
    if not is_ts(call.text("ts")):
        raise ApiError("invalid_timestamp")
    channel.last_read[BOT_USER] = call.text("ts")
    return {}


async def of_user(call: Call) -> Json:
    """users.conversations: the conversations a member (the bot, when none is named) is in."""
    user = call.text("user") or BOT_USER
    if user not in call.workspace.members:
        raise ApiError("user_not_found")
    mine = [c for c in call.workspace.channels_of(user) if c.kind == "channel" or BOT_USER in c.members]
    chosen, cursor = call.page(_filtered(call, mine, _kinds(call)), "team", _id)
    return {
        "channels": [channel.as_dict(BOT_USER) for channel in chosen],
        "response_metadata": {"next_cursor": cursor},
    }


def _manageable(call: Call, *, joined: bool = True) -> Channel:
    """A channel that can be changed as a whole: no direct message."""
    channel = call.joined() if joined else call.channel()
    if channel.direct:
        raise ApiError("method_not_supported_for_channel_type")
    return channel


def _name(call: Call) -> str:
    """A new channel's name, by Slack's rules."""
    name = call.need("name", "invalid_name_required")
    if len(name) > 80:
        raise ApiError("invalid_name_maxlength")
    if re.fullmatch(r"[\W_]+", name):
        raise ApiError("invalid_name_punctuation")
    if re.search(r"[^\w-]", name) or name != name.lower():
        raise ApiError("invalid_name_specials")
    if call.workspace.channel(name) is not None:
        raise ApiError("name_taken")
    return name


def _id(channel: Channel) -> str:
    return channel.id


def _key(message: Message) -> str:
    return message.ts


def _kinds(call: Call) -> set[str]:
    wanted = call.ids("types") or ["public_channel"]
    if any(kind not in _KINDS for kind in wanted):
        raise ApiError("invalid_types")
    return {_KINDS[kind] for kind in wanted}


def _filtered(call: Call, channels: list[Channel], kinds: set[str]) -> list[Channel]:
    skip_archived = call.flag("exclude_archived")
    return [c for c in channels if c.kind in kinds and not (skip_archived and c.archived)]


def _with_count(channel: Channel) -> Json:
    return channel.as_dict(BOT_USER, num_members=not channel.direct)


def _set_line(call: Call, name: str) -> Json:
    channel = _manageable(call)
    text = call.text(name)
    if channel.archived:
        raise ApiError("is_archived")
    if len(text) > 250:
        raise ApiError("too_long")
    line = {"value": text, "creator": BOT_USER, "last_set": int(call.workspace.now().timestamp())}
    setattr(channel, name, line)
    call.workspace.post(
        Message(
            ts=call.workspace.next_ts(),
            channel=channel.id,
            user=BOT_USER,
            bot_id=None,
            subtype=f"channel_{name}",
            text=f"<@{BOT_USER}> set the channel {name}: {text}",
        )
    )
    return {name: text, "channel": channel.as_dict(BOT_USER)}


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest = _ts(call.text("oldest"), "invalid_ts_oldest")
    latest = _ts(call.text("latest"), "invalid_ts_latest")
    inclusive = call.flag("inclusive")

    def inside(message: Message) -> bool:
        ts = _ts(message.ts, "internal_error") or (0, 0)
        after = oldest is None or ts > oldest or (inclusive and ts == oldest)
        before = latest is None or ts < latest or (inclusive and ts == latest)
        return after and before

    return [message for message in messages if inside(message)]


def _ts(text: str, error: str) -> tuple[int, int] | None:
    """A timestamp as a pair that compares exactly; None when not given."""
    if not text or text in ("0", "now"):
        return None
    match = re.fullmatch(r"(\d{1,12})(?:\.(\d{1,9}))?", text)
    if match is None:
        raise ApiError(error)
    return int(match[1]), int((match[2] or "").ljust(9, "0"))


def _page(call: Call, chosen: list[Message], cursor: str) -> Json:
    metadata = call.flag("include_all_metadata")
    return {
        "messages": [call.workspace.message_dict(message, metadata=metadata) for message in chosen],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }
