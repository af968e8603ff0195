"""Starting, seeding from any configuration, the clock's controls, scheduled messages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import config as configuration
from bot.clock import Clock, SimulatedClock
from bot.config import Config
from bot.rehearsal.server import LocalWorkspace, PortInUse

from .conftest import NOON, NOON_TS, Start, client_of, error_of

PARTICIPANTS = "C0PARTICIPANTS"


async def test_a_port_in_use_is_named_with_the_way_out(start: Start, workspace: LocalWorkspace) -> None:
    port = int(workspace.url.rpartition(":")[2])

    with pytest.raises(PortInUse, match=rf"port {port} .*--port"):
        await start(port=port)


async def test_stopping_twice_is_harmless_and_frees_the_port(config: Config, clock: SimulatedClock) -> None:
    first = LocalWorkspace(config, clock)
    await first.start()
    port = int(first.url.rpartition(":")[2])
    await first.stop()
    await first.stop()

    async with LocalWorkspace(config, clock, port=port) as second:
        assert second.url == first.url


async def test_stopping_is_quiet_whatever_is_open(
    config: Config, clock: SimulatedClock, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = LocalWorkspace(config, clock)
    await workspace.start()
    socket = await http.ws_connect(f"{workspace.url}/link")
    assert (await socket.receive_json())["type"] == "hello"
    live = await http.get(f"{workspace.url}/live")
    waiting = asyncio.create_task(
        http.get(f"{workspace.url}/people/U0PART0TOKYO/channels/bot/messages?wait=60")
    )
    await live.content.readuntil(b"\n\n")
    await workspace.person("U0PART0TOKYO").say("lobby", "one thing under way")

    await workspace.stop()

    assert (await socket.receive()).type in (
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
        aiohttp.WSMsgType.CLOSE,
    )
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    waiting.cancel()
    live.close()


def configured(config: Config, **sections: Any) -> Config:
    data = config.model_dump()
    data["letter"] = config.letter.model_dump()
    return configuration.parse(data | sections)


async def test_the_seed_follows_the_configuration(config: Config, clock: SimulatedClock) -> None:
    other = configured(
        config,
        channels={"participants": "CABC123", "moderators": "#staff", "organisers": "#staff"},
        roles={"moderators": ["S0MODS", "#helpers-room"], "organisers": ["U0BOSS", "#staff"]},
    )

    workspace = LocalWorkspace(other, clock)

    channels = {channel.id: channel for channel in workspace.state.channels.values()}
    names = {channel.name for channel in channels.values()}
    assert channels["CABC123"].name == "participants"
    assert {"staff", "helpers-room"} <= names
    assert workspace.state.groups["S0MODS"].users == ["U0MOD0GENEVA", "U0MOD0SINGAPORE"]
    assert workspace.person("U0BOSS").account.role == "organiser"
    staff = workspace.state.channel("#staff")
    assert staff is not None
    assert {"U0ORG0GENEVA", "U0MOD0GENEVA", "U0WORKSHOPBOT"} <= set(staff.members)


async def test_the_manifest_decides_what_the_app_hears_and_offers(start: Start) -> None:
    manifest = {
        "features": {
            "bot_user": {"display_name": "Conference helper"},
            "slash_commands": [{"command": "/conf", "should_escape": False}],
            "shortcuts": [{"callback_id": "ask", "type": "global", "name": "Ask"}],
        },
        "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
    }
    workspace = await start(manifest=manifest)
    person = workspace.person("U0PART0TOKYO")

    await person.say("bot", "not heard")
    assert not workspace.busy
    await person.say(PARTICIPANTS, "@conference-helper heard")
    assert workspace.busy
    for wish in (person.command("/workshop now"), person.message_shortcut("ask", PARTICIPANTS, "1.0")):
        with pytest.raises(Exception, match=r"not a valid command|no message shortcut"):
            await wish


async def clock_control(workspace: LocalWorkspace, http: aiohttp.ClientSession, wish: dict[str, Any]) -> Any:
    async with http.post(f"{workspace.url}/clock", json=wish) as response:
        return await response.json()


async def test_the_clock_is_paused_sped_up_and_moved(
    workspace: LocalWorkspace, http: aiohttp.ClientSession, clock: SimulatedClock
) -> None:
    assert (await clock_control(workspace, http, {"speed": 60}))["speed"] == 60
    assert (await clock_control(workspace, http, {"pause": True}))["speed"] == 0
    assert (await clock_control(workspace, http, {"resume": True}))["speed"] == 60
    await clock_control(workspace, http, {"pause": True})
    jumped = await clock_control(workspace, http, {"jump": "2025-11-25T13:00:00+00:00"})
    assert jumped["now"] == "2025-11-25T13:00:00+00:00"
    back = await clock_control(workspace, http, {"jump": "2025-11-24T13:00:00+00:00"})
    assert "past" in back["why"]
    assert clock.now() == datetime(2025, 11, 25, 13, tzinfo=UTC)
    for wish in ({"jump": "tomorrow"}, {"speed": -1}, {"speed": "fast"}, {"jump": "2025-11-26"}):
        assert (await clock_control(workspace, http, wish))["ok"] is False


async def test_going_back_is_up_to_whoever_can_start_a_new_day(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    asked: list[datetime] = []

    async def rewind(instant: datetime) -> None:
        asked.append(instant)

    workspace.control.rewind = rewind
    await clock_control(workspace, http, {"jump": "2025-11-23T13:00:00+00:00"})

    assert asked == [datetime(2025, 11, 23, 13, tzinfo=UTC)]


async def test_the_landmarks_are_the_configurations(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{workspace.url}/clock") as response:
        landmarks = (await response.json())["landmarks"]

    assert [landmark["at"] for landmark in landmarks] == sorted(landmark["at"] for landmark in landmarks)
    assert {"at": "2025-11-24T13:00:00+00:00", "name": "day-before"} in landmarks
    assert {"at": "2025-11-25T13:00:00+00:00", "name": "start"} in landmarks


async def test_real_time_cannot_be_set(config: Config, http: aiohttp.ClientSession) -> None:
    async with LocalWorkspace(config, Clock()) as workspace:
        answer = await clock_control(workspace, http, {"speed": 2})

    assert "real time" in answer["why"]


async def test_a_scheduled_message_posts_at_its_minute(
    client: AsyncWebClient, workspace: LocalWorkspace, clock: SimulatedClock
) -> None:
    due = NOON_TS + 600
    answer = await client.chat_scheduleMessage(channel=PARTICIPANTS, post_at=due, text="later")
    listed = (await client.chat_scheduledMessages_list())["scheduled_messages"]
    assert [(each["id"], each["text"]) for each in listed] == [(answer["scheduled_message_id"], "later")]
    assert workspace.next_due() == NOON + timedelta(minutes=10)

    clock.jump(NOON + timedelta(minutes=10))
    assert workspace.busy
    assert await workspace.idle(5)

    [message] = workspace.person("U0PART0TOKYO").messages(PARTICIPANTS)
    assert (message["text"], message["ts"]) == ("later", f"{due}.000000")
    assert workspace.next_due() is None


async def test_a_scheduled_message_with_metadata_never_posts(
    client: AsyncWebClient, workspace: LocalWorkspace, clock: SimulatedClock
) -> None:
    metadata = {"event_type": "x", "event_payload": {"id": 1}}
    await client.chat_scheduleMessage(
        channel=PARTICIPANTS, post_at=NOON_TS + 60, text="later", metadata=metadata
    )

    clock.jump(NOON + timedelta(minutes=2))
    assert await workspace.idle(5)

    assert workspace.person("U0PART0TOKYO").messages(PARTICIPANTS) == []


async def test_a_scheduled_message_can_be_taken_back(client: AsyncWebClient) -> None:
    answer = await client.chat_scheduleMessage(channel=PARTICIPANTS, post_at=NOON_TS + 60, text="later")
    id_ = answer["scheduled_message_id"]

    await client.chat_deleteScheduledMessage(channel=PARTICIPANTS, scheduled_message_id=id_)

    gone = client.chat_deleteScheduledMessage(channel=PARTICIPANTS, scheduled_message_id=id_)
    assert await error_of(gone) == "invalid_scheduled_message_id"
    past = client.chat_scheduleMessage(channel=PARTICIPANTS, post_at=NOON_TS, text="x")
    assert await error_of(past) == "time_in_past"
    far = client.chat_scheduleMessage(channel=PARTICIPANTS, post_at=NOON_TS + 121 * 86_400, text="x")
    assert await error_of(far) == "time_too_far"


async def test_the_inspector_shows_everything_and_no_token(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{workspace.api_url}auth.test", data={"token": workspace.bot_token}) as response:
        assert (await response.json())["ok"]
    await workspace.person("U0PART0TOKYO").command("/workshop now")

    async with http.get(f"{workspace.url}/log") as response:
        text = await response.text()
        entries = (await response.json())["entries"]
    assert [(entry["kind"], entry["what"]) for entry in entries] == [
        ("request", "auth.test"),
        ("failure", "/workshop"),
    ]
    assert workspace.bot_token not in text
    async with http.get(f"{workspace.url}/log?after={entries[0]['seq']}") as response:
        assert len((await response.json())["entries"]) == 1


async def test_two_runs_never_share_an_event_or_view_id(config: Config, clock: SimulatedClock) -> None:
    """A bot that remembers event ids must not take a new run's events for old ones."""
    first, second = LocalWorkspace(config, clock), LocalWorkspace(config, clock)

    assert first.state.mint("V") != second.state.mint("V")
    assert (
        first.person("U0PART0TOKYO").channels()[-1]["id"]
        == second.person("U0PART0TOKYO").channels()[-1]["id"]
    )


