"""Named failures.

WorkshopError
├── ConfigError            a setting is wrong: carries every mistake found
├── StoreError             the database cannot be used as it is (newer, other mode, in use)
├── SlackAway              Slack cannot be reached at a start; a later one may succeed
├── TooLate                whoever wanted it has been told by now that it failed
├── NotYet                 what an event is about is not settled yet; Slack is to deliver it again
└── Refusal                a person asked for something that cannot be done; carries the reason's code
    ├── NotAllowed         their role does not permit it
    ├── NotFound           what they mean does not exist (any more)
    ├── Invalid            what they typed cannot be accepted; names the field
    └── Stale              somebody else was faster; carries who, what and when

A Refusal has a `code` and `values`; the sentence a person reads is `templates/errors/<code>.txt.j2`.
Operators read the first three on the terminal, so those carry their sentence themselves.
"""

from __future__ import annotations

from dataclasses import dataclass


class WorkshopError(Exception):
    """Something named went wrong."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong setting: where it stands, what is wrong with it, and what would be right."""

    key: str
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.key}: {self.wrong}; {self.right}"


class ConfigError(WorkshopError):
    """The configuration has mistakes; `mistakes` lists all of them."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


class StoreError(WorkshopError):
    """The database cannot be used as it is; the message says why and what to do."""


class SlackAway(WorkshopError):
    """Slack cannot be reached, or is broken; the message says why and what to do."""


class TooLate(WorkshopError):
    """Slack has told by now whoever wanted it that it failed, so nothing of it is stored."""


class NotYet(WorkshopError):
    """What an event is about is not settled yet; delivered again later, it can be understood."""


class Refusal(WorkshopError):
    """A person's wish that is not carried out; nothing was changed."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.values = values
        super().__init__(code)


class NotAllowed(Refusal):
    """The person's role does not permit the deed."""


class NotFound(Refusal):
    """What the person means does not exist, or no longer."""


class Invalid(Refusal):
    """What the person typed cannot be accepted; `field` names the input it belongs to."""

    def __init__(self, code: str, *, field: str, **values: object) -> None:
        super().__init__(code, **values)
        self.field = field


class Stale(Refusal):
    """The thing has changed since the person saw it; nothing was overwritten."""
