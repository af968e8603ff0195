"""chat.…Stream: a message that grows while people read it (reference: chat.startStream)."""

from __future__ import annotations

from bot.rehearsal.calls import ApiError, Call
from bot.rehearsal.methods.chat import MOST_MARKDOWN, blocks_of, compose, metadata_of, target
from bot.rehearsal.state import BOT_ID, Json, Message


async def start(call: Call) -> Json:
    channel = target(call)
    if not call.text("thread_ts"):
        raise ApiError("invalid_thread_ts")
    if not channel.direct:
        for name in ("recipient_user_id", "recipient_team_id"):
            if not call.text(name):
                raise ApiError(f"missing_{name}")
    text = _added(call)
    call.args = {**call.args, "text": text or " ", "blocks": [_markdown(text or " ")], "markdown_text": None}
    message = compose(call, channel)
    message.text, message.streaming = text, True
    call.workspace.post(message)
    return {"channel": channel.id, "ts": message.ts}


async def append(call: Call) -> Json:
    message, text = _streaming(call), _added(call)
    if not text:
        raise ApiError("no_text")
    _grow(call, message, text, [])
    return {"channel": message.channel, "ts": message.ts}


async def stop(call: Call) -> Json:
    """End a stream, with a last piece, blocks below it and metadata, each if given."""
    message, text, metadata = _streaming(call), _added(call), metadata_of(call)
    _grow(call, message, text, blocks_of(call))
    message.streaming, message.metadata = False, metadata or message.metadata
    shown = call.workspace.message_dict(message, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "message": shown}


def _streaming(call: Call) -> Message:
    message = call.message(call.joined())
    if message.bot_id != BOT_ID:
        raise ApiError("message_not_owned_by_app")
    if not message.streaming:
        raise ApiError("message_not_in_streaming_state")
    return message


def _added(call: Call) -> str:
    """What a call adds: `markdown_text`, or the text of its `chunks`; other chunks are not drawn here."""
    text, chunks = call.text("markdown_text"), call.data("chunks", "invalid_chunks") or []
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise ApiError("invalid_chunks")
    for chunk in chunks:
        if chunk.get("type") == "markdown_text":
            text += str(chunk.get("text") or "")
    if len(text) > MOST_MARKDOWN:
        raise ApiError("msg_too_long")
    return text


def _grow(call: Call, message: Message, text: str, below: list[Json]) -> None:
    def change() -> None:
        message.text += text
        body = message.blocks[0] | {"text": message.text or " "}
        message.blocks = [body, *call.workspace.with_ids(below)]

    call.workspace.edit(message, change, flag=False)


def _markdown(text: str) -> Json:
    return {"type": "markdown", "text": text}
