"""The calls to Slack behind each task: what is needed for one, the call itself, and what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncSession

from bot.clock import Clock
from bot.delivery.claims import Work
from bot.delivery.outcomes import Gone, Outcome, Pinned, Searched, Sent, Shown, Unwanted
from bot.delivery.retry import LIMITED, Fault, Task, told_to_wait
from bot.rendering import Rendering
from bot.store.engine import Database
from bot.store.tables import Delivery, Person

log = logging.getLogger(__name__)

CALL_TIMEOUT = 15  # wall seconds for one call
EVENT_TYPE = "workshop_delivery"  # of the message metadata that carries a row's token
PAGE = 15  # messages a page: some apps get no more (slack.md §5.2)
CLOCKS_APART = timedelta(seconds=60)  # how far Slack's clock may be behind ours

AWAY = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, OSError)


class Composer(Protocol):
    """Turns a row's stored content into template values when it is sent; None: it is not wanted any more."""

    def __call__(
        self, db: AsyncSession, content: Mapping[str, Any], *, now: datetime
    ) -> Awaitable[Mapping[str, Any] | None]: ...


@dataclass(frozen=True, slots=True)
class _Ready:
    """All a call needs: the row as it was taken, where to (a channel's or a user's id), and what to show."""

    row: Delivery
    address: str
    conversation: str | None  # where the message is or will be, if that is known
    shown: dict[str, Any]


