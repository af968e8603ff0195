"""A message as people send it, made into sentences of tokens.

What Slack adds (mentions, link brackets, emoji codes), invisible characters and decoration go; what could
matter (numbers, codes, dates, times, capitals) stays, each token with its place in the cleaned text so
that a part can be quoted back as the person wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST = 3_000  # characters that are read; the head and the tail of anything longer

_SLACK_LINK = re.compile(r"<((?:https?|mailto|tel):[^|>\s]+)(?:\|([^>]*))?>")
_SLACK_CHANNEL = re.compile(r"<#[A-Z0-9]+(?:\|[^>]*)?>")
_SLACK_OTHER = re.compile(r"<[@!][^<>]{1,100}>")
_EMOJI_CODE = re.compile(r"(?<![\w:]):(?=[a-z0-9_+'-]*[a-z+])[a-z0-9_+'-]{1,50}:(?!\w)")
_FENCE = re.compile(r"```+|`")
_MARKS = re.compile(r"(?<!\w)[*_~]+(?=\S)|(?<=\S)[*_~]+(?!\w)")
_CONTROLS = {code: " " for code in (*range(32), 127) if chr(code) != "\n"}
_QUOTES = str.maketrans({
    "’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": " - ",
    "−": "-", "‑": "-", "…": "... ", "？": "? ", "！": "! ", "，": ", ", "。": ". ",
})  # fmt: skip
# "T S B", "I-T-U"
_SPELT = re.compile(r"(?<![\w.-])[A-Z](?:([ .-])[A-Z])(?:\1[A-Z]){1,3}(?![\w-])\.?(?=\W|$)")
_SPACES = re.compile(r"[^\S\n]+")

_TOKEN = re.compile(
    r"""(?P<url>\.{0,2}(?:/\.\.|\.\./)\S*|(?:https?://|www\.)[^\s<>"]+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|int|net|ch|io|edu)(?:/[^\s<>"]*)?(?![\w.]))
    |(?P<email>[\w.+-]+@[\w-]+\.[\w.-]+)
    |(?P<sign>[€$£¥%])
    |(?P<end>(?<![\w(])\(?[1-9a-h]\)(?=\s*[^\W\d])|[.?!;\n]+)
    |(?P<clock>(?<![\d.])(?:[01]?\d|2[0-4])\s?[:h.]\s?[0-5]\d(?:\s?(?:am|pm|a\.m\.?|p\.m\.?))?(?![\d.]*\d)|(?<![\d.:])(?:[01]?\d|2[0-4])\s?(?:am|pm|a\.m\.?|p\.m\.?|hrs?|h)(?!\w)|(?<![\d.:])(?:[01]\d|2[0-3])[0-5]\d\s?(?:hrs?|hours|h)(?!\w))
    |(?P<iso>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})(?!\d)|(?<![\d.])\d{1,2}/\d{1,2}(?![\d/]))
    |(?P<offset>(?:utc|gmt)\s?[+-]\s?\d{1,2}(?::?[0-5]\d)?(?!\w)|(?<![\w)])[+-]\d{1,2}:[0-5]\d(?!\w)|(?<=\s)\+\d{1,2}(?!\w))
    |(?P<number>\d+(?:[.,]\d+)*(?:st|nd|rd|th)?(?![\w]))
    |(?P<word>[^\W_]+(?:['.&-][^\W_]+)*)
    |(?P<mark>[,:/&()"|-]|\+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_IS = frozenset(
    (
        "what",
        "where",
        "when",
        "who",
        "how",
        "why",
        "it",
        "that",
        "there",
        "here",
        "he",
        "she",
        "this",
        "which",
    )
)
_LETTERS = re.compile(r"(?:[a-z]\.)+[a-z]?\.?")
_DOTTED = re.compile(r"(?:[a-z]\.){2,}|(?:mr|mrs|ms|dr|prof|vs|incl|approx|etc|no|rec|st)\.", re.IGNORECASE)


@dataclass(slots=True)
class Token:
    """One word, number or mark; `norm` is what is matched, `raw` what was written."""

    norm: str
    raw: str
    start: int
    end: int
    kind: str = "word"  # word, number, url, email, sign, clock, iso, offset, mark; entities: see entities.py
    value: object = None
    corrected: bool = False
    translated: bool = False  # put into this language from another
    stem: str = field(default="")


@dataclass(slots=True)
class Sentence:
    """Tokens up to a full stop, question mark or line break; `asked` when it ended with a question mark."""

    tokens: list[Token]
    asked: bool


def clean(text: str) -> str:
    """The readable text of a message: no mentions, markup decoration, emoji or invisible characters."""
    if len(text) > LONGEST:
        text = text[: LONGEST * 2 // 3] + "\n" + text[-LONGEST // 3 :]
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("\r", "\n")
    text = _SLACK_LINK.sub(
        lambda found: f" {found[2]} " if found[2] else f" {found[1].removeprefix('mailto:')} ", text
    )
    text = _SLACK_OTHER.sub(" ", _SLACK_CHANNEL.sub(" ", text))
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    text = text.translate(_CONTROLS) if text.isascii() else "".join(_kept(character) for character in text)
    text = re.sub(r"\A\s*(?:/|--)[a-z]+\b|</?[a-z]\w*>", " ", text)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\$\{.*?\}", " ", text)
    text = re.sub(r"(?<=\w)\s+=+\s+(?=\w)", " means ", text)
    text = _SPELT.sub(lambda found: re.sub(r"\W", "", found[0]), text)
    text = _MARKS.sub("", _FENCE.sub(" ", _EMOJI_CODE.sub(" ", text)))
    return _SPACES.sub(" ", text).strip()


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Cn", "Co", "Cs"):
        return ""
    if category == "So" or (category == "Sk" and not character.isascii()):
        return " "
    if category == "Cc" and character != "\n":
        return " "
    return character


def sentences(text: str, rewrites: Mapping[str, tuple[str, ...]]) -> list[Sentence]:
    """Cut cleaned text into sentences of tokens; `rewrites` spells out contractions and chat shorthand."""
    found: list[Sentence] = []
    current: list[Token] = []

    def close(asked: bool) -> None:
        nonlocal current
        if any(token.kind != "mark" for token in current):
            found.append(Sentence(current, asked))
        elif asked and found:
            found[-1].asked = True
        current = []

    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        dotted = (
            _DOTTED.match(text, position) if text[position].isalpha() and _fresh(text, position) else None
        )
        match = None if dotted else _TOKEN.match(text, position)
        if dotted:
            current.extend(_tokens(text, dotted.start(), dotted.end(), "word", rewrites))
            position = dotted.end()
        elif match is None:
            position += 1
        else:
            position = match.end()
            kind = match.lastgroup or "word"
            if kind == "end":
                close("?" in match[0])
            else:
                current.extend(_tokens(text, match.start(), match.end(), kind, rewrites))
    close(False)
    return found


def _fresh(text: str, position: int) -> bool:
    return position == 0 or not text[position - 1].isalnum()


def _tokens(
    text: str, start: int, end: int, kind: str, rewrites: Mapping[str, tuple[str, ...]]
) -> list[Token]:
    raw = text[start:end]
    if kind == "url":
        raw = raw.rstrip(".,;:!?)'")
        return [Token(raw.lower(), raw, start, start + len(raw), kind)]
    norm = fold(raw)
    if kind != "word":
        return [Token(norm, raw, start, end, kind)]
    if "." in norm:
        norm = norm.replace(".", "") if _LETTERS.fullmatch(norm) else norm.rstrip(".")
    if norm in rewrites:
        return [Token(part, raw, start, end) for part in rewrites[norm]]
    parts = _split_word(norm, rewrites) if _JOINED.search(norm) else [norm]
    return [Token(part, raw, start, end) for part in parts if part]


def _split_word(norm: str, rewrites: Mapping[str, tuple[str, ...]]) -> list[str]:
    if norm.endswith("'s") and norm[:-2] in _IS:
        return [*rewrites.get(norm[:-2], (norm[:-2],)), "is"]
    if norm.endswith("'s") and len(norm) > 2:
        return [*rewrites.get(norm[:-2], (norm[:-2],)), "'s"]
    if norm.endswith("n't") and len(norm) > 3:
        return [norm[:-3], "not"]
    for ending, word in (("'re", "are"), ("'ll", "will"), ("'ve", "have"), ("'d", "would"), ("'m", "am")):
        if norm.endswith(ending):
            return [norm[: -len(ending)], word]
    if len(letter := norm.partition("'")[0]) <= 2 and len(norm) - len(letter) > 3:
        norm = norm.replace("'", "-", 1)  # l'atelier, d'accord
    norm = norm.replace("'", "")
    return [piece for whole in re.split(r"[-&]", norm) for piece in rewrites.get(whole, (whole,)) if piece]


def fold(text: str) -> str:
    """Lower case without accents, as words are compared."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))


_JOINED = re.compile("['&-]")
_VOWEL = re.compile(r"[aeiouy]")


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """A light English stem: plural, -ed and -ing endings go, so that forms of one word meet."""
    if len(word) <= 3 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "i"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 3 and _VOWEL.search(rest):
            word = rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word
