"""Block Kit, checked as Slack checks it: known types, required fields, lengths, counts, unique ids.

`check_message` and `check_view` return what is wrong, worded and placed as in the `response_metadata` of
Slack's own answers ("[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]").
The schemas are data: a block or element is its required and its optional fields, each with its check
(reference: Block Kit; limits also in slack_sdk.models.blocks).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bot.rehearsal.state import Json

BLOCKS_PER_MESSAGE = 50
BLOCKS_PER_VIEW = 100
TEXT_SUM = 12_000  # all block text of one message; beyond it Slack answers msg_blocks_too_long
VIEW_BYTES = 250_000

Errors = list[str]
Check = Callable[[Any, str, Errors], None]


def _error(errors: Errors, words: str, where: str) -> None:
    errors.append(f"[ERROR] {words} [json-pointer:{where}]")


def string(most: int, least: int = 1) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, where: str, errors: Errors) -> None:
        if not isinstance(value, str):
            _error(errors, "must be a string", where)
        elif len(value) > most:
            _error(errors, f"must be less than {most + 1} characters", where)
        elif len(value) < least:
            _error(errors, f"must be more than {least - 1} characters", where)

    return check


def number(least: int, most: int) -> Check:
    """A whole number between two others."""

    def check(value: Any, where: str, errors: Errors) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            _error(errors, "must be an integer", where)
        elif not least <= value <= most:
            _error(errors, f"must be between {least} and {most}", where)

    return check


def one_of(*values: object) -> Check:
    """One of a few values."""

    def check(value: Any, where: str, errors: Errors) -> None:
        if value not in values:
            _error(errors, f"failed to match one of the allowed values: {', '.join(map(str, values))}", where)

    return check


def flag(value: Any, where: str, errors: Errors) -> None:
    """true or false."""
    if not isinstance(value, bool):
        _error(errors, "must be a boolean", where)


def anything(value: Any, where: str, errors: Errors) -> None:
    """Not checked further."""


def items(check_item: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` items."""

    def check(value: Any, where: str, errors: Errors) -> None:
        if not isinstance(value, list):
            _error(errors, "must be an array", where)
            return
        if len(value) > most:
            _error(errors, f"no more than {most} items allowed", where)
        if len(value) < least:
            _error(errors, f"no fewer than {least} items allowed", where)
        for index, item in enumerate(value):
            check_item(item, f"{where}/{index}", errors)

    return check