class _Impossible(Exception):
    """Nothing can be called; the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Calls:
    """Makes one call at a time; the parameters are the Sender's."""

    def __init__(
        self,
        database: Database,
        rendering: Rendering,
        clock: Clock,
        client: AsyncWebClient,
        *,
        places: Mapping[str, str],
        composers: Mapping[str, Composer],
    ) -> None:
        self._database = database
        self._rendering = rendering
        self._clock = clock
        self._client = client
        self._places = places
        self._composers = composers

    async def make(self, work: Work) -> Outcome:
        """Do the work's one call to Slack; never raises, whatever happens on the way."""
        task: Any = work.task
        try:
            async with self._database.read() as db:
                ready = await self._ready(db, work)
        except _Impossible as impossible:
            return impossible.outcome
        except AWAY:
            log.exception("delivery %d: the database is away", work.row.id)
            return Fault("database_away", task)
        if self._wall() > work.begin_by:
            return Fault("held_up", task)
        try:
            async with asyncio.timeout(CALL_TIMEOUT * 2):
                return await self._call(work, ready)
        except Exception as error:
            return fault_of(error, task)

    async def _call(self, work: Work, ready: _Ready) -> Outcome:
        row, client = ready.row, self._client
        place: dict[str, Any] = {"channel": row.channel or "", "ts": row.ts or ""}
        match work.task:
            case "post":
                return await self._post(ready)
            case "look":
                return await self._look(ready)
            case "update":
                await client.chat_update(**place, **ready.shown, parse="none")
                return Shown(row.revision)
            case "delete":
                await self._delete(row, place)
                return Gone()
            case "pin":
                call = client.pins_add if row.pin else client.pins_remove
                await call(channel=place["channel"], timestamp=place["ts"])
                return Pinned(row.pin)
            case "home":
                await client.views_publish(user_id=ready.address, view=ready.shown)
                return Shown(row.revision)
        raise AssertionError(f"no such task: {work.task}")

    async def _post(self, ready: _Ready) -> Outcome:
        row = ready.row
        payload = {"delivery_id": row.token}
        answer = await self._client.chat_postMessage(
            channel=ready.conversation if row.thread_ts and ready.conversation else ready.address,
            thread_ts=row.thread_ts,
            metadata={"event_type": EVENT_TYPE, "event_payload": payload},
            unfurl_links=False,
            unfurl_media=False,
            **ready.shown,
        )
        return Sent(str(answer["channel"]), str(answer["ts"]))

    async def _delete(self, row: Delivery, place: dict[str, Any]) -> None:
        """Delete the message; a refusal is believed only while the message is there.

        One with replies leaves a tombstone of Slack's own, which nobody may delete: so it reads after a
        deletion whose answer was lost.
        """
        try:
            await self._client.chat_delete(**place)
        except SlackApiError as error:
            if _refusal(error.response, "delete").code != "cant_delete_message":
                raise
            span = {"oldest": place["ts"], "latest": place["ts"], "inclusive": True, "limit": 1}
            answer = await self._client.conversations_history(
                channel=place["channel"], include_all_metadata=True, **span
            )
            if any(_is(message, row) for message in answer.get("messages") or []):
                raise

    async def _look(self, ready: _Ready) -> Outcome:
        """Read one page of the conversation and search it for the row's token."""
        row, channel = ready.row, ready.conversation
        if channel is None:
            opened = await self._client.conversations_open(users=ready.address)
            channel = str(opened["channel"]["id"])
        since = (row.attempt_at or row.not_before) - CLOCKS_APART
        page: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": True,
            "limit": PAGE,
            "cursor": row.cursor,
        }
        if row.thread_ts:
            answer = await self._client.conversations_replies(ts=row.thread_ts, **page)
        else:
            answer = await self._client.conversations_history(**page)
        for message in answer.get("messages") or []:
            if _is(message, row):
                return Sent(channel, str(message["ts"]), found=True)
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        return Searched(channel, cursor or None)

    def _wall(self) -> datetime:
        wall = self._clock.wall_time(self._clock.now())
        assert wall is not None, "the present has a wall time even while the clock stands"  # noqa: S101
        return wall

    async def _ready(self, db: AsyncSession, work: Work) -> _Ready:
        row, task = work.row, cast(Task, work.task)
        if task in ("update", "delete", "pin"):
            address, conversation = row.channel or "", row.channel
        else:
            address, conversation = await self._address(db, row, task)
        shown = await self._shown(db, row, task) if task in ("post", "update", "home") else {}
        return _Ready(row, address, conversation, shown)

    async def _address(self, db: AsyncSession, row: Delivery, task: Task) -> tuple[str, str | None]:
        """Where to, and the conversation's id if it is known. Posts go to a person's own id."""
        kind, _, name = row.lane.partition(":")
        if kind == "channel":
            place = row.channel or self._places.get(name)
            if place is None:
                raise _Impossible(Fault("no_such_place", task))
            return place, place
        if kind != "person":
            return row.lane, row.lane
        person = await db.get(Person, int(name))
        if person is None or person.slack_id is None:
            raise _Impossible(Fault("nobody", task))
        return person.slack_id, row.channel or person.dm

    async def _shown(self, db: AsyncSession, row: Delivery, task: Task) -> dict[str, Any]:
        """The message or view as it reads now; a defect in a template or composer fails this row alone."""
        now = self._clock.now()
        try:
            composer = self._composers.get(row.kind)
            values = row.content if composer is None else await composer(db, row.content, now=now)
            if values is None:
                raise _Impossible(Unwanted())
            if task == "home":
                return self._rendering.view(row.kind, {**values, "now": now})
            message = self._rendering.message(row.kind, {**values, "now": now})
        except (_Impossible, *AWAY):
            raise
        except Exception:
            log.exception("delivery %d (%s) cannot be rendered", row.id, row.kind)
            raise _Impossible(Fault("template", task)) from None
        return {"text": message.text, "blocks": message.blocks}


def _is(message: Mapping[str, Any], row: Delivery) -> bool:
    """Whether a message of a conversation is that row's, by the token in its metadata."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return bool(payload.get("delivery_id") == row.token)


def fault_of(error: Exception, task: Task) -> Fault:
    """What an exception of a call means, in the words of `bot.delivery.retry`."""
    if isinstance(error, SlackApiError):
        return _refusal(error.response, task)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Fault("unreachable", task)  # no connection was made, so nothing was asked
    if isinstance(error, TimeoutError):
        return Fault("timeout", task)
    if isinstance(error, aiohttp.ClientError | ConnectionError):
        return Fault("disconnected", task)
    log.warning("a call for a %s ended in %s: %s", task, type(error).__name__, error)
    return Fault("unreadable", task)


def _refusal(response: Any, task: Task) -> Fault:
    """A refusal of Slack's; `response` is an aiohttp one when its body was no JSON."""
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    if status == 429 or code in LIMITED:
        return Fault("ratelimited", task, told_to_wait(response.headers))
    return Fault(str(code) if code else "server_error", task)
