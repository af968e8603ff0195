"""`/workshop <verb> …`: one listener, one table of verbs; an unknown verb gets the short help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from handlers.desk import Call, Desk, Reply, command_key
from handlers.words import as_typed

Verb = Callable[[Call], Awaitable[Reply]]
COMMAND = "/workshop"


def listener(verbs: dict[str, Verb]) -> Callable[..., Awaitable[None]]:
    """The listener of the command, for these verbs."""

    async def workshop(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, desk: Desk) -> None:
        verb, _, rest = as_typed(body.get("text") or "").strip().partition(" ")
        call = Call(
            desk=desk,
            client=client,
            user=body["user_id"],
            channel=body.get("channel_id", ""),
            words=rest.strip(),
            trigger_id=body.get("trigger_id", ""),
            key=command_key(body),
        )
        reply = await verbs.get(verb.lower(), help_)(call)
        if reply is None:
            await ack()
        else:
            await ack(text=reply.text, blocks=reply.blocks or None, response_type="ephemeral")

    return workshop


async def help_(call: Call) -> Reply:
    """The short help, for everybody or with the verbs of the person's role."""
    roles = await call.desk.directory.roles()
    values = {"moderates": roles.moderates(call.user), "organises": roles.organises(call.user)}
    return call.desk.rendering.message("commands/help", values)
