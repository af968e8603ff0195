"""How close the sender comes to what the limits allow, and whether bulk ever holds up a reminder.

    python -m bench fanout [--database sqlite|postgresql|both] [--posts-per-minute 1000] [--json]

Two measurements, in real time, over real HTTP, against a local workspace that enforces Slack's limits:

fan-out    1,000 direct messages and 50 channels at once: how long it takes, over how long the configured
           limit makes it take at best, and how many calls were answered 429
reminder   while 10,000 personal messages wait for the same instant, a message falls due in some channel twice
           a second: how late each is in the workspace
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import func, insert, select

from bench.drill import database as an_empty_database
from bot.clock import Clock
from bot.config import Config, LimitsSection, load, shipped
from bot.delivery import outbox
from bot.delivery.sender import Sender
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER, Channel, Member
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState, Person

MESSAGE: dict[str, Any] = {"kind": "operations/paused", "content": {"paused": False, "waiting": 1}}
REMINDERS, EVERY = 100, timedelta(seconds=0.5)  # well below the limit, which would else be what is measured


class Bench:
    """A workspace with as many people and channels as wanted, an empty store, and a sender."""

    def __init__(self, config: Config, url: str, per_minute: int) -> None:
        self.config, self.clock = config, Clock()
        self.per_minute = per_minute
        self.workspace = LocalWorkspace(
            config,
            self.clock,
            rates="strict",
            posts_per_minute=per_minute,
            manifest={
                "features": {"app_home": {"messages_tab_enabled": True}},
                "oauth_config": {"scopes": {"bot": ["chat:write"]}},
            },
        )
        self.database = Database(url, config.workshop.id)

    @contextlib.asynccontextmanager
    async def sender(self) -> AsyncIterator[Sender]:
        timeout = aiohttp.ClientTimeout(total=15)
        async with self.workspace, aiohttp.ClientSession(timeout=timeout) as session:
            client = AsyncWebClient(
                token=self.workspace.bot_token,
                base_url=self.workspace.api_url,
                session=session,
                retry_handlers=[],
            )
            sender = Sender(
                self.database,
                Rendering(self.config),
                self.clock,
                client,
                places={},
                composers={},
                limits=LimitsSection(posts_per_minute=self.per_minute),
                holder="bench",
            )
            yield sender
        await self.database.close()

    async def people(self, count: int) -> list[str]:
        """That many people; gives their lanes."""
        made = [Member(f"U0BENCH{n:06}", f"person-{n}", f"Person {n}", "UTC") for n in range(count)]
        self.workspace.state.members |= {member.id: member for member in made}
        own = self.config.workshop.id
        rows = [
            {"workshop_id": own, "slack_id": m.id, "met_at": self.clock.now(), "stars": [], "is_bot": False}
            for m in made
        ]
        async with self.database.begin() as db:
            await db.execute(insert(Person), [{**row, "muted": False} for row in rows])
            return [f"person:{number}" for number in await db.scalars(select(Person.id).order_by(Person.id))]

    def channels(self, count: int) -> list[str]:
        """That many channels with the bot in them; gives their ids."""
        made = [Channel(f"C0BENCH{n:04}", f"bench-{n}", "channel", [BOT_USER]) for n in range(count)]
        self.workspace.state.channels |= {channel.id: channel for channel in made}
        return [channel.id for channel in made]

    async def left(self, *, above: int = 0) -> int:
        waits = Delivery.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
        async with self.database.read() as db:
            statement = select(func.count()).where(waits, Delivery.priority < (above or 1000))
            return int((await db.scalars(statement)).one())


async def fan_out(bench: Bench, messages: int = 1000, channels: int = 50) -> dict[str, Any]:
    """All at once: seconds over the best the limit allows, and the calls that Slack refused."""
    await bench.database.prepare("rehearsal", now=bench.clock.now())
    lanes = [*await bench.people(messages), *bench.channels(channels)]
    async with bench.sender() as sender:
        async with bench.database.begin() as db:
            await outbox.hold(db, True, now=bench.clock.now())
            for lane in lanes:
                await outbox.add(db, key=lane, lane=lane, now=bench.clock.now(), batch="all", **MESSAGE)
        running = asyncio.create_task(sender.run())
        async with bench.database.begin() as db:
            await outbox.hold(db, False, now=bench.clock.now())
        began = time.monotonic()
        while sender.counts["sent"] < len(lanes):  # noqa: ASYNC110 - counted, not told
            await asyncio.sleep(0.05)
        took = time.monotonic() - began
        assert not await bench.left()
        await sender.stop()
        await running
    best = 60 * len(lanes) / bench.per_minute
    return {
        "messages": len(lanes),
        "posts_per_minute": bench.per_minute,
        "seconds": round(took, 1),
        "best": round(best, 1),
        "ratio": round(took / best, 3),
        "answered_429": sender.counts["limited"],
        "sent": sender.counts["sent"],
    }


async def reminders(bench: Bench, personal: int = 10_000) -> dict[str, Any]:
    """How late channel messages are while very many personal ones wait, in seconds."""
    await bench.database.prepare("rehearsal", now=bench.clock.now())
    lanes, channels = await bench.people(personal), bench.channels(10)
    async with bench.sender() as sender:
        first = bench.clock.now() + timedelta(seconds=personal / 400)  # putting them in takes its time
        async with bench.database.begin() as db:
            for number, lane in enumerate(lanes):
                await outbox.add(
                    db,
                    key=f"personal:{number}",
                    lane=lane,
                    now=bench.clock.now(),
                    not_before=first,
                    priority=outbox.BULK,
                    **MESSAGE,
                )
            first = max(first, bench.clock.now() + timedelta(seconds=1))
            for number in range(REMINDERS):
                lane = channels[number % len(channels)]
                due = first + number * EVERY
                await outbox.add(
                    db, key=f"reminder:{number}", lane=lane, now=bench.clock.now(), not_before=due, **MESSAGE
                )
        running = asyncio.create_task(sender.run())
        while await bench.left(above=outbox.BULK):  # noqa: ASYNC110 - the store is asked, it does not tell
            await asyncio.sleep(1)
        waiting = await bench.left()
        await sender.stop()
        await running
        async with Database(str(bench.database.url), bench.config.workshop.id).read() as db:
            statement = select(Delivery).where(Delivery.priority == outbox.ROUTINE).order_by(Delivery.id)
            rows = (await db.scalars(statement)).all()
    late = sorted((at(row.ts) - row.not_before).total_seconds() for row in rows)
    cuts = quantiles(late, n=100)
    return {
        "reminders": len(rows),
        "personal_waiting_at_the_end": waiting,
        "p50": round(cuts[49], 3),
        "p99": round(cuts[98], 3),
        "worst": round(late[-1], 3),
        "answered_429": sender.counts["limited"],
    }


def at(ts: str | None) -> datetime:
    return datetime.fromtimestamp(float(ts or 0), UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--posts-per-minute", type=int, default=1000)
    parser.add_argument("--only", choices=["fan-out", "reminder"])
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    config = load(shipped("config.toml"))
    good = True
    for kind in ["sqlite", "postgresql"] if given.database == "both" else [given.database]:
        for name, measure in (("fan-out", fan_out), ("reminder", reminders)):
            if given.only not in (None, name):
                continue
            per_minute = given.posts_per_minute if name == "fan-out" else LimitsSection().posts_per_minute
            with TemporaryDirectory() as folder, an_empty_database(kind, Path(folder)) as (url, _):
                found = asyncio.run(measure(Bench(config, url, per_minute)))
            good = good and found["answered_429"] == 0
            good = good and found.get("ratio", 0) <= 1.05 and found.get("p99", 0) <= 1
            line = {"database": kind, "measured": name, **found}
            print(json.dumps(line) if given.as_json else "  ".join(f"{k} {v}" for k, v in line.items()))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
