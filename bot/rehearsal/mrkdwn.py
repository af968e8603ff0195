"""Slack's mrkdwn and rich text as HTML, for one reader. A person's text never becomes HTML.

Code and `<…>` references are set aside first, so that nothing inside them is formatted; what remains is
escaped and then marked up (reference: "Formatting text for app surfaces").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup, escape

from bot.rehearsal import dates
from bot.rehearsal.emoji import EMOJI
from bot.rehearsal.state import Json
from bot.rendering import unescape

# Private-use characters mark what was set aside; any in the text itself are dropped first.
_OPEN, _CLOSE = "\ue000", "\ue001"
_ASIDE = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_FENCE = re.compile(r"```\n?([\s\S]*?)\n?```")
_CODE = re.compile(r"`([^`\n]+)`")
_ANGLE = re.compile(r"<([^<>]*)>")
_URL = re.compile(r"https?://[^\s<>|\ue000-\ue001]*[^\s<>|.,;:!?'\")\]}*_~\ue000-\ue001]")
_EMOJI = re.compile(r":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):")
_EDGE_BEFORE, _EDGE_AFTER = r"(?<![\w*_~\\])", r"(?![\w*_~])"
_STYLES = [
    (re.compile(rf"{_EDGE_BEFORE}{re.escape(mark)}(?=\S)([^\n]*?\S){re.escape(mark)}{_EDGE_AFTER}"), tag)
    for mark, tag in (("*", "strong"), ("_", "em"), ("~", "s"))
]
_STYLE_TAGS = (("bold", "strong"), ("italic", "em"), ("strike", "s"), ("underline", "u"), ("code", "code"))
_SAFE_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: zone, language, and the names behind ids."""

    id: str
    tz: ZoneInfo
    locale: Locale
    now: datetime
    members: Mapping[str, str]
    channels: Mapping[str, str]
    groups: Mapping[str, str] = field(default_factory=dict)

    # --- mrkdwn -----------------------------------------------------------------------------------

    def mrkdwn(self, text: str) -> Markup:
        """mrkdwn as HTML."""
        aside: list[Markup] = []

        def put(markup: Markup) -> str:
            aside.append(markup)
            return f"{_OPEN}{len(aside) - 1}{_CLOSE}"

        text = text.replace(_OPEN, "").replace(_CLOSE, "")
        text = _FENCE.sub(lambda m: put(_wrap("pre", escape(unescape(m[1])))), text)
        text = _CODE.sub(lambda m: put(_wrap("code", escape(unescape(m[1])))), text)
        text = _ANGLE.sub(lambda m: put(self._reference(m[1])), text)
        text = _URL.sub(lambda m: put(_link(unescape(m[0]), unescape(m[0]))), text)
        lines = _quoted([self._line(line) for line in text.split("\n")])
        return Markup(_ASIDE.sub(lambda m: str(aside[int(m[1])]), lines))  # noqa: S704 - every part is escaped

    def _line(self, line: str) -> tuple[bool, str]:
        quoted = re.match(r"(?:&gt;|>) ?", line)
        marked = str(escape(unescape(line[quoted.end() :] if quoted else line)))
        for pattern, tag in _STYLES:
            marked = pattern.sub(rf"<{tag}>\1</{tag}>", marked)
        return quoted is not None, _EMOJI.sub(_emoji, marked)

    def _reference(self, inside: str) -> Markup:
        """What stands in `<…>`: a mention, a channel, a date, a link."""
        target, _, label = inside.partition("|")
        if target.startswith("@"):
            return self.user(target[1:])
        if target.startswith("#"):
            return self.channel(target[1:], unescape(label))
        if target.startswith("!date^"):
            return self._date_reference(target, unescape(label))
        if target.startswith("!subteam^"):
            return self.group(target.removeprefix("!subteam^"))
        if target.startswith("!"):
            return _mention(unescape(label) or f"@{target[1:]}", loud=True)
        return _link(unescape(target), unescape(label) or unescape(target).removeprefix("mailto:"))

    def _date_reference(self, target: str, fallback: str) -> Markup:
        parts = target.split("^")
        words = None
        if len(parts) >= 3 and re.fullmatch(r"-?\d{1,12}", parts[1]):
            words = dates.fill(parts[2], int(parts[1]), self.tz, self.locale, self.now)
        shown = Markup('<time class="date" title="{}">{}</time>').format(fallback, words or fallback)
        link = unescape(parts[3]) if len(parts) > 3 else ""
        return _link(link, shown) if link else shown

    # --- references -------------------------------------------------------------------------------

    def user(self, id_: str) -> Markup:
        return _mention(f"@{self.members.get(id_, id_)}", loud=id_ == self.id)

    def channel(self, id_: str, label: str = "") -> Markup:
        return _mention(f"#{self.channels.get(id_) or label or id_}")

    def group(self, id_: str) -> Markup:
        return _mention(f"@{self.groups.get(id_, id_)}")

    # --- rich text --------------------------------------------------------------------------------

    def rich_text(self, block: Json) -> Markup:
        """A rich_text block as HTML."""
        return _join(self._rich_part(part) for part in _dicts(block.get("elements")))

    def _rich_part(self, part: Json) -> Markup:
        kind = part.get("type")
        if kind == "rich_text_list":
            tag = "ol" if part.get("style") == "ordered" else "ul"
            items = _join(_wrap("li", self._inline(item)) for item in _dicts(part.get("elements")))
            indent = part.get("indent") if isinstance(part.get("indent"), int) else 0
            return Markup('<{} class="indent-{}">{}</{}>').format(tag, indent, items, tag)
        tags = {"rich_text_quote": "blockquote", "rich_text_preformatted": "pre"}
        return _wrap(tags.get(str(kind), "p"), self._inline(part))

    def _inline(self, part: Json) -> Markup:
        return _join(self._rich_element(element) for element in _dicts(part.get("elements")))

    def _rich_element(self, element: Json) -> Markup:
        kind = str(element.get("type"))
        drawn = _RICH.get(kind, _rich_unknown)(self, element)
        given = element.get("style")
        style: Json = given if isinstance(given, dict) else {}
        for name, tag in _STYLE_TAGS:
            if style.get(name):
                drawn = _wrap(tag, drawn)
        return drawn

    def rich_date(self, element: Json) -> Markup:
        """A date inside rich text."""
        stamp, fallback = element.get("timestamp"), str(element.get("fallback") or "")
        words = None
        if isinstance(stamp, int):
            words = dates.fill(str(element.get("format") or ""), stamp, self.tz, self.locale, self.now)
        return Markup('<time class="date" title="{}">{}</time>').format(fallback, words or fallback)


