"""The board: what it lists, in which order, page by page, within Block Kit's limits."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert

from bot import home
from bot.programme.model import Programme
from bot.questions import beside, board, similar
from bot.questions.deeds import Deed
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Question, Vote
from tests.questions import deeds_of
from tests.questions.conftest import ON, Ask
from tests.questions.test_cards import HOSTILE, check_limits

MANY = 5_000


async def home_of(
    workshop: Database, rendering: Rendering, who: str, *, moderates: bool, **more: object
) -> dict:
    async with workshop.begin() as db:
        person = await deeds_of.person(db, who, now=ON)
        content = {"person": person.id, "moderates": moderates, "organises": False, **more}
    async with workshop.read() as db:
        values = await home.view(db, content, now=ON)
    return rendering.view("home/view", {**values, "now": ON})


async def looks(workshop: Database, who: str, **view: object) -> None:
    async with workshop.begin() as db:
        look = await board.look(db, await deeds_of.person(db, who, now=ON))
        for name, value in view.items():
            setattr(look, name, value)


def numbers(view: dict) -> list[int]:
    """The questions a board shows, in order."""
    return [
        int(block["block_id"].split(":")[1])
        for block in view["blocks"]
        if str(block.get("block_id", "")).startswith("deeds:")
    ]


async def fill(workshop: Database, programme: Programme) -> None:
    """Five thousand published questions of a thousand people, with votes."""
    async with workshop.begin() as db:
        people = [await deeds_of.person(db, f"U{n}", now=ON) for n in range(50)]
        base = {
            "workshop_id": workshop.workshop_id,
            "segment_id": "discussion",
            "hidden": "named",
            "state": "published",
            "revision": 1,
            "cannot_attend": False,
            "edited": False,
            "labels": [],
            "posts": 1,
            "received_at": ON,
        }
        rows = [
            {
                **base,
                "id": n,
                "number": n,
                "author_id": people[n % 50].id,
                "text": f"What does standard {n} say of {['water', 'energy'][n % 2]} use, {n * 7919 % 997}?",
            }
            for n in range(1, MANY + 1)
        ]
        await db.execute(insert(Question), rows)
        votes = [
            {
                "workshop_id": workshop.workshop_id,
                "question_id": n,
                "person_id": people[(n + k) % 50].id,
                "stands": True,
                "voted_at": ON,
            }
            for n in range(1, MANY + 1)
            for k in range(1, n % 5)
        ]
        await db.execute(insert(Vote), votes)


async def test_the_board_pages_through_five_thousand_within_the_limits(
    workshop: Database, programme: Programme, rendering: Rendering
) -> None:
    await fill(workshop, programme)
    await looks(workshop, "UMOD", show="published", sort="votes", page=0)
    view = await home_of(workshop, rendering, "UMOD", moderates=True)
    assert numbers(view) == [4, 9, 14, 19, 24, 29, 34, 39]
    assert len(view["blocks"]) <= 100
    assert len(json.dumps(view, ensure_ascii=False).encode()) < 250_000
    await looks(workshop, "UMOD", sort="newest", page=10**5)  # past the end: the last page
    view = await home_of(workshop, rendering, "UMOD", moderates=True)
    assert numbers(view) == [8, 7, 6, 5, 4, 3, 2, 1]
    await looks(workshop, "UMOD", search="4711", page=0)
    view = await home_of(workshop, rendering, "UMOD", moderates=True)
    assert numbers(view) == [4711]
    view = await home_of(workshop, rendering, "UBEN", moderates=False)
    assert len(view["blocks"]) <= 100


async def test_filters_orders_and_labels(
    workshop: Database, ask: Ask, do: deeds_of.Do, rendering: Rendering
) -> None:
    for n in range(1, 4):
        await ask(f"Question {n}?")
    await ask(HOSTILE, hidden="moderators")
    await do(Deed.APPROVE, 2)
    await do(Deed.QUEUE, 3)
    async with workshop.begin() as db:
        by = await deeds_of.person(db, "UMOD", now=ON)
        await beside.label(db, 3, by=by, moderates=True, labels=[" Energy ", "energy", "<!here>"], now=ON)

    async def shown(**view: object) -> list[int]:
        await looks(workshop, "UMOD", **{"label": None, "search": None, "page": 0, **view})
        drawn = await home_of(workshop, rendering, "UMOD", moderates=True)
        assert all(check_limits(block) for block in drawn["blocks"])
        return numbers(drawn)

    assert await shown(show="waiting", sort="oldest") == [1, 4]
    assert await shown(show="waiting", sort="newest") == [4, 1]
    assert await shown(show="approved", sort="oldest") == [2, 3]
    assert await shown(show="all", label="energy") == [3]
    assert await shown(show="all", search="QUESTION 2") == [2]


async def test_participants_see_what_is_public_and_their_own(
    workshop: Database, ask: Ask, do: deeds_of.Do, rendering: Rendering
) -> None:
    await ask("Mine, and waiting?", by="UBEN")
    await ask("Published by somebody hidden?", hidden="participants")
    await ask("Not published?")
    await do(Deed.APPROVE, 2)
    drawn = json.dumps(await home_of(workshop, rendering, "UBEN", moderates=False))
    assert "Mine, and waiting?" in drawn
    assert "Published by somebody hidden?" in drawn
    assert "Not published?" not in drawn
    assert "UANA" not in drawn


async def test_quiet_votes_have_another_order_for_each_and_no_counts(
    workshop: Database, programme: Programme, rendering: Rendering
) -> None:
    await fill(workshop, programme)
    homes = [
        await home_of(workshop, rendering, who, moderates=False, quiet_votes=True) for who in ("UBEN", "UEVE")
    ]
    orders = [
        [b["block_id"] for b in view["blocks"] if b.get("block_id", "").startswith("vote:")] for view in homes
    ]
    assert orders[0] != orders[1]
    assert "Vote ·" not in json.dumps(homes, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How are emissions of data centres counted?", [1]),
        ("how are the emissions of data centres counted", [1]),
        ("Counted how are data centres’ emissions?", [1]),
        ("Wie werden die Emissionen von Rechenzentren gezählt?", []),
        ("How is water use of data centres counted?", []),
        ("?!", []),
        ("هل التسجيل مجاني", [3]),
    ],
)
def test_alike_questions_are_found_and_others_are_not(text: str, expected: list[int]) -> None:
    known = {
        1: "How are the emissions of data centres counted?",
        2: "Who pays for the database?",
        3: "هل التسجيل مجاني؟",
    }
    assert [number for number, _ in similar.alike(text, known)] == expected


async def test_what_waits_is_grouped_with_what_it_could_be_merged_into(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for text in (
        "Who pays for the database?",
        "How are the emissions of data centres counted?",
        "How are emissions of data centres counted?",
        "Wie werden die Emissionen von Rechenzentren gezählt?",
        "how are the emissions of data centres counted",
        "Who is to pay for the database?",
    ):
        await ask(text)
    await do(Deed.APPROVE, 2)
    await do(Deed.DECLINE, 1, reason="elsewhere")
    async with workshop.read() as db:
        found = await similar.groups(db)
    assert [(group.into.number, [other.number for other in group.others]) for group in found] == [(2, [3, 5])]


async def test_after_a_start_the_questions_are_ready_to_be_compared(workshop: Database, ask: Ask) -> None:
    for n in range(3):
        await ask(f"Question {n}?")
    similar._folded.cache_clear()
    await similar.warm(workshop)
    assert similar._folded.cache_info().currsize == 3
