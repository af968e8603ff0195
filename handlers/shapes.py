"""Slack's payloads checked before anybody reads them: every field a listener takes for granted is there.

Reference: Slack, "Events API", "Interactivity payloads", "Slash commands" (fields as the listeners use
them; everything else may be there and is left alone). Texts are cleaned of what no database stores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from handlers.manifest import EVENTS

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
DEEPEST = 64  # levels of nesting; Block Kit needs about ten

Word = Annotated[str, StringConstraints(min_length=1, max_length=255)]
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{1,30}$")]
Place = Annotated[str, StringConstraints(pattern=r"^[CDG][A-Z0-9]{1,30}$")]
Stamp = Annotated[str, StringConstraints(pattern=r"^\d{1,11}\.\d{1,6}$")]
Text = Annotated[str, StringConstraints(max_length=200_000)]


class Malformed(ValueError):
    """A request that is none of Slack's; says which part is wrong, never what stood there."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _User(_Shape):
    id: UserId


class _Place(_Shape):
    id: Place | None = None


class _Item(_Shape):
    type: Word | None = None
    channel: Place | None = None
    ts: Stamp | None = None


class _Event(_Shape):
    type: Word
    subtype: Word | None = None
    user: UserId | None = None
    bot_id: Word | None = None
    channel: Place | None = None
    channel_type: Word | None = None
    text: Text | None = None
    ts: Stamp | None = None
    thread_ts: Stamp | None = None
    event_ts: Stamp | None = None
    reaction: Word | None = None
    item: _Item | None = None
    tab: Word | None = None


class _Other(_Shape):
    """An event nobody here listens for: its fields are of its own kind (a channel may be an object)."""

    type: Word


class _Envelope(_Shape):
    """What Bolt reads of every payload before any listener does."""

    event: dict[str, Any] = {}
    user: str | dict[str, Any] | None = None
    team: str | dict[str, Any] | None = None
    enterprise: str | dict[str, Any] | None = None
    authorizations: list[dict[str, Any]] | None = None
    channel: str | dict[str, Any] | None = None
    response_urls: list[dict[str, Any]] = []


class _Callback(_Shape):
    event_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    event: _Other


class _Option(_Shape):
    value: Text | None = None


class _Action(_Shape):
    action_id: Word
    action_ts: Word
    value: Text | None = None
    selected_option: _Option | None = None


class _Message(_Shape):
    ts: Stamp | None = None
    thread_ts: Stamp | None = None
    text: Text | None = None


class _Container(_Shape):
    channel_id: Place | None = None
    thread_ts: Stamp | None = None


class _Element(_Option):
    """One input of a view, as it stands."""

    selected_options: list[_Option] | None = None
    selected_date: Word | None = None
    selected_time: Word | None = None
    selected_date_time: int | None = None
    selected_user: UserId | None = None
    selected_channel: Place | None = None


class _State(_Shape):
    values: dict[str, dict[str, _Element]] = {}


class _Block(_Shape):
    type: Word
    block_id: Word


class _View(_Shape):
    type: Literal["modal", "home"]
    id: Word
    hash: Word
    callback_id: Annotated[str, StringConstraints(max_length=255)] = ""
    private_metadata: Text | None = None
    previous_view_id: Word | None = None
    state: _State | None = None
    blocks: list[_Block] = []


class _OpenView(_Shape):
    id: Word | None = None
    callback_id: Annotated[str, StringConstraints(max_length=255)] | None = None
    previous_view_id: Word | None = None
    state: _State | None = None


class _Interaction(_Shape):
    user: _User
    channel: _Place | None = None
    container: _Container | None = None
    message: _Message | None = None
    trigger_id: Word | None = None


class _Clicked(_Interaction):
    actions: Annotated[list[_Action], Field(min_length=1)]
    view: _OpenView | None = None


class _Submitted(_Interaction):
    view: _View


class _Shortcut(_Interaction):
    callback_id: Word
    trigger_id: Word


class _Command(_Shape):
    command: Word
    user_id: UserId
    trigger_id: Word
    channel_id: Place | None = None
    text: Text | None = None


class _Challenge(_Shape):
    challenge: Text


_SHAPES: dict[str, type[_Shape]] = {
    "event_callback": _Callback,
    "url_verification": _Challenge,
    "block_actions": _Clicked,
    "view_submission": _Submitted,
    "view_closed": _Submitted,
    "shortcut": _Shortcut,
    "message_action": _Shortcut,
    "app_rate_limited": _Shape,
}
# The events the listeners read.
_EVENTS = frozenset(event.partition(".")[0] for event in EVENTS)


def read(raw: bytes, content_type: str) -> dict[str, Any]:
    """The body of a request as its fields; raises Malformed. `check` says whether they are the right ones.

    A form with `command` is a slash command, whatever words stand in it; only one without is looked into
    for an interaction's `payload`.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        body = _parsed(raw)
    elif kind == FORM:
        body = _form(raw)
        if "command" not in body and "payload" in body:
            body = _parsed(body["payload"])
    else:
        raise Malformed("neither JSON nor a form")
    return body


def check(body: Mapping[str, Any]) -> None:
    """Raise Malformed when a field that a listener relies on is missing or of another kind."""
    _match(_Envelope, body)
    kind = body.get("type")
    if kind is None and body.get("ssl_check") == "1":
        return
    if kind is None and "command" in body:
        _match(_Command, body)
        return
    if not isinstance(kind, str) or kind not in _SHAPES:
        raise Malformed("no type that is known here")
    _match(_SHAPES[kind], body)
    if kind == "event_callback" and body["event"]["type"] in _EVENTS:
        _match(_Event, body["event"])


def clean(value: Any, depth: int = 0) -> Any:
    """Replace in place what PostgreSQL or UTF-8 cannot hold: NUL and halves of surrogate pairs."""
    if depth > DEEPEST:
        raise Malformed("nested too deeply")
    if isinstance(value, str):
        return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        value[:] = [clean(item, depth + 1) for item in value]
    elif isinstance(value, dict):
        for key, item in list(value.items()):
            value[key] = clean(item, depth + 1)
    return value


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(body, dict):
        raise Malformed("not a JSON object")
    return body


def _form(raw: bytes) -> dict[str, Any]:
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=100, errors="replace"))
    except ValueError:
        raise Malformed("not a form") from None


def _match(shape: type[_Shape], given: Any) -> None:
    try:
        shape.model_validate(given)
    except ValidationError as error:
        wrong = sorted({".".join(str(part) for part in detail["loc"])[:80] for detail in error.errors()})
        raise Malformed(f"unexpected {', '.join(wrong[:5])}") from None
