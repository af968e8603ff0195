"""The exports: complete, readable by others, free of formulas, markup and hidden names."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from bot.programme.model import Programme
from bot.questions import beside, export
from bot.questions.deeds import Deed
from bot.questions.undo import undo
from bot.store.engine import Database
from tests.questions import deeds_of
from tests.questions.conftest import ON, Ask
from tests.questions.test_cards import HOSTILE


async def exported(workshop: Database, programme: Programme, format: str) -> str:
    async with workshop.read() as db:
        return await export.export(db, format, programme=programme, now=ON)


async def test_the_json_has_states_votes_reasons_times_and_the_audit(
    workshop: Database, programme: Programme, ask: Ask, do: deeds_of.Do
) -> None:
    await ask("Is it free?")
    await do(Deed.APPROVE, 1, at=ON + timedelta(minutes=1))
    await do(Deed.EDIT, 1, text="Is it free of charge?", at=ON + timedelta(minutes=2))
    await do(Deed.DECLINE, 1, reason="off topic", by="UMAX", at=ON + timedelta(minutes=3))
    rows = json.loads(await exported(workshop, programme, "json"))
    assert [(r["number"], r["standing"], r["text"], r["asker"], r["reason"]) for r in rows] == [
        (1, "declined", "Is it free of charge?", "Ana Lima", "off topic")
    ]
    lines = [
        (line["deed"], line["by"], line["before"], line["after"], line["reason"])
        for line in rows[0]["history"]
    ]
    assert lines == [
        ("submit", "the asker", None, "received", None),
        ("approve", "Mona Diaz", "received", "published", None),
        ("edit", "Mona Diaz", "published", "published", None),
        ("decline", "Max Roth", "published", "declined", "off topic"),
    ]
    assert rows[0]["history"][2]["text_before"] == "Is it free?"
    assert rows[0]["history"][3]["at"] == "2025-11-25T13:43:00+00:00"


@pytest.mark.parametrize(
    "text",
    ["=1+1 is it?", "+41 what?", "-1 degrees?", "@here why?", "  =HYPERLINK(1)?", "|calc?", "%0A what?"],
)
async def test_no_cell_begins_like_a_formula(
    workshop: Database, programme: Programme, ask: Ask, text: str
) -> None:
    await ask(text)
    rows = list(csv.DictReader(io.StringIO(await exported(workshop, programme, "csv"))))
    assert [row["text"] for row in rows] == ["'" + text.strip()]
    assert all(not cell.startswith(("=", "+", "-", "@", "|", "%")) for row in rows for cell in row.values())


async def test_the_csv_keeps_line_breaks_and_quotes(
    workshop: Database, programme: Programme, ask: Ask
) -> None:
    await ask('He said "why?"\nand, then, nothing; 你好')
    rows = list(csv.DictReader(io.StringIO(await exported(workshop, programme, "csv"))))
    assert rows[0]["text"] == 'He said "why?"\nand, then, nothing; 你好'


async def test_the_markdown_quotes_words_without_markup(
    workshop: Database, programme: Programme, ask: Ask
) -> None:
    await ask(HOSTILE + "\n# not a heading\n- not a list")
    written = await exported(workshop, programme, "md")
    assert "\n> \\# not a heading\n> \\- not a list\n" in written
    assert "](" not in written
    assert "\\</script\\>" in written


@pytest.mark.parametrize("format", ["csv", "json", "md"])
@pytest.mark.parametrize("hidden", ["participants", "moderators"])
async def test_a_hidden_asker_is_in_no_export(
    workshop: Database,
    programme: Programme,
    ask: Ask,
    do: deeds_of.Do,
    format: str,
    hidden: str,
) -> None:
    await ask("Is it free?", by="UEVE", hidden=hidden)
    async with workshop.begin() as db:
        asker = await deeds_of.person(db, "UEVE", now=ON)
        moderator = await deeds_of.person(db, "UMOD", now=ON)
        await beside.clarify(db, 1, by=moderator, moderates=True, text="What is?", now=ON)
        await beside.reply(db, 1, by=asker, text="The workshop.", now=ON)
    await do(Deed.WITHDRAW, 1, by="UEVE", moderates=False)
    async with workshop.begin() as db:
        asker = await deeds_of.person(db, "UEVE", now=ON)
        await undo(db, 1, by=asker, moderates=False, now=ON)
    written = await exported(workshop, programme, format)
    assert "Is it free" in written
    for trace in ("Eve", "Stone", "UEVE", f'"{asker.id}"'):
        assert trace not in written
    assert written.count("the asker") == 4  # submitted, replied, withdrew, undid


async def test_an_unknown_format_is_an_error(workshop: Database, programme: Programme) -> None:
    with pytest.raises(KeyError):
        await exported(workshop, programme, "xlsx")
