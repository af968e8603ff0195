"""The stage page: what is on stage, live, for everybody; and its controls, for who holds a moderator's link.

The page is rendered here and replaced piece by piece over server-sent events; without JavaScript it reloads
itself. It loads nothing from elsewhere and runs no inline script.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import segno
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.config import shipped
from bot.errors import Invalid, NotAllowed, Refusal
from bot.programme import versions
from bot.programme.model import Segment
from bot.questions import board, life, stage
from bot.questions.deeds import Deed
from bot.questions.undo import undo
from bot.store.tables import Person
from handlers.desk import Desk
from handlers.errors import explain

COOKIE = "stage_key"
COALESCED = 0.2  # wall seconds: changes this close together are shown together
LOOK_EVERY = 1.0  # wall seconds between two looks at what other processes may have changed
STILL_HERE = 15.0  # wall seconds of silence after which a comment keeps the line open
LARGEST_BODY = 4_000
STATIC = {"stage.css": "text/css", "stage.js": "text/javascript"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DEEDS = {deed.value for deed in (Deed.STAGE, Deed.NEXT, Deed.ANSWER, Deed.QUEUE, Deed.DEFER)}


def routes(desk: Desk) -> list[Route]:
    """The stage's web routes."""
    looks = _Looks(desk)

    async def shown(request: Request) -> dict[str, Any]:
        return await looks.at(request.query_params.get("segment"), request.cookies.get(COOKIE, ""))

    async def page(request: Request) -> Response:
        try:
            values = await shown(request)
        except Refusal as refusal:
            return PlainTextResponse(explain(desk, refusal), status_code=404, headers=HEADERS)
        values = values | {"join": _join_url(desk), "language": desk.config.workshop.language}
        return Response(desk.rendering.page("stage", values), media_type="text/html", headers=HEADERS)

    async def events(request: Request) -> Response:
        try:
            await shown(request)
        except Refusal as refusal:
            return PlainTextResponse(explain(desk, refusal), status_code=404, headers=HEADERS)
        return StreamingResponse(
            _stream(desk, request, shown),
            media_type="text/event-stream",
            headers={**HEADERS, "X-Accel-Buffering": "no"},
        )

    async def qr(_request: Request) -> Response:
        address = _join_url(desk)
        if address is None:
            return PlainTextResponse("There is no address to join.\n", status_code=404, headers=HEADERS)
        drawn = io.BytesIO()
        segno.make(address, error="m").save(drawn, kind="svg", scale=8, border=2, light="#ffffff")
        return Response(drawn.getvalue(), media_type="image/svg+xml", headers=HEADERS)

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            return PlainTextResponse("There is no such file.\n", status_code=404)
        text = (shipped("templates") / "pages" / "static" / name).read_text(encoding="utf-8")
        return Response(text, media_type=STATIC[name], headers={**HEADERS, "Cache-Control": "max-age=300"})

    async def key(request: Request) -> Response:
        return await _answered(desk, request, _take_key)

    async def deed(request: Request) -> Response:
        return await _answered(desk, request, _do)

    return [
        Route("/stage", page, methods=["GET"]),
        Route("/stage/events", events, methods=["GET"]),
        Route("/stage/qr.svg", qr, methods=["GET"]),
        Route("/stage/static/{name:str}", static, methods=["GET"]),
        Route("/stage/key", key, methods=["POST"]),
        Route("/stage/do", deed, methods=["POST"]),
    ]


class _Looks:
    """Looks at the stage, shared by everybody who watches: however many do, there are five a second."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._taken: dict[tuple[str | None, bool], tuple[float, dict[str, Any]]] = {}
        self._looking = asyncio.Lock()

    async def at(self, segment_id: str | None, secret: str) -> dict[str, Any]:
        """What the page shows. Raises Refusal when there is no such stage."""
        desk, now = self.desk, self.desk.now()
        async with self._looking:
            if not secret and (values := self._fresh(segment_id, drives=False)):
                return values
            async with desk.database.read() as db:
                programme = await versions.current(db)
                segment = board.segment_for_stage(programme, segment_id, now=now)
                drives = bool(secret) and await stage.holder(db, secret, segment) is not None
                if values := self._fresh(segment_id, drives=drives):
                    return values
                shown = await stage.view(db, segment, programme=programme, now=now, with_queue=drives)
            values = {"stage": shown, "drives": drives, "version": shown.version}
            self._taken[segment_id, drives] = (asyncio.get_running_loop().time(), values)
            return values

    def _fresh(self, segment_id: str | None, *, drives: bool) -> dict[str, Any] | None:
        at, values = self._taken.get((segment_id, drives), (0.0, {}))
        return values if values and asyncio.get_running_loop().time() - at < COALESCED else None


async def _stream(
    desk: Desk, request: Request, shown: Callable[[Request], Awaitable[dict[str, Any]]]
) -> AsyncIterator[str]:
    """The page's pieces whenever they change; a look every second finds what other processes did."""
    changed = asyncio.Event()
    desk.database.outbox_listeners.append(changed.set)
    loop = asyncio.get_running_loop()
    known, last_word = request.headers.get("last-event-id", ""), loop.time()
    yield "retry: 2000\n\n"
    try:
        while not desk.closing.is_set():
            changed.clear()
            try:
                values = await shown(request)
            except (Refusal, SQLAlchemyError, OSError):
                values = {"version": known}  # the page keeps what it shows, and looks again
            if values["version"] != known:
                known, last_word = values["version"], loop.time()
                pieces = {
                    "now": desk.rendering.page("stage_now", values),
                    "controls": desk.rendering.page("stage_controls", values),
                    "say": _spoken(values["stage"]),
                }
                yield f"id: {known}\nevent: stage\ndata: {json.dumps(pieces)}\n\n"
            elif loop.time() - last_word > STILL_HERE:
                last_word = loop.time()
                yield ": still here\n\n"
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(COALESCED)
    finally:
        desk.database.outbox_listeners.remove(changed.set)


