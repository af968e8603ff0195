"""The programme over time: released versions, which are frozen, and the one draft of the next.

Writers take turns (`turn`), so of two organisers who release or save at once one wins and the other
learns it. Services take `db` first and never commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.config import Config
from bot.errors import Invalid, NotFound, Refusal, Stale
from bot.programme import changes
from bot.programme.calendar import Bookkeeping
from bot.programme.changes import Change
from bot.programme.model import Programme
from bot.programme.warnings import Caution, warnings
from bot.rendering import length
from bot.store.tables import Deed, Draft, Person, Version

NOTE_LIMIT = 1_000  # characters of the note that heads an announcement
_CHANGES = TypeAdapter(tuple[Change, ...])


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did: the programme before and after, what differs, and what it was warned of."""

    version: Version
    old: Programme
    programme: Programme
    changes: tuple[Change, ...]
    warnings: tuple[Caution, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What releasing a draft would do."""

    draft: Draft
    old: Programme
    programme: Programme
    changes: tuple[Change, ...]
    warnings: tuple[Caution, ...]


async def seed(db: AsyncSession, config: Config, *, now: datetime) -> Draft | None:
    """Make version 1 of an empty store from config.toml.

    Later, when config.toml has changed since it was last looked at, what changed in it becomes a draft (and
    is returned): nothing is released silently, and what was released meanwhile stays. An organiser's open
    draft is not touched; the difference then waits for the next start.
    """
    configured = Programme.from_config(config)
    if await _first(db, configured, now=now):
        _looked_at(db, configured, now=now)
        return None
    await turn(db)
    before = await _configured(db)
    if before == configured or await draft(db) is not None:
        return None
    _looked_at(db, configured, now=now)
    released = await current(db)
    wanted = changes.apply(released, changes.diff(before or released, configured))
    if wanted == released:
        return None
    return await save(db, wanted, by=None, origin="config", revision=None, now=now)


async def _first(db: AsyncSession, programme: Programme, *, now: datetime) -> bool:
    dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    statement = (
        dialect.insert(Version)
        .values(
            workshop_id=db.info["workshop_id"],
            number=1,
            programme=programme.model_dump(mode="json"),
            changes=[],
            calendar=Bookkeeping.begin(programme, at=now).model_dump(mode="json"),
            origin="config",
            released_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Version.number)
    )
    return (await db.scalars(statement)).one_or_none() is not None


def _looked_at(db: AsyncSession, configured: Programme, *, now: datetime) -> None:
    people.record(
        db,
        actor=None,
        deed="programme.config",
        subject="config.toml",
        now=now,
        new={"programme": configured.model_dump(mode="json")},
    )


async def _configured(db: AsyncSession) -> Programme | None:
    """What config.toml said when it was last looked at."""
    statement = select(Deed.new).where(Deed.deed == "programme.config").order_by(Deed.id.desc()).limit(1)
    found = (await db.scalars(statement)).one_or_none()
    return Programme.model_validate(found["programme"]) if found else None


async def begun(db: AsyncSession) -> bool:
    """Whether the store was ever seeded."""
    return await db.scalar(select(Version.id).limit(1)) is not None


async def current(db: AsyncSession) -> Programme:
    """The programme released last. Raises NotFound in a store that was never seeded."""
    return programme_of(await latest(db))


async def latest(db: AsyncSession) -> Version:
    """The version released last. Raises NotFound in a store that was never seeded."""
    version = (await db.scalars(select(Version).order_by(Version.number.desc()).limit(1))).one_or_none()
    if version is None:
        raise NotFound("no_such_version", number=1)
    return version


async def bookkeeping(db: AsyncSession) -> Bookkeeping:
    """The calendar's counts and instants, as of the version released last."""
    return bookkeeping_of(await latest(db))


def first_bookkeeping(config: Config) -> Bookkeeping:
    """The calendar's counts and instants where there is no database."""
    return Bookkeeping.unreleased(Programme.from_config(config))


async def version(db: AsyncSession, number: int) -> Version:
    """One version; raises NotFound."""
    row = (await db.scalars(select(Version).where(Version.number == number))).one_or_none()
    if row is None:
        raise NotFound("no_such_version", number=number)
    return row


async def get(db: AsyncSession, number: int) -> Programme:
    """The programme of one version; raises NotFound."""
    return programme_of(await version(db, number))


async def history(db: AsyncSession) -> Sequence[Version]:
    """Every version, the newest first."""
    return (await db.scalars(select(Version).order_by(Version.number.desc()))).all()


def programme_of(row: Version | Draft) -> Programme:
    """The programme in a row."""
    return Programme.model_validate(row.programme)


def bookkeeping_of(row: Version) -> Bookkeeping:
    """The calendar's counts and instants in a row."""
    return Bookkeeping.model_validate(row.calendar)


def changes_of(row: Version) -> tuple[Change, ...]:
    """What differs from the version before."""
    return _CHANGES.validate_python(row.changes)


async def draft(db: AsyncSession) -> Draft | None:
    """The open draft, or None."""
    return (await db.scalars(select(Draft).where(Draft.opened.is_not(None)))).one_or_none()


async def save(
    db: AsyncSession,
    programme: Programme,
    *,
    by: Person | None,
    origin: str,
    revision: int | None,
    now: datetime,
) -> Draft:
    """Save the draft. `revision` is the one the editor saw; None: there was no draft.

    Segments of the released programme that `programme` lacks are kept as cancelled. Raises Stale when
    somebody else has saved, released or discarded since; nothing is overwritten then.
    """
    await turn(db)
    row = (await db.scalars(select(Draft))).one_or_none()
    await _same(db, row, revision)
    released = await current(db)
    wanted = changes.with_missing(released, programme).model_copy(update={"version": 0})
    if row is None:
        row = Draft(revision=0, opened=None)
        db.add(row)
    row.revision += 1
    row.opened = row.opened or row.revision
    row.base, row.programme, row.origin = released.version, wanted.model_dump(mode="json"), origin
    row.edited_by, row.edited_at, row.held_by = by.id if by else None, now, None
    people.record(
        db,
        actor=by,
        deed="programme.draft",
        subject=f"draft:{row.revision}",
        now=now,
        new={"origin": origin, "changes": _told(changes.diff(released, wanted))},
    )
    await db.flush()
    return row


async def hold(db: AsyncSession, *, by: Person, draft_revision: int, now: datetime) -> Draft:
    """Say that the draft is not to be released yet; the next edit or release ends that. Raises Stale."""
    row = await _open(db, draft_revision)
    row.held_by = by.id
    people.record(db, actor=by, deed="programme.hold", subject=f"draft:{row.revision}", now=now)
    return row


async def discard(db: AsyncSession, *, by: Person | None, draft_revision: int, now: datetime) -> Draft:
    """Throw the draft away. Raises Stale."""
    row = await _open(db, draft_revision)
    people.record(
        db,
        actor=by,
        deed="programme.discard",
        subject=f"draft:{row.revision}",
        now=now,
        old={"programme": row.programme},
    )
    row.opened, row.held_by, row.revision = None, None, row.revision + 1
    return row


async def restore(
    db: AsyncSession, number: int, *, by: Person | None, revision: int | None, now: datetime
) -> Draft:
    """Make an old version the draft; segments added since are in it as cancelled. Raises NotFound, Stale."""
    return await save(db, await get(db, number), by=by, origin="restore", revision=revision, now=now)


async def preview(db: AsyncSession, *, now: datetime) -> Preview | None:
    """What releasing the open draft would do; None without one."""
    row = await draft(db)
    if row is None:
        return None
    old, new = await current(db), programme_of(row)
    return Preview(row, old, new, changes.diff(old, new), warnings(old, new, now=now))


async def release(
    db: AsyncSession, *, by: Person | None, note: str | None, now: datetime, draft_revision: int
) -> Released:
    """Freeze the draft as the next version. Nothing is announced: see `bot.announcements`.

    Raises Stale when the draft is not the one that was seen, Invalid for an over-long note, and Refusal
    when the draft changes nothing.
    """
    words = checked_note(note)
    row = await _open(db, draft_revision)
    released = await _freeze(db, programme_of(row), origin=row.origin, by=by, note=words, now=now)
    row.opened, row.held_by, row.revision = None, None, row.revision + 1
    return released


async def undo(db: AsyncSession, number: int, *, by: Person | None, now: datetime) -> Released:
    """Release the version before `number` again, which must be the one released last.

    An open draft stays, carried over to what is released now. Raises Stale when `number` is not the
    last any more, and Refusal for the first, before which there is nothing.
    """
    await turn(db)
    last = await latest(db)
    if last.number != number:
        raise Stale("version_superseded", number=number, last=last.number, by=await who(db, last.released_by))
    if number == 1:
        raise Refusal("nothing_to_undo")
    before = await get(db, number - 1)
    return await release_now(db, before, origin="undo", by=by, note=None, now=now)


async def release_now(
    db: AsyncSession,
    programme: Programme,
    *,
    origin: str,
    by: Person | None,
    note: str | None,
    now: datetime,
) -> Released:
    """Freeze a programme that never was a draft. An open draft stays, carried over to what is released.

    Raises Refusal when it changes nothing.
    """
    await turn(db)
    released = await _freeze(db, programme, origin=origin, by=by, note=note, now=now)
    await _rebase(db, released)
    return released


async def _rebase(db: AsyncSession, released: Released) -> None:
    row = await draft(db)
    if row is None:
        return
    wanted = changes.apply(released.programme, changes.diff(released.old, programme_of(row)))
    row.programme = wanted.model_copy(update={"version": 0}).model_dump(mode="json")
    row.base, row.revision = released.programme.version, row.revision + 1


async def _freeze(
    db: AsyncSession,
    programme: Programme,
    *,
    origin: str,
    by: Person | None,
    note: str | None,
    now: datetime,
) -> Released:
    last = await latest(db)
    old = programme_of(last)
    new = changes.with_missing(old, programme).model_copy(update={"version": last.number + 1})
    found = changes.diff(old, new)
    if not found:
        raise Refusal("nothing_changed", version=last.number)
    row = Version(
        number=new.version,
        programme=new.model_dump(mode="json"),
        changes=_CHANGES.dump_python(found, mode="json"),
        calendar=bookkeeping_of(last).carry(old, new, at=now).model_dump(mode="json"),
        origin=origin,
        note=note,
        released_by=by.id if by else None,
        released_at=now,
    )
    db.add(row)
    people.record(
        db,
        actor=by,
        deed="programme.undo" if origin == "undo" else "programme.release",
        subject=f"version:{new.version}",
        now=now,
        old={"version": old.version},
        new={"version": new.version, "changes": _told(found)},
        reason=note,
    )
    await db.flush()
    return Released(row, old, new, found, warnings(old, new, now=now))


def checked_note(note: str | None) -> str | None:
    """The note without surrounding space, None when it is empty; raises Invalid when it is too long."""
    words = (note or "").strip()
    if length(words) > NOTE_LIMIT:
        raise Invalid("note_length", field="note", limit=NOTE_LIMIT, length=length(words))
    return words or None


def _told(found: tuple[Change, ...]) -> list[str]:
    return [f"{change.kind.value} {change.segment or 'workshop'}" for change in found]


async def turn(db: AsyncSession) -> None:
    """Wait until no other transaction is about to change the programme, its draft or what follows from it.

    Held until this transaction ends; call it before anything else is locked. SQLite has one writer anyway.
    """
    await db.execute(select(Version.id).where(Version.number == 1).with_for_update())


async def _open(db: AsyncSession, revision: int) -> Draft:
    await turn(db)
    row = (await db.scalars(select(Draft))).one_or_none()
    await _same(db, row, revision)
    assert row is not None, "a draft of that revision is open"  # noqa: S101
    return row


async def _same(db: AsyncSession, row: Draft | None, revision: int | None) -> None:
    """Raise Stale unless the open draft is the one of `revision` (None: there is none)."""
    present = row.revision if row is not None and row.opened is not None else None
    if present == revision:
        return
    if row is not None and present is not None:
        raise Stale("draft_changed", revision=present, by=await who(db, row.edited_by), at=row.edited_at)
    last = await latest(db)
    if row is not None and row.base == last.number:
        raise Stale("draft_discarded")
    raise Stale("draft_gone", version=last.number, by=await who(db, last.released_by), at=last.released_at)


async def who(db: AsyncSession, person_id: int | None) -> str | None:
    """Somebody's Slack id, for a sentence that names them; None for the command line and who was erased."""
    person = await db.get(Person, person_id) if person_id is not None else None
    return person.slack_id if person else None
