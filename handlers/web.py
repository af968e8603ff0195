"""Web routes: Slack's requests over HTTP, the calendar, the stage, health."""

from __future__ import annotations

from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from handlers import calendar, stage
from handlers.desk import Desk


def application(desk: Desk, bolt: AsyncApp) -> Starlette:
    """The web application of one bot."""
    slack = AsyncSlackRequestHandler(bolt)

    async def slack_events(request: Request) -> Response:
        return await slack.handle(request)

    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route("/slack/events", slack_events, methods=["POST"]),
            *calendar.routes(desk),
            *stage.routes(desk),
            Route("/healthz", healthy),
        ]
    )
