"""What to do when a call to Slack did not succeed: a pure decision from (attempt, error, now).

Reasons are words of Slack's, or of `TRANSPORT` and `OURS` below; `templates/delivery/failed.json.j2` says
them to a person. The table over all of them is `tests/delivery/test_retry.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Task = Literal["post", "look", "update", "delete", "pin", "home"]

MOST_ATTEMPTS = 8  # of a post whose fate Slack leaves open each time; of any other call that keeps failing
REFUSALS = 3  # attempts at a post that Slack refuses for a reason we do not know
LONGEST_PAUSE = timedelta(seconds=60)
KNOCK_AGAIN = timedelta(seconds=3)  # at a Slack that is not there: no message is late because one was patient
UNTOLD_WAIT = 30.0  # seconds, when Slack limits us and does not say for how long
LONGEST_WAIT = 3600.0  # seconds; a longer Retry-After is not believed

# A post whose answer never came may still land, so long after it left; later it would double. After it was
# taken it leaves within LEAVES_WITHIN (claims.BEGIN_WITHIN, and making a connection) and has ended by
# ENDS_WITHIN (sender.CALL_TIMEOUT instead), whatever becomes of its process.
LANDS_WITHIN = timedelta(seconds=30)
LEAVES_WITHIN = timedelta(seconds=10)
ENDS_WITHIN = timedelta(seconds=20)
LOOKS = 2
FIRST_LOOK = timedelta(seconds=1)
BETWEEN_LOOKS = timedelta(seconds=5)
MARGIN = timedelta(seconds=2)  # clocks of replicas, and a process held up in the midst of its call


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call did not succeed: Slack's error code or one of the words below, and `Retry-After` seconds."""

    code: str
    task: Task = "post"
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Do it again at `at`. With `whole_method` Slack limits the method: nobody may call it before `at`."""

    at: datetime
    reason: str
    whole_method: bool = False


@dataclass(frozen=True, slots=True)
class LookFirst:
    """It may be in Slack or may still get there: search from `at` on before doing it again."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It cannot be done, and nobody can change that."""

    reason: str


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """It cannot be done until a person mends something."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Slack refuses because it is so already."""


Decision = Retry | LookFirst | GiveUp | NeedsPerson | Done

LIMITED = frozenset({"ratelimited", "rate_limited"})
# The call never reached Slack, so it did nothing; ours: `database_away`, and `held_up` when this process
# was held up so long that it must not begin any more.
UNREACHED = frozenset({"unreachable", "database_away", "held_up"})
# What became of the call is not known (slack.md §4.2): the answer was lost, or Slack broke down half-way.
TRANSPORT = frozenset({"timeout", "disconnected", "unreadable", "server_error"})
UNKNOWN = TRANSPORT | {"internal_error", "fatal_error", "request_timeout", "service_unavailable"}
# The whole app is locked out. No notice could be posted either, so the message waits for the operator,
# whom the log and /readyz tell.
LOCKED_OUT = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "team_added_to_org",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
# Ours: `no_such_place` the lane names no channel of the configuration; `lost` looked for and not found;
# `cut_off` the same, and it was this bot that ended before it knew, so that it never counts as an attempt;
# `outage` the same, while Slack takes nothing from anybody; `template` it cannot be rendered; `nobody` the
# person was erased.
OURS = frozenset({"cut_off", "lost", "no_such_place", "nobody", "outage", "template"})
OUTAGE_SEEN_WITHIN = timedelta(minutes=2)  # before an attempt: when nothing was taken, Slack was away
MENDABLE = frozenset(
    {
        "channel_is_limited_access",
        "channel_not_found",
        "is_archived",
        "message_limit_exceeded",
        "messages_tab_disabled",
        "missing_scope",
        "no_permission",
        "no_such_place",
        "not_enabled",
        "not_in_channel",
        "plan_upgrade_required",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "too_many_pins",
        "user_is_restricted",
    }
)
HOPELESS = frozenset(
    {
        "block_mismatch",
        "cannot_dm_bot",
        "cannot_reply_to_message",
        "cant_delete_message",
        "cant_update_message",
        "edit_window_closed",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_form_data",
        "invalid_json",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "invalid_thread_ts",
        "json_not_object",
        "message_not_found",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "nobody",
        "template",
        "thread_not_found",
        "too_many_attachments",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
        "view_too_large",
    }
)
ALREADY: dict[Task, frozenset[str]] = {
    "pin": frozenset({"already_pinned", "no_pin", "not_pinned"}),
    "delete": frozenset({"message_not_found", "thread_not_found"}),
}


def decide(attempt: int, error: Fault, now: datetime) -> Decision:
    """What follows from failure number `attempt` (1 is the first) of one task."""
    code, task = error.code, error.task
    if code in LIMITED:
        return Retry(limited_until(error, now), code, whole_method=True)
    if code in ALREADY.get(task, ()):
        return Done()
    if code in UNREACHED:
        return Retry(now + KNOCK_AGAIN, code)
    if code == "cut_off":
        return Retry(now, code)
    if code in LOCKED_OUT:
        return Retry(now + LONGEST_PAUSE, code)
    if code == "outage":  # the message is not to blame, and a notice would not get through either
        return Retry(now + LONGEST_PAUSE, code)
    if code in MENDABLE:
        return NeedsPerson(code)
    if code in HOPELESS:
        return GiveUp(code)
    if task == "look":  # reading does no harm, and giving up would leave the post in doubt
        return Retry(now + pause(attempt), code)
    if task == "post" and code in UNKNOWN:
        return LookFirst(now + FIRST_LOOK, code)
    if code == "lost" and attempt < MOST_ATTEMPTS:
        return Retry(now, code)
    most = REFUSALS if task == "post" and code != "lost" else MOST_ATTEMPTS
    return Retry(now + pause(attempt), code) if attempt < most else NeedsPerson(code)


def limited_until(error: Fault, now: datetime) -> datetime:
    """Until when Slack wants the method left alone."""
    return now + timedelta(seconds=_seconds(error.retry_after))


def pause(attempt: int) -> timedelta:
    """How long to wait after failure number `attempt`: 1, 2, 4 … seconds, a minute at most."""
    return min(timedelta(seconds=2 ** min(attempt - 1, 10)), LONGEST_PAUSE)


def next_look(attempt_at: datetime, looks: int, now: datetime, *, ended: bool) -> datetime | None:
    """When to search again after `looks` searches that found nothing; None: it is not there.

    The last one comes after everything has landed. Of a call that `ended`, all had left by the first look;
    without that its process may be dead, or so slow that it has yet to call.
    """
    if looks >= LOOKS:
        return None
    if looks < LOOKS - 1:
        return now + BETWEEN_LOOKS
    left = min(now, attempt_at + ENDS_WITHIN)
    if not ended:
        left = max(left, attempt_at + LEAVES_WITHIN)
    return max(now + BETWEEN_LOOKS, left + LANDS_WITHIN + MARGIN)


def told_to_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds of a `Retry-After` header, by whichever case; None where it is missing or no number."""
    try:
        return float(headers.get("Retry-After") or headers.get("retry-after") or "")
    except ValueError:
        return None


def _seconds(retry_after: float | None) -> float:
    if retry_after is None or not retry_after >= 0:
        return UNTOLD_WAIT
    return min(retry_after, LONGEST_WAIT)
