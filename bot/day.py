"""A scenario, such as a whole workshop day, played headless: shown message by message, counted at the end."""

from __future__ import annotations

import asyncio
import functools
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot import app, reminders
from bot.app import Bot
from bot.clock import SimulatedClock
from bot.config import Config
from bot.delivery import outbox
from bot.open_day import next_due, settled, step_to
from bot.programme import versions
from bot.programme.model import Programme
from bot.rehearsal import scenario, seed, transcript
from bot.rehearsal.player import Player
from bot.rehearsal.reach import DeedError
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.rendering import unescape
from bot.store.engine import Database
from bot.store.tables import Deed, Delivery, DeliveryState, Exchange, Question

Json = dict[str, Any]
Show = Callable[[Json], Awaitable[None]]
MINUTE = timedelta(minutes=1)
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")  # what a client without dates would show


async def play(
    config: Config, database: Database, show: Show, *, name: str = "day", at: datetime | None = None
) -> Json:
    """Play a scenario on a fresh store and show each message as it appears; gives the summary.

    The clock starts at `at`, by default where the scenario says.

    The summary's `ok` says whether every step came out as expected, every planned reminder was posted
    once on its minute, and nothing is left in the outbox.
    """
    script = scenario.load(scenario.path(name))
    start = at or scenario.instant(script.starts, config, config.workshop.start)
    end = scenario.instant(script.ends, config, start)
    clock = SimulatedClock(start, speed=0)
    began = asyncio.get_running_loop().time()
    await database.empty("rehearsal")
    async with app.rehearsing(config, database, clock) as (bot, workspace):
        upcoming = reminders.upcoming(config, await _programme(bot), bot.desk.rendering, at=start)
        planned = {item.key for item in upcoming if item.at <= end}
        transcript = _Transcript(workspace, show, functools.partial(_kind, bot))

        async def at_rest() -> None:
            await settled(bot, workspace)
            await transcript.catch_up()

        player = Player(
            script,
            config,
            clock,
            workspace,
            settled=at_rest,
            next_due=functools.partial(next_due, bot, workspace),
        )
        wrong = []
        async for outcome in player.play():
            outcome.wrong = outcome.wrong or await _unexpected_answer(bot, outcome)
            if outcome.wrong:
                wrong.append(outcome.as_dict())
        summary = await _summary(bot, planned, wrong, start)
    summary["messages"] = transcript.lines
    summary["seconds"] = round(asyncio.get_running_loop().time() - began, 1)
    await show({"summary": summary})
    return summary


async def replay(config: Config, database: Database, saved: Json) -> Json:
    """Do again on a fresh store what a transcript kept; says where the words part from those saved.

    `same` is whether every deed could be done and every channel ended with the same words.
    """
    clock = SimulatedClock(datetime.fromisoformat(saved["began"]), speed=0)
    await database.empty("rehearsal")
    lost: list[Json] = []
    async with app.rehearsing(config, database, clock) as (bot, workspace):
        workspace.admit(seed.crowd(int(saved.get("crowd", 0))))
        for deed in saved["deeds"]:
            await step_to(datetime.fromisoformat(deed["at"]), bot, workspace, clock)
            try:
                await workspace.deeds.do_again(deed)
            except (DeedError, transcript.Lost) as error:
                lost.append({"at": deed["at"], "who": deed["who"], "does": deed["does"], "wrong": str(error)})
        await step_to(datetime.fromisoformat(saved["ended"]), bot, workspace, clock)
        now = transcript.channels(workspace.state)
    parted = transcript.differences(saved["channels"], now)
    return {"same": not (parted or lost), "deeds": len(saved["deeds"]), "lost": lost, "differences": parted}


def as_text(line: Json, config: Config) -> str:
    """A transcript line, or the closing summary, for people."""
    if "summary" in line:
        return _summary_as_text(line["summary"])
    at = datetime.fromisoformat(line["at"]).astimezone(config.workshop.tz)
    text = unescape(_DATE.sub(r"\1", line["text"])).replace("\n", "\n" + " " * 24)
    mark = " (edited)" if line["edited"] else " (only they see it)" if line["only_for"] else ""
    return f"{at:%a %d %b %H:%M:%S}  {line['channel']:<28} {line['user']}{mark}\n{' ' * 24}{text}"


