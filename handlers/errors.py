"""A failure in any listener becomes one sentence to the person, and a line in the log.

A named refusal is explained in its own words (`templates/errors/`); anything else gets a reference that
also stands in the log with the traceback. Events are not acknowledged then, so that Slack delivers them
again; clicks, commands and submissions are never redelivered, so the person is told it did not work.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from slack_bolt import BoltResponse
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot import people
from bot.errors import Invalid, NotAllowed, NotYet, Refusal, TooLate
from bot.rendering import Mrkdwn, escape, unescape
from bot.store.engine import with_remedy
from handlers.desk import Desk
from handlers.slack_faults import UNREACHABLE, reason

log = logging.getLogger(__name__)

SLACKS = (".slack.com", ".slack-gov.com")
RESPOND_WITHIN = 10  # wall seconds


async def on_error(
    error: Exception, body: Mapping[str, Any], client: AsyncWebClient, desk: Desk
) -> BoltResponse:
    """Bolt's error handler: see the module's promise."""
    kind = body.get("type") or ("command" if "command" in body else "unknown")
    if isinstance(error, BoltUnhandledRequestError):
        log.warning("nobody listens for this %s: %s", kind, _name(body))
        return BoltResponse(status=200, body="")  # an error would only make Slack repeat it
    if isinstance(error, NotYet):
        log.info("put off %s: %s", kind, error)
        return BoltResponse(status=503)
    if isinstance(error, TooLate):  # Slack has explained it
        log.warning("too late for %s: %s", kind, _name(body))
        return BoltResponse(status=503)
    if isinstance(error, Refusal):
        sentence = explain(desk, error)
        level = logging.WARNING if isinstance(error, NotAllowed) else logging.INFO
        log.log(level, "refused %s: %s (%s)", kind, error.code, _name(body))
    else:
        reference = secrets.token_hex(3)
        away = isinstance(error, (SQLAlchemyError, OSError))
        if isinstance(
            error, OperationalError
        ):  # where it happened says nothing: the database is away or full
            log.error("failed %s, reference %s: %s", kind, reference, with_remedy(error))
        else:
            log.error("failed %s, reference %s", kind, reference, exc_info=error)
        sentence = desk.rendering.text(
            "errors/away.txt.j2" if away else "errors/broken.txt.j2", {"reference": reference}
        )
        if kind == "event_callback":
            return BoltResponse(status=500)  # not acknowledged: Slack delivers it again
    if kind == "event_callback":
        return BoltResponse(status=200)  # a refusal stays one however often it is delivered
    if kind == "view_submission":
        return BoltResponse(status=200, body=await _in_view(error, sentence, body, desk))
    if kind == "command":
        return BoltResponse(status=200, body={"response_type": "ephemeral", "text": sentence})
    desk.later(_explain(client, body, sentence, desk))
    return BoltResponse(status=200, body="")


def explain(desk: Desk, refusal: Refusal) -> Mrkdwn:
    """The sentence of a refusal, in mrkdwn."""
    return desk.rendering.text(f"errors/{refusal.code}.txt.j2", refusal.values)


async def tell(client: AsyncWebClient, body: Mapping[str, Any], sentence: str) -> None:
    """Say a sentence to the one who clicked, alone. Best effort: an ephemeral message may be missed.

    Not before the click is acknowledged (`Desk.later`): Slack allows a hundred such messages a minute, and
    whoever were to wait for theirs would be told that the app does not answer, and press again.
    """
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id")
    user = _user(body)
    if not user:
        return
    if channel and not channel.startswith("D"):
        if await _respond(client, body, sentence):
            return
        try:
            await client.chat_postEphemeral(
                channel=channel, user=user, text=sentence, thread_ts=container.get("thread_ts")
            )
            return
        except UNREACHABLE as error:  # not in that channel, say: a direct message reaches them
            log.info("an ephemeral explanation was refused: %s", type(error).__name__)
    try:
        await client.chat_postMessage(channel=user, text=sentence)
    except UNREACHABLE as error:
        log.warning("an explanation did not reach its person: %s", type(error).__name__)


async def _explain(client: AsyncWebClient, body: Mapping[str, Any], sentence: str, desk: Desk) -> None:
    if not await _over_the_modal(client, body, sentence, desk):
        await tell(client, body, sentence)


async def _respond(client: AsyncWebClient, body: Mapping[str, Any], sentence: str) -> bool:
    """Answer a click by its own address, which counts towards no method's limit."""
    url = str(body.get("response_url") or "")
    try:
        address = urlsplit(url)
    except ValueError:  # it is none of Slack's
        return False
    if not (address.hostname or "").endswith(SLACKS) and address.netloc != urlsplit(client.base_url).netloc:
        return False
    hook = AsyncWebhookClient(url, timeout=RESPOND_WITHIN, session=client.session, retry_handlers=[])
    try:
        answer = await hook.send_dict(
            {
                "text": sentence,
                "response_type": "ephemeral",
                "replace_original": False,
                "thread_ts": (body.get("container") or {}).get("thread_ts"),
            }
        )
    except UNREACHABLE as error:
        log.info("a click could not be answered by its own address: %s", reason(error))
        return False
    return answer.status_code == 200


async def _over_the_modal(client: AsyncWebClient, body: Mapping[str, Any], sentence: str, desk: Desk) -> bool:
    """Say it on top of the modal in which it was pressed: whoever looks at one sees no message behind it."""
    if (body.get("view") or {}).get("type") != "modal" or not body.get("trigger_id"):
        return False
    view = desk.rendering.view("errors/modal", {"sentence": sentence})
    try:
        await client.views_push(trigger_id=body["trigger_id"], view=view)
    except UNREACHABLE as error:  # closed meanwhile, or three deep already
        log.info("an explanation could not be laid over a form: %s", reason(error))
        return False
    return True


async def _in_view(error: Exception, sentence: str, body: Mapping[str, Any], desk: Desk) -> dict[str, Any]:
    """Keep the modal and what was typed: the sentence on the field, or on the first input there is."""
    inputs = [block["block_id"] for block in body["view"].get("blocks", []) if block.get("type") == "input"]
    if isinstance(error, Invalid) and error.field in inputs:
        return {"response_action": "errors", "errors": {error.field: await _plain(sentence, desk)}}
    if inputs:
        return {"response_action": "errors", "errors": {inputs[0]: await _plain(sentence, desk)}}
    view = desk.rendering.view("errors/modal", {"sentence": sentence})
    return {"response_action": "update", "view": view}


async def _plain(sentence: str, desk: Desk) -> str:
    """A sentence for a field's error, which Slack shows as plain text: people by name, escapes undone."""
    for slack_id in re.findall(r"<@([UW][A-Z0-9]+)>", sentence):
        await desk.acquaint(slack_id)
        async with desk.database.read() as db:
            person = await people.find(db, slack_id)
        name = (person.name if person else None) or slack_id
        sentence = sentence.replace(f"<@{slack_id}>", escape(" ".join(name.split())))
    return unescape(sentence)


def _name(body: Mapping[str, Any]) -> str:
    """What the entry calls itself, for the log; shortened, for it comes from outside."""
    actions = body.get("actions") or [{}]
    event = body.get("event") or {}
    found = (
        body.get("callback_id") or (body.get("view") or {}).get("callback_id") or actions[0].get("action_id")
    )
    return repr(str(found or event.get("type") or body.get("command"))[:80])


def _user(body: Mapping[str, Any]) -> str | None:
    return (body.get("user") or {}).get("id") or body.get("user_id") or (body.get("event") or {}).get("user")
