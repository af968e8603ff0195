"""From a draft to everybody knowing, and back: cards, releases, receipts, the pinned programme, undo."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import announcements, people
from bot.config import Config
from bot.errors import Invalid, NotFound, Refusal, Stale
from bot.programme import changes, versions
from bot.programme.excerpt import excerpt
from bot.programme.model import Programme, Segment, Status
from bot.programme.warnings import warnings
from bot.rendering import BLOCKS_PER_MESSAGE, MESSAGE_TEXT_SUM, SECTION_LIMIT, TEXT_LIMIT, Message, Rendering
from bot.store.engine import Database
from bot.store.tables import Announcement, Delivery, DeliveryState, Draft, Person
from tests.programme.programmes import START, instant, programme, second_config, segment
from tests.programme.test_changes import SEGMENT_CHANGES, WORKSHOP_CHANGES

DAYS_BEFORE = START - timedelta(days=2)
CHANNEL, DESK = "channel:participants", "channel:organisers"


@pytest.fixture(scope="module")
def second() -> Config:
    return second_config()


@pytest.fixture(scope="module")
def drawing(second: Config) -> Rendering:
    return Rendering(second)


@pytest.fixture
async def running(database: Database, second: Config) -> Database:
    """A bot of the second workshop, started, with its programme message and reminders in the outbox."""
    async with database.begin() as db:
        await announcements.begin(db, second, now=DAYS_BEFORE)
        await people.get_or_add(db, "U1ADA", now=DAYS_BEFORE)
    return database


async def ada(db: AsyncSession) -> Person:
    return await people.get_or_add(db, "U1ADA", now=DAYS_BEFORE)


async def edit(db: AsyncSession, id: str = "podium", **fields: Any) -> Draft:
    """Save a draft with one segment changed, over the one that is open."""
    seen = await versions.draft(db)
    before = versions.programme_of(seen) if seen else await versions.current(db)
    segments = tuple(s.model_copy(update=fields) if s.id == id else s for s in before.segments)
    wanted = before.model_copy(update={"segments": segments})
    revision = seen.revision if seen else None
    return await versions.save(
        db, wanted, by=await ada(db), origin="edit", revision=revision, now=DAYS_BEFORE
    )


async def release(
    db: AsyncSession, config: Config, *, now: Any = DAYS_BEFORE, note: str | None = None, **fields: Any
) -> versions.Released:
    draft = await edit(db, **fields)
    return await announcements.release_and_announce(
        db, config, by=await ada(db), note=note, draft_revision=draft.revision, now=now
    )


async def row(db: AsyncSession, key: str) -> Delivery | None:
    return (await db.scalars(select(Delivery).where(Delivery.key == key))).one_or_none()


async def there(db: AsyncSession, key: str) -> Delivery:
    found = await row(db, key)
    assert found is not None
    return found


async def post(db: AsyncSession, key: str) -> None:
    """Let a message be in Slack, as the sender records it."""
    found = await there(db, key)
    found.state, found.shown, found.channel, found.ts = DeliveryState.SENT, found.revision, "C1", "1.1"
    found.pinned = found.pin
    found.arm(DAYS_BEFORE)
    await db.flush()


async def message(db: AsyncSession, drawing: Rendering, key: str, now: Any = DAYS_BEFORE) -> Message | None:
    found = await there(db, key)
    values = await announcements.COMPOSERS[found.kind](db, found.content, now=now)
    return None if values is None else drawing.message(found.kind, values)


def words(drawn: Message | None) -> str:
    """Everything there is to read in a message, in order."""
    assert drawn is not None
    return "\n".join(_texts(drawn.blocks))


def _texts(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() for text in _texts(value)]
    return [text for value in node for text in _texts(value)] if isinstance(node, list) else []


# --- starting ----------------------------------------------------------------------------------------


async def test_a_start_pins_the_programme_and_announces_nothing(
    running: Database, drawing: Rendering, second: Config
) -> None:
    async with running.begin() as db:
        pinned = await there(db, "programme:message")
        assert (pinned.pin, pinned.lane, pinned.expires_at) == (True, CHANNEL, instant(180))
        shown = words(await message(db, drawing, "programme:message"))
        assert "14:00–14:20 CEST)  *Eröffnung; Begrüßung, Überblick*, Žofia Krüger, 李小龙" in shown
        kinds = {found.kind.partition("/")[0] for found in await db.scalars(select(Delivery))}
        assert {"programme", "reminders"} <= kinds
        assert "announcements" not in kinds
        await post(db, "programme:message")
        await announcements.begin(db, second, now=DAYS_BEFORE)
        assert (await there(db, "programme:message")).task is None, "an unchanged programme is not edited"


async def test_a_start_after_the_workshop_says_nothing(database: Database, second: Config) -> None:
    async with database.begin() as db:
        await announcements.begin(db, second, now=instant(300))
        assert (await db.scalars(select(Delivery))).all() == []


async def test_the_pinned_programme_says_when_no_times_are_known(
    database: Database, config: Config, rendering: Rendering
) -> None:
    async with database.begin() as db:
        await announcements.begin(db, config, now=DAYS_BEFORE - timedelta(days=200))
        shown = words(await message(db, rendering, "programme:message"))
        assert "The times of the segments are not published yet." in shown
        assert "Registration is mandatory and online only" in shown


async def test_a_changed_configuration_is_proposed_at_the_next_start(
    running: Database, drawing: Rendering
) -> None:
    changed = second_config(workshop={"title": "Herbsttagung"})
    async with running.begin() as db:
        await announcements.begin(db, changed, now=DAYS_BEFORE)
        shown = words(await message(db, drawing, "programme:draft:1"))
        assert "from what changed in config.toml" in shown
        assert "*Herbsttagung*" in shown


# --- proposing ---------------------------------------------------------------------------------------


async def test_a_burst_of_edits_makes_one_card_that_follows_the_draft(
    running: Database, drawing: Rendering
) -> None:
    async with running.begin() as db:
        await edit(db, title="Großes Podium")
        await announcements.propose(db, now=DAYS_BEFORE)
        await edit(db, speakers=("Ada",))
        await announcements.propose(db, now=DAYS_BEFORE + timedelta(seconds=50))
        card = await there(db, "programme:draft:1")
        assert (card.lane, card.not_before) == (DESK, DAYS_BEFORE + announcements.QUIET)
        shown = words(await message(db, drawing, "programme:draft:1"))
        assert "~Podium~ → *Großes Podium*" in shown
        assert "now with Ada" in shown
        await post(db, "programme:draft:1")
        draft = await edit(db, takes_questions=False)
        await announcements.propose(db, now=DAYS_BEFORE + timedelta(minutes=5))
        assert (await there(db, "programme:draft:1")).task == "update"
        drawn = await message(db, drawing, "programme:draft:1")
        assert drawn is not None
        buttons = drawn.blocks[-1]["elements"]
        assert [(button["action_id"], button["value"]) for button in buttons] == [
            ("announcements.post", str(draft.revision)),
            ("programme.edit", str(draft.revision)),
            ("announcements.hold", str(draft.revision)),
        ]


async def test_the_card_of_what_starts_soon_does_not_wait(running: Database) -> None:
    async with running.begin() as db:
        now = instant(-50)
        await edit(db, id="eroeffnung", starts=instant(10))
        await announcements.propose(db, now=now)
        assert (await there(db, "programme:draft:1")).not_before == now


async def test_the_card_shows_exactly_what_is_announced(
    running: Database, drawing: Rendering, second: Config
) -> None:
    async with running.begin() as db:
        draft = await edit(db, starts=instant(125), title="Großes <Podium>")
        await announcements.propose(db, now=DAYS_BEFORE)
        card = await message(db, drawing, "programme:draft:1")
        await announcements.release_and_announce(
            db, second, by=None, note=None, draft_revision=draft.revision, now=DAYS_BEFORE
        )
        announced = await message(db, drawing, "change:2")
        assert card is not None
        assert announced is not None
        begins = next(n for n, block in enumerate(card.blocks) if block == announced.blocks[0])
        assert card.blocks[begins : begins + len(announced.blocks) - 1] == announced.blocks[:-1]


async def test_a_review_says_the_same_and_warns(
    running: Database, second: Config, drawing: Rendering
) -> None:
    async with running.begin() as db:
        with pytest.raises(NotFound, match="no_draft"):
            await announcements.review(db, second, now=DAYS_BEFORE)
        draft = await edit(db, starts=instant(60), description="Neu")
        seen = await announcements.review(db, second, now=DAYS_BEFORE)
        assert (seen.revision, seen.recorded, seen.more) == (draft.revision, 1, 0)
        assert [line.kind for line in seen.lines] == ["moved"]
        assert [caution.code for caution in seen.warnings] == []
        await edit(db, starts=instant(170), ends=instant(200))
        seen = await announcements.review(db, second, now=DAYS_BEFORE)
        assert [caution.code for caution in seen.warnings] == ["outside"]
        values = {"review": seen, "callback": "c", "metadata": "{}", "notice": None}
        view = drawing.view("programme/review_modal", values)
        assert "outside the workshop’s hours" in "\n".join(_texts(view["blocks"]))


async def test_holding_and_discarding_are_shown_on_the_card(running: Database, drawing: Rendering) -> None:
    async with running.begin() as db:
        draft = await edit(db, title="Großes Podium")
        await announcements.propose(db, now=DAYS_BEFORE)
        await post(db, "programme:draft:1")
        by = await ada(db)
        await announcements.hold(db, by=by, draft_revision=draft.revision, now=DAYS_BEFORE)
        assert "<@U1ADA> says: not yet." in words(await message(db, drawing, "programme:draft:1"))
        await announcements.discard(db, by=by, draft_revision=draft.revision, now=DAYS_BEFORE)
        assert "*discarded* by <@U1ADA>" in words(await message(db, drawing, "programme:draft:1"))
        with pytest.raises(Stale, match="draft_discarded"):
            await announcements.hold(db, by=by, draft_revision=draft.revision, now=DAYS_BEFORE)


async def test_a_card_nobody_saw_is_taken_back(running: Database) -> None:
    async with running.begin() as db:
        draft = await edit(db, title="Großes Podium")
        await announcements.propose(db, now=DAYS_BEFORE)
        await announcements.discard(db, by=None, draft_revision=draft.revision, now=DAYS_BEFORE)
        assert (await there(db, "programme:draft:1")).state is DeliveryState.CANCELLED
        await edit(db, title="Das Podium")
        await announcements.propose(db, now=DAYS_BEFORE)
        assert (await there(db, "programme:draft:3")).state is DeliveryState.PENDING


# --- releasing ---------------------------------------------------------------------------------------


async def test_a_release_tells_everybody_in_one_go(
    running: Database, drawing: Rendering, second: Config
) -> None:
    async with running.begin() as db:
        await post(db, "programme:message")
        released = await release(db, second, starts=instant(125), note="Sorry <!channel>, *one* room less.")
        assert released.programme.version == 2
        announced = await message(db, drawing, "change:2")
        assert announced is not None
        assert announced.blocks[1]["elements"][0]["elements"][0] == {
            "type": "text",
            "text": "Sorry <!channel>, *one* room less.",
        }
        assert "<!channel>" not in announced.text
        line = words(announced)
        assert "*Podium* moves: ~<!date^1774965600^{time}|" in line
        assert "(16:00–17:00 CEST)~ → *<!date^1774965900^{time}|" in line
        assert "(16:05–17:00 CEST)*" in line
        delivery = await there(db, "change:2")
        assert (delivery.lane, delivery.priority, delivery.expires_at) == (
            CHANNEL,
            50,
            DAYS_BEFORE + announcements.WORTH,
        )
        assert (await there(db, "programme:message")).task == "update"
        assert "(16:05–17:00 CEST)  *Podium*" in words(await message(db, drawing, "programme:message"))
        moved = await there(db, "reminder:each:podium:20260331T140500Z")
        assert moved.not_before == instant(120)
        assert (await there(db, "reminder:each:podium:20260331T140000Z")).state is DeliveryState.CANCELLED
        receipt = words(await message(db, drawing, "change:2:receipt"))
        assert "released by <@U1ADA>" in receipt
        assert "Announced in #tagung" in receipt
        (stored,) = await db.scalars(select(Announcement))
        assert (stored.kind, stored.version, stored.state, stored.targets) == (
            "change",
            2,
            "posted",
            [CHANNEL],
        )


async def test_what_starts_soon_is_urgent(running: Database, second: Config) -> None:
    async with running.begin() as db:
        await release(db, second, id="messen", cancelled=True, now=instant(0))
        assert (await there(db, "change:2")).priority == 10
        await release(db, second, id="podium", title="Großes Podium", now=instant(0))
        assert (await there(db, "change:3")).priority == 50


async def test_what_is_not_noteworthy_is_not_announced(
    running: Database, second: Config, drawing: Rendering
) -> None:
    async with running.begin() as db:
        await release(db, second, description="Mehr dazu")
        assert await row(db, "change:2") is None
        assert (await db.scalars(select(Announcement))).all() == []
        assert "Nothing was announced" in words(await message(db, drawing, "change:2:receipt"))


async def test_releasing_closes_the_card(running: Database, drawing: Rendering, second: Config) -> None:
    async with running.begin() as db:
        await edit(db, title="Großes Podium")
        await announcements.propose(db, now=DAYS_BEFORE)
        await post(db, "programme:draft:1")
        await release(db, second, title="Das Podium")
        shown = await message(db, drawing, "programme:draft:1")
        assert words(shown) == "This draft was *released* as version 2 by <@U1ADA>."


async def test_a_refused_release_changes_nothing(running: Database, second: Config) -> None:
    async with running.begin() as db:
        draft = await edit(db, title="Großes Podium")
    for note, revision, refusal in (("x" * 1001, draft.revision, Invalid), (None, 9, Stale)):
        with pytest.raises(refusal):
            async with running.begin() as db:
                await announcements.release_and_announce(
                    db, second, by=None, note=note, draft_revision=revision, now=DAYS_BEFORE
                )
    async with running.read() as db:
        assert (await versions.latest(db)).number == 1
        assert await row(db, "change:2") is None


async def test_only_the_last_receipt_offers_undo(
    running: Database, second: Config, drawing: Rendering
) -> None:
    async with running.begin() as db:
        await release(db, second, title="Zwei")
        await post(db, "change:2:receipt")
        await release(db, second, title="Drei")
        assert (await there(db, "change:2:receipt")).task == "update"
        for key, offered in (("change:2:receipt", False), ("change:3:receipt", True)):
            drawn = await message(db, drawing, key)
            assert drawn is not None
            assert any(block["type"] == "actions" for block in drawn.blocks) is offered


# --- undoing and running late ------------------------------------------------------------------------


async def test_an_undo_puts_right_what_was_posted(
    running: Database, second: Config, drawing: Rendering
) -> None:
    async with running.begin() as db:
        before = await versions.current(db)
        await release(db, second, starts=instant(125))
        for key in ("change:2", "change:2:receipt"):
            await post(db, key)
        await announcements.undo(db, second, number=2, by=await ada(db), now=DAYS_BEFORE)
        assert (await versions.current(db)).segments == before.segments
        assert (await there(db, "change:2")).task == "update"
        assert "*Taken back.*" in words(await message(db, drawing, "change:2"))
        back = words(await message(db, drawing, "change:3"))
        assert "*Back to the programme as it was*" in back
        assert "→ *<!date^1774965600^{time}|" in back
        assert "*Undone* by <@U1ADA>" in words(await message(db, drawing, "change:2:receipt"))
        pending = await there(db, "reminder:each:podium:20260331T140000Z#2")
        assert (pending.state, pending.not_before) == (DeliveryState.PENDING, instant(115))
        with pytest.raises(Stale, match="version_superseded"):
            await announcements.undo(db, second, number=2, by=None, now=DAYS_BEFORE)


async def test_of_what_nobody_has_read_nobody_reads_the_undoing(
    running: Database, second: Config, drawing: Rendering
) -> None:
    async with running.begin() as db:
        await release(db, second, starts=instant(125))
        await announcements.undo(db, second, number=2, by=None, now=DAYS_BEFORE)
        assert (await there(db, "change:2")).state is DeliveryState.CANCELLED
        assert await row(db, "change:3") is None
        assert "Nothing was announced" in words(await message(db, drawing, "change:3:receipt"))


async def test_running_late_moves_the_rest_and_says_so(
    running: Database, second: Config, drawing: Rendering
) -> None:
    async with running.begin() as db:
        released = await announcements.run_late(db, second, by=await ada(db), minutes=5, now=instant(10))
        assert released.version.origin == "late"
        assert [s.starts for s in released.programme.segments] == [instant(0), instant(25), instant(125)]
        announced = await message(db, drawing, "change:2")
        assert words(announced).startswith("*We are running late*")
        assert "Everything after *Eröffnung; Begrüßung, Überblick*: *5 minutes later*." in words(announced)
        assert (await there(db, "change:2")).priority == 10
        with pytest.raises(Refusal, match="nothing_to_move"):
            await announcements.run_late(db, second, by=None, minutes=5, now=instant(300))


# --- what it looks like ------------------------------------------------------------------------------


def announced(drawing: Rendering, old: Programme, new: Programme, note: str | None = None) -> Message:
    after = changes.with_missing(old, new)
    lines = changes.noteworthy(old, after, changes.diff(old, new))
    values = {
        "programme": after,
        "note": note,
        "origin": "edit",
        "lines": lines[: announcements.LINES],
        "more": max(0, len(lines) - announcements.LINES),
        "undone": False,
    }
    return drawing.message("announcements/change", values)


ONE = [(param.values[0], param.values[1]) for param in SEGMENT_CHANGES if param.values[5]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *[(programme(segment("a", **before)), programme(segment("a", **after))) for before, after in ONE],
        *[(programme(segment("a")), programme(segment("a"), **fields)) for fields, *_ in WORKSHOP_CHANGES],
        (programme(segment("a"), segment("b")), programme(segment("b"), segment("a"))),
        (programme(), programme(segment("a", 5, 10, speakers=("Ada",)))),
        (programme(segment("a", 0), segment("b", 9)), programme(segment("a", 9), segment("b", 18))),
    ],
)
def test_every_noteworthy_change_has_words(drawing: Rendering, old: Programme, new: Programme) -> None:
    drawn = announced(drawing, old, new)
    (line,) = words(drawn).split("\n")[1:-1]
    assert len(line) > len("• ")
    assert line in drawn.text


def test_what_is_told_of_one_segment_stands_together_under_its_name(drawing: Rendering) -> None:
    old = programme(segment("a", 0, 10), segment("b", 20, 30, title="Panel"))
    new = programme(
        segment("a", 0, 10, cancelled=True),
        segment("b", 30, 50, title="Debate", speakers=("Ada", "Bo"), takes_questions=True),
    )
    first, second = (words(announced(drawing, old, new)).split("\n")[n : n + k] for n, k in ((1, 1), (2, 4)))
    assert first[0].startswith("• *Cancelled:* ~A~")
    assert second[0] == "• New title: ~Panel~ → *Debate*"
    assert [line.strip()[:12] for line in second[1:]] == ["◦ moves: ~<!", "◦ now with A", "◦ takes ques"]
    sections = [block["text"]["text"] for block in announced(drawing, old, new).blocks if "text" in block]
    assert [text.count("\n") for text in sections] == [0, 0, 3]


def test_links_for_the_registered_are_not_announced(config: Config) -> None:
    drawn = announced(
        Rendering(config),
        programme(segment("a")),
        programme(segment("a", link="https://join.example/a"), link="https://join.example/b"),
    )
    assert "join.example" not in str(drawn)
    assert "The joining link is known" in drawn.text


def test_a_persons_text_makes_no_mention_and_no_link(drawing: Rendering) -> None:
    nasty = '<!channel> <@U1> <https://evil.example|x> & {{ 7*7 }} "}\n'
    new = programme(segment("a", 5, title=nasty, speakers=(nasty,)), segment("b", title=nasty), title=nasty)
    drawn = announced(drawing, programme(segment("a", 0)), new, note=nasty)
    mrkdwn = drawn.text + "".join(
        text for block in drawn.blocks if block["type"] != "rich_text" for text in _texts(block)
    )
    assert "<!channel>" not in mrkdwn
    assert "<@U1>" not in mrkdwn
    assert "<https://evil" not in mrkdwn
    assert "&lt;!channel&gt;" in mrkdwn


@pytest.mark.parametrize("count", [1, 40])
def test_messages_keep_slacks_limits_with_the_longest_values(drawing: Rendering, count: int) -> None:
    long, link = "<&>" * 1000, "https://l.example/" + "x" * 1980
    old = programme(*[segment(f"s{n}", n * 3, n * 3 + 1, title=long) for n in range(count)], title=long)
    new = programme(
        *[
            segment(f"s{n}", n * 3 + n % 2 + 1, n * 3 + 1440, title=long + "!", speakers=(long,), link=link)
            for n in range(count)
        ],
        segment("n", 1500, title=long),
        title=long + "!",
        link=link,
        page_url=link,
        registration_url=link,
    )
    drawn = announced(drawing, old, new, note="&" * 1000)
    pinned = drawing.message(
        "programme/message",
        {
            "programme": new,
            "shown": excerpt(new, room=announcements.PROGRAMME_ROOM, most=99).shown,
            "more": 3,
            "times_known": True,
            "released_at": START,
        },
    )
    kept = changes.with_missing(old, new)
    lines = changes.noteworthy(old, kept, changes.diff(old, new))[: announcements.LINES]
    card = drawing.message(
        "announcements/proposal",
        {
            "outcome": None,
            "revision": 1,
            "origin": "import",
            "by": "U1ADA",
            "held_by": "U1ADA",
            "programme": new,
            "lines": lines,
            "more": 9,
            "recorded": 3,
            "warnings": warnings(old, new, now=instant(4)),
        },
    )
    for one in (drawn, pinned, card):
        assert len(one.text) <= TEXT_LIMIT
        assert len(one.blocks) <= BLOCKS_PER_MESSAGE
        assert sum(len(text) for text in _texts(one.blocks)) <= MESSAGE_TEXT_SUM
        for block in one.blocks:
            assert all(len(text) <= SECTION_LIMIT for text in _texts(block))


def test_a_cancelled_workshop_is_pinned_as_such(drawing: Rendering) -> None:
    it = programme(Segment(id="a", title="A"), status=Status.CANCELLED)
    values = {"programme": it, "shown": it.segments, "more": 0, "times_known": False, "released_at": START}
    drawn = drawing.message("programme/message", values)
    assert "*The workshop is cancelled.*" in words(drawn)
    assert "register here" not in words(drawn)


# --- the calendar in the thread of a change -----------------------------------------------------------


async def test_each_change_carries_its_segments_files_in_its_thread(
    running: Database, second: Config, drawing: Rendering
) -> None:
    async with running.begin() as db:
        await release(db, second, starts=instant(60), ends=instant(90), title="<!channel> Podium")
        said, thread = await there(db, "change:2"), await there(db, "change:2:calendar")
        assert (thread.reply_to, thread.task) == (said.id, None), "it waits until the change is posted"
        values = await announcements.calendars.compose(
            db, thread.content, now=DAYS_BEFORE, public_url="https://bot.example/"
        )
        shown = words(drawing.message(thread.kind, values))
        assert "<https://bot.example/calendar/podium.ics|calendar file>" in shown
        assert "&lt;!channel&gt; Podium" in shown
        without = words(await message(db, drawing, "change:2:calendar"))
        assert ".ics" not in without
        assert "calendar.google.com" in without
        await announcements.undo(db, second, number=2, by=await ada(db), now=DAYS_BEFORE)
        assert (await there(db, "change:2:calendar")).state in (
            DeliveryState.CANCELLED,
            DeliveryState.DROPPED,
        )


async def test_what_a_thread_offers_follows_the_programme(
    running: Database, second: Config, drawing: Rendering
) -> None:
    key = "change:2:calendar"
    async with running.begin() as db:
        await release(db, second, starts=instant(60), ends=instant(90))
        await post(db, "change:2")
        await post(db, key)
        await release(db, second, title="Renamed")
        assert "Renamed" in words(await message(db, drawing, key))
        assert (await there(db, key)).task == "update"
        await release(db, second, starts=None, ends=None)
        shown = words(await message(db, drawing, key))
        assert "time is not published yet" in shown
        assert "calendar.google.com" not in shown


async def test_a_change_without_times_carries_no_file(running: Database, second: Config) -> None:
    async with running.begin() as db:
        await release(db, second, starts=None, ends=None, title="Renamed")
        assert await row(db, "change:2") is not None
        assert await row(db, "change:2:calendar") is None


def test_the_thread_keeps_to_what_slack_takes(drawing: Rendering) -> None:
    title = "🇨🇭 & <" * 1000
    wide = programme(*[segment(f"s{n}", n * 5, n * 5 + 5, title=title) for n in range(8)])
    entries = [
        announcements.calendars._entry(one, one.ends, wide, "https://bot.example") for one in wide.segments
    ]
    drawn = drawing.message("announcements/calendar", {"entries": entries, "more": 3, "feed": "https://b/c"})
    assert sum(len(text) for text in _texts(drawn.blocks)) <= MESSAGE_TEXT_SUM
    assert all(len(text) <= SECTION_LIMIT for text in _texts(drawn.blocks))
