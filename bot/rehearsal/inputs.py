"""What a person has put into an interactive element, in the shapes of `state.values` and `actions`.

`entry` takes the value as a caller of the people interface says it: text, an option's `value`, an id,
a date, or a list of these. It raises ValueError when the element offers no such choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.rehearsal.blockkit import elements_of
from bot.rehearsal.state import Json

_TEXTS = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
# Element type → (the key that holds the choice, the key that pre-selects one).
_SINGLE = {
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "rich_text_input": ("rich_text_value", "initial_value"),
}
_SEVERAL = {
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "file_input": ("files", "initial_files"),
}
_ONE_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
STATELESS = ("button", "overflow", "image", "workflow_button", "feedback_buttons", "icon_button")


def entry(element: Json, given: Any) -> Json:
    """The state of an element after a person put `given` into it (None: emptied)."""
    kind = str(element["type"])
    if kind in _TEXTS:
        return {"type": kind, "value": None if given in (None, "") else str(given)}
    if kind in _SINGLE:
        if kind == "rich_text_input" and isinstance(given, str):
            given = _rich(given)
        return {"type": kind, _SINGLE[kind][0]: given or None}
    if kind in _SEVERAL:
        return {"type": kind, _SEVERAL[kind][0]: list(given or [])}
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": None if given in (None, "") else option(element, given)}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": [option(element, each) for each in given or []]}
    raise ValueError(f"nothing can be put into a {kind}")


def initial(element: Json) -> Json:
    """The state of an element that nobody has touched."""
    kind = str(element["type"])
    if kind in _TEXTS:
        return {"type": kind, "value": element.get("initial_value") or None}
    if kind in _SINGLE:
        key, preset = _SINGLE[kind]
        return {"type": kind, key: element.get(preset)}
    if kind in _SEVERAL:
        key, preset = _SEVERAL[kind]
        return {"type": kind, key: list(element.get(preset) or [])}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": list(element.get("initial_options") or [])}
    return {"type": kind, "selected_option": element.get("initial_option")}


def set_current(element: Json, channel: str) -> None:
    """Let a conversation select that asks for it start with the current conversation."""
    if element.get("default_to_current_conversation") and channel:
        several = str(element["type"]).startswith("multi_")
        preset = _SEVERAL[str(element["type"])][1] if several else _SINGLE[str(element["type"])][1]
        element.setdefault(preset, [channel] if several else channel)


def is_empty(state: Json) -> bool:
    """Whether an element's state holds nothing."""
    return not any(value for key, value in state.items() if key != "type")


def options(element: Json) -> list[Json]:
    """All options an element lists, those in groups included."""
    listed = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        listed += group["options"]
    return listed


def option(element: Json, given: Any) -> Json:
    """The option of `element` that `given` names by its value; external ones are given whole."""
    if isinstance(given, dict) and "value" in given:
        if "external" in str(element["type"]):
            return given
        given = given["value"]
    for each in options(element):
        if each["value"] == given:
            return dict(each)
    raise ValueError(f"there is no option {given!r}")


def stateful(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """Every element that holds a value, with its block's id."""
    for block in blocks:
        for element, _ in elements_of(block):
            if element.get("type") not in STATELESS and element.get("action_id"):
                yield str(block["block_id"]), element


def values(blocks: list[Json], touched: dict[str, Json]) -> dict[str, Json]:
    """`state.values`: each element's state, touched or initial, by block id and action id."""
    state: dict[str, Json] = {}
    for block_id, element in stateful(blocks):
        action_id = str(element["action_id"])
        held = touched.get(block_id, {}).get(action_id)
        state.setdefault(block_id, {})[action_id] = held if held is not None else initial(element)
    return state


def problems(blocks: list[Json], state: dict[str, Json]) -> dict[str, str]:
    """What Slack's client itself refuses before it sends a submission, by block id."""
    found: dict[str, str] = {}
    for block in blocks:
        if block.get("type") != "input":
            continue
        element = block["element"]
        held = state.get(block["block_id"], {}).get(element.get("action_id"), {})
        words = _problem(block, element, held)
        if words:
            found[block["block_id"]] = words
    return found


def _problem(block: Json, element: Json, held: Json) -> str | None:
    if is_empty(held):
        return None if block.get("optional") else "Please complete this required field."
    value = held.get("value")
    if isinstance(value, str) and len(value) < element.get("min_length", 0):
        return f"Must be at least {element['min_length']} characters."
    if isinstance(value, str) and len(value) > element.get("max_length", 3000):
        return f"Must be at most {element.get('max_length', 3000)} characters."
    most = element.get("max_selected_items")
    if most and len(held.get("selected_options", [])) > most:
        return f"Choose at most {most}."
    return None


def _rich(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}
