"""The page's clock and scenarios with the bot behind them, in real Chromium."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright, expect

from .conftest import FLAGS, follow

pytestmark = pytest.mark.clients
WHILE_IT_WORKS = 60_000  # milliseconds: several deeds, or a new day, on a loaded machine


@pytest.fixture
async def page(chromium: str) -> AsyncIterator[Page]:
    """The page of `workshop-bot rehearse`, as a participant sees it."""
    command = ["-m", "bot", "rehearse", "--port", "0", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout
    url = json.loads(await process.stdout.readline())["url"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page()
        await page.goto(f"{url}/?as=participant-tokyo")
        yield page
        await browser.close()
    process.terminate()
    assert await process.wait() == 0


async def test_ahead_reminders_come_in_order_and_back_a_new_day_begins(page: Page) -> None:
    messages = page.locator("#part-messages")
    await page.get_by_text("Jump to…").click()
    await page.locator("[data-jump]").filter(has_text="start").first.click()
    await expect(messages.get_by_text("starts now")).to_be_visible(timeout=WHILE_IT_WORKS)
    said = await messages.locator("[data-ts]").all_inner_texts()
    order = [next(i for i, text in enumerate(said) if words in text) for words in ("in 1 hour", "in 10 min")]
    assert order == sorted(order)

    await page.get_by_text("Jump to…").click()
    await page.locator("[data-jump]").filter(has_text="day before").click()
    await expect(page.get_by_text("starts a new day from a clean rehearsal store")).to_be_visible()
    await page.get_by_role("button", name="Stay").click()
    await expect(messages.get_by_text("starts now")).to_be_visible()
    await page.get_by_text("Jump to…").click()
    await page.locator("[data-jump]").filter(has_text="day before").click()
    await page.get_by_role("button", name="Go back").click()
    await expect(page.locator(".clock-day")).to_contain_text("Mon, 24 Nov", timeout=WHILE_IT_WORKS)
    await expect(messages.get_by_text("starts now")).to_have_count(0, timeout=WHILE_IT_WORKS)


async def test_a_scenario_is_played_and_the_rehearsal_saved(page: Page) -> None:
    await page.get_by_text("Scenarios").click()
    await page.get_by_role("button", name="A late speaker").click()
    await expect(page.get_by_text("Played: A late speaker · 9 deeds, 0 unexpected")).to_be_visible(
        timeout=WHILE_IT_WORKS
    )
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Save transcript").click()
    saved = json.loads((await (await started.value).path()).read_text(encoding="utf-8"))
    assert [deed["does"] for deed in saved["deeds"]] == ["command", *["say"] * 7, "command"]


async def test_a_newcomer_is_led_to_the_four_jobs(page: Page) -> None:
    jobs = page.get_by_role("region", name="Four things to try")
    messages, composer = page.locator("#part-messages"), page.locator("#composer-text")

    await jobs.get_by_role("button", name="Jump to the next reminder").click()
    await expect(messages.get_by_text("starts in 1 hour")).to_be_visible(timeout=WHILE_IT_WORKS)
    await follow(jobs.get_by_role("link", name="Ask the bot"))
    await composer.fill("When does it start?")
    await page.keyboard.press("Enter")
    replies = page.get_by_role("link", name="1 reply")
    await expect(replies).to_be_visible(timeout=WHILE_IT_WORKS)
    await follow(replies)
    await expect(page.locator("aside.thread").get_by_text("25 November 2025").first).to_be_visible()
    await follow(jobs.get_by_role("link", name="the channel"))
    await composer.fill("/workshop question How large is it?")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Your question has number 1")).to_be_visible(timeout=WHILE_IT_WORKS)
    await follow(jobs.get_by_role("link", name="as a moderator"))
    await expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=WHILE_IT_WORKS)
    await follow(jobs.get_by_role("link", name="As an organiser"))
    await composer.fill("/workshop programme edit")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Programme")).to_be_visible(timeout=WHILE_IT_WORKS)
