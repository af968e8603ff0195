"""More requests than there is time for: who was told that it failed is not served behind their back."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from bot.rehearsal.state import Member
from bot.store.tables import Question
from handlers import bolt, modals
from tests.handlers.conftest import OTHER, PARTICIPANT, House

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("turn_within", "takes"), [(0.1, 0.0), (bolt.TURN_WITHIN, 1.4)], ids=["too late", "requests take long"]
)
async def test_whose_turn_does_not_come_is_turned_away_and_nothing_of_it_is_stored(
    house: House, turn_within: float, takes: float
) -> None:
    requests = house.bot.bolt
    requests.turns, requests.turn_within, requests.takes = bolt.Turns(1), turn_within, takes
    async with house.bot.desk.database.begin():  # no other transaction can write
        first = asyncio.create_task(
            house.person(PARTICIPANT).command("/workshop question Is the first one stored?")
        )
        while not requests.at_work:  # noqa: ASYNC110 - it arrives over a socket
            await asyncio.sleep(0.01)
        second = asyncio.create_task(house.person(OTHER).command("/workshop question Is the second?"))
        while not requests.turned_away:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (await first)["acknowledged"]
    assert not (await second)["acknowledged"]
    async with house.bot.desk.database.read() as db:
        assert (await db.scalars(select(Question.text))).all() == ["Is the first one stored?"]
    again = await house.person(OTHER).command("/workshop question Is the second?")
    assert again["acknowledged"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("crowded", [False, True])
async def test_a_turn_is_waited_for_less_where_none_was_free_for_long(house: House, crowded: bool) -> None:
    requests = house.bot.bolt
    requests.turns = bolt.Turns(1)
    async with house.bot.desk.database.begin():  # no other transaction can write
        first = asyncio.create_task(
            house.person(PARTICIPANT).command("/workshop question Is the first one stored?")
        )
        while not requests.at_work:  # noqa: ASYNC110 - it arrives over a socket
            await asyncio.sleep(0.01)
        if crowded:
            requests.turns._free_at -= bolt.TURN_WITHIN  # as if two more seconds had passed
        second = asyncio.create_task(house.person(OTHER).command("/workshop question Is the second?"))
        while requests.at_work < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(bolt.CROWDED_WITHIN + 0.3)
        assert bool(requests.turned_away) == crowded
    assert (await first)["acknowledged"]
    assert (await second)["acknowledged"] != crowded
    await house.settle()
    assert requests.turns.locked() is False
    third = await house.person(OTHER).command("/workshop question Is the third?")
    assert third["acknowledged"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_crowd_of_presses_keeps_no_question_out(house: House) -> None:
    requests = house.bot.bolt
    crowd = [f"U0CROWD{n:03}" for n in range(bolt.AT_ONCE + 5)]
    house.workspace.state.members |= {id_: Member(id_, id_, id_, "Europe/Zurich") for id_ in crowd}
    async with house.bot.desk.database.begin():  # no other transaction can write
        saying = asyncio.gather(*(house.person(id_).say("bot", "Is it free?") for id_ in crowd))
        while requests.at_work < len(crowd):  # noqa: ASYNC110 - they arrive over sockets
            await asyncio.sleep(0.01)
        assert requests.presses.locked()
        asked = asyncio.create_task(
            house.person(PARTICIPANT).command("/workshop question Is this one stored?")
        )
        while requests.at_work == len(crowd):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert not requests.turns.locked()
    assert (await asked)["acknowledged"]
    await saying
    await house.settle()
    async with house.bot.desk.database.read() as db:
        assert (await db.scalars(select(Question.text))).all() == ["Is this one stored?"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_comes_too_late_for_the_person_is_not_stored_and_an_event_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack tells the person that it failed, who does it again; an event it delivers again by itself."""
    monkeypatch.setattr(bolt, "ANSWERED_WITHIN", 0.3)
    person, other = house.person(PARTICIPANT), house.person(OTHER)
    async with house.bot.desk.database.begin():  # no other transaction can write
        late = asyncio.create_task(person.command("/workshop question Is the late one stored?"))
        said = await other.say("bot", "Is it free?")
        while house.bot.bolt.at_work < 2:  # noqa: ASYNC110 - they arrive over a socket
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
    assert not (await late)["acknowledged"]
    await house.settle()
    async with house.bot.desk.database.read() as db:
        assert (await db.scalars(select(Question.text))).all() == []
    assert "free of charge" in other.thread("bot", said["ts"])[1]["text"]
    monkeypatch.undo()
    assert (await person.command("/workshop question Is the late one stored?"))["acknowledged"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_waits_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bolt, "MOST_AT_WORK", 3)
    crowd = [house.person(OTHER).command(f"/workshop question Is number {n} stored?") for n in range(12)]
    async with house.bot.desk.database.begin():
        waiting = asyncio.gather(*crowd)
        while house.bot.bolt.turned_away < 9:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    answers = await waiting
    async with house.bot.desk.database.read() as db:
        stored = await db.scalar(select(func.count()).select_from(Question))
    assert sum(answer["acknowledged"] for answer in answers) == 3
    assert stored is not None
    assert stored <= 3  # the limit per person applies too


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_form_that_may_be_in_time_does_not_wait_longer_than_slack_says(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack's library waits up to a second more, by chance, and then the press is forgotten."""
    monkeypatch.setattr("random.random", lambda: 0.999)
    house.workspace.faults.arm({"method": "views.open", "kind": "ratelimited", "count": 1, "seconds": 1})
    person = house.person(OTHER)
    await person.shortcut("questions.ask")
    await house.settle()
    assert person.views()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("seconds", "opened"), [(1, modals.WAITING), (30, 0)])
async def test_few_wait_for_a_form_that_slack_puts_off_and_the_others_are_told_at_once(
    house: House, seconds: int, opened: int
) -> None:
    """Who waits holds one of the turns of all requests; half a minute later the press is forgotten."""
    ids = [f"U0CROWD{n:03}" for n in range(modals.WAITING + 4)]
    house.workspace.state.members |= {id_: Member(id_, id_.lower(), id_, "Europe/Zurich") for id_ in ids}
    people = [house.person(id_) for id_ in ids]
    fault = house.workspace.faults.arm(
        {"method": "views.open", "kind": "ratelimited", "count": len(people), "seconds": seconds}
    )
    await asyncio.gather(*(person.shortcut("questions.ask") for person in people))
    await house.settle()
    assert fault.hits == len(people)
    told = [person for person in people if "`/workshop question`" in "".join(house.texts(person, "bot"))]
    assert sum(bool(person.views()) for person in people) == opened
    assert len(told) == len(people) - opened
