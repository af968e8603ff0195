"""Record README's minute of the workshop again: the running bot in the local workspace, in headless Chromium.

`make screenshots`. Pictures are taken where something changes and shown as long as reading them takes, so
that the recording is the same on a fast and on a slow machine. Looks for Chromium as `chromium`, or CHROMIUM.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.async_api import Locator, Page, async_playwright

from bot import config
from bot.app import Bot
from bot.clock import SimulatedClock
from bot.config import shipped
from bot.open_day import OpenDay
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from handlers.manifest import manifest

FILE = Path(__file__).parent / "pictures" / "rehearsal.webp"
TIMEOUT = 20_000  # milliseconds
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZE = {"width": 1120, "height": 700}
QUICK, BRIEF, READ = 300, 2000, 5500  # milliseconds


class Film:
    """Pictures of one page, each with how long it is shown."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frames: list[tuple[Image.Image, int]] = []

    async def show(self, milliseconds: int) -> None:
        """The page as it is now, for so long."""
        await self.page.wait_for_timeout(150)
        picture = Image.open(io.BytesIO(await self.page.screenshot())).convert("RGB")
        self.frames.append((picture, milliseconds))

    async def press(self, button: Locator, milliseconds: int = BRIEF) -> None:
        """Point at something, press it, and show what came of it."""
        await button.scroll_into_view_if_needed()
        await button.hover()
        await self.show(QUICK * 3)
        await button.click()
        await self.show(milliseconds)

    async def type(self, text: str, field: Locator) -> None:
        """Type a few characters a picture."""
        await field.click()
        for start in range(0, len(text), 6):
            await self.page.keyboard.type(text[start : start + 6])
            await self.show(QUICK)

    def save(self, file: Path) -> float:
        """Write the animation; gives its seconds."""
        first, *others = [picture for picture, _ in self.frames]
        durations = [milliseconds for _, milliseconds in self.frames]
        first.save(
            file, save_all=True, append_images=others, duration=durations, loop=0, quality=70, method=4
        )
        return sum(durations) / 1000


async def main() -> None:
    """An hour before the day-before reminder: ask, submit, approve, look ahead, be late."""
    settings = config.load(shipped("config.toml"))
    clock = SimulatedClock(settings.workshop.start - timedelta(days=1, hours=1), speed=1)
    over = asyncio.Event()
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/recording.sqlite3", settings.workshop.id)
        async with LocalWorkspace(settings, clock, manifest=manifest(settings, "socket")) as workspace:
            day = OpenDay(settings, database, clock, workspace)

            async def started(bot: Bot) -> None:
                pass

            running = asyncio.create_task(day.run(over.wait(), started))
            await _in_browser(lambda film: _play(film, workspace))
            over.set()
            await running


async def _in_browser(play: Callable[[Film], Awaitable[None]]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS
        )
        page = await browser.new_page(viewport=SIZE)
        page.set_default_timeout(TIMEOUT)
        film = Film(page)
        await play(film)
        await browser.close()
    seconds = film.save(FILE)
    size = FILE.stat().st_size / 1e6
    sys.stdout.write(f"{FILE.name}: {seconds:.0f} s, {len(film.frames)} pictures, {size:.1f} MB\n")


async def _play(film: Film, workspace: LocalWorkspace) -> None:
    page, composer = film.page, film.page.locator("#composer-text")

    async def go(who: str, place: str) -> None:
        channel = workspace.state.channel(getattr(workspace.config.channels, place, place))
        await page.goto(f"{workspace.url}/?as={who}&in={channel.id if channel else place}")
        await page.locator("#part-messages [data-ts], #part-messages").first.wait_for()

    # A participant asks, and reads the answer in a thread and in her own zone.
    await go("participant-tokyo", "bot")
    await film.show(BRIEF)
    await film.type("hi, when does it start, and is it free?", composer)
    await page.keyboard.press("Enter")
    await film.show(QUICK * 2)
    await film.press(page.get_by_role("link", name="1 reply"), READ + BRIEF)
    # Another puts a question to the panel.
    await go("participant-nairobi", "participants")
    await film.show(BRIEF)
    await film.type("/workshop question", composer)
    await page.keyboard.press("Enter")
    field = page.locator("dialog[open] textarea").first
    await field.wait_for()
    await film.show(BRIEF)
    await film.type("What should regulators measure first?", field)
    await film.press(page.locator("#part-modal footer button[type=submit]"), QUICK)
    await page.locator("#part-modal[open]").wait_for(state="hidden")
    await film.show(BRIEF)
    # A moderator approves it; everybody can vote.
    await go("moderator-geneva", "moderators")
    await page.get_by_role("button", name="Approve").first.wait_for()
    await film.show(BRIEF)
    await film.press(page.get_by_role("button", name="Approve").first, BRIEF)
    await go("participant-paris", "participants")
    await page.get_by_role("button", name="Vote").first.wait_for()
    await film.show(QUICK * 3)
    await film.press(page.get_by_role("button", name="Vote").first, BRIEF)
    # The clock goes past two reminders to the start.
    await film.press(page.get_by_text("Jump to…"), BRIEF)
    async with page.expect_response(lambda answer: answer.url.endswith("/clock"), timeout=60_000):
        await page.locator("[data-jump]").filter(has_text="start").first.click()
    await film.show(READ)
    # A speaker is late: an organiser moves what has not begun, and everybody is told.
    await film.press(page.get_by_text("Scenarios"), BRIEF + QUICK)
    await page.locator('[data-scenario="late"]').click()
    await page.get_by_text("Played:").wait_for(timeout=60_000)
    await film.show(READ)
    # The Home tab of an organiser, and the inspector.
    await page.goto(f"{workspace.url}/?as=moderator-geneva&in=bot&tab=home")
    await page.locator("#part-home button").first.wait_for()
    await film.show(READ)
    await page.goto(f"{workspace.url}/inspector")
    await page.locator("#part-log tr").first.wait_for()
    await film.show(READ)


if __name__ == "__main__":
    asyncio.run(main())
