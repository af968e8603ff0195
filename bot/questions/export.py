"""Everything about the questions of a workshop, for a spreadsheet, a program or a reader.

Who asked is named only where they showed their name to everybody; what an asker did is told as "the asker",
also in the history, and no internal number leaves the database.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import regex
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.programme.model import Programme
from bot.questions.picture import Picture, draw
from bot.store.tables import Deed, Person, Question

ASKERS_DEEDS = frozenset({"submit", "withdraw", "reply"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_MARKDOWN = regex.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&$^:@])")


@dataclass(frozen=True, slots=True)
class Line:
    """One deed of a question's history; `before` and `after` say where it stood, if that matters."""

    at: str  # ISO 8601, UTC
    deed: str
    by: str  # a moderator's name, "the asker", or "" for the command line and people who were forgotten
    before: str | None
    after: str | None
    reason: str | None
    text_before: str | None  # of an edit


@dataclass(frozen=True, slots=True)
class Record:
    """One question as it is exported; instants are ISO 8601, UTC."""

    number: int
    segment: str
    standing: str
    text: str
    asker: str  # "" where they are hidden
    hidden: str  # "named", "participants", "moderators": from whom
    votes: int
    labels: tuple[str, ...]
    assigned_to: str | None
    cannot_attend: bool
    edited: bool
    merged_into: int | None
    reason: str | None
    answer: str | None
    answer_link: str | None
    received_at: str
    decided_at: str | None
    history: tuple[Line, ...]


async def export(db: AsyncSession, format: str, *, programme: Programme, now: datetime) -> str:
    """All questions by number, as "csv", "json" or "md"; raises KeyError for another format."""
    write = FORMATS[format]
    return write(await records(db, programme=programme, now=now))


async def records(db: AsyncSession, *, programme: Programme, now: datetime) -> list[Record]:
    """All questions by number, with their histories."""
    questions = (await db.scalars(select(Question).order_by(Question.number))).all()
    pictures = await draw(db, questions, programme=programme, audience="participants", now=now)
    histories = await _histories(db)
    return [_record(picture, tuple(histories.get(picture.number, ()))) for picture in pictures]


def _record(picture: Picture, history: tuple[Line, ...]) -> Record:
    return Record(
        number=picture.number,
        segment=picture.segment,
        standing=str(picture.standing),
        text=picture.text,
        asker=picture.asker_name or "",
        hidden=picture.hidden,
        votes=picture.votes,
        labels=picture.labels,
        assigned_to=picture.assigned_to,
        cannot_attend=picture.cannot_attend,
        edited=picture.edited,
        merged_into=picture.merged_into,
        reason=picture.reason,
        answer=picture.answer,
        answer_link=picture.answer_link,
        received_at=picture.received_at.isoformat(),
        decided_at=picture.decided_at.isoformat() if picture.decided_at else None,
        history=history,
    )


async def _histories(db: AsyncSession) -> dict[int, list[Line]]:
    """The audit's lines by the number of the question they are about."""
    statement = (
        select(Deed, Person.name)
        .outerjoin(Person, Person.id == Deed.actor_id)
        .where(Deed.subject.startswith("question:", autoescape=True))
        .order_by(Deed.id)
    )
    found: dict[int, list[Line]] = {}
    for line, name in await db.execute(statement):
        number = int(line.subject.partition(":")[2])
        deed = line.deed.partition(".")[2]
        old, new = line.old or {}, line.new or {}
        askers = deed in ASKERS_DEEDS or new.get("undone") in ASKERS_DEEDS
        found.setdefault(number, []).append(
            Line(
                at=line.at.isoformat(),
                deed=deed,
                by="the asker" if askers else name or "",
                before=old.get("standing"),
                after=new.get("standing"),
                reason=line.reason,
                text_before=old.get("text"),
            )
        )
    return found


def as_csv(rows: Sequence[Record]) -> str:
    """Comma-separated with a head line (RFC 4180); no cell begins like a spreadsheet formula."""
    written = io.StringIO()
    names = list(Record.__dataclass_fields__)
    writer = csv.writer(written)
    writer.writerow(names)
    for row in rows:
        values = asdict(row)
        values["labels"] = ", ".join(row.labels)
        values["history"] = "; ".join(_in_words(line) for line in row.history)
        writer.writerow([defused(values[name]) for name in names])
    return written.getvalue()


def defused(value: object) -> str:
    """A cell that no spreadsheet takes for a formula (owasp.org, "CSV Injection")."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def as_json(rows: Sequence[Record]) -> str:
    """A list of objects, one a question."""
    return json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2) + "\n"


def as_markdown(rows: Sequence[Record]) -> str:
    """A document with a heading a question; people's words are quoted and make no markup."""
    parts = ["# Questions for the panel", f"{len(rows)} {'question' if len(rows) == 1 else 'questions'}"]
    for row in rows:
        votes = f"{row.votes} {'vote' if row.votes == 1 else 'votes'}"
        about = [row.standing.replace("_", " "), votes, row.asker and f"asked by {plain(row.asker)}"]
        if row.merged_into:
            about.append(f"into question {row.merged_into}")
        if row.assigned_to:
            about.append(f"for {plain(row.assigned_to)}")
        parts += [f"## Question {row.number}", _quoted(row.text), " · ".join(word for word in about if word)]
        if row.reason:
            parts.append(f"Why: {plain(row.reason)}")
        if row.answer:
            parts += ["The answer:", _quoted(row.answer)]
        if row.answer_link:
            parts.append(f"<{row.answer_link}>")
        parts.append("\n".join(f"- {plain(_in_words(line))}" for line in row.history))
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _quoted(text: str) -> str:
    lines = [_MARKDOWN.sub(r"\\\1", line) for line in text.split("\n")]
    return "\n".join(f"> {line}" for line in lines)


def _in_words(line: Line) -> str:
    moved = f" ({line.before} to {line.after})" if line.before and line.after != line.before else ""
    by = f" by {line.by}" if line.by else ""
    reason = f": {line.reason}" if line.reason else ""
    return f"{line.at} {line.deed}{by}{moved}{reason}"


FORMATS: dict[str, Callable[[Sequence[Record]], str]] = {
    "csv": as_csv,
    "json": as_json,
    "md": as_markdown,
}
