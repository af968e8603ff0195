"""`/api/<method>`: arguments in, Slack's answer out, with tokens, scopes, rate limits and faults.

API errors are HTTP 200 with {"ok": false, "error": …}; only a rate limit (429) and a made-up breakdown
(500) have another status. Arguments come from the query, a form or a JSON body, on GET and POST alike.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.clock import wall_now
from bot.rehearsal.calls import ApiError, Call, Options, missing
from bot.rehearsal.envelopes import Dispatcher
from bot.rehearsal.faults import Fault, Faults
from bot.rehearsal.listening import Listening
from bot.rehearsal.log import Log, elapsed_ms
from bot.rehearsal.methods import METHODS, Method
from bot.rehearsal.rates import Rates
from bot.rehearsal.state import Json
from bot.rehearsal.views import Views
from bot.rehearsal.workspace import Workspace

logger = logging.getLogger(__name__)

JSON_TYPE = "application/json; charset=utf-8"
_FOR_NO_METHOD = {"app_mentions:read", "commands"}
EVERY_SCOPE = frozenset(scope for method in METHODS.values() for scope in method.scopes) | _FOR_NO_METHOD
_OF_NOBODY = ("not_authed", "invalid_auth", "not_allowed_token_type", "unknown_method")
_ANSWERED_LATER = ("lost_response", "reset", "late_accept")


@dataclass(slots=True)
class WebApi:
    """Serves the methods of `METHODS`."""

    workspace: Workspace
    views: Views
    options: Options
    rates: Rates
    faults: Faults
    dispatcher: Dispatcher
    log: Log
    bot_token: str
    app_token: str
    listening: Listening | None = None
    in_flight: int = 0

    async def serve(self, request: Request) -> Response:
        """Answer one request to `/api/{method}`."""
        name, started = request.path_params["method"], time.monotonic()
        self.in_flight += 1
        try:
            args, warnings = await read_args(request)
            fault = self.faults.strike(name, args.get("channel")) if name in METHODS else None
            if fault is None:
                response = await self._answer(name, request, args, warnings)
            else:
                response = await self._broken(fault, name, request, args)
        except ApiError as error:
            args, fault = {}, None
            response = self._json({"ok": False, "error": error.error, **error.extra})
        finally:
            self.in_flight -= 1
            self.workspace.wake()
        if name in METHODS:
            response.headers["x-accepted-oauth-scopes"] = ",".join(METHODS[name].scopes)
        body = json.loads(bytes(response.body)) if response.media_type == "application/json" else {}
        self.log.note(
            "request",
            name,
            ms=elapsed_ms(started),
            status=response.status_code,
            error=body.get("error"),
            fault=fault.kind if fault else None,
            channel=args.get("channel"),
            args={key: value for key, value in args.items() if key not in ("token", "blocks", "view")},
        )
        return response

    async def _answer(
        self, name: str, request: Request, args: Json, warnings: Sequence[str] = ()
    ) -> Response:
        noted = list(warnings)
        try:
            method = METHODS.get(name)
            if method is None:
                raise ApiError("unknown_method", req_method=name)
            if not method.open:
                self._authorise(method, request, args)
            if name == "apps.connections.open" and request.method != "POST":
                raise ApiError("insecure_request")
            absent = [each for each in method.needs.split() if args.get(each) is None]
            if absent:
                raise missing(*absent)
            # Addresses handed out lead back the way the client came, whatever it calls this machine.
            origin = str(request.base_url).rstrip("/")
            call = Call(self.workspace, self.views, self.options, origin, args, noted)
            channel = str(args.get("channel") or "")
            wait = self.rates.check(name, method.tier, channel, self.workspace.now())
            if wait:
                return self._limited(wait)
            return self._json({"ok": True, **await method.handler(call)}, noted)
        except ApiError as error:
            return self._json({"ok": False, "error": error.error, **error.extra}, noted)
        except Exception:
            # A defect of this server, or arguments nobody foresaw: Slack, too, goes on after such a call.
            logger.exception("%s broke", name)
            return self._json({"ok": False, "error": "fatal_error"})

    async def _broken(self, fault: Fault, name: str, request: Request, args: Json) -> Response:
        """Answer the way an armed switch wants it."""
        kind = fault.kind
        if kind == "ratelimited":
            return self._limited(max(1, int(fault.seconds)))
        if kind == "error":
            return self._json({"ok": False, "error": fault.error})
        if kind == "slow":
            await asyncio.sleep(fault.seconds)
            return await self._answer(name, request, args)
        if kind == "late_accept":
            self.dispatcher.run(self._later(fault.seconds, name, request, args))
        elif kind == "lost_response" or (fault.performed and kind != "reset"):
            await self._answer(name, request, args)
        if kind in _ANSWERED_LATER:
            if self.listening is not None:
                self.listening.cut(request)
            return Response(status_code=499)
        if kind == "http_500":
            return Response("upstream error", status_code=500, media_type="text/plain")
        return self._json({"ok": False, "error": "internal_error"})

    async def _later(self, seconds: float, name: str, request: Request, args: Json) -> None:
        await self.dispatcher.until(self.workspace.now() + timedelta(seconds=seconds))
        await self._answer(name, request, args)

    def _authorise(self, method: Method, request: Request, args: Json) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else str(args.get("token") or "")
        if not given:
            raise ApiError("not_authed")
        wanted, other = (
            (self.app_token, self.bot_token) if method.app_token else (self.bot_token, self.app_token)
        )
        if given == other:
            raise ApiError("not_allowed_token_type")
        if given != wanted:
            raise ApiError("invalid_auth")
        scopes = self.options.scopes
        if scopes is not None and method.scopes and not scopes & set(method.scopes):
            raise ApiError("missing_scope", needed=",".join(method.scopes), provided=",".join(sorted(scopes)))

    def _limited(self, seconds: int) -> Response:
        headers = {"Retry-After": str(seconds), "content-type": JSON_TYPE}
        return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)

    def _json(self, body: Json, warnings: Sequence[str] = ()) -> Response:
        if warnings:
            body["warning"] = ",".join(warnings)
            body["response_metadata"] = {**body.get("response_metadata", {}), "warnings": list(warnings)}
        scopes = EVERY_SCOPE if self.options.scopes is None else self.options.scopes
        date = format_datetime(wall_now(), usegmt=True)  # by it a bot sees that its own clock is wrong
        headers = {"x-slack-req-id": secrets.token_hex(16), "date": date, "content-type": JSON_TYPE}
        if body.get("error") not in _OF_NOBODY:
            headers["x-oauth-scopes"] = ",".join(sorted(scopes))
        return JSONResponse(body, headers=headers)


async def read_args(request: Request) -> tuple[Json, list[str]]:
    """The arguments of a call, from query, form and JSON body together, and warnings about their encoding.

    Raises ApiError for a body that cannot be read (reference: Web API, "Evaluating responses").
    """
    args: Json = dict(request.query_params)
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    kind, charset = kind.strip(), "charset=" in parameters
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        try:
            async with request.form() as form:
                args |= {key: value for key, value in form.items() if isinstance(value, str)}
        except HTTPException:
            raise ApiError("invalid_form_data") from None
        return args, ["superfluous_charset"] if charset and kind.endswith("urlencoded") else []
    body = await request.body()
    if not body:
        return args, []
    if kind == "application/json":
        args |= _object(body)
    elif kind != "text/plain":
        raise ApiError("invalid_post_type" if kind else "missing_post_type")
    return args, [] if charset else ["missing_charset"]


def _object(body: bytes) -> Json:
    try:
        data: Any = json.loads(body)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(data, dict):
        raise ApiError("json_not_object")
    return data
