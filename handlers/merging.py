"""Questions that ask much the same, as moderators merge them: a form with a button for each group."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot import home
from bot.questions import life, similar
from bot.questions.deeds import Deed, Wish
from bot.store.intake import first_time
from handlers import board
from handlers.desk import Call, Desk, Reply, action_key
from handlers.modals import open_modal, redraw
from handlers.numbers import number_in, reference

SIMILAR, SIMILAR_MODAL, MERGE_GROUP = "questions.similar", "questions.similar_modal", "questions.merge_group"
SHOWN = 20  # groups a form: four blocks each at most, and a view takes a hundred
LISTED = 10


def register(app: AsyncApp) -> None:
    """Bind the entries of merging."""
    app.action(SIMILAR)(similar_pressed)
    app.action(MERGE_GROUP)(group_pressed)


async def similar_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Similar ones…*, on the board and in the review form."""
    await desk.require_moderator(body["user"]["id"])
    view = await _form(desk)
    on_top = board.in_review(body)
    await open_modal(client, body["trigger_id"], view, instead="questions similar", on_top=on_top)
    await ack()


async def group_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Merge 7, 9 into 3*: all of them, except those that changed since the form was drawn."""
    user, now = body["user"]["id"], desk.now()
    await desk.require_moderator(user)
    into, others = _read(str(body["actions"][0].get("value") or ""))
    merged: list[int] = []
    refused: list[int] = []
    async with desk.database.begin() as db:
        if await first_time(db, action_key(body), now=now):
            by, wish = await desk.person(db, user), Wish(target=into)
            merged, refused = await life.do_many(
                db, Deed.MERGE, others, by=by, moderates=True, now=now, wish=wish
            )
            await home.refresh(db, by, now=now)
    desk.nudge()
    view = body.get("view") or {}
    values = {"deed": "merge", "changed": merged, "refused": refused}
    said = desk.rendering.message("questions/many", values).text
    desk.later(_redraw(client, str(view.get("id")), desk, said))
    if below := view.get("previous_view_id"):
        desk.later(board.redraw_review(client, below, desk))
    await ack()


async def _redraw(client: AsyncWebClient, view_id: str, desk: Desk, said: str) -> None:
    await redraw(client, view_id, await _form(desk, said))


async def listed(call: Call) -> Reply:
    """`/workshop questions similar`."""
    async with call.desk.database.read() as db:
        found = await similar.groups(db)
    values = {"groups": found[:LISTED], "more": len(found[LISTED:])}
    return call.desk.rendering.message("questions/similar_listed", values)


async def _form(desk: Desk, said: str = "") -> dict[str, Any]:
    async with desk.database.read() as db:
        found = await similar.groups(db)
    values = {
        "callback": SIMILAR_MODAL,
        "groups": found[:SHOWN],
        "more": len(found[SHOWN:]),
        "said": said,
    }
    return desk.rendering.view("questions/similar", values)


def _read(value: str) -> tuple[int, list[tuple[int, int | None]]]:
    """What a button carries: the number that stands for the others, and those as they were seen."""
    into, _, others = value.partition(" ")
    seen: list[tuple[int, int | None]] = [reference(each) for each in others.split(",")]
    return number_in(into), seen
