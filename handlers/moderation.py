"""What moderators do with questions: buttons, forms and commands. Each looks the role up at the deed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncSession

from bot import home
from bot.errors import Invalid, Refusal
from bot.programme import versions
from bot.questions import beside, board, life, similar, stage, windows
from bot.questions.deeds import Deed, Wish
from bot.questions.picture import draw_one
from bot.questions.undo import undo
from bot.rendering import Mrkdwn
from bot.store.intake import first_time
from bot.store.tables import Person, Question
from handlers import board as board_controls
from handlers import merging
from handlers.desk import Call, Desk, Reply, action_key, state_value, view_key
from handlers.errors import explain
from handlers.modals import open_modal
from handlers.numbers import number_and_rest, number_in, reference
from handlers.panel_answers import publish_summary

PREFIX = "questions."
MORE, DEED_MODAL = "questions.more", "questions.deed"
BUTTONS = ("approve", "queue", "next", "stage", "answer", "reopen", "claim", "undo", "decline")
LISTED = 15


@dataclass(frozen=True, slots=True)
class Field:
    """The one thing a deed's form asks for."""

    name: str  # block id, and the argument it becomes
    label: str
    title: str
    required: bool = True
    multiline: bool = True


FORMS = {
    "decline": Field("reason", "Why? The asker reads this.", "Decline"),
    "hold": Field("reason", "Why? The asker reads this.", "Hold for review", required=False),
    "answer_text": Field("answer", "The answer, as everybody reads it", "Answer in writing"),
    "edit": Field("text", "The question, with its typos mended", "Mend the wording"),
    "merge": Field("target", "The number of the question that stands for it", "Merge", multiline=False),
    "assign": Field("speaker", "Who is it for?", "Assign", required=False, multiline=False),
    "label": Field("labels", "Labels, separated by commas", "Labels", required=False, multiline=False),
    "note": Field("note", "A note that only moderators see", "Note to colleagues"),
    "clarify": Field(
        "clarification", "What would you like to know? Your name is not shown.", "Ask the asker"
    ),
}


def register(app: AsyncApp) -> None:
    """Bind moderators' entries."""
    for name in BUTTONS:
        app.action(PREFIX + name)(pressed)
    app.action(MORE)(pressed)
    app.view(DEED_MODAL)(filled_in)
    board_controls.register(app)
    merging.register(app)


