"""Web routes: Slack's requests over HTTP, the calendar, the stage, health."""

from __future__ import annotations

import logging
import re

from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from handlers import bolt, calendar, shapes, stage
from handlers.bolt import Bolt
from handlers.desk import Desk
from handlers.edge import Edge

log = logging.getLogger(__name__)


def application(desk: Desk, app: Bolt, *, signing_secret: str | None) -> Starlette:
    """The web application of one bot; without a signing secret there is no route for Slack's requests."""

    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    made = Starlette(
        routes=[
            *(slack_routes(app, signing_secret) if signing_secret else []),
            *calendar.routes(desk),
            *stage.routes(desk),
            Route("/healthz", healthy, methods=["GET"]),
        ],
        middleware=[Middleware(Edge, https=(desk.public_url or "").startswith("https://"))],
    )
    made.router.redirect_slashes = False  # a path is right or it is not there
    return made


def slack_routes(app: Bolt, signing_secret: str) -> list[Route]:
    """`POST /slack/events`: all of Slack's requests, verified before a byte of them is interpreted."""
    verifier = SignatureVerifier(signing_secret)

    async def events(request: Request) -> Response:
        raw = await request.body()
        if not genuine(verifier, raw, request):
            log.warning("refused a request that Slack has not signed, or not lately")
            return JSONResponse({"error": "invalid request"}, status_code=401)
        try:
            body = shapes.read(raw, request.headers.get("content-type", ""))
            incoming = bolt.request(body, request.headers)
        except shapes.Malformed as wrong:
            log.warning("refused a malformed request: %s", wrong)
            return JSONResponse(bolt.MALFORMED, status_code=400, headers=bolt.NO_RETRY)
        return to_starlette_response(await app.async_dispatch(incoming))

    return [Route("/slack/events", events, methods=["POST"])]


def genuine(verifier: SignatureVerifier, raw: bytes, request: Request) -> bool:
    """Whether Slack signed exactly these bytes within the last five minutes (wall time).

    Reference: Slack, "Verifying requests from Slack". Never raises, whatever stands in the headers.
    """
    stamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not re.fullmatch(r"[0-9]{1,11}", stamp) or not re.fullmatch(r"v0=[0-9a-f]{64}", signature):
        return False
    try:
        return verifier.is_valid(raw, stamp, signature)
    except UnicodeDecodeError:  # Slack sends UTF-8
        return False
