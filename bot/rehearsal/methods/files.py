"""files.*: the three-step upload and what becomes of it."""

from __future__ import annotations

import mimetypes

from bot.rehearsal.calls import ApiError, Call
from bot.rehearsal.methods.chat import target
from bot.rehearsal.state import BOT_ID, BOT_USER, Channel, File, Json, Message

MOST_BYTES = 50_000_000


async def get_upload_url(call: Call) -> Json:
    name, length = call.need("filename"), call.number("length", 0)
    if length <= 0:
        raise ApiError("missing_argument")
    if length > MOST_BYTES:
        raise ApiError("file_upload_size_restricted")
    file = File(
        id=call.workspace.mint("F"),
        name=name.replace("/", "_"),
        length=length,
        user=BOT_USER,
        created=int(call.workspace.now().timestamp()),
        mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
    )
    call.workspace.files[file.id] = file
    return {"upload_url": f"{call.origin}/upload/{file.id}", "file_id": file.id}


async def complete_upload(call: Call) -> Json:
    given = call.data("files")
    if not isinstance(given, list) or not given:
        raise ApiError("invalid_arguments")
    places = []
    for reference in call.ids("channels") or call.ids("channel_id"):
        call.args["channel"] = reference
        places.append(target(call))
    files = [_uploaded(call, item) for item in given]
    for channel in places:
        _share(call, channel, files)
    return {"files": [file.as_dict(call.origin) for file in files]}


async def info(call: Call) -> Json:
    file = call.workspace.files.get(call.need("file", "file_not_found"))
    if file is None or not file.complete:
        raise ApiError("file_not_found")
    return {"file": file.as_dict(call.origin), "comments": [], "response_metadata": {"next_cursor": ""}}


async def list_(call: Call) -> Json:
    """Completed files, newest first, in pages of `count` (files.list has page numbers, no cursor)."""
    count, page = max(1, min(call.number("count", 100), 1000)), max(1, call.number("page", 1))
    user, channel = call.text("user"), call.text("channel")
    found = [
        file.as_dict(call.origin)
        for file in reversed(call.workspace.files.values())
        if file.complete
        and user in ("", file.user)
        and (not channel or channel in {share.channel for share in file.shares})
    ]
    paging = {"count": count, "total": len(found), "page": page, "pages": -(-len(found) // count)}
    return {"files": found[(page - 1) * count : page * count], "paging": paging}


async def upload(call: Call) -> Json:
    """The retired way; Slack sends every caller to the three steps."""
    raise ApiError("method_deprecated")


async def delete(call: Call) -> Json:
    file = call.workspace.files.get(call.need("file", "file_not_found"))
    if file is None:
        raise ApiError("file_not_found")
    if file.user != BOT_USER:
        raise ApiError("cant_delete_file")
    for channel in call.workspace.channels.values():
        for message in channel.messages.values():
            message.files = [id_ for id_ in message.files if id_ != file.id]
    del call.workspace.files[file.id]
    call.workspace.changed()
    return {}


def _uploaded(call: Call, item: object) -> File:
    id_ = str(item.get("id")) if isinstance(item, dict) else ""
    file = call.workspace.files.get(id_)
    if file is None or file.content is None:
        raise ApiError("file_not_found")
    file.title = str(item.get("title") or file.name) if isinstance(item, dict) else file.name
    file.complete = True
    return file


def _share(call: Call, channel: Channel, files: list[File]) -> None:
    message = Message(
        ts=call.workspace.next_ts(),
        channel=channel.id,
        user=BOT_USER,
        bot_id=BOT_ID,
        subtype="file_share",
        text=call.text("initial_comment"),
        thread_ts=call.text("thread_ts") or None,
        files=[file.id for file in files],
    )
    call.workspace.share(message, channel)
