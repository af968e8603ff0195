"""Reading a programme from a file: TOML as in config.toml, pretalx JSON, frab XML, iCalendar.

A file is taken whole or not at all: every mistake is named with its line or path. Segments are known again
by their id, by the id they had in the file before (`known_as`), or the first time by their title, so that
a renamed or moved one stays the same segment.
"""

from __future__ import annotations

import re

from bot.config import Config
from bot.errors import ConfigError, Invalid
from bot.programme.importing import ical, talks, toml
from bot.programme.importing.entries import BYTES, Found, wrong
from bot.programme.importing.merging import merge
from bot.programme.model import Programme

__all__ = ["BYTES", "read"]


def read(data: bytes, *, base: Programme, config: Config) -> Programme:
    """The programme that a file makes of `base`, the released one; segments it lacks are not in it.

    The kind of file is seen from its content. What a kind cannot say (who speaks, and segments without a
    time, in iCalendar; the joining link, in pretalx and frab, whose URL is a page about the talk; whether
    questions are taken, anywhere but in TOML) stays as it was. Raises Invalid (field "file", with
    `mistakes`); nothing is changed then.
    """
    try:
        return _read(data, base, config)
    except ConfigError as error:
        raise Invalid("import_mistakes", field="file", mistakes=error.mistakes) from None


def _read(data: bytes, base: Programme, config: Config) -> Programme:
    if len(data) > BYTES:
        raise wrong("the file", f"it has {len(data)} bytes", f"{BYTES} are the most it may have")
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise wrong("the file", f"byte {error.start} is not UTF-8", "save it as UTF-8") from None
    if not text:
        raise wrong("the file", "it is empty", "export the programme again")
    return merge(_found(data, text, config), base)


def _found(data: bytes, text: str, config: Config) -> Found:
    if re.match(r"<(?:!doctype html|html)\b", text, re.IGNORECASE):
        raise wrong("the file", "it is a web page", "export the schedule as a file; it may ask you to log in")
    if text.startswith("<"):
        return talks.from_xml(data, config.workshop.tz)
    if re.match(r"\{|\[\s*[{\]]", text):
        return talks.from_json(text, config.workshop.tz)
    if text.upper().startswith("BEGIN:VCALENDAR"):
        return ical.read(text, config)
    return toml.read(text, config)
