"""The panel's questions under load: a whole audience asks, votes and moderates, and the bot is killed.

    python -m bench questions [--times 1] [--database sqlite|postgresql|both] [--minutes 3] [--json]

500 people put 150 questions in three minutes and vote 2,000 times while 3 moderators work; every tenth
delivery comes twice, and half-way the one process of the bot is killed with SIGKILL and started again.
`--times 10` is ten times as many people, questions, votes and moderators in the same three minutes. All of
it in real time, over real sockets, against a local workspace that enforces Slack's limits. At the end the
store, the workspace and everything the bot ever said or logged are compared:

stored      questions whose form closed and that are in the store, of those whose form closed: 100 %
doubled     a question, receipt, card or post that is there twice
two_on_stage  instants at which, by the audit, two questions were on stage or two were next
lost votes  votes that were acknowledged and do not count; `invented` are those that count and nobody cast
leaked      words in which the id or the name of somebody stands who is hidden from whoever reads them
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import select

from bench import _drill_bot
from bench._crowd import Crowd, Found
from bench._drill_play import PROCESSES, ended
from bench._overheard import named_in
from bench._verdicts import Verdicts, Word
from bench.drill import database
from bot.clock import SimulatedClock
from bot.config import Config, load, shipped
from bot.programme.model import Programme
from bot.questions import export
from bot.questions.picture import Standing
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from bot.store.tables import Deed, Delivery, Person, Question, Vote
from handlers.manifest import manifest

QUESTIONS, VOTES = 150, 2_000
INTO = timedelta(minutes=40)  # of the workshop, when it begins
LOOKS = 0.05  # wall seconds
SETTLE_WITHIN = 60.0  # wall seconds; edits, fifty a minute, may go on for longer and are not waited for


class Load(Crowd):
    """One run on one empty database."""

    def __init__(self, config: Config, url: str, found: Found, *, seconds: float, seed: int, log: Path):
        self.url, self.lasts, self.log = url, seconds, log
        self.clock = SimulatedClock(config.workshop.start + INTO, 1.0)
        self.began, self.wall = self.clock.now(), time.time()
        workspace = LocalWorkspace(
            config, self.clock, rates="strict", page_cap=15, manifest=manifest(config, "socket")
        )
        super().__init__(config, workspace, found, seed=seed)
        self.database = Database(url, config.workshop.id)

    def start_bot(self) -> Any:
        environment = self.workspace.environment
        given = {
            "database": self.url,
            "speed": 1.0,
            "began": self.began.isoformat(),
            "wall": self.wall,
            "environment": {
                "bot_token": environment.bot_token,
                "app_token": environment.app_token,
                "api_url": environment.api_url,
                "listen": "127.0.0.1:0",
            },
            "log": str(self.log),
        }
        process = PROCESSES.Process(target=_drill_bot.main, args=(given,))
        process.start()
        return process

    async def joined(self) -> None:
        while not self.workspace.sockets.is_open:  # noqa: ASYNC110 - a socket, not an event of ours
            await asyncio.sleep(0.02)

    # --- a run ------------------------------------------------------------------------------------

    async def run(self, progress: Progress) -> None:
        """Everything, in order."""
        times, dice = self.found.times, self.dice
        await self.database.prepare("rehearsal", now=self.began)
        async with self.workspace:
            process = self.start_bot()
            await self.joined()
            burnt, watch = time.process_time(), asyncio.create_task(self._watch())
            self.workspace.faults.arm({"envelopes": "duplicate", "rate": 0.1, "seed": dice.random()})
            askers = dice.sample(self.people, round(QUESTIONS * times))
            deeds = [self.ask(user, dice.uniform(0, self.lasts)) for user in askers]
            deeds += [
                self.vote(dice.choice(self.people), dice.uniform(0, self.lasts))
                for _ in range(round(VOTES * times))
            ]
            crowd = asyncio.create_task(self._all(deeds))
            moderators = [asyncio.create_task(self.moderate(user)) for user in self.moderators]
            bar = progress.add_task(f"{self.found.database}, times {times}", total=self.lasts)
            began = time.monotonic()
            while not crowd.done():
                await asyncio.sleep(0.5)
                passed = time.monotonic() - began
                progress.update(bar, completed=min(passed, self.lasts))
                if not self.found.down and passed > self.lasts / 2:
                    process = await self._kill(process)
            await crowd
            await self._until(self._nothing_waits, SETTLE_WITHIN)
            self.over.set()
            watch.cancel()
            await asyncio.gather(*moderators)
            await self.vote_for_own()
            ending = time.monotonic()
            self.found.cpu_crowd = round(time.process_time() - burnt, 1)
            await self._until(self._settled, SETTLE_WITHIN)
            self.found.settled = round(time.monotonic() - ending, 1)
            self._weigh(process)
            process.kill()
            await ended(process)
            process.join()
            await self.compare()
        await self.database.close()

    async def _watch(self) -> None:
        """Note how late this process comes to what it has to do."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(LOOKS)
            self.found.late = round(max(self.found.late, time.monotonic() - began - LOOKS), 2)

    def _weigh(self, process: Any) -> None:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            most = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            self.found.memory = max(self.found.memory, most // 1024)
            clock = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            self.found.cpu_bot += round((int(clock[11]) + int(clock[12])) / os.sysconf("SC_CLK_TCK"), 1)

    async def _kill(self, process: Any) -> Any:
        self._weigh(process)
        process.kill()
        at = time.monotonic()
        await ended(process)
        process.join()
        fresh = self.start_bot()
        while self.workspace.sockets.is_open:  # noqa: ASYNC110 - until the old socket is seen to be gone
            await asyncio.sleep(0.01)
        await self.joined()
        self.found.down = round(time.monotonic() - at, 1)
        return fresh

    async def _until(self, holds: Callable[[], Awaitable[bool]], within: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not await holds():  # noqa: ASYNC110 - the store is asked, as a person would
                    await asyncio.sleep(1)

    async def _nothing_waits(self) -> bool:
        async with self.database.read() as db:
            waiting = select(Question.id).where(Question.state.in_(("received", "held"))).limit(1)
            return (await db.scalars(waiting)).first() is None

    async def _settled(self) -> bool:
        async with self.database.read() as db:
            due = select(Delivery.id).where(
                Delivery.task.is_not(None), Delivery.due_at <= self.clock.now() + timedelta(minutes=2)
            )
            quiet = not self.workspace.busy and self.workspace.next_due() is None
            return quiet and (await db.scalars(due.limit(1))).first() is None

    # --- the end ----------------------------------------------------------------------------------

    async def compare(self) -> None:
        """Hold the store against the workspace and against what people were told."""
        found = self.found
        async with self.database.read() as db:
            questions = {q.id: q for q in await db.scalars(select(Question))}
            votes = list(await db.scalars(select(Vote).where(Vote.stands)))
            people = {row.id: row.slack_id for row in await db.execute(select(Person.id, Person.slack_id))}
            audit = list(await db.scalars(select(Deed).order_by(Deed.id)))
            programme = Programme.from_config(self.config)
            exports = [
                await export.export(db, kind, programme=programme, now=self.clock.now())
                for kind in export.FORMATS
            ]
        texts = Counter(question.text for question in questions.values())
        found.acknowledged = len(self.accepted)
        found.stored = sum(text in texts for text in self.accepted)
        found.doubled = [text for text, count in texts.items() if count > 1] + self.heard.doubled()
        found.two_on_stage = two_at_once(audit)
        self._compare_votes(questions, votes, people, audit)
        self._measure()
        found.leaked = self.heard.leaks(self.hidden, {self._channel("moderators").id, *self.moderators})
        log = self.log.read_text(encoding="utf-8", errors="replace")
        for what, text in [("the log", log), *(("an export", text) for text in exports)]:
            found.leaked += [f"{user} in {what}" for user in named_in(text) & self.hidden.keys()]
        found.overheard = self.heard.count + len(exports) + len(log.splitlines())

    def _compare_votes(self, questions: Any, votes: Any, people: Any, audit: list[Deed]) -> None:
        root = {q.id: q.merged_into or q.id for q in questions.values()}
        by_number = {q.number: q for q in questions.values()}
        verdicts = Verdicts(questions, {q.id: people.get(q.author_id) for q in questions.values()})
        verdicts.read(audit)
        self.verdicts = verdicts
        counted = {(root[vote.question_id], people[vote.person_id]) for vote in votes}
        may_be: dict[tuple[int, str], list[set[bool]]] = defaultdict(list)
        said = self._words()
        how_often = Counter[tuple[int, str]]()  # about a question, or what it stands for
        for (number, user), words in said.items():
            how_often[root[by_number[number].id], user] += len(words)
        for (number, user), words in said.items():
            id_ = by_number[number].id
            key, about = (root[id_], user), {number, questions[root[id_]].number}
            refused = how_often[key] == 1 and not self.heard.refused[user].isdisjoint(about)
            may_be[key].append(verdicts.of(id_, user, words, refused=refused, failed=self.heard.failed[user]))
        # For what was merged, who voted for any of it voted; who took back any of it, perhaps for all.
        certain = {key: each[0] for key, each in may_be.items() if all(other == each[0] for other in each)}
        stands = {key for key, found in certain.items() if found == {True}}
        unsure = {key for key in may_be if certain.get(key) not in ({True}, {False})}
        self.found.own_votes = sum(vote.person_id == questions[vote.question_id].author_id for vote in votes)
        self.found.unsure_votes = len(unsure)
        self.found.told_failed = sum(len(times) for times in self.heard.failed.values())
        self.found.lost_votes = [self._told(questions, *each) for each in stands - counted]
        self.found.invented_votes = [self._told(questions, *each) for each in counted - stands - unsure]

    def _words(self) -> dict[tuple[int, str], list[Word]]:
        """What everybody said, with the instant at which the bot took each reaction in."""
        said = dict(self.words)
        for (number, user, ts), sent in self.reactions.items():
            said[number, user] = [Word(True, sent, self.heard.taken_in.get((user, ts)))]
        return said

    def _told(self, questions: Any, question_id: int, user: str) -> str:
        """What is known of a vote that is not as it should be."""
        group = [q for q in questions.values() if question_id in (q.id, q.merged_into)]
        said = {q.number: self._words().get((q.number, user)) for q in group}
        moves = {q.number: [str(move) for move in self.verdicts.moves(q.id)] for q in group}
        told = [words[:200] for _, to, words in self.heard.said if to == user]
        return f"{user}: said, by question: {said}; {moves}; was told {told}"

    def _measure(self) -> None:
        for what, seconds in self.heard.acknowledged:
            self.found.took(f"ack {what}", seconds)
        self.found.seconds |= self.heard.durations()
        self.found.unseen = len(self.heard.unseen)


def two_at_once(audit: list[Deed]) -> int:
    """How often, going through the audit, two questions were on stage or next at the same time."""
    places: dict[str, str] = {}
    twice = 0
    for line in audit:
        after = (line.new or {}).get("standing")
        if not line.subject.startswith("question:") or after is None:
            continue
        places[line.subject] = after
        twice += any(
            list(places.values()).count(place) > 1 for place in (Standing.ON_STAGE.value, Standing.NEXT.value)
        )
    return twice


def measured(
    kind: str, times: float, seconds: float, seed: int, progress: Progress, log: Path | None = None
) -> Found:
    """One run; gives what it came to. What the bot logs is kept in `log`."""
    found = Found(database=kind, times=times)
    with TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        with database(kind, folder) as (url, _):
            load_ = Load(
                load(shipped("config.toml")),
                url,
                found,
                seconds=seconds,
                seed=seed,
                log=log or folder / "bot.log",
            )
            asyncio.run(load_.run(progress))
    return found


def show(found: Found, *, as_json: bool) -> None:
    times = {
        what: [round(value, 3) for value in (*_cuts(seconds), max(seconds))]
        for what, seconds in sorted(found.seconds.items())
    }
    if as_json:
        print(json.dumps({**found.__dict__, "seconds": times}))
        return
    shown = {
        key: len(value) if isinstance(value, list) else value
        for key, value in found.__dict__.items()
        if key != "seconds"
    }
    print("  ".join(f"{key} {value}" for key, value in shown.items()))
    for what in ("doubled", "leaked", "lost_votes", "invented_votes"):
        for line in found.__dict__[what][:10]:
            print(f"  {what}: {line}")
    for what, (p50, p95, most) in times.items():
        print(f"{what:34} n {len(found.seconds[what]):6}  p50 {p50:8.3f}  p95 {p95:8.3f}  most {most:8.3f} s")


def _cuts(seconds: list[float]) -> tuple[float, float]:
    if len(seconds) < 2:
        return seconds[0], seconds[0]
    cuts = quantiles(seconds, n=20, method="inclusive")
    return cuts[9], cuts[18]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")
    parser.add_argument("--times", type=float, default=1)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="keep what the bot logs in this file")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    good = True
    for kind in ["sqlite", "postgresql"] if given.database == "both" else [given.database]:
        with Progress(console=Console(stderr=True)) as progress:
            found = measured(kind, given.times, given.minutes * 60, given.seed, progress, given.log)
        show(found, as_json=given.as_json)
        good = good and found.clean
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
