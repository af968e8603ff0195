"""What buttons, forms and commands call a question by: its number, and the revision that was seen."""

from __future__ import annotations

import re

from bot.errors import Invalid


def reference(value: object) -> tuple[int, int]:
    """The number and the revision a button carries; raises Invalid for anything else."""
    match = re.fullmatch(r"(\d{1,10}):(\d{1,10})", str(value or ""))
    if match is None:
        raise Invalid("which_question", field="number")
    return int(match[1]), int(match[2])


def number_in(value: object) -> int:
    """A question's number, as in "12", "#12" or "12:3"; raises Invalid for anything else."""
    match = re.fullmatch(r"\s*#?(\d{1,10})(?::\d+)?\s*", str(value or ""))
    if match is None:
        raise Invalid("which_question", field="target")
    return int(match[1])


def number_and_rest(words: str) -> tuple[int, str]:
    """The number at the start of a command's words, and what follows."""
    first, _, rest = words.strip().partition(" ")
    return number_in(first.rstrip(":,.")), rest.strip()
