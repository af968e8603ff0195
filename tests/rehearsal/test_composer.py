"""Typed text becomes what Slack would store."""

from __future__ import annotations

import pytest

from bot.rehearsal import composer
from bot.rehearsal.state import Channel, Member

MEMBERS = [
    Member("U1", "ann", "Ann"),
    Member("U2", "ann-b", "Ann B"),
    Member("UBOT", "workshop", "W", bot_id="B1"),
]
CHANNELS = [Channel("C1", "general", "channel"), Channel("D1", "directmessage", "im")]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;"),  # typed markup is text
        ("see https://example.org/a?b=1&c=2.", "see <https://example.org/a?b=1&amp;c=2>."),
        ("(https://example.org)", "(<https://example.org>)"),
        ("see example.org/x, ok", "see <http://example.org/x|example.org/x>, ok"),
        ("mail ann@example.org", "mail <mailto:ann@example.org|ann@example.org>"),
        ("hi @ann!", "hi <@U1>!"),
        ("hi @ann-b", "hi <@U2>"),
        ("hi @Workshop, when?", "hi <@UBOT>, when?"),
        ("hi @nobody", "hi @nobody"),
        ("in #general:", "in <#C1|general>:"),
        ("@here look", "<!here> look"),
        ("`@ann <x>`", "`@ann &lt;x&gt;`"),  # code is taken as it is
        ("#1 and a#general", "#1 and a#general"),
    ],
)
def test_a_message_is_stored_as_slack_stores_it(typed: str, stored: str) -> None:
    assert composer.typed(typed, MEMBERS, CHANNELS) == stored


def test_a_command_carries_references_only_when_the_manifest_wants_them() -> None:
    text = "tell @ann in #general <b>"

    escaped = composer.command_text(text, MEMBERS, CHANNELS, should_escape=True)
    assert escaped == "tell <@U1|ann> in <#C1|general> &lt;b&gt;"
    assert (
        composer.command_text(text, MEMBERS, CHANNELS, should_escape=False)
        == "tell @ann in #general &lt;b&gt;"
    )


def test_rich_text_mirrors_the_stored_text() -> None:
    [block] = composer.rich_text("a &amp; <@U1> <https://x.org|x> <#C1|general> <!here> z")

    assert block["elements"][0]["elements"] == [
        {"type": "text", "text": "a & "},
        {"type": "user", "user_id": "U1"},
        {"type": "text", "text": " "},
        {"type": "link", "url": "https://x.org", "text": "x"},
        {"type": "text", "text": " "},
        {"type": "channel", "channel_id": "C1"},
        {"type": "text", "text": " "},
        {"type": "broadcast", "range": "here"},
        {"type": "text", "text": " z"},
    ]
