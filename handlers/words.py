"""Slack's text as people read it."""

from __future__ import annotations

import re

from bot.rendering import unescape


def as_typed(text: str) -> str:
    """A Slack message as people read it: mentions by name, links by address, escapes undone."""
    text = re.sub(r"<[@#!][^>|]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"<@[UW][A-Z0-9]+>", "@…", text)
    text = re.sub(r"<!(here|channel|everyone)>", r"@\1", text)
    text = re.sub(r"<[#!][^>]*>", "", text)
    text = re.sub(r"<((?:https?|mailto):[^>|]*)(?:\|[^>]*)?>", r"\1", text)
    return unescape(text)
