"""Lists of questions: the moderators' board with its filters and pages, and what participants may vote on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import Invalid, Refusal
from bot.programme.model import Programme, Segment
from bot.questions import beside, votes, windows
from bot.questions.deeds import allowed
from bot.questions.picture import Audience, Picture, draw, scores
from bot.questions.undo import undoable
from bot.store.tables import BoardView, Person, Question, QuestionState, Stage

_Q = QuestionState
SHOWN: dict[str, tuple[QuestionState, ...]] = {
    "waiting": (_Q.RECEIVED, _Q.HELD),
    "held": (_Q.HELD,),
    "approved": (_Q.PUBLISHED, _Q.QUEUED),
    "published": (_Q.PUBLISHED,),
    "queued": (_Q.QUEUED,),
    "unanswered": (_Q.PUBLISHED, _Q.QUEUED, _Q.DEFERRED),
    "answered": (_Q.ANSWERED,),
    "declined": (_Q.DECLINED,),
    "all": tuple(QuestionState),
}
SORTS = ("oldest", "newest", "votes")
PAGE = 8  # questions a page: four blocks each, and a view takes a hundred
VOTE_PAGE = 10
LABELS_OFFERED = 50


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `number` counts from 0."""

    pictures: list[Picture]
    number: int
    pages: int
    total: int


