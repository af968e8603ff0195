"""Socket Mode that falls silent comes back by itself, however it fell; a wrong token is said at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from bot.errors import ConfigError, SlackAway
from handlers.socket_mode import SocketMode
from tests.handlers.conftest import House
from tests.handlers.requests import ask

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FAST = {"ping_every": 0.2, "look_every": 0.02, "silent_after": 0.6, "connect_within": 5.0}


async def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something that another task brings about."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - the SDK tells nobody
            await asyncio.sleep(0.01)


@pytest.fixture
async def slack(house: House) -> AsyncIterator[SocketMode]:
    """A second socket of the same bot, watched at a quick pace; the first one is closed."""
    assert house.bot.socket is not None
    await house.bot.socket.stop()
    made = SocketMode(house.bot.bolt, house.workspace.app_token, **FAST)  # type: ignore[arg-type]
    await made.start()
    yield made
    await made.stop()


async def test_a_refused_token_stops_the_start(house: House) -> None:
    for wrong in ("xapp-1-A0-wrong", house.workspace.bot_token):
        with pytest.raises(ConfigError, match=r"SLACK_APP_TOKEN: Slack refuses it \("):
            await SocketMode(house.bot.bolt, wrong, **FAST).start()  # type: ignore[arg-type]


async def test_a_socket_that_does_not_open_stops_the_start(house: House) -> None:
    house.workspace.faults.arm({"method": "apps.connections.open", "kind": "reset", "count": 5})
    with pytest.raises(SlackAway, match="Socket Mode does not open"):
        await SocketMode(house.bot.bolt, house.workspace.app_token, **FAST).start()  # type: ignore[arg-type]


async def test_a_quiet_socket_that_answers_pings_is_kept(slack: SocketMode) -> None:
    assert slack.trouble() is None
    await asyncio.sleep(1.0)  # longer than it may be silent
    assert (slack.trouble(), slack.replaced) == (None, 0)


async def test_a_socket_that_answers_no_ping_is_given_up(house: House, slack: SocketMode) -> None:
    (socket,) = house.workspace.sockets.sockets
    assert house.workspace.control.listening is not None
    house.workspace.control.listening.silence(socket)
    await until(lambda: house.workspace.sockets.sockets not in ([socket], []))
    await until(lambda: slack.trouble() is None)


async def test_a_socket_on_which_nothing_comes_is_replaced(house: House) -> None:
    assert house.bot.socket is not None
    await house.bot.socket.stop()
    deaf = SocketMode(house.bot.bolt, house.workspace.app_token, **{**FAST, "ping_every": 60})  # type: ignore[arg-type]
    await deaf.start()
    await until(lambda: deaf.replaced >= 2)
    await deaf.stop()


async def test_a_token_refused_during_the_day_is_said_and_tried_again(
    house: House, slack: SocketMode
) -> None:
    house.workspace.faults.arm(
        {"method": "apps.connections.open", "kind": "error", "error": "invalid_auth", "rate": 1.0}
    )
    await house.workspace.sockets.close()
    await until(lambda: "refuses SLACK_APP_TOKEN (invalid_auth); copy" in (slack.trouble() or ""))
    house.workspace.faults.clear()
    await until(lambda: slack.trouble() is None)
    said = await house.person("U0PART0TOKYO").say("bot", "is it free?")
    await house.settle()
    assert len(house.person("U0PART0TOKYO").thread("bot", said["ts"])) == 2


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled", "too_many_websockets"])
async def test_every_disconnect_is_survived(house: House, slack: SocketMode, reason: str) -> None:
    await house.workspace.sockets.disconnect(reason)
    await until(lambda: slack.trouble() is None and house.workspace.sockets.is_open)


async def test_readyz_says_which_part_is_not_well(house: House) -> None:
    answer = await ask(house.bot.web, method="GET", path="/readyz")
    assert (answer.status, answer.json()["ready"]) == (200, True)
    assert set(answer.json()) == {"ready", "database", "outbox", "sender", "alarm", "socket"}
    assert house.bot.socket is not None
    await house.bot.socket.stop()
    await house.bot.sender.stop()
    house.bot.sender.refused = "token_revoked"
    answer = await ask(house.bot.web, method="GET", path="/readyz")
    assert (answer.status, answer.json()["ready"]) == (503, False)
    assert answer.json()["socket"] == "the socket is closed"
    assert answer.json()["sender"].startswith("Slack refuses SLACK_BOT_TOKEN (token_revoked); copy it")
    assert (await ask(house.bot.web, method="GET", path="/healthz")).body == b"ok\n"
