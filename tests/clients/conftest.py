"""What the clients need from outside Python: node with its packages, Chromium, libical with a compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SimulatedClock
from bot.config import Config
from bot.rehearsal.server import LocalWorkspace

from . import sample

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def node() -> str:
    """The path of node, its packages installed as `package-lock.json` says."""
    path, npm = shutil.which("node"), shutil.which("npm")
    if path is None or npm is None:
        pytest.skip("node and npm are not installed")
    stamp = HERE / "node_modules" / ".package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.DEVNULL, timeout=300)
        stamp.touch()
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium: `CHROMIUM`, or the system's."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    return path


@pytest.fixture(scope="session")
def libical(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a small program that reads a calendar with libical."""
    compiler, made = shutil.which("cc"), str(tmp_path_factory.mktemp("libical") / "read_calendar")
    if compiler is None or not Path("/usr/include/libical/ical.h").exists():
        pytest.skip("libical is not installed (Debian: apt-get install libical-dev gcc)")
    command = [compiler, "-O1", "-Wall", "-Werror", str(HERE / "read_calendar.c"), "-lical", "-o", made]
    subprocess.run(command, check=True, timeout=60)
    return made


@dataclass
class Stage:
    """The workspace with the sample app in it, and what the app has heard."""

    workspace: LocalWorkspace
    client: AsyncWebClient
    clock: SimulatedClock
    heard: list[tuple[str, Any]]


@pytest.fixture
async def stage(config: Config) -> AsyncIterator[Stage]:
    clock, heard = SimulatedClock(datetime(2025, 11, 24, 12, 0, tzinfo=UTC), speed=0), []
    async with (
        LocalWorkspace(config, clock, manifest=sample.MANIFEST) as workspace,
        aiohttp.ClientSession() as http,
    ):
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, session=http)
        handler = AsyncSocketModeHandler(sample.build(client, heard), workspace.app_token)
        await handler.connect_async()
        yield Stage(workspace, client, clock, heard)
        await handler.close_async()


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def look(browser: Browser, stage: Stage) -> AsyncIterator[Callable[..., Any]]:
    """Opens a page as somebody. At the end no page may have had an error of its own."""
    problems: list[str] = []

    async def look(path: str, width: int = 1280, height: int = 860) -> Page:
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await page.goto(stage.workspace.url + path)
        return page

    yield look
    # A refused deed (400, 404) is logged by the browser as a failed resource: those are answers, not errors.
    assert [problem for problem in problems if "Failed to load resource" not in problem] == []


async def write(page: Page, text: str) -> None:
    await page.locator("#composer-text").press_sequentially(text)
    await page.keyboard.press("Enter")


async def follow(link: Locator) -> None:
    """Go where the link leads, and wait until the page there has loaded and its script has run."""
    async with link.page.expect_navigation():
        await link.click()
