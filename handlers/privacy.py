"""`/workshop forget me`: a person has the bot forget them; asked for again before it is done."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import privacy
from bot.errors import Invalid
from handlers.desk import Call, Desk, Reply
from handlers.errors import tell

FORGET = "privacy.forget"


def register(app: AsyncApp) -> None:
    """Bind the entry of the confirmation."""
    app.action(FORGET)(confirmed)


async def forget(call: Call) -> Reply:
    """`/workshop forget me`: says what will go, with a button; nothing is changed yet."""
    if call.words.lower() != "me":
        raise Invalid("forget_whom", field="forget")
    return call.desk.rendering.message("privacy/forget", {"action": FORGET})


async def confirmed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """The button under it: done at once, and said to them alone. No mark of the click is kept."""
    async with desk.database.begin() as db:
        person = await privacy.known(db, body["user"]["id"])
        done = None if person is None else await privacy.erase(db, person, now=desk.now())
    await desk.database.overwrite_removed()
    await ack()
    desk.nudge()
    await tell(client, body, desk.rendering.text("privacy/forgotten.txt.j2", {"done": done}))


COMMANDS = {"forget": forget}
