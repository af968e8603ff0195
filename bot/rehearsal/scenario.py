"""Scenarios: what people do in a rehearsal, as small text files, and the player that does it.

A scenario (`scenarios/*.toml`) lists steps with their moment; the player moves a standing clock from one
instant to the next and lets people act by the same deeds as the page (`person`). It stands while anything is
due or in flight, then jumps to whatever comes first: a step, or something that the bot or the workspace has
to do.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bot.clock import SimulatedClock
from bot.config import Config, Moment, SegmentSection
from bot.errors import ConfigError, Mistake
from bot.rehearsal.deeds import DeedError
from bot.rehearsal.person import Person
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.rendering import unescape

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
    """Plays a scenario in a workspace, on a standing clock.

    `settled` returns once nothing is due or in flight; `next_due` is the next instant at which somebody
    other than the player has something to do.
    """

    def __init__(
        self,
        scenario: Scenario,
        config: Config,
        clock: SimulatedClock,
        workspace: LocalWorkspace,
        *,
        settled: Callable[[], Awaitable[None]],
        next_due: Callable[[], Awaitable[datetime | None]],
    ) -> None:
        self.scenario = scenario
        self.config = config
        self.clock = clock
        self.workspace = workspace
        self._settled = settled
        self._next_due = next_due
        self._submitted: Json = {}  # the latest submission, to send it again
        self._pressed: Json = {}  # the button pressed last, to press it as it was then

    async def play(self) -> AsyncIterator[Outcome]:
        """Play every step at its instant; yields each outcome once all that it caused has settled."""
        pending = sorted(
            enumerate(self.scenario.steps), key=lambda numbered: (self.instant(numbered[1].at), numbered[0])
        )
        end = self.instant(self.scenario.ends)
        while True:
            await self._settled()
            due = await self._next_due()
            step_at = self.instant(pending[0][1].at) if pending else end
            if due is not None and self.clock.now() < due <= min(step_at, end):
                self.clock.jump(due)
            elif pending:
                self.clock.jump(max(step_at, self.clock.now()))
                outcome = Outcome(pending.pop(0)[1], self.clock.now())
                await self._do(outcome)
                yield outcome
            else:
                self.clock.jump(max(end, self.clock.now()))
                await self._settled()
                return

    def instant(self, moment: str) -> datetime:
        """A moment of the scenario as an instant, UTC."""
        workshop = self.config.workshop
        return Moment.parse(moment).instant(workshop.start, workshop.end, workshop.tz)

    async def _do(self, outcome: Outcome) -> None:
        step = outcome.step
        person = self.person(step.who)
        before = self._whispers(person, step)
        try:
            outcome.seen = await self._deed(person, step)
        except (DeedError, LookupError) as error:
            outcome.wrong = str(error)
            return
        await self._settled()
        outcome.wrong = _judge(step, outcome.seen, told=self._whispers(person, step) - before)

    async def _deed(self, person: Person, step: Step) -> Json:
        """Do it; raises LookupError when the person cannot see what it needs, DeedError when nobody could."""
        text, channel = self._filled(step.text), self._channel(step.to)
        match step.does:
            case "say":
                return await person.say(channel, text)
            case "mention":
                bot = self.workspace.state.members[BOT_USER]
                return await person.say(channel, f"@{bot.name} {text}")
            case "command":
                return await person.command(
                    text, self._channel("participants") if step.to == "bot" else channel
                )
            case "shortcut":
                return await person.shortcut(step.callback)
            case "message_shortcut":
                return await person.message_shortcut(
                    step.callback, channel, self._message(person, step)["ts"]
                )
            case "click" if step.to == "modal":
                view = _top(person)
                block, _ = self._button(view["blocks"], step, about=step.about)
                return await person.click(step.action, view_id=view["id"], block_id=block["block_id"])
            case "click":
                message = self._message(person, step)
                _, button = self._button(message["blocks"], step)
                self._pressed = {"action_id": step.action, "value": button.get("value")}
                return await person.click(step.action, channel=channel, ts=message["ts"])
            case "submit":
                view = _top(person)
                self._submitted = {"view_id": view["id"], "values": self._values(view, step)}
                return await person.submit(**self._submitted)
            case "resubmit":
                try:
                    return await person.submit(**self._submitted)
                except DeedError:
                    return {}  # the workspace had closed that modal: nobody can submit it twice
            case "reclick":
                return await person.forge(self._click_of(channel, self._pressed))
            case "forge":
                return await person.forge(self._click_of(channel, {"action_id": step.action, "value": text}))
            case "react":
                return await person.react(channel, self._message(person, step)["ts"], step.name)
            case "home":
                return await person.open_home()

    def person(self, who: str) -> Person:
        """ "participant 2": the second seeded person of that role; raises LookupError."""
        role, _, number = who.partition(" ")
        members = [m for m in self.workspace.state.members.values() if m.role == role and not m.deleted]
        try:
            return self.workspace.person(members[int(number or 1) - 1].id)
        except (IndexError, ValueError):
            raise LookupError(f"there is no {who} in the workspace") from None

    def _click_of(self, channel: str, pressed: Json) -> Json:
        """The payload of a click on a button that is not before this person now."""
        found = self.workspace.state.channel(channel)
        if found is None:
            raise LookupError(f"there is no channel {channel!r}")
        where = {"type": "message", "message_ts": "1.000001", "channel_id": found.id}
        return {
            "type": "block_actions",
            "container": where,
            "channel": {"id": found.id, "name": found.name},
            "message": {"type": "message", "ts": "1.000001", "text": ""},
            "trigger_id": "1.1.forged",
            "actions": [{"type": "button", "block_id": "forged", "action_ts": "1.000001", **pressed}],
        }

    def _channel(self, to: str) -> str:
        return to if to in ("bot", "modal") else str(getattr(self.config.channels, to))

    def _filled(self, text: str) -> str:
        def fill(match: re.Match[str]) -> str:
            what = match["what"]
            if what == "title":
                return self.config.workshop.title
            if what == "questions segment":
                return self._asked.title
            if what == "questions segment id":
                return self._asked.id
            if what.startswith("time "):
                return f"{self.instant(what.removeprefix('time ')).astimezone(self.config.workshop.tz):%H:%M}"
            return match[0]

        return _PLACEHOLDER.sub(fill, text)

    @property
    def _asked(self) -> SegmentSection:
        """The first segment that takes questions."""
        return next(segment for segment in self.config.segments if segment.takes_questions)

    def _values(self, view: Json, step: Step) -> Json:
        """What is typed into the view; a key with "?" is left out where the view has no such input."""
        blocks = {block["block_id"] for block in view["blocks"]}
        return {
            key.removesuffix("?"): self._filled(value) if isinstance(value, str) else value
            for key, value in step.values.items()
            if not key.endswith("?") or key.removesuffix("?") in blocks
        }

    def _message(self, person: Person, step: Step) -> Json:
        """The newest message the person sees in that channel that holds the words and the button."""
        about = self._filled(step.about)
        for message in reversed(person.messages(self._channel(step.to))):
            if about in str(message) and (not step.action or f"'{step.action}'" in str(message)):
                return message
        raise LookupError(f"{step.who} sees no message about {about!r} with {step.action!r} in {step.to}")

    def _button(self, blocks: list[Json], step: Step, *, about: str = "") -> tuple[Json, Json]:
        """The block with the step's button (and the words `about`), and the button."""
        words = self._filled(about)
        for block in blocks:
            accessory = [block["accessory"]] if "accessory" in block else []
            for element in [*block.get("elements", []), *accessory]:
                if element.get("action_id") == step.action and words in unescape(str(block)):
                    return block, element
        raise LookupError(f"there is no button {step.action!r} about {words!r}")

    def _whispers(self, person: Person, step: Step) -> int:
        """How many messages only this person sees: direct ones of the bot, ephemeral ones of the channel."""
        found = len([m for m in person.messages("bot") if m["author"]["is_bot"]])
        for channel in (self.config.channels.participants, self._channel(step.to)):
            member = self.workspace.state.channel(channel)
            if member is not None and not member.direct and person.id in member.members:
                found += len([m for m in person.messages(channel) if m["ephemeral"]])
        return found


def _judge(step: Step, seen: Json, *, told: int) -> str | None:
    """Why what the person saw is not what the step expects, or None; `told`: new messages for them alone."""
    if seen.get("failure"):
        return str(seen["failure"])
    errors, response = seen.get("errors") or {}, str(seen.get("response") or "")
    if step.shows and step.shows not in response:
        return f"the reply does not show {step.shows!r}"
    match step.expect:
        case "field" if not errors:
            return "no field was refused"
        case "opened" if not seen.get("view"):
            return "no modal opened"
        case "refused" if not told and not errors:
            return "nobody told the person that it was refused"
        case "done" if errors:
            return f"refused: {errors}"
    return None


def _top(person: Person) -> Json:
    views = person.views()
    if not views:
        raise LookupError(f"{person.account.name} has no modal open")
    return views[-1]
