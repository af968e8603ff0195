"""Modals, as far as Slack lets them be shown: a hundred openings a minute, each within three seconds."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.retry import told_to_wait
from bot.errors import Refusal
from handlers.slack_faults import UNREACHABLE, reason

log = logging.getLogger(__name__)

OPENED_WITHIN = 2.0  # wall seconds; after three the trigger has expired, and Slack says that nobody answers
SPREAD = 0.2  # wall seconds over which forms that wait are tried again, lest all come at once
WAITING = 5  # forms that may wait for Slack's limit at once: each holds one of the turns of all requests
ALREADY_OPEN = "exchanged_trigger_id"  # the same press was delivered twice


class Patience(AsyncRateLimitErrorRetryHandler):
    """Waits as long as Slack says; to open a form, only where that may still be in time.

    When a whole audience opens a form, most cannot have it in time: all but `WAITING` are told so at once.
    """

    waiting = 0

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        limited = await super()._can_retry_async(state=state, request=request, response=response, error=error)
        if not limited or not _opens(request):
            return limited
        return self.waiting < WAITING and _told(response) < OPENED_WITHIN

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        if not _opens(request):
            await super().prepare_for_next_attempt_async(
                state=state, request=request, response=response, error=error
            )
            return
        self.waiting += 1
        try:  # the library adds up to a second, which a form has not
            state.next_attempt_requested = True
            await asyncio.sleep(_told(response) + SPREAD * random.random())  # noqa: S311 - spreads, hides nothing
            state.increment_current_attempt()
        finally:
            self.waiting -= 1


def _told(response: HttpResponse | None) -> float:
    """The seconds that Slack says to wait."""
    headers = response.headers if response else {}  # of each, a list of its values
    return told_to_wait({name: values[0] for name, values in headers.items()}) or 1.0


def _opens(request: HttpRequest) -> bool:
    return request.url.endswith(("/views.open", "/views.push"))


async def open_modal(
    client: AsyncWebClient,
    trigger_id: str,
    view: dict[str, Any],
    *,
    instead: str = "",
    on_top: bool = False,
) -> None:
    """Open it. Raises Refusal when Slack does not, naming the `/workshop` command that does the same.

    `instead`: that command, without what is to be written after it. `on_top`: of the modal that is open, to
    which its end leads back.
    """
    show = client.views_push if on_top else client.views_open
    try:
        async with asyncio.timeout(OPENED_WITHIN):
            await show(trigger_id=trigger_id, view=view)
    except UNREACHABLE as error:
        if reason(error) == ALREADY_OPEN:
            return
        log.warning("a form could not be opened: %s", reason(error))
        raise Refusal("no_form", verb=instead.partition(" ")[0], command=instead) from None


async def redraw(client: AsyncWebClient, view_id: str, view: dict[str, Any]) -> bool:
    """Show an open modal anew; False when that is not possible, for one, because it was closed meanwhile.

    What was done before is done all the same, so this is no failure of it.
    """
    try:
        await client.views_update(view_id=view_id, view=view)
    except UNREACHABLE as error:
        log.info("an open form was not redrawn: %s", reason(error))
        return False
    return True
