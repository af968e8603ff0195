"""`programme`: show, import, diff, release, history, restore. A release reaches people as from Slack."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot import announcements
from bot.clock import Clock
from bot.commands.opening import ConfigFile, Json, existing_database, known, load, opened, out
from bot.config import Config
from bot.errors import ConfigError, Invalid, Mistake, NotFound, Refusal
from bot.programme import changes, importing, versions
from bot.programme.changes import Change
from bot.programme.model import Programme
from bot.programme.warnings import Caution, warnings
from bot.rendering import Rendering, unescape
from bot.store.tables import Draft

T = TypeVar("T")

app = typer.Typer(help="The programme: versions, the draft, imports.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="TOML, pretalx schedule JSON, frab XML or iCalendar; - reads it.")]
Replace = Annotated[bool, typer.Option("--replace", help="Also when a person is editing the draft in Slack.")]


def _in_store(config: Path | None, settings: Config, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do one thing in one transaction of the workshop's own database, made when there is none."""

    async def run() -> T:
        async with opened(config, settings) as database, database.begin() as db:
            return await work(db)

    return asyncio.run(run())


def _is_new(config: Path | None, settings: Config) -> bool:
    """Whether there is no database yet: then nothing was ever released, and reading makes none."""
    return existing_database(config, settings) is None


