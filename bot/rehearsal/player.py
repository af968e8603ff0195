"""The player of scenarios: people act by the same deeds as on the page, on a standing clock.

It stands while anything is due or in flight, then jumps to whatever comes first: a step, or something that
the bot or the workspace has to do.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from bot.clock import SimulatedClock
from bot.config import Config, SegmentSection
from bot.rehearsal import scenario, seed
from bot.rehearsal.person import Person
from bot.rehearsal.reach import DeedError
from bot.rehearsal.scenario import Json, Outcome, Scenario, Step
from bot.rehearsal.server import LocalWorkspace
from bot.rehearsal.state import BOT_USER
from bot.rendering import unescape

SETTLE_WITHIN = 60.0  # wall seconds; longer means that something hangs
_PLACEHOLDER = re.compile(r"\$\{(?P<what>[^}]*)\}")


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
        self._began = clock.now()
        self._submitted: dict[str, Json] = {}  # everybody's latest submission, to send it again
        self._pressed: Json = {}  # the button pressed last, to press it as it was then

    async def play(self) -> AsyncIterator[Outcome]:
        """Play every step at its instant; yields each outcome once all that it caused has settled."""
        self.workspace.admit(seed.crowd(self.scenario.crowd))
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
                for outcome in await self._do(pending.pop(0)[1]):
                    yield outcome
            else:
                self.clock.jump(max(end, self.clock.now()))
                await self._settled()
                return

    def instant(self, moment: str) -> datetime:
        """A moment of the scenario as an instant, UTC."""
        return scenario.instant(moment, self.config, self._began)

    async def _do(self, step: Step) -> list[Outcome]:
        """Let everybody whom the step names do it at once; what came of it for each."""
        try:
            people = self._people(step.who)
        except LookupError as error:
            return [Outcome(step, self.clock.now(), wrong=str(error))]
        before = [self._whispers(person, step) for person in people]
        tried = [self._try(person, number, step) for number, person in enumerate(people, 1)]
        outcomes = [Outcome(step, self.clock.now())] if not people else await asyncio.gather(*tried)
        if not people:
            await self._mishap(step)
        await self._settled()
        for outcome, person, already in zip(outcomes, people, before, strict=False):
            told = self._whispers(person, step) - already
            outcome.wrong = outcome.wrong or _judge(step, outcome.seen, told=told)
        return outcomes

    async def _try(self, person: Person, number: int, step: Step) -> Outcome:
        outcome = Outcome(step, self.clock.now())
        try:
            deeds = [self._deed(person, step, number) for _ in range(step.times)]
            outcome.seen = (await asyncio.gather(*deeds))[0]
        except (DeedError, LookupError) as error:
            outcome.wrong = str(error)
        return outcome

    async def _mishap(self, step: Step) -> None:
        """What nobody does: the network, or Slack, misbehaves."""
        match step.does:
            case "fault":
                self.workspace.faults.arm(step.values)
            case "mend":
                self.workspace.faults.clear()
            case "disconnect":
                await self.workspace.control.break_sockets(step.name or "warning")

    async def _deed(self, person: Person, step: Step, number: int) -> Json:
        """Do it; raises LookupError when the person cannot see what it needs, DeedError when nobody could."""
        text, channel = self._filled(step.text, number), self._channel(step.to)
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
                wish = {"view_id": view["id"], "values": self._values(view, step, number)}
                self._submitted[person.id] = wish
                return await person.submit(**wish)
            case "resubmit":
                try:
                    return await person.submit(**self._submitted[person.id])
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
        raise LookupError(f"nobody can do {step.does!r}")

    def _people(self, who: str) -> list[Person]:
        """ "participant 2": the second of that role; "each crowd": all; "": nobody. Raises LookupError."""
        if not who:
            return []
        each = who.startswith("each ")
        role, _, number = who.removeprefix("each ").partition(" ")
        members = [m for m in self.workspace.state.members.values() if m.role == role and not m.deleted]
        try:
            chosen = members if each else [members[int(number or 1) - 1]]
        except (IndexError, ValueError):
            chosen = []
        if not chosen:
            raise LookupError(f"there is no {who} in the workspace")
        return [self.workspace.person(member.id) for member in chosen]

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

    def _filled(self, text: str, number: int = 1) -> str:
        def fill(match: re.Match[str]) -> str:
            what = match["what"]
            if what == "n":
                return str(number)
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

    def _values(self, view: Json, step: Step, number: int) -> Json:
        """What is typed into the view; a key with "?" is left out where the view has no such input."""
        blocks = {block["block_id"] for block in view["blocks"]}
        return {
            key.removesuffix("?"): self._filled(value, number) if isinstance(value, str) else value
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
