"""The retry decision, as a table."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.delivery import retry
from bot.delivery.retry import Decision, Done, Fault, GiveUp, LookFirst, NeedsPerson, Retry, decide
from tests.conftest import NOW


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def again(seconds: float, code: str, *, whole_method: bool = False) -> Retry:
    return Retry(after(seconds), code, whole_method)


def post(code: str) -> Fault:
    return Fault(code)


TABLE: list[tuple[int, Fault, Decision]] = [
    # Slack says when: to the second, for the whole method, however often.
    (1, Fault("ratelimited", "post", 7), again(7, "ratelimited", whole_method=True)),
    (99, Fault("ratelimited", "post", 7), again(7, "ratelimited", whole_method=True)),
    (1, Fault("ratelimited", "look", 60), again(60, "ratelimited", whole_method=True)),
    (1, Fault("rate_limited", "update", 0), again(0, "rate_limited", whole_method=True)),
    (1, Fault("ratelimited", "post", None), again(30, "ratelimited", whole_method=True)),
    (1, Fault("ratelimited", "post", -5), again(30, "ratelimited", whole_method=True)),
    (1, Fault("ratelimited", "post", float("nan")), again(30, "ratelimited", whole_method=True)),
    (1, Fault("ratelimited", "post", 1e9), again(3600, "ratelimited", whole_method=True)),
    # Slack was never reached: nothing was done, and the message is not to blame.
    (1, post("unreachable"), again(3, "unreachable")),
    (1000, post("unreachable"), again(3, "unreachable")),
    (1, post("database_away"), again(3, "database_away")),
    (1, post("held_up"), again(3, "held_up")),
    # The outcome is open: search before posting again.
    *[
        (attempt, post(code), LookFirst(after(1), code))
        for attempt in (1, 8, 50)
        for code in (
            "timeout",
            "disconnected",
            "unreadable",
            "server_error",
            "internal_error",
            "fatal_error",
            "request_timeout",
            "service_unavailable",
        )
    ],
    # Searched, and not there.
    (1, post("lost"), again(0, "lost")),
    (7, post("lost"), again(0, "lost")),
    (8, post("lost"), NeedsPerson("lost")),
    (99, post("cut_off"), again(0, "cut_off")),
    (8, post("outage"), again(60, "outage")),
    (999, post("outage"), again(60, "outage")),
    # The app is locked out: wait for the operator.
    (1, post("invalid_auth"), again(60, "invalid_auth")),
    (99, post("token_revoked"), again(60, "token_revoked")),
    (1, Fault("account_inactive", "update"), again(60, "account_inactive")),
    # Somebody has to mend something.
    (1, post("channel_not_found"), NeedsPerson("channel_not_found")),
    (1, post("not_in_channel"), NeedsPerson("not_in_channel")),
    (1, post("is_archived"), NeedsPerson("is_archived")),
    (1, post("missing_scope"), NeedsPerson("missing_scope")),
    (1, post("restricted_action_read_only_channel"), NeedsPerson("restricted_action_read_only_channel")),
    (1, post("messages_tab_disabled"), NeedsPerson("messages_tab_disabled")),
    (1, post("message_limit_exceeded"), NeedsPerson("message_limit_exceeded")),
    (1, post("no_such_place"), NeedsPerson("no_such_place")),
    (1, Fault("too_many_pins", "pin"), NeedsPerson("too_many_pins")),
    (1, Fault("not_in_channel", "look"), NeedsPerson("not_in_channel")),
    # Nobody can.
    (1, post("user_disabled"), GiveUp("user_disabled")),
    (1, post("nobody"), GiveUp("nobody")),
    (1, post("template"), GiveUp("template")),
    (1, post("invalid_blocks"), GiveUp("invalid_blocks")),
    (1, post("msg_blocks_too_long"), GiveUp("msg_blocks_too_long")),
    (1, post("no_text"), GiveUp("no_text")),
    (1, post("metadata_too_large"), GiveUp("metadata_too_large")),
    (1, post("invalid_metadata_schema"), GiveUp("invalid_metadata_schema")),
    (1, post("thread_not_found"), GiveUp("thread_not_found")),
    (1, Fault("edit_window_closed", "update"), GiveUp("edit_window_closed")),
    (1, Fault("message_not_found", "update"), GiveUp("message_not_found")),
    (1, Fault("cant_delete_message", "delete"), GiveUp("cant_delete_message")),
    # It is so already.
    (1, Fault("message_not_found", "delete"), Done()),
    (1, Fault("already_pinned", "pin"), Done()),
    (1, Fault("no_pin", "pin"), Done()),
    (1, Fault("not_pinned", "pin"), Done()),
    # Reading and editing may be repeated without looking first.
    (1, Fault("timeout", "update"), again(1, "timeout")),
    (7, Fault("internal_error", "delete"), again(60, "internal_error")),
    (8, Fault("internal_error", "delete"), NeedsPerson("internal_error")),
    (1, Fault("server_error", "home"), again(1, "server_error")),
    (3, Fault("timeout", "look"), again(4, "timeout")),
    (99, Fault("invalid_cursor", "look"), again(60, "invalid_cursor")),
    # A refusal nobody has heard of: a few more tries, then a person.
    (1, post("brand_new_error"), again(1, "brand_new_error")),
    (2, post("brand_new_error"), again(2, "brand_new_error")),
    (3, post("brand_new_error"), NeedsPerson("brand_new_error")),
    (8, Fault("brand_new_error", "update"), NeedsPerson("brand_new_error")),
]


@pytest.mark.parametrize(
    ("attempt", "error", "decision"),
    TABLE,
    ids=[f"{error.task}-{error.code}-{attempt}-{index}" for index, (attempt, error, _) in enumerate(TABLE)],
)
def test_decision(attempt: int, error: Fault, decision: Decision) -> None:
    assert decide(attempt, error, NOW) == decision


def test_each_word_has_one_meaning() -> None:
    groups = [retry.LIMITED, retry.UNREACHED, retry.UNKNOWN, retry.LOCKED_OUT, retry.MENDABLE, retry.HOPELESS]
    words = [word for group in groups for word in group]
    assert len(words) == len(set(words))
    assert words.count("lost") == 0
    assert retry.OURS - {"cut_off", "lost", "outage"} <= retry.MENDABLE | retry.HOPELESS


@pytest.mark.parametrize(
    ("looks", "now", "ended", "expected"),
    [
        (0, 1, True, 6),  # the next one soon
        (1, 2, True, 34),  # the last one after everything has landed that had left by the first
        (1, 16, True, 48),
        (1, 25, True, 52),  # beyond its timeout no call leaves
        (1, 2, False, 42),  # whoever took it may have yet to call
        (1, 100, True, 105),  # and never right after the one before
        (2, 42, True, None),
    ],
)
def test_the_last_look_comes_after_a_late_post_has_landed(
    looks: int, now: float, ended: bool, expected: float | None
) -> None:
    at = retry.next_look(NOW, looks, after(now), ended=ended)
    assert at == (None if expected is None else after(expected))
