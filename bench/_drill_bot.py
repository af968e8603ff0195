"""The whole bot as one process of the drill; `bench/drill.py` starts it, and kills it.

Everything that waits in wall time is as many times faster as the workshop clock is: the timeout of a call,
the lease that covers two of them, the sweeps. So a drill at speed 10 is life at a tenth of the length.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from bot import app, config, logs
from bot.answers import Answers
from bot.clock import SimulatedClock
from bot.config import Environment, shipped
from bot.delivery import alarm, claims, sender, wake
from bot.delivery.sender import calls
from bot.questions import submission
from bot.rendering import Rendering
from bot.store.engine import Database

_SHIPPED = config.load(shipped("config.toml"))
# The shipped configuration, with room for as many questions as the drill asks.
SETTINGS = _SHIPPED.model_copy(
    update={"questions": _SHIPPED.questions.model_copy(update={"open_per_person": 100})}
)
# Read once, before processes are forked from this one: else most of a short life would go into it.
ANSWERS = Answers(SETTINGS, Rendering(SETTINGS))


def hurry(speed: float) -> None:
    """Divide what is measured in wall time."""
    calls.CALL_TIMEOUT /= speed  # type: ignore[misc]
    app.API_TIMEOUT /= speed
    app.CONNECT_TIMEOUT /= speed
    claims.LEASE /= speed
    claims.SPEAKING_LEASE /= speed
    claims.BEGIN_WITHIN /= speed
    for module in (alarm, sender):
        module.SWEEP /= speed
    sender.DATABASE_PAUSE /= speed
    wake.RECONNECT /= speed
    # A person waits for Slack's three seconds and sends again in wall time, so theirs is that much longer.
    submission.SAME_WITHIN *= speed  # type: ignore[misc]


async def serve(given: dict[str, Any], up: Connection | None) -> None:
    """Run until killed, and say when it has come up; the clock is the parent's, read through the host's."""
    hurry(given["speed"])
    began = datetime.fromisoformat(given["began"])
    now = began + timedelta(seconds=(time.time() - given["wall"]) * given["speed"])
    clock = SimulatedClock(now, given["speed"])
    database = Database(given["database"], SETTINGS.workshop.id)
    environment = Environment(**given["environment"])
    async with app.running(
        SETTINGS, environment, database, clock, mode="rehearsal", read_answers=lambda: ANSWERS
    ):
        if up is not None:
            up.send(True)
        await asyncio.Event().wait()


def main(given: dict[str, Any], up: Connection | None = None) -> None:
    """The process; what it prints goes to `log` if that is given, else nowhere without `DRILL_SHOWS`."""
    if not os.environ.get("DRILL_SHOWS"):
        kept = os.open(given.get("log", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(kept, 1)
        os.dup2(kept, 2)
    logs.configure(logging.INFO if "log" in given else logging.CRITICAL)
    asyncio.run(serve(given, up))
