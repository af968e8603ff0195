"""`ask`, `plan`, `calendar`, `manifest`: they never write, and need no database."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from bot import reminders
from bot.answers import Answer, Answers
from bot.commands.opening import At, ConfigFile, Json, instant, known, load, out, reading, zone
from bot.config import Environment
from bot.programme import calendar, versions
from bot.programme.model import Programme
from bot.rendering import Rendering, unescape
from handlers.manifest import manifest as make_manifest


class Asked(BaseModel):
    """One line of `ask --batch`."""

    model_config = ConfigDict(strict=True)

    id: str | int | None = None
    text: str
    at: str | None = None
    tz: str | None = None
    lang: str | None = None


def ask(
    text: Annotated[str | None, typer.Argument(help="The question, as a participant would type it.")] = None,
    config: ConfigFile = None,
    at: At = None,
    tz: Annotated[str | None, typer.Option(help="The asker's time zone, such as Asia/Tokyo.")] = None,
    lang: Annotated[str | None, typer.Option(help="The asker's language, such as fr.")] = None,
    batch: Annotated[
        str | None, typer.Option(help="A file of JSON lines (id, text, at, tz, lang), or -.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a question as the bot would; nothing is stored and no inquiry is filed."""
    if (text is None) == (batch is None):
        raise typer.BadParameter("give a question, or --batch FILE")
    settings = load(config)
    programme, learned = asyncio.run(known(config, settings))
    answers = Answers(settings, Rendering(settings))

    def one(asked: Asked) -> dict[str, Any]:
        when, where = instant(asked.at or at), zone(asked.tz or tz)
        began = time.perf_counter()
        answer = answers.answer(
            asked.text, at=when, programme=programme, tz=where, lang=asked.lang or lang, learned=learned
        )
        return _as_json(asked.id, answer, time.perf_counter() - began)

    if text is not None:
        answered = one(Asked(text=text, at=at, tz=tz, lang=lang))
        if as_json:
            print(json.dumps(answered, ensure_ascii=False))
        else:
            out.print(unescape(answered["answer"]), markup=False)
        return
    for line in _lines(batch or "-"):
        if line.strip():
            print(json.dumps(_one_line(line, one), ensure_ascii=False), flush=True)


def _lines(name: str) -> Iterator[str]:
    """The lines of a file, or of standard input for "-"; bytes that are no UTF-8 are replaced."""
    try:
        with sys.stdin.buffer if name == "-" else open(name, "rb") as lines:
            for line in lines:
                yield line.decode("utf-8", errors="replace")
    except OSError as error:
        raise typer.BadParameter(f"{name} cannot be read ({error.strerror})", param_hint="--batch") from None


def _one_line(line: str, one: Any) -> dict[str, Any]:
    """The answer to one line, or what is wrong with the line; the run goes on either way."""
    given: Any = None
    try:
        given = json.loads(line)
        return dict(one(Asked.model_validate(given)))
    except json.JSONDecodeError as error:
        wrong = f"not JSON: {error}"
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'line'}: {detail['msg']}"
            for detail in error.errors()
        )
    except typer.BadParameter as error:
        wrong = error.message
    return {"id": given.get("id") if isinstance(given, dict) else None, "error": wrong}


def _as_json(id: str | int | None, answer: Answer, seconds: float) -> dict[str, Any]:
    return {
        "id": id,
        "status": answer.status,
        "answer": str(answer.text),
        "lang": answer.lang,
        "topics": list(answer.topics),
        "sources": list(answer.sources),
        "unanswered": list(answer.unanswered),
        "confidence": round(answer.confidence, 3),
        "elapsed_ms": round(seconds * 1000, 3),
    }


def plan(config: ConfigFile = None, at: At = None, as_json: Json = False) -> None:
    """Every message that will be posted from an instant on; posts nothing."""
    settings = load(config)
    begins = instant(at)
    programme, _ = asyncio.run(known(config, settings))
    rendering = Rendering(settings)
    for item in reminders.upcoming(settings, programme, rendering, at=begins):
        line = {
            "at": item.at.astimezone(UTC).isoformat(),
            "target": item.target,
            "kind": item.kind,
            "key": item.key,
            "text": item.text,
        }
        if as_json:
            print(json.dumps(line, ensure_ascii=False))
        else:
            out.print(f"{rendering.in_words(item.at)}  {item.target}\n  {unescape(item.text)}", markup=False)


def calendar_command(
    config: ConfigFile = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment, by its id.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write here instead of standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as jCal (RFC 7265).")] = False,
) -> None:
    """The programme as iCalendar."""
    settings = load(config)

    async def stored() -> tuple[Programme, calendar.Bookkeeping]:
        async with reading(config, settings) as db:
            if db is None:
                programme = Programme.from_config(settings)
                return programme, calendar.Bookkeeping.unreleased(programme)
            return await versions.current(db), await versions.bookkeeping(db)

    programme, bookkeeping = asyncio.run(stored())
    if segment is not None:
        found = programme.segment(segment)
        if found is None or found.starts is None:
            ids = ", ".join(s.id for s in programme.segments if s.starts) or "none has a time yet"
            raise typer.BadParameter(f"no segment {segment!r} with a time ({ids})", param_hint="--segment")
    public_url = Environment.read().public_url
    body = calendar.calendar(programme, bookkeeping, settings, segment=segment, public_url=public_url)
    if as_json:
        body = json.dumps(calendar.as_json(body), ensure_ascii=False).encode() + b"\n"
    if output is None:
        sys.stdout.buffer.write(body)
        return
    try:
        output.write_bytes(body)
    except OSError as error:
        raise typer.BadParameter(
            f"{output} cannot be written ({error.strerror})", param_hint="--output"
        ) from None


def manifest(
    config: ConfigFile = None,
    mode: Annotated[str, typer.Option(help="socket or http.")] = "socket",
    url: Annotated[str | None, typer.Option(help="The bot's public address, for HTTP.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON is what it prints in any case.")] = True,
) -> None:
    """The Slack app manifest to create the app from."""
    if mode not in ("socket", "http"):
        raise typer.BadParameter("use socket or http", param_hint="--mode")
    try:
        made = make_manifest(load(config), "http" if mode == "http" else "socket", url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    print(json.dumps(made, indent=2, ensure_ascii=False))
