"""HTTP: signed by Slack and lately, or nothing happens; every kind of request reaches its listener."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from sqlalchemy import func, select

from bot import app as composition
from bot.answers import Answers
from bot.clock import SimulatedClock
from bot.config import Config
from bot.rehearsal.server import LocalWorkspace
from bot.store.engine import Database
from bot.store.tables import Base, Exchange, Question
from handlers import questions
from handlers.edge import Edge
from handlers.manifest import manifest
from tests.handlers.conftest import PARTICIPANT, START, House
from tests.handlers.requests import FORM, JSON, ask, never, signed

PARTICIPANTS = "#ict-footprint-workshop"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no database has a say in it
EVENT = {
    "type": "event_callback",
    "team_id": "T0",
    "event_id": "Ev1",
    "event": {
        "type": "message",
        "channel_type": "im",
        "channel": "D1",
        "user": PARTICIPANT,
        "text": "is it free?",
        "ts": "1763629200.000100",
    },
}


@pytest.fixture
async def by_http(config: Config, database_url: str, answers: Answers) -> AsyncIterator[House]:
    """The bot without Socket Mode: the workspace sends signed requests to its address."""
    clock = SimulatedClock(START, speed=0)
    made = manifest(config, "http", "https://bot.example.org")
    async with LocalWorkspace(config, clock, manifest=made) as workspace:
        environment = workspace.environment.model_copy(update={"app_token": None})
        database = Database(database_url, config.workshop.id)
        async with composition.running(
            config, environment, database, clock, mode="rehearsal", read_answers=lambda: answers
        ) as bot:
            workspace.deliver_to(f"http://{bot.listen}/slack/events")
            house = House(bot, workspace, clock, config)
            await house.settle()
            yield house


class Site:
    """The web application in this process, and what the database holds."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.secret = house.workspace.signing_secret
        self.app = house.bot.web

    async def stored(self) -> int:
        """How many rows there are, in all tables together."""
        counts = [select(func.count()).select_from(t).scalar_subquery() for t in Base.metadata.sorted_tables]
        async with self.house.bot.desk.database.read() as db:
            return sum((await db.execute(select(*counts))).one())


@pytest.fixture
def site(house: House) -> Site:
    return Site(house)


# --- end to end ------------------------------------------------------------------------------------------


async def test_the_request_url_answers_slack_s_challenge(by_http: House) -> None:
    assert await by_http.workspace.reach(f"http://{by_http.bot.listen}/slack/events")


async def test_an_event_a_command_a_shortcut_a_modal_and_a_click_work_over_http(by_http: House) -> None:
    person = by_http.person(PARTICIPANT)
    assert "free of charge" in await by_http.ask(person, "is it free?")
    await person.command("/workshop ask is it free?", PARTICIPANTS)
    assert "free of charge" in by_http.texts(person, PARTICIPANTS)[-1]
    await person.shortcut(questions.SHORTCUT)
    await person.submit({"text": "How is scope 3 counted for cloud services?"})
    await by_http.settle()
    async with by_http.bot.desk.database.read() as db:
        assert (await db.scalars(select(Question.text))).all() == [
            "How is scope 3 counted for cloud services?"
        ]
    receipt = person.messages("bot")[-1]
    await person.click(questions.WITHDRAW, channel="bot", ts=receipt["ts"])
    await by_http.settle()
    async with by_http.bot.desk.database.read() as db:
        assert (await db.scalars(select(Question.state))).all() == ["withdrawn"]


async def test_a_command_in_which_the_word_payload_stands_is_a_command(by_http: House) -> None:
    person = by_http.person(PARTICIPANT)
    await person.command('/workshop question What is the payload={"type":"x"} of one message?', PARTICIPANTS)
    await by_http.settle()
    async with by_http.bot.desk.database.read() as db:
        assert (await db.scalars(select(Question.text))).all() == [
            'What is the payload={"type":"x"} of one message?'
        ]


async def test_the_server_on_the_wire_names_nothing_and_keeps_its_headers(by_http: House) -> None:
    async with aiohttp.ClientSession() as client:
        for path, status in (("/healthz", 200), ("/nowhere", 404), ("/calendar/lunch.ics", 404)):
            async with client.get(f"http://{by_http.bot.listen}{path}") as response:
                assert response.status == status
                assert "server" not in response.headers
                assert response.headers["x-content-type-options"] == "nosniff"
                assert "default-src 'none'" in response.headers["content-security-policy"]


# --- what is refused -------------------------------------------------------------------------------------


async def test_a_signed_event_is_taken_in_once_however_often_it_is_replayed(site: Site) -> None:
    body = json.dumps(EVENT).encode()
    headers = signed(site.secret, body)
    for _ in range(3):
        assert (await ask(site.app, body, headers=headers)).status == 200
    async with site.house.bot.desk.database.read() as db:
        assert await db.scalar(select(func.count()).select_from(Exchange)) == 1


FORGED = [
    {"X-Slack-Signature": ""},
    {"X-Slack-Signature": "v0=" + "0" * 64},
    {"X-Slack-Signature": "v0=" + "é" * 64},
    {"X-Slack-Signature": "v1=" + "0" * 64},
    {"X-Slack-Request-Timestamp": ""},
    {"X-Slack-Request-Timestamp": "soon"},
    {"X-Slack-Request-Timestamp": "1_000"},
    {"X-Slack-Request-Timestamp": "-1"},
    {"X-Slack-Request-Timestamp": "9" * 400},
]


async def test_a_forged_request_is_refused_and_leaves_nothing(site: Site) -> None:
    before, body = await site.stored(), json.dumps(EVENT).encode()
    for changed in FORGED:
        answer = await ask(site.app, body, headers=signed(site.secret, body) | changed)
        assert (answer.status, await site.stored()) == (401, before), changed


