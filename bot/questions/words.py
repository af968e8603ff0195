"""A person's words before they are stored: cleaned, counted as people count, held where one should judge."""

from __future__ import annotations

import unicodedata

import regex

from bot.config import QuestionsSection
from bot.errors import Invalid
from bot.rendering import length

UNITS_LIMIT = 3_000  # code units of one text: what a plain_text_input and a section block take

# Line and paragraph separators become line breaks; bidirectional overrides could turn the words around them.
_BREAKS = regex.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = regex.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u202a-\u202e\u2066-\u2069\ufeff]")
_VISIBLE = regex.compile(r"[\p{L}\p{N}\p{P}\p{S}]")

_LINK = regex.compile(r"(?i)\b(?:https?://|www\.)\S|\b[\w-]+\.(?:com|org|net|info|io|biz|ru|cn)\b")
_CONTACT = regex.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|(?<![\d.])\+?\d(?:[\s()./-]{0,2}\d){8,14}(?!\d)")
_REPEATED = regex.compile(r"(\X)\1{9,}")


def clean(text: str) -> str:
    """The text in one normal form (NFC), without control characters, outer spaces and runs of empty lines.

    "" when nothing visible is left.
    """
    normal = unicodedata.normalize("NFC", _BREAKS.sub("\n", text).replace("\t", " "))
    kept = regex.sub(r"\n{3,}", "\n\n", "\n".join(_without(line) for line in normal.split("\n"))).strip()
    return kept if _VISIBLE.search(kept) else ""


def _without(line: str) -> str:
    return _UNWANTED.sub("", line).rstrip()


def checked(text: str, *, field: str, shortest: int, longest: int) -> str:
    """The cleaned text; raises Invalid("text_length") for `field` unless it has that many characters.

    Characters are counted as people count them; 3,000 code units are the most that Slack's inputs take.
    """
    kept = clean(text)
    count = length(kept[: 4 * UNITS_LIMIT])
    if not shortest <= count <= longest or len(kept) > UNITS_LIMIT:
        raise Invalid("text_length", field=field, length=count, shortest=shortest, longest=longest)
    return kept


def held_because(text: str, settings: QuestionsSection) -> str | None:
    """Why a person should look at this text before others see it, in words; None when nothing asks for that.

    A match only ever holds: nothing is dropped or altered, and moderators see the reason.
    """
    if _CONTACT.search(text):
        return "it seems to hold an e-mail address or a phone number"
    if _LINK.search(text):
        return "it holds a link"
    for word in settings.hold_words:
        if regex.search(rf"(?<!\p{{L}}){regex.escape(word)}(?!\p{{L}})", text, regex.IGNORECASE):
            return f"it holds the word “{word}”"
    if _REPEATED.search(text):
        return "it repeats one character many times"
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return "it holds no words"
    if len(letters) >= 20 and sum(character.isupper() for character in letters) > 0.8 * len(letters):
        return "it is written in capitals"
    return None
