"""Scenarios: what people do in a rehearsal, as small text files, and the player that does it.

A scenario (`scenarios/*.toml`) lists steps with their moment; the player moves a standing clock from one
instant to the next and lets people act through the same interface as the page (`people_api`). It stands
while anything is due or in flight, then jumps to whatever comes first: a step, or something that the bot
or the workspace has to do.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bot.clock import SimulatedClock
from bot.config import Config, Moment
from bot.errors import ConfigError, Mistake
from bot.rehearsal.state import BOT_USER

Json = dict[str, Any]
SETTLE_WITHIN = 60.0  # wall seconds; longer means that something hangs
_PLACEHOLDER = re.compile(r"\$\{(?P<what>[^}]*)\}")


class Step(BaseModel):
    """One deed of one person, and what must come of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    who: str  # "participant 1", "moderator 2", "organiser 1"
    does: Literal[
        "say", "mention", "command", "shortcut", "message_shortcut", "click", "reclick", "submit", "resubmit",
        "forge", "react", "home",
    ]  # fmt: skip
    to: str = "bot"  # a channel's key in config.toml, or the bot
    text: str = ""
    action: str = ""
    callback: str = ""
    about: str = ""  # words that the message or the modal's section must hold
    name: str = ""  # of a reaction
    values: dict[str, Any] = {}
    expect: Literal["done", "opened", "refused", "field"] = "done"
    shows: str = ""  # words that the person must see in the reply
    answers: str = ""  # the status that the reply to an inquiry must have

    @field_validator("at")
    @classmethod
    def _moment(cls, value: str) -> str:
        Moment.parse(value)
        return value


class Scenario(BaseModel):
    """A whole rehearsal: where the clock starts and ends, and the steps in between."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    starts: str
    ends: str
    steps: list[Step]


@dataclass(slots=True)
class Outcome:
    """What came of a step: what the person saw at once, and why that is wrong, if it is."""

    step: Step
    at: datetime
    seen: Json = field(default_factory=dict)
    wrong: str | None = None


def path(name: str) -> Path:
    """The file of a shipped scenario, or `name` itself when it is a file's path."""
    return Path(name) if name.endswith(".toml") else Path(__file__).parent / "scenarios" / f"{name}.toml"


