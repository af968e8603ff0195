"""People's side of the workspace as JSON over HTTP: the page, scripted days and tests all use this.

Deeds, `POST /people/{user}/<deed>` with a JSON object ({user}: an id or a handle):

say               {channel, text, thread_ts?, files?}    channel: an id, "#name", a person's id, or "bot"
edit, delete      {channel, ts, text?}                   one's own message
command           {channel, text: "/workshop ask …"}
shortcut          {callback_id}
message_shortcut  {callback_id, channel, ts}
click             {channel, ts | view_id, action_id, block_id?, value?, values?, attachment?}
suggest           {channel, ts | view_id, action_id, block_id?, query}
submit            {view_id, values: {block_id or action_id: value}}
close_view        {view_id, all?}
react, unreact    {channel, ts, name}
home              {tab?}                                 open the app's Home tab
join, leave       {channel}
read              {channel, thread_ts?}                  mark a channel or a thread as read
forge             {payload, kind?}                       a payload of one's own making

Each returns what the person would see at once, as {"ok": true, …}; those that Slack delivers with a
deadline wait for it and say `acknowledged`, `response`, `errors`, `view`, `failure`. What nobody could do
is 400 or 404 {"ok": false, "error": code, "why": sentence}.

Seen, `GET`:

/people                                     everyone, with role, zone and language
/people/{user}/channels                     with unread counts
/people/{user}/channels/{channel}/messages  ?after=ts &wait=seconds &limit=N; oldest first
/people/{user}/threads/{channel}/{ts}       the parent and its replies
/people/{user}/views                        open modals, the topmost last
/people/{user}/home                         the Home tab
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.rehearsal import seen
from bot.rehearsal.deeds import Deeds
from bot.rehearsal.log import Log
from bot.rehearsal.reach import DeedError
from bot.rehearsal.state import SLACKBOT, Json, Member

LONGEST_WAIT = 60.0


class PeopleApi:
    """The routes under `/people`."""

    def __init__(self, deeds: Deeds, log: Log) -> None:
        self._deeds = deeds
        self._workspace = deeds.workspace
        self._log = log

    def routes(self) -> list[Route]:
        """The routes, for the server's application."""
        look = {
            "/people": self._people,
            "/people/{user}/channels": self._channels,
            "/people/{user}/channels/{channel}/messages": self._messages,
            "/people/{user}/threads/{channel}/{ts}": self._thread,
            "/people/{user}/views": self._views,
            "/people/{user}/home": self._home,
        }
        return [
            Route("/people/{user}/{deed}", self._deed, methods=["POST"]),
            *(Route(path, _answering(handler), methods=["GET"]) for path, handler in look.items()),
        ]

    async def _deed(self, request: Request) -> Response:
        name = request.path_params["deed"]
        try:
            user, wish = self._user(request), await _body(request)
            result = await self._deeds.do(name, user, wish)
        except DeedError as error:
            self._log.note("deed", name, user=request.path_params["user"], error=error.code)
            return _refused(error)
        shown = {
            key: result[key]
            for key in ("acknowledged", "errors", "failure", "ts")
            if result.get(key) is not None
        }
        self._log.note("deed", name, user=user.id, **shown)
        return JSONResponse(result)

    async def _people(self, request: Request) -> Json:
        now = self._workspace.now()
        people = [m for m in self._workspace.members.values() if m.bot_id is None and m.id != SLACKBOT]
        return {"ok": True, "people": [seen.person(member, now) for member in people if not member.deleted]}

    async def _channels(self, request: Request) -> Json:
        return {"ok": True, "channels": seen.channels(self._workspace, self._user(request))}

    async def _messages(self, request: Request) -> Json:
        user, query = self._user(request), request.query_params
        channel = self._deeds.own_channel(user, {"channel": request.path_params["channel"]})
        after, seconds = query.get("after", ""), _number(query.get("wait"), 0.0)
        if seconds:
            await self._workspace.wait_for(
                lambda: seen.messages(self._workspace, user, channel, after=after), min(seconds, LONGEST_WAIT)
            )
        found = seen.messages(
            self._workspace, user, channel, after=after, limit=int(_number(query.get("limit"), 200))
        )
        return {"ok": True, "channel": channel.id, "messages": found}

    async def _thread(self, request: Request) -> Json:
        user, where = self._user(request), request.path_params
        channel, parent = self._deeds.seen_message(user, {"channel": where["channel"], "ts": where["ts"]})
        return {
            "ok": True,
            "channel": channel.id,
            "messages": seen.thread(self._workspace, user, channel, parent),
        }

    async def _views(self, request: Request) -> Json:
        return {"ok": True, "views": seen.views(self._workspace, self._user(request))}

    async def _home(self, request: Request) -> Json:
        view = self._workspace.homes.get(self._user(request).id)
        return {"ok": True, "view": view.as_dict() if view else None}

    def _user(self, request: Request) -> Member:
        return self._deeds.actor(request.path_params["user"])


def _answering(handler: Callable[[Request], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await handler(request))
        except DeedError as error:
            return _refused(error)

    return answer


def _refused(error: DeedError) -> Response:
    status = 404 if error.code.endswith("_not_found") else 400
    return JSONResponse({"ok": False, "error": error.code, "why": error.why}, status_code=status)


async def _body(request: Request) -> Json:
    try:
        data: Any = json.loads(await request.body() or b"{}")
    except ValueError:
        raise DeedError("invalid_json", "the body must be a JSON object") from None
    if not isinstance(data, dict):
        raise DeedError("invalid_json", "the body must be a JSON object")
    return data


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text else default
    except ValueError:
        raise DeedError("invalid_number", f"{text!r} is no number") from None
