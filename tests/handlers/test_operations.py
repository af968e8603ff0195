"""What organisers do to the bot itself, through Slack."""

from __future__ import annotations

from bot.delivery import outbox
from bot.store.tables import DeliveryState
from tests.handlers.conftest import ORGANISER, PARTICIPANT, House


async def test_an_organiser_tries_again_what_could_not_be_posted(house: House) -> None:
    organiser = house.person(ORGANISER)
    house.workspace.faults.arm({"method": "chat.postMessage", "kind": "error", "error": "is_archived"})
    async with house.bot.desk.database.begin() as db:
        row = await outbox.add(
            db,
            key="failing",
            kind="operations/paused",
            lane="channel:participants",
            content={"paused": False, "waiting": 0},
            now=house.clock.now(),
        )
    await house.settle()
    channel = house.config.channels.organisers
    notice = organiser.messages(channel)[-1]
    assert "the channel is archived" in notice["text"]
    stranger = house.person(PARTICIPANT)
    await organiser.click("delivery.retry", channel=channel, ts=notice["ts"])
    await house.settle()
    async with house.bot.desk.database.read() as db:
        sent = await outbox.find(db, "failing")
    assert sent is not None
    assert (sent.id, sent.state) == (row.id, DeliveryState.SENT)
    assert "Resumed" in stranger.messages(house.config.channels.participants)[-1]["text"]
