"""What may become of a question, as one table, and who may let it happen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.errors import NotAllowed
from bot.questions.picture import Standing
from bot.store.tables import Person, Question


class Deed(StrEnum):
    APPROVE = "approve"  # participants may see it and vote
    HOLD = "hold"  # back to review
    QUEUE = "queue"  # chosen for the segment; also: off the stage, back into the queue
    UNQUEUE = "unqueue"  # out of the queue, still published
    NEXT = "next"
    STAGE = "stage"
    ANSWER = "answer"
    DEFER = "defer"  # time ran out, the answer follows
    DECLINE = "decline"
    MERGE = "merge"
    EDIT = "edit"  # typos
    REOPEN = "reopen"
    WITHDRAW = "withdraw"  # by its author


@dataclass(frozen=True, slots=True)
class Wish:
    """What comes with a deed, where it takes something."""

    reason: str | None = None  # decline (required), hold
    text: str | None = None  # edit (required), answer
    link: str | None = None  # answer: where it was given
    target: int | None = None  # merge: the number of the other one


_S = Standing
_WAITING = (_S.RECEIVED, _S.HELD)
_OPEN = (_S.PUBLISHED, _S.QUEUED, _S.NEXT, _S.ON_STAGE)


def _all(*sources: Standing, to: Standing) -> dict[Standing, Standing]:
    return dict.fromkeys(sources, to)


# Deed → where the question stands → where it stands then. What is not here is refused.
TABLE: dict[Deed, dict[Standing, Standing]] = {
    Deed.APPROVE: _all(*_WAITING, to=_S.PUBLISHED),
    Deed.HOLD: _all(_S.PUBLISHED, _S.QUEUED, _S.NEXT, to=_S.HELD),
    Deed.QUEUE: _all(*_WAITING, _S.PUBLISHED, _S.DEFERRED, _S.NEXT, _S.ON_STAGE, to=_S.QUEUED),
    Deed.UNQUEUE: _all(_S.QUEUED, _S.NEXT, to=_S.PUBLISHED),
    Deed.NEXT: _all(_S.PUBLISHED, _S.QUEUED, _S.DEFERRED, to=_S.NEXT),
    Deed.STAGE: _all(_S.PUBLISHED, _S.QUEUED, _S.NEXT, _S.DEFERRED, to=_S.ON_STAGE),
    Deed.ANSWER: _all(*_OPEN, _S.DEFERRED, _S.ANSWERED, to=_S.ANSWERED),  # anew only with words or a link
    Deed.DEFER: _all(*_OPEN, to=_S.DEFERRED),
    Deed.DECLINE: _all(*_WAITING, *_OPEN, _S.DEFERRED, to=_S.DECLINED),
    Deed.MERGE: _all(*_WAITING, _S.PUBLISHED, _S.QUEUED, _S.DEFERRED, to=_S.MERGED),
    Deed.EDIT: {place: place for place in (*_WAITING, *_OPEN, _S.DEFERRED)},
    Deed.REOPEN: _all(_S.DECLINED, _S.MERGED, to=_S.RECEIVED) | _all(_S.ANSWERED, to=_S.QUEUED),
    Deed.WITHDRAW: _all(*_WAITING, _S.PUBLISHED, _S.QUEUED, _S.NEXT, _S.DEFERRED, to=_S.WITHDRAWN),
}

# Only the author may do these; only moderators all others.
AUTHORS = frozenset({Deed.WITHDRAW})


def check_role(deed: Deed, question: Question, *, by: Person, moderates: bool) -> None:
    """Raise NotAllowed unless this person may do this to this question."""
    if deed in AUTHORS:
        if by.id != question.author_id:
            raise NotAllowed("not_your_question", number=question.number)
    elif not moderates:
        raise NotAllowed("not_a_moderator")


def allowed(place: Standing) -> list[Deed]:
    """What a moderator may do to a question that stands there, in the table's order."""
    return [deed for deed, moves in TABLE.items() if place in moves and deed not in AUTHORS]
