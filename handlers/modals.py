"""Modals, as far as Slack lets them be shown: a hundred openings a minute, each within three seconds."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Refusal
from handlers.slack_faults import UNREACHABLE, reason

log = logging.getLogger(__name__)

OPENED_WITHIN = 2.0  # wall seconds; after three the trigger has expired, and Slack says that nobody answers
ALREADY_OPEN = "exchanged_trigger_id"  # the same press was delivered twice


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
