"""Files that people bring: with a message, or in a modal's file input."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import Any

from bot.rehearsal.reach import DeedError
from bot.rehearsal.state import File, Json, Member
from bot.rehearsal.workspace import Workspace


def bring(workspace: Workspace, user: Member, given: Any) -> File:
    """A file from {name, text | base64}, or the id of one that is there; raises DeedError for neither."""
    if isinstance(given, str) and given in workspace.files:
        return workspace.files[given]
    if not isinstance(given, dict):
        raise DeedError("invalid_file", "give {name, text} or {name, base64}")
    name, content = str(given.get("name") or "file.txt").replace("/", "_"), _content(given)
    file = File(
        id=workspace.mint("F"),
        name=name,
        length=len(content),
        user=user.id,
        created=int(workspace.now().timestamp()),
        content=content,
        mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
        complete=True,
    )
    workspace.files[file.id] = file
    return file


def _content(given: Json) -> bytes:
    if "base64" not in given:
        return str(given.get("text", "")).encode()
    try:
        return base64.b64decode(given["base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise DeedError("invalid_file", "base64 is not valid") from None
