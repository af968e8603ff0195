"""Templates to what people read: Block Kit messages and views, mrkdwn text, web pages.

Every value is escaped by default and an undefined or missing one is an error. In Block Kit templates
(`*.json.j2`) a value lands inside a JSON string and its `&`, `<`, `>` are escaped, so a person's text can
make no mention and no link; `*`, `_`, `~` and backticks cannot be escaped in mrkdwn at all
(reference: Slack, "Formatting text for app surfaces"), so a person's own words go into `plain_text` or
`rich_text` objects, with the filter `literal`. Only `Mrkdwn` values pass as markup.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import regex
from babel.dates import format_datetime, get_timezone_name
from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    meta,
    select_autoescape,
)
from jinja2.bccache import Bucket
from markupsafe import Markup

from bot.config import Config, shipped

# Slack's limits that templates and services must keep (reference: Block Kit, chat.postMessage).
TEXT_LIMIT = 4_000  # chat.update refuses more
SECTION_LIMIT = 3_000
BLOCKS_PER_MESSAGE = 50
BLOCKS_PER_VIEW = 100
BUTTON_LIMIT = 75
HEADER_LIMIT = 150
MESSAGE_TEXT_SUM = 12_000  # all block text of one message together


class Mrkdwn(str):
    """Text that is already mrkdwn: its markup is meant, its foreign parts are escaped."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What chat.postMessage and chat.update take: the notification text and the blocks."""

    text: str
    blocks: list[dict[str, Any]]


