"""What the page's templates need to draw for one person: text as HTML, and what elements hold."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.rehearsal import inputs, mrkdwn
from bot.rehearsal.dates import locale_of
from bot.rehearsal.mrkdwn import Reader
from bot.rehearsal.state import SLACKBOT, Json, Member
from bot.rehearsal.workspace import Workspace


class Drawing:
    """One person's eyes on the workspace."""

    def __init__(self, workspace: Workspace, user: Member) -> None:
        self._workspace = workspace
        self._reader = Reader(
            id=user.id,
            tz=ZoneInfo(user.tz),
            locale=locale_of(user.locale),
            now=workspace.now(),
            members={member.id: member.real_name for member in workspace.members.values()},
            channels={
                c.id: c.name
                for c in workspace.channels.values()
                if c.kind == "channel" or user.id in c.members
            },
            groups={group.id: group.handle for group in workspace.groups.values()},
        )

    # --- text -------------------------------------------------------------------------------------

    def mrkdwn(self, text: str) -> Markup:
        return self._reader.mrkdwn(text)

    def rich_text(self, block: Json) -> Markup:
        return self._reader.rich_text(block)

    def plain(self, text: str, emoji_names: bool = True) -> Markup:
        return mrkdwn.plain(text, emoji_names=emoji_names)

    def emoji(self, name: str) -> str:
        return mrkdwn.emoji(name)

    def safe(self, url: str) -> str:
        """An address fit for a link: anything but http, https and mail leads nowhere."""
        return url if mrkdwn.is_safe_link(url) else "#"

    def old_confirm(self, given: Json, yes: str, no: str) -> str:
        """The question before an attachment's old button, in the form of today's (JSON)."""
        given = {"ok_text": yes, "dismiss_text": no, **given}
        parts = {"title": "title", "text": "text", "confirm": "ok_text", "deny": "dismiss_text"}
        return json.dumps({key: {"text": str(given.get(old) or "")} for key, old in parts.items()})

    def source(self, block: Json) -> str:
        """A block's JSON, for those that are not drawn."""
        return json.dumps(block, indent=1, ensure_ascii=False)

    # --- elements ---------------------------------------------------------------------------------

    def state(self, at: Json, block_id: str, element: Json) -> Json:
        """What an element holds: what the person put in, else what it starts with."""
        held = at["values"].get(block_id, {}).get(element.get("action_id"))
        return held if held is not None else inputs.initial(element)

    def held(self, at: Json, block_id: str, element: Json) -> list[str]:
        """The values an element holds, as the strings its options or fields carry."""
        if element.get("type") in inputs.STATELESS:
            return []
        return [text for value in self.state(at, block_id, element).values() for text in _strings(value)][1:]

    def chosen_text(self, at: Json, block_id: str, element: Json) -> str:
        """What is written in an external select: the texts of the chosen options."""
        state = self.state(at, block_id, element)
        chosen = [state.get("selected_option"), *(state.get("selected_options") or [])]
        return ", ".join(option["text"]["text"] for option in chosen if option)

    def wall_time(self, seconds: str) -> str:
        """An instant as the person's clock shows it, in the form of a date and time field."""
        instant = datetime.fromtimestamp(int(seconds), self._reader.tz)
        return instant.strftime("%Y-%m-%dT%H:%M")

    def label(self, element: Json) -> str:
        placeholder = element.get("placeholder") or {}
        return str(placeholder.get("text") or "")

    def choices(self, element: Json) -> list[Json]:
        """The options of a select: its own, or the workspace's people or channels."""
        kind = str(element["type"])
        if "static" in kind:
            return inputs.options(element)
        members = self._workspace.members.values()
        if "users" in kind:
            named = [(m.id, m.real_name) for m in members if not m.deleted and m.id != SLACKBOT]
        else:
            named = [
                (id_, f"#{name}") for id_, name in self._reader.channels.items() if name != "directmessage"
            ]
        return [{"value": id_, "text": {"type": "plain_text", "text": name}} for id_, name in named]


def _strings(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    if isinstance(value, dict) and "value" in value:
        return [str(value["value"])]
    if isinstance(value, dict):  # rich text: its plain words
        return ["".join(_words(value))]
    return [str(value)]


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [word for inner in value.values() for word in _words(inner)]
    return [word for each in value for word in _words(each)] if isinstance(value, list) else []
