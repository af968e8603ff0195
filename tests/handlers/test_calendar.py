"""The calendar's routes: valid, unchanged bytes answered with 304, nothing of what does not exist."""

from __future__ import annotations

import aiohttp
from icalendar import Calendar

from handlers.calendar import links
from tests.handlers.conftest import PARTICIPANT, House
from tests.handlers.test_programme import edit, release


async def test_the_feed_is_read_once_and_then_not_modified(house: House) -> None:
    async with aiohttp.ClientSession(f"http://{house.bot.listen}") as http:
        async with http.get("/calendar.ics") as answer:
            body = await answer.text()
            etag, modified = answer.headers["ETag"], answer.headers["Last-Modified"]
            assert answer.status == 200
            assert answer.content_type == "text/calendar"
        assert len(Calendar.from_ical(body).events) == 1
        for headers in (
            {"If-None-Match": etag},
            {"If-None-Match": f'W/{etag}, "x"'},
            {"If-Modified-Since": modified},
        ):
            async with http.get("/calendar.ics", headers=headers) as answer:
                assert answer.status == 304
                assert await answer.read() == b""
            async with http.head("/calendar.ics", headers=headers) as answer:
                assert (answer.status, answer.headers["ETag"]) == (304, etag)
        async with http.head("/calendar.ics") as answer:
            assert (answer.status, answer.headers["ETag"]) == (200, etag)
            assert int(answer.headers["Content-Length"]) == len(body.encode())
        for headers in ({"If-None-Match": '"other"'}, {"If-Modified-Since": "yesterday"}):
            async with http.get("/calendar.ics", headers=headers) as answer:
                assert answer.status == 200


async def test_a_release_makes_the_feed_another_at_once(house: House) -> None:
    async with aiohttp.ClientSession(f"http://{house.bot.listen}") as http:
        async with http.get("/calendar.ics") as answer:
            first, headers = await answer.read(), {"If-None-Match": answer.headers["ETag"]}
        await edit(house, "discussion", {"starts": "14:50"})
        await release(house)
        async with http.get("/calendar.ics", headers=headers) as answer:
            second = await answer.read()
            assert (answer.status, len(Calendar.from_ical(second).events)) == (200, 2)
            assert answer.headers["ETag"] != headers["If-None-Match"]
        async with http.get("/calendar/discussion.ics") as answer:
            assert len(Calendar.from_ical(await answer.read()).events) == 1
        assert first != second


async def test_a_segment_without_a_time_has_no_file(house: House) -> None:
    async with aiohttp.ClientSession(f"http://{house.bot.listen}") as http:
        for path in ("/calendar/discussion.ics", "/calendar/lunch.ics", "/calendar/..%2fconfig.ics"):
            async with http.get(path) as answer:
                assert answer.status == 404


async def shared(house: House, who: str) -> list[tuple[str, bytes]]:
    """The files in a person's direct messages: names and contents."""
    found = []
    async with aiohttp.ClientSession() as http:
        for message in house.person(who).messages("bot"):
            for file in message.get("files", []):
                async with http.get(file["url_private"]) as answer:
                    found.append((file["name"], await answer.read()))
    return found


async def test_the_command_sends_the_file_without_a_public_address_too(house: House) -> None:
    person = house.person(PARTICIPANT)
    for _ in range(2):  # once a minute is enough
        await person.command("/workshop calendar", "bot")
    ((name, body),) = await shared(house, PARTICIPANT)
    assert name == "itu-ict-footprint-2025.ics"
    assert len(Calendar.from_ical(body).events) == 1
    assert "by direct message" in str(person.messages("bot")[-1]["blocks"])


async def test_the_command_with_a_segment_s_name_gives_it_alone(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop calendar discussion", "bot")
    assert "No segment that has a time" in house.texts(person, "bot")[-1], "it has no time yet"
    await edit(house, "discussion", {"starts": "14:50"})
    await release(house)
    await person.command("/workshop calendar green digital ACTION", "bot")
    ((name, body),) = await shared(house, PARTICIPANT)
    assert name == "discussion.ics"
    (event,) = Calendar.from_ical(body).events
    assert str(event["UID"]).startswith("discussion.")
    assert "20251125T135000Z%2F20251125T143000Z" in str(person.messages("bot")[-1]["blocks"])


async def test_where_slack_takes_no_file_the_links_remain(house: House) -> None:
    house.workspace.faults.arm(
        {"method": "files.getUploadURLExternal", "kind": "error", "error": "missing_scope"}
    )
    person = house.person(PARTICIPANT)
    await person.command("/workshop calendar", "bot")
    assert await shared(house, PARTICIPANT) == []
    shown = str(person.messages("bot")[-1]["blocks"])
    assert "calendar.google.com" in shown
    assert "by direct message" not in shown


async def test_the_command_gives_links_and_leaves_out_the_feed_without_a_public_address(house: House) -> None:
    person = house.person(PARTICIPANT)
    await person.command("/workshop calendar", "bot")
    shown = str(person.messages("bot")[-1]["blocks"])
    assert "calendar.google.com" in shown
    assert "webcal:" not in shown


def test_links_follow_the_public_address(config) -> None:
    from bot.programme.model import Programme

    found = links(Programme.from_config(config), "https://bot.example.org/workshop/")
    assert found["feed"] == "https://bot.example.org/workshop/calendar.ics"
    assert found["webcal"] == "webcal://bot.example.org/workshop/calendar.ics"
    assert "20251125T130000Z%2F20251125T143000Z" in found["google"]
