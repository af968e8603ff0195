"""The calendar: the feed at `/calendar.ics`, one segment's file, and `/workshop calendar`."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackClientError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.errors import NotFound
from bot.programme import calendar, versions
from bot.programme.importing.merging import fold
from bot.programme.links import one_click
from bot.programme.model import Programme, Segment
from bot.rendering import clip
from bot.store.intake import first_time
from handlers.desk import Call, Desk, Reply

log = logging.getLogger(__name__)

MAX_AGE = 300  # seconds a client or proxy may keep the feed
LARGEST = 1_000_000  # bytes of a file sent by direct message
SHARED_WITHIN = 1.5  # wall seconds; Slack waits three for the answer to a command


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
    """`/workshop calendar`, or with a segment's name: the file by direct message, one-click links
    for Google and Outlook, and the feed to subscribe to."""
    desk, now = call.desk, call.desk.now()
    async with desk.database.read() as db:
        version = await versions.latest(db)
    programme = versions.programme_of(version)
    segment = _meant(programme, call.words) if call.words else None
    body = calendar.calendar(
        programme,
        versions.bookkeeping_of(version),
        desk.config,
        segment=segment.id if segment else None,
        rendering=desk.rendering,
    )
    name = segment.id if segment else desk.config.workshop.id
    async with desk.database.begin() as db:
        minute = int(now.timestamp()) // 60
        wanted = await first_time(db, f"calendar:{call.user}:{minute}:{name}:{version.number}"[:255], now=now)
    sent = not wanted or await _sent(call, f"{name}.ics", body)
    values = {
        "programme": programme,
        "segment": segment,
        "ends": (programme.end_of(segment) or segment.starts) if segment else programme.ends,
        "sent": sent,
        **links(programme, desk.public_url, segment),
    }
    return desk.rendering.message("programme/calendar", values)


COMMANDS = {"calendar": add}


def _meant(programme: Programme, words: str) -> Segment:
    """The segment that has a time and is called so, by its id or a part of its title; raises NotFound."""
    wanted = fold(words)
    exact = [one for one in programme.segments if one.starts and wanted in (one.id, fold(one.title))]
    named = exact or [one for one in programme.segments if one.starts and wanted in fold(one.title)]
    if not wanted or len(named) != 1:
        raise NotFound("no_timed_segment", words=words, several=len(named) > 1)
    return named[0]


async def _sent(call: Call, name: str, body: bytes) -> bool:
    """Send the person a file by direct message; False when it is too large or Slack refused it.

    It is asked for at this moment and can be asked for again, so it does not go through the outbox. What
    takes longer than a command may wait goes on beside it.
    """
    if len(body) > LARGEST:
        return False
    task = asyncio.create_task(_share(call, name, body), name=f"calendar file {name}")
    _sharing.add(task)
    task.add_done_callback(_sharing.discard)
    await asyncio.wait({task}, timeout=SHARED_WITHIN)
    return not task.done() or task.result()


async def _share(call: Call, name: str, body: bytes) -> bool:
    try:
        opened = await call.client.conversations_open(users=call.user)
        await call.client.files_upload_v2(
            channel=opened["channel"]["id"], filename=name, title=name, content=body
        )
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        log.warning("a calendar file was not sent: %s", type(error).__name__)
        return False
    return True


_sharing: set[asyncio.Task[bool]] = set()  # else a task that nobody waits for may be collected


def links(programme: Programme, public_url: str | None, segment: Segment | None = None) -> dict[str, str]:
    """Where all of it or one segment can be had: the feed (only with a public address), Google, Outlook."""
    title, starts, ends = programme.title, programme.starts, programme.ends
    if segment is not None and segment.starts is not None:
        title, starts = segment.title, segment.starts.astimezone(UTC)
        ends = (programme.end_of(segment) or segment.starts).astimezone(UTC)
    short = clip(title, 300)  # the whole title makes an address longer than Slack takes
    found = {**one_click(short, starts, ends, programme.page_url), "feed": "", "webcal": ""}
    if public_url:
        parts = urlsplit(public_url)
        path = f"{parts.netloc}{parts.path.rstrip('/')}/calendar.ics"
        found |= {"feed": f"{parts.scheme}://{path}", "webcal": f"webcal://{path}"}
    return found