async def pressed(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
    """A button or menu entry on a question: the deed is done, or its form opens."""
    action = body["actions"][0]
    if action["action_id"] == MORE:
        value = (action.get("selected_option") or {}).get("value") or ""
        deed, _, seen = value.partition(":")
    else:
        deed, seen = action["action_id"].removeprefix(PREFIX), action.get("value") or ""
    number, revision = reference(seen)
    await desk.require_moderator(body["user"]["id"])
    if deed in FORMS:
        await _open_deed_form(desk, client, body, deed, number, revision)
    else:
        desk.later(desk.acquaint(body["user"]["id"]))
        said = ""
        try:
            await _carry_out(
                desk, deed, number, "", user=body["user"]["id"], revision=revision, key=action_key(body)
            )
        except Refusal as refusal:  # in the form it stands where the moderator looks
            if not board_controls.in_review(body):
                raise
            said = explain(desk, refusal)
        if board_controls.in_review(body):
            desk.later(board_controls.redraw_review(client, body["view"]["id"], desk, said))
    await ack()


async def filled_in(
    ack: AsyncAck, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient, desk: Desk
) -> None:
    """The form of a deed was sent."""
    deed, _, seen = str(view.get("private_metadata") or "").partition(":")
    number, revision = reference(seen)
    await desk.require_moderator(body["user"]["id"])
    field = FORMS.get(deed)
    given = (state_value(view, field.name) or "") if field else ""
    desk.later(desk.acquaint(body["user"]["id"]))
    await _carry_out(
        desk, deed, number, given, user=body["user"]["id"], revision=revision, key=view_key(body)
    )
    if below := view.get("previous_view_id"):  # the review form: no other leads here
        desk.later(board_controls.redraw_review(client, below, desk))
    await ack()


async def command(call: Call, deed: str) -> Reply:
    """`/workshop <deed> N …`: what the button does, on the question as it is now."""
    await call.desk.require_moderator(call.user)
    if deed == "stage" and call.words.lower() in ("link", "revoke"):
        return await _stage_link(call, revoke=call.words.lower() == "revoke")
    number, rest = number_and_rest(call.words)
    if deed == "answer" and rest:
        deed = "answer_text"
    call.desk.later(call.desk.acquaint(call.user))
    await _carry_out(call.desk, deed, number, rest, user=call.user, revision=None, key=call.key)
    return await done(call, number, deed)


async def done(call: Call, number: int, deed: str) -> Reply:
    """What became of the question, and what the deed did beside it, to the one who typed the command."""
    desk, now = call.desk, call.desk.now()
    async with desk.database.read() as db:
        programme = await versions.current(db)
        question = await life.get(db, number)
        picture = await draw_one(db, question, programme=programme, audience="participants", now=now)
    desk.nudge()
    return desk.rendering.message("questions/done", {"q": picture, "deed": deed})


async def questions(call: Call) -> Reply:
    """`/workshop questions [waiting|…|search WORDS|similar|switch WHAT HOW|defer|summary]` for moderators."""
    desk, now = call.desk, call.desk.now()
    await desk.require_moderator(call.user)
    word, _, rest = call.words.partition(" ")
    word = word.lower() or "waiting"
    if word == "switch":
        return await _switch(call, rest)
    if word == "defer":
        return await _defer_the_rest(call)
    if word == "summary":
        return await publish_summary(call)
    if word == "similar":
        return await merging.listed(call)
    if word not in board.SHOWN and word != "search":
        raise Invalid("no_such_list", field="list", lists=[*board.SHOWN, "search", "similar"])
    async with desk.database.read() as db:
        programme = await versions.current(db)
        show, search = ("all", rest or None) if word == "search" else (word, None)
        page = await board.page(db, programme=programme, now=now, show=show, search=search, size=LISTED)
        lines = [
            (segment, await windows.queue_line(db, segment, programme=programme, now=now))
            for segment in programme.taking_questions()
        ]
    return desk.rendering.message("questions/list", {"show": word, "page": page, "lines": lines})


async def _defer_the_rest(call: Call) -> Reply:
    """Time ran out: whatever is approved and was not taken gets a written answer later."""
    desk, now = call.desk, call.desk.now()
    async with desk.database.begin() as db:
        if not await first_time(db, call.key, now=now):
            return None
        by = await desk.person(db, call.user)
        approved = [(number, None) for number in await board.numbers(db, show="approved")]
        deferred, _ = await life.do_many(db, Deed.DEFER, approved, by=by, moderates=True, now=now)
    desk.nudge()
    return desk.rendering.message("questions/many", {"deed": "defer", "changed": deferred, "refused": []})


async def advance(call: Call) -> Reply:
    """`/workshop advance`: what is on stage is answered, what is next goes on stage."""
    desk, now = call.desk, call.desk.now()
    await desk.require_moderator(call.user)
    async with desk.database.begin() as db:
        if not await first_time(db, call.key, now=now):
            return None
        programme = await versions.current(db)
        segment = board.segment_for_stage(programme, call.words or None, now=now)
        by = await desk.person(db, call.user)
        stage = await life.advance(db, segment.id, by=by, moderates=True, now=now)
        current = await db.get(Question, stage.current_id) if stage.current_id else None
    desk.nudge()
    return desk.rendering.message("questions/advanced", {"number": current.number if current else None})


COMMANDS: dict[str, Callable[[Call], Awaitable[Reply]]] = {
    word: partial(command, deed=deed)
    for word, deed in {
        "approve": "approve",
        "hold": "hold",
        "decline": "decline",
        "queue": "queue",
        "unqueue": "unqueue",
        "next": "next",
        "stage": "stage",
        "answered": "answer",
        "defer": "defer",
        "merge": "merge",
        "edit": "edit",
        "reopen": "reopen",
        "undo": "undo",
        "claim": "claim",
        "unclaim": "unclaim",
        "assign": "assign",
        "label": "label",
        "note": "note",
        "clarify": "clarify",
        "mute": "mute",
        "unmute": "unmute",
    }.items()
} | {"advance": advance}


async def _carry_out(
    desk: Desk, deed: str, number: int, given: str, *, user: str, revision: int | None, key: str
) -> None:
    """One deed in one transaction; a repeated click or submission changes nothing."""
    now = desk.now()
    async with desk.database.begin() as db:
        if await first_time(db, key, now=now):
            by = await desk.person(db, user)
            await _deed(db, desk, deed, number, given, by=by, revision=revision)
            await home.refresh(db, by, now=now)
    desk.nudge()


async def _deed(
    db: AsyncSession, desk: Desk, deed: str, number: int, given: str, *, by: Person, revision: int | None
) -> Question:
    now, wish = desk.now(), Wish()
    match deed:
        case "undo":
            return await undo(db, number, by=by, moderates=True, now=now, revision=revision)
        case "claim":
            return await beside.claim(db, number, by=by, moderates=True, config=desk.config, now=now)
        case "unclaim":
            return await beside.unclaim(db, number, by=by, moderates=True, now=now)
        case "assign":
            return await beside.assign(db, number, by=by, moderates=True, speaker=given, now=now)
        case "label":
            return await beside.label(db, number, by=by, moderates=True, labels=given.split(","), now=now)
        case "note":
            return await beside.note(db, number, by=by, moderates=True, text=given, now=now)
        case "clarify":
            return await beside.clarify(db, number, by=by, moderates=True, text=given, now=now)
        case "mute" | "unmute":
            return await beside.mute(db, number, by=by, moderates=True, muted=deed == "mute", now=now)
        case "decline" | "hold":
            wish = Wish(reason=given or None)
        case "answer_text":
            deed, wish = "answer", Wish(text=given)
        case "edit":
            wish = Wish(text=given)
        case "merge":
            if not given:
                raise Invalid("merge_into_what", field="target", number=number)
            wish = Wish(target=number_in(given))
    if deed not in set(Deed):
        raise Invalid("which_question", field="number")
    return await life.do(db, Deed(deed), number, by=by, moderates=True, now=now, revision=revision, wish=wish)


async def _open_deed_form(
    desk: Desk, client: AsyncWebClient, body: Mapping[str, Any], deed: str, number: int, revision: int
) -> None:
    async with desk.database.read() as db:
        question = await life.get(db, number)
        now = desk.now()
        picture = await draw_one(
            db, question, programme=await versions.current(db), audience="moderators", now=now
        )
        alike = []
        if deed == "merge":
            alike = await similar.find(
                db,
                question.text,
                segment_id=question.segment_id,
                states=similar.COMPARED_BY_MODERATORS,
                other_than=number,
            )
    initial = {
        "edit": picture.text,
        "assign": picture.assigned_to or "",
        "label": ", ".join(picture.labels),
        "answer_text": picture.answer or "",
        "merge": str(alike[0].number) if alike else "",
    }
    values = {
        "callback": DEED_MODAL,
        "metadata": f"{deed}:{number}:{revision}",
        "field": FORMS[deed],
        "q": picture,
        "alike": alike,
        "initial": initial.get(deed, ""),
    }
    command = {"answer_text": "answered"}.get(deed, deed)
    form = desk.rendering.view("questions/deed", values)
    await open_modal(
        client,
        body["trigger_id"],
        form,
        instead=f"{command} {number}",
        on_top=board_controls.in_review(body),
    )


async def _stage_link(call: Call, *, revoke: bool) -> Reply:
    """`/workshop stage link` makes a secret link that drives the stage; `stage revoke` ends all of them."""
    desk, now = call.desk, call.desk.now()
    async with desk.database.begin() as db:
        if not await first_time(db, call.key, now=now):
            return None
        segment = board.segment_for_stage(await versions.current(db), None, now=now)
        by = await desk.person(db, call.user)
        if revoke:
            await stage.revoke_keys(db, by=by, moderates=True, now=now)
            return desk.rendering.message("questions/stage_link", {"url": "", "public": True})
        secret = await stage.make_key(db, segment, by=by, moderates=True, now=now)
    url = f"{(desk.public_url or '').rstrip('/')}/stage?segment={segment.id}#key={secret}"
    values = {"url": Mrkdwn(url), "public": desk.public_url is not None}
    return desk.rendering.message("questions/stage_link", values)


async def _switch(call: Call, words: str) -> Reply:
    desk, now = call.desk, call.desk.now()
    what, _, rest = words.strip().lower().partition(" ")
    setting, _, segment_id = rest.strip().partition(" ")
    async with desk.database.begin() as db:
        if not await first_time(db, call.key, now=now):
            return None
        programme = await versions.current(db)
        segments = [s for s in programme.taking_questions() if segment_id.strip() in ("", s.id)]
        if not segments:
            raise Invalid("no_such_panel", field="segment")
        by = await desk.person(db, call.user)
        await windows.switch(db, what, setting, segments=segments, by=by, moderates=True, now=now)
    desk.nudge()
    return desk.rendering.message(
        "questions/switched", {"what": what, "setting": setting, "segments": segments}
    )
