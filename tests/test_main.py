"""The command line's contracts: what is printed, the exit status, and that reading commands never write."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from bot.__main__ import main
from bot.config import shipped
from bot.rendering import unescape

AT = "2025-11-20T09:00:00+00:00"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder with a copy of the shipped configuration and a clean environment."""
    (tmp_path / "config.toml").write_bytes(shipped("config.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "WORKSHOP_DATABASE_URL",
        "WORKSHOP_CONFIG",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run a command line; gives (exit status, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workshop-bot", *words])
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return run


def test_ask_prints_the_answer_as_the_person_would_read_it(run: Any) -> None:
    status, out, _ = run("ask", "Is it free?", "--at", AT)
    assert status == 0
    assert "free of charge" in out


def test_ask_json_has_the_contract_s_fields(run: Any) -> None:
    status, out, _ = run("ask", "Will it be recorded?", "--at", AT, "--tz", "Asia/Tokyo", "--json")
    answer = json.loads(out)
    assert status == 0
    assert list(answer) == [
        "id", "status", "answer", "lang", "topics", "sources", "unanswered", "confidence", "elapsed_ms",
    ]  # fmt: skip
    assert answer["status"] == "unknown"


def test_ask_batch_keeps_the_order_and_goes_on_after_a_bad_line(run: Any, tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "text": "is it free?", "at": "2025-11-20T09:00:00Z"}',
        "not json",
        '{"id": "c"}',
        '["a list"]',
        '{"id": "d", "text": "when?", "at": "tomorrow"}',
        '{"id": "e", "text": "when?", "tz": "Mars/Olympus"}',
        "",
        '{"id": 7, "text": "thank you"}',
    ]
    (tmp_path / "asked.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    status, out, _ = run("ask", "--batch", "asked.jsonl")
    answers = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [answer["id"] for answer in answers] == ["a", None, "c", None, "d", "e", 7]
    assert [answer.get("status") for answer in answers] == [
        "answered",
        None,
        None,
        None,
        None,
        None,
        "small_talk",
    ]
    assert all("error" in answer for answer in answers[1:6])


def test_the_instant_and_zone_given_hold_for_lines_without(run: Any, tmp_path: Path) -> None:
    lines = ['{"id": 1, "text": "when?"}', '{"id": 2, "text": "when?", "at": "2025-11-20T09:00:00Z"}']
    (tmp_path / "asked.jsonl").write_text("\n".join(lines), encoding="utf-8")
    given = ("--at", "2026-11-25T12:00:00Z", "--tz", "Asia/Tokyo")
    status, out, _ = run("ask", "--batch", "asked.jsonl", *given)
    answers = [json.loads(line)["answer"] for line in out.splitlines()]
    assert status == 0
    assert ["took place" in answer for answer in answers] == [True, False]
    assert all("22:00" in answer for answer in answers)


def test_ask_batch_survives_bytes_that_are_no_text(run: Any, tmp_path: Path) -> None:
    (tmp_path / "asked.jsonl").write_bytes(b'{"id": 1, "text": "is it \xff\xfe free?"}\n')
    status, out, _ = run("ask", "--batch", "asked.jsonl")
    assert status == 0
    assert json.loads(out)["id"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("ask",),
        ("ask", "when?", "--at", "tomorrow"),
        ("ask", "when?", "--at", "2025-11-20T09:00:00"),
        ("ask", "when?", "--tz", "Mars/Olympus"),
        ("ask", "--batch", "missing.jsonl"),
        ("manifest", "--mode", "carrier-pigeon"),
        ("manifest", "--mode", "http"),
        ("calendar", "--segment", "lunch"),
        ("frobnicate",),
    ],
)
def test_wrong_usage_ends_with_two(run: Any, words: tuple[str, ...]) -> None:
    status, _, err = run(*words)
    assert status == 2
    assert "Traceback" not in err


def test_a_bad_configuration_ends_with_two_and_names_every_mistake(run: Any, tmp_path: Path) -> None:
    text = (tmp_path / "config.toml").read_text(encoding="utf-8")
    (tmp_path / "config.toml").write_text(
        text.replace("Europe/Zurich", "Mars/Olympus").replace(
            "posts_per_minute = 200", "posts_per_minute = 0"
        ),
        encoding="utf-8",
    )
    for words in (("check",), ("ask", "when?"), ("run",)):
        status, out, err = run(*words)
        assert status == 2
        assert "workshop.zone" in out + err
        assert "limits.posts_per_minute" in out + err


def test_check_is_content_with_the_shipped_configuration(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_LISTEN", "127.0.0.1:0")  # the usual port may be taken on this machine
    status, out, _ = run("check", "--json")
    findings = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert {finding["level"] for finding in findings} <= {"ok", "warning"}
    assert "knowledge" in {finding["what"] for finding in findings}


def test_plan_lists_every_reminder_from_an_instant_on_in_order(run: Any) -> None:
    status, out, _ = run("plan", "--at", AT, "--json")
    planned = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [list(line) for line in planned] == [["at", "target", "kind", "key", "text"]] * len(planned)
    assert [line["at"] for line in planned] == sorted(line["at"] for line in planned)
    assert planned[0]["at"] == "2025-11-24T13:00:00+00:00"
    assert planned[0]["target"] == "#ict-footprint-workshop"
    assert run("plan", "--at", "2026-11-20T09:00:00Z", "--json")[1] == ""


def test_the_calendar_is_valid_and_the_same_bytes_each_time(run: Any) -> None:
    status, out, _ = run("calendar")
    assert status == 0
    assert out == run("calendar")[1]
    events = Calendar.from_ical(out).events
    assert [event.start.isoformat() for event in events] == ["2025-11-25T13:00:00+00:00"]


def test_the_calendar_goes_to_a_file(run: Any, tmp_path: Path) -> None:
    assert run("calendar", "-o", "workshop.ics")[0] == 0
    assert (tmp_path / "workshop.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


def test_the_manifest_is_json_for_both_modes(run: Any) -> None:
    socket = json.loads(run("manifest")[1])
    http = json.loads(run("manifest", "--mode", "http", "--url", "https://bot.example.org/")[1])
    assert socket["settings"]["socket_mode_enabled"] is True
    assert http["settings"]["event_subscriptions"]["request_url"] == "https://bot.example.org/slack/events"


def test_reading_commands_make_no_file(run: Any, tmp_path: Path) -> None:
    for words in (("ask", "when?"), ("plan",), ("calendar",), ("manifest",), ("check",)):
        run(*words)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_run_without_tokens_says_which_are_missing(run: Any) -> None:
    status, _, err = run("run")
    assert status == 2
    assert "SLACK_BOT_TOKEN" in err
    assert "SLACK_APP_TOKEN" in err


def test_answers_are_escaped_mrkdwn(run: Any) -> None:
    answer = json.loads(run("ask", "When is <!channel> the workshop?", "--at", AT, "--json")[1])
    assert "<!channel>" not in answer["answer"]
    assert "<!channel>" not in unescape(answer["answer"])


def test_a_taken_port_is_named_with_what_to_do(run: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for words in (("--workspace-only",), ()):
            status, out, err = run("rehearse", "--port", port, *words)
            assert (status, out) == (2, "")
            assert f"port {port}" in err
            assert "choose another with --port" in " ".join(err.replace("│", " ").split())


def test_a_workspace_that_others_reach_says_so(run: Any) -> None:
    status, _, err = run("rehearse", "--host", "192.0.2.1", "--workspace-only")

    said = " ".join(err.replace("│", " ").split())
    assert status == 2  # no interface here has that address
    assert "can act as anybody here" in said
    assert "192.0.2.1 is no address to listen at here" in said
