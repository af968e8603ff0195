"""`response_url`: what the app says in answer to an interaction, for half an hour and five times.

Reference: "Handling user interaction", message responses.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.rehearsal import attachments as attached
from bot.rehearsal import blockkit
from bot.rehearsal.state import BOT_ID, BOT_USER, Json, Message
from bot.rehearsal.workspace import Workspace

MOST_USES = 5
LASTS = timedelta(minutes=30)


@dataclass(slots=True)
class _Grant:
    user: str
    channel: str
    original: str | None
    until: datetime
    uses: int = 0


class ResponseUrls:
    """Hands out response URLs and carries out what is posted to them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._grants: dict[str, _Grant] = {}

    def grant(self, user: str, channel: str, original: str | None = None) -> str:
        """A new absolute URL; `original` is the message that was acted on."""
        token = secrets.token_urlsafe(24)
        self._grants[token] = _Grant(user, channel, original, self._workspace.now() + LASTS)
        return f"{self._workspace.url}/response/{token}"

    def use(self, token: str, body: Any) -> str | None:
        """Carry out one response; returns Slack's error name when it cannot be."""
        grant = self._grants.get(token)
        if grant is None:
            return "invalid_url"
        if self._workspace.now() > grant.until:
            return "expired_url"
        if grant.uses >= MOST_USES:
            return "used_url"
        if not isinstance(body, dict):
            return "invalid_payload"
        grant.uses += 1
        return self._carry_out(grant, body)

    def answer(self, user: str, channel: str, body: Json) -> str | None:
        """Show what came with the acknowledgement of a command."""
        return self._say(_Grant(user, channel, None, self._workspace.now()), body)

    def press(self, token_url: str, body: Json) -> str | None:
        """Carry out what came with the acknowledgement of an old button: a message in place of its own."""
        return self.use(token_url.rpartition("/")[2], {"replace_original": True, **body})

    def _carry_out(self, grant: _Grant, body: Json) -> str | None:
        original = self._workspace.channels[grant.channel].messages.get(grant.original or "")
        if _flag(body, "delete_original"):
            if original is None:
                return "message_not_found"
            self._workspace.remove(original)
            return None
        if _flag(body, "replace_original") and original is not None:
            return self._replace(original, body)
        return self._say(grant, body)

    def _replace(self, original: Message, body: Json) -> str | None:
        try:
            text, blocks, attachments = self._content(body)
        except _Refused as error:
            return str(error)

        def change() -> None:
            original.text, original.blocks, original.attachments = text, blocks, attachments
            original.state.clear()

        self._workspace.edit(original, change, flag=False)
        return None

    def _say(self, grant: _Grant, body: Json) -> str | None:
        try:
            text, blocks, attachments = self._content(body)
        except _Refused as error:
            return str(error)
        if not text.strip() and not blocks and not attachments:
            return "no_text"
        self._workspace.post(
            Message(
                ts=self._workspace.next_ts(),
                channel=grant.channel,
                user=BOT_USER,
                bot_id=BOT_ID,
                subtype="bot_message",
                text=text,
                blocks=blocks,
                attachments=attachments,
                thread_ts=str(body["thread_ts"]) if body.get("thread_ts") else None,
                only_for=None if body.get("response_type") == "in_channel" else grant.user,
            )
        )
        return None

    def _content(self, body: Json) -> tuple[str, list[Json], list[Json]]:
        """The text, blocks and attachments of a response, lists also as the JSON text of one."""
        blocks, attachments = _list(body, "blocks"), _list(body, "attachments")
        if blockkit.check_message(blocks):
            raise _Refused("invalid_blocks")
        if not all(isinstance(each, dict) for each in attachments) or attached.check(attachments):
            raise _Refused("invalid_attachments")
        with_ids = self._workspace.with_ids
        return str(body.get("text") or ""), with_ids(blocks), attached.complete(attachments, with_ids)


class _Refused(Exception):
    """A response cannot be shown: Slack's error name."""


def _flag(body: Json, name: str) -> bool:
    """Whether a switch is on: Slack's own examples write true as well as "true"."""
    return str(body.get(name) or "").lower() in ("true", "1")


def _list(body: Json, name: str) -> list[Any]:
    given = body.get(name) or []
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = None
    if not isinstance(given, list):
        raise _Refused(f"invalid_{name}")
    return given