def escape(text: str) -> Mrkdwn:
    """Escape foreign text for mrkdwn: exactly `&`, `<` and `>`."""
    return Mrkdwn(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def unescape(text: str) -> str:
    """Undo what Slack escaped in the text of an incoming message."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def length(text: str) -> int:
    """The number of characters as people count them: extended grapheme clusters (UAX #29)."""
    return len(regex.findall(r"\X", text))


def clip(text: str, limit: int) -> str:
    """At most `limit` code units of `text`, cut between characters and ended with an ellipsis if cut."""
    if len(text) <= limit:
        return text
    kept = ""
    for cluster in regex.findall(r"\X", text[:limit]):
        if len(kept) + len(cluster) > limit - 1:
            break
        kept += cluster
    return kept.rstrip() + "…"


def fit(text: str, limit: int) -> str:
    """`clip` so that the text keeps to `limit` once it is escaped, which is what Slack counts."""
    clipped = clip(text, limit)
    while (size := len(escape(clipped))) > limit:
        clipped = clip(text, min(len(clipped) - 1, len(clipped) * limit // size))
    return clipped


def parts(text: Mrkdwn, limit: int) -> list[Mrkdwn]:
    """`text` in pieces of whole lines, at most `limit` code units each; a longer line is clipped."""
    pieces = [""]
    for line in text.splitlines(keepends=True):
        if len(pieces[-1]) + len(line) > limit and pieces[-1]:
            pieces.append("")
        pieces[-1] += line if len(line) <= limit else clip(line, limit)
    return [Mrkdwn(piece.strip("\n")) for piece in pieces if piece.strip("\n")] or [text]


def mention(slack_id: str) -> Mrkdwn:
    """A mention of one person; raises ValueError for anything that is no user id."""
    if not re.fullmatch(r"[UW][A-Z0-9]+", slack_id):
        raise ValueError(f"{slack_id!r} is no Slack user id")
    return Mrkdwn(f"<@{slack_id}>")


def link(url: str, label: str) -> Mrkdwn:
    """A mrkdwn link; neither part can break out of it."""
    target = url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C").replace(" ", "%20")
    words = escape(" ".join(label.split())).replace("|", "¦")
    return Mrkdwn(f"<{target}|{words}>")


class _Compiled(BytecodeCache):
    """Templates compiled before in this process, by their source; one for each way of escaping.

    No template applies a filter to constants alone, which Jinja would work out while it compiles: code
    that one `Rendering` compiled is the same for every other.
    """

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code

    def snippet(self, environment: Environment, source: str) -> Template:
        """What `environment.from_string` makes."""
        code = self._code.get(("", source))
        if code is None:
            code = self._code["", source] = environment.compile(source)
        return environment.template_class.from_code(environment, code, environment.make_globals(None))


_BLOCKS, _TEXT, _PAGES = _Compiled(), _Compiled(), _Compiled()


class Rendering:
    """Renders the templates of one workshop; `tz` and `language` are the workshop's own.

    Methods raise jinja2.TemplateError for an undefined value or a missing template, and ValueError when
    a Block Kit template does not make valid JSON: both are defects of a template, never of a person's input.
    """

    def __init__(self, config: Config, templates: Path | None = None) -> None:
        self.config = config
        self.tz = config.workshop.tz
        self.language = config.workshop.language
        folder = templates or shipped("templates")
        self._blocks = self._environment(folder, _BLOCKS, finalize=_finalize_json, autoescape=True)
        self._text = self._environment(folder, _TEXT, finalize=_finalize_text, autoescape=False)
        self._pages = self._environment(
            folder, _PAGES, finalize=_refuse_none, autoescape=select_autoescape(["html"])
        )
        self._pages.policies["json.dumps_kwargs"] = {"sort_keys": True, "ensure_ascii": False}

    def message(self, name: str, values: Mapping[str, Any]) -> Message:
        """Render `templates/<name>.json.j2`, which holds {"text": …, "blocks": […]}."""
        data = self._load(name, values)
        return Message(text=data["text"], blocks=data.get("blocks", []))

    def view(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Render `templates/<name>.json.j2`, which holds a modal or a Home view."""
        return self._load(name, values)

    def text(self, name: str, values: Mapping[str, Any]) -> Mrkdwn:
        """Render the mrkdwn text template `templates/<name>` (with its ending)."""
        return Mrkdwn(self._text.get_template(name).render(values).strip())

    def snippet(self, source: str, values: Mapping[str, Any]) -> Mrkdwn:
        """Render mrkdwn from a template's source text, as the answer files hold it."""
        if "{" not in source:  # most of them: nothing to compile
            return Mrkdwn(source.strip())
        return Mrkdwn(self._compiled(source).render(values).strip())

    def plain(self, source: str, values: Mapping[str, Any]) -> str:
        """Render a template's source text to plain text, which is matched and never shown as markup.

        Raises ValueError for a broken template or a value that is not there.
        """
        try:
            return unescape(self.snippet(source, values))
        except TemplateError as error:
            raise ValueError(f"{source!r}: {error}") from None

    def names_in(self, source: str) -> frozenset[str]:
        """The values that a template's source text asks for; raises ValueError when it is broken."""
        try:
            return frozenset(meta.find_undeclared_variables(self._text.parse(source))) - {"config"}
        except TemplateSyntaxError as error:
            raise ValueError(f"line {error.lineno}: {error.message}") from None

    def page(self, name: str, values: Mapping[str, Any]) -> str:
        """Render the web page `templates/pages/<name>.html`."""
        return self._pages.get_template(f"pages/{name}.html").render(values)

    def names(self) -> list[str]:
        """Every template there is, answers left out (`bot.answers` checks those)."""
        return [name for name in self._text.list_templates() if name.endswith((".j2", ".html"))]

    def compile(self, name: str) -> None:
        """Compile one template; raises ValueError with the line when it is broken."""
        environment = (
            self._pages if name.endswith(".html") else self._blocks if ".json" in name else self._text
        )
        try:
            environment.get_template(name)
        except TemplateSyntaxError as error:
            raise ValueError(f"line {error.lineno}: {error.message}") from None

    def local(self, instant: datetime, pattern: str = "HH:mm") -> str:
        """`instant` in the workshop's zone, by a CLDR pattern, without the zone's name."""
        return format_datetime(instant, pattern, tzinfo=self.tz, locale=self.language)

    def in_words(self, instant: datetime, tz: ZoneInfo | None = None) -> str:
        """ "Tuesday 25 November 2025, 14:00 CET": date, time and zone, in the workshop's language."""
        zone = tz or self.tz
        day = format_datetime(instant, "EEEE d MMMM y, HH:mm", tzinfo=zone, locale=self.language)
        return f"{day} {zone_name(instant, zone)}"

    def clock(self, instant: datetime, tz: ZoneInfo | None = None) -> str:
        """ "14:00 CET": the time of day and its zone."""
        zone = tz or self.tz
        time = format_datetime(instant, "HH:mm", tzinfo=zone, locale=self.language)
        return f"{time} {zone_name(instant, zone)}"

    def slack_date(
        self, instant: datetime, tokens: str = "{date_short_pretty} {time}", *, utc: bool = False
    ) -> Mrkdwn:
        """A date that each reader sees in their own zone. Where dates are not drawn, it stands in the
        workshop's zone, or in UTC where the workshop's stands beside it anyway."""
        zone = ZoneInfo("UTC") if utc else self.tz
        words = self.clock(instant, zone) if utc and tokens == "{time}" else self.in_words(instant, zone)
        fallback = escape(words).replace("|", "¦")
        return Mrkdwn(f"<!date^{int(instant.timestamp())}^{tokens}|{fallback}>")

    @functools.lru_cache(maxsize=512)  # noqa: B019 - one Rendering lives as long as the process
    def _compiled(self, source: str) -> Any:
        return _TEXT.snippet(self._text, source)

    def _load(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        rendered = self._blocks.get_template(f"{name}.json.j2").render(values)
        try:
            data = json.loads(rendered)
        except json.JSONDecodeError as error:
            raise ValueError(f"templates/{name}.json.j2 does not make valid JSON: {error}") from error
        if not isinstance(data, dict):
            raise ValueError(f"templates/{name}.json.j2 does not make a JSON object")
        return data

    def _environment(
        self, folder: Path, compiled: _Compiled, *, finalize: Callable[[Any], Any], autoescape: Any
    ) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(folder),
            bytecode_cache=compiled,
            undefined=StrictUndefined,
            finalize=finalize,
            autoescape=autoescape,  # noqa: S701 - escaping is done by `finalize`, for the surface at hand
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        environment.filters |= {
            "literal": _literal,
            "clip": clip,
            "fit": fit,
            "length_of": length,
            "parts": parts,
            "mention": mention,
            "link": link,
            "local": self.local,
            "in_words": self.in_words,
            "clock": self.clock,
            "slack_date": self.slack_date,
            "escape_mrkdwn": escape,
        }
        environment.globals["config"] = self.config
        return environment


def zone_name(instant: datetime, tz: ZoneInfo) -> str:
    """The zone's usual abbreviation at that instant ("CET", "BST"), or its offset ("UTC+05:30")."""
    name = instant.astimezone(tz).tzname() or ""
    if re.fullmatch(r"[A-Z]{2,5}", name):
        return name
    offset = instant.astimezone(tz).utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    sign = "+" if minutes >= 0 else "−"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def zone_city(tz: ZoneInfo, language: str = "en") -> str:
    """The zone as people say it, for example "Central European Time"."""
    return str(get_timezone_name(tz, locale=language))


def _in_json_string(text: str) -> Markup:
    return Markup(json.dumps(text, ensure_ascii=False)[1:-1])  # noqa: S704 - escaped for its place, a JSON string


def _literal(value: object) -> Markup:
    """A value inside a JSON string whose place takes no markup (plain_text, rich_text, option values)."""
    return _in_json_string(str(_refuse_none(value)))


def _finalize_json(value: object) -> Markup:
    if isinstance(value, Markup):  # from `literal`, `tojson` or a macro: already made for its place
        return value
    if isinstance(value, Mrkdwn):
        return _in_json_string(value)
    return _in_json_string(escape(str(_refuse_none(value))))


def _finalize_text(value: object) -> str:
    if isinstance(value, Mrkdwn):
        return value
    return escape(str(_refuse_none(value)))


def _refuse_none(value: object) -> object:
    if value is None:
        raise ValueError("a template printed a value that is not there")
    return value


def utc(text: str) -> datetime:
    """Read an ISO 8601 instant; raises ValueError when it carries no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write it as 2025-11-25T13:00:00+00:00 or …Z")
    return instant.astimezone(UTC)
