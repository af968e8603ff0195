"""Block Kit's limits, each just kept and just broken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models import blocks as sdk

from bot.rehearsal import blockkit

from .conftest import actions, button, modal, plain, text_input

Block = dict[str, Any]
KEYS = [
    "type",
    "text",
    "elements",
    "element",
    "accessory",
    "options",
    "block_id",
    "action_id",
    "fields",
    "label",
]


def section(text: str, **fields: Any) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **fields}


def select(count: int, **fields: Any) -> Block:
    options = [{"text": plain(f"o{index}"), "value": f"v{index}"} for index in range(count)]
    return {"type": "static_select", "action_id": "s", "options": options, **fields}


def option(text: str = "t", value: str = "v", **fields: Any) -> Block:
    return {"text": plain(text), "value": value, **fields}


def checkboxes(count: int) -> Block:
    boxes = [option(value=str(index)) for index in range(count)]
    return {"type": "checkboxes", "action_id": "c", "options": boxes}


def overflow(count: int) -> Block:
    return {
        "type": "overflow",
        "action_id": "o",
        "options": [option(value=str(index)) for index in range(count)],
    }


KEPT_AND_BROKEN = [
    ("blocks a message", [{"type": "divider"}] * 50, [{"type": "divider"}] * 51),
    ("section text", [section("x" * 3000)], [section("x" * 3001)]),
    ("empty text", [section("x")], [section("")]),
    (
        "fields",
        [{"type": "section", "fields": [plain("x")] * 10}],
        [{"type": "section", "fields": [plain("x")] * 11}],
    ),
    (
        "field text",
        [{"type": "section", "fields": [plain("x" * 2000)]}],
        [{"type": "section", "fields": [plain("x" * 2001)]}],
    ),
    (
        "header",
        [{"type": "header", "text": plain("x" * 150)}],
        [{"type": "header", "text": plain("x" * 151)}],
    ),
    (
        "header is plain",
        [{"type": "header", "text": plain("x")}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    ),
    (
        "context elements",
        [{"type": "context", "elements": [plain("x")] * 10}],
        [{"type": "context", "elements": [plain("x")] * 11}],
    ),
    (
        "actions elements",
        [actions(*(button(str(index)) for index in range(25)))],
        [actions(*(button(str(index)) for index in range(26)))],
    ),
    (
        "button text",
        [actions(button("a") | {"text": plain("x" * 75)})],
        [actions(button("a") | {"text": plain("x" * 76)})],
    ),
    ("button value", [actions(button("a", "x" * 2000))], [actions(button("a", "x" * 2001))]),
    ("action_id", [actions(button("x" * 255))], [actions(button("x" * 256))]),
    ("block_id", [section("x", block_id="b" * 255)], [section("x", block_id="b" * 256)]),
    ("unique block_id", [section("x", block_id="a"), section("x")], [section("x", block_id="a")] * 2),
    ("unique action_id", [actions(button("a"), button("b"))], [actions(button("a"), button("a"))]),
    ("options", [actions(select(100))], [actions(select(101))]),
    (
        "option text",
        [actions(select(0, options=[option("x" * 75)]))],
        [actions(select(0, options=[option("x" * 76)]))],
    ),
    (
        "option value",
        [actions(select(0, options=[option(value="x" * 150)]))],
        [actions(select(0, options=[option(value="x" * 151)]))],
    ),
    ("overflow", [actions(overflow(5))], [actions(overflow(6))]),
    ("checkboxes", [actions(checkboxes(10))], [actions(checkboxes(11))]),
    (
        "placeholder",
        [actions(select(1, placeholder=plain("x" * 150)))],
        [actions(select(1, placeholder=plain("x" * 151)))],
    ),
    (
        "image alt text",
        [{"type": "image", "image_url": "https://x.org/a.png", "alt_text": "x"}],
        [{"type": "image", "image_url": "https://x.org/a.png"}],
    ),
    ("known type", [{"type": "divider"}], [{"type": "dividor"}]),
    ("no unknown field", [section("x")], [section("x", colour="red")]),
    ("a section holds something", [section("x")], [{"type": "section"}]),
    ("no file input in messages", [text_input("q")], [text_input("q", type="file_input")]),
    ("markdown", [{"type": "markdown", "text": "x" * 12_000}], [{"type": "markdown", "text": "x" * 12_001}]),
]


@pytest.mark.parametrize(
    ("kept", "broken"), [(k, b) for _, k, b in KEPT_AND_BROKEN], ids=[n for n, _, _ in KEPT_AND_BROKEN]
)
def test_a_limit_holds(kept: list[Block], broken: list[Block]) -> None:
    assert blockkit.check_message(kept) == []
    assert blockkit.check_message(broken) != []


def test_an_error_says_what_and_where() -> None:
    errors = blockkit.check_message(
        [section("x"), actions(button("a"), {"type": "button", "action_id": "b"})]
    )

    assert errors == ["[ERROR] missing required field: text [json-pointer:/blocks/1/elements/1]"]


@pytest.mark.parametrize("wrong", [None, 5, "blocks", {"type": "section"}, [None], [[]], ["x"], [{}]])
def test_what_is_no_block_list_is_refused(wrong: Any) -> None:
    assert blockkit.check_message(wrong)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(sorted(blockkit.BLOCKS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(anything=JSON)
def test_nothing_breaks_the_check(anything: Any) -> None:
    for value in (
        anything,
        [anything],
        [{"type": "section", "text": anything}, {"type": "actions", "elements": [anything]}],
    ):
        assert all(error.startswith("[ERROR]") for error in blockkit.check_message(value))
        assert all(
            error.startswith("[ERROR]") for error in blockkit.check_view({"type": "modal", "blocks": value})
        )


def test_all_text_of_a_message_counts_together() -> None:
    assert not blockkit.too_long([section("x" * 3000)] * 4)
    assert blockkit.too_long([section("x" * 3000)] * 4 + [section("x")])


MODALS = [
    (
        "title",
        modal("m", text_input("q"), title=plain("x" * 24)),
        modal("m", text_input("q"), title=plain("x" * 25)),
    ),
    ("blocks", modal("m", *[{"type": "divider"}] * 100), modal("m", *[{"type": "divider"}] * 101)),
    ("inputs need submit", modal("m", text_input("q")), modal("m", text_input("q"), submit=None)),
    (
        "private_metadata",
        modal("m", private_metadata="x" * 3000),
        modal("m", private_metadata="x" * 3001),
    ),
    (
        "max_length",
        modal("m", text_input("q", max_length=3000)),
        modal("m", text_input("q", max_length=3001)),
    ),
    (
        "lengths in order",
        modal("m", text_input("q", min_length=2, max_length=3)),
        modal("m", text_input("q", min_length=4, max_length=3)),
    ),
    ("no markdown block", modal("m", {"type": "divider"}), modal("m", {"type": "markdown", "text": "x"})),
    ("callback_id", modal("x" * 255), modal("x" * 256)),
]


@pytest.mark.parametrize(("kept", "broken"), [(k, b) for _, k, b in MODALS], ids=[n for n, _, _ in MODALS])
def test_a_limit_of_modals_holds(kept: Block, broken: Block) -> None:
    assert blockkit.check_view(kept) == []
    assert blockkit.check_view(broken) != []


def test_a_home_view_takes_no_submit() -> None:
    assert blockkit.check_view({"type": "home", "blocks": [section("x")]}) == []
    assert blockkit.check_view({"type": "home", "blocks": [], "submit": plain("Send")})


def test_what_the_sdk_builds_is_accepted() -> None:
    blocks = [
        sdk.HeaderBlock(text="Programme"),
        sdk.SectionBlock(text="*Now*", accessory=sdk.ButtonElement(text="More", action_id="more", value="1")),
        sdk.SectionBlock(
            fields=[sdk.MarkdownTextObject(text="a"), sdk.PlainTextObject(text="b", emoji=True)]
        ),
        sdk.ContextBlock(
            elements=[
                sdk.ImageElement(image_url="https://x.org/a.png", alt_text="a"),
                sdk.MarkdownTextObject(text="words"),
            ]
        ),
        sdk.ActionsBlock(
            elements=[
                sdk.StaticSelectElement(
                    placeholder="Choose", action_id="s", options=[sdk.Option(text="One", value="1")]
                ),
                sdk.DatePickerElement(action_id="d"),
                sdk.OverflowMenuElement(action_id="o", options=[sdk.Option(text="One", value="1")]),
            ]
        ),
        sdk.InputBlock(label="Q", element=sdk.PlainTextInputElement(action_id="q", multiline=True)),
        sdk.RichTextBlock(
            elements=[sdk.RichTextSectionElement(elements=[sdk.RichTextElementParts.Text(text="verbatim")])]
        ),
        sdk.DividerBlock(),
    ]

    assert blockkit.check_message([block.to_dict() for block in blocks]) == []
