"""Attachments: the old way to add something to a message, with blocks or with buttons of their own.

Blocks inside one follow Block Kit's rules and are clicked like any other; the older `actions` (buttons and
menus by `name`, under the attachment's `callback_id`) reach the app as an `interactive_message`
(reference: "Secondary message attachments"; legacy: "Interactive messages").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bot.rehearsal import blockkit
from bot.rehearsal.state import Json

MOST = 100
NO_PREVIEW = "[no preview available]"

WithIds = Callable[[Iterable[Json]], list[Json]]


def check(attachments: list[Json]) -> list[str]:
    """What is wrong with a message's attachments, in the words of Block Kit's own checks."""
    errors = []
    for index, each in enumerate(attachments):
        if each.get("blocks") is not None:
            found = blockkit.check_message(each["blocks"])
            place = f"[json-pointer:/attachments/{index}/blocks"
            errors += [words.replace("[json-pointer:/blocks", place) for words in found]
        for name in ("actions", "fields"):
            if each.get(name) is not None and not isinstance(each[name], list):
                errors.append(f"[ERROR] must be an array [json-pointer:/attachments/{index}/{name}]")
    return errors


def complete(attachments: Iterable[Json], with_ids: WithIds) -> list[Json]:
    """Attachments with what the server adds: their numbers, from 1, and the ids inside them."""
    completed = []
    for number, given in enumerate(attachments, 1):
        each = {"id": number, **given}
        if given.get("blocks"):
            each["blocks"] = with_ids(given["blocks"])
            each.setdefault("fallback", NO_PREVIEW)
        if given.get("actions"):
            each["actions"] = [
                {"id": str(place), "style": "", **action}
                for place, action in enumerate(_dicts(given["actions"]), 1)
            ]
        completed.append(each)
    return completed


def blocks_of(attachments: list[Json], number: str = "") -> Iterator[tuple[Json, Json]]:
    """Every block inside attachments, with the attachment it stands in; of one when its number is given."""
    for each in attachments:
        if number in ("", str(each.get("id"))):
            yield from ((each, block) for block in each.get("blocks") or [])


def chosen(attachments: list[Json], wish: Json) -> tuple[Json, Json] | None:
    """The attachment and the entry of `actions` of a press on an old button or menu, if it is one."""
    name, value, number = wish.get("action_id"), wish.get("value"), str(wish.get("attachment") or "")
    for each in attachments:
        for action in each.get("actions") or [] if number in ("", str(each["id"])) else []:
            found = _entry(action, value) if action.get("name") == name else None
            if found is not None:
                return each, found
    return None


def drawn(given: Json) -> Json:
    """What the page shows of an attachment; its pictures are not drawn."""
    words = [str(given.get(key) or "") for key in ("pretext", "title", "text")]
    fields, blocks = _dicts(given.get("fields")), given.get("blocks") or []
    actions = [action | {"options": _options(action)} for action in given.get("actions") or []]
    bare = not (any(words) or fields or blocks or actions)
    return {
        "id": given.get("id"),
        "pretext": words[0],
        "title": words[1],
        "text": words[2] or (str(given.get("fallback") or "") if bare else ""),
        "fields": fields,
        "blocks": blocks,
        "actions": actions,
    }


def _options(action: Json) -> list[Json]:
    """What an old menu offers, with or without groups."""
    groups = _dicts(action.get("option_groups"))
    grouped = [each for group in groups for each in _dicts(group.get("options"))]
    return [*_dicts(action.get("options")), *grouped]


def _dicts(given: Any) -> list[Json]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _entry(action: Json, value: Any) -> Json | None:
    if action.get("type") == "select":
        if value not in [option.get("value") for option in _options(action)]:
            return None
        return {"name": action["name"], "type": "select", "selected_options": [{"value": value}]}
    if value not in (None, "", action.get("value")):
        return None
    return {"name": action["name"], "type": "button", "value": str(action.get("value") or "")}
