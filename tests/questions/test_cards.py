"""What the messages show, in every standing; whose name they show; that words stay words."""

from __future__ import annotations

import json

import pytest

from bot.delivery import claims, outbox, outcomes
from bot.delivery.outcomes import Sent
from bot.programme import versions
from bot.questions import COMPOSERS, board, life
from bot.questions.deeds import Deed
from bot.questions.picture import Standing, draw_one
from bot.questions.undo import undo
from bot.rendering import Message, Rendering
from bot.store.engine import Database
from tests.questions import deeds_of
from tests.questions.conftest import ON, Ask
from tests.questions.test_life import bring

HOSTILE = '<!channel> *x* {{7*7}} " \\ </script> <https://e.org|y> & :smile:\n=1+1'


async def shown(database: Database, rendering: Rendering, key: str) -> Message | None:
    row = (await deeds_of.deliveries(database))[key]
    async with database.read() as db:
        values = await COMPOSERS[row.kind](db, row.content, now=ON)
    return None if values is None else rendering.message(row.kind, {"now": ON, **values})


@pytest.mark.parametrize("place", list(Standing))
async def test_every_message_can_be_drawn_in_every_standing(
    workshop: Database, ask: Ask, do: deeds_of.Do, rendering: Rendering, place: Standing
) -> None:
    await ask("The one others are merged into?", by="UBEN")
    await ask(HOSTILE)
    await bring(do, 2, place)
    for key in await deeds_of.deliveries(workshop, "question:2:"):
        message = await shown(workshop, rendering, key)
        if message is None:  # a reply whose occasion has passed
            assert ":said:" in key
            continue
        assert "<!channel>" not in message.text
        assert all(check_limits(block) for block in message.blocks)
        assert len(message.blocks) <= 50


async def test_what_was_taken_back_while_its_post_was_under_way_is_told_only_to_who_saw_it(
    workshop: Database, ask: Ask, do: deeds_of.Do, rendering: Rendering
) -> None:
    await ask("Is it measured?")
    await bring(do, 1, Standing.PUBLISHED)
    async with workshop.begin() as db:
        row = await outbox.find(db, "question:1:post:1")
        assert row is not None
        claims.open_attempt(row, ON)
    assert await shown(workshop, rendering, "question:1:post:1") is not None
    await do(Deed.DECLINE, 1, reason="elsewhere")
    assert await shown(workshop, rendering, "question:1:post:1") is None
    async with workshop.begin() as db:
        row = await outbox.find(db, "question:1:post:1")
        assert row is not None
        await outcomes.record(db, row, Sent("C1", "1.1"), now=ON, on_failure=None)
        assert row.task == "update"
    assert await shown(workshop, rendering, "question:1:post:1") is not None


def check_limits(block: dict) -> bool:
    """Block Kit's own limits, where a question could break them."""
    texts = [block.get("text")] + [e for e in block.get("elements", []) if "text" in e]
    assert len(block.get("elements", [])) <= 25
    for text in texts:
        if isinstance(text, dict) and isinstance(text.get("text"), str):
            assert 0 < len(text["text"]) <= 3000
    return True


async def test_a_persons_words_are_never_markup(
    workshop: Database, ask: Ask, do: deeds_of.Do, rendering: Rendering
) -> None:
    await ask(HOSTILE)
    await bring(do, 1, Standing.PUBLISHED)
    for key in ("question:1:card", "question:1:post:1", "question:1:asker"):
        message = await shown(workshop, rendering, key)
        assert message is not None
        literal = [
            text
            for text in texts_of(message.blocks)
            if text.get("type") in ("plain_text", "text") and text["text"] == HOSTILE
        ]
        assert len(literal) == 1, key
        for text in texts_of(message.blocks):
            if text.get("type") == "mrkdwn":
                assert "7*7" not in text["text"]


def texts_of(blocks: object) -> list[dict]:
    """Every object with a text string, however deep."""
    if isinstance(blocks, list):
        return [text for each in blocks for text in texts_of(each)]
    if isinstance(blocks, dict):
        own = [blocks] if isinstance(blocks.get("text"), str) else []
        return own + [text for value in blocks.values() for text in texts_of(value)]
    return []


@pytest.mark.parametrize(
    ("hidden", "in_card", "in_post"),
    [("named", True, True), ("participants", True, False), ("moderators", False, False)],
)
async def test_who_asked_is_shown_as_far_as_they_said(
    workshop: Database,
    ask: Ask,
    do: deeds_of.Do,
    rendering: Rendering,
    hidden: str,
    in_card: bool,
    in_post: bool,
) -> None:
    await ask("Is it free?", hidden=hidden)
    await bring(do, 1, Standing.NEXT)
    for key, expected in (("question:1:card", in_card), ("question:1:post:1", in_post)):
        message = await shown(workshop, rendering, key)
        drawn = json.dumps([message.text, message.blocks])
        assert ("UANA" in drawn or "Ana Lima" in drawn) is expected, key


async def test_an_over_long_question_still_fits_a_message(
    workshop: Database, ask: Ask, rendering: Rendering
) -> None:
    await ask("🇨🇭" * 500)
    for key in ("question:1:card", "question:1:asker"):
        message = await shown(workshop, rendering, key)
        assert len(json.dumps(message.blocks, ensure_ascii=False)) < 12_000
        assert len(message.text) <= 4_000


async def test_undo_is_offered_while_a_moderators_deed_is_the_latest_change(
    workshop: Database, ask: Ask, do: deeds_of.Do, rendering: Rendering
) -> None:
    async def offered() -> bool:
        card = await shown(workshop, rendering, "question:1:card")
        assert card is not None
        async with workshop.read() as db:
            question = await life.get(db, 1)
            programme = await versions.current(db)
            picture = await draw_one(db, question, programme=programme, audience="moderators", now=ON)
            on_board = (await board.entries(db, [picture]))[0]["undoable"]
        on_card = "questions.undo" in json.dumps(card.blocks)
        assert on_card == on_board
        return on_card

    await ask("A brand-new question?")
    assert not await offered()
    await do(Deed.APPROVE, 1)
    assert await offered()
    async with workshop.begin() as db:
        await undo(db, 1, by=await deeds_of.person(db, "UMOD", now=ON), moderates=True, now=ON)
    assert not await offered()
    await do(Deed.WITHDRAW, 1, by="UANA", moderates=False)  # its author's to take back, not a moderator's
    assert not await offered()