@app.command()
def show(
    config: ConfigFile = None,
    version: Annotated[int | None, typer.Option(help="An older version's number.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="The draft of the next version.")] = False,
    as_json: Json = False,
) -> None:
    """The programme as participants see it."""
    if draft and version is not None:
        raise typer.BadParameter("give --version or --draft, not both")
    settings = load(config)
    if draft:
        programme = _draft(config, settings)
    elif version is None or (version == 1 and _is_new(config, settings)):
        programme, _ = asyncio.run(known(config, settings))
    elif _is_new(config, settings):
        raise NotFound("no_such_version", number=version)
    else:
        programme = _in_store(config, settings, lambda db: versions.get(db, version))
    if as_json:
        print(programme.model_dump_json())
    else:
        _print(settings, "shown", {"programme": programme})


def _draft(config: Path | None, settings: Config) -> Programme:
    async def work(db: AsyncSession) -> Programme:
        return versions.programme_of(await _open_draft(db))

    if _is_new(config, settings):
        raise NotFound("no_draft")
    return _in_store(config, settings, work)


async def _open_draft(db: AsyncSession) -> Draft:
    draft = await versions.draft(db)
    if draft is None:
        raise NotFound("no_draft")
    return draft


@app.command(name="import")
def import_(file: File, config: ConfigFile = None, replace: Replace = False, as_json: Json = False) -> None:
    """Make a file the draft of the next version; nothing is public until it is released."""
    settings, data = load(config), _read(file)

    async def work(db: AsyncSession) -> None:
        released = await versions.current(db)
        new = _parsed(data, file, released, settings, as_json)
        await _draft_instead(db, settings, new, origin="import", replace=replace, as_json=as_json)

    _in_store(config, settings, work)


@app.command()
def restore(
    number: Annotated[int, typer.Argument(help="The version's number, as `history` lists it.")],
    config: ConfigFile = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Make an old version the draft; release it to have it back."""
    settings = load(config)
    if number != 1 and _is_new(config, settings):
        raise NotFound("no_such_version", number=number)

    async def work(db: AsyncSession) -> None:
        new = await versions.get(db, number)
        await _draft_instead(db, settings, new, origin="restore", replace=replace, as_json=as_json)

    _in_store(config, settings, work)


async def _draft_instead(
    db: AsyncSession, settings: Config, new: Programme, *, origin: str, replace: bool, as_json: bool
) -> None:
    """Make a programme the draft, in place of one that is open; one that changes nothing closes it.

    Raises Refusal when the open draft is a person's work, unless it may be replaced.
    """
    now = Clock().now()
    await versions.turn(db)
    old, draft = await versions.current(db), await versions.draft(db)
    if draft is not None and draft.edited_by is not None and not replace:
        who = await versions.who(db, draft.edited_by)
        raise Refusal("draft_edited", by=who, at=draft.edited_at)
    revision = draft.revision if draft is not None else None
    found = changes.diff(old, new)
    if found:
        revision = (await versions.save(db, new, by=None, origin=origin, revision=revision, now=now)).revision
        await announcements.propose(db, now=now)
    elif revision is not None:
        await announcements.discard(db, by=None, draft_revision=revision, now=now)
    cautions = warnings(old, changes.with_missing(old, new), now=now)
    outcome = "draft" if found else "discarded" if draft is not None else "same"
    _report(settings, old, found, cautions, outcome, as_json, draft=revision if found else None)


@app.command()
def diff(
    file: Annotated[
        Path | None, typer.Argument(help="A file to compare, - reads it; default the draft.")
    ] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """What differs from the released programme: in the draft, or in a file. Changes nothing."""
    settings = load(config)
    if file is not None:
        data = _read(file)
        old, _ = asyncio.run(known(config, settings))
        new = _parsed(data, file, old, settings, as_json)
        found = changes.diff(old, new)
        cautions = warnings(old, changes.with_missing(old, new), now=Clock().now()) if found else ()
        _report(settings, old, found, cautions, "file" if found else "same", as_json)
        return

    async def work(db: AsyncSession) -> None:
        seen = await versions.preview(db, now=Clock().now())
        if seen is None:
            _report(settings, await versions.current(db), (), (), "none", as_json)
            return
        revision = seen.draft.revision
        _report(settings, seen.old, seen.changes, seen.warnings, "draft", as_json, draft=revision)

    if _is_new(config, settings):
        _report(settings, Programme.from_config(settings), (), (), "none", as_json)
    else:
        _in_store(config, settings, work)


@app.command()
def release(
    note: Annotated[str, typer.Option(help="What heads the announcement.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Release the draft: version, announcement, reminders and calendar in one go."""
    settings = load(config)

    async def work(db: AsyncSession) -> None:
        draft = await _open_draft(db)
        released = await announcements.release_and_announce(
            db, settings, by=None, note=note, draft_revision=draft.revision, now=Clock().now()
        )
        _report(settings, released.programme, released.changes, released.warnings, "released", as_json)

    if _is_new(config, settings):
        raise NotFound("no_draft")
    _in_store(config, settings, work)


@app.command()
def history(config: ConfigFile = None, as_json: Json = False) -> None:
    """Every version with its author and note, the newest first."""
    settings = load(config)

    async def work(db: AsyncSession) -> list[dict[str, Any]]:
        return [
            {
                "version": row.number,
                "released_at": row.released_at.isoformat(),
                "by": await versions.who(db, row.released_by),
                "origin": row.origin,
                "note": row.note,
                "changes": len(row.changes),
            }
            for row in await versions.history(db)
        ]

    if _is_new(config, settings):
        unreleased = {"version": 1, "released_at": None, "by": None}
        rows = [{**unreleased, "origin": "config", "note": None, "changes": 0}]
    else:
        rows = _in_store(config, settings, work)
    for row in rows:
        if as_json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            _print(settings, "version", {"row": row})


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read(importing.BYTES + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(importing.BYTES + 1)
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read ({error.strerror})") from None


def _parsed(data: bytes, file: Path, base: Programme, settings: Config, as_json: bool) -> Programme:
    """The programme in a file; every mistake in it is named with its place, and ends the command."""
    try:
        return importing.read(data, base=base, config=settings)
    except Invalid as refusal:
        mistakes: Sequence[Mistake] = refusal.values["mistakes"]  # type: ignore[assignment]
        if as_json:
            told = [{"key": one.key, "wrong": one.wrong, "right": one.right} for one in mistakes]
            print(json.dumps({"error": refusal.code, "mistakes": told}, ensure_ascii=False))
        named = [Mistake(f"{file.name}, {one.key}", one.wrong, one.right) for one in mistakes]
        raise ConfigError(named) from None


def _report(
    settings: Config,
    programme: Programme,
    found: tuple[Change, ...],
    cautions: Sequence[Caution],
    outcome: str,
    as_json: bool,
    *,
    draft: int | None = None,
) -> None:
    """Print what differs, what to look at before a release, and what came of it: a line a change for
    programs, and a summary last."""
    announced = sum(change.noteworthy for change in found)
    if not as_json:
        values = {"programme": programme, "changes": found, "cautions": cautions, "announced": announced}
        _print(settings, "differences", {**values, "outcome": outcome})
        return
    for change in found:
        print(change.model_dump_json())
    summary = {
        "outcome": outcome,
        "version": programme.version,
        "draft": draft,
        "changes": len(found),
        "announced": announced,
        "warnings": [
            {"code": one.code, "titles": list(one.titles), "detail": one.detail} for one in cautions
        ],
    }
    print(json.dumps({"summary": summary}, ensure_ascii=False))


def _print(settings: Config, template: str, values: dict[str, Any]) -> None:
    rendered = Rendering(settings).text(f"programme/terminal/{template}.txt.j2", values)
    out.print(unescape(rendered), markup=False)
