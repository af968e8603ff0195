"""The board's own controls, in the App Home and in the review form: filters, pages, search, many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot import home
from bot.errors import Invalid
from bot.programme import versions
from bot.questions import board, life
from bot.questions.deeds import Deed, Wish
from bot.store.intake import first_time
from handlers.desk import Desk, state_value, view_key
from handlers.modals import open_modal, redraw
from handlers.numbers import reference

SHOW, SORT, LABEL = "questions.show", "questions.sort", "questions.label_filter"
PAGE_BACK, PAGE_ON = "questions.page_back", "questions.page_on"
SEARCH, SEARCH_MODAL = "questions.search", "questions.search_modal"
BULK, BULK_MODAL = "questions.bulk", "questions.bulk_modal"
REFRESH, REVIEW, REVIEW_MODAL = "questions.refresh", "questions.board", "questions.review"
BULK_DEEDS = frozenset({Deed.APPROVE, Deed.QUEUE, Deed.DEFER, Deed.HOLD, Deed.DECLINE})
BULK_AT_MOST = 100  # options of one select menu
ANY = "-"


def register(app: AsyncApp) -> None:
    """Bind the board's entries."""
    for id_ in (SHOW, SORT, LABEL, REFRESH):
        app.action(id_)(turned)
    app.action(PAGE_BACK)(paged)
    app.action(PAGE_ON)(paged)
    app.action(SEARCH)(search_pressed)
    app.view(SEARCH_MODAL)(searched)
    app.action(BULK)(bulk_pressed)
    app.view(BULK_MODAL)(bulk_filled_in)
    app.action(REVIEW)(review_pressed)


async def turned(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """A filter or the order was chosen, or *Refresh* pressed."""
    user, action = body["user"]["id"], body["actions"][0]
    await desk.require_moderator(user)
    chosen = (action.get("selected_option") or {}).get("value") or ""
    async with desk.database.begin() as db:
        person = await desk.person(db, user)
        view = await board.look(db, person)
        if action["action_id"] == SHOW and chosen in board.SHOWN:
            view.show, view.page = chosen, 0
        elif action["action_id"] == SORT and chosen in board.SORTS:
            view.sort, view.page = chosen, 0
        elif action["action_id"] == LABEL:
            view.label, view.page = (None if chosen == ANY else chosen[:40]), 0
        await home.refresh(db, person, now=desk.now())
    await ack()
    desk.nudge()


async def paged(ack: AsyncAck, body: dict[str, Any], desk: Desk) -> None:
    """Another page of the board, or of the list to vote on."""
    value = str(body["actions"][0].get("value") or "")
    async with desk.database.begin() as db:
        person = await desk.person(db, body["user"]["id"])
        view = await board.look(db, person)
        view.page = int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 0
        await home.refresh(db, person, now=desk.now())
    await ack()
    desk.nudge()


async def search_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Search…*: a form for the words."""
    await desk.require_moderator(body["user"]["id"])
    async with desk.database.begin() as db:
        view = await board.look(db, await desk.person(db, body["user"]["id"]))
    values = {"callback": SEARCH_MODAL, "search": view.search}
    form = desk.rendering.view("questions/search", values)
    await open_modal(client, body["trigger_id"], form, instead="questions search")
    await ack()


async def searched(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    """The words to search for; none shows everything again."""
    await desk.require_moderator(body["user"]["id"])
    words = " ".join(str(state_value(view, "search") or "").split())[:100]
    async with desk.database.begin() as db:
        person = await desk.person(db, body["user"]["id"])
        look = await board.look(db, person)
        look.search, look.page = words or None, 0
        if words:
            look.show = "all"
        await home.refresh(db, person, now=desk.now())
    await ack()
    desk.nudge()


async def bulk_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Many at once…*: a form with the questions of the list as it is filtered now."""
    await desk.require_moderator(body["user"]["id"])
    async with desk.database.begin() as db:
        look = await board.look(db, await desk.person(db, body["user"]["id"]))
        page = await board.page(
            db,
            programme=await versions.current(db),
            now=desk.now(),
            show=look.show,
            sort=look.sort,
            label=look.label,
            search=look.search,
            size=BULK_AT_MOST,
        )
    if not page.pictures:
        raise Invalid("no_such_list", field="which", lists=list(board.SHOWN))
    values = {"callback": BULK_MODAL, "pictures": page.pictures}
    await open_modal(client, body["trigger_id"], desk.rendering.view("questions/bulk", values))
    await ack()


async def bulk_filled_in(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], desk: Desk) -> None:
    """One deed to many questions; those somebody was faster with are left and named."""
    user, now = body["user"]["id"], desk.now()
    await desk.require_moderator(user)
    deed, reason = state_value(view, "deed"), state_value(view, "reason") or None
    if deed not in BULK_DEEDS:
        raise Invalid("no_such_choice", field="deed")
    seen = [reference(value) for value in state_value(view, "which") or []][:BULK_AT_MOST]
    values: dict[str, Any] = {"deed": str(deed), "changed": [], "refused": []}
    async with desk.database.begin() as db:
        if await first_time(db, view_key(body), now=now):
            by = await desk.person(db, user)
            values["changed"], values["refused"] = await life.do_many(
                db, Deed(deed), seen, by=by, moderates=True, now=now, wish=Wish(reason=reason)
            )
            await home.refresh(db, by, now=now)
    desk.nudge()
    if values["refused"]:
        sentence = desk.rendering.message("questions/many", values).text
        await ack(
            response_action="update", view=desk.rendering.view("questions/told", {"sentence": sentence})
        )
    else:
        await ack()


async def review_pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """*Review them* under the digest: the oldest waiting questions, with their buttons, in a form."""
    await desk.require_moderator(body["user"]["id"])
    await open_modal(client, body["trigger_id"], await review(desk), instead="questions waiting")
    await ack()


def in_review(body: Mapping[str, Any]) -> bool:
    """Whether it was pressed in the review form."""
    return (body.get("view") or {}).get("callback_id") == REVIEW_MODAL


async def redraw_review(client: AsyncWebClient, view_id: str, desk: Desk, said: str = "") -> None:
    """The review form as it is now, with what is to be said of what was pressed in it.

    Other places are refreshed by the outbox.
    """
    await redraw(client, view_id, await review(desk, said))


async def review(desk: Desk, said: str = "") -> dict[str, Any]:
    """The review form as it is now."""
    async with desk.database.read() as db:
        page = await board.page(db, programme=await versions.current(db), now=desk.now(), size=board.PAGE)
        entries = await board.entries(db, page.pictures)
    values = {"callback": REVIEW_MODAL, "page": page, "entries": entries, "now": desk.now(), "said": said}
    return desk.rendering.view("questions/review", values)
