"""Requests made at random: whatever comes, nothing fails, and nothing is stored that Slack did not sign.

`FUZZED_REQUESTS` says how many of each kind are tried; `make fuzz` tries ten thousand in all.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.delivery import outbox
from bot.store.tables import Intake
from handlers import answers, questions
from tests.handlers.conftest import PARTICIPANT, House
from tests.handlers.requests import FORM, JSON, PATH, ask, signed
from tests.handlers.test_web import EVENT, Site

REQUESTS = int(os.environ.get("FUZZED_REQUESTS", "200"))
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
fuzz = settings(
    max_examples=REQUESTS,
    deadline=None,
    database=None,
    derandomize="FUZZED_REQUESTS" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.sampled_from(
        ["", "payload", PARTICIPANT, "C0", "D1", "1763629200.000100", "\x00", "\ud800", "x" * 300]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "value", "ts", "text", "channel"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)
header = st.text(st.characters(max_codepoint=255), max_size=80)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from([JSON, FORM, "text/plain", "multipart/form-data; boundary=x"])
        | header,
        "Content-Length": st.sampled_from(["0", "-1", "99999999999", "x"]) | header,
        "X-Slack-Request-Timestamp": header | st.integers().map(str) | st.just(str(int(time.time()))),
        "X-Slack-Signature": header | st.from_regex(r"v0=[0-9a-f]{64}", fullmatch=True),
        "X-Slack-Retry-Num": header,
        "X-Slack-Bolt-Lazy-Only": header,
        "Cookie": header,
        "Authorization": header,
    },
)
paths = st.sampled_from(
    [
        PATH,
        PATH,
        PATH,
        "/",
        "/calendar.ics",
        "/calendar/x.ics",
        "/healthz",
        "/stage",
        "/stage/do",
        "/stage/key",
    ]
) | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60).map(lambda text: "/" + text)

USER = {"id": PARTICIPANT, "username": "x", "team_id": "T0"}
ACTION = {"action_id": "a", "action_ts": "1.1", "block_id": "b", "type": "button", "value": "1:1"}
VIEW = {
    "type": "modal",
    "id": "V1",
    "hash": "1.a",
    "callback_id": questions.SUBMIT,
    "private_metadata": "",
    "state": {"values": {"text": {"t": {"type": "plain_text_input", "value": "Why?"}}}},
    "blocks": [{"type": "input", "block_id": "text"}],
}
MESSAGE = {"channel": {"id": "C1"}, "message": {"ts": "1.1", "text": "x"}, "container": {"channel_id": "C1"}}
PAYLOADS: list[dict[str, Any]] = [
    EVENT,
    {**EVENT, "event": {**EVENT["event"], "type": "app_mention", "channel": "C1"}},  # type: ignore[dict-item]
    {**EVENT, "event": {"type": "app_home_opened", "user": PARTICIPANT, "tab": "home", "channel": "D1"}},
    {
        **EVENT,
        "event": {
            "type": "reaction_added",
            "user": PARTICIPANT,
            "reaction": "+1",
            "item": {"type": "message", "channel": "C1", "ts": "1.1"},
        },
    },
    {"type": "view_submission", "user": USER, "view": VIEW, "trigger_id": "1.1"},
    {"type": "shortcut", "user": USER, "callback_id": questions.SHORTCUT, "trigger_id": "1.1"},
    *(
        {
            "type": "block_actions",
            "user": USER,
            "trigger_id": "1.1",
            **MESSAGE,
            "actions": [{**ACTION, "action_id": name}],
        }
        for name in (questions.VOTE, questions.WITHDRAW, answers.ANSWER, "delivery.retry", "home.remind")
    ),
    {
        "command": "/workshop",
        "user_id": PARTICIPANT,
        "trigger_id": "1.1",
        "channel_id": "C1",
        "text": "vote 1",
    },
]


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    """One of Slack's payloads with up to three of its parts, at any depth, replaced, added or taken away."""
    payload: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(PAYLOADS))))
    for _ in range(draw(st.integers(0, 3))):
        part: Any = payload
        while True:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(part[key], dict | list) and draw(st.booleans()):
                part = part[key]
                continue
            if isinstance(part, dict) and draw(st.booleans()):
                del part[key]
            else:
                part[key] = draw(values)
            break
    return payload


@pytest.fixture
def site(house: House) -> Site:
    return Site(house)


@pytest.fixture
async def quiet(house: House) -> Site:
    """With everything held back, so that what follows from a request is not said."""
    async with house.bot.desk.database.begin() as db:
        await outbox.hold(db, True, now=house.clock.now())
    return Site(house)


@fuzz
@given(
    method=st.sampled_from(["POST", "POST", "GET", "PUT", "HEAD", "X"]),
    path=paths,
    given=headers,
    body=st.data(),
)
async def test_what_slack_did_not_sign_changes_nothing(
    site: Site, method: str, path: str, given: dict[str, str], body: st.DataObject
) -> None:
    before = await site.stored()
    chunks = body.draw(
        st.lists(st.binary(max_size=200) | payloads().map(lambda made: json.dumps(made).encode()), max_size=3)
    )
    ends = body.draw(st.booleans())
    answer = await ask(site.app, *chunks, method=method, path=path, headers=given, ends=ends)
    assert answer.status < 500
    if path == PATH:
        assert answer.status in (0, 401, 405, 413)
    if answer.status:
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert await site.stored() == before


@fuzz
@given(payload=payloads())
async def test_what_is_signed_and_mangled_fails_nowhere(quiet: Site, payload: dict[str, Any]) -> None:
    before = await _taken_in(quiet)
    if "command" in payload:
        body, kind = urlencode(payload, errors="replace").encode(), FORM
    elif payload.get("type") == "event_callback":
        body, kind = json.dumps(payload).encode(), JSON
    else:
        body, kind = urlencode({"payload": json.dumps(payload)}).encode(), FORM
    answer = await ask(quiet.app, body, headers=signed(quiet.secret, body, kind))
    assert answer.status in (200, 400), answer
    if answer.status == 400:
        assert await _taken_in(quiet) == before


async def _taken_in(site: Site) -> int | None:
    async with site.house.bot.desk.database.read() as db:
        return await db.scalar(select(func.count()).select_from(Intake))
