"""Any sequence of deeds by several moderators at once, against a model that knows only the table."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from bot import config as configuration
from bot.config import Config
from bot.errors import Refusal
from bot.programme import versions
from bot.programme.model import Programme
from bot.questions import life, submission, votes
from bot.questions.deeds import AUTHORS, TABLE, Deed, Wish
from bot.questions.picture import PUBLIC, VOTABLE, Standing, scores, standing
from bot.questions.undo import undo
from bot.store.engine import Database
from bot.store.tables import Deed as AuditLine
from bot.store.tables import Delivery, Person, Question, Stage, Vote
from tests.conftest import WORKSHOP
from tests.questions import deeds_of
from tests.questions.conftest import ON

MODERATORS = ("UMOD", "UMAX", "ULEE")
ASKERS = ("UANA", "UBEN")
VOTERS = ("UANA", "UBEN", "UEVE", "UKIM")
deeds = st.sampled_from([deed for deed in Deed if deed not in AUTHORS])
numbers = st.integers(1, 6)


@dataclass
class Expected:
    """What the model knows of one question: where it stands, the revision, who asked, the last deed."""

    author: str
    place: Standing = Standing.RECEIVED
    revision: int = 1
    merged_into: int | None = None
    voters: set[str] = field(default_factory=set)


class Life(RuleBasedStateMachine):
    """Questions of one segment; each rule is a transaction, some are several at once."""

    template: Path
    folder: Path
    config: Config
    runs = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        type(self).runs += 1
        path = self.folder / f"life{self.runs}.sqlite3"
        shutil.copy(self.template, path)
        self.database = Database(f"sqlite:///{path}", WORKSHOP)
        self.programme = Programme.from_config(self.config)
        self.model: dict[int, Expected] = {}
        self.now = ON

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        async def seed() -> None:
            async with self.database.begin() as db:
                await versions.seed(db, self.config, now=ON)

        self.run(seed())

    # --- what people do ---------------------------------------------------------------------------

    @precondition(lambda self: len(self.model) < 6)
    @rule(who=st.sampled_from(ASKERS))
    def ask(self, who: str) -> None:
        number = len(self.model) + 1

        async def submit() -> int:
            async with self.database.begin() as db:
                by = await deeds_of.person(db, who, now=self.now)
                submitted = await submission.submit(
                    db,
                    by=by,
                    text=f"Question {number}?",
                    programme=self.programme,
                    config=self.config,
                    now=self.now,
                )
                return submitted.question.number

        assert self.run(submit()) == number
        self.model[number] = Expected(who)

    async def _do(self, who: str, deed: Deed, number: int, target: int, revision: int | None) -> str:
        wish = Wish(reason="a reason", text=f"Mended {self.now}?", target=target)
        try:
            async with self.database.begin() as db:
                by = await deeds_of.person(db, who, now=self.now)
                await life.do(
                    db,
                    deed,
                    number,
                    by=by,
                    moderates=who in MODERATORS,
                    now=self.now,
                    revision=revision,
                    wish=wish,
                )
        except Refusal as refusal:
            return refusal.code
        return "done"

    @rule(who=st.sampled_from(MODERATORS), deed=deeds, number=numbers, into=numbers)
    def moderate(self, who: str, deed: Deed, number: int, into: int) -> None:
        self.now += timedelta(seconds=1)
        expected = self._expected(deed, number, into)
        outcome = self.run(self._do(who, deed, number, into, None))
        assert (outcome == "done") == expected, (deed, number, into, outcome)
        if expected:
            self._apply(deed, number, into)

    @precondition(lambda self: bool(self.model))
    @rule(
        number=numbers,
        into=numbers,
        wishes=st.lists(st.tuples(st.sampled_from(MODERATORS), deeds), min_size=2, max_size=4),
    )
    def moderate_at_once(self, number: int, into: int, wishes: list[tuple[str, Deed]]) -> None:
        """Several moderators act on the same card: at most one deed happens."""
        self.now += timedelta(seconds=1)
        if number not in self.model:
            return
        seen = self.model[number].revision
        possible = [deed for _, deed in wishes if self._expected(deed, number, into)]

        async def all_at_once() -> list[str]:
            return await asyncio.gather(*(self._do(who, deed, number, into, seen) for who, deed in wishes))

        outcomes = self.run(all_at_once())
        happened = [deed for (_, deed), outcome in zip(wishes, outcomes, strict=True) if outcome == "done"]
        assert len(happened) == bool(possible), outcomes
        for deed in happened:
            assert deed in possible
            self._apply(deed, number, into)

    @rule(who=st.sampled_from(ASKERS), number=numbers)
    def withdraw(self, who: str, number: int) -> None:
        known = self.model.get(number)
        expected = known is not None and known.author == who and known.place in TABLE[Deed.WITHDRAW]
        outcome = self.run(self._do(who, Deed.WITHDRAW, number, 0, None))
        assert (outcome == "done") == expected
        if expected:
            self._apply(Deed.WITHDRAW, number, 0)

    @rule(who=st.sampled_from((*MODERATORS, *ASKERS)), number=numbers)
    def undo(self, who: str, number: int) -> None:
        """Whatever is undone, the invariants hold; where things stand then is read back."""

        async def take_back() -> bool:
            try:
                async with self.database.begin() as db:
                    by = await deeds_of.person(db, who, now=self.now)
                    await undo(db, number, by=by, moderates=who in MODERATORS, now=self.now)
            except Refusal:
                return False
            return True

        if self.run(take_back()):
            before = self.model[number].revision
            self._read_back()
            assert self.model[number].revision == before + 1

    @rule(who=st.sampled_from(VOTERS), number=numbers, stands=st.booleans(), times=st.integers(1, 3))
    def vote(self, who: str, number: int, stands: bool, times: int) -> None:
        async def one() -> bool:
            try:
                async with self.database.begin() as db:
                    by = await deeds_of.person(db, who, now=self.now)
                    await votes.vote(
                        db,
                        number,
                        by=by,
                        stands=stands,
                        programme=self.programme,
                        config=self.config,
                        now=self.now,
                    )
            except Refusal:
                return False
            return True

        async def several() -> list[bool]:
            return await asyncio.gather(*(one() for _ in range(times)))

        known = self.model.get(number)
        root = self.model[known.merged_into] if known and known.merged_into else known
        expected = root is not None and root.place in VOTABLE and root.author != who
        assert self.run(several()) == [expected] * times
        if expected and root is not None and stands:
            root.voters.add(who)
        elif expected and root is not None:  # taken back from all that it stands for
            merged = [each for each in self.model.values() if self.model.get(each.merged_into or 0) is root]
            for each in (root, *merged):
                each.voters.discard(who)

    # --- the model --------------------------------------------------------------------------------

    def _expected(self, deed: Deed, number: int, target: int) -> bool:
        known = self.model.get(number)
        if known is None or known.place not in TABLE[deed]:
            return False
        if deed is not Deed.MERGE:
            return True
        other = self.model.get(target)
        if other is not None and other.merged_into is not None:
            target = other.merged_into
            other = self.model[target]
        over = (Standing.DECLINED, Standing.WITHDRAWN, Standing.MERGED)
        return other is not None and target != number and other.place not in over

    def _apply(self, deed: Deed, number: int, target: int) -> None:
        known = self.model[number]
        after = TABLE[deed][known.place]
        if after in (Standing.NEXT, Standing.ON_STAGE):
            for other in self.model.values():
                if other.place is after and other is not known:
                    other.place, other.revision = Standing.QUEUED, other.revision + 1
        known.place, known.revision = after, known.revision + 1
        if deed is Deed.MERGE:
            known.merged_into = self.model[target].merged_into or target
            for child in self.model.values():
                if child.merged_into == number:
                    child.merged_into, child.revision = known.merged_into, child.revision + 1
        elif deed is Deed.REOPEN:
            known.merged_into = None

    def _read_back(self) -> None:
        for number, (place, revision, merged_into, _) in self.run(self._state()).items():
            known = self.model[number]
            known.place, known.revision, known.merged_into = place, revision, merged_into

    async def _state(self) -> dict[int, tuple[Standing, int, int | None, set[str]]]:
        async with self.database.read() as db:
            stage = (await db.scalars(select(Stage))).one_or_none()
            questions = (await db.scalars(select(Question).order_by(Question.number))).all()
            by_id = {question.id: question.number for question in questions}
            rows = await db.execute(
                select(Vote.question_id, Person.slack_id)
                .join(Person, Person.id == Vote.person_id)
                .where(Vote.stands)
            )
            voters: dict[int, set[str]] = {}
            for question_id, slack_id in rows:
                voters.setdefault(question_id, set()).add(slack_id or "")
        return {
            question.number: (
                standing(question, stage),
                question.revision,
                by_id.get(question.merged_into or 0),
                voters.get(question.id, set()),
            )
            for question in questions
        }

    # --- what always holds ------------------------------------------------------------------------

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        state = self.run(self._state())
        assert {number: row[:3] for number, row in state.items()} == {
            number: (known.place, known.revision, known.merged_into) for number, known in self.model.items()
        }
        for number, row in state.items():
            assert row[3] == self.model[number].voters, number

    @invariant()
    def at_most_one_is_on_stage_and_one_next(self) -> None:
        places = [known.place for known in self.model.values()]
        assert places.count(Standing.ON_STAGE) <= 1
        assert places.count(Standing.NEXT) <= 1

    @invariant()
    def what_is_merged_points_to_one_that_is_not(self) -> None:
        for number, known in self.model.items():
            assert (known.merged_into is None) == (known.place is not Standing.MERGED), number
            if known.merged_into is not None:
                assert self.model[known.merged_into].merged_into is None

    @invariant()
    def scores_unite_the_voters(self) -> None:
        async def counted() -> dict[int, int]:
            async with self.database.read() as db:
                ids = {row.id: row.number for row in await db.execute(select(Question.id, Question.number))}
                return {ids[question_id]: votes for question_id, votes in (await scores(db)).items()}

        expected = {}
        for number, known in self.model.items():
            if known.merged_into is None:
                group = [known, *(other for other in self.model.values() if other.merged_into == number)]
                voters = set().union(*(each.voters for each in group)) - {known.author}
                if voters:
                    expected[number] = len(voters)
        assert self.run(counted()) == expected

    @invariant()
    def every_change_stands_in_the_audit(self) -> None:
        async def lines() -> dict[str, int]:
            async with self.database.read() as db:
                statement = select(AuditLine.subject, func.count()).group_by(AuditLine.subject)
                return {row[0]: row[1] for row in await db.execute(statement)}

        counted = self.run(lines())
        for number, known in self.model.items():
            assert counted[f"question:{number}"] == known.revision, number

    @invariant()
    def everybody_who_must_be_told_has_a_delivery(self) -> None:
        async def keys() -> set[str]:
            async with self.database.read() as db:
                return set((await db.scalars(select(Delivery.key))).all())

        present = self.run(keys())
        for number, known in self.model.items():
            assert f"question:{number}:asker" in present
            assert f"question:{number}:card" in present
            if known.place in PUBLIC:
                assert any(key.startswith(f"question:{number}:post:") for key in present)


def test_any_life_agrees_with_the_table(migrated_sqlite: Path, tmp_path: Path, config: Config) -> None:
    data = config.model_dump()
    data["questions"] |= {"open_per_person": 100, "per_minute": 100}
    Life.template, Life.folder, Life.config = migrated_sqlite, tmp_path, configuration.parse(data)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_what_a_merge_brought_along_comes_back_with_its_line_in_the_audit(
    migrated_sqlite: Path, tmp_path: Path, config: Config
) -> None:
    """A sequence too rare to be found by chance."""
    data = config.model_dump()
    data["questions"] |= {"open_per_person": 100, "per_minute": 100}
    Life.template, Life.folder, Life.config = migrated_sqlite, tmp_path, configuration.parse(data)
    life_ = Life()
    life_.begin()
    for who in ("UANA", "UBEN", "UANA"):
        life_.ask(who)
    life_.moderate("UMOD", Deed.MERGE, 1, 2)
    life_.moderate("UMOD", Deed.MERGE, 2, 3)
    life_.undo("UMOD", 2)
    life_.the_store_agrees_with_the_model()
    life_.what_is_merged_points_to_one_that_is_not()
    life_.every_change_stands_in_the_audit()
    life_.teardown()
