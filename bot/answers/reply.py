"""What was said, framed as the reply a person reads: status, text with its sources, what stays open."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.answers.compose import Composer, Moment, Said
from bot.answers.model import Answer, AnswerStatus, Choice
from bot.rendering import clip

QUOTE_LIMIT = 160
PANEL_LIMIT = 3_000
LONG = 1_500  # characters of a message that is asked to be shorter when nothing of it was understood


def framed(
    composer: Composer,
    said: Sequence[Said],
    declined: Sequence[str],
    moment: Moment,
    *,
    confidence: float,
    choices: tuple[Choice, ...] = (),
    foreign: bool = False,
    long: bool = False,
    put: Sequence[str] = (),
) -> Answer:
    """One reply from everything said; `declined` are the parts that no topic answers.

    `put` are the questions for the panel beside what was said, "" for how to put one.
    """
    topics = [one for one in said if one.kind == "topic"]
    panel = " ".join(filter(None, put))
    known = [one for one in topics if one.known]
    unknown = [one for one in topics if not one.known]
    sources = tuple(dict.fromkeys(source for one in said for source in one.sources))
    small = bool(said) and not topics and not declined
    status: AnswerStatus = "answered" if known else "small_talk" if small else "unknown"
    text = composer.frame(
        "reply",
        moment,
        known=known,
        unknown=[one.text for one in unknown if one.text],
        small=[one.text for one in said] if small else [],
        declined=[quotable(part) for part in declined],
        sources=joined_sources(sources),
        choices=choices,
        foreign=foreign,
        long=long,
        panel=composer.frame("panel", moment, question=quotable(panel)) if put else "",
    )
    open_parts = dict.fromkeys([*(one.question for one in unknown if one.question), *declined])
    return Answer(
        status,
        text,
        moment.lang,
        tuple(one.topic for one in said),
        sources,
        () if small else tuple(open_parts),
        confidence if status != "unknown" else round(1 - confidence, 2),
        choices,
        clip(panel, PANEL_LIMIT) or None,
    )


def quotable(text: str) -> str:
    """A person's words as they may be quoted in mrkdwn: without anything that could be markup."""
    plain = re.sub(r"[^\w\s.,;:!?'’()%/€$£+-]|_", " ", text)
    return clip(" ".join(plain.split()), QUOTE_LIMIT)


def joined_sources(sources: Sequence[str]) -> list[str]:
    """The sources as they are printed: several paragraphs of one letter in one go."""
    groups: dict[str, list[int]] = {}
    plain: list[str] = []
    for source in sources:
        match = re.fullmatch(r"(.*), paragraph (\d+)", source)
        if match:
            groups.setdefault(match[1], []).append(int(match[2]))
        else:
            plain.append(source)
    made = []
    for name, numbers in groups.items():
        ordered = [str(number) for number in sorted(set(numbers))]
        listed = ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} and {ordered[-1]}"
        made.append(f"{name}, paragraph{'s' if len(ordered) > 1 else ''} {listed}")
    return [*made, *plain]