def record(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """An object with these fields and no others."""
    fields = required | (optional or {})

    def check(value: Any, where: str, errors: Errors) -> None:
        if not isinstance(value, dict):
            _error(errors, "must be an object", where)
            return
        for name in required:
            if value.get(name) is None:
                _error(errors, f"missing required field: {name}", where)
        for name, given in value.items():
            if name not in fields:
                _error(errors, f"invalid additional property: {name}", where)
            elif given is not None:
                fields[name](given, f"{where}/{name}", errors)

    return check


def text(most: int, *kinds: str) -> Check:
    """A text object of one of the `kinds` (both when none is named), of at most `most` characters."""
    schema = record(
        {"type": one_of(*(kinds or ("plain_text", "mrkdwn"))), "text": string(most)},
        {"emoji": flag, "verbatim": flag},
    )

    def check(value: Any, where: str, errors: Errors) -> None:
        schema(value, where, errors)
        if isinstance(value, dict) and value.get("type") == "mrkdwn" and "emoji" in value:
            _error(errors, "invalid additional property: emoji", where)

    return check


def plain(most: int) -> Check:
    """A plain_text object."""
    return text(most, "plain_text")


def typed(schemas: dict[str, Check], *allowed: str) -> Check:
    """An object whose `type` picks its schema, of the `allowed` types (all when none is named)."""

    def check(value: Any, where: str, errors: Errors) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind is None:
            _error(errors, "missing required field: type", where)
        elif not isinstance(kind, str) or kind not in schemas or (allowed and kind not in allowed):
            _error(errors, f"unsupported type: {kind}", f"{where}/type")
        else:
            schemas[kind](value, where, errors)

    return check


CONFIRM = record(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
OPTION = record({"text": text(75), "value": string(150)}, {"description": text(75)})
LINKED_OPTION = record(
    {"text": text(75), "value": string(150)}, {"description": text(75), "url": string(3000)}
)
OPTIONS = items(OPTION, 100)
GROUPS = items(record({"label": plain(75), "options": OPTIONS}), 100)
DISPATCH = record({}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)})
CONVERSATION_FILTER = record(
    {},
    {
        "include": items(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
)
SLACK_FILE = record({}, {"id": string(255), "url": string(3000)})


def _element(
    kind: str, required: dict[str, Check] | None = None, optional: dict[str, Check] | None = None
) -> Check:
    return record(
        {"type": one_of(kind)} | (required or {}),
        {"action_id": string(255), "confirm": CONFIRM, "focus_on_load": flag} | (optional or {}),
    )


_HELD = {"placeholder": plain(150)}
_MANY = _HELD | {"max_selected_items": number(1, 100)}
_LISTED = {"options": OPTIONS, "option_groups": GROUPS}
_TYPED = _HELD | {"dispatch_action_config": DISPATCH}
_CONVERSATION = {"default_to_current_conversation": flag, "filter": CONVERSATION_FILTER}
_IMAGE = record(
    {"type": one_of("image"), "alt_text": string(2000)}, {"image_url": string(3000), "slack_file": SLACK_FILE}
)

ELEMENTS: dict[str, Check] = {
    "button": _element(
        "button",
        {"text": plain(75)},
        {
            "url": string(3000),
            "value": string(2000),
            "style": one_of("primary", "danger"),
            "accessibility_label": string(75),
        },
    ),
    "static_select": _element("static_select", {}, _HELD | _LISTED | {"initial_option": OPTION}),
    "multi_static_select": _element(
        "multi_static_select", {}, _MANY | _LISTED | {"initial_options": OPTIONS}
    ),
    "external_select": _element(
        "external_select", {}, _HELD | {"initial_option": OPTION, "min_query_length": number(0, 3000)}
    ),
    "multi_external_select": _element(
        "multi_external_select", {}, _MANY | {"initial_options": OPTIONS, "min_query_length": number(0, 3000)}
    ),
    "users_select": _element("users_select", {}, _HELD | {"initial_user": string(255)}),
    "multi_users_select": _element(
        "multi_users_select", {}, _MANY | {"initial_users": items(string(255), 100)}
    ),
    "channels_select": _element(
        "channels_select", {}, _HELD | {"initial_channel": string(255), "response_url_enabled": flag}
    ),
    "multi_channels_select": _element(
        "multi_channels_select", {}, _MANY | {"initial_channels": items(string(255), 100)}
    ),
    "conversations_select": _element(
        "conversations_select",
        {},
        _HELD | _CONVERSATION | {"initial_conversation": string(255), "response_url_enabled": flag},
    ),
    "multi_conversations_select": _element(
        "multi_conversations_select",
        {},
        _MANY | _CONVERSATION | {"initial_conversations": items(string(255), 100)},
    ),
    "overflow": _element("overflow", {"options": items(LINKED_OPTION, 5)}),
    "datepicker": _element("datepicker", {}, _HELD | {"initial_date": string(10, 10)}),
    "timepicker": _element("timepicker", {}, _HELD | {"initial_time": string(5, 5), "timezone": string(100)}),
    "datetimepicker": _element("datetimepicker", {}, {"initial_date_time": number(0, 9_999_999_999)}),
    "radio_buttons": _element("radio_buttons", {"options": items(OPTION, 10)}, {"initial_option": OPTION}),
    "checkboxes": _element(
        "checkboxes", {"options": items(OPTION, 10)}, {"initial_options": items(OPTION, 10)}
    ),
    "plain_text_input": _element(
        "plain_text_input",
        {},
        _TYPED
        | {
            "initial_value": string(3000, 0),
            "multiline": flag,
            "min_length": number(0, 3000),
            "max_length": number(1, 3000),
        },
    ),
    "email_text_input": _element("email_text_input", {}, _TYPED | {"initial_value": string(3000, 0)}),
    "url_text_input": _element("url_text_input", {}, _TYPED | {"initial_value": string(3000, 0)}),
    "number_input": _element(
        "number_input",
        {"is_decimal_allowed": flag},
        _TYPED | {"initial_value": string(100), "min_value": string(100), "max_value": string(100)},
    ),
    "rich_text_input": _element("rich_text_input", {}, _TYPED | {"initial_value": anything}),
    "file_input": _element(
        "file_input", {}, {"filetypes": items(string(20), 100), "max_files": number(1, 10)}
    ),
    "workflow_button": _element(
        "workflow_button", {"text": plain(75), "workflow": anything}, {"style": anything}
    ),
    "feedback_buttons": _element(
        "feedback_buttons", {"positive_button": anything, "negative_button": anything}
    ),
    "icon_button": _element(
        "icon_button",
        {"icon": string(50), "text": plain(75)},
        {
            "value": string(2000),
            "visible_to_user_ids": items(string(255), 100),
            "accessibility_label": string(75),
        },
    ),
    "image": _IMAGE,
}
_INPUTS = tuple(
    kind
    for kind in ELEMENTS
    if kind not in ("button", "overflow", "image", "workflow_button", "feedback_buttons", "icon_button")
)
_ACTIONS = tuple(
    kind
    for kind in ELEMENTS
    if kind
    not in ("image", "file_input", "email_text_input", "url_text_input", "number_input", "feedback_buttons")
)
_ACCESSORIES = tuple(kind for kind in _ACTIONS if kind not in ("plain_text_input", "rich_text_input"))


def _block(kind: str, required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record({"type": one_of(kind)} | required, {"block_id": string(255)} | (optional or {}))


def _context_element(value: Any, where: str, errors: Errors) -> None:
    if isinstance(value, dict) and value.get("type") == "image":
        _IMAGE(value, where, errors)
    else:
        text(3000)(value, where, errors)


_CELL = items(typed({"raw_text": anything, "rich_text": anything, "raw_number": anything}), 20)
_RICH_PARTS = typed(
    dict.fromkeys(
        ("rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"), anything
    )
)

BLOCKS: dict[str, Check] = {
    "section": _block(
        "section",
        {},
        {
            "text": text(3000),
            "fields": items(text(2000), 10),
            "accessory": typed(ELEMENTS, *_ACCESSORIES, "image"),
            "expand": flag,
        },
    ),
    "divider": _block("divider", {}),
    "header": _block("header", {"text": plain(150)}),
    "context": _block("context", {"elements": items(_context_element, 10)}),
    "actions": _block("actions", {"elements": items(typed(ELEMENTS, *_ACTIONS), 25)}),
    "context_actions": _block(
        "context_actions", {"elements": items(typed(ELEMENTS, "feedback_buttons", "icon_button"), 5)}
    ),
    "input": _block(
        "input",
        {"label": plain(2000), "element": typed(ELEMENTS, *_INPUTS)},
        {"hint": plain(2000), "optional": flag, "dispatch_action": flag},
    ),
    "image": _block(
        "image",
        {"alt_text": string(2000)},
        {"image_url": string(3000), "slack_file": SLACK_FILE, "title": plain(2000)},
    ),
    "rich_text": _block("rich_text", {"elements": items(_RICH_PARTS, 1000)}),
    "markdown": _block("markdown", {"text": string(12_000)}),
    "video": _block(
        "video",
        {
            "alt_text": string(2000),
            "title": plain(199),
            "thumbnail_url": string(3000),
            "video_url": string(3000),
        },
        {"author_name": string(49), "description": plain(200), "provider_icon_url": string(3000)}
        | {"provider_name": string(200), "title_url": string(3000)},
    ),
    "table": _block("table", {"rows": items(_CELL, 100)}, {"column_settings": items(anything, 20)}),
    "file": _block("file", {"external_id": string(255), "source": one_of("remote")}),
}
_ONLY_MESSAGES = ("markdown", "table", "file")
_ONLY_VIEWS_INPUTS = ("file_input",)

_MODAL = record(
    {"type": one_of("modal"), "title": plain(24), "blocks": anything},
    {"submit": plain(24), "close": plain(24), "clear_on_close": flag, "notify_on_close": flag}
    | {"private_metadata": string(3000, 0), "callback_id": string(255, 0), "external_id": string(255, 0)}
    | {"submit_disabled": flag},
)
_HOME = record(
    {"type": one_of("home"), "blocks": anything},
    {"private_metadata": string(3000, 0), "callback_id": string(255, 0), "external_id": string(255, 0)},
)


def check_message(blocks: Any) -> Errors:
    """What is wrong with a message's blocks."""
    return _check_blocks(blocks, BLOCKS_PER_MESSAGE, message=True)


def too_long(blocks: list[Json]) -> bool:
    """Whether the text of all blocks together is more than a message may hold."""
    return _text_sum(blocks) > TEXT_SUM


def check_view(view: Any) -> Errors:
    """What is wrong with a modal or Home view."""
    errors: Errors = []
    if not isinstance(view, dict):
        return ["[ERROR] must be an object [json-pointer:/view]"]
    home = view.get("type") == "home"
    # What a client got from an earlier answer and sent back is ignored by Slack.
    given = {
        key: value for key, value in view.items() if key not in ("id", "hash", "state", "team_id", "bot_id")
    }
    (_HOME if home else _MODAL)(given, "/view", errors)
    blocks = view.get("blocks")
    errors += _check_blocks(blocks, BLOCKS_PER_VIEW, message=False)
    inputs = (
        [b for b in blocks if isinstance(b, dict) and b.get("type") == "input"]
        if isinstance(blocks, list)
        else []
    )
    if inputs and not home and not view.get("submit"):
        _error(errors, "missing required field: submit", "/view")
    return errors


def view_too_large(view: Json) -> bool:
    """Whether a view's payload is more than Slack takes."""
    return len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES


def _check_blocks(blocks: Any, most: int, *, message: bool) -> Errors:
    errors: Errors = []
    items(typed(BLOCKS), most, 0)(blocks, "/blocks", errors)
    if not isinstance(blocks, list):
        return errors
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        if isinstance(block, dict):
            _check_block(block, f"/blocks/{index}", seen, errors, message=message)
    return errors


def _check_block(block: Json, where: str, seen: set[str], errors: Errors, *, message: bool) -> None:
    block_id = block.get("block_id")
    if isinstance(block_id, str) and block_id:
        if block_id in seen:
            _error(errors, f"`block_id` already exists: {block_id}", f"{where}/block_id")
        seen.add(block_id)
    kind = block.get("type")
    if kind == "section" and not block.get("text") and not block.get("fields"):
        _error(errors, "missing required field: text or fields", where)
    if kind == "image" and not block.get("image_url") and not block.get("slack_file"):
        _error(errors, "missing required field: image_url or slack_file", where)
    if not message and kind in _ONLY_MESSAGES:
        _error(errors, f"unsupported type: {kind}", f"{where}/type")
    actions: set[str] = set()
    for element, place in elements_of(block):
        _check_element(element, where + place, actions, errors, message=message)


def _check_element(element: Json, where: str, actions: set[str], errors: Errors, *, message: bool) -> None:
    action_id = element.get("action_id")
    if isinstance(action_id, str) and action_id:
        if action_id in actions:
            _error(errors, f"`action_id` already exists: {action_id}", f"{where}/action_id")
        actions.add(action_id)
    kind = str(element.get("type"))
    if message and kind in _ONLY_VIEWS_INPUTS:
        _error(errors, f"unsupported type: {kind}", f"{where}/type")
    if kind.endswith("static_select") and bool(element.get("options")) == bool(element.get("option_groups")):
        _error(errors, "must have either options or option_groups", where)
    least, most = element.get("min_length"), element.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        _error(errors, "max_length must be greater than min_length", where)


def elements_of(block: Json) -> list[tuple[Json, str]]:
    """The interactive elements of a block, each with its place in it."""
    found: list[tuple[Any, str]] = []
    if isinstance(block.get("elements"), list) and block.get("type") in ("actions", "context_actions"):
        found = [(element, f"/elements/{index}") for index, element in enumerate(block["elements"])]
    for name in ("accessory", "element"):
        if block.get(name) is not None:
            found.append((block[name], f"/{name}"))
    return [(element, place) for element, place in found if isinstance(element, dict)]


def _text_sum(value: Any) -> int:
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(
            _text_sum(inner) for key, inner in value.items() if key != "text" or not isinstance(inner, str)
        )
    if isinstance(value, list):
        return sum(_text_sum(inner) for inner in value)
    return 0