async def test_everything_is_there_for_a_client_given_only_the_addresses(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    assert workspace.bot_token.startswith("xoxb-")
    assert workspace.app_token.startswith("xapp-")
    assert workspace.api_url == f"{workspace.url}/api/"
    client = client_of(workspace, http, workspace.app_token)
    answer = await client.apps_connections_open(app_token=workspace.app_token)
    assert answer["url"].startswith(workspace.url.replace("http", "ws"))


async def test_a_response_may_come_as_a_form(workspace: LocalWorkspace, http: aiohttp.ClientSession) -> None:
    person = workspace.person("U0PART0TOKYO")
    url = workspace.response_urls.grant(person.id, PARTICIPANTS)

    async with http.post(url, data={"payload": '{"text": "by form"}'}) as response:
        assert (response.status, await response.text()) == (200, "ok")
    async with http.post(url, data={"payload": "{"}) as response:
        assert (await response.json())["error"] == "invalid_payload"

    assert [message["text"] for message in person.messages(PARTICIPANTS)] == ["by form"]


async def test_a_response_may_be_attachments_alone(
    workspace: LocalWorkspace, http: aiohttp.ClientSession
) -> None:
    person = workspace.person("U0PART0TOKYO")
    url = workspace.response_urls.grant(person.id, PARTICIPANTS)

    async with http.post(url, json={"attachments": [{"text": "old ways"}]}) as response:
        assert (response.status, await response.text()) == (200, "ok")

    [message] = person.messages(PARTICIPANTS)
    assert message["attachments"] == [{"id": 1, "text": "old ways"}]
