"""What a long programme costs: 500 segments over 50 versions, each moving, renaming and cancelling some.

    python -m bench programme [--segments 500] [--versions 50] [--rounds 20] [--json]

Processor time, on a SQLite file, of what an organiser waits for: the card of a draft (both programmes
read, compared field by field, warned of, drawn), the announcement of a release, the pinned programme, the
diff of an early version with the last; and of what a calendar client waits for, the feed of all of it. The
release itself is wall time, from its transaction's first statement to its commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy.ext.asyncio import AsyncSession

from bot import announcements
from bot.announcements import composers
from bot.config import Config, load, shipped
from bot.programme import changes, versions
from bot.programme.calendar import calendar
from bot.programme.model import Programme, Segment
from bot.rendering import Rendering
from bot.store.engine import Database

Work = Callable[[], Awaitable[object]]


def edited(programme: Programme, number: int) -> Programme:
    """The next version: every seventh segment moves, every eleventh is renamed, and so on."""
    segments = []
    for place, one in enumerate(programme.segments):
        update: dict[str, object] = {}
        if (place + number) % 7 == 0 and one.starts:
            update["starts"] = one.starts + timedelta(minutes=number % 5 + 1)
            update["ends"] = one.ends and one.ends + timedelta(minutes=number % 5 + 1)
        if (place + number) % 11 == 0:
            update["title"] = f"Talk {place}, as of version {number} 🌱"
        if (place + number) % 13 == 0:
            update["speakers"] = (f"Speaker {number}", "O’Brien, Máire")
        if (place + number) % 97 == 0:
            update["cancelled"] = not one.cancelled
        segments.append(one.model_copy(update=update))
    return programme.model_copy(update={"segments": tuple(segments)})


async def filled(database: Database, config: Config, segments: int, count: int) -> None:
    """A store with that many released versions, and a draft of one more."""
    now = config.workshop.start - timedelta(days=20)
    await database.prepare("live", now=now)
    async with database.begin() as db:
        await announcements.begin(db, config, now=now)
        programme = await versions.current(db)
        first = programme.starts
        programme = programme.model_copy(
            update={
                "segments": tuple(
                    Segment(
                        id=f"talk-{n}",
                        title=f"Talk {n}: measuring & reducing",
                        starts=first + timedelta(minutes=10 * n),
                        ends=first + timedelta(minutes=10 * n + 10),
                        speakers=("Ada L.", f"Speaker {n}"),
                        description="What it is about. " * 20,
                    )
                    for n in range(segments)
                )
            }
        )
        for number in range(2, count + 1):
            now += timedelta(minutes=1)
            programme = edited(programme, number)
            await versions.release_now(db, programme, origin="import", by=None, note=None, now=now)
        await versions.save(db, edited(programme, count + 1), by=None, origin="edit", revision=None, now=now)


async def measured(database: Database, config: Config, count: int, rounds: int) -> dict[str, float]:
    """Milliseconds of each, by name: the median of the rounds."""
    drawing, now = Rendering(config), config.workshop.start
    found: dict[str, float] = {}

    async def once(name: str, work: Callable[[AsyncSession], Awaitable[object]]) -> None:
        spent = []
        for _ in range(rounds):
            async with database.read() as db:
                began = time.process_time()
                await work(db)
                spent.append((time.process_time() - began) * 1000)
        found[name] = median(spent)

    async def card(db: AsyncSession) -> None:
        draft = await versions.draft(db)
        assert draft is not None
        values = await composers.compose_card(db, {"opened": draft.opened}, now=now)
        assert values is not None
        drawing.message(composers.CARD, values)

    async def change(db: AsyncSession) -> None:
        values = await composers.compose_change(db, {"version": count}, now=now)
        assert values is not None
        drawing.message(composers.CHANGE, values)

    async def pinned(db: AsyncSession) -> None:
        drawing.message("programme/message", await composers.compose_programme(db, {}, now=now))

    async def across(db: AsyncSession) -> None:
        old, new = await versions.get(db, 2), await versions.current(db)
        changes.noteworthy(old, new, changes.diff(old, new))

    async def feed(db: AsyncSession) -> None:
        calendar(await versions.current(db), await versions.bookkeeping(db), config, rendering=drawing)

    await once("card of a draft", card)
    await once("announcement", change)
    await once("pinned programme", pinned)
    await once("diff of version 2 with the last", across)
    await once("calendar of all segments", feed)
    began = time.perf_counter()
    async with database.begin() as db:
        draft = await versions.draft(db)
        assert draft is not None
        await announcements.release_and_announce(
            db, config, by=None, note=None, draft_revision=draft.revision, now=now - timedelta(days=1)
        )
    found["release, wall time"] = (time.perf_counter() - began) * 1000
    return found


async def run(segments: int, count: int, rounds: int) -> dict[str, float]:
    config = load(shipped("config.toml"))
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/programme.sqlite3", config.workshop.id)
        try:
            await filled(database, config, segments, count)
            return await measured(database, config, count, rounds)
        finally:
            await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--segments", type=int, default=500)
    parser.add_argument("--versions", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = asyncio.run(run(given.segments, given.versions, given.rounds))
    if given.json:
        print(json.dumps({"segments": given.segments, "versions": given.versions, "ms": found}))
        return
    print(f"| {given.segments} segments, {given.versions} versions | ms |\n|---|---|")
    for name, spent in found.items():
        print(f"| {name} | {spent:.0f} |")


if __name__ == "__main__":
    main()