async def page(
    db: AsyncSession,
    *,
    programme: Programme,
    now: datetime,
    show: str = "waiting",
    sort: str = "oldest",
    label: str | None = None,
    search: str | None = None,
    number: int = 0,
    size: int = PAGE,
    audience: Audience = "moderators",
) -> Page:
    """One page of a list; a number past the end gives the last page."""
    ids = await _ids(db, show=show, sort=sort, label=label, search=search)
    pages = max(1, -(-len(ids) // size))
    at = min(max(number, 0), pages - 1)
    pictures = await _drawn(db, ids[at * size : (at + 1) * size], programme, audience, now)
    return Page(pictures, at, pages, len(ids))


async def _drawn(
    db: AsyncSession, ids: list[int], programme: Programme, audience: Audience, now: datetime
) -> list[Picture]:
    rows = {row.id: row for row in await db.scalars(select(Question).where(Question.id.in_(ids)))}
    wanted = [rows[question_id] for question_id in ids if question_id in rows]
    return await draw(db, wanted, programme=programme, audience=audience, now=now)


async def _ids(db: AsyncSession, *, show: str, sort: str, label: str | None, search: str | None) -> list[int]:
    statement: Select[Any] = select(Question.id)
    if search:
        statement = statement.add_columns(Question.number, Question.text)
    if label:
        statement = statement.add_columns(Question.labels)
    statement = statement.where(Question.state.in_(SHOWN.get(show, SHOWN["waiting"])))
    statement = statement.order_by(Question.number.desc() if sort == "newest" else Question.number)
    rows = list((await db.execute(statement)).all())
    if sort == "votes":
        counted = await scores(db)
        rows.sort(key=lambda row: -counted.get(row.id, 0))
    wanted = (search or "").casefold().lstrip("#")
    return [
        row.id
        for row in rows
        if (not search or wanted in row.text.casefold() or wanted == str(row.number))
        and (not label or label in row.labels)
    ]


async def numbers(db: AsyncSession, *, show: str) -> list[int]:
    """The numbers of a whole list, in order."""
    statement = select(Question.number).where(Question.state.in_(SHOWN[show])).order_by(Question.number)
    return list((await db.scalars(statement)).all())


async def labels(db: AsyncSession) -> list[str]:
    """Every label in use, by alphabet."""
    # A label list that holds anything is longer than its two brackets, in both databases.
    statement = select(Question.labels).where(func.length(cast(Question.labels, String)) > 2)
    return sorted({each for row in await db.scalars(statement) for each in row})[:LABELS_OFFERED]


async def look(db: AsyncSession, person: Person) -> BoardView:
    """How this person looks at the board; what is changed on it is kept."""
    found = await db.get(BoardView, person.id)
    if found is None:
        found = BoardView(person_id=person.id, show="waiting", sort="oldest", page=0)
        db.add(found)
    return found


async def moderators_home(
    db: AsyncSession, person: Person, *, programme: Programme, now: datetime, room: int
) -> dict[str, Any]:
    """The board as a part of the App Home (`templates/questions/home.j2`), in at most `room` blocks."""
    view = await db.get(BoardView, person.id) or BoardView(show="waiting", sort="oldest", page=0)
    shown = await page(
        db,
        programme=programme,
        now=now,
        show=view.show,
        sort=view.sort,
        label=view.label,
        search=view.search,
        number=view.page,
        size=max(1, min(PAGE, (room - 6) // 4)),
    )
    return {
        "view": view,
        "page": shown,
        "entries": await entries(db, shown.pictures),
        "labels": await labels(db),
        "lines": [
            (segment, await windows.queue_line(db, segment, programme=programme, now=now))
            for segment in programme.taking_questions()
        ],
    }


async def entries(db: AsyncSession, pictures: list[Picture]) -> list[dict[str, Any]]:
    """What a card of the board needs besides the picture: notes, whether its author is muted, what may be."""
    ids = [picture.id for picture in pictures]
    silenced = await beside.muted(db, [(picture.id, picture.number) for picture in pictures])
    notes = await beside.shown(db, ids)
    changed = await undoable(db, [picture.number for picture in pictures])
    return [
        {
            "q": picture,
            "notes": notes.get(picture.id, [])[-3:],
            "muted": picture.id in silenced,
            "deeds": [str(deed) for deed in allowed(picture.standing)],
            "undoable": picture.number in changed,
        }
        for picture in pictures
    ]


async def participants_home(
    db: AsyncSession, person: Person, *, programme: Programme, quiet: bool, now: datetime
) -> dict[str, Any]:
    """A person's own questions and those they may vote on, as a part of the App Home.

    With quiet votes the order is random, another one for each person, and no counts are shown.
    """
    view = await db.get(BoardView, person.id)
    ids = await _ids(db, show="approved", sort="oldest" if quiet else "votes", label=None, search=None)
    if quiet:
        random.Random(person.id).shuffle(ids)  # noqa: S311 - an order, not a secret
    pages = max(1, -(-len(ids) // VOTE_PAGE))
    at = min(view.page if view else 0, pages - 1)
    offered = await _drawn(db, ids[at * VOTE_PAGE : (at + 1) * VOTE_PAGE], programme, "participants", now)
    own = select(Question).where(Question.author_id == person.id).order_by(Question.number.desc()).limit(5)
    mine = (await db.scalars(own)).all()
    return {
        "mine": await draw(db, mine, programme=programme, audience="author", now=now),
        "page": Page(offered, at, pages, len(ids)),
        "own": {question.id for question in mine},
        "voted": await votes.voted(db, person),
        "counts": not quiet,
    }


async def on_stage(db: AsyncSession, segment_id: str) -> Stage | None:
    """The stage row of a segment, or None when nothing was ever put on it."""
    return (await db.scalars(select(Stage).where(Stage.segment_id == segment_id))).one_or_none()


def segment_for_stage(programme: Programme, segment_id: str | None, *, now: datetime) -> Segment:
    """The segment whose stage is meant: the one named, the one that is on, or the first that takes questions.

    Raises Invalid for an unknown one, Refusal when none takes questions.
    """
    taking = programme.taking_questions()
    if not taking:
        raise Refusal("no_panel")
    if segment_id is not None:
        for segment in taking:
            if segment.id == segment_id:
                return segment
        raise Invalid("no_such_panel", field="segment")
    on = {segment.id for segment in programme.now(now)}
    return next((segment for segment in taking if segment.id in on), taking[0])
