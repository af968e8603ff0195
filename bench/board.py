"""The moderators' board and the offer of similar questions, with very many questions.

    python -m bench board [--questions 5000] [--database sqlite|postgresql|both] [--json]

board    the App Home of a moderator, read and rendered, in each order and with a search; and of a participant
similar  the questions that ask much the same as a new one, read and compared; the first time, and later

Each in milliseconds of wall time and of processor time (the database server's own is in the former only).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import insert

from bench._crowd import TOPICS
from bench.drill import database
from bot import home, people
from bot.config import Config, load, shipped
from bot.programme import versions
from bot.questions import board, similar
from bot.rendering import BLOCKS_PER_VIEW, Rendering
from bot.store.engine import Database
from bot.store.tables import Question, Vote

TIMES = 15
VIEW_BYTES = 250_000  # of a view, as Slack takes it


async def fill(db: Any, store: Database, count: int, now: Any) -> None:
    """That many published questions of five to sixty words by 50 people, and two votes on each."""
    dice = random.Random(1)
    askers = [(await people.get_or_add(db, f"U0BOARD{n:03}", now=now)).id for n in range(50)]
    own = {"workshop_id": store.workshop_id}
    base = own | {"segment_id": "discussion", "hidden": "named", "state": "published", "revision": 1}
    base |= {"cannot_attend": False, "edited": False, "labels": [], "posts": 1, "received_at": now}
    rows = [
        {
            **base,
            "id": n,
            "number": n,
            "author_id": askers[n % 50],
            "text": " ".join(dice.choices(TOPICS, k=dice.randint(5, 60))) + "?",
        }
        for n in range(1, count + 1)
    ]
    await db.execute(insert(Question), rows)
    votes = [
        {**own, "question_id": n, "person_id": askers[(n + k) % 50], "stands": True, "voted_at": now}
        for n in range(1, count + 1)
        for k in (1, 2)
    ]
    await db.execute(insert(Vote), votes)


async def measure(config: Config, url: str, count: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of wall and of processor time by what was done: the median of several."""
    store, rendering = Database(url, config.workshop.id), Rendering(config)
    now = config.workshop.start + timedelta(minutes=40)
    await store.prepare("rehearsal", now=now)
    async with store.begin() as db:
        await versions.seed(db, config, now=now)
        await fill(db, store, count, now)
        moderator = await people.get_or_add(db, "U0BOARDMOD", now=now)
        participant = await people.get_or_add(db, "U0BOARD001", now=now)

    async def shown(moderates: bool) -> None:
        content = {"person": (moderator if moderates else participant).id, "moderates": moderates}
        async with store.read() as db:
            values = await home.view(db, content, now=now)
        view = rendering.view("home/view", {**(values or {}), "now": now})
        assert len(view["blocks"]) <= BLOCKS_PER_VIEW
        assert len(json.dumps(view, ensure_ascii=False).encode()) < VIEW_BYTES

    async def alike() -> None:
        async with store.read() as db:
            await similar.find(db, " ".join(TOPICS[:15]), segment_id="discussion")

    similar._folded.cache_clear()
    found = {"similar, unprepared": await _once(alike)}
    similar._folded.cache_clear()
    await similar.warm(store)
    found |= {"similar, the first time after a start": await _once(alike), "similar": await _median(alike)}
    for name, look in (
        ("board, oldest first", {"sort": "oldest"}),
        ("board, most votes first", {"sort": "votes"}),
        ("board, searched", {"search": "copper"}),
    ):
        async with store.begin() as db:
            view = await board.look(db, moderator)
            for key, value in ({"show": "approved"} | look).items():
                setattr(view, key, value)
        found[name] = await _median(lambda: shown(True))
    found["a participant's list"] = await _median(lambda: shown(False))
    await store.close()
    return found


async def _once(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    await work()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000


async def _median(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    wall, processor = zip(*[await _once(work) for _ in range(TIMES)], strict=True)
    return median(wall), median(processor)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--questions", type=int, default=5_000)
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    config = load(shipped("config.toml"))
    for kind in ["sqlite", "postgresql"] if given.database == "both" else [given.database]:
        with TemporaryDirectory() as folder, database(kind, Path(folder)) as (url, _):
            found = asyncio.run(measure(config, url, given.questions))
        if given.as_json:
            print(json.dumps({"database": kind, "questions": given.questions, **found}))
            continue
        print(f"{kind}, {given.questions} questions", flush=True)
        for what, (wall, processor) in found.items():
            print(f"  {what:28} {wall:7.1f} ms, processor {processor:7.1f} ms", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
