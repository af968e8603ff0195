"""A whole audience and its moderators at the panel's questions, and what a run with them came to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench._overheard import Overheard
from bench._verdicts import Word
from bot.config import Config
from bot.rehearsal.deeds import DeedError
from bot.rehearsal.person import Person as Actor
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import Member

PEOPLE, MODERATORS = 500, 3
AGAIN = 1.0  # wall seconds until somebody who was told that it failed tries again
TRIES = 20
ASKED = re.compile(r"has number \d|just sent that")
HIDDEN = ("named", "participants", "moderators")
TOPICS = [
    "batteries",
    "cables",
    "servers",
    "routers",
    "antennas",
    "satellites",
    "screens",
    "cooling",
    "water",
    "copper",
    "lithium",
    "rebound",
    "repair",
    "recycling",
    "software",
    "streaming",
    "video",
    "models",
    "chips",
    "offsets",
    "audits",
    "labels",
    "permits",
    "tariffs",
    "grids",
    "heat",
    "concrete",
    "transport",
    "packaging",
    "logistics",
    "procurement",
    "reporting",
    "baselines",
    "boundaries",
    "allocation",
    "lifetime",
]
VERBS = [
    "measured",
    "compared",
    "allocated",
    "audited",
    "reported",
    "reduced",
    "taxed",
    "published",
    "verified",
    "priced",
]


@dataclass
class Found:
    """What a run came to; durations are wall seconds."""

    database: str
    times: float
    people: int = 0
    asked: int = 0
    acknowledged: int = 0
    stored: int = 0
    doubled: list[str] = field(default_factory=list)
    two_on_stage: int = 0
    by_command: int = 0  # questions, where Slack opened no form
    gave_up: int = 0  # people who tried twenty times
    unseen: int = 0  # questions that the moderators' channel never told of
    votes: int = 0
    unacknowledged: int = 0  # presses of *Vote*; each was pressed again
    told_failed: int = 0  # times that somebody was told alone that it did not work
    unsure_votes: int = 0  # on their way while their question moved, or never acknowledged
    lost_votes: list[str] = field(default_factory=list)
    invented_votes: list[str] = field(default_factory=list)
    own_votes_tried: int = 0
    own_votes: int = 0  # that count
    leaked: list[str] = field(default_factory=list)
    overheard: int = 0  # texts that were searched for names
    deeds: Counter[str] = field(default_factory=Counter)
    down: float = 0.0  # from the kill until the bot was joined again
    settled: float = 0.0  # from the end of the load until nothing was due
    cpu_bot: float = 0.0  # processor seconds of the bot's processes, from their starts
    cpu_crowd: float = 0.0  # of crowd and workspace, which are one process
    late: float = 0.0  # wall seconds that process was late at most; acknowledgements seem as much slower
    memory: int = 0  # MB, the most a process of the bot had; 0 where the system does not say
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def took(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)

    @property
    def clean(self) -> bool:
        lost = self.acknowledged != self.stored or self.lost_votes or self.invented_votes or self.own_votes
        lost = lost or self.unseen
        return not (lost or self.doubled or self.two_on_stage or self.leaked)


class Crowd:
    """People in one workspace, by what each of them does and was told."""

    def __init__(self, config: Config, workspace: LocalWorkspace, found: Found, *, seed: int) -> None:
        self.config, self.workspace, self.found = config, workspace, found
        self.dice = random.Random(seed)
        self.heard = Overheard(workspace)
        self.people = self._people()
        self.moderators = self._moderators()
        self.hidden: dict[str, str] = {}  # Slack id → from whom they hide
        self.accepted: set[str] = set()  # texts whose form closed
        self.voted: set[tuple[int, str]] = set()  # (question, voter), begun
        self.words: dict[tuple[int, str], list[Word]] = defaultdict(list)  # by button, in order
        self.reactions: dict[tuple[int, str, str], datetime] = {}  # (question, voter, message) → sent
        self.one_thing_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.over = asyncio.Event()

    # --- who there is -----------------------------------------------------------------------------

    def _people(self) -> list[str]:
        made = [
            Member(f"U0LOAD{n:06}", f"load-{n:06}", f"Load {n:06}", "Europe/Zurich")
            for n in range(round(PEOPLE * self.found.times))
        ]
        self.workspace.state.members |= {member.id: member for member in made}
        self._channel("participants").members += [member.id for member in made]
        self.found.people = len(made)
        return [member.id for member in made]

    def _moderators(self) -> list[str]:
        ids = [f"U0LOADMOD{n:03}" for n in range(max(3, round(MODERATORS * self.found.times)))]
        self.workspace.state.members |= {
            id_: Member(id_, id_.lower(), id_.lower(), "Europe/Zurich", role="moderator") for id_ in ids
        }
        self._channel("moderators").members += ids
        self._channel("participants").members += ids
        return ids

    def _channel(self, key: str) -> Any:
        name = dict(self.config.channels)[key].removeprefix("#")
        return next(each for each in self.workspace.state.channels.values() if each.name == name)

    # --- what people do ---------------------------------------------------------------------------

    async def ask(self, user: str, at: float) -> None:
        """One person asks by the form until it closes, or by the command where Slack opens no form.

        One in twenty sends the form twice at once.
        """
        await asyncio.sleep(at)
        person, dice = self.workspace.person(user), random.Random(f"{user}{at}")
        text = self._text(dice)
        hides = dice.choice(HIDDEN)
        self.heard.asks(text, user)
        if hides != "named":
            self.hidden[user] = hides
        self.found.asked += 1
        for _ in range(TRIES):
            told = self.heard.told[user]
            if not person.views():
                await person.shortcut("questions.ask")
            if person.views():
                self.heard.submits(text)
                values = {"text": text, "hidden": hides}
                taps = 2 if dice.random() < 0.05 else 1
                await self._all([person.submit(values) for _ in range(taps)])
                if not person.views():
                    self.accepted.add(text)
                    return
                if person.views()[-1].get("private_metadata"):
                    continue  # something was offered instead: send anyway
            elif await self._is_told(user, told):  # that Slack opens no form, and what to type
                self.heard.submits(text)
                verb = "question" if hides == "named" else "anonymous"
                answer = await person.command(f"/workshop {verb} {text}")
                if ASKED.search(json.dumps(answer["response"])):
                    self.accepted.add(text)
                    self.found.by_command += 1
                    return
            await asyncio.sleep(AGAIN)
        self.found.gave_up += 1

    async def _is_told(self, user: str, before: int) -> bool:
        """Whether they are told something within two seconds."""
        for _ in range(20):
            if self.heard.told[user] > before:
                return True
            await asyncio.sleep(0.1)
        return False

    def _text(self, dice: random.Random) -> str:
        a, b, c, d, e = dice.sample(TOPICS, 5)
        return f"Should {a} and {b} be {dice.choice(VERBS)} before {c}, {d} or {e}?"

    async def vote(self, user: str, at: float) -> None:
        """One person votes for something they see: by button, or by reaction; or takes it back."""
        await asyncio.sleep(at)
        dice, person = random.Random(f"vote{user}{at}"), self.workspace.person(user)
        while not (posts := self.heard.posts()):  # noqa: ASYNC110 - as a person looks again
            await asyncio.sleep(dice.uniform(AGAIN, 10 * AGAIN))
        number, ts = dice.choice(posts)
        if (number, user) in self.voted:
            return
        self.voted.add((number, user))
        if dice.random() < 0.2:
            self.reactions[number, user, ts] = self.workspace.clock.now()
            await person.react(self._channel("participants").id, ts, "+1")
            return
        for wanted in (True,) if dice.random() < 0.9 else (True, False):
            await self._press_vote(person, number, ts, wanted)

    async def _press_vote(self, person: Actor, number: int, ts: str, wanted: bool) -> None:
        """Press the button until that is acknowledged.

        A press that nobody acknowledged may have been taken in all the same.
        """
        action = "questions.vote" if wanted else "questions.unvote"
        channel = self._channel("participants").id
        async with self.one_thing_at_a_time[person.id]:
            for _ in range(TRIES):
                sent = self.workspace.clock.now()
                try:
                    answer = await person.click(action, channel=channel, ts=ts)
                except DeedError:  # the button has gone
                    return
                ended = self.workspace.clock.now() if answer["acknowledged"] else None
                self.words[number, person.id].append(Word(wanted, sent, ended))
                if ended is not None:
                    self.found.votes += 1
                    return
                self.found.unacknowledged += 1
                await asyncio.sleep(AGAIN)

    async def vote_for_own(self) -> None:
        """Askers try to vote for their own question, by button, by command and by reaction."""
        channel = self._channel("participants").id
        for number, ts in self.heard.posts()[:30]:
            person = self.workspace.person(self.heard.authors[number])
            await self._press_vote(person, number, ts, True)
            await person.command(f"/workshop vote {number}", channel)
            await person.react(channel, ts, "+1")
            self.found.own_votes_tried += 3

    async def moderate(self, user: str) -> None:
        """One moderator works what waits, and brings questions to the stage, until nothing waits."""
        dice, person = random.Random(user), self.workspace.person(user)
        deeds: list[tuple[Callable[[Actor, random.Random], Awaitable[str]], float]] = [
            (self._review, 10),
            (self._bring, 3),
            (self._advance, 1),
            (self._tend, 1),
        ]
        while not self.over.is_set():
            await asyncio.sleep(dice.uniform(0.5, 2.0))
            deed = dice.choices([each for each, _ in deeds], [weight for _, weight in deeds])[0]
            with contextlib.suppress(DeedError):  # a button that was redrawn under the finger
                self.found.deeds[await deed(person, dice)] += 1

    async def _review(self, person: Actor, dice: random.Random) -> str:
        channel = self._channel("moderators").id
        cards = self.heard.cards("questions.approve")
        if not cards:
            return await self._review_form(person)
        number, ts = dice.choice(cards[:6])  # several moderators see the same ones
        lot = dice.random()
        if lot < 0.1:
            await person.command(f"/workshop decline {number} This was answered in the opening.", channel)
            return "decline"
        if lot < 0.13 and (posts := self.heard.posts()):
            await person.command(f"/workshop merge {number} {posts[0][0]}", channel)
            return "merge"
        self.heard.pressed(ts)
        await person.click("questions.approve", channel=channel, ts=ts)
        return "approve"

    async def _review_form(self, person: Actor) -> str:
        """The digest's form: four of what waits are approved in it."""
        channel = self._channel("moderators").id
        digest = self.heard.digest()
        if digest is None:
            return "nothing waits"
        await person.click("questions.board", channel=channel, ts=digest)
        for _ in range(4):
            views = person.views()
            blocks = [b for v in views[-1:] for b in v["blocks"] if "questions.approve" in json.dumps(b)]
            if not blocks:
                break
            await person.click(
                "questions.approve", view_id=views[-1]["id"], block_id=self.dice.choice(blocks)["block_id"]
            )
            await asyncio.sleep(0.5)
        if person.views():
            await person.close_view()
        return "review form"

    async def _bring(self, person: Actor, dice: random.Random) -> str:
        deed = dice.choice(("queue", "next", "stage", "stage"))
        cards = self.heard.cards(f"questions.{deed}")
        if cards:
            await person.click(
                f"questions.{deed}", channel=self._channel("moderators").id, ts=dice.choice(cards)[1]
            )
        return deed

    async def _advance(self, person: Actor, dice: random.Random) -> str:
        await person.command("/workshop advance", self._channel("moderators").id)
        return "advance"

    async def _tend(self, person: Actor, dice: random.Random) -> str:
        deed = dice.choice(("claim", "undo", "label", "note"))
        cards = self.heard.cards("questions.more")
        if cards:
            words = {"label": " energy", "note": " ask the second speaker"}.get(deed, "")
            where = self._channel("moderators").id
            await person.command(f"/workshop {deed} {dice.choice(cards)[0]}{words}", where)
        return deed

    async def _all(self, deeds: list[Awaitable[Any]]) -> None:
        for outcome in await asyncio.gather(*deeds, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, DeedError):
                raise outcome
