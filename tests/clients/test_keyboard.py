"""The page by keyboard alone, in real Chromium: what is reached, what keeps its focus, what is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from . import sample
from .conftest import Stage, write

pytestmark = pytest.mark.clients

PLACE = """() => document.activeElement.closest(
  ".clock, .top-links, .rail, .sidebar, .head, .messages, .composer"
)?.classList[0]"""


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_tab_goes_from_the_top_to_the_message_box(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await page.locator(".skip").focus()
    places = []
    while "composer" not in places:
        await press(page, "Tab")
        places.append(await page.evaluate(PLACE))
    assert [place for place in dict.fromkeys(places) if place] == [
        *("clock", "top-links", "rail", "sidebar", "head", "scroll", "composer")
    ]
    await page.locator(".skip").focus()
    await press(page, "Enter")
    await expect(page.locator("#composer-text")).to_be_focused()


async def test_messages_are_walked_with_the_arrow_keys(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    for text in ("first", "second", "third"):
        await write(page, text)
    await expect(page.locator(".message")).to_have_count(3)

    await press(page, "ArrowUp")
    await expect(page.locator(".message", has_text="third")).to_be_focused()
    await press(page, "Home")
    await expect(page.locator(".message", has_text="first")).to_be_focused()
    await press(page, "ArrowDown")
    await expect(page.locator(".message", has_text="second")).to_be_focused()
    await press(page, "Tab")
    await expect(page.locator(".message", has_text="second").get_by_title(":+1:")).to_be_focused()
    await press(page, "Enter")
    await expect(page.locator(".message", has_text="second").locator(".reaction")).to_have_count(1)
    await expect(
        page.locator(".message", has_text="second").locator(".tools").get_by_title(":+1:")
    ).to_be_focused()
    await press(page, "Escape")
    await expect(page.locator(".message", has_text="second")).to_be_focused()
    await press(page, "Escape")
    await expect(page.locator("#composer-text")).to_be_focused()
    await press(page, "ArrowUp", "ArrowUp", "Enter")
    await expect(page.locator("aside.thread textarea")).to_be_focused()
    await press(page, "Escape")
    await expect(page.locator("aside.thread")).to_have_count(0)


async def test_menus_open_move_and_close_by_key(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    shortcuts = page.locator(".shortcuts summary")

    await shortcuts.focus()
    await press(page, "ArrowDown")
    await expect(page.get_by_role("menuitem", name="Ask the panel")).to_be_focused()
    await press(page, "Escape")
    await expect(shortcuts).to_be_focused()
    await expect(page.get_by_role("menuitem")).to_be_hidden()
    await press(page, "Enter", "ArrowUp", "Enter")
    await expect(page.get_by_label("Your question")).to_be_focused()
    await press(page, "Escape")
    await expect(page.locator("#part-modal")).to_be_hidden()
    await expect(shortcuts).to_be_focused()


async def test_a_modal_keeps_the_focus_and_gives_it_back(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await page.locator(".shortcuts summary").focus()
    await press(page, "ArrowDown", "Enter")
    await expect(page.get_by_label("Your question")).to_be_focused()

    for _ in range(40):
        await press(page, "Tab")
        # The browser's own controls come between the last and the first; nothing of the page behind does.
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    await page.get_by_label("Speaker").focus()
    await page.keyboard.type("Sp")
    await expect(page.get_by_role("option", name="Sp found")).to_be_visible()
    await press(page, "Escape")
    await expect(page.get_by_role("option", name="Sp found")).to_be_hidden()
    await expect(page.locator("#part-modal")).to_be_visible()
    await page.keyboard.type("e")
    await expect(page.get_by_role("option", name="Spe found")).to_be_visible()
    await press(page, "ArrowDown", "Enter")
    await expect(page.get_by_label("Speaker")).to_have_value("Spe found")
    await expect(page.get_by_label("Speaker")).to_be_focused()

    await page.get_by_label("Your question").fill("wrong")
    await page.locator("#part-modal").get_by_role("button", name="Send", exact=True).focus()
    await press(page, "Enter")
    question = page.get_by_label("Your question")
    await expect(question).to_be_focused()
    await expect(question).to_have_attribute("aria-invalid", "true")
    await expect(question).to_have_accessible_description("Please ask a question.")
    await question.fill("a right one")
    await page.locator("#part-modal").get_by_role("button", name="Send", exact=True).focus()
    await press(page, "Enter")
    await expect(page.locator("#part-modal")).to_be_hidden()
    await expect(page.locator(".shortcuts summary")).to_be_focused()


async def test_a_modal_without_fields_is_entered_and_left_by_key(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await page.locator(".shortcuts summary").focus()
    await press(page, "ArrowDown", "Enter")
    await page.get_by_label("Your question").fill("push me")
    dialog = page.locator("#part-modal")
    await dialog.get_by_role("button", name="Send", exact=True).focus()
    await press(page, "Enter")
    await expect(dialog.get_by_text("Are you sure?")).to_be_visible()
    await expect(dialog.locator("button:focus")).to_have_count(1)
    await press(page, "Escape")
    await expect(page.get_by_label("Your question")).to_be_focused()
    await dialog.get_by_role("button", name="Close", exact=True).focus()
    await press(page, "Enter")
    await expect(dialog).to_be_hidden()
    await expect(page.locator(".shortcuts summary")).to_be_focused()


async def test_a_decision_leaves_one_where_one_was(stage: Stage, look: Callable[..., Any]) -> None:
    """The card is drawn anew without its buttons: the message has the focus then, not the page."""
    page = await look("/?as=moderator-geneva&in=C0MODERATORS")
    person = stage.workspace.person("participant-tokyo")
    await person.shortcut("ask")
    await person.submit({"words": "Why?"})

    await page.get_by_role("button", name="Not now").focus()
    await press(page, "Enter")
    await expect(page.locator("#confirm")).to_be_visible()
    await press(page, "Escape")
    await expect(page.get_by_role("button", name="Not now")).to_be_focused()
    await page.get_by_role("button", name="Approve").focus()
    await press(page, "Space")
    await expect(page.get_by_text("state: approved")).to_be_visible()
    await expect(page.locator(".message").last).to_be_focused()


async def test_what_others_say_is_told_and_nothing_else(stage: Stage, look: Callable[..., Any]) -> None:
    paris = stage.workspace.person("participant-paris")
    said = await paris.say("C0PARTICIPANTS", "before")
    page = await look("/?as=participant-tokyo")
    await page.evaluate("() => { window.told = []; document.ariaNotify = (text) => window.told.push(text); }")

    await write(page, "my own words")
    await expect(page.locator(".message")).to_have_count(2)
    await paris.say("C0PARTICIPANTS", "hello there")
    await expect(page.locator(".message")).to_have_count(3)
    await paris.react("C0PARTICIPANTS", said["ts"], "tada")
    await expect(page.locator(".reaction")).to_have_count(1)

    assert await page.evaluate("window.told") == ["Participant in Paris, 21:00: hello there"]


async def test_offers_are_named_while_one_moves_among_them(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    box = page.locator("#composer-text")

    await box.press_sequentially("@participant")
    await expect(box).to_have_attribute("aria-activedescendant", "suggestions-0")
    await press(page, "ArrowDown")
    await expect(box).to_have_attribute("aria-activedescendant", "suggestions-1")
    await press(page, "Escape")
    await expect(page.locator("#suggestions")).to_be_hidden()
    await expect(box).not_to_have_attribute("aria-activedescendant", re.compile(""))
    await expect(box).to_have_value("@participant")


async def test_buttons_inside_attachments_are_pressed(stage: Stage, look: Callable[..., Any]) -> None:
    buttons = {"type": "actions", "elements": [sample.button("Inside", "more")]}
    old = {
        "title": "Shall we?",
        "callback_id": "decide",
        "fields": [{"title": "When", "value": "now"}],
        "actions": [
            {
                "name": "answer",
                "type": "button",
                "text": "Yes",
                "value": "yes",
                "confirm": {"text": "Really?"},
            },
            {"name": "when", "type": "select", "text": "Pick", "options": [{"text": "Now", "value": "now"}]},
        ],
    }
    await stage.client.chat_postMessage(
        channel="C0PARTICIPANTS", text="x", attachments=[{"text": "*words*"}, {"blocks": [buttons]}, old]
    )
    page = await look("/?as=participant-tokyo")

    await expect(page.locator(".attachment strong").first).to_have_text("words")
    await page.get_by_role("button", name="Inside").click()
    await page.get_by_role("button", name="Yes", exact=True).click()
    await expect(page.get_by_text("Really?")).to_be_visible()
    await page.get_by_role("button", name="OK", exact=True).click()
    assert await stage.workspace.wait_for(lambda: len(stage.heard) == 2)
    await page.get_by_label("Pick").select_option("now")
    assert await stage.workspace.wait_for(lambda: len(stage.heard) == 3)

    assert stage.heard == [("more", "1"), ("decide", "yes"), ("decide", "now")]
