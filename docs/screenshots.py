"""Take the pictures of README and docs again: the running bot in the local workspace, in headless Chromium.

`make screenshots`. Looks for Chromium as `chromium`; the environment variable CHROMIUM names another.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from playwright.async_api import Page, async_playwright

from bot import app, config, day
from bot.app import Bot
from bot.clock import SimulatedClock
from bot.config import shipped
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database

PICTURES = Path(__file__).parent / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PARTICIPANT, OTHER = "U0PART0TOKYO", "U0PART0NAIROBI"
MODERATOR, ORGANISER = "U0MOD0GENEVA", "U0ORG0GENEVA"
WIDTHS = {"wide": (1440, 900), "tablet": (820, 1100), "phone": (390, 844)}
SIZES = {"hall": (1920, 1080), "desk": (1280, 720), "phone": (390, 844)}


async def main() -> None:
    """A morning of the workshop day, then one picture for each surface."""
    settings = config.load(shipped("config.toml"))
    clock = SimulatedClock(settings.workshop.start - timedelta(days=1, hours=1), speed=0)
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/pictures.sqlite3", settings.workshop.id)
        async with app.rehearsing(settings, database, clock) as (bot, workspace):
            await _morning(bot, workspace, clock)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS
                )
                page = await browser.new_page(viewport={"width": 1280, "height": 800})
                await _pictures(page, workspace)
                await _on_stage(bot, workspace, clock)
                await _stage_pictures(page, f"http://{bot.listen}/stage")
                await browser.close()


async def _morning(bot: Bot, workspace: LocalWorkspace, clock: SimulatedClock) -> None:
    async def settle() -> None:
        await day.settled(bot, workspace)
        while (due := await bot.next_due()) and due <= clock.now() + timedelta(minutes=2):
            clock.jump(max(due, clock.now()))
            await day.settled(bot, workspace)

    participants = bot.desk.config.channels.participants
    participant, other = workspace.person(PARTICIPANT), workspace.person(OTHER)
    await settle()
    clock.jump(clock.now() + timedelta(hours=1))
    await settle()
    for text in ("hi, when does it start, and is it free?", "will it be recorded?"):
        await participant.say("bot", text)
        await settle()
    await other.say(participants, "@workshop is it at 15:00 in Nairobi?")
    await settle()
    await other.command("/workshop question How can small operators take part?", participants)
    await settle()
    await participant.command("/workshop question", "bot")
    await participant.submit({"text": "Which of the three Recommendations should we begin with?"})
    await settle()
    for person in (participant, workspace.person(MODERATOR)):
        await person.open_home()
        await settle()


async def _pictures(page: Page, workspace: LocalWorkspace) -> None:
    def channel(name: str) -> str:
        return workspace.state.channel(getattr(workspace.config.channels, name)).id

    async def take(name: str, **place: str) -> None:
        await page.goto(f"{workspace.url}/?{urlencode(place)}", wait_until="load")
        await page.wait_for_timeout(300)
        await page.screenshot(path=PICTURES / f"{name}.png")

    said = [m for m in workspace.person(PARTICIPANT).messages("bot") if "when does it start" in m["text"]]
    await take("workspace", **{"as": PARTICIPANT, "in": "bot", "thread": said[0]["ts"]})
    for width, (across, down) in WIDTHS.items():
        await page.set_viewport_size({"width": across, "height": down})
        await take(f"workspace-{width}", **{"as": PARTICIPANT, "in": channel("participants")})
    await page.set_viewport_size({"width": 1280, "height": 800})
    await take("channel", **{"as": OTHER, "in": channel("participants")})
    await take("moderators", **{"as": MODERATOR, "in": channel("moderators")})
    await take("organisers", **{"as": ORGANISER, "in": channel("organisers")})
    await take("home", **{"as": MODERATOR, "in": "bot", "tab": "home"})


async def _on_stage(bot: Bot, workspace: LocalWorkspace, clock: SimulatedClock) -> None:
    """The workshop is on: one question on stage, one next, as a moderator's commands put them there."""
    clock.jump(bot.desk.config.workshop.start + timedelta(hours=1))
    await day.settled(bot, workspace)
    moderators = bot.desk.config.channels.moderators
    for words in ("approve 1", "approve 2", "stage 1", "next 2"):
        await workspace.person(MODERATOR).command(f"/workshop {words}", moderators)
        await day.settled(bot, workspace)


async def _stage_pictures(page: Page, address: str) -> None:
    """The stage page as a hall, a desk and a phone show it, light and dark."""
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await page.goto(address, wait_until="load")
            await page.get_by_role("heading", name="Question 1").wait_for()
            await page.screenshot(path=PICTURES / f"stage-{size}-{scheme}.png")


if __name__ == "__main__":
    asyncio.run(main())
