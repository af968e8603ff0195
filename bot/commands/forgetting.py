"""`erase` and `restored`: forget one person; take care after a backup was restored."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import privacy
from bot.clock import Clock
from bot.commands.opening import ConfigFile, Json, err, existing, load, out
from bot.config import Config
from bot.delivery import restored as delivery
from bot.errors import StoreError


def erase(
    user: Annotated[str, typer.Argument(help="The person's Slack id, such as U0123ABCD.")],
    config: ConfigFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask at a terminal either.")] = False,
    as_json: Json = False,
) -> None:
    """Forget a person: who they were, their words and what waits to be sent to them. Numbers stay."""
    if not re.fullmatch(r"[UW][A-Z0-9]{1,30}", user):
        raise typer.BadParameter("write the Slack id: in the person's profile, ⋮ → Copy member ID")
    settings = load(config)
    if not yes and sys.stdin.isatty():
        typer.confirm(
            f"Forget {user} in the workshop {settings.workshop.id}? It cannot be undone", abort=True
        )
    done = asyncio.run(_erase(config, settings, user))
    if as_json:
        print(json.dumps(done.as_json()))
        return
    for name, number in done.as_json().items():
        out.print(f"{number:>6}  {name.replace('_', ' ')}", markup=False)
    err.print("Logs and backups may still name them; docs/privacy.md says how to handle those.", markup=False)


def restored(config: ConfigFile = None, as_json: Json = False) -> None:
    """After restoring a backup and before `run`: look for what is due in Slack before posting it."""

    async def doubt() -> dict[str, int]:
        settings = load(config)
        async with existing(config, settings) as database, database.begin() as db:
            looked_for, dropped = await delivery.doubt(db, now=Clock().now())
        return {"looked_for": looked_for, "dropped": dropped}

    done = asyncio.run(doubt())
    if as_json:
        print(json.dumps(done))
    else:
        text = (
            f"{done['looked_for']} messages are looked for before they are posted; {done['dropped']} dropped."
        )
        out.print(text, markup=False)


async def _erase(path: Path | None, settings: Config, user: str) -> privacy.Forgotten:
    async with existing(path, settings) as database:
        async with database.begin() as db:
            person = await privacy.known(db, user)
            if person is None:
                raise StoreError(f"nobody with the Slack id {user} is known in {settings.workshop.id}")
            done = await privacy.erase(db, person, now=Clock().now())
        await database.overwrite_removed()
    return done
