"""`programme`: show, import, diff, release, history, restore. A release reaches people as from Slack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot import announcements
from bot.clock import Clock
from bot.commands.opening import ConfigFile, Json, known, load, opened, out
from bot.config import Config
from bot.errors import Invalid
from bot.programme import changes, importing, versions
from bot.programme.changes import Change
from bot.programme.model import Programme
from bot.rendering import Rendering

T = TypeVar("T")

app = typer.Typer(help="The programme: versions, the draft, imports.", no_args_is_help=True)


def _in_store(config: Path | None, work: Callable[[AsyncSession, Config], Awaitable[T]]) -> T:
    """Do one thing in one transaction of the workshop's own database."""
    settings = load(config)

    async def run() -> T:
        async with opened(config, settings) as database, database.begin() as db:
            return await work(db, settings)

    return asyncio.run(run())


@app.command()
def show(
    config: ConfigFile = None,
    version: Annotated[int | None, typer.Option(help="An older version's number.")] = None,
    as_json: Json = False,
) -> None:
    """The programme as participants see it."""
    settings = load(config)
    if version is None:
        programme, _ = asyncio.run(known(config, settings))
    else:
        programme = _in_store(config, lambda db, _: versions.get(db, version))
    if as_json:
        print(programme.model_dump_json())
        return
    rendering = Rendering(settings)
    out.print(f"{programme.title} (version {programme.version}, {programme.status})", markup=False)
    out.print(f"{rendering.in_words(programme.starts)} – {rendering.local(programme.ends)}", markup=False)
    for segment in programme.segments:
        time = f"{rendering.local(segment.starts)}" if segment.starts else "no time"
        until = f" – {rendering.local(segment.ends)}" if segment.ends else ""
        marks = [*segment.speakers, *(["cancelled"] if segment.cancelled else [])]
        about = f"  ({', '.join(marks)})" if marks else ""
        out.print(f"  {time + until:15}  {segment.title}{about}  [{segment.id}]", markup=False)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="TOML, pretalx schedule JSON, frab XML or iCalendar.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Make a file the draft of the next version; nothing is public until it is released."""
    data = _read(file)

    async def work(db: AsyncSession, settings: Config) -> tuple[Change, ...]:
        old, draft = await versions.current(db), await versions.draft(db)
        new = _parsed(data, file, old, settings)
        if not changes.diff(old, changes.with_missing(old, new)):
            return ()
        saved = await versions.save(
            db, new, by=None, origin="import", revision=draft.revision if draft else None, now=Clock().now()
        )
        await announcements.propose(db, now=Clock().now())
        return changes.diff(old, versions.programme_of(saved))

    found = _in_store(config, work)
    _print_changes(found, as_json)
    if found and not as_json:
        out.print("This is a draft. `workshop-bot programme release --note …` makes it public.", markup=False)


@app.command()
def diff(
    file: Annotated[Path | None, typer.Argument(help="A file to compare; default the draft.")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """What differs from the released programme: in the draft, or in a file."""
    settings = load(config)
    if file is not None:
        old, _ = asyncio.run(known(config, settings))
        new = _parsed(_read(file), file, old, settings)
        _print_changes(changes.diff(old, changes.with_missing(old, new)), as_json)
        return

    async def work(db: AsyncSession, _: Config) -> tuple[Change, ...]:
        seen = await versions.preview(db, now=Clock().now())
        return seen.changes if seen else ()

    _print_changes(_in_store(config, work), as_json)


@app.command()
def release(
    note: Annotated[str, typer.Option(help="What heads the announcement.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Release the draft: version, announcement, reminders and calendar in one go."""

    async def work(db: AsyncSession, settings: Config) -> tuple[int, tuple[Change, ...]]:
        draft = await versions.draft(db)
        released = await announcements.release_and_announce(
            db, settings, by=None, note=note, draft_revision=draft.revision if draft else 0, now=Clock().now()
        )
        return released.programme.version, released.changes

    number, found = _in_store(config, work)
    _print_changes(found, as_json)
    if not as_json:
        out.print(f"Released as version {number}.", markup=False)


@app.command()
def history(config: ConfigFile = None, as_json: Json = False) -> None:
    """Every version with its note, the newest first."""

    async def work(db: AsyncSession, _: Config) -> list[dict[str, Any]]:
        return [
            {
                "version": row.number,
                "released_at": row.released_at.isoformat(),
                "origin": row.origin,
                "note": row.note,
                "changes": len(row.changes),
            }
            for row in await versions.history(db)
        ]

    for row in _in_store(config, work):
        if as_json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            note = f": {row['note']}" if row["note"] else ""
            line = (
                f"{row['version']:>4}  {row['released_at']}  {row['origin']}, {row['changes']} changes{note}"
            )
            out.print(line, markup=False)


@app.command()
def restore(number: int, config: ConfigFile = None, as_json: Json = False) -> None:
    """Make an old version the draft; release it to have it back."""

    async def work(db: AsyncSession, _: Config) -> tuple[Change, ...]:
        draft = await versions.draft(db)
        saved = await versions.restore(
            db, number, by=None, revision=draft.revision if draft else None, now=Clock().now()
        )
        await announcements.propose(db, now=Clock().now())
        return changes.diff(await versions.current(db), versions.programme_of(saved))

    _print_changes(_in_store(config, work), as_json)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read ({error.strerror})") from None


def _parsed(data: bytes, file: Path, base: Programme, settings: Config) -> Programme:
    try:
        return importing.read(data, base=base, config=settings)
    except Invalid as refusal:
        mistakes: Sequence[Any] = refusal.values.get("mistakes", [])  # type: ignore[assignment]
        raise typer.BadParameter(
            "\n".join([f"{file.name}: nothing was changed", *map(str, mistakes)])
        ) from None


def _print_changes(found: tuple[Change, ...], as_json: bool) -> None:
    for change in found:
        if as_json:
            print(change.model_dump_json())
        else:
            quiet = "" if change.noteworthy else "  (recorded, not announced)"
            out.print(f"{change.kind.value:16} {change.title}{_values(change)}{quiet}", markup=False)
    if not found and not as_json:
        out.print("Nothing differs.", markup=False)


def _values(change: Change) -> str:
    """ ": old → new" for what fits on a line."""
    shown = [value for value in (change.old, change.new) if isinstance(value, str | tuple | bool)]
    if hasattr(change.old, "starts") or hasattr(change.new, "starts"):
        shown = [_span(value) for value in (change.old, change.new) if value is not None]
    return f": {' → '.join(str(value) for value in shown)}" if shown else ""


def _span(value: Any) -> str:
    ends = f"–{value.ends:%H:%M}Z" if value.ends else ""
    return f"{value.starts:%Y-%m-%d %H:%M}Z{ends}" if value.starts else "no time"
