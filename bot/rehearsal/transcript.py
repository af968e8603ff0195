"""A rehearsal kept as a file: what people did and when, and what stood in every channel at the end.

Played again (`workshop-bot rehearse --replay FILE`) it is a test: the same deeds must leave the same words.
Messages are named by author and words, not by timestamp, and modals by being on top, so that a replay finds
its own. Faults and disconnects are no deeds: they leave no trace in the words, if the bot is right.
"""

from __future__ import annotations

import difflib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import ConfigError, Mistake
from bot.rehearsal import seen
from bot.rehearsal.state import Channel, Json, Member, Message
from bot.rehearsal.workspace import Workspace

if TYPE_CHECKING:
    from bot.rehearsal.server import LocalWorkspace

VERSION = 1
UNKEPT = ("read", "suggest")  # deeds that leave nothing behind
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_WHERE = ("ts", "thread_ts")


class Lost(LookupError):
    """A replay does not find what somebody acted on; says who, when and what."""


def describe(workspace: Workspace, user: Member, channel: Channel | None, wish: Json) -> Json:
    """A deed's wish with its messages and modals named so that a replay finds its own."""
    named = dict(wish)
    for key in _WHERE:
        if channel is not None and wish.get(key) in channel.messages:
            named[key] = _name(workspace, user, channel, channel.messages[wish[key]])
    if wish.get("view_id"):
        home = workspace.homes.get(user.id)
        named["view_id"] = {"view": "home" if home is not None and home.id == wish["view_id"] else "modal"}
    return named


def resolve(workspace: Workspace, user: Member, channel: Channel | None, wish: Json) -> Json:
    """The same wish for this workspace; raises Lost."""
    found = dict(wish)
    for key in _WHERE:
        if isinstance(wish.get(key), dict) and channel is not None:
            found[key] = _message(workspace, user, channel, wish[key]).ts
    if isinstance(wish.get("view_id"), dict):
        home, stack = workspace.homes.get(user.id), workspace.modals.get(user.id, [])
        view = home if wish["view_id"].get("view") == "home" else (stack[-1] if stack else None)
        if view is None:
            raise Lost(f"{user.name} has no {wish['view_id'].get('view')} open")
        found["view_id"] = view.id
    return found


def save(local: LocalWorkspace) -> Json:
    """The rehearsal so far, as JSON values."""
    return {
        "transcript": VERSION,
        "workshop": local.config.workshop.id,
        "began": local.began.isoformat(),
        "ended": local.clock.now().isoformat(),
        "crowd": sum(1 for member in local.state.members.values() if member.role == "crowd"),
        "deeds": list(local.deeds.done),
        "channels": channels(local.state),
    }


def load(file: Path) -> Json:
    """Read a transcript; raises ConfigError when it is none."""
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
        if data["transcript"] != VERSION or not isinstance(data["deeds"], list):
            raise ValueError("another version, or no list of deeds")
        for instant in (data["began"], data["ended"], *(deed["at"] for deed in data["deeds"])):
            datetime.fromisoformat(instant)
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ConfigError(
            [Mistake(str(file), what, "name a transcript saved on the rehearsal page")]
        ) from None
    return dict(data)


def channels(workspace: Workspace) -> dict[str, list[str]]:
    """What stands in every channel: a line for each message, replies below what they answer."""
    lines = {}
    for channel in workspace.channels.values():
        ordered = sorted(channel.messages.values(), key=lambda m: (m.thread_ts or m.ts, m.ts))
        if ordered:
            names = " and ".join(sorted(workspace.members[each].name for each in channel.members))
            lines[names if channel.direct else f"#{channel.name}"] = [_line(workspace, m) for m in ordered]
    return lines


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Where two rehearsals part, as a unified diff of every channel."""
    found: list[str] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name, []), after.get(name, [])
        found += difflib.unified_diff(old, new, f"{name} as saved", f"{name} now", lineterm="", n=1)
    return found


def _line(workspace: Workspace, message: Message) -> str:
    reply = "  ↳ " if message.is_reply else ""
    only = f" (only for {workspace.members[message.only_for].name})" if message.only_for else ""
    return f"{reply}{_author(workspace, message)}{only}: {_plain(message)}"


def _author(workspace: Workspace, message: Message) -> str:
    member = workspace.members.get(message.user)
    return member.name if member else message.user


def _plain(message: Message) -> str:
    """A message's words, dates as a client without dates shows them."""
    words = message.text or seen.words(message)
    return _DATE.sub(r"\1", words) if "<!date" in words else words


def _alike(workspace: Workspace, user: Member, channel: Channel, author: str, words: str) -> list[Message]:
    found = [
        message
        for message in channel.messages.values()
        if message.only_for in (None, user.id)
        and _plain(message) == words
        and _author(workspace, message) == author
    ]
    return sorted(found, key=lambda message: message.ts)


def _name(workspace: Workspace, user: Member, channel: Channel, message: Message) -> Json:
    author, words = _author(workspace, message), _plain(message)
    alike = _alike(workspace, user, channel, author, words)
    which = next((i for i, each in enumerate(alike) if each is message), 0)
    return {"by": author, "words": words} | ({"which": which} if which else {})


def _message(workspace: Workspace, user: Member, channel: Channel, name: Json) -> Message:
    alike = _alike(workspace, user, channel, str(name.get("by")), str(name.get("words")))
    try:
        return alike[int(name.get("which", 0))]
    except IndexError:
        raise Lost(f"{user.name} sees no message of {name.get('by')}: {name.get('words')!r}") from None
