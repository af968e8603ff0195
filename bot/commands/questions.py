"""`questions list|export` and `inquiries`: what was put to the panel, and what the bot could not answer."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.answers import inquiries as services
from bot.clock import Clock
from bot.commands.opening import ConfigFile, Json, err, existing, load, out
from bot.programme import versions
from bot.questions import board
from bot.questions import export as exporting

app = typer.Typer(help="Questions for the panel.", no_args_is_help=True)


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    MD = "md"


@app.command("list")
def list_(
    show: Annotated[str, typer.Option("--show", help=f"Which ones: {', '.join(board.SHOWN)}.")] = "all",
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """The questions by number, one a line, with where each stands and its votes."""
    if show not in board.SHOWN:
        raise typer.BadParameter(f"say one of {', '.join(board.SHOWN)}", param_hint="--show")
    wanted = {state.value for state in board.SHOWN[show]}
    for row in asyncio.run(_records(config)):
        # On stage and next are places in the queue.
        if {"next": "queued", "on_stage": "queued"}.get(row.standing, row.standing) not in wanted:
            continue
        if as_json:
            print(json.dumps({**asdict(row), "history": len(row.history)}, ensure_ascii=False))
        else:
            words = " ".join(row.text.split())
            out.print(f"{row.number:>4}  {row.standing:<9} {row.votes:>4}  {words}", markup=False)


@app.command()
def export(
    format: Annotated[Format, typer.Option("--format", help="For a spreadsheet, a program or a reader.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; default standard output.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Everything about the questions, with their histories. Hidden askers stay hidden."""
    written = exporting.FORMATS[format](asyncio.run(_records(config)))
    if output is None:
        sys.stdout.write(written)
        return
    # Spreadsheets take a CSV file without this mark for one in a code page of old.
    encoding = "utf-8-sig" if format is Format.CSV else "utf-8"
    output.write_text(written, encoding=encoding, newline="")
    err.print(f"written to {output}", markup=False)


async def _records(path: Path | None) -> list[exporting.Record]:
    settings = load(path)
    async with existing(path, settings) as database, database.read() as db:
        programme = await versions.current(db)
        return await exporting.records(db, programme=programme, now=Clock().now())


def inquiries(config: ConfigFile = None, as_json: Json = False) -> None:
    """What people asked the bot that it could not answer, most waited for first."""

    async def read() -> list[dict[str, Any]]:
        settings = load(config)
        async with existing(config, settings) as database, database.read() as db:
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
