"""What the answering part takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.rendering import Mrkdwn

AnswerStatus = Literal["answered", "unknown", "small_talk", "panel_question"]


@dataclass(frozen=True, slots=True)
class Learned:
    """What an organiser taught: the ways it was asked, the plain text of the reply, and its source.

    With `topic` the phrasings mean that topic, whose own answer is given.
    """

    id: int
    phrasings: tuple[str, ...]
    answer: str
    source: str
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of two close readings, to be offered as a button."""

    topic: str
    label: str


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as it is listed to people: `known` is False for one that only says it is not published."""

    id: str
    label: str
    family: str
    known: bool
    phrasings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply to one message.

    `text` is mrkdwn as the person would read it, "" where silence fits (nothing was said). `unanswered`
    are the declined parts as the person wrote them, plain text. `panel_text` is the question to offer to
    the panel, plain text.
    """

    status: AnswerStatus
    text: Mrkdwn
    lang: str
    topics: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    confidence: float = 0.0
    choices: tuple[Choice, ...] = ()
    panel_text: str | None = None
