"""What may become of a question, who may let it, and what they are told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.delivery import outbox
from bot.errors import Invalid, NotAllowed, NotFound, Refusal, Stale
from bot.questions import beside, life, votes
from bot.questions.deeds import AUTHORS, TABLE, Deed, allowed
from bot.questions.picture import Standing, scores
from bot.questions.undo import undo
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Deed as AuditLine
from bot.store.tables import Delivery, DeliveryState, Question, Stage
from tests.questions import deeds_of
from tests.questions.conftest import ON, Ask

S = Standing
# How a question is brought to each standing, by deeds that the table allows.
WAY = {
    S.RECEIVED: [],
    S.HELD: [Deed.APPROVE, Deed.HOLD],
    S.PUBLISHED: [Deed.APPROVE],
    S.QUEUED: [Deed.QUEUE],
    S.NEXT: [Deed.QUEUE, Deed.NEXT],
    S.ON_STAGE: [Deed.QUEUE, Deed.STAGE],
    S.ANSWERED: [Deed.APPROVE, Deed.ANSWER],
    S.DEFERRED: [Deed.APPROVE, Deed.DEFER],
    S.DECLINED: [Deed.DECLINE],
    S.MERGED: [Deed.MERGE],
    S.WITHDRAWN: [Deed.WITHDRAW],
}
WITH = {
    Deed.ANSWER: {"text": "Like this."},
    Deed.DECLINE: {"reason": "off topic"},
    Deed.MERGE: {"target": 1},
    Deed.EDIT: {"text": "Mended?"},
}


async def act(do: deeds_of.Do, deed: Deed, number: int, **more: object) -> Question:
    by = {"by": "UANA", "moderates": False} if deed in AUTHORS else {}
    return await do(deed, number, **{**by, **WITH.get(deed, {}), **more})


async def bring(do: deeds_of.Do, number: int, place: Standing) -> Question | None:
    question = None
    for deed in WAY[place]:
        question = await act(do, deed, number)
    return question


@pytest.mark.parametrize("place", list(S))
async def test_every_deed_of_the_table_leads_where_it_says_and_no_other_is_possible(
    workshop: Database, ask: Ask, do: deeds_of.Do, place: Standing
) -> None:
    await ask("The one others are merged into?", by="UBEN")
    for deed in Deed:
        number = (await ask(f"Will {deed} do from {place}?")).number
        await bring(do, number, place)
        assert await deeds_of.standing_of(workshop, number) is place
        if place in TABLE[deed]:
            await act(do, deed, number)
            assert await deeds_of.standing_of(workshop, number) is TABLE[deed][place]
        else:
            with pytest.raises(Stale):
                await act(do, deed, number)
            assert await deeds_of.standing_of(workshop, number) is place


def test_moderators_are_offered_what_the_table_allows() -> None:
    assert allowed(S.RECEIVED) == [Deed.APPROVE, Deed.QUEUE, Deed.DECLINE, Deed.MERGE, Deed.EDIT]
    assert allowed(S.WITHDRAWN) == []


@pytest.mark.parametrize("deed", [deed for deed in Deed if deed not in AUTHORS])
async def test_who_does_not_moderate_may_not(
    workshop: Database, ask: Ask, do: deeds_of.Do, deed: Deed
) -> None:
    await ask("Is it free?")
    with pytest.raises(NotAllowed, match="not_a_moderator"):
        await do(deed, 1, by="UANA", moderates=False)
    async with workshop.read() as db:
        assert (await db.scalars(select(Question.revision))).one() == 1


async def test_only_the_author_may_withdraw(workshop: Database, ask: Ask, do: deeds_of.Do) -> None:
    await ask("Is it free?")
    with pytest.raises(NotAllowed, match="not_your_question"):
        await do(Deed.WITHDRAW, 1, by="UMOD")
    await do(Deed.WITHDRAW, 1, by="UANA", moderates=False)
    assert await deeds_of.standing_of(workshop, 1) is S.WITHDRAWN


@pytest.mark.parametrize("number", [2, 0, -1, 2**31, 10**30])
async def test_an_unknown_number_is_not_found(ask: Ask, do: deeds_of.Do, number: int) -> None:
    await ask("Is it free?")
    with pytest.raises(NotFound):
        await do(Deed.APPROVE, number)


async def test_a_stale_click_says_who_did_what_and_when_and_changes_nothing(
    workshop: Database, ask: Ask, do: deeds_of.Do, rendering: Rendering
) -> None:
    question = await ask("Is it free?")
    await do(Deed.APPROVE, 1, by="UMOD", revision=question.revision)
    with pytest.raises(Stale) as refused:
        await do(Deed.DECLINE, 1, by="UMAX", revision=question.revision, reason="off topic")
    assert await deeds_of.standing_of(workshop, 1) is S.PUBLISHED
    sentence = rendering.text(f"errors/{refused.value.code}.txt.j2", refused.value.values)
    assert sentence == "Question 1 is published: already approved by Mona Diaz at 14:40. Nothing was changed."


async def test_of_several_moderators_at_once_exactly_one_wins(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    question = await ask("Is it free?")
    tries = [
        do(Deed.APPROVE, 1, by="UMOD", revision=question.revision),
        do(Deed.DECLINE, 1, by="UMAX", revision=question.revision, reason="off topic"),
        do(Deed.QUEUE, 1, by="UBEN", revision=question.revision),
    ]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Question", "Stale", "Stale"]
    async with workshop.read() as db:
        lines = (await db.scalars(select(AuditLine.deed).where(AuditLine.subject == "question:1"))).all()
        assert len(lines) == 2
        assert (await db.scalars(select(Question.revision))).one() == 2


@pytest.mark.parametrize("reason", [None, "", "no", "x" * 501])
async def test_declining_needs_a_reason_of_a_readable_length(
    workshop: Database, ask: Ask, do: deeds_of.Do, reason: str | None
) -> None:
    await ask("Is it free?")
    with pytest.raises(Invalid) as refused:
        await do(Deed.DECLINE, 1, reason=reason)
    assert refused.value.field == "reason"
    assert await deeds_of.standing_of(workshop, 1) is S.RECEIVED


# --- the stage ---------------------------------------------------------------------------------------


async def slots(workshop: Database) -> tuple[int | None, int | None]:
    async with workshop.read() as db:
        stage = (await db.scalars(select(Stage))).one()
        numbers = {row.id: row.number for row in await db.execute(select(Question.id, Question.number))}
    return numbers.get(stage.current_id), numbers.get(stage.next_id)


async def test_one_on_stage_and_one_next_whoever_stood_there_is_queued_again(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for n in range(1, 4):
        await ask(f"Question {n}?")
        await do(Deed.APPROVE, n)
    await do(Deed.STAGE, 1)
    await do(Deed.NEXT, 2)
    assert await slots(workshop) == (1, 2)
    await do(Deed.STAGE, 3)
    assert await slots(workshop) == (3, 2)
    assert await deeds_of.standing_of(workshop, 1) is S.QUEUED
    await do(Deed.STAGE, 2)
    assert await slots(workshop) == (2, None)


async def test_many_put_on_stage_at_once_leave_one_there(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for n in range(1, 7):
        await ask(f"Question {n}?")
        await do(Deed.APPROVE, n)
    await asyncio.gather(*(do(Deed.STAGE, n, by=f"UM{n}") for n in range(1, 7)))
    places = [await deeds_of.standing_of(workshop, n) for n in range(1, 7)]
    assert sorted(places) == [S.ON_STAGE] + [S.QUEUED] * 5


async def test_advancing_answers_what_is_on_stage_and_brings_the_next(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for n in range(1, 3):
        await ask(f"Question {n}?")
        await do(Deed.APPROVE, n)
    await do(Deed.STAGE, 1)
    await do(Deed.NEXT, 2)
    async with workshop.begin() as db:
        seen = (await life.stage_of(db, "discussion")).revision

    async def advance() -> None:
        async with workshop.begin() as db:
            by = await deeds_of.person(db, "UMOD", now=ON)
            await life.advance(db, "discussion", by=by, moderates=True, now=ON, revision=seen)

    await advance()
    assert await slots(workshop) == (2, None)
    assert await deeds_of.standing_of(workshop, 1) is S.ANSWERED
    with pytest.raises(Stale):
        await advance()
    assert await slots(workshop) == (2, None)


# --- undo --------------------------------------------------------------------------------------------


async def take_back(workshop: Database, number: int, *, by: str = "UMOD", moderates: bool = True) -> Question:
    async with workshop.begin() as db:
        actor = await deeds_of.person(db, by, now=ON)
        return await undo(db, number, by=actor, moderates=moderates, now=ON)


async def state(workshop: Database) -> list[tuple[object, ...]]:
    """Everything that a deed may change and an undo must bring back."""
    async with workshop.read() as db:
        questions = (await db.scalars(select(Question).order_by(Question.number))).all()
        stage = (await db.scalars(select(Stage))).one_or_none()
    place = (stage.current_id, stage.next_id) if stage else (None, None)
    return [place, *((q.number, q.state, *life.fields(q).values()) for q in questions)]


@pytest.mark.parametrize(
    ("deed", "place"),
    [(deed, place) for deed, moves in TABLE.items() for place in moves],
)
async def test_every_deed_can_be_undone_by_who_did_it(
    workshop: Database, ask: Ask, do: deeds_of.Do, deed: Deed, place: Standing
) -> None:
    await ask("The one others are merged into?", by="UBEN")
    await ask("The one that is undone?")
    await bring(do, 2, place)
    before = await state(workshop)
    await act(do, deed, 2)
    who = {"by": "UANA", "moderates": False} if deed in AUTHORS else {}
    with pytest.raises(Refusal, match="nothing_to_undo"):
        await take_back(workshop, 2, by="UMAX")
    await take_back(workshop, 2, **who)
    assert await state(workshop) == before
    with pytest.raises(Refusal, match="nothing_to_undo"):
        await take_back(workshop, 2, **who)


async def test_undoing_returns_the_stage_to_whom_it_was_taken_from(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for n in (1, 2):
        await ask(f"Question {n}?")
        await do(Deed.APPROVE, n)
    await do(Deed.STAGE, 1)
    await do(Deed.STAGE, 2)
    await take_back(workshop, 2)
    assert await slots(workshop) == (1, None)


async def test_undoing_does_not_take_a_place_that_is_taken(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for n in (1, 2):
        await ask(f"Question {n}?")
        await do(Deed.APPROVE, n)
    await do(Deed.STAGE, 1)
    await do(Deed.ANSWER, 1)
    await do(Deed.STAGE, 2)
    await take_back(workshop, 1)
    assert await slots(workshop) == (2, None)
    assert await deeds_of.standing_of(workshop, 1) is S.QUEUED


async def test_a_moderator_who_no_longer_is_one_cannot_undo(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    await ask("Is it free?")
    await do(Deed.APPROVE, 1)
    with pytest.raises(NotAllowed):
        await take_back(workshop, 1, moderates=False)


async def test_undoing_an_advance_brings_both_back(workshop: Database, ask: Ask, do: deeds_of.Do) -> None:
    for n in (1, 2):
        await ask(f"Question {n}?")
        await do(Deed.APPROVE, n)
    await do(Deed.STAGE, 1)
    await do(Deed.NEXT, 2)
    async with workshop.begin() as db:
        by = await deeds_of.person(db, "UMOD", now=ON)
        await life.advance(db, "discussion", by=by, moderates=True, now=ON)
    assert await deeds_of.standing_of(workshop, 1) is S.ANSWERED
    assert await deeds_of.standing_of(workshop, 2) is S.ON_STAGE
    async with workshop.begin() as db:
        await undo(db, 2, by=await deeds_of.person(db, "UMOD", now=ON), moderates=True, now=ON)
    assert await deeds_of.standing_of(workshop, 1) is S.ON_STAGE
    assert await deeds_of.standing_of(workshop, 2) is S.NEXT


# --- merging and votes -------------------------------------------------------------------------------


async def voted(workshop: Database, config, programme, number: int, by: str, *, stands=True, at=None) -> None:
    async with workshop.begin() as db:
        actor = await deeds_of.person(db, by, now=ON)
        await votes.vote(
            db, number, by=actor, stands=stands, programme=programme, config=config, now=ON, at=at
        )


async def score(workshop: Database, number: int) -> int:
    async with workshop.read() as db:
        question = await life.get(db, number)
        return (await scores(db)).get(question.id, 0)


async def test_merging_unites_the_voters_and_undoing_parts_them(
    workshop: Database, ask: Ask, do: deeds_of.Do, config, programme
) -> None:
    await ask("What is counted?", by="UANA")
    await ask("What do you count?", by="UBEN")
    for n in (1, 2):
        await do(Deed.APPROVE, n)
    for who in ("U1", "U2"):
        await voted(workshop, config, programme, 1, who)
    for who in ("U2", "U3", "UANA"):  # UANA asked the one that stays: her vote does not count there
        await voted(workshop, config, programme, 2, who)
    await do(Deed.MERGE, 2, target=1)
    assert await score(workshop, 1) == 3
    await voted(workshop, config, programme, 2, "U4")  # a vote for the merged one counts where it went
    assert await score(workshop, 1) == 4
    with pytest.raises(NotAllowed, match="own_vote"):
        await voted(workshop, config, programme, 2, "UANA")
    await take_back(workshop, 2)
    assert (await score(workshop, 1), await score(workshop, 2)) == (3, 3)


async def test_a_vote_given_before_a_merge_is_taken_back_after_it(
    workshop: Database, ask: Ask, do: deeds_of.Do, config, programme
) -> None:
    for n in (1, 2):
        await ask(f"Question {n}?", by=f"UASKER{n}")
        await do(Deed.APPROVE, n)
    await voted(workshop, config, programme, 2, "U1")
    await voted(workshop, config, programme, 2, "U2")
    await do(Deed.MERGE, 2, target=1)
    async with workshop.begin() as db:
        assert await votes.voted(db, await deeds_of.person(db, "U1", now=ON)) == {(await life.get(db, 1)).id}
    await voted(workshop, config, programme, 1, "U1", stands=False)
    assert await score(workshop, 1) == 1
    await voted(workshop, config, programme, 2, "U2", stands=False)  # the button under the merged one's post
    assert await score(workshop, 1) == 0
    await take_back(workshop, 2)
    assert (await score(workshop, 1), await score(workshop, 2)) == (0, 0)


async def test_what_was_merged_goes_along_and_comes_back(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    for n in (1, 2, 3):
        await ask(f"Question {n}?")
    await do(Deed.MERGE, 1, target=2)
    await do(Deed.MERGE, 2, target=3)

    async def targets() -> list[int | None]:
        async with workshop.read() as db:
            rows = (await db.scalars(select(Question).order_by(Question.number))).all()
            numbers = {row.id: row.number for row in rows}
            return [numbers.get(row.merged_into) for row in rows]

    assert await targets() == [3, 3, None]
    await take_back(workshop, 2)
    assert await targets() == [2, None, None]


@pytest.mark.parametrize("target", [2, 3, 99, None])
async def test_merging_into_itself_or_what_is_over_is_refused(
    workshop: Database, ask: Ask, do: deeds_of.Do, target: int | None
) -> None:
    for n in (1, 2, 3):
        await ask(f"Question {n}?")
    await do(Deed.DECLINE, 3, reason="off topic")
    with pytest.raises((Invalid, NotFound)):
        await do(Deed.MERGE, 2, target=target)
    assert await deeds_of.standing_of(workshop, 2) is S.RECEIVED


async def test_one_person_one_vote_the_later_word_holds(
    workshop: Database, ask: Ask, do: deeds_of.Do, config, programme
) -> None:
    await ask("Is it free?")
    with pytest.raises(NotFound):  # not public yet
        await voted(workshop, config, programme, 1, "U1")
    await do(Deed.APPROVE, 1)
    with pytest.raises(NotAllowed, match="own_vote"):
        await voted(workshop, config, programme, 1, "UANA")
    await asyncio.gather(*(voted(workshop, config, programme, 1, "U1") for _ in range(5)))
    assert await score(workshop, 1) == 1
    later = ON + timedelta(seconds=2)
    await voted(workshop, config, programme, 1, "U1", stands=False, at=later)
    await voted(workshop, config, programme, 1, "U1", stands=True, at=ON)  # an older word, arriving late
    assert await score(workshop, 1) == 0
    await do(Deed.ANSWER, 1)
    with pytest.raises(Refusal, match="voting_closed"):
        await voted(workshop, config, programme, 1, "U2")


@pytest.mark.alone
async def test_no_vote_of_many_at_once_is_lost(
    workshop: Database, ask: Ask, do: deeds_of.Do, config, programme
) -> None:
    await ask("Is it free?")
    await do(Deed.APPROVE, 1)
    await asyncio.gather(*(voted(workshop, config, programme, 1, f"U{n}") for n in range(40)))
    assert await score(workshop, 1) == 40


# --- beside ------------------------------------------------------------------------------------------


async def test_a_claim_shows_who_handles_it_and_expires(workshop: Database, ask: Ask, config) -> None:
    await ask("Is it free?")

    async def claim(by: str, at=ON) -> Question:
        async with workshop.begin() as db:
            actor = await deeds_of.person(db, by, now=at)
            return await beside.claim(db, 1, by=actor, moderates=True, config=config, now=at)

    first = await claim("UMOD")
    assert first.claimed_until == ON + timedelta(minutes=5)
    with pytest.raises(Stale) as refused:
        await claim("UMAX", ON + timedelta(minutes=4))
    assert refused.value.values["who"] == "Mona Diaz"
    taken_over = await claim("UMAX", ON + timedelta(minutes=5))
    assert taken_over.revision == 1  # nobody's view of the question became stale


# --- what people are told ----------------------------------------------------------------------------


async def test_next_answered_and_not_taken_also_add_a_reply_to_the_receipt(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    await ask("Is it free?")
    await ask("Does it cost?", by="UBEN")
    await do(Deed.MERGE, 2, target=1)
    for deed in (Deed.APPROVE, Deed.NEXT, Deed.STAGE, Deed.ANSWER):
        await do(deed, 1)
    said = {
        key: row.content["standing"]
        for key, row in (await deeds_of.deliveries(workshop)).items()
        if ":said:" in key
    }
    assert said == {
        "question:2:said:2:2": "merged",
        "question:1:said:1:3": "next",
        "question:2:said:1:3": "next",
        "question:1:said:1:5": "answered",
        "question:2:said:1:5": "answered",
    }
    rows = await deeds_of.deliveries(workshop)
    assert rows["question:1:said:1:3"].reply_to == rows["question:1:asker"].id
    assert rows["question:1:asker"].lane == rows["question:1:said:1:3"].lane


async def test_a_post_that_never_reached_the_channel_is_taken_back_and_made_anew(
    workshop: Database, ask: Ask, do: deeds_of.Do
) -> None:
    await ask("Is it free?")
    await do(Deed.APPROVE, 1)
    await do(Deed.HOLD, 1)
    posts = await deeds_of.deliveries(workshop, "question:1:post")
    assert [row.state for row in posts.values()] == [DeliveryState.CANCELLED]
    await do(Deed.APPROVE, 1)
    posts = await deeds_of.deliveries(workshop, "question:1:post")
    assert [row.state for row in posts.values()] == [DeliveryState.CANCELLED, DeliveryState.PENDING]


async def test_a_post_that_is_in_the_channel_is_edited(workshop: Database, ask: Ask, do: deeds_of.Do) -> None:
    await ask("Is it free?")
    await do(Deed.APPROVE, 1)
    async with workshop.begin() as db:
        row = await outbox.find(db, "question:1:post:1")
        assert row is not None
        row.state, row.channel, row.ts = DeliveryState.SENT, "C1", "1.000001"
    await do(Deed.DECLINE, 1, reason="off topic")
    await do(Deed.REOPEN, 1)
    await do(Deed.APPROVE, 1)
    async with workshop.read() as db:
        posts = (await db.scalars(select(Delivery).where(Delivery.kind == "questions/post"))).all()
    assert [(post.key, post.revision > 1) for post in posts] == [("question:1:post:1", True)]
