"""Scenarios: what people do in a rehearsal, as small text files (`scenarios/*.toml`).

A scenario lists steps with their moment; `player` lets people do them. One whose moments all count from
"now" can be played at any instant of a rehearsal.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.config import Config, Moment
from bot.errors import ConfigError, Mistake

Json = dict[str, Any]
NOW = "now"


class Step(BaseModel):
    """One deed of one person, and what must come of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    who: str = ""  # "participant 1", "moderator 2", "each crowd" (everybody of that role at once)
    does: Literal[
        "say", "mention", "command", "shortcut", "message_shortcut", "click", "reclick", "submit", "resubmit",
        "forge", "react", "home", "fault", "disconnect", "mend",
    ]  # fmt: skip
    times: int = Field(1, ge=1, le=20)  # the same deed so often at once: a double click is 2
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
        parse(value)
        return value


class Scenario(BaseModel):
    """A whole rehearsal: where the clock starts and ends, and the steps in between."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    about: str = ""  # a sentence for the page's menu
    starts: str  # where the clock starts when nothing says otherwise; never "now"
    ends: str
    crowd: int = Field(0, ge=0, le=500)  # further participants: "crowd 1", "crowd 2", …
    steps: list[Step]

    @field_validator("starts", "ends")
    @classmethod
    def _moments(cls, value: str) -> str:
        parse(value)
        return value

    @property
    def anywhere(self) -> bool:
        """Whether it can be played at any instant."""
        return all(moment.startswith(NOW) for moment in (self.ends, *(step.at for step in self.steps)))


@dataclass(slots=True)
class Outcome:
    """What came of a step: what the person saw at once, and why that is wrong, if it is."""

    step: Step
    at: datetime
    seen: Json = field(default_factory=dict)
    wrong: str | None = None

    def as_dict(self) -> Json:
        """For the summary: when, who, what, and why it is wrong."""
        return {
            "at": self.at.isoformat(),
            "who": self.step.who,
            "does": self.step.does,
            "wrong": self.wrong,
        }


def parse(moment: str) -> Moment:
    """A moment of config.toml, or one that counts from "now"; raises ValueError."""
    return Moment.parse("start" + moment.removeprefix(NOW) if moment.startswith(NOW) else moment)


def instant(moment: str, config: Config, now: datetime) -> datetime:
    """A moment of a scenario as an instant, UTC; "now" is `now`."""
    workshop = config.workshop
    if moment.startswith(NOW):
        return parse(moment).instant(now, now, workshop.tz)
    return parse(moment).instant(workshop.start, workshop.end, workshop.tz)


def shipped() -> dict[str, Scenario]:
    """The scenarios that come with the program, by name."""
    folder = Path(__file__).parent / "scenarios"
    return {file.stem: load(file) for file in sorted(folder.glob("*.toml"))}


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
