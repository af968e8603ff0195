"""Triggers, hashes, stacks: what guards a modal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal import inputs, views
from bot.rehearsal.server import LocalWorkspace

from .conftest import actions, error_of, modal, plain, text_input

TOKYO = "U0PART0TOKYO"


async def opened(
    client: AsyncWebClient, workspace: LocalWorkspace, *blocks: dict[str, Any], **fields: Any
) -> Any:
    trigger = workspace.views.trigger(TOKYO)
    view = modal("m", *(blocks or (text_input("q"),)), **fields)
    return (await client.views_open(trigger_id=trigger, view=view))["view"]


async def test_a_trigger_is_good_once_and_for_three_seconds(
    client: AsyncWebClient, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = modal("m", text_input("q"))
    trigger = workspace.views.trigger(TOKYO)
    await client.views_open(trigger_id=trigger, view=view)

    assert await error_of(client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
    assert await error_of(client.views_open(trigger_id="1.2.3", view=view)) == "invalid_trigger_id"
    monkeypatch.setattr(views, "TRIGGER_SECONDS", 0.0)
    late = workspace.views.trigger(TOKYO)
    await asyncio.sleep(0.001)
    assert await error_of(client.views_open(trigger_id=late, view=view)) == "expired_trigger_id"


async def test_a_stack_holds_three(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    await opened(client, workspace)
    for _ in range(2):
        await client.views_push(
            trigger_id=workspace.views.trigger(TOKYO), view=modal("deeper", text_input("q"))
        )

    fourth = client.views_push(
        trigger_id=workspace.views.trigger(TOKYO), view=modal("deeper", text_input("q"))
    )
    assert await error_of(fourth) == "push_limit_reached"
    nobody = client.views_push(
        trigger_id=workspace.views.trigger("U0PART0PARIS"), view=modal("d", text_input("q"))
    )
    assert await error_of(nobody) == "not_found"


async def test_an_update_needs_the_hash_of_what_it_replaces(
    client: AsyncWebClient, workspace: LocalWorkspace
) -> None:
    first = await opened(client, workspace, external_id="mine")
    body = modal("m", text_input("q"), external_id="mine")

    second = (await client.views_update(view_id=first["id"], hash=first["hash"], view=body))["view"]
    assert second["hash"] != first["hash"]
    stale = client.views_update(view_id=first["id"], hash=first["hash"], view=body)
    assert await error_of(stale) == "hash_conflict"
    by_name = await client.views_update(external_id="mine", view=body)
    assert by_name["view"]["id"] == first["id"]
    assert await error_of(client.views_update(view_id="V0", view=body)) == "not_found"


async def test_an_external_id_is_unique(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    await opened(client, workspace, external_id="mine")

    again = client.views_open(
        trigger_id=workspace.views.trigger("U0PART0PARIS"),
        view=modal("m", text_input("q"), external_id="mine"),
    )
    assert await error_of(again) == "duplicate_external_id"


async def test_a_bad_view_is_refused_with_reasons(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    view = modal("m", text_input("q"), title=plain("x" * 25))

    error = await error_of(client.views_open(trigger_id=workspace.views.trigger(TOKYO), view=view))

    assert error == "invalid_arguments"
    large = modal("m", *[{"type": "section", "text": plain("x" * 2990)}] * 90)
    too_large = client.views_open(trigger_id=workspace.views.trigger(TOKYO), view=large)
    assert await error_of(too_large) == "view_too_large"


async def test_typed_text_survives_an_update(client: AsyncWebClient, workspace: LocalWorkspace) -> None:
    menu = {"type": "checkboxes", "action_id": "c", "options": [{"text": plain("One"), "value": "1"}]}
    view = await opened(client, workspace, text_input("q"), actions(menu, block_id="row"))
    person = workspace.person(TOKYO)
    await person.click("c", view_id=view["id"], value=["1"], values={"q": "typed"})

    body = modal("m", text_input("q"), text_input("new", initial_value="preset"))
    await client.views_update(view_id=view["id"], view=body)

    [shown] = person.views()
    assert shown["state"]["values"]["q"]["q-text"]["value"] == "typed"
    assert shown["state"]["values"]["new"]["new-text"]["value"] == "preset"
    assert "row" not in shown["state"]["values"]


ELEMENTS: list[tuple[dict[str, Any], Any, dict[str, Any], dict[str, Any]]] = [
    ({"type": "plain_text_input"}, "a", {"value": "a"}, {"value": None}),
    ({"type": "number_input", "is_decimal_allowed": False}, "7", {"value": "7"}, {"value": None}),
    ({"type": "datepicker"}, "2025-11-25", {"selected_date": "2025-11-25"}, {"selected_date": None}),
    ({"type": "timepicker"}, "14:00", {"selected_time": "14:00"}, {"selected_time": None}),
    (
        {"type": "datetimepicker"},
        1764075600,
        {"selected_date_time": 1764075600},
        {"selected_date_time": None},
    ),
    ({"type": "users_select"}, TOKYO, {"selected_user": TOKYO}, {"selected_user": None}),
    ({"type": "multi_users_select"}, [TOKYO], {"selected_users": [TOKYO]}, {"selected_users": []}),
    (
        {"type": "conversations_select"},
        "C1",
        {"selected_conversation": "C1"},
        {"selected_conversation": None},
    ),
    (
        {"type": "radio_buttons", "options": [{"text": plain("One"), "value": "1"}]},
        "1",
        {"selected_option": {"text": plain("One"), "value": "1"}},
        {"selected_option": None},
    ),
    (
        {"type": "multi_static_select", "options": [{"text": plain("One"), "value": "1"}]},
        ["1"],
        {"selected_options": [{"text": plain("One"), "value": "1"}]},
        {"selected_options": []},
    ),
]


@pytest.mark.parametrize(
    ("element", "given", "filled", "empty"), ELEMENTS, ids=[e[0]["type"] for e in ELEMENTS]
)
def test_every_input_has_its_state(
    element: dict[str, Any], given: Any, filled: dict[str, Any], empty: dict[str, Any]
) -> None:
    kind = {"type": element["type"]}

    assert inputs.initial(element) == kind | empty
    assert inputs.entry(element, given) == kind | filled
    assert inputs.entry(element, None) == kind | empty
    assert inputs.is_empty(kind | empty)
    assert not inputs.is_empty(kind | filled)


@pytest.mark.parametrize(
    ("element", "given", "problem"),
    [
        ({"min_length": 3}, "ab", "Must be at least 3 characters."),
        ({"max_length": 3}, "abcd", "Must be at most 3 characters."),
        ({"max_length": 3}, "abc", None),
        ({}, None, "Please complete this required field."),
    ],
)
def test_slacks_own_client_checks_first(element: dict[str, Any], given: Any, problem: str | None) -> None:
    block = text_input("q", **element)
    state = inputs.values([block], {"q": {"q-text": inputs.entry(block["element"], given)}})

    assert inputs.problems([block], state) == ({"q": problem} if problem else {})
