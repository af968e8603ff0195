"""`check` and `status`: what can be wrong before the day, and what the bot is doing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from bot import check as checks
from bot import config as configuration
from bot import status as statuses
from bot.clock import Clock
from bot.commands.opening import ConfigFile, Json, config_path, database_url, existing, load, out
from bot.config import Config, Environment
from bot.rendering import Rendering

STATUS_EVERY = 2.0  # seconds between two looks of `status --watch`


def check(
    config: ConfigFile = None,
    online: Annotated[
        bool, typer.Option("--online", help="Ask Slack too: tokens, scopes, channels, roles.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at everything that can be wrong before the day; each finding with its remedy."""
    sys.exit(asyncio.run(_check(config_path(config), database_url(config), online, as_json)))


def status(
    config: ConfigFile = None,
    as_json: Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every two seconds, until Ctrl-C.")
    ] = False,
) -> None:
    """What the bot is doing: programme, outbox, reminders to come, questions, inquiries, troubles."""
    settings = load(config)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_status(config, settings, as_json, watch))


async def _status(path: Path | None, settings: Config, as_json: bool, watch: bool) -> None:
    rendering = Rendering(settings)
    async with existing(path, settings) as database, contextlib.AsyncExitStack() as stack:
        view = stack.enter_context(Live(console=out)) if watch and not as_json else None
        while True:
            async with database.read() as db:
                found = await statuses.snapshot(db, now=Clock().now())
            if as_json:
                print(json.dumps(found, ensure_ascii=False), flush=True)
            elif view is not None:
                view.update(statuses.shown(found, rendering))
            else:
                out.print(statuses.shown(found, rendering))
            if not watch:
                return
            await asyncio.sleep(STATUS_EVERY)


async def _check(path: Path, database_url: str, online: bool, as_json: bool) -> int:
    environment = Environment.read()
    findings = [finding async for finding in checks.offline(path, environment, database_url)]
    if online and not any(finding.level == "error" for finding in findings):
        findings += [finding async for finding in checks.online(configuration.load(path), environment)]
    for finding in findings:
        if as_json:
            print(json.dumps(finding.as_json(), ensure_ascii=False))
        else:
            colour = {"ok": "green", "warning": "yellow", "error": "red"}[finding.level]
            out.print(f"[{colour}]{finding.level:<8}[/]", end="")
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            out.print(f"{finding.what}: {finding.found}{remedy}", markup=False)
    return 2 if any(finding.level == "error" for finding in findings) else 0
