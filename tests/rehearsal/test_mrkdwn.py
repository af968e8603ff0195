"""mrkdwn and rich text as HTML; a person's text is never HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rehearsal import dates, mrkdwn
from bot.rehearsal.mrkdwn import Reader

START = int(datetime(2025, 11, 25, 13, 0, tzinfo=UTC).timestamp())


def reader(zone: str = "Europe/Zurich", language: str = "en-GB") -> Reader:
    return Reader(
        id="U1",
        tz=ZoneInfo(zone),
        locale=dates.locale_of(language),
        now=datetime(2025, 11, 24, 12, 0, tzinfo=UTC),
        members={"U1": "Ann", "U2": "Bo <b>"},
        channels={"C1": "general"},
        groups={"S1": "mods"},
    )


def visible(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


LINK = '<a href="https://x.org" target="_blank" rel="noopener noreferrer">'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~no~ `a*b*`", "<strong>bold</strong> <em>it</em> <s>no</s> <code>a*b*</code>"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("a &amp; b &lt;c&gt;", "a &amp; b &lt;c&gt;"),
        ("<script>alert(1)</script>", "scriptalert(1)/script"),  # an unknown reference shows its words
        ("one\ntwo", "one<br>two"),
        ("&gt; a\n&gt; b\nc", "<blockquote>a<br>b</blockquote>c"),
        ("```x &lt; y\n*z*```", "<pre>x &lt; y\n*z*</pre>"),
        ("<https://x.org|the *page*>", f"{LINK}the *page*</a>"),
        ("see https://x.org.", f"see {LINK}https://x.org</a>."),
        ("*<https://x.org|x>*", f"<strong>{LINK}x</a></strong>"),
        ("<javascript:alert(1)|click>", "click"),
        ("<@U1> <@U2>", '<span class="mention loud">@Ann</span> <span class="mention">@Bo &lt;b&gt;</span>'),
        ("<#C1> <#C2|other>", '<span class="mention">#general</span> <span class="mention">#other</span>'),
        ("<!subteam^S1>", '<span class="mention">@mods</span>'),
        ("<!here>", '<span class="mention loud">@here</span>'),
        (":tada: :nothing_here:", "🎉 :nothing_here:"),
        ('"><img src=x onerror=y>', "&#34;&gt;img src=x onerror=y"),
    ],
)
def test_mrkdwn_is_drawn(text: str, html: str) -> None:
    assert reader().mrkdwn(text) == html


@pytest.mark.parametrize(
    ("zone", "language", "tokens", "shown"),
    [
        ("Europe/Zurich", "en-GB", "{date_num} {time}", "2025-11-25 14:00"),
        ("Asia/Tokyo", "ja-JP", "{date_long} {time}", "2025年11月25日火曜日 22:00"),
        ("America/New_York", "en-US", "{date_short} at {time}", "Nov 25, 2025 at 8:00 AM"),
        ("Asia/Kolkata", "en-IN", "{date_pretty}, {time_secs}", "tomorrow, 6:30:00 pm"),
        ("Europe/Paris", "fr-FR", "{date_long}", "mardi 25 novembre 2025"),
        ("Pacific/Auckland", "en-NZ", "{date}", "26 November"),
        ("Europe/Zurich", "en-GB", "{ago}", "in 1 day"),
    ],
)
def test_a_date_is_shown_in_the_readers_zone_and_language(
    zone: str, language: str, tokens: str, shown: str
) -> None:
    html = str(reader(zone, language).mrkdwn(f"<!date^{START}^{tokens}|25 November, 14:00 CET>"))

    assert visible(html).replace("\u202f", " ") == shown
    assert 'title="25 November, 14:00 CET"' in html


@pytest.mark.parametrize(
    "broken", ["<!date^soon^{date}|then>", "<!date^1^{nothing}|then>", "<!date^99999999999999^{date}|then>"]
)
def test_a_broken_date_shows_its_fallback(broken: str) -> None:
    assert visible(str(reader().mrkdwn(broken))) == "then"


def test_rich_text_is_drawn_literally() -> None:
    html = reader().rich_text(
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "*not bold* <b>", "style": {"bold": True}},
                        {"type": "user", "user_id": "U1"},
                        {"type": "link", "url": "javascript:x", "text": "no link"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}
                    ],
                },
            ],
        }
    )

    assert html == (
        '<p><strong>*not bold* &lt;b&gt;</strong><span class="mention loud">@Ann</span>no link</p>'
        '<ol class="indent-0"><li>one</li></ol>'
    )


class Tags(HTMLParser):
    """Collects every tag and every link of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


TOKENS = [
    "<script>",
    "javascript:",
    "```",
    "@U1",
    "<!date^1^{date}|",
    "&gt;",
    "onclick=",
    "<https://x.org|",
    ":tada:",
]
PIECES = st.sampled_from([*"<>&`*_~|\"'\n0\ue000\ue001", *TOKENS, "</a>", "<img src=x onerror=1>"])


@given(pieces=st.lists(PIECES | st.text(max_size=6), max_size=12))
def test_no_text_becomes_markup(pieces: list[str]) -> None:
    for html in (str(reader().mrkdwn("".join(pieces))), str(mrkdwn.plain("".join(pieces)))):
        seen = Tags()
        seen.feed(html)
        assert seen.tags <= {"a", "strong", "em", "s", "code", "pre", "br", "blockquote", "span", "time"}
        assert seen.attributes <= {"href", "target", "rel", "class", "title"}
        assert all(re.match(r"(https?|mailto|tel):", link) for link in seen.links)
