"""The rehearsal page in Chromium: how soon the first message is there, how a thousand messages scroll.

    python -m bench page [--messages 1000] [--runs 3]

The first figure is wall time from starting `workshop-bot rehearse` to the bot's first message being drawn
in a browser that is already open. The second is how long a long channel takes to open (its newest messages
are on the screen) and to fill (all are there), and what `requestAnimationFrame` sees while the whole of it is
scrolled from its newest message to its oldest, 400 pixels a frame: the time from frame to frame.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from typing import Any

import aiohttp
from playwright.async_api import Browser, async_playwright, expect

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SCROLL = """async () => {
  const box = document.querySelector("main .scroll.messages");
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let before = null; before !== box.scrollTop; ) {
    before = box.scrollTop;
    box.scrollTop -= 400;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


async def rehearse(*options: str) -> tuple[Process, dict[str, Any]]:
    """A started `workshop-bot rehearse` and the addresses it printed."""
    command = ["-m", "bot", "rehearse", "--port", "0", "--json", *options]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
    assert process.stdout
    addresses: dict[str, Any] = json.loads(await process.stdout.readline())
    return process, addresses


async def first_message(browser: Browser) -> float:
    """Seconds from the command to the first message on the screen."""
    page = await browser.new_page()
    began = time.monotonic()
    process, addresses = await rehearse()
    await page.goto(addresses["url"])
    await page.locator("#part-messages [data-ts]").first.wait_for(timeout=60_000)
    taken = time.monotonic() - began
    process.terminate()
    await process.wait()
    await page.close()
    return taken


async def scrolling(browser: Browser, number: int) -> dict[str, Any]:
    """Frame times while a channel with so many messages is scrolled, and what opening it takes."""
    process, addresses = await rehearse("--workspace-only")
    url = addresses["url"]
    async with aiohttp.ClientSession() as http:
        for index in range(number):
            who = ("participant-tokyo", "participant-paris", "moderator-geneva")[index % 3]
            text = f"message {index}: *bold*, `code`, https://example.org/{index} and a few more words"
            wish = {"channel": "C0PARTICIPANTS", "text": text}
            async with http.post(f"{url}/people/{who}/say", json=wish) as response:
                assert response.status == 200, await response.text()
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    began = time.monotonic()
    await page.goto(f"{url}/?as=participant-tokyo&in=C0PARTICIPANTS&limit={number}")
    await page.locator("#part-messages [data-ts]").last.wait_for()
    opened = time.monotonic() - began
    await expect(page.locator("#part-messages > [data-ts]")).to_have_count(number, timeout=60_000)
    filled = time.monotonic() - began
    frames = sorted(await page.evaluate(SCROLL))
    process.terminate()
    await process.wait()
    return {
        "messages": number,
        "opened_s": round(opened, 2),
        "filled_s": round(filled, 2),
        "frames": len(frames),
        "frame_ms_p50": round(statistics.median(frames), 1),
        "frame_ms_p95": round(frames[int(len(frames) * 0.95)], 1),
        "frame_ms_worst": round(frames[-1], 1),
    }


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--messages", type=int, default=1000)
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        seconds = [round(await first_message(browser), 2) for _ in range(chosen.runs)]
        print(json.dumps({"first_message_s": seconds, "median": statistics.median(seconds)}))
        print(json.dumps(await scrolling(browser, chosen.messages)))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
