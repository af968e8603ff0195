"""`check` and `status`: what can be wrong before the day, and what the bot is doing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live

from bot import check as checks
from bot import config as configuration
from bot import status as statuses
from bot.clock import Clock
from bot.commands.opening import ConfigFile, Json, config_path, database_url, existing_database, load, out
from bot.config import Config, Environment
from bot.errors import StoreError
from bot.rendering import Rendering
from bot.store.engine import Database

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
    async with _readable(path, settings) as database:

        async def look() -> dict[str, Any]:
            async with database.read() as db:
                return await statuses.snapshot(db, now=Clock().now())

        found = await look()
        if as_json:
            print(json.dumps(found, ensure_ascii=False), flush=True)
        elif not watch:
            out.print(statuses.shown(found, rendering))
        with (
            Live(statuses.shown(found, rendering), console=out)
            if watch and not as_json
            else _no_view() as view
        ):
            while watch:
                await asyncio.sleep(STATUS_EVERY)
                found = await look()
                if view is None:
                    print(json.dumps(found, ensure_ascii=False), flush=True)
                else:
                    view.update(statuses.shown(found, rendering))


def _no_view() -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


@contextlib.asynccontextmanager
async def _readable(path: Path | None, config: Config) -> AsyncIterator[Database]:
    """The workshop's database as it is; raises StoreError when there is none or it is not up to date."""
    database = existing_database(path, config)
    if database is None:
        raise StoreError("there is no database yet; `workshop-bot run` makes it")
    try:
        if not await database.prepared():
            raise StoreError("the database is not up to date; start `workshop-bot run` once")
        yield database
    finally:
        await database.close()


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
