"""What people are told as a question lives: which deliveries exist, and which are due to be shown anew.

Keys: `question:<n>:asker` the asker's one receipt, `question:<n>:card` the moderators' card,
`question:<n>:post:<k>` the participants' post, `question:<n>:said:<revision>` a short reply to the receipt
(an edit notifies nobody), `questions:digest:<n>` the moderators' digest, begun by question n.
Deliveries are always touched in this order, so that two transactions never wait for each other.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.delivery import outbox
from bot.questions.picture import PUBLIC, Standing
from bot.store.tables import Delivery, DeliveryState, Person, Question, QuestionState, Switch, Vote

SAID = frozenset({Standing.NEXT, Standing.ANSWERED, Standing.DECLINED, Standing.MERGED})
SAID_WORTH = timedelta(hours=12)
RECEIPT_WORTH = timedelta(days=2)
# The digest goes before every other edit. Shown anew with every question, it would take all of the fifty
# edits a minute that Slack allows.
COUNTED_WITHIN = timedelta(seconds=3)
RECOUNTED_AT_ONCE = 500  # questions
DIGEST = "questions.digest"  # the switch that names the digest which stands for cards now
POST = "questions/post"
CLOCKS_APART = timedelta(seconds=2)  # Slack's and ours, at most
_GONE = (DeliveryState.CANCELLED, DeliveryState.DROPPED)


def receipt_key(number: int) -> str:
    return f"question:{number}:asker"


def card_key(number: int) -> str:
    return f"question:{number}:card"


def post_key(question: Question) -> str:
    return f"question:{question.number}:post:{question.posts}"


async def arrived(
    db: AsyncSession, question: Question, author: Person, *, digest_after: int, now: datetime
) -> None:
    """A question was submitted: the receipt, the moderators' card or digest, the post if it is public."""
    await outbox.add(
        db,
        key=receipt_key(question.number),
        kind="questions/receipt",
        lane=people.lane(author),
        content={"question": question.number},
        priority=outbox.URGENT,
        expires_at=now + RECEIPT_WORTH,
        now=now,
    )
    if question.state in (QuestionState.RECEIVED, QuestionState.HELD):
        await _card_or_digest(db, question, digest_after=digest_after, now=now)
    else:
        await _card(db, question, now=now)
        await _show_post(db, question, now=now)


async def changed(
    db: AsyncSession,
    question: Question,
    *,
    before: Standing,
    after: Standing,
    now: datetime,
    quiet: bool = False,
) -> None:
    """A question moved or was edited: everybody who sees it sees it so; who asked hears of what matters.

    `quiet` leaves the short reply out: something was undone. The receipts are shown anew after all else: of
    what matters in them the reply tells, and for the fifty edits a minute that Slack allows moderators and
    whoever may vote wait too.
    """
    group = [question, *await _merged_into(db, question)]
    for each in group:
        await outbox.touch(db, receipt_key(each.number), now=now)
        if after in SAID and (after is not before or after is Standing.ANSWERED) and not quiet:
            await _say(db, each, about=question, after=after, now=now)
    await outbox.refresh(db, card_key(question.number), now=now)
    if after in PUBLIC:
        await _show_post(db, question, now=now)
    # One that never reached the channel need not be taken back there.
    elif before in PUBLIC and not await outbox.cancel(db, post_key(question)):
        await outbox.refresh(db, post_key(question), now=now)
    for each in group[1:]:
        await outbox.refresh(db, card_key(each.number), now=now)
    if question.merged_into is not None:
        await _refresh_canonical(db, question.merged_into, now=now)
    await _refresh_digest(db, now=now)


async def recount(db: AsyncSession, *, now: datetime) -> None:
    """Have posts and cards show the votes set since, once nothing that matters more waits to be shown.

    A vote itself touches no message, so no voter waits for another. A question of which somebody
    has a message in hand is left for the next time.
    """
    stands_for_it = func.coalesce(Question.merged_into, Question.id)
    set_since = select(stands_for_it).join(Vote, Vote.question_id == Question.id).where(~Vote.shown)
    changed = select(Question).where(Question.id.in_(set_since)).limit(RECOUNTED_AT_ONCE)
    keys = {
        key: question.id
        for question in await db.scalars(changed)
        for key in (card_key(question.number), post_key(question))
    }
    if not keys:
        return
    in_hand = await outbox.touch_all(db, keys, now=now)
    told = set(keys.values()) - {keys[key] for key in in_hand}
    their_votes = Vote.question_id.in_(select(Question.id).where(stands_for_it.in_(told)))
    await db.execute(
        update(Vote)
        .where(~Vote.shown, their_votes)
        .values(shown=True)
        .execution_options(synchronize_session=False)
    )


async def noted(db: AsyncSession, question: Question, *, now: datetime, asker_too: bool = False) -> None:
    """Something beside the question changed: a claim, a note, a label, a speaker."""
    if asker_too:
        await outbox.refresh(db, receipt_key(question.number), now=now)
    await outbox.refresh(db, card_key(question.number), now=now)


