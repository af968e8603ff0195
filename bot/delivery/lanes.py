"""Which rows may be worked on, as SQL: a conversation's lane, who waits in it, and for what.

Posts take the lane itself, everything else the lane's upkeep lane, so that neither waits for the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, case, exists, func, literal, or_, tuple_
from sqlalchemy.orm import aliased

from bot.store.tables import Delivery, DeliveryState, Lane

UPKEEP = "/upkeep"
SPEAKS = ("post", "look")  # these take the lane itself
MINOR = 1000  # a priority behind all there are
Instant = datetime | BindParameter[datetime]


def postable(now: Instant, *, along_order: bool = False) -> ColumnElement[bool]:
    """Posts that are due, still worth it, and behind nothing in their lane.

    With `along_order` they are to be read in the order of sending: the coalesce keeps SQLite from reading
    all that is due by the index on `due_at` and sorting it, for the first one.
    """
    due_at = func.coalesce(Delivery.due_at, Delivery.due_at) if along_order else Delivery.due_at
    return and_(
        Delivery.task == "post",
        due_at <= now,
        or_(Delivery.expires_at.is_(None), Delivery.expires_at > now),
        ~blocked(now),
    )


def blocked(now: Instant) -> ColumnElement[bool]:
    """Whether a row must wait for one before it in its lane: of open outcome, or to be tried again."""
    before = aliased(Delivery)
    return exists().where(
        before.workshop_id == Delivery.workshop_id,
        before.lane == Delivery.lane,
        or_(
            before.state == DeliveryState.SENDING,
            and_(
                before.state == DeliveryState.PENDING,
                before.task == "post",
                before.not_before <= now,
                before.due_at > now,
            ),
        ),
        tuple_(before.priority, before.not_before, before.id)
        < tuple_(Delivery.priority, Delivery.not_before, Delivery.id),
    )


def lane_name() -> ColumnElement[str]:
    """The name of the lane that a row's task takes."""
    return case((Delivery.task.in_(SPEAKS), Delivery.lane), else_=Delivery.lane + literal(UPKEEP))


def with_lane(statement: Any, name: Any = None) -> Any:
    """Beside each delivery its lane, where that has a row; for posts alone `name` is Delivery.lane."""
    named = lane_name() if name is None else name
    own = and_(Lane.workshop_id == Delivery.workshop_id, Lane.name == named)
    return statement.select_from(Delivery).outerjoin(Lane, own)


def free(now: Instant, wall: Instant) -> ColumnElement[bool]:
    """Whether the lane is nobody's and may be used again."""
    return and_(
        or_(Lane.leased_until.is_(None), Lane.leased_until <= wall),
        or_(Lane.next_free.is_(None), Lane.next_free <= now),
    )


def in_order(statement: Any, *, posts: bool) -> Any:
    """The order of posts, within a lane and over all of them; of all else, whoever has waited longest.

    A message that changes all the time would else be shown anew all the time, and the others never. Minor
    edits come last, whatever they are of.
    """
    if posts:
        return statement.order_by(Delivery.priority, Delivery.not_before, Delivery.id)
    order = case((Delivery.task == "retouch", MINOR), else_=Delivery.priority)
    return statement.order_by(order, Delivery.due_at, Delivery.id)
