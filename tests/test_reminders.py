"""Reminders: planned by rule, brought in line with every release, said as things are when they are posted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import people, reminders
from bot.config import Config
from bot.delivery import claims, outcomes
from bot.delivery.outbox import close
from bot.delivery.outcomes import Sent, Unwanted
from bot.delivery.pace import rates, time_for
from bot.errors import Invalid, NotFound
from bot.programme import versions
from bot.programme.model import Programme, Status
from bot.reminders import Replanned
from bot.reminders.saying import values
from bot.rendering import SECTION_LIMIT, TEXT_LIMIT, Rendering
from bot.store.engine import Database
from bot.store.tables import Delivery, DeliveryState, Person
from tests.programme.programmes import START, instant, programme, second_config, segment

WEEK_BEFORE = START - timedelta(days=8)


@pytest.fixture(scope="module")
def second() -> Config:
    return second_config()


def rules(*given: dict[str, Any], **changes: Any) -> Config:
    """The second workshop with these rules only, and no segments but `a` … of the programmes in here."""
    known = [{"id": id, "title": id.upper()} for id in "abc"]
    return second_config(reminders=list(given), segments=known, **changes)


# --- the plan ----------------------------------------------------------------------------------------


def test_the_shipped_rules_remind_at_their_minutes(config: Config) -> None:
    planned = reminders.plan(config, Programme.from_config(config))
    assert [(one.rule, one.at, one.lane, one.kind) for one in planned] == [
        ("week-before", datetime(2025, 11, 18, 13, 0, tzinfo=UTC), "channel:participants", "reminders/days"),
        ("day-before", datetime(2025, 11, 24, 13, 0, tzinfo=UTC), "channel:participants", "reminders/days"),
        ("hour-before", datetime(2025, 11, 25, 12, 0, tzinfo=UTC), "channel:participants", "reminders/hours"),
        (
            "moderators-ready",
            datetime(2025, 11, 25, 12, 30, tzinfo=UTC),
            "channel:moderators",
            "reminders/moderators",
        ),
        (
            "ten-minutes",
            datetime(2025, 11, 25, 12, 50, tzinfo=UTC),
            "channel:participants",
            "reminders/minutes",
        ),
        ("start", datetime(2025, 11, 25, 13, 0, tzinfo=UTC), "channel:participants", "reminders/start"),
        ("end", datetime(2025, 11, 25, 14, 30, tzinfo=UTC), "channel:participants", "reminders/end"),
    ]


def test_days_are_counted_on_the_calendar_across_a_change_to_summer_time(second: Config) -> None:
    planned = {one.rule: one.at for one in reminders.plan(second, Programme.from_config(second))}
    assert planned["week"] == datetime(2026, 3, 24, 13, 0, tzinfo=UTC)  # 14:00 CET, the hour it will start at
    assert planned["day"] == datetime(2026, 3, 30, 12, 0, tzinfo=UTC)  # 14:00 CEST
    assert planned["hour"] == datetime(2026, 3, 31, 11, 0, tzinfo=UTC)


def test_each_timed_segment_has_its_own(second: Config) -> None:
    it = Programme.from_config(second)
    planned = [one for one in reminders.plan(second, it) if one.rule == "each"]
    assert [(one.segment, one.at, one.key) for one in planned] == [
        ("eroeffnung", instant(-5), "reminder:each:eroeffnung:20260331T120000Z"),
        ("messen", instant(15), "reminder:each:messen:20260331T122000Z"),
        ("podium", instant(115), "reminder:each:podium:20260331T140000Z"),
    ]


@pytest.mark.parametrize(
    "it",
    [
        pytest.param(programme(segment("a", 0), status=Status.POSTPONED), id="postponed"),
        pytest.param(programme(segment("a", 0), status=Status.CANCELLED), id="cancelled"),
    ],
)
def test_a_workshop_that_is_off_has_none(second: Config, it: Programme) -> None:
    assert reminders.plan(second, it) == []


def test_segments_that_are_off_or_have_no_time_have_none() -> None:
    config = rules({"id": "each", "at": "-PT5M", "segment": "*"})
    it = programme(segment("a", 0, cancelled=True), segment("b"), segment("c", 30))
    assert [one.segment for one in reminders.plan(config, it)] == ["c"]


def test_what_ends_is_named_before_what_starts_at_the_same_minute() -> None:
    config = rules(
        {"id": "starts", "at": "start", "segment": "*"}, {"id": "ends", "at": "end", "segment": "*"}
    )
    it = programme(segment("a", 0, 20), segment("b", 20, 40))
    assert [(one.rule, one.segment) for one in reminders.plan(config, it)] == [
        ("starts", "a"),
        ("ends", "a"),
        ("starts", "b"),
        ("ends", "b"),
    ]


def test_a_late_reminder_gives_way_to_the_next_one_of_the_same_thing() -> None:
    config = rules(
        {"id": "ten", "at": "-PT10M", "late": "PT25M"},
        {"id": "start", "at": "start", "late": "PT15M"},
        {"id": "staff", "at": "-PT9M", "late": "PT25M", "audience": "moderators"},
    )
    planned = {one.rule: one.expires_at for one in reminders.plan(config, programme())}
    assert planned == {"ten": instant(0), "start": instant(15), "staff": instant(16)}


# --- what they say -----------------------------------------------------------------------------------


def said(config: Config, it: Programme, rule: str, now: datetime) -> str:
    rendering = Rendering(config)
    one = next(one for one in reminders.plan(config, it) if one.rule == rule)
    return rendering.message(one.kind, values(it, one.content, now=now)).text


@pytest.mark.parametrize(
    ("rule", "minutes", "words"),
    [
        ("week", -7 * 1440 + 60, "starts in 7 days:"),  # the clocks went forward: 167 hours before
        ("day", -1440, "starts tomorrow:"),
        ("day", -1100, "starts in 18 hours 20 minutes:"),
        ("hour", -60, "starts in 1 hour, at"),
        ("hour", -45, "starts in 45 minutes, at"),
        ("soon", -10, "starts in 10 minutes, at"),
        ("soon", -7, "starts in 7 minutes, at"),
        ("soon", -1, "starts in 1 minute, at"),
        ("soon", 0, "starts now, at"),
        ("soon", 4, "started 4 minutes ago, at"),
        ("start", 0, "starts now, at"),
        ("start", 4, "started 4 minutes ago, at"),
        ("each", -5, "Eröffnung; Begrüßung, Überblick starts in 5 minutes, at"),
        ("panel", 105, "Moderators: Podium starts in 15 minutes, at"),
        ("closing", 175, "ends in 5 minutes, at"),
        ("end", 180, "has ended. Thank you"),
    ],
)
def test_minutes_are_counted_when_it_is_said(second: Config, rule: str, minutes: int, words: str) -> None:
    assert words in said(second, Programme.from_config(second), rule, instant(minutes))


def test_seconds_late_do_not_change_the_minute(second: Config) -> None:
    now = instant(-10) + timedelta(seconds=2)
    assert "in 10 minutes" in said(second, Programme.from_config(second), "soon", now)


def test_every_time_stands_in_the_readers_zone_and_in_the_workshops(config: Config) -> None:
    it = Programme.from_config(config)
    for one in reminders.upcoming(config, it, Rendering(config), at=START - timedelta(days=300)):
        if one.kind != "reminders/end":
            assert "<!date^1764075600^" in one.text
            assert "14:00 CET)" in one.text.replace(">", "")


def test_nothing_is_claimed_about_joining_that_is_not_known(config: Config) -> None:
    it = Programme.from_config(config)
    for one in reminders.plan(config, it):
        message = str(Rendering(config).message(one.kind, values(it, one.content, now=one.at)))
        assert "Join" not in message
        assert "joining" not in message
    with_link = it.model_copy(update={"link": "https://join.example/secret"})
    for one in reminders.plan(config, with_link):  # registered people only: not in a channel of everybody
        message = str(Rendering(config).message(one.kind, values(with_link, one.content, now=one.at)))
        assert ("join.example" in message) == (one.lane == "channel:moderators")


def test_the_joining_link_is_given_where_everybody_may_have_it(second: Config) -> None:
    it = Programme.from_config(second)
    assert "<https://join.example/room?id=7|Join here>" in said(second, it, "start", instant(0))


def test_upcoming_lists_what_is_ahead_with_its_channel_and_words(second: Config) -> None:
    it = Programme.from_config(second)
    found = reminders.upcoming(second, it, Rendering(second), at=instant(116))
    assert [(one.at, one.target, one.kind) for one in found] == [
        (instant(175), "#tagung", "reminders/end"),
        (instant(180), "#tagung", "reminders/end"),
    ]
    assert reminders.upcoming(second, it, Rendering(second), at=instant(181)) == []
    assert {one.key for one in found} <= {one.key for one in reminders.plan(second, it)}


@pytest.mark.parametrize("kind", [*reminders.COMPOSERS])
def test_every_reminder_keeps_slacks_limits_with_the_longest_values(kind: str) -> None:
    config = second_config(
        workshop={"title": "&<" * 1500},
        registration={"url": "https://r.example/" + "x" * 1980, "mandatory": True, "source": "s"},
    )
    long = segment(
        "a", 0, 20, title="<&>" * 1000, speakers=("&" * 300,) * 20, link="https://j.example/" + "y" * 1980,
        takes_questions=True,
    )  # fmt: skip
    crowd = [segment(f"s{n}", 0, title="&" * 3000, takes_questions=True) for n in range(30)]
    it = programme(
        long,
        *crowd,
        title="&<" * 1500,
        registration_url="https://r.example/" + "x" * 1980,
        page_url="https://p.example/" + "z" * 1980,
    )
    content = {"rule": "r", "segment": "a", "anchor": "start", "instant": instant(0).isoformat()}
    given = values(it, content, now=instant(-5)) | {"said": instant(0), "off": None, "instead": instant(5)}
    message = Rendering(config).message(kind, given)
    assert len(message.text) <= TEXT_LIMIT
    assert message.text.strip()
    for block in message.blocks:
        for text in [block["text"]] if "text" in block else block["elements"]:
            assert 0 < len(text["text"]) <= SECTION_LIMIT


# --- the outbox --------------------------------------------------------------------------------------


async def release(db: AsyncSession, config: Config, wanted: Programme, now: datetime) -> Replanned:
    """Release a programme and replan, as a release does."""
    draft = await versions.save(db, wanted, by=None, origin="edit", revision=None, now=now)
    await versions.release(db, by=None, note=None, now=now, draft_revision=draft.revision)
    return await reminders.replan(db, config, now=now)


async def begin(db: AsyncSession, config: Config, it: Programme, now: datetime) -> None:
    await versions.seed(db, config, now=now)
    if it != await versions.current(db):
        await release(db, config, it, now)
    await reminders.replan(db, config, now=now)


async def post(db: AsyncSession, key: str, now: datetime) -> None:
    """Let a reminder be in Slack, as the sender records it."""
    row = (await db.scalars(select(Delivery).where(Delivery.key == key))).one()
    row.state, row.sent_at, row.shown, row.channel, row.ts = (
        DeliveryState.SENT,
        now,
        row.revision,
        "C1",
        "1.1",
    )
    row.arm(now)
    await db.flush()


async def outbox(db: AsyncSession) -> dict[str, Delivery]:
    return {row.key: row for row in await db.scalars(select(Delivery).order_by(Delivery.id))}


async def pending(db: AsyncSession) -> list[tuple[str, datetime]]:
    rows = await outbox(db)
    return [(key, row.not_before) for key, row in rows.items() if row.state is DeliveryState.PENDING]


async def text(db: AsyncSession, config: Config, row: Delivery, now: datetime) -> str | None:
    given = await reminders.COMPOSERS[row.kind](db, row.content, now=now)
    return None if given is None else Rendering(config).message(row.kind, given).text


FIVE = {"id": "five", "at": "-PT5M", "segment": "*", "late": "PT10M"}


async def test_replanning_adds_what_the_plan_says_once(database: Database, second: Config) -> None:
    async with database.begin() as db:
        await begin(db, second, Programme.from_config(second), WEEK_BEFORE)
        planned = reminders.plan(second, await versions.current(db))
        expected = {one.key: one for one in planned if one.lane != "subscribers"}
        rows = await outbox(db)
        assert rows.keys() == expected.keys()
        for key, row in rows.items():
            one = expected[key]
            assert (row.not_before, row.expires_at, row.lane, row.kind, row.due_at) == (
                one.at, one.expires_at, one.lane, one.kind, one.at,
            )  # fmt: skip
        assert await reminders.replan(db, second, now=WEEK_BEFORE) == Replanned()


async def test_a_bot_started_long_after_the_workshop_says_nothing(database: Database, config: Config) -> None:
    async with database.begin() as db:
        await begin(db, config, Programme.from_config(config), datetime(2026, 11, 25, tzinfo=UTC))
        assert await outbox(db) == {}


async def test_a_bot_started_late_says_what_is_still_worth_saying(database: Database) -> None:
    config = rules(
        {"id": "hour", "at": "-PT1H", "late": "PT40M"}, {"id": "ten", "at": "-PT10M", "late": "PT25M"}
    )
    async with database.begin() as db:
        await begin(db, config, Programme.from_config(config), instant(-8))
        (row,) = (await outbox(db)).values()
        assert row.key.startswith("reminder:ten:")
        assert "starts in 8 minutes" in str(await text(db, config, row, instant(-8)))


async def test_a_moved_segment_moves_its_pending_reminder(database: Database) -> None:
    config = rules(FIVE)
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        done = await release(db, config, programme(segment("a", 70)), instant(10))
        assert done == Replanned(added=1, cancelled=1)
        assert await pending(db) == [("reminder:five:a:20260331T131000Z", instant(65))]


async def test_moved_into_the_window_it_is_said_at_once(database: Database) -> None:
    config = rules(FIVE)
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        await release(db, config, programme(segment("a", 34)), instant(30))
        assert await pending(db) == [("reminder:five:a:20260331T123400Z", instant(29))]


async def test_a_posted_reminder_is_corrected_and_armed_again_when_its_instant_is_ahead(
    database: Database,
) -> None:
    config = rules(FIVE)
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        key = "reminder:five:a:20260331T130000Z"
        await post(db, key, instant(55))
        done = await release(db, config, programme(segment("a", 90)), instant(56))
        assert done == Replanned(added=1, corrected=1)
        row = (await outbox(db))[key]
        assert (row.task, row.due_at, row.revision) == ("update", instant(56), 2)
        words = str(await text(db, config, row, instant(56)))
        assert "A starts at another time: <!date^1774963800^" in words
        assert "(15:30 CEST), not 15:00 CEST." in words
        assert await pending(db) == [("reminder:five:a:20260331T133000Z", instant(85))]
        assert await reminders.replan(db, config, now=instant(57)) == Replanned()


async def test_a_posted_reminder_is_only_corrected_when_the_new_instant_has_passed(
    database: Database,
) -> None:
    config = rules(FIVE)
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        await post(db, "reminder:five:a:20260331T130000Z", instant(55))
        done = await release(db, config, programme(segment("a", 58)), instant(56))
        assert done == Replanned(corrected=1)
        assert await pending(db) == []


async def test_moved_back_a_reminder_is_right_again_and_one_taken_back_is_armed_again(
    database: Database,
) -> None:
    config = rules(FIVE, {"id": "hour", "at": "-PT1H", "segment": "a", "late": "PT30M"})
    async with database.begin() as db:
        at_60, at_90 = programme(segment("a", 60)), programme(segment("a", 90))
        await begin(db, config, at_60, instant(-10))
        said_hour = "reminder:hour:a:20260331T130000Z"
        await post(db, said_hour, instant(0))
        await release(db, config, at_90, instant(5))
        done = await release(db, config, at_60, instant(6))
        assert done == Replanned(added=1, moved=1, cancelled=2)
        rows = await outbox(db)
        assert "A starts in 54 minutes" in str(await text(db, config, rows[said_hour], instant(6)))
        assert await pending(db) == [("reminder:five:a:20260331T130000Z#2", instant(55))]
        await release(db, config, at_90, instant(7))
        await release(db, config, at_60, instant(8))
        assert await pending(db) == [("reminder:five:a:20260331T130000Z#3", instant(55))]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": Status.CANCELLED}, "is cancelled."),
        ({"status": Status.POSTPONED}, "is postponed."),
        ({"segments": (segment("a", 60, cancelled=True),)}, "is cancelled."),
        ({"segments": (segment("a"),)}, "no longer has a time"),
    ],
    ids=["workshop cancelled", "workshop postponed", "segment cancelled", "time withdrawn"],
)
async def test_what_is_off_vanishes_and_what_was_said_of_it_is_corrected(
    database: Database, fields: dict[str, Any], words: str
) -> None:
    config = rules(FIVE, {"id": "one", "at": "-PT1M", "segment": "*"})
    async with database.begin() as db:
        before = programme(segment("a", 60))
        await begin(db, config, before, instant(0))
        await post(db, "reminder:five:a:20260331T130000Z", instant(55))
        await release(db, config, before.model_copy(update=fields), instant(56))
        assert await pending(db) == []
        row = (await outbox(db))["reminder:five:a:20260331T130000Z"]
        assert row.task == "update"
        assert words in str(await text(db, config, row, instant(56)))


@pytest.mark.parametrize(
    ("to", "words"),
    [
        pytest.param(segment("a", 60, cancelled=True), None, id="cancelled"),
        pytest.param(segment("a", 90), None, id="later"),
        pytest.param(segment("a", 58), "starts at another time", id="earlier"),
    ],
)
async def test_what_changed_while_its_reminder_was_under_way_is_corrected_only_if_it_arrived(
    database: Database, to: Any, words: str | None
) -> None:
    config, key = rules(FIVE), "reminder:five:a:20260331T130000Z"
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        row = (await outbox(db))[key]
        claims.open_attempt(row, instant(55))
        await release(db, config, programme(to), instant(56))
        assert (row.state, row.task) == (DeliveryState.SENDING, "look")  # settled first, whatever it says
        unsent = await text(db, config, row, instant(57))
        assert unsent is None if words is None else words in str(unsent)
        await outcomes.record(db, row, Sent("C1", "1.1"), now=instant(57), on_failure=None)
        assert row.task == "update"
        assert await text(db, config, row, instant(57)) is not None


async def test_what_was_not_said_because_it_was_off_is_said_when_it_is_on_again(database: Database) -> None:
    config, key = rules(FIVE), "reminder:five:a:20260331T130000Z"
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        row = (await outbox(db))[key]
        claims.open_attempt(row, instant(55))
        await release(db, config, programme(segment("a", 60, cancelled=True)), instant(55))
        await outcomes.record(db, row, Unwanted(), now=instant(56), on_failure=None)
        await release(db, config, programme(segment("a", 60)), instant(57))
        assert await pending(db) == [(f"{key}#2", instant(55))]
        assert await reminders.replan(db, config, now=instant(57)) == Replanned()


async def test_what_was_too_late_stays_unsaid(database: Database) -> None:
    config = rules(FIVE)
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        for row in (await outbox(db)).values():
            await close(db, row, DeliveryState.DROPPED, "too late")
        assert await reminders.replan(db, config, now=instant(66)) == Replanned()


async def test_history_is_left_alone(database: Database) -> None:
    config = rules(FIVE)
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        await post(db, "reminder:five:a:20260331T130000Z", instant(55))
        done = await release(db, config, programme(segment("a", 62)), instant(100))
        assert done == Replanned()


async def test_a_reminder_whose_rule_is_gone_is_taken_back_and_a_changed_rule_moves_it(
    database: Database,
) -> None:
    both = rules(FIVE, {"id": "one", "at": "-PT1M", "segment": "*"})
    changed = rules(FIVE | {"at": "-PT15M", "audience": "moderators"})
    async with database.begin() as db:
        await begin(db, both, programme(segment("a", 60)), instant(0))
        assert await reminders.replan(db, changed, now=instant(1)) == Replanned(moved=1, cancelled=1)
        row = (await outbox(db))["reminder:five:a:20260331T130000Z"]
        assert (row.not_before, row.due_at, row.lane, row.kind) == (
            instant(45),
            instant(45),
            "channel:moderators",
            "reminders/moderators",
        )


async def test_what_has_moved_between_planning_and_posting_is_not_said(database: Database) -> None:
    config = rules(FIVE)
    async with database.begin() as db:
        await begin(db, config, programme(segment("a", 60)), instant(0))
        (row,) = (await outbox(db)).values()
        draft = await versions.save(
            db, programme(segment("a", 90)), by=None, origin="edit", revision=None, now=instant(1)
        )
        await versions.release(db, by=None, note=None, now=instant(1), draft_revision=draft.revision)
        assert await text(db, config, row, instant(55)) is None


# --- one's own ---------------------------------------------------------------------------------------


@pytest.fixture
async def ada(database: Database, second: Config) -> Person:
    async with database.begin() as db:
        await begin(db, second, Programme.from_config(second), WEEK_BEFORE)
        return await people.get_or_add(db, "U1ADA", now=WEEK_BEFORE)


async def own(db: AsyncSession, person: Person) -> list[tuple[str, datetime]]:
    return [
        (key.split(":")[2], at)
        for key, at in await pending(db)
        if key.startswith("reminder:@personal:") and key.partition("#")[0].endswith(f":{person.id}")
    ]


async def test_a_subscriber_is_reminded_before_the_start_and_each_later_segment(
    database: Database, second: Config, ada: Person
) -> None:
    async with database.begin() as db:
        person = await db.merge(ada)
        assert await own(db, person) == []
        await reminders.subscribe(db, person, second, minutes=15, now=WEEK_BEFORE)
        assert await own(db, person) == [
            ("-", instant(-15)),
            ("messen", instant(5)),
            ("podium", instant(105)),
        ]
        rows = [row for row in (await outbox(db)).values() if row.lane == f"person:{person.id}"]
        assert {row.priority for row in rows} == {90}
        assert [row.key for row in rows if ":mine:" in row.key] == [
            f"reminder:mine:podium:20260331T140000Z:{person.id}"
        ], "the rule for subscribers"
        await reminders.subscribe(db, person, second, minutes=5, now=WEEK_BEFORE)
        assert await own(db, person) == [
            ("-", instant(-5)),
            ("messen", instant(15)),
            ("podium", instant(115)),
        ]
        await reminders.subscribe(db, person, second, minutes=None, now=WEEK_BEFORE)
        assert await own(db, person) == []
        await reminders.subscribe(db, person, second, minutes=5, now=WEEK_BEFORE)
        assert len(await own(db, person)) == 3


@pytest.mark.parametrize("minutes", [0, -5, 1441])
async def test_a_lead_time_out_of_range_is_refused(
    database: Database, second: Config, ada: Person, minutes: int
) -> None:
    async with database.begin() as db:
        person = await db.merge(ada)
        with pytest.raises(Invalid) as caught:
            await reminders.subscribe(db, person, second, minutes=minutes, now=WEEK_BEFORE)
        assert caught.value.values == {"longest": reminders.LONGEST_LEAD}
        assert person.remind_minutes is None


async def test_stars_choose_which_segments_remind(database: Database, second: Config, ada: Person) -> None:
    async with database.begin() as db:
        person = await db.merge(ada)
        assert await reminders.star(db, person, second, segment_id="podium", now=WEEK_BEFORE)
        assert person.remind_minutes == 10
        assert await own(db, person) == [("podium", instant(110))]
        assert await reminders.star(db, person, second, segment_id="messen", now=WEEK_BEFORE)
        assert await own(db, person) == [("podium", instant(110)), ("messen", instant(10))]
        assert not await reminders.star(db, person, second, segment_id="podium", now=WEEK_BEFORE)
        assert not await reminders.star(db, person, second, segment_id="messen", now=WEEK_BEFORE)
        assert await own(db, person) == []
        assert person.remind_minutes is None
        with pytest.raises(NotFound, match="no_such_segment"):
            await reminders.star(db, person, second, segment_id="nowhere", now=WEEK_BEFORE)


async def test_who_subscribes_late_is_told_at_once_but_not_of_what_has_begun(
    database: Database, second: Config, ada: Person
) -> None:
    async with database.begin() as db:
        person = await db.merge(ada)
        await reminders.subscribe(db, person, second, minutes=15, now=instant(15))
        assert await own(db, person) == [("messen", instant(5)), ("podium", instant(105))]
        row = next(row for key, row in (await outbox(db)).items() if "@personal:messen" in key)
        assert "Messen &amp; Vergleichen 🌱 starts in 5 minutes" in str(
            await text(db, second, row, instant(15))
        )


async def test_to_very_many_it_begins_early_enough_for_the_last_and_nobody_is_moved_by_one_more(
    database: Database, second: Config, ada: Person
) -> None:
    crowd, lead = 1000, timedelta(minutes=10)
    async with database.begin() as db:
        db.add_all(
            Person(slack_id=f"U1CROWD{n:04}", met_at=WEEK_BEFORE, stars=[], remind_minutes=10)
            for n in range(crowd)
        )
        await db.flush()
        await reminders.replan(db, second, now=WEEK_BEFORE)
        rows = [row for row in (await outbox(db)).values() if "@personal:messen:" in row.key]
        starts = sorted(row.not_before for row in rows)
        last = instant(20) - lead
        assert starts[-1] == last
        assert starts[0] == last - time_for(crowd, second.limits)
        pace = rates(second.limits)["post"]
        assert all(last - start >= pace.spacing * (n - pace.burst) for n, start in enumerate(starts[::-1]))
        person = await db.merge(ada)
        await reminders.subscribe(db, person, second, minutes=10, now=WEEK_BEFORE)
        after = {row.key: row.not_before for row in (await outbox(db)).values()}
        assert all(after[row.key] == row.not_before for row in rows)


async def test_a_release_moves_and_corrects_personal_reminders_too(
    database: Database, second: Config, ada: Person
) -> None:
    async with database.begin() as db:
        person = await db.merge(ada)
        await reminders.subscribe(db, person, second, minutes=10, now=WEEK_BEFORE)
        key = f"reminder:@personal:messen:20260331T122000Z:{person.id}"
        await post(db, key, instant(10))
        it = await versions.current(db)
        segments = tuple(
            s.model_copy(update={"starts": instant(40)}) if s.id == "messen" else s for s in it.segments
        )
        await release(db, second, it.model_copy(update={"segments": segments}), instant(12))
        row = (await outbox(db))[key]
        assert (row.kind, row.task) == ("reminders/corrected", "update")
        assert ("messen", instant(30)) in await own(db, person)


@pytest.mark.parametrize(
    "forget",
    [lambda p: setattr(p, "muted", True), lambda p: setattr(p, "slack_id", None)],
    ids=["muted", "erased"],
)
async def test_who_is_muted_or_erased_is_not_reminded(
    database: Database, second: Config, ada: Person, forget: Callable[[Person], None]
) -> None:
    async with database.begin() as db:
        person = await db.merge(ada)
        await reminders.subscribe(db, person, second, minutes=10, now=WEEK_BEFORE)
        forget(person)
        await db.flush()
        await reminders.replan(db, second, now=WEEK_BEFORE)
        assert await own(db, person) == []
