"""`report`: one page about what happened, for after the event."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from bot import report as reporting
from bot.answers import Answers
from bot.clock import Clock
from bot.commands.opening import ConfigFile, Json, err, existing, load
from bot.config import Config
from bot.rendering import Rendering
from bot.report import plots

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PRINT_WITHIN = 90  # wall seconds


def report(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The page's file; beside it, where Chromium is installed, the same as PDF. "
            "Default: the page on standard output.",
        ),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Name people. Who asked without their name stays unnamed.")
    ] = False,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Write the PDF beside the page.")] = True,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """What was asked, answered, posted and voted, as one web page that needs nothing else."""
    settings = load(config)
    rendering = Rendering(settings)
    found = asyncio.run(_gather(config, settings, rendering, names))
    if as_json:
        _write(output, json.dumps(found, ensure_ascii=False, indent=2, default=_plain) + "\n")
        return
    page = output.with_suffix(".html") if output and output.suffix.lower() == ".pdf" else output
    _write(page, rendering.page("report", _values(found, rendering)))
    if page is not None and (pdf or page != output):
        with err.status("Chromium prints it"):
            printed, said = _print(page)
        err.print(said, markup=False)
        if page != output and not printed:
            sys.exit(1)


async def _gather(path: Path | None, settings: Config, rendering: Rendering, names: bool) -> dict[str, Any]:
    topics = Answers(settings, rendering).topics()
    async with existing(path, settings) as database, database.read() as db:
        return await reporting.gather(db, topics, now=Clock().now(), names=names)


def _values(found: dict[str, Any], rendering: Rendering) -> dict[str, Any]:
    questions, tz = found["questions"], rendering.tz
    return {
        "found": found,
        "questions_grown": plots.steps(questions["received_at"], tz),
        "votes_grown": plots.steps(questions["voted_at"], tz),
        "width": plots.WIDTH,
        "height": plots.HEIGHT,
        "language": rendering.language,
    }


def _write(output: Path | None, text: str) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written ({error.strerror})", param_hint="-o") from None
    err.print(f"written to {output}", markup=False)


def _print(page: Path) -> tuple[bool, str]:
    """Print the page into a PDF beside it; gives whether that worked, and what to say of it."""
    by_hand = "print the page from any browser"
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return False, f"no PDF: Chromium is not installed here; {by_hand}"
    target = page.with_suffix(".pdf")
    with TemporaryDirectory(prefix="workshop-report-", ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "report.pdf"
        words = [browser, "--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        words += [f"--user-data-dir={folder}", "--no-pdf-header-footer", f"--print-to-pdf={printed}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            words.append("--no-sandbox")  # Chromium refuses to run as root with one; the page is our own
        try:
            subprocess.run(  # noqa: S603 - the browser found above, our own page
                [*words, page.resolve().as_uri()], capture_output=True, check=False, timeout=PRINT_WITHIN
            )
            shutil.move(printed, target)
        except (OSError, subprocess.TimeoutExpired) as error:
            return False, f"no PDF: {browser} did not print it ({type(error).__name__}); {by_hand}"
    return True, f"written to {target}"


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
