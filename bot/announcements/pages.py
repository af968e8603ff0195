"""The event page, watched: what changed there is for organisers to decide, and never told by itself.

A change counts once the page was read twice in a row so. An error, an empty page and one that flaps change
nothing; when most of a page vanishes, it can be taken note of and not be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.announcements.composers import last_change
from bot.announcements.releases import ORGANISERS, PARTICIPANTS, WORTH, propose
from bot.config import Config
from bot.delivery import outbox
from bot.errors import NotFound, Refusal
from bot.programme import page, versions
from bot.programme.page import Reading, Trouble
from bot.store.tables import PageChange, PageWatch, Person

CARD, TOLD, KIND = "announcements/page_card", "announcements/page_told", "announcements/news"
CLAIM = timedelta(minutes=2)  # workshop time for one reading; then somebody else may try
LONGEST_WAIT = timedelta(hours=6)  # between two looks at a page that cannot be read
AFTER = timedelta(days=1)  # the end of the workshop, and then no more
SHOWN, NEWS, LINES = 12, 3, 6  # lines of a difference; what is told when somebody asks: changes, their lines
TELL, IGNORE, DRAFT = "tell", "ignore", "draft"
_OUTCOMES = {TELL: "told", IGNORE: "ignored", DRAFT: "drafted"}


def watching(config: Config, *, rehearsal: bool) -> bool:
    """Whether the page is to be looked at; in a rehearsal only one on this machine."""
    return config.watch.enabled and (not rehearsal or page.local(config.page.url))


async def next_due(db: AsyncSession, *, now: datetime) -> datetime | None:
    """When to look next; None once the workshop is over for good."""
    row = (await db.scalars(select(PageWatch))).one_or_none()
    at = row.next_at if row else now
    return None if at > (await versions.current(db)).ends + AFTER else at


async def claim(db: AsyncSession, config: Config, *, now: datetime) -> PageWatch | None:
    """Take the next look upon oneself; None when it is not due, or somebody else has it."""
    statement = select(PageWatch).with_for_update().execution_options(populate_existing=True)
    await versions.turn(db)  # one at a time, also for the first
    row = (await db.scalars(statement)).one_or_none()
    if row is None:
        row = PageWatch(url=config.page.url, times=0, failures=0, next_at=now)
        db.add(row)
    if row.next_at > now:
        return None
    if row.url != config.page.url:  # another page: what is known of the old one says nothing about it
        row.url, row.lines, row.seen, row.times = config.page.url, None, None, 0
        row.etag = row.last_modified = row.checked_at = None
    row.next_at = now + CLAIM
    await db.flush()
    return row


async def record(
    db: AsyncSession, config: Config, url: str, outcome: Reading | Trouble, *, now: datetime
) -> None:
    """Write down what a look has found, and show organisers what has changed."""
    await versions.turn(db)
    statement = select(PageWatch).where(PageWatch.url == url).with_for_update()
    row = (await db.scalars(statement.execution_options(populate_existing=True))).one_or_none()
    if row is None:
        return
    if isinstance(outcome, Reading) and outcome.lines is None and row.seen is None:
        outcome = Trouble("status-304")
    if isinstance(outcome, Trouble):
        row.failures, row.trouble = row.failures + 1, outcome.code[:40]
        row.etag = row.last_modified = None
        wait = min(config.watch.period * 2 ** min(row.failures - 1, 6), LONGEST_WAIT)
        row.next_at = now + max(wait, config.watch.period, timedelta(seconds=outcome.wait))
        return
    same = outcome.lines is None or outcome.lines == row.seen
    row.seen, row.times = outcome.lines or row.seen, row.times + 1 if same else 1
    row.etag, row.last_modified = outcome.etag or row.etag, outcome.last_modified or row.last_modified
    if outcome.lines is not None:
        row.etag, row.last_modified = outcome.etag, outcome.last_modified
    row.failures, row.trouble, row.checked_at = 0, None, now
    row.next_at = now + config.watch.period
    if row.times >= 2:
        await _settled(db, row, config.workshop.tz, now=now)


async def decide(
    db: AsyncSession, config: Config, number: int, deed: str, *, by: Person, now: datetime
) -> None:
    """*Tell everyone*, *Ignore* or *Use as draft programme*; the caller has checked that `by` organises.

    Raises Refusal when it is decided already, when most of the page is gone (tell), when no times can be read
    (draft), and what `versions.save` raises.
    """
    await versions.turn(db)
    change = await get(db, number)
    await db.refresh(change, with_for_update=True)
    if change.state != "open":
        raise Refusal("page_decided", state=change.state)
    if deed == TELL:
        if page.vanished(change.old, change.new):
            raise Refusal("page_vanished")
        await outbox.add(
            db,
            key=f"page:{change.id}:told",
            kind=TOLD,
            lane=PARTICIPANTS,
            content={"change": change.id},
            now=now,
            expires_at=now + WORTH,
        )
    elif deed == DRAFT:
        draft = await versions.draft(db)
        base = versions.programme_of(draft) if draft else await versions.current(db)
        wanted = page.programme_of(change.new, base, config.workshop.tz)
        if wanted is None:
            raise Refusal("page_no_times")
        revision = draft.revision if draft else None
        await versions.save(db, wanted, by=by, origin="page", revision=revision, now=now)
        await propose(db, now=now)
    change.state, change.decided_by, change.decided_at = _OUTCOMES[deed], by.id, now
    row = (await db.scalars(select(PageWatch))).one_or_none()
    if row is not None and row.lines is not None:
        row.lines = change.new
    people.record(db, actor=by, deed=f"page.{deed}", subject=f"page:{change.id}", now=now)
    await outbox.refresh(db, f"page:{change.id}", now=now)
    await db.flush()


async def get(db: AsyncSession, number: int) -> PageChange:
    """The change of that number; raises NotFound."""
    change = await db.get(PageChange, number)
    if change is None:
        raise NotFound("no_such_page_change")
    return change


async def news(
    db: AsyncSession, content: Mapping[str, Any], *, now: datetime, config: Config
) -> dict[str, Any]:
    """For whoever asks what is new: the last change of the programme, what was told of the page, the last
    look (composer of `announcements/news`)."""
    watched = config.watch.enabled
    told = await db.scalars(
        select(PageChange)
        .where(PageChange.state == "told")
        .order_by(PageChange.decided_at.desc(), PageChange.id.desc())
        .limit(NEWS)
    )
    row = (await db.scalars(select(PageWatch).where(PageWatch.url == config.page.url))).one_or_none()
    return {
        **await last_change(db, most=LINES),
        "told": [{**_difference(change, most=5), "at": change.decided_at} for change in told],
        "checked_at": row.checked_at if row and watched else None,
        "trouble": row.trouble if row and watched else None,
        "watched": watched,
    }


async def compose_card(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """The organisers' card of one change."""
    change = await get(db, content["change"])
    base = await versions.current(db)
    who = await db.get(Person, change.decided_by) if change.decided_by is not None else None
    return {
        **_difference(change),
        "number": change.id,
        "state": change.state,
        "by": who.slack_id if who else None,
        "found_at": change.found_at,
        "vanished": page.vanished(change.old, change.new),
        "readable": content["readable"],
        "page_url": base.page_url,
    }


