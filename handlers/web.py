"""Web routes: Slack's requests over HTTP, the calendar, the stage, health."""

from __future__ import annotations

import hmac
import logging
import re

from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.clock import wall_now
from bot.health import Health
from handlers import bolt, calendar, shapes, stage
from handlers.bolt import Bolt
from handlers.desk import Desk
from handlers.edge import Edge
from handlers.metrics import CONTENT_TYPE, Metrics

log = logging.getLogger(__name__)

OLDEST = 300  # wall seconds since Slack signed a request; an older one is a replay
STAMP = "x-slack-request-timestamp"


def application(
    desk: Desk, app: Bolt, *, signing_secret: str | None, health: Health, metrics: Metrics
) -> Starlette:
    """The web application of one bot; without a signing secret there is no route for Slack's requests."""
    made = Starlette(
        routes=[
            *(slack_routes(app, signing_secret) if signing_secret else []),
            *calendar.routes(desk),
            *stage.routes(desk),
            *health_routes(health, metrics),
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
            log.warning("refused a request: %s", why_not(verifier, raw, request))
            return JSONResponse({"error": "invalid request"}, status_code=401)
        try:
            body = shapes.read(raw, request.headers.get("content-type", ""))
            incoming = bolt.request(body, request.headers)
        except shapes.Malformed as wrong:
            log.warning("refused a malformed request: %s", wrong)
            return JSONResponse(bolt.MALFORMED, status_code=400, headers=bolt.NO_RETRY)
        return to_starlette_response(await app.async_dispatch(incoming))

    return [Route("/slack/events", events, methods=["POST"])]


def health_routes(health: Health, metrics: Metrics) -> list[Route]:
    """For whoever watches the process: no names, no texts, nothing that asks for a password."""

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        found = await health.look()
        well = not any(found.values())
        body = {"ready": well, **{part: reason or "ok" for part, reason in found.items()}}
        return JSONResponse(body, status_code=200 if well else 503)

    async def measured(_request: Request) -> Response:
        return Response(await metrics.text(), media_type=CONTENT_TYPE)

    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", measured, methods=["GET"]),
    ]


def genuine(verifier: SignatureVerifier, raw: bytes, request: Request) -> bool:
    """Whether Slack signed exactly these bytes within the last five minutes (wall time).

    Reference: Slack, "Verifying requests from Slack". Never raises, whatever stands in the headers.
    """
    return _signed(verifier, raw, request) and abs(_age(request)) <= OLDEST


def why_not(verifier: SignatureVerifier, raw: bytes, request: Request) -> str:
    """What is wrong with a request that is not genuine, in words for an operator."""
    if not _signed(verifier, raw, request):
        return "Slack has not signed it; when all are refused, SLACK_SIGNING_SECRET is of another app"
    age = _age(request)
    when = f"{age} s ago" if age >= 0 else f"{-age} s after this machine's time"
    return f"Slack signed it {when}; when all are refused, this machine's clock is wrong: set it by NTP"


def _signed(verifier: SignatureVerifier, raw: bytes, request: Request) -> bool:
    stamp, signature = request.headers.get(STAMP, ""), request.headers.get("x-slack-signature", "")
    if not re.fullmatch(r"[0-9]{1,11}", stamp) or not re.fullmatch(r"v0=[0-9a-f]{64}", signature):
        return False
    try:
        made = verifier.generate_signature(timestamp=stamp, body=raw)
    except UnicodeDecodeError:  # Slack sends UTF-8
        return False
    return made is not None and hmac.compare_digest(made, signature)


def _age(request: Request) -> int:
    """Seconds since Slack signed it, by this machine's clock."""
    return int(wall_now().timestamp()) - int(request.headers[STAMP])