def load(file: Path) -> Scenario:
    """Read a scenario; raises ConfigError with every mistake."""
    try:
        return Scenario.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ConfigError(
            [
                Mistake(
                    f"{file.name}.{'.'.join(str(part) for part in detail['loc'])}",
                    detail["msg"],
                    "mend that line",
                )
                for detail in error.errors()
            ]
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([Mistake(str(file), str(error), "name a scenario file")]) from None


class Player:
    """Plays a scenario in a workspace at `url`, on a standing clock.

    `settled` returns once nothing is due or in flight; `next_due` is the next instant at which somebody
    other than the player has something to do.
    """

    def __init__(
        self,
        scenario: Scenario,
        config: Config,
        clock: SimulatedClock,
        url: str,
        *,
        settled: Callable[[], Awaitable[None]],
        next_due: Callable[[], Awaitable[datetime | None]],
    ) -> None:
        self.scenario = scenario
        self.config = config
        self.clock = clock
        self.url = url
        self._settled = settled
        self._next_due = next_due
        self._people: dict[str, list[Json]] = {}
        self._submitted: Json = {}  # the latest submission, to send it again
        self._pressed: Json = {}  # the button pressed last, to press it as it was then

    async def play(self) -> AsyncIterator[Outcome]:
        """Play every step at its instant; yields each outcome once all that it caused has settled."""
        pending = sorted(
            enumerate(self.scenario.steps), key=lambda numbered: (self.instant(numbered[1].at), numbered[0])
        )
        end = self.instant(self.scenario.ends)
        async with aiohttp.ClientSession(self.url) as http:
            for person in (await self._get(http, "/people"))["people"]:
                self._people.setdefault(person["role"], []).append(person)
            while True:
                await self._settled()
                due = await self._next_due()
                step_at = self.instant(pending[0][1].at) if pending else end
                if due is not None and due <= min(step_at, end) and due > self.clock.now():
                    self.clock.jump(due)
                elif pending:
                    self.clock.jump(max(step_at, self.clock.now()))
                    _, step = pending.pop(0)
                    outcome = Outcome(step, self.clock.now())
                    await self._do(http, outcome)
                    await self._settled()
                    yield outcome
                else:
                    self.clock.jump(max(end, self.clock.now()))
                    await self._settled()
                    return

    def instant(self, moment: str) -> datetime:
        """A moment of the scenario as an instant, UTC."""
        workshop = self.config.workshop
        return Moment.parse(moment).instant(workshop.start, workshop.end, workshop.tz)

    async def _do(self, http: aiohttp.ClientSession, outcome: Outcome) -> None:
        step = outcome.step
        user = self._person(step.who)["id"]
        try:
            verb, wish = await self._wish(http, user, step)
        except LookupError as error:
            outcome.wrong = str(error)
            return
        whispers = await self._whispers(http, user, wish)
        outcome.seen = await self._post(http, user, verb, wish)
        if verb == "submit":
            self._submitted = wish
        outcome.wrong = self._judge(
            step, outcome.seen, len(await self._whispers(http, user, wish)) > len(whispers)
        )

    async def _wish(self, http: aiohttp.ClientSession, user: str, step: Step) -> tuple[str, Json]:
        """The deed to ask the workspace for; raises LookupError when the person cannot see what it needs."""
        text = self._filled(step.text)
        match step.does:
            case "say":
                return "say", {"channel": self._channel(step.to), "text": text}
            case "mention":
                return "say", {"channel": self._channel(step.to), "text": f"<@{BOT_USER}> {text}"}
            case "command":
                return "command", {
                    "channel": self._channel("participants" if step.to == "bot" else step.to),
                    "text": text,
                }
            case "shortcut":
                return "shortcut", {"callback_id": step.callback}
            case "message_shortcut":
                message = await self._message(http, user, step)
                channel = self._channel(step.to)
                return "message_shortcut", {
                    "callback_id": step.callback,
                    "channel": channel,
                    "ts": message["ts"],
                }
            case "click" if step.to == "modal":
                view = await self._view(http, user)
                block = self._block(view["blocks"], step)
                return "click", {
                    "view_id": view["id"],
                    "action_id": step.action,
                    "block_id": block["block_id"],
                }
            case "click":
                message = await self._message(http, user, step)
                block = self._block(message["blocks"], step, anywhere=True)
                value = next(e.get("value") for e in _elements(block) if e.get("action_id") == step.action)
                self._pressed = {"action_id": step.action, "value": value}
                return "click", {
                    "channel": self._channel(step.to),
                    "ts": message["ts"],
                    "action_id": step.action,
                }
            case "submit":
                view = await self._view(http, user)
                values = {
                    key: self._filled(value) if isinstance(value, str) else value
                    for key, value in step.values.items()
                }
                return "submit", {"view_id": view["id"], "values": values}
            case "resubmit":
                return "submit", self._submitted
            case "reclick":
                return "forge", {"payload": self._forged(self._pressed)}
            case "forge":
                return "forge", {"payload": self._forged({"action_id": step.action, "value": step.text})}
            case "react":
                message = await self._message(http, user, step)
                return "react", {"channel": self._channel(step.to), "ts": message["ts"], "name": step.name}
            case "home":
                return "home", {}

    def _judge(self, step: Step, seen: Json, whispered: bool) -> str | None:
        """Why what the person saw is not what the step expects, or None."""
        if step.does in ("reclick", "resubmit") and seen.get("error"):
            return None  # the workspace itself would not let anybody do it twice
        if seen.get("error"):
            return f"{seen['error']}: {seen.get('why', '')}"
        if seen.get("failure"):
            return str(seen["failure"])
        errors, text = seen.get("errors") or {}, str(seen.get("response") or "")
        if step.shows and step.shows not in text:
            return f"the reply does not show {step.shows!r}"
        match step.expect:
            case "field" if not errors:
                return "no field was refused"
            case "opened" if not seen.get("view"):
                return "no modal opened"
            case "refused" if not whispered and not errors and not text:
                return "nothing was refused"
            case "done" if errors:
                return f"refused: {errors}"
        return None

    def _forged(self, pressed: Json) -> Json:
        """The payload of a click on a button that this person does not have before them."""
        where = {"type": "message", "message_ts": "1.000001", "channel_id": "C0FORGED"}
        action = {"type": "button", "block_id": "forged", "action_ts": "1.000001", **pressed}
        return {
            "type": "block_actions",
            "container": where,
            "channel": {"id": "C0FORGED", "name": "forged"},
            "message": {"type": "message", "ts": "1.000001", "text": ""},
            "trigger_id": "1.1.forged",
            "actions": [action],
        }

    def _person(self, who: str) -> Json:
        role, _, number = who.partition(" ")
        return self._people[role][int(number or 1) - 1]

    def _channel(self, to: str) -> str:
        return {"bot": "bot"}.get(to) or str(getattr(self.config.channels, to))

    def _filled(self, text: str) -> str:
        def fill(match: re.Match[str]) -> str:
            what = match["what"]
            if what == "title":
                return self.config.workshop.title
            if what == "questions segment":
                return next(segment.title for segment in self.config.segments if segment.takes_questions)
            if what.startswith("time "):
                return f"{self.instant(what.removeprefix('time ')).astimezone(self.config.workshop.tz):%H:%M}"
            return match[0]

        return _PLACEHOLDER.sub(fill, text)

    async def _message(self, http: aiohttp.ClientSession, user: str, step: Step) -> Json:
        """The newest message the person sees in that channel that holds the words and the button."""
        about = self._filled(step.about)
        for message in reversed(await self._messages(http, user, self._channel(step.to))):
            body = str(message)
            if about in body and (not step.action or f"'{step.action}'" in body):
                return message
        raise LookupError(f"{step.who} sees no message about {about!r} with {step.action!r} in {step.to}")

    async def _view(self, http: aiohttp.ClientSession, user: str) -> Json:
        views = (await self._get(http, f"/people/{user}/views"))["views"]
        if not views:
            raise LookupError(f"{user} has no modal open")
        return dict(views[-1])

    def _block(self, blocks: list[Json], step: Step, *, anywhere: bool = False) -> Json:
        """The block with the step's button, and with its words unless those stand elsewhere."""
        about = "" if anywhere else self._filled(step.about)
        for block in blocks:
            if f"'{step.action}'" in str(block) and about in str(block):
                return block
        raise LookupError(f"there is no {step.action!r} about {about!r}")

    async def _whispers(self, http: aiohttp.ClientSession, user: str, wish: Json) -> list[Json]:
        """What only this person sees: ephemeral messages where the deed happens, and the bot's direct ones."""
        found = [m for m in await self._messages(http, user, "bot") if m.get("user") != user]
        channel = wish.get("channel")
        if channel and channel != "bot":
            found += [m for m in await self._messages(http, user, channel) if m.get("ephemeral")]
        return found

    async def _messages(self, http: aiohttp.ClientSession, user: str, channel: str) -> list[Json]:
        name = channel.replace("#", "%23")
        return list((await self._get(http, f"/people/{user}/channels/{name}/messages")).get("messages", []))

    async def _get(self, http: aiohttp.ClientSession, path_: str) -> Json:
        async with http.get(path_) as response:
            return dict(await response.json())

    async def _post(self, http: aiohttp.ClientSession, user: str, verb: str, wish: Json) -> Json:
        async with http.post(f"/people/{user}/{verb}", json=wish) as response:
            return dict(await response.json())


def _elements(block: Json) -> list[Json]:
    return [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