async def compose_told(db: AsyncSession, content: Mapping[str, Any], *, now: datetime) -> Mapping[str, Any]:
    """What participants read of a change."""
    base = await versions.current(db)
    return {**_difference(await get(db, content["change"])), "page_url": base.page_url}


async def _settled(db: AsyncSession, row: PageWatch, tz: ZoneInfo, *, now: datetime) -> None:
    """The page was read twice so: compare it with what organisers know."""
    seen = list(row.seen or [])
    if row.lines is None:
        row.lines = seen
        return
    is_open = select(PageChange).where(PageChange.state == "open").with_for_update()
    waiting = (await db.scalars(is_open)).one_or_none()
    if waiting is not None and waiting.new == seen:
        return
    if waiting is not None:
        waiting.state, waiting.decided_at = "passed", now
        await outbox.refresh(db, f"page:{waiting.id}", now=now)
    if seen == row.lines or not page.difference(row.lines, seen) or await _ignored(db, row.lines, seen):
        row.lines = seen
        return
    readable = page.programme_of(seen, await versions.current(db), tz) is not None
    change = PageChange(old=list(row.lines), new=seen, state="open", found_at=now)
    db.add(change)
    await db.flush()
    await outbox.add(
        db,
        key=f"page:{change.id}",
        kind=CARD,
        lane=ORGANISERS,
        content={"change": change.id, "readable": readable},
        now=now,
    )


async def _ignored(db: AsyncSession, old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether organisers ignored the very same change before: a page that flaps asks them once."""
    known = await db.scalars(select(PageChange).where(PageChange.state == "ignored"))
    return any(change.old == list(old) and change.new == list(new) for change in known)


def _difference(change: PageChange, most: int = SHOWN) -> dict[str, Any]:
    """Template values of a difference, as many lines as there is room for."""
    found = page.difference(change.old, change.new)
    reworded = found.reworded[:most]
    added = found.added[: most - len(reworded)]
    removed = found.removed[: most - len(reworded) - len(added)]
    whole = len(found.reworded) + len(found.added) + len(found.removed)
    more = whole - len(reworded) - len(added) - len(removed)
    return {"added": added, "removed": removed, "reworded": reworded, "more": more}


COMPOSERS = {CARD: compose_card, TOLD: compose_told}
