"""Releasing, restoring and undoing versions, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people
from bot.config import Config
from bot.errors import Invalid, NotFound, Refusal, Stale
from bot.programme import changes, versions
from bot.programme.calendar import calendar
from bot.programme.model import Programme
from bot.store.engine import Database
from bot.store.tables import Deed, Draft, Person
from tests.conftest import NOW, WORKSHOP
from tests.programme.programmes import programmes, second_config

LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def seeded(database: Database, config: Config) -> Database:
    async with database.begin() as db:
        await versions.seed(db, config, now=NOW)
    return database


def edited(programme: Programme, id: str = "discussion", **fields: Any) -> Programme:
    segments = tuple(s.model_copy(update=fields) if s.id == id else s for s in programme.segments)
    return programme.model_copy(update={"segments": segments})


async def save(
    db: AsyncSession, by: Person | None = None, revision: int | None = None, **fields: Any
) -> Draft:
    wanted = edited(await versions.current(db), **fields)
    return await versions.save(db, wanted, by=by, origin="edit", revision=revision, now=LATER)


async def release(db: AsyncSession, draft: Draft, **options: Any) -> versions.Released:
    given = {"by": None, "note": None, "now": LATER, **options}
    return await versions.release(db, draft_revision=draft.revision, **given)


async def test_an_empty_store_is_seeded_from_the_configuration_once(seeded: Database, config: Config) -> None:
    async with seeded.begin() as db:
        assert await versions.seed(db, config, now=LATER) is None
    async with seeded.read() as db:
        assert await versions.current(db) == Programme.from_config(config)
        (only,) = await versions.history(db)
        assert (only.number, only.origin, only.released_at, only.changes) == (1, "config", NOW, [])
        book = await versions.bookkeeping(db)
        assert {entry.sequence for entry in book.segments.values()} == {0}
        assert book.changed_at == NOW


async def test_a_store_that_was_never_seeded_has_no_programme(database: Database) -> None:
    async with database.read() as db:
        with pytest.raises(NotFound, match="no_such_version"):
            await versions.current(db)


async def test_two_processes_seed_one_store(database: Database, config: Config) -> None:
    async def start(own: Database) -> None:
        async with own.begin() as db:
            await versions.seed(db, config, now=NOW)

    other = Database(database.url.render_as_string(hide_password=False), WORKSHOP)
    await asyncio.gather(start(database), start(other), start(database))
    await other.close()
    async with database.read() as db:
        assert len(await versions.history(db)) == 1


async def test_a_changed_configuration_becomes_a_draft_once_and_keeps_what_was_released(
    database: Database,
) -> None:
    first = second_config()
    async with database.begin() as db:
        await versions.seed(db, first, now=NOW)
        draft = await save(db, id="podium", title="Großes Podium")
        await release(db, draft)
    data = [segment.model_dump() for segment in first.segments]
    data[0]["title"] = "Begrüßung"
    changed = second_config(segments=data)
    async with database.begin() as db:
        draft = await versions.seed(db, changed, now=LATER)
        assert draft is not None
        assert draft.origin == "config"
        after = versions.programme_of(draft)
        assert [s.title for s in after.segments] == ["Begrüßung", "Messen & Vergleichen 🌱", "Großes Podium"]
        assert (await versions.current(db)).segments[0].title == "Eröffnung; Begrüßung, Überblick"
        await versions.discard(db, by=None, draft_revision=draft.revision, now=LATER)
    async with database.begin() as db:
        assert await versions.seed(db, changed, now=LATER) is None
        assert await versions.seed(db, first, now=LATER) is None, "back to what was released: nothing to do"
        again = await versions.seed(db, changed, now=LATER)
        assert again is not None


async def test_a_changed_configuration_waits_while_an_organiser_edits(database: Database) -> None:
    first = second_config()
    changed = second_config(workshop={"title": "Herbsttagung"})
    async with database.begin() as db:
        await versions.seed(db, first, now=NOW)
        draft = await save(db, id="podium", title="Großes Podium")
        assert await versions.seed(db, changed, now=LATER) is None
        await release(db, draft)
        draft = await versions.seed(db, changed, now=LATER)
        assert draft is not None
        assert versions.programme_of(draft).title == "Herbsttagung"
        assert versions.programme_of(draft).segments[2].title == "Großes Podium"


async def test_a_release_freezes_the_draft_with_author_note_and_changes(seeded: Database) -> None:
    async with seeded.begin() as db:
        ada = await people.get_or_add(db, "U1ADA", now=NOW)
        draft = await save(db, by=ada, title="Panel")
        released = await release(db, draft, by=ada, note="  A shorter name. ")
        assert await versions.draft(db) is None
    async with seeded.read() as db:
        last = await versions.latest(db)
        assert (last.number, last.note, last.released_by, last.origin) == (
            2,
            "A shorter name.",
            ada.id,
            "edit",
        )
        assert last.released_at == LATER
        assert versions.changes_of(last) == released.changes
        assert [change.kind for change in released.changes] == [changes.Kind.RETITLED]
        assert await versions.current(db) == released.programme
        assert (await versions.get(db, 1)).version == 1
        book = await versions.bookkeeping(db)
        assert {id: entry.sequence for id, entry in book.segments.items()} == {
            "whitepaper-launch": 0,
            "standards-showcase": 0,
            "discussion": 1,
        }
        deeds = (await db.scalars(select(Deed.deed).order_by(Deed.id))).all()
        assert deeds == ["programme.config", "programme.draft", "programme.release"]


async def test_a_draft_that_somebody_else_changed_is_not_overwritten(seeded: Database) -> None:
    async with seeded.begin() as db:
        ada = await people.get_or_add(db, "U1ADA", now=NOW)
        first = await save(db, by=ada, title="One")
        seen = first.revision
        await save(db, by=ada, revision=seen, title="Two")
        for revision in (seen, None):
            with pytest.raises(Stale, match="draft_changed") as caught:
                await save(db, revision=revision, title="Three")
            assert caught.value.values["by"] == "U1ADA"
            assert caught.value.values["at"] == LATER
        with pytest.raises(Stale, match="draft_changed"):
            await versions.release(db, by=None, note=None, now=LATER, draft_revision=seen)
        draft = await versions.draft(db)
        assert draft is not None
        segment = versions.programme_of(draft).segment("discussion")
        assert segment is not None
        assert segment.title == "Two"


async def test_a_click_on_the_card_of_an_earlier_draft_finds_nothing(seeded: Database) -> None:
    async with seeded.begin() as db:
        first = (await save(db, title="One")).revision
        await versions.discard(db, by=None, draft_revision=first, now=LATER)
        with pytest.raises(Stale, match="draft_discarded"):
            await versions.release(db, by=None, note=None, now=LATER, draft_revision=first)
        second = await save(db, title="Two")
        assert second.revision > first
        with pytest.raises(Stale, match="draft_changed"):
            await versions.release(db, by=None, note=None, now=LATER, draft_revision=first)


async def test_of_two_releases_at_once_one_wins_and_the_other_is_told(seeded: Database) -> None:
    async with seeded.begin() as db:
        await people.get_or_add(db, "U1ADA", now=NOW)
        await people.get_or_add(db, "U2BO", now=NOW)
        revision = (await save(db, title="Panel")).revision

    async def attempt(own: Database, slack_id: str) -> int | str:
        try:
            async with own.begin() as db:
                by = await people.find(db, slack_id)
                released = await versions.release(db, by=by, note=None, now=LATER, draft_revision=revision)
                return released.programme.version
        except Stale as stale:
            return f"{stale.code} by {stale.values['by']}"

    other = Database(seeded.url.render_as_string(hide_password=False), WORKSHOP)
    results = await asyncio.gather(attempt(seeded, "U1ADA"), attempt(other, "U2BO"))
    await other.close()
    winner, loser = sorted(map(str, results))
    assert (winner, loser) in {("2", "draft_gone by U1ADA"), ("2", "draft_gone by U2BO")}
    async with seeded.read() as db:
        assert [version.number for version in await versions.history(db)] == [2, 1]


async def test_of_two_undos_at_once_one_wins(seeded: Database) -> None:
    async with seeded.begin() as db:
        await release(db, await save(db, title="Panel"))

    async def attempt(own: Database) -> int | str:
        try:
            async with own.begin() as db:
                return (await versions.undo(db, 2, by=None, now=LATER)).programme.version
        except Stale as stale:
            return stale.code

    other = Database(seeded.url.render_as_string(hide_password=False), WORKSHOP)
    results = await asyncio.gather(attempt(seeded), attempt(other))
    await other.close()
    assert sorted(map(str, results)) == ["3", "version_superseded"]


@pytest.mark.parametrize("note", ["x" * 1001, "é" * 1001])
async def test_an_over_long_note_is_refused_with_the_limit(seeded: Database, note: str) -> None:
    async with seeded.begin() as db:
        draft = await save(db, title="Panel")
        with pytest.raises(Invalid) as caught:
            await release(db, draft, note=note)
        assert caught.value.field == "note"
        assert caught.value.values == {"limit": 1000, "length": 1001}
        assert (await versions.latest(db)).number == 1


async def test_a_draft_that_changes_nothing_is_not_released(seeded: Database) -> None:
    async with seeded.begin() as db:
        draft = await save(db)
        with pytest.raises(Refusal, match="nothing_changed"):
            await release(db, draft)


async def test_a_preview_says_what_a_release_would_do(seeded: Database) -> None:
    async with seeded.begin() as db:
        assert await versions.preview(db, now=NOW) is None
        await save(db, takes_questions=False)
        seen = await versions.preview(db, now=NOW)
        assert seen is not None
        assert [change.kind for change in seen.changes] == [changes.Kind.QUESTIONS]
        assert [caution.code for caution in seen.warnings] == ["no_questions"]


async def test_holding_ends_with_the_next_edit(seeded: Database) -> None:
    async with seeded.begin() as db:
        ada = await people.get_or_add(db, "U1ADA", now=NOW)
        draft = await save(db, by=ada, title="Panel")
        held = await versions.hold(db, by=ada, draft_revision=draft.revision, now=LATER)
        assert held.held_by == ada.id
        assert (await save(db, by=ada, revision=draft.revision, title="Panels")).held_by is None


async def test_restoring_makes_a_draft_and_its_release_gives_the_same_programme(seeded: Database) -> None:
    async with seeded.begin() as db:
        await release(db, await save(db, title="Panel", speakers=("Ada",)))
        draft = await versions.restore(db, 1, by=None, revision=None, now=LATER)
        assert draft.origin == "restore"
        assert (await versions.current(db)).version == 2, "nothing is released yet"
        released = await release(db, draft)
        first = await versions.get(db, 1)
        assert released.programme == first.model_copy(update={"version": 3})
        with pytest.raises(NotFound):
            await versions.restore(db, 9, by=None, revision=None, now=LATER)


async def test_what_was_added_since_is_kept_as_cancelled_by_an_undo(seeded: Database) -> None:
    async with seeded.begin() as db:
        before = await versions.current(db)
        extra = before.segments[0].model_copy(update={"id": "extra", "title": "Extra"})
        wanted = before.model_copy(update={"segments": (*before.segments, extra)})
        draft = await versions.save(db, wanted, by=None, origin="import", revision=None, now=LATER)
        await release(db, draft)
        undone = await versions.undo(db, 2, by=None, now=LATER)
        assert [(s.id, s.cancelled) for s in undone.programme.segments][-1] == ("extra", True)
        assert undone.programme.segments[:-1] == before.segments
        assert undone.version.origin == "undo"


async def test_the_first_version_cannot_be_undone(seeded: Database) -> None:
    async with seeded.begin() as db:
        with pytest.raises(Refusal, match="nothing_to_undo"):
            await versions.undo(db, 1, by=None, now=LATER)


async def test_an_undo_keeps_what_another_organiser_is_editing(seeded: Database) -> None:
    async with seeded.begin() as db:
        await release(db, await save(db, title="Panel"))
        draft = await save(db, id="standards-showcase", title="Standards")
        revision = draft.revision
        await versions.undo(db, 2, by=None, now=LATER)
        draft = await versions.draft(db)
        assert draft is not None
        assert (draft.base, draft.revision) == (3, revision + 1)
        seen = await versions.preview(db, now=LATER)
        assert seen is not None
        assert [(change.kind, change.segment) for change in seen.changes] == [
            (changes.Kind.RETITLED, "standards-showcase")
        ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(programmes(), min_size=1, max_size=3))
def test_any_history_can_be_undone_step_by_step_to_the_same_bytes(
    migrated_sqlite: Any, tmp_path: Any, config: Config, wanted: list[Programme]
) -> None:
    """Each version that is undone gives back the programme, and the calendar's counts never fall."""

    async def play() -> None:
        path = tmp_path / "workshop.sqlite3"
        shutil.copy(migrated_sqlite, path)
        database = Database(f"sqlite:///{path}", WORKSHOP)
        async with database.begin() as db:
            await versions.seed(db, config, now=NOW)
            for programme in wanted:
                before, book = await versions.current(db), await versions.bookkeeping(db)
                body = calendar(before, book, config)
                draft = await versions.save(
                    db, programme, by=None, origin="edit", revision=await _revision(db), now=LATER
                )
                try:
                    released = await release(db, draft)
                except Refusal:
                    continue
                undone = await versions.undo(db, released.programme.version, by=None, now=LATER)
                known = {segment.id for segment in before.segments}
                kept = tuple(s for s in undone.programme.segments if s.id in known)
                assert kept == before.segments
                assert all(s.cancelled for s in undone.programme.segments if s.id not in known)
                same = undone.programme.model_copy(update={"segments": kept, "version": before.version})
                assert same.model_dump_json() == before.model_dump_json()
                assert calendar(same, book, config) == body
                after = await versions.bookkeeping(db)
                assert all(after.segments[id].sequence >= e.sequence for id, e in book.segments.items())
        await database.close()

    asyncio.run(play())


async def _revision(db: AsyncSession) -> int | None:
    draft = await versions.draft(db)
    return draft.revision if draft else None