async def waiting(db: AsyncSession) -> tuple[int, int]:
    """How many questions wait for review, and the number of the newest of them (0: none)."""
    statement = select(func.count(), func.max(Question.number)).where(
        Question.state.in_((QuestionState.RECEIVED, QuestionState.HELD))
    )
    row = (await db.execute(statement)).one()
    return row[0], row[1] or 0


async def posted_as(db: AsyncSession, channel: str, ts: str) -> int | None:
    """The number of the question whose post is that message; None when it is another message."""
    statement = select(Delivery.content).where(
        Delivery.kind == POST, Delivery.channel == channel, Delivery.ts == ts
    )
    content = (await db.scalars(statement)).first()
    return content["question"] if content else None


async def may_become_a_post(db: AsyncSession, posted: datetime) -> bool:
    """Whether a message that was posted then may be a question's whose post has an open outcome.

    So it is for a few seconds after a process was killed, or an answer of Slack's was lost.
    """
    begun = posted + CLOCKS_APART
    statement = select(Delivery.id).where(
        Delivery.kind == POST, Delivery.state == DeliveryState.SENDING, Delivery.attempt_at <= begun
    )
    return (await db.scalars(statement.limit(1))).first() is not None


async def _show_post(db: AsyncSession, question: Question, *, now: datetime) -> None:
    """Have the post shown as it is now; begin a new one when the last never reached the channel."""
    present = await outbox.find(db, post_key(question)) if question.posts else None
    if present is not None and present.state not in _GONE:
        await outbox.refresh(db, present.key, now=now)
        return
    question.posts += 1
    await outbox.add(
        db,
        key=post_key(question),
        kind=POST,
        lane="channel:participants",
        content={"question": question.number},
        # Before the receipts: many wait to vote on it, and the channel takes one a second in any case.
        priority=outbox.IMMEDIATE,
        now=now,
    )


async def _say(
    db: AsyncSession, question: Question, *, about: Question, after: Standing, now: datetime
) -> None:
    receipt = await outbox.find(db, receipt_key(question.number))
    if receipt is None:
        return
    await outbox.add(
        db,
        key=f"question:{question.number}:said:{about.number}:{about.revision}",
        kind="questions/said",
        lane=receipt.lane,
        content={"question": question.number, "about": about.number, "standing": str(after)},
        reply_to=receipt.id,
        priority=outbox.URGENT,
        expires_at=now + SAID_WORTH,
        now=now,
    )


async def _merged_into(db: AsyncSession, question: Question) -> list[Question]:
    statement = select(Question).where(Question.merged_into == question.id).order_by(Question.number)
    return list((await db.scalars(statement)).all())


async def _refresh_canonical(db: AsyncSession, question_id: int, *, now: datetime) -> None:
    canonical = await db.get_one(Question, question_id)
    await outbox.refresh(db, card_key(canonical.number), now=now)
    if canonical.posts:
        await outbox.refresh(db, post_key(canonical), now=now)


async def _card(db: AsyncSession, question: Question, *, now: datetime) -> None:
    await outbox.add(
        db,
        key=card_key(question.number),
        kind="questions/card",
        lane="channel:moderators",
        content={"question": question.number},
        priority=outbox.IMMEDIATE,
        now=now,
    )


async def _card_or_digest(db: AsyncSession, question: Question, *, digest_after: int, now: datetime) -> None:
    """A card; past that many waiting ones one digest that counts them, so that the channel stays readable."""
    present = await _digest(db)
    count, _ = await waiting(db)
    if count <= digest_after:
        if present:
            await _set_digest(db, "", now=now)
            await outbox.refresh(db, present, now=now)
        await _card(db, question, now=now)
    elif present:
        await _refresh_digest(db, now=now)
    else:
        key = f"questions:digest:{question.number}"
        await _set_digest(db, key, now=now)
        await outbox.add(
            db,
            key=key,
            kind="questions/digest",
            lane="channel:moderators",
            content={"first": question.number},
            priority=outbox.FOREMOST,
            now=now,
        )


async def _refresh_digest(db: AsyncSession, *, now: datetime) -> None:
    present = await _digest(db)
    if present:
        await outbox.refresh(db, present, now=now + COUNTED_WITHIN)


async def _digest(db: AsyncSession) -> str:
    """The key of the digest that stands for cards now; "" while every question gets its card."""
    return (await db.scalars(select(Switch.value).where(Switch.name == DIGEST))).one_or_none() or ""


async def _set_digest(db: AsyncSession, key: str, *, now: datetime) -> None:
    row = (await db.scalars(select(Switch).where(Switch.name == DIGEST))).one_or_none()
    if row is None:
        db.add(Switch(name=DIGEST, value=key, changed_at=now))
    else:
        row.value, row.changed_at = key, now
