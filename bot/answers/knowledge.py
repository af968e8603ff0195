"""The answer files of one language: read, checked, and made ready to be matched.

A file `templates/answers/<language>/<topic>.md` is front matter in TOML between two `+++` lines and a body
in Jinja (docs/answers.md tells how to write one). `each` makes one topic for every subject, standard or
segment of the configuration; a topic whose `when` is false for this configuration is left out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.answers.forms import Form, Names
from bot.answers.text import fold
from bot.config import Config
from bot.errors import Mistake
from bot.rendering import Rendering

# What an answer file's body and its expressions may use (docs/answers.md).
VALUES = frozenset({
    "config", "programme", "at", "phase", "days", "when_words", "left", "verdict", "polar", "item", "hours",
    "clock", "local", "places", "own", "own_tz", "on_now", "up_next", "codes", "listed", "unlisted",
    "hours_source", "programme_source", "asked_for", "beside",
})  # fmt: skip


class Front(BaseModel):
    """The front matter of an answer file."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    label: str
    family: str = ""
    known: bool | str = True  # an expression is worked out when the answer is given
    kind: Literal["topic", "small_talk"] = "topic"
    each: Literal["", "subjects", "segments", "standards", "abbreviations"] = ""
    when: str = ""
    words: list[str] = []
    needs: list[str] = []
    fragments: list[str] = []  # needs that count only in a message of a few words
    allows: list[str] = Field(default=[], alias="with")
    phrasings: list[str] = Field(min_length=1)
    sources: list[str] = []
    check: str = ""
    precise: bool = False  # light words ("decide", "help") count: the topic is about a thing of its own
    broad: bool = False  # beside its own key word, what blocks nothing may be said (forms.BLOCKERS)
    strict: bool = False  # an unknown topic that does not take what it does not understand


@dataclass(slots=True)
class Topic:
    """One topic, ready to be matched; `item` is the subject, segment or standard it was made for."""

    id: str
    front: Front
    body: str
    item: Any = None
    words: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    phrasings: tuple[str, ...] = ()
    label: str = ""
    alternatives: list[Form] = field(default_factory=list)
    allows: Names = frozenset()
    keys: set[tuple[Names, ...]] = field(default_factory=set)

    @property
    def family(self) -> str:
        return self.front.family or self.id

    @property
    def intent(self) -> str:
        """The intent that the topic answers (`intents`): the name of its file."""
        return self.id.split(":")[0]

    @property
    def absorbs(self) -> bool:
        """A topic that is never an answer takes whatever else was asked about its thing."""
        return self.front.known is False and not self.front.strict and self.front.kind == "topic"


def load(folder: Path, config: Config, rendering: Rendering) -> tuple[list[Topic], list[Mistake]]:
    """Every topic of a language's folder for this configuration, with what is wrong in the files."""
    topics: list[Topic] = []
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob("*.md")):
        if path.name.startswith("_"):
            continue
        try:
            front, body = read(path)
            topics.extend(_instances(path, front, body, config, rendering))
        except ValidationError as error:
            mistakes.extend(
                Mistake(
                    f"{path.name}: {'.'.join(map(str, detail['loc'])) or 'front matter'}",
                    detail["msg"],
                    "mend the front matter",
                )
                for detail in error.errors()
            )
        except ValueError as error:
            mistakes.append(Mistake(path.name, str(error), "mend the file (docs/answers.md)"))
        else:
            mistakes.extend(_undefined(path, front, body, rendering))
    return topics, mistakes


def read(path: Path) -> tuple[Front, str]:
    """Front matter and body of one file; raises ValueError (pydantic's ValidationError is one)."""
    text = path.read_text(encoding="utf-8")
    match = re.match(r"\+\+\+\n(.*?)\n\+\+\+\n(.*)\Z", text, re.DOTALL)
    if match is None:
        raise ValueError("it does not begin with front matter between two +++ lines")
    try:
        data = tomllib.loads(match[1])
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"its front matter is not valid TOML ({error})") from None
    if not match[2].strip():
        raise ValueError("it has no body")
    return Front.model_validate(data), match[2].strip()


def _instances(path: Path, front: Front, body: str, config: Config, rendering: Rendering) -> Iterator[Topic]:
    items: list[Any] = [None]
    if front.each == "subjects":
        items = list(config.subjects)
    elif front.each == "segments":
        items = list(config.segments)
    elif front.each == "abbreviations":
        items = list(config.abbreviations)
    elif front.each == "standards":
        items = list(config.standards.items) if config.standards else []
    for item in items:
        values = {"config": config, "item": item}
        if front.when and rendering.plain(f"{{{{ 1 if ({front.when}) else 0 }}}}", values) == "0":
            continue
        identity = path.stem if item is None else f"{path.stem}:{_identity(item)}"

        def filled(texts: list[str], values: dict[str, Any] = values) -> tuple[str, ...]:
            made = (rendering.plain(text, values) for text in texts)
            return tuple(line.strip() for text in made for line in text.splitlines() if line.strip())

        label = rendering.plain(front.label, values)
        yield Topic(
            identity,
            front,
            body,
            item,
            filled(front.words),
            filled(front.needs),
            filled(front.phrasings),
            label,
        )


def _identity(item: Any) -> str:
    return str(
        getattr(item, "id", None)
        or re.sub(r"[^a-z0-9]+", "-", fold(getattr(item, "code", None) or item.short)).strip("-")
    )


def _undefined(path: Path, front: Front, body: str, rendering: Rendering) -> Iterator[Mistake]:
    expressions = [front.known] if isinstance(front.known, str) else []
    for text in [body, *front.sources, *(f"{{{{ {expression} }}}}" for expression in expressions)]:
        for name in sorted(rendering.names_in(text) - VALUES):
            yield Mistake(path.name, f"there is no value {name!r}", f"use one of {', '.join(sorted(VALUES))}")
