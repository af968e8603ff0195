"""A long channel in real Chromium: the newest first, the rest with time and scrolling, all kept current."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import Stage, write

pytestmark = pytest.mark.clients
PARTICIPANTS = "C0PARTICIPANTS"


async def said(stage: Stage, number: int) -> list[str]:
    """The timestamps of so many messages."""
    person = stage.workspace.person("participant-paris")
    return [(await person.say(PARTICIPANTS, f"message {index}."))["ts"] for index in range(number)]


async def numbers(page: Page) -> list[int]:
    texts = await page.locator("#part-messages > [data-ts] .message-body > .mrkdwn").all_text_contents()
    return [int(text.split()[1].strip(".")) for text in texts]


async def test_it_opens_at_its_end_and_fills_upwards(stage: Stage, look: Callable[..., Any]) -> None:
    await said(stage, 250)
    page = await look("/?as=participant-tokyo")
    messages = page.locator("#part-messages > [data-ts]")

    await expect(messages.last).to_be_in_viewport()
    await expect(messages).to_have_count(140)  # a screenful, and a hundred above it
    assert await numbers(page) == list(range(110, 250))
    await expect(page.get_by_role("button", name="Earlier messages (110)")).to_be_attached()
    await page.locator(".scroll.messages").first.focus()
    for number in (240, 250):
        await page.keyboard.press("Home")
        await expect(messages).to_have_count(number)
    assert await numbers(page) == list(range(250))
    await expect(page.locator(".earlier")).to_be_hidden()
    await expect(page.locator("h2.day")).to_have_count(1)


async def test_what_changes_far_above_is_drawn_too(stage: Stage, look: Callable[..., Any]) -> None:
    stamps = await said(stage, 120)
    page = await look("/?as=participant-tokyo&limit=120")
    await expect(page.locator("#part-messages > [data-ts]")).to_have_count(120)

    await stage.workspace.person("moderator-geneva").react(PARTICIPANTS, stamps[3], "tada")
    await expect(page.locator(f'[id="m-{stamps[3]}"] .reaction')).to_have_count(1)
    author = stage.workspace.person("participant-paris").account
    await stage.workspace.deeds.do("delete", author, {"channel": PARTICIPANTS, "ts": stamps[5]})
    await expect(page.locator(f'[id="m-{stamps[5]}"]')).to_have_count(0)
    await write(page, "message 120.")
    newest = page.locator("#part-messages > [data-ts]").last
    await expect(newest).to_contain_text("message 120.")  # 119 is in sight until it has arrived
    await expect(newest).to_be_in_viewport()
    assert await numbers(page) == [*range(5), *range(6, 121)]


async def test_what_arrives_twice_stands_there_once(stage: Stage, look: Callable[..., Any]) -> None:
    await said(stage, 250)
    page = await look("/?as=participant-tokyo")
    await expect(page.locator("#part-messages > [data-ts]")).to_have_count(140)

    await page.evaluate("() => Promise.all([addEarlier(), addEarlier(), refresh(), redraw()])")

    await expect(page.locator("#part-messages > [data-ts]")).to_have_count(240)
    assert await numbers(page) == list(range(10, 250))


async def test_a_permalink_leads_to_an_old_message(stage: Stage, look: Callable[..., Any]) -> None:
    stamps = await said(stage, 150)
    link = await stage.client.chat_getPermalink(channel=PARTICIPANTS, message_ts=stamps[20])

    page = await look(link["permalink"].removeprefix(stage.workspace.url))

    await expect(page.locator(f'[id="m-{stamps[20]}"]')).to_be_in_viewport()
