"""chat.*: posting, changing and removing messages, now or later."""

from __future__ import annotations

import re
from typing import Any

from bot.rehearsal import attachments as attached
from bot.rehearsal import blockkit
from bot.rehearsal.calls import ApiError, Call, is_ts
from bot.rehearsal.state import BOT_ID, BOT_USER, SLACKBOT, Channel, Json, Message, Scheduled

MOST_TEXT = 40_000
MOST_UPDATED_TEXT = 4_000
MOST_MARKDOWN = 12_000
METADATA_BYTES = 8_000  # Slack's own number is not published; ids only is what it is for
SCHEDULE_DAYS = 120


async def post_message(call: Call) -> Json:
    channel = target(call)
    message = compose(call, channel)
    call.workspace.post(message)
    return _posted(call, message)


async def post_ephemeral(call: Call) -> Json:
    channel = target(call)
    user = call.user()
    if user.id not in channel.members:
        raise ApiError("user_not_in_channel")
    message = compose(call, channel)
    message.only_for, message.metadata = user.id, None
    call.workspace.post(message)
    return {"message_ts": message.ts}


async def update(call: Call) -> Json:
    channel = call.joined()
    message = call.message(channel)
    if message.bot_id != BOT_ID:
        raise ApiError("cant_update_message")
    if message.streaming:
        raise ApiError("streaming_state_conflict")
    if len(call.text("text")) > MOST_UPDATED_TEXT:
        raise ApiError("msg_too_long")
    text, blocks = _content(call)
    has_text = call.args.get("text") is not None or bool(text)
    attachments = _attachments(call)
    if not has_text and not blocks and call.args.get("metadata") is None and not attachments:
        raise ApiError("no_text")
    metadata = metadata_of(call)

    def change() -> None:
        if has_text:
            message.text = text
        if has_text or blocks:
            message.blocks = call.workspace.with_ids(blocks)
        if call.args.get("attachments") is not None:
            message.attachments = attachments
        if call.args.get("metadata") is not None:
            message.metadata = metadata
        message.state.clear()

    call.workspace.edit(message, change, flag=has_text and not blocks)
    return {"channel": channel.id, "ts": message.ts, "text": message.text} | {
        "message": call.workspace.message_dict(message, metadata=True)
    }


async def delete(call: Call) -> Json:
    channel = call.joined()
    message = call.message(channel)
    if message.bot_id != BOT_ID:
        raise ApiError("cant_delete_message")
    call.workspace.remove(message)
    return {"channel": channel.id, "ts": message.ts}


async def me_message(call: Call) -> Json:
    """What a bot says of itself: a message of the subtype me_message."""
    channel = target(call)
    message = compose(call, channel)
    message.subtype = "me_message"
    call.workspace.post(message)
    return {"channel": channel.id, "ts": message.ts}


async def set_status(call: Call) -> Json:
    """The "is thinking…" line under a thread, its title and its prompts; this workspace draws none."""
    channel = call.channel("channel_id")
    if call.text("thread_ts") not in channel.messages:
        raise ApiError("invalid_thread_ts")
    return {}


async def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    address = f"{call.origin}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        address += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address}


async def schedule_message(call: Call) -> Json:
    channel = target(call)
    if not call.text("post_at").isdigit():
        raise ApiError("invalid_time")
    post_at = call.number("post_at", 0)
    now = int(call.workspace.now().timestamp())
    if post_at <= now:
        raise ApiError("time_in_past")
    if post_at > now + SCHEDULE_DAYS * 86_400:
        raise ApiError("time_too_far")
    near = [
        s
        for s in call.workspace.scheduled.values()
        if s.channel == channel.id and abs(s.post_at - post_at) < 300
    ]
    if len(near) >= 30:
        raise ApiError("restricted_too_many")
    draft = compose(call, channel)
    scheduled = Scheduled(
        call.workspace.mint("Q"), channel.id, post_at, now, {**call.args, "channel": channel.id}
    )
    call.workspace.scheduled[scheduled.id] = scheduled
    call.workspace.changed()
    shown = {
        "type": "delayed_message",
        "text": draft.text,
        "bot_id": BOT_ID,
        "user": BOT_USER,
        "blocks": draft.blocks,
    }
    return {"scheduled_message_id": scheduled.id, "channel": channel.id, "post_at": post_at, "message": shown}


async def delete_scheduled_message(call: Call) -> Json:
    channel = call.channel()
    found = call.workspace.scheduled.get(call.text("scheduled_message_id"))
    if found is None or found.channel != channel.id:
        raise ApiError("invalid_scheduled_message_id")
    del call.workspace.scheduled[found.id]
    call.workspace.changed()
    return {}


async def scheduled_messages_list(call: Call) -> Json:
    wanted = call.channel().id if call.text("channel") else ""
    oldest, latest = call.number("oldest", 0), call.number("latest", 2**62)
    found = [
        {
            "id": each.id,
            "channel_id": each.channel,
            "post_at": each.post_at,
            "date_created": each.created,
            "text": str(each.args.get("text") or ""),
        }
        for each in sorted(call.workspace.scheduled.values(), key=lambda s: (s.post_at, s.id))
        if wanted in ("", each.channel) and oldest <= each.post_at <= latest
    ]
    chosen, cursor = call.page(found, "scheduled", lambda each: str(each["id"]))
    return {"scheduled_messages": chosen, "response_metadata": {"next_cursor": cursor}}


