"""What Slack's composer makes of typed text before anyone else sees it.

`&`, `<` and `>` are escaped, addresses become links, `@handle` and `#channel` become references
(reference: "Formatting text for app surfaces", "Slash commands: escaping").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from bot.rehearsal.state import Channel, Json, Member
from bot.rendering import escape, unescape

T = TypeVar("T", Member, Channel)

_URL = r"https?://[^\s<>|]*[^\s<>|.,;:!?'\")\]}*_~`]"
_MAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_PATH = r"(?:/[^\s<>|]*[^\s<>|.,;:!?)\]])?"
_HOST = rf"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:com|org|net|int|edu|gov|io|dev|eu|ch)\b{_PATH}"
_TOKEN = re.compile(
    rf"(?P<code>```[\s\S]*?```|`[^`\n]+`)|(?P<url>{_URL})|(?P<mail>{_MAIL})|(?P<host>(?<![\w@./-]){_HOST})"
    r"|(?P<at>(?<![\w@])@[^\s@#<>,;:!?]+)|(?P<hash>(?<![\w#&])#[^\s@#<>,;:!?.]+)"
)
BROADCASTS = {"@here": "<!here>", "@channel": "<!channel>", "@everyone": "<!everyone>"}


def typed(text: str, members: Iterable[Member], channels: Iterable[Channel]) -> str:
    """A message as Slack stores it, from what a person typed in the composer."""
    return _compose(text, members, channels, named=False, broadcasts=True)


def command_text(
    text: str, members: Iterable[Member], channels: Iterable[Channel], *, should_escape: bool
) -> str:
    """The text of a slash command; references and links only with the manifest's `should_escape`."""
    if not should_escape:
        return escape(text)
    return _compose(text, members, channels, named=True, broadcasts=True)


def _compose(
    text: str, members: Iterable[Member], channels: Iterable[Channel], *, named: bool, broadcasts: bool
) -> str:
    people = {member.name.lower(): member for member in members if not member.deleted}
    rooms = {channel.name.lower(): channel for channel in channels if not channel.direct}

    def token(match: re.Match[str]) -> str:
        found = match[0]
        if match["code"]:
            return escape(found)
        if match["url"]:
            return f"<{escape(found)}>"
        if match["mail"]:
            return f"<mailto:{found}|{found}>"
        if match["host"]:
            return f"<http://{escape(found)}|{escape(found)}>"
        if match["at"]:
            return _reference(found, people, broadcasts, lambda m, rest: _user(m, rest, named))
        return _reference(found, rooms, False, lambda c, rest: f"<#{c.id}|{c.name}>{escape(rest)}")

    pieces, last = [], 0
    for match in _TOKEN.finditer(text):
        pieces += [escape(text[last : match.start()]), token(match)]
        last = match.end()
    return "".join([*pieces, escape(text[last:])])


def _user(member: Member, rest: str, named: bool) -> str:
    return (f"<@{member.id}|{member.name}>" if named else f"<@{member.id}>") + escape(rest)


def _reference(found: str, known: dict[str, T], broadcasts: bool, make: Callable[[T, str], str]) -> str:
    """The reference for "@handle" or "#channel", allowing for punctuation stuck to its end."""
    if broadcasts and found.lower() in BROADCASTS:
        return BROADCASTS[found.lower()]
    name = found[1:]
    for cut in range(len(name), 0, -1):
        if cut < len(name) and name[cut].isalnum():
            continue
        if name[:cut].lower() in known:
            return make(known[name[:cut].lower()], name[cut:])
    return escape(found)


_MARK = re.compile(r"<([^<>]+)>")


def rich_text(text: str) -> list[Json]:
    """The rich_text block that accompanies a person's message with this stored text."""
    elements: list[Json] = []
    last = 0
    for match in _MARK.finditer(text):
        if match.start() > last:
            elements.append({"type": "text", "text": unescape(text[last : match.start()])})
        elements.append(_element(match[1]))
        last = match.end()
    if last < len(text) or not elements:
        elements.append({"type": "text", "text": unescape(text[last:])})
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]


def _element(inside: str) -> Json:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target in ("!here", "!channel", "!everyone"):
        return {"type": "broadcast", "range": target[1:]}
    link: Json = {"type": "link", "url": unescape(target)}
    return link | ({"text": unescape(label)} if label else {})