async def test_a_request_of_another_time_is_refused_and_the_log_says_which(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    before, body = await site.stored(), json.dumps(EVENT).encode()
    for off, told in ((-400, r"signed it 40\d s ago"), (400, r"signed it \d+ s after this machine's time")):
        answer = await ask(site.app, body, headers=signed(site.secret, body, at=int(time.time()) + off))
        assert (answer.status, await site.stored()) == (401, before), off
        assert re.search(told, caplog.text)


async def test_a_changed_a_truncated_and_an_extended_body_are_refused(site: Site) -> None:
    before, body = await site.stored(), json.dumps(EVENT).encode()
    for other in (body.replace(b"Ev1", b"Ev2"), body[:-1], body + b" ", b"", b"\xff" + body):
        assert (await ask(site.app, other, headers=signed(site.secret, body))).status == 401
    assert await site.stored() == before


NO_REQUESTS = [
    (b"", JSON),
    (b"[" * 100_000, JSON),
    (b"[]", JSON),
    (b'{"type":', JSON),
    (b'{"type": 5}', JSON),
    (b'{"type": "event_callback"}', JSON),
    (b'{"type": "event_callback", "event_id": "E", "event": null}', JSON),
    (
        b'{"type": "event_callback", "event_id": "E", "event": {"type": "message", "user": {"id": 1}}}',
        JSON,
    ),
    (b'{"type": "block_actions", "user": {"id": "U1"}, "actions": []}', JSON),
    (
        b'{"type": "shortcut", "team": 7, "user": {"id": "U1"}, "callback_id": "x", "trigger_id": "1"}',
        JSON,
    ),
    (json.dumps(EVENT).encode(), "text/plain"),
    (b"payload=", FORM),
    (b"payload=%7B", FORM),
    (b"command=%2Fworkshop&text=payload", FORM),
    (b"&".join(b"a=1" for _ in range(2000)), FORM),
]


async def test_what_is_signed_and_no_request_of_slack_s_is_refused(site: Site) -> None:
    before = await site.stored()
    for body, content_type in NO_REQUESTS:
        answer = await ask(site.app, body, headers=signed(site.secret, body, content_type))
        assert (answer.status, await site.stored()) == (400, before), body[:100]
    unreadable = b"\xff\xfe"  # not even a signature can be made of it
    answer = await ask(site.app, unreadable, headers=signed(site.secret, b"", FORM))
    assert (answer.status, await site.stored()) == (401, before)


async def test_texts_that_no_database_stores_are_mended(site: Site) -> None:
    event = {**EVENT, "event": {**EVENT["event"], "text": "is it \x00free\ud800?"}}  # type: ignore[dict-item]
    body = json.dumps(event).encode()
    assert (await ask(site.app, body, headers=signed(site.secret, body))).status == 200


@on_sqlite
async def test_other_methods_and_paths_are_not_there(site: Site) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "FROB"):
        assert (await ask(site.app, method=method)).status == 405
    for path in ("/slack/events/", "/slack", "//slack/events", "/slack/events/../events", "/healthz/"):
        assert (await ask(site.app, path=path)).status == 404


@on_sqlite
async def test_without_a_signing_secret_there_is_no_such_route(config: Config, database_url: str) -> None:
    clock = SimulatedClock(START, speed=0)
    async with LocalWorkspace(config, clock, manifest=manifest(config, "socket")) as workspace:
        environment = workspace.environment.model_copy(update={"signing_secret": None})
        database = Database(database_url, config.workshop.id)
        async with composition.running(config, environment, database, clock, mode="rehearsal") as bot:
            for method in ("GET", "POST"):
                assert (await ask(bot.web, b"{}", method=method)).status == 404


@on_sqlite
async def test_a_body_over_the_limit_is_refused_announced_or_not(site: Site) -> None:
    chunk = b"x" * 100_000
    answer = await ask(site.app, chunk, headers={"Content-Length": "9" * 30})
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert (await ask(site.app, *[chunk] * 11)).status == 413
    just = b"x" * 1_048_576
    assert (await ask(site.app, just)).status == 401


async def test_a_body_that_does_not_arrive_is_waited_for_only_so_long() -> None:
    async def reader(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    edge = Edge(reader, read_within=0.01)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/slack/events", "headers": [], "query_string": b""}
    await edge(scope, never, send)
    assert sent[0]["status"] == 408


@on_sqlite
async def test_who_hangs_up_half_way_gets_no_answer_and_leaves_nothing(site: Site) -> None:
    before, body = await site.stored(), json.dumps(EVENT).encode()
    answer = await ask(site.app, body[:50], headers=signed(site.secret, body), ends=False)
    assert (answer.status, await site.stored()) == (0, before)


async def test_a_failure_shows_a_reference_and_not_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("secret detail")

    answer = await ask(Edge(broken))
    assert answer.status == 500
    assert b"secret" not in answer.body
    reference = answer.body.decode().split("reference ")[1].rstrip(").\n")
    assert reference in caplog.text


async def test_a_page_keeps_the_policy_it_sets_itself() -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        own = [(b"content-security-policy", b"default-src 'self'")]
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": b""})

    answer = await ask(Edge(page, https=True))
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert "strict-transport-security" in answer.headers


@on_sqlite
async def test_an_interaction_s_form_is_read(site: Site) -> None:
    payload = {
        "type": "view_closed",
        "user": {"id": PARTICIPANT},
        "view": {"type": "modal", "id": "V1", "hash": "1.a"},
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert (await ask(site.app, body, headers=signed(site.secret, body, FORM))).status == 200
