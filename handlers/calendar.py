"""The calendar: the feed at `/calendar.ics`, one segment's file, and `/workshop calendar`."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.programme import calendar, versions
from bot.programme.links import one_click
from bot.programme.model import Programme
from handlers.desk import Call, Desk, Reply

MAX_AGE = 300  # seconds a client or proxy may keep the feed


def routes(desk: Desk) -> list[Route]:
    """The calendar's web routes."""
    built: dict[str | None, tuple[int, bytes]] = {}  # the body of each, and of which version it is

    async def feed(request: Request) -> Response:
        segment_id: str | None = request.path_params.get("segment")
        async with desk.database.read() as db:
            version = await versions.latest(db)
        programme, bookkeeping = versions.programme_of(version), versions.bookkeeping_of(version)
        if segment_id is not None:
            segment = programme.segment(segment_id)
            if segment is None or segment.starts is None:
                return PlainTextResponse(
                    "There is no such segment, or it has no time yet.\n", status_code=404
                )
        number, body = built.get(segment_id, (0, b""))
        if number != version.number:
            body = calendar.calendar(
                programme,
                bookkeeping,
                desk.config,
                segment=segment_id,
                public_url=desk.public_url,
                rendering=desk.rendering,
            )
            built[segment_id] = version.number, body
        headers = {
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "Last-Modified": format_datetime(bookkeeping.changed_at, usegmt=True),
            "Cache-Control": f"public, max-age={MAX_AGE}",
        }
        if _unchanged(request, headers["ETag"], bookkeeping.changed_at):
            return Response(status_code=304, headers=headers)
        name = segment_id or desk.config.workshop.id
        headers["Content-Disposition"] = f'inline; filename="{name}.ics"'
        return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)

    return [
        Route("/calendar.ics", feed, methods=["GET"]),
        Route("/calendar/{segment:str}.ics", feed, methods=["GET"]),
    ]


def _unchanged(request: Request, etag: str, changed_at: datetime) -> bool:
    """Whether the client's copy is current (RFC 9110 §13.1: If-None-Match wins over If-Modified-Since)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return etag in tags or "*" in tags
    since = request.headers.get("if-modified-since")
    try:
        return since is not None and changed_at.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):  # not a date, or one without a zone: as if the header were not there
        return False


async def add(call: Call) -> Reply:
    """`/workshop calendar`: links to subscribe, and one-click links for Google and Outlook."""
    desk = call.desk
    async with desk.database.read() as db:
        programme = await versions.current(db)
    values = {"programme": programme, **links(programme, desk.public_url)}
    return desk.rendering.message("programme/calendar", values)


COMMANDS = {"calendar": add}


def links(programme: Programme, public_url: str | None) -> dict[str, str]:
    """Where the calendar can be had: the feed (only with a public address), Google, Outlook."""
    found = {
        **one_click(programme.title, programme.starts, programme.ends, programme.page_url),
        "feed": "",
        "webcal": "",
    }
    if public_url:
        parts = urlsplit(public_url)
        path = f"{parts.netloc}{parts.path.rstrip('/')}/calendar.ics"
        found |= {"feed": f"{parts.scheme}://{path}", "webcal": f"webcal://{path}"}
    return found
