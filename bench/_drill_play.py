"""The drill's play: processes of the bot that are killed, people who go on meanwhile, a Slack that breaks."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import re
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess as Process
from typing import Any

import aiohttp
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from bench import _drill_bot
from bench._drill_findings import Calls, Findings, Tally
from bot.clock import SimulatedClock
from bot.config import Config
from bot.delivery import outbox
from bot.people import get_or_add, lane
from bot.rehearsal.faults import Fault
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER, Channel
from bot.store.engine import Database
from bot.store.tables import Delivery
from handlers.manifest import manifest

# Processes are forked from one that has imported everything, so that they are up in a fraction of a second.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["bench._drill_bot"])
SPEED = 10.0  # workshop seconds a second; see bench/_drill_bot.py
BEFORE = timedelta(minutes=20)  # where the clock starts: reminders fall due during the drill
SETTLE_WITHIN = 300.0  # wall seconds
LIFE = (0.1, 3.0)  # wall seconds a process lives, once it is up; as many times as long as there are replicas
UNBORN = 0.1  # of the processes: their life counts from their start, so that many of these never come up
DEADLY = 0.15  # of the posts: somebody is killed just then, before or after its outcome is recorded
DEADLY_WITHIN = 0.04  # wall seconds after Slack has taken the post
ALL_AT_ONCE = 0.15  # of those: the whole host goes
PEOPLE = [
    "U0PART0TOKYO",
    "U0PART0NAIROBI",
    "U0PART0SAOPAULO",
    "U0PART0NEWYORK",
    "U0PART0DELHI",
    "U0PART0PARIS",
    "U0PART0AUCKLAND",
]
TRIES = 8  # of a person who is told that a submission did not work
STORED = re.compile(
    r"Your question has number \d|You have just sent that"
)  # templates/questions/stored.json.j2
ROOMS = 60  # further channels: what is lost in one holds up that one alone, so many make a short drill; the
# workshop's own are left to what the bot itself says, reminders and cards
# Messages that wait; then nobody adds more, else reminders would be late for want of pace alone: every third
# post is in doubt, and Slack allows fifty searches a minute.
CROWDED = 45
WORDS = ["alpha", "birch", "cedar", "delta", "ember", "fjord", "grain", "heath", "inlet", "jetty", "knoll"]
DISCONNECTS = ["warning", "refresh_requested", "link_disabled", "tcp", "close_frame", "silence"]
# (target, kind, share of the calls, what else)
FAULTS: list[tuple[str, str, float, dict[str, Any]]] = [
    ("chat.postMessage", "lost_response", 0.08, {}),
    ("chat.postMessage", "reset", 0.06, {}),
    ("chat.postMessage", "late_accept", 0.02, {"seconds": 5}),
    ("chat.postMessage", "late_accept", 0.03, {"seconds": 28}),
    ("chat.postMessage", "http_500", 0.04, {}),
    ("chat.postMessage", "http_500", 0.04, {"performed": True}),
    ("chat.postMessage", "internal_error", 0.04, {}),
    ("chat.postMessage", "internal_error", 0.04, {"performed": True}),
    ("chat.postMessage", "ratelimited", 0.05, {"seconds": 2}),
    ("chat.postMessage", "slow", 0.03, {"seconds": 2.0}),
    ("chat.update", "lost_response", 0.2, {}),
    ("chat.update", "http_500", 0.1, {}),
    ("chat.delete", "lost_response", 0.3, {}),
    ("pins.add", "lost_response", 0.3, {}),
    ("views.publish", "internal_error", 0.1, {}),
    ("conversations.history", "reset", 0.1, {}),
    ("conversations.history", "http_500", 0.1, {}),
    ("conversations.history", "ratelimited", 0.05, {"seconds": 2}),
    ("conversations.replies", "reset", 0.2, {}),
    ("conversations.open", "lost_response", 0.2, {}),
    ("users.info", "reset", 0.2, {}),
    ("apps.connections.open", "http_500", 0.1, {}),
    ("envelopes", "duplicate", 0.15, {}),
    ("envelopes", "reorder", 0.1, {}),
    ("envelopes", "drop", 0.05, {}),
    ("envelopes", "slow", 0.05, {"seconds": 1}),
]


class Drill:
    """One drill on one database. `killed` is called after each kill."""

    def __init__(self, config: Config, url: str, tally: Tally, killed: Callable[[], None]) -> None:
        self.config, self.url, self.tally, self.killed = config, url, tally, killed
        self.dice = random.Random(tally.seed)
        self.clock = SimulatedClock(config.workshop.start - BEFORE, SPEED)
        self.began = self.clock.now()
        self.wall = time.time()
        self.workspace = LocalWorkspace(
            config, self.clock, rates="strict", page_cap=15, manifest=manifest(config, "socket")
        )
        rooms = [Channel(f"C0DRILL{n:02}", f"room-{n}", "channel", [BOT_USER]) for n in range(ROOMS)]
        self.workspace.state.channels |= {room.id: room for room in rooms}
        self.lanes = [*PEOPLE, *(room.id for room in rooms)]
        self.crowded = False
        self.database = Database(url, config.workshop.id)
        self.planned: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.submitted: dict[str, bool] = {}
        self.given_up = 0
        self.calls = Calls()
        self.kills = 0  # wanted
        self.living: list[Process] = []
        self.stopping = False

    # --- who is killed ----------------------------------------------------------------------------

    def start_bot(self) -> tuple[Process, Connection]:
        given = {
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
        up, tell = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=_drill_bot.main, args=(given, tell))
        process.start()
        tell.close()  # so that its end is heard of here too
        return process, up

    async def replica(self) -> None:
        """Be started, live for a while and be killed, again and again; in the end live on."""
        dice, loop = random.Random(self.dice.random()), asyncio.get_running_loop()
        while not self.stopping:
            process, up = self.start_bot()
            self.living.append(process)
            if dice.random() >= UNBORN:
                await readable(up.fileno())
            end = loop.call_later(dice.uniform(*LIFE) * self.tally.replicas, self.kill, process)
            await ended(process)  # killed; or by itself, while the database is away
            end.cancel()
            up.close()
            self.living.remove(process)
            process.join()

    def kill(self, process: Process) -> None:
        """Kill it, if it lives and enough have not been killed yet."""
        if process in self.living and process.exitcode is None and self.tally.kills < self.kills:
            process.kill()
            self.tally.kills += 1
            self.killed()

    def strike(self) -> None:
        """Kill whoever may be about to record what became of a post."""
        everyone = list(self.living)
        for process in everyone if self.dice.random() < ALL_AT_ONCE else everyone[:1]:
            self.kill(process)
        if everyone and everyone[0] in self.living:
            self.living.append(self.living.pop(0))  # another one's turn

    # --- what goes on meanwhile -------------------------------------------------------------------

    async def plan(self) -> None:
        """Put a message into the outbox, or change one that is there."""
        deed = self.dice.choices(["add", "reply", "change", "pin", "withdraw"], [10, 2, 3, 0.5, 0.5])[0]
        now, key = self.clock.now(), f"drill:{len(self.planned):05}"
        earlier = self.dice.choice(self.planned) if self.planned else None
        async with self.database.begin() as db:
            if deed == "add" or earlier is None:
                where = self.dice.choice(self.lanes)
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
                    await (self.look_around() if self.crowded else deed())
                except (SQLAlchemyError, OSError):
                    pass  # the database is away; nothing was planned
            if self.dice.random() < 0.05:
                await self.look_around()
            await asyncio.sleep(self.dice.uniform(0.01, 0.12))
        await asyncio.gather(*waiting)

    async def look_around(self) -> None:
        """See how many messages wait."""
        due = select(func.count()).where(Delivery.task.is_not(None), Delivery.not_before <= self.clock.now())
        with contextlib.suppress(SQLAlchemyError, OSError):
            async with self.database.read() as db:
                self.crowded = ((await db.scalar(due)) or 0) > CROWDED

    def arm(self) -> list[Fault]:
        armed = []
        for number, (target, kind, rate, more) in enumerate(FAULTS):
            where = {"envelopes": kind} if target == "envelopes" else {"method": target, "kind": kind}
            wish = {**where, "rate": rate, "seed": self.tally.seed * 1000 + number, **more}
            armed.append(self.workspace.faults.arm(wish))
        return armed

    def watch(self) -> None:
        """Take down the calls and the events that Slack gave up, as they happen, the log being short; and
        strike at some posts."""
        noted, loop = self.workspace.log.note, asyncio.get_running_loop()

        def note(kind: str, what: str, **fields: Any) -> None:
            self.given_up += kind == "failure" and what == "event" and "given up" in str(fields.get("reason"))
            if kind == "request":
                self.calls.note(what, fields, self.clock.now())
                if what == "chat.postMessage" and self.dice.random() < DEADLY:
                    loop.call_later(self.dice.uniform(0, DEADLY_WITHIN), self.strike)
            noted(kind, what, **fields)

        self.workspace.log.note = note  # type: ignore[method-assign]

    # --- from beginning to end --------------------------------------------------------------------

    async def settle(self) -> None:
        """Wait until nothing is to be done in the outbox and no event is under way or comes again."""
        try:
            async with asyncio.timeout(SETTLE_WITHIN):
                while await self._waits():  # noqa: ASYNC110 - the store is asked, it does not tell
                    await asyncio.sleep(0.5)
        except TimeoutError:
            pass  # what still waits is found

    async def _waits(self) -> bool:
        if self.workspace.busy or self.workspace.next_due() is not None:
            return True
        soon = self.clock.now() + timedelta(minutes=2)
        due = select(Delivery.id).where(Delivery.task.is_not(None), Delivery.due_at <= soon).limit(1)
        async with self.database.read() as db:
            return (await db.scalars(due)).first() is not None

    async def run(self, kills: int, faults: int, crash: Callable[[], None] | None) -> None:
        """Everything, in order. `crash` crashes the database server and starts it again."""
        started = time.monotonic()
        self.kills = kills
        await self.database.prepare("rehearsal", now=self.began)
        self.watch()
        async with self.workspace:
            armed = self.arm()
            quiet = asyncio.Event()
            bustle = asyncio.create_task(self.bustle(quiet))
            replicas = [asyncio.create_task(self.replica()) for _ in range(self.tally.replicas)]
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
                await self.settle()
                await self.findings().compare()
            finally:
                self.stopping = True
                for process in self.living:
                    process.kill()
                await asyncio.gather(*replicas)
        await self.database.close()
        self.tally.seconds = round(time.monotonic() - started, 1)

    def findings(self) -> Findings:
        return Findings(
            tally=self.tally,
            config=self.config,
            workspace=self.workspace,
            database=self.database,
            calls=self.calls,
            began=self.began,
            planned=self.planned,
            asked=self.asked,
            given_up=self.given_up,
            submitted=self.submitted,
        )


async def ended(process: Process) -> None:
    """Wait until a process is gone."""
    await readable(process.sentinel)


async def readable(descriptor: int) -> None:
    """Wait until there is something to read, or its other end is gone."""
    loop, found = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, found.set)
    try:
        await found.wait()
    finally:
        loop.remove_reader(descriptor)