def target(call: Call) -> Channel:
    """Where a post goes: a conversation by id or name, or the direct message with a person."""
    reference = call.need("channel", "channel_not_found")
    member = call.workspace.members.get(reference)
    if member is not None:
        if member.deleted or member.id in (BOT_USER, SLACKBOT):
            raise ApiError("channel_not_found")
        if not call.options.messages_enabled:
            raise ApiError("messages_tab_disabled")
        return call.workspace.direct(BOT_USER, member.id)
    channel = call.workspace.channel(reference)
    if channel is None:
        raise ApiError("channel_not_found")
    if BOT_USER not in channel.members:
        scopes = call.options.scopes
        if channel.kind != "channel":
            raise ApiError("channel_not_found")
        if scopes is None or "chat:write.public" not in scopes:
            raise ApiError("not_in_channel")
    if channel.archived:
        raise ApiError("is_archived")
    return channel


def compose(call: Call, channel: Channel) -> Message:
    """The bot's message that a call's arguments describe; raises ApiError in Slack's words."""
    text, blocks = _content(call)
    attachments = _attachments(call)
    if not text.strip() and not blocks and not attachments:
        raise ApiError("no_text")
    if len(text) > MOST_TEXT:
        text = text[:MOST_TEXT]
        call.warnings.append("message_truncated")
    thread_ts = call.text("thread_ts") or None
    if call.args.get("thread_ts") is not None and not is_ts(thread_ts or ""):
        words = f"[ERROR] {thread_ts or ''} is not a valid thread_ts"
        raise ApiError("invalid_thread_ts", response_metadata={"messages": [words]})
    parent = channel.messages.get(thread_ts or "")
    if thread_ts and (parent is None or parent.only_for):
        raise ApiError("thread_not_found")
    broadcast = bool(thread_ts) and call.flag("reply_broadcast")
    return Message(
        ts=call.workspace.next_ts(),
        channel=channel.id,
        user=BOT_USER,
        bot_id=BOT_ID,
        text=text,
        blocks=call.workspace.with_ids(blocks),
        attachments=attachments,
        thread_ts=(parent.thread_ts or parent.ts) if parent else None,
        subtype="thread_broadcast" if broadcast else None,
        broadcast=broadcast,
        metadata=metadata_of(call),
        username=call.text("username") or None,
        icon=_icon(call),
        mrkdwn=call.flag("mrkdwn", True),
    )


def _posted(call: Call, message: Message) -> Json:
    return {
        "channel": message.channel,
        "ts": message.ts,
        "message": call.workspace.message_dict(message, metadata=True),
    }


def _icon(call: Call) -> Json | None:
    """The picture of one message: an emoji wins over an image's address."""
    if call.text("icon_emoji"):
        return {"emoji": call.text("icon_emoji")}
    return {"image_48": call.text("icon_url")} if call.text("icon_url") else None


def _content(call: Call) -> tuple[str, list[Json]]:
    """The text and blocks of a call; `markdown_text` stands for both and alone."""
    text, blocks, markdown = call.text("text"), blocks_of(call), call.text("markdown_text")
    if not markdown:
        return text, blocks
    if text or blocks:
        raise ApiError("markdown_text_conflict")
    if len(markdown) > MOST_MARKDOWN:
        raise ApiError("msg_too_long")
    return markdown, [{"type": "markdown", "text": markdown}]


def _attachments(call: Call) -> list[Json]:
    found: Any = call.data("attachments") or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ApiError("invalid_attachments")
    if len(found) > attached.MOST:
        raise ApiError("too_many_attachments")
    errors = attached.check(found)
    if errors:
        raise ApiError("invalid_attachments", errors=errors, response_metadata={"messages": errors})
    return attached.complete(found, call.workspace.with_ids)


def blocks_of(call: Call) -> list[Json]:
    """A call's blocks; raises ApiError in Slack's words for what is wrong with them."""
    blocks: Any = call.data("blocks", "invalid_blocks_format") or []
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    errors = blockkit.check_message(blocks)
    if errors:
        raise ApiError("invalid_blocks", errors=errors, response_metadata={"messages": errors})
    if blockkit.too_long(blocks):
        raise ApiError("msg_blocks_too_long")
    return list(blocks)


def metadata_of(call: Call) -> Json | None:
    """A message's metadata; one that breaks the schema is dropped with a warning, as Slack does."""
    given = call.data("metadata", "invalid_metadata_format")
    if not given:
        return None
    kind = given.get("event_type") if isinstance(given, dict) else None
    payload = given.get("event_payload") if isinstance(given, dict) else None
    if (
        not isinstance(kind, str)
        or not re.fullmatch(r"[A-Za-z0-9_-]+", kind)
        or not isinstance(payload, dict)
    ):
        call.warnings.append("invalid_metadata_schema")
        return None
    if len(str(payload).encode()) > METADATA_BYTES:
        raise ApiError("metadata_too_large")
    return {"event_type": kind, "event_payload": payload}
