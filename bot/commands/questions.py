"""`questions` and `inquiries`: what was put to the panel, and what the bot could not answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import typer

from bot.answers import inquiries as services
from bot.commands.opening import ConfigFile, Json, load, opened, out

app = typer.Typer(help="Questions for the panel.", no_args_is_help=True)


def inquiries(config: ConfigFile = None, as_json: Json = False) -> None:
    """What people asked the bot that it could not answer, most waited for first."""

    async def read() -> list[dict[str, Any]]:
        settings = load(config)
        async with opened(config, settings) as database, database.read() as db:
            return [
                {
                    "id": inquiry.id,
                    "text": inquiry.text,
                    "askers": askers,
                    "asked_at": inquiry.asked_at.isoformat(),
                }
                for inquiry, askers in await services.waiting(db)
            ]

    for row in asyncio.run(read()):
        if as_json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            out.print(f"{row['askers']:>4} asked  {row['text']}", markup=False)
