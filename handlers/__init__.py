"""Slack listeners and web routes, one file per noun; `register` lists every Slack entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext

from handlers import (
    announcements,
    answers,
    calendar,
    commands,
    errors,
    home,
    operations,
    page,
    privacy,
    programme,
    questions,
)
from handlers.bolt import Bolt
from handlers.desk import Desk

VERBS: dict[str, commands.Verb] = {
    "help": commands.help_,
    **answers.COMMANDS,
    **programme.COMMANDS,
    **announcements.COMMANDS,
    **page.COMMANDS,
    **questions.COMMANDS,
    **home.COMMANDS,
    **calendar.COMMANDS,
    **operations.COMMANDS,
    **privacy.COMMANDS,
}


def register(app: Bolt, desk: Desk) -> None:
    """Bind every Slack entry; what nobody binds is logged and acknowledged (`errors.on_error`)."""
    app.crowds = frozenset({questions.VOTE, questions.UNVOTE})

    async def bring_desk(context: AsyncBoltContext, next_: Callable[[], Awaitable[Any]]) -> Any:
        context["desk"] = desk
        return await next_()

    app.use(bring_desk)
    app.command(commands.COMMAND)(commands.listener(VERBS))
    questions.register(app)  # first: Bolt goes through them in this order, and votes are what comes most
    answers.register(app)
    programme.register(app)
    announcements.register(app)
    page.register(app)
    home.register(app)
    operations.register(app)
    privacy.register(app)
    app.error(errors.on_error)