def _rich_text_run(_: Reader, element: Json) -> Markup:
    return Markup("<br>").join(escape(line) for line in str(element.get("text") or "").split("\n"))


def _rich_link(_: Reader, element: Json) -> Markup:
    url = str(element.get("url") or "")
    return _link(url, str(element.get("text") or url))


def _rich_unknown(_: Reader, element: Json) -> Markup:
    return _wrap("span", escape(f"[{element.get('type')}]"))


_RICH: dict[str, Callable[[Reader, Json], Markup]] = {
    "text": _rich_text_run,
    "link": _rich_link,
    "user": lambda reader, element: reader.user(str(element.get("user_id"))),
    "usergroup": lambda reader, element: reader.group(str(element.get("usergroup_id"))),
    "channel": lambda reader, element: reader.channel(str(element.get("channel_id"))),
    "broadcast": lambda _, element: _mention(f"@{element.get('range')}", loud=True),
    "emoji": lambda _, element: escape(emoji(str(element.get("name")))),
    "date": lambda reader, element: reader.rich_date(element),
}


def emoji(name: str) -> str:
    """The character of an emoji name, or the name between colons."""
    return EMOJI.get(name.partition("::")[0], f":{name}:")


def plain(text: str, *, emoji_names: bool = True) -> Markup:
    """The text of a plain_text object as HTML; nothing in it is markup but line ends and emoji names."""
    lines = Markup("<br>").join(escape(line) for line in text.split("\n"))
    # Replaced after escaping: a name holds no character that escaping touches.
    return Markup(_EMOJI.sub(_emoji, str(lines))) if emoji_names else lines  # noqa: S704


def _emoji(match: re.Match[str]) -> str:
    return str(escape(emoji(match[1])))


def _quoted(lines: list[tuple[bool, str]]) -> str:
    """Lines joined, runs of quoted ones in a blockquote."""
    pieces: list[str] = []
    for index, (quoted, line) in enumerate(lines):
        before = lines[index - 1][0] if index else None
        if quoted and not before:
            pieces.append("<blockquote>")
        elif before and not quoted:
            pieces.append("</blockquote>")
        elif index:
            pieces.append("<br>")
        pieces.append(line)
    return "".join(pieces) + ("</blockquote>" if lines and lines[-1][0] else "")


def is_safe_link(url: str) -> bool:
    """Whether an address may become a link: http, https, mail, telephone."""
    return _SAFE_LINK.match(url) is not None


def _link(url: str, label: str | Markup) -> Markup:
    if not is_safe_link(url):
        return escape(label)
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(url, label)


def _mention(text: str, *, loud: bool = False) -> Markup:
    return Markup('<span class="mention{}">{}</span>').format(" loud" if loud else "", text)


def _wrap(tag: str, inside: Markup) -> Markup:
    return Markup("<{}>{}</{}>").format(Markup(tag), inside, Markup(tag))  # noqa: S704 - tags are our own words


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def _dicts(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