class _Transcript:
    """Every message of the workspace, once when it appears and once for each text it is given later."""

    def __init__(
        self, workspace: LocalWorkspace, show: Show, kinds: Callable[[str, str], Awaitable[str]]
    ) -> None:
        self.workspace = workspace
        self.show = show
        self.kinds = kinds
        self.lines = 0
        self._shown: dict[tuple[str, str], str] = {}

    async def catch_up(self) -> None:
        state = self.workspace.state
        fresh = [
            (message.ts, channel, message)
            for channel in state.channels.values()
            for message in channel.messages.values()
            if self._shown.get((channel.id, message.ts)) != message.text
        ]
        for ts, channel, message in sorted(fresh, key=lambda item: (item[0], item[1].id)):
            edited = (channel.id, ts) in self._shown
            self._shown[channel.id, ts] = message.text
            self.lines += 1
            author = state.members.get(message.user)
            names = [state.members[user].name for user in channel.members if user != BOT_USER]
            await self.show(
                {
                    "at": (self.workspace.clock.now() if edited else _instant(ts)).isoformat(),
                    "channel": f"DM {', '.join(names)}" if channel.direct else f"#{channel.name}",
                    "kind": await self.kinds(channel.id, ts) if message.bot_id else "message",
                    "text": message.text,
                    "user": author.name if author else message.user,
                    "thread_ts": message.thread_ts,
                    "only_for": message.only_for,
                    "edited": edited,
                }
            )


async def _kind(bot: Bot, channel: str, ts: str) -> str:
    """The kind of the delivery that is this message; "reply" for what is not kept, such as ephemerals."""
    async with bot.desk.database.read() as db:
        found = await db.scalar(select(Delivery.kind).where(Delivery.channel == channel, Delivery.ts == ts))
    return found or "reply"


async def _programme(bot: Bot) -> Programme:
    async with bot.desk.database.read() as db:
        return await versions.current(db)


async def _unexpected_answer(bot: Bot, outcome: scenario.Outcome) -> str | None:
    """Why the bot's answer is not of the status the step expects, or None."""
    expected = outcome.step.answers
    if not expected:
        return None
    async with bot.desk.database.read() as db:
        status = await db.scalar(select(Exchange.status).order_by(Exchange.id.desc()).limit(1))
    return None if status == expected else f"the answer is {status}, not {expected}"


async def _summary(bot: Bot, planned: set[str], wrong: list[Json], start: datetime) -> Json:
    """What the day came to, read from the store."""
    async with bot.desk.database.read() as db:
        deliveries = (await db.scalars(select(Delivery))).all()
        answers = Counter((await db.scalars(select(Exchange.status))).all())
        deeds = Counter((await db.scalars(select(Deed.deed))).all())
        questions = Counter(state.value for state in (await db.scalars(select(Question.state))).all())
        left = [row.key for row in await outbox.outstanding(db) if row.not_before <= bot.desk.clock.now()]
    now = bot.desk.clock.now()
    reminded = [
        row for row in deliveries if row.kind.startswith("reminders/") and start <= row.not_before <= now
    ]
    posted = [row for row in reminded if row.state is DeliveryState.SENT]
    off_time = [
        row.key for row in posted if row.sent_at and not timedelta() <= row.sent_at - row.not_before < MINUTE
    ]
    superseded = {
        row.key for row in reminded if row.state is DeliveryState.CANCELLED
    }  # moved with their segment
    missing = sorted(planned - {row.key for row in reminded})
    failed = [row.key for row in deliveries if row.state is DeliveryState.FAILED]
    unposted = [row.key for row in reminded if row.state not in (DeliveryState.SENT, DeliveryState.CANCELLED)]
    return {
        "ok": not (wrong or off_time or missing or failed or unposted or left),
        "reminders": {
            "planned": len((planned | {row.key for row in reminded}) - superseded),
            "posted": len(posted),
            "off_their_minute": off_time,
            "missing": missing + unposted,
        },
        "answered": answers["answered"],
        "unknown": answers["unknown"],
        "questions": {
            "submitted": sum(questions.values()),
            "approved": deeds["question.approve"],
            "declined": deeds["question.decline"],
        },
        "changes_announced": sum(
            1 for row in deliveries if row.kind == "announcements/change" and row.state is DeliveryState.SENT
        ),
        "left_in_outbox": left,
        "failed": failed,
        "unexpected": wrong,
    }


def _summary_as_text(summary: Json) -> str:
    reminders_, questions = summary["reminders"], summary["questions"]
    lines = [
        "",
        f"Reminders      {reminders_['posted']} of {reminders_['planned']} posted, each once, "
        f"{len(reminders_['off_their_minute'])} off their minute",
        f"Inquiries      {summary['answered']} answered, {summary['unknown']} not known and filed",
        f"Questions      {questions['submitted']} submitted, {questions['approved']} approved, "
        f"{questions['declined']} declined",
        f"Changes        {summary['changes_announced']} announced",
        f"Outbox         {len(summary['left_in_outbox'])} left, {len(summary['failed'])} failed",
        f"Messages       {summary['messages']} in {summary['seconds']} s",
    ]
    lines += [
        f"UNEXPECTED     {item['at']} {item['who']} {item['does']}: {item['wrong']}"
        for item in summary["unexpected"]
    ]
    lines += [f"MISSING        {key}" for key in reminders_["missing"]]
    lines.append("It went as it should." if summary["ok"] else "It did NOT go as it should.")
    return "\n".join(lines)


def _instant(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
