"""The page in real Chromium: people ask, moderate, fill in modals, move the clock; it is accessible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page, expect

from . import sample
from .conftest import HERE, Stage, follow, write

pytestmark = pytest.mark.clients

HOSTILE = '<img src=x onerror="window.hacked=1"> <script>window.hacked=2</script> *bold* &amp;'


async def test_a_question_is_answered_in_a_thread_in_ones_own_zone(
    stage: Stage, look: Callable[..., Any]
) -> None:
    page = await look("/?as=participant-tokyo&in=bot")
    await write(page, "When does it start?")

    await follow(page.get_by_role("link", name="1 reply"))

    thread = page.locator("aside.thread")
    await expect(thread.get_by_text("2025-11-25 22:00")).to_be_visible()
    await expect(thread.get_by_text("the invitation letter, paragraph 1")).to_be_visible()
    await follow(page.get_by_role("link", name="Participant in Paris"))
    await expect(page.locator(".me")).to_contain_text("Participant in Paris")


async def test_what_is_said_appears_at_once_for_others(look: Callable[..., Any]) -> None:
    mine, theirs = await look("/?as=participant-tokyo"), await look("/?as=moderator-geneva&in=C0MODERATORS")

    await write(mine, "Hello @moderator-geneva")
    await expect(theirs.locator(".sidebar .pill")).to_have_text("1 mentions")
    await follow(theirs.get_by_role("link", name="ict-footprint-workshop"))
    await expect(theirs.locator(".mention.loud")).to_have_text("@Moderator in Geneva")
    await expect(theirs.locator(".sidebar .pill")).to_have_count(0)


async def test_commands_are_offered_and_answered_to_the_asker_alone(look: Callable[..., Any]) -> None:
    mine, theirs = await look("/?as=participant-tokyo"), await look("/?as=participant-paris")

    await mine.locator("#composer-text").press_sequentially("/wo")
    await expect(mine.locator(".suggestions [role=option]")).to_contain_text("/workshop ask …")
    await mine.keyboard.press("Enter")
    await mine.keyboard.type("ask <b>now</b>")
    await mine.keyboard.press("Enter")

    await expect(mine.get_by_text("You said: ask <b>now</b>")).to_be_visible()
    await expect(mine.get_by_text("Only visible to you")).to_be_visible()
    await expect(theirs.get_by_text("You said")).to_have_count(0)


async def test_an_unknown_command_says_so_and_keeps_the_text(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await write(page, "/nothing here")

    await expect(page.locator(".toasts")).to_contain_text("/nothing is not a valid command")
    await expect(page.locator("#composer-text")).to_have_value("/nothing here")


async def open_modal(page: Page) -> None:
    await page.get_by_label("Shortcuts").click()
    await page.get_by_role("menuitem", name="Ask the panel").click()
    await expect(page.get_by_role("dialog", name="Ask the panel")).to_be_visible()


async def test_a_modal_takes_every_input_shows_errors_and_keeps_the_text(
    stage: Stage, look: Callable[..., Any]
) -> None:
    page = await look("/?as=participant-tokyo")
    await open_modal(page)
    send = page.get_by_role("dialog").get_by_role("button", name="Send", exact=True)

    await send.click()
    await expect(page.get_by_role("alert")).to_have_text("Please complete this required field.")
    await page.get_by_label("Your question").fill("wrong words")
    await page.get_by_label("Segment").select_option("discussion")
    await page.get_by_label("Topics").select_option(["launch", "discussion"])
    await page.get_by_label("Colleague").select_option("U0PART0PARIS")
    await page.get_by_label("Channel (optional)").select_option("C0PARTICIPANTS")
    await page.get_by_role("radio", name="Launch").check()
    await page.get_by_role("checkbox", name="Discussion").check()
    await page.get_by_label("Day (optional)").fill("2025-11-25")
    await page.get_by_label("Time (optional)").fill("14:00")
    await page.get_by_label("Moment").fill("2025-11-25T22:00")
    paper = {"name": "paper.txt", "mimeType": "text/plain", "buffer": b"words"}
    await page.get_by_label("Paper").set_input_files(paper)
    await page.get_by_label("Address").fill("someone@example.org")
    await page.get_by_label("Link (optional)").fill("https://example.org")
    await page.get_by_label("Number").fill("3")
    await page.get_by_label("Speaker").press_sequentially("Sp")
    await page.get_by_role("option", name="Sp found").click()
    await send.click()
    await expect(page.get_by_role("alert")).to_have_text("Please ask a question.")
    await expect(page.get_by_label("Your question")).to_have_value("wrong words")
    await expect(page.get_by_role("checkbox", name="Discussion")).to_be_checked()
    await expect(page.get_by_label("Moment")).to_have_value("2025-11-25T22:00")

    kind, values = stage.heard[-1]
    assert kind == "question"
    held = {
        block: next(value for key, value in state["a"].items() if key != "type")
        for block, state in values.items()
        if "a" in state
    }
    assert held["one"]["value"] == "discussion"
    assert [each["value"] for each in held["many"]] == ["launch", "discussion"]
    assert (held["who"], held["where"]) == ("U0PART0PARIS", "C0PARTICIPANTS")
    assert held["radio"]["value"] == "launch"
    assert [each["value"] for each in held["boxes"]] == ["discussion"]
    assert (held["day"], held["time"], held["count"]) == ("2025-11-25", "14:00", "3")
    assert (held["mail"], held["link"]) == ("someone@example.org", "https://example.org")
    assert held["moment"] == sample.START  # 22:00 in Tokyo
    assert (held["paper"][0]["name"], held["paper"][0]["size"]) == ("paper.txt", 5)
    assert values["find"]["find"]["selected_option"]["value"] == "7"


async def test_a_modal_is_pushed_left_and_cleared(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await open_modal(page)
    await page.get_by_label("Your question").fill("push me")
    dialog = page.locator("#part-modal")
    await dialog.get_by_role("button", name="Send", exact=True).click()
    await expect(dialog.get_by_role("heading", name="Sure?")).to_be_visible()

    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Your question")).to_have_value("push me")
    await dialog.get_by_role("button", name="Send", exact=True).click()
    await expect(dialog.get_by_text("Are you sure?")).to_be_visible()
    await dialog.get_by_role("button", name="Send", exact=True).click()
    await expect(dialog).to_be_hidden()


async def test_a_message_becomes_a_question_and_is_decided_by_a_moderator(
    stage: Stage, look: Callable[..., Any]
) -> None:
    participant, moderator = (
        await look("/?as=participant-tokyo"),
        await look("/?as=moderator-geneva&in=C0MODERATORS"),
    )
    await write(participant, "How large is it?")
    message = participant.locator(".message", has_text="How large is it?")
    await message.hover()
    await message.get_by_label("More actions").click()
    await participant.get_by_role("menuitem", name="Send to the panel").click()
    await expect(participant.get_by_label("Your question")).to_have_value("How large is it?")
    await participant.locator("#part-modal").get_by_role("button", name="Send", exact=True).click()

    await expect(moderator.locator("blockquote")).to_have_text("How large is it?")
    await moderator.get_by_role("button", name="Not now").click()
    await expect(moderator.get_by_text("Its author is told.")).to_be_visible()
    await moderator.get_by_role("button", name="Keep").click()
    await moderator.get_by_role("button", name="Approve").click()
    await expect(moderator.get_by_text("state: approved")).to_be_visible()
    await expect(moderator.get_by_role("button", name="Approve")).to_have_count(0)
    assert ("approve", "U0MOD0GENEVA") in stage.heard
    assert ("decline", "U0MOD0GENEVA") not in stage.heard


async def test_selects_and_menus_are_told_to_the_app(stage: Stage, look: Callable[..., Any]) -> None:
    await stage.client.chat_postMessage(
        channel=sample.MODERATORS, text="x", blocks=sample.card("Why?", "waiting")
    )
    page = await look("/?as=moderator-geneva&in=C0MODERATORS")

    await page.get_by_label("Move to").select_option("discussion")
    await page.locator(".block .overflow summary").click()
    await page.get_by_role("menuitem", name="Merge").click()
    assert await stage.workspace.wait_for(lambda: len(stage.heard) == 2)

    assert stage.heard == [("move", "discussion"), ("other", "merge")]


async def test_the_home_tab_is_published_and_used(stage: Stage, look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-delhi&in=bot")
    await follow(page.get_by_role("link", name="Home"))
    await expect(page.get_by_role("heading", name="The workshop", exact=True)).to_be_visible()

    await page.get_by_label("Remind me").select_option("launch")
    await page.get_by_role("button", name="More").click()
    assert await stage.workspace.wait_for(lambda: len(stage.heard) == 2)
    assert stage.heard == [("lead", "launch"), ("more", "1")]


async def test_the_clock_is_run_stopped_and_moved(stage: Stage, look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await expect(page.locator(".clock-time")).to_have_text("13:00:00")

    await page.get_by_text("Jump to…").click()
    await page.get_by_role("button", name="Hour before").click()
    await expect(page.locator(".clock-day")).to_have_text("Tue, 25 Nov 2025")
    await expect(page.locator(".me")).to_contain_text("21:00")
    await page.get_by_text("Jump to…").click()
    await page.get_by_label("Another time").fill("2025-11-25T13:30")
    await page.get_by_role("button", name="Jump", exact=True).click()
    await expect(page.locator(".clock-time")).to_have_text("13:30:00")
    assert stage.clock.now() == datetime(2025, 11, 25, 12, 30, tzinfo=UTC)

    await page.get_by_text("Jump to…").click()
    await page.get_by_role("button", name="Day before").click()
    await expect(page.get_by_role("dialog", name="Go back")).to_be_visible()
    await page.get_by_role("button", name="Stay").click()
    assert stage.clock.now() == datetime(2025, 11, 25, 12, 30, tzinfo=UTC)
    await page.get_by_label("Run the clock").click()
    await expect(page.get_by_label("Stop the clock")).to_be_visible()
    await page.get_by_label("Speed").select_option("60.0")
    assert await stage.workspace.wait_for(lambda: stage.clock.speed == 60)


async def test_reload_and_back_keep_ones_place(look: Callable[..., Any]) -> None:
    page = await look("/?as=moderator-geneva&in=C0MODERATORS")
    await follow(page.get_by_role("link", name="lobby"))
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("# lobby")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("ict-footprint-moderators")
    await expect(page.locator(".me")).to_contain_text("Moderator in Geneva")


async def test_hostile_text_stays_text(stage: Stage, look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await write(page, HOSTILE)
    await expect(page.locator(".message .mrkdwn").first).to_contain_text(
        '<img src=x onerror="window.hacked=1">'
    )
    await stage.client.chat_postMessage(
        channel="C0PARTICIPANTS",
        text=HOSTILE,
        blocks=[{"type": "header", "text": sample.plain(HOSTILE[:140])}],
    )
    await expect(page.locator(".header-block")).to_contain_text("<img src=x")

    assert await page.evaluate("window.hacked") is None


async def test_own_messages_are_changed_reacted_to_and_removed(
    stage: Stage, look: Callable[..., Any]
) -> None:
    page = await look("/?as=participant-tokyo")
    await write(page, "frist")
    message = page.locator(".message", has_text="frist")
    await message.hover()
    await message.get_by_title(":eyes:").click()
    await expect(message.locator(".reaction")).to_have_text("👀eyes 1")
    await message.locator(".reaction").click()
    await expect(message.locator(".reaction")).to_have_count(0)
    await message.hover()
    await message.get_by_label("More actions").click()
    await page.get_by_role("menuitem", name="Edit message").click()
    await page.locator(".editing").fill("first")
    await page.keyboard.press("Enter")
    changed = page.locator(".message", has_text="first")
    await expect(changed.get_by_text("(edited)")).to_be_visible()
    await changed.hover()
    await changed.get_by_label("More actions").click()
    await page.get_by_role("menuitem", name="Delete message").click()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await expect(page.locator(".message")).to_have_count(0)


async def test_a_file_is_attached(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    await page.locator(".attach input").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"notes"}
    )
    await expect(page.locator(".files-chosen")).to_have_text("notes.txt")
    await write(page, "my notes")

    await expect(page.locator("a.file")).to_contain_text("notes.txt")


async def test_a_failing_app_is_told_to_the_person(stage: Stage, look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo")
    stage.workspace.faults.arm({"envelopes": "drop", "seconds": 0})
    await write(page, "/workshop ask")

    await expect(page.get_by_text("/workshop failed because the app did not respond.")).to_be_visible()


async def test_the_inspector_shows_what_happens_and_arms_faults(
    stage: Stage, look: Callable[..., Any]
) -> None:
    page = await look("/inspector")
    await stage.workspace.person("participant-tokyo").say("bot", "hello")
    await expect(page.get_by_role("cell", name="chat.postMessage", exact=True)).to_have_count(1)

    await page.get_by_label("fail as").select_option("lost_response")
    await page.get_by_role("button", name="Arm", exact=True).click()
    await expect(page.locator(".armed")).to_contain_text("lost_response · chat.postMessage")
    assert [fault.kind for fault in stage.workspace.faults.armed] == ["lost_response"]


PLACES = {
    "channel": "/?as=participant-tokyo",
    "thread": "/?as=participant-tokyo&in=bot&thread={ts}",
    "home": "/?as=participant-tokyo&in=bot&tab=home",
    "moderators": "/?as=moderator-geneva&in=C0MODERATORS",
    "inspector": "/inspector",
}


@pytest.mark.parametrize("place", sorted(PLACES))
async def test_axe_finds_nothing_serious(
    stage: Stage, look: Callable[..., Any], node: str, place: str
) -> None:
    person = stage.workspace.person("participant-tokyo")
    said = await person.say("bot", "When?")
    await person.open_home()
    await stage.client.chat_postMessage(
        channel="C0PARTICIPANTS", text="*Welcome*", blocks=sample.answer_blocks()
    )
    linked = "What it is about stands on <https://example.org|the event page>, in full."
    await stage.client.chat_postMessage(channel="C0PARTICIPANTS", text=linked)
    await stage.client.chat_postEphemeral(channel="C0PARTICIPANTS", user=person.id, text="only you")
    await stage.client.chat_postMessage(
        channel=sample.MODERATORS, text="x", blocks=sample.card("Why?", "waiting")
    )
    assert await stage.workspace.idle()
    page = await look(PLACES[place].format(ts=said["ts"]))

    assert await serious(page) == []
    if place == "channel":
        await open_modal(page)
        assert await serious(page) == []


async def serious(page: Page) -> list[str]:
    """axe-core's serious and critical findings, each with its rule and where it is."""
    source = (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    await page.evaluate(source)
    found = await page.evaluate("axe.run()")
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("width", [1440, 900, 390])
async def test_nothing_overflows_at_any_width(stage: Stage, look: Callable[..., Any], width: int) -> None:
    person = stage.workspace.person("participant-tokyo")
    said = await person.say("C0PARTICIPANTS", "a" * 300 + " " + "word " * 60)
    await stage.client.chat_postMessage(
        channel="C0PARTICIPANTS", text="x", blocks=sample.card("y" * 200, "waiting")
    )

    for path in ("/?as=participant-tokyo", f"/?as=participant-tokyo&thread={said['ts']}"):
        page = await look(path, width=width)
        overflow = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0
        box = await page.locator(".composer").last.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


async def test_on_a_phone_channels_open_from_a_button(look: Callable[..., Any]) -> None:
    page = await look("/?as=participant-tokyo", width=390)
    await expect(page.locator(".sidebar")).to_be_hidden()

    await page.get_by_role("button", name="Channels").click()
    await follow(page.get_by_role("link", name="lobby"))

    await expect(page.get_by_role("heading", level=1)).to_have_text("# lobby")
    await expect(page.locator(".sidebar")).to_be_hidden()