def _spoken(shown: stage.StageView) -> str:
    """What a screen reader is told; equal while nothing but the clock and the counts moved."""
    parts = []
    if shown.current:
        parts.append(f"{shown.current.number}: {shown.current.text}")
    if shown.next:
        parts.append(f"→ {shown.next.number}: {shown.next.text}")
    return " ".join(parts)


async def _answered(desk: Desk, request: Request, carry_out: Any) -> Response:
    """Run one deed of the page; a refusal becomes a sentence. Only this page itself may send one."""
    origin = request.headers.get("origin")
    own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not own or request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return JSONResponse({"sentence": "Only the stage page itself can do that."}, 403, headers=HEADERS)
    body = await request.body()
    try:
        given = json.loads(body) if len(body) <= LARGEST_BODY else None
        if not isinstance(given, dict):
            raise ValueError
    except ValueError:
        return JSONResponse({"sentence": "That could not be read."}, 400, headers=HEADERS)
    try:
        response: Response = await carry_out(desk, request, given)
    except Refusal as refusal:
        status = 403 if isinstance(refusal, NotAllowed) else 409
        return JSONResponse({"sentence": explain(desk, refusal)}, status, headers=HEADERS)
    return response


async def _take_key(desk: Desk, request: Request, given: dict[str, Any]) -> Response:
    """The secret of the link, which came in the address's fragment, becomes a cookie of this page."""
    secret = str(given.get("key") or "")
    async with desk.database.read() as db:
        programme = await versions.current(db)
        segment = board.segment_for_stage(programme, request.query_params.get("segment"), now=desk.now())
        if await stage.holder(db, secret, segment) is None:
            raise NotAllowed("stage_key")
    response = JSONResponse({"ok": True}, headers=HEADERS)
    response.set_cookie(
        COOKIE,
        secret,
        path="/stage",
        httponly=True,
        samesite="strict",
        secure=(desk.public_url or "").startswith("https://"),
    )
    return response


async def _do(desk: Desk, request: Request, given: dict[str, Any]) -> Response:
    """A control was used: checked like a moderator's click, for the moderator who made the link."""
    secret, now = request.cookies.get(COOKIE, ""), desk.now()
    async with desk.database.read() as db:
        programme = await versions.current(db)
        segment = board.segment_for_stage(programme, request.query_params.get("segment"), now=now)
        maker = await stage.holder(db, secret, segment)
    if maker is None or maker.slack_id is None:
        raise NotAllowed("stage_key")
    await desk.require_moderator(maker.slack_id)
    async with desk.database.begin() as db:
        by = await stage.holder(db, secret, segment)  # it may have been revoked this very moment
        if by is None:
            raise NotAllowed("stage_key")
        await _carry_out(db, segment, given, by=by, desk=desk)
    desk.nudge()
    return JSONResponse({"ok": True}, headers=HEADERS)


async def _carry_out(db: Any, segment: Segment, given: dict[str, Any], *, by: Person, desk: Desk) -> None:
    now, deed, number = desk.now(), str(given.get("deed")), given.get("number")
    revision = given.get("revision")
    if not isinstance(revision, int):
        raise Invalid("which_question", field="number")
    if deed == "advance":
        await life.advance(db, segment.id, by=by, moderates=True, now=now, revision=revision)
        return
    if not isinstance(number, int) or (deed != "undo" and deed not in DEEDS):
        raise Invalid("which_question", field="number")
    question = await life.get(db, number)
    if question.segment_id != segment.id:
        raise NotAllowed("stage_key")
    if deed == "undo":
        await undo(db, number, by=by, moderates=True, now=now, revision=revision)
    else:
        await life.do(db, Deed(deed), number, by=by, moderates=True, now=now, revision=revision)


def _join_url(desk: Desk) -> str | None:
    """Where a question is asked: the participants' channel in Slack, or the local workspace's own page."""
    channel = desk.directory.places.get("participants")
    base = urlsplit(str(desk.directory.client.base_url))
    if channel is None:
        return None
    if base.hostname == "slack.com":
        return f"https://slack.com/app_redirect?channel={channel}"
    return f"{base.scheme}://{base.netloc}/"
