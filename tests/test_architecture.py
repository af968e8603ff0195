"""The arrows of the house: a part imports only what stands below it, a library lives where it may."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Lower never imports higher (docs/architecture.md has the same list, in words).
LEVELS = [
    {"bot.errors", "bot.clock", "bot.config", "bot.logs"},
    {"bot.rendering", "bot.store", "bot.people"},
    {"bot.delivery"},
    {"bot.programme"},
    {"bot.questions", "bot.reminders", "bot.health"},
    {"bot.answers"},
    {"bot.home", "bot.announcements", "bot.privacy", "bot.report", "bot.status"},
    {"handlers"},
    {"bot.app", "bot.check"},
    {"bot.open_day"},
    {"bot.day"},
    {"bot.commands"},
    {"bot.__main__"},
]
# Within a level a few parts stand on each other; nothing else in a level does.
SAME_LEVEL = {
    ("bot.config", "bot.errors"),
    ("bot.people", "bot.store"),
    ("bot.announcements", "bot.home"),
    ("bot.report", "bot.announcements"),
}
REHEARSAL = {"bot.clock", "bot.config", "bot.errors", "bot.rendering", "bot.rehearsal"}
LIBRARIES = {
    "slack_bolt": ("handlers", "bot.app"),
    "slack_sdk": (
        "handlers",
        "bot.delivery.sender",
        "bot.delivery.retry",
        "bot.app",
        "bot.check",
        "bot.rehearsal",
    ),
    "apscheduler": ("bot.delivery",),
    "jinja2": ("bot.rendering",),
    "starlette": ("handlers", "bot.app", "bot.rehearsal"),
    "icalendar": ("bot.programme",),
    "html_text": ("bot.programme",),
}
MODULES = sorted(
    path
    for package in ("bot", "handlers")
    for path in (ROOT / package).rglob("*.py")
    if "versions" not in path.parts[-2]
)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports from the top"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


def part_of(name: str) -> str | None:
    """The part a module belongs to: the longest listed name it starts with."""
    parts = [part for level in LEVELS for part in level] + ["bot.rehearsal"]
    matches = [part for part in parts if name == part or name.startswith(part + ".")]
    return max(matches, key=len, default=None)


def level_of(part: str) -> int:
    return next(index for index, level in enumerate(LEVELS) if part in level)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_inward(path: Path) -> None:
    own = part_of(name_of(path))
    if name_of(path) == "bot":  # the map imports nothing
        assert imports_of(path) == {"__future__.annotations", "__future__"} or not imports_of(path)
        return
    assert own is not None, f"{name_of(path)} is in no room: give it one in docs/architecture.md and here"
    for imported in sorted(imports_of(path)):
        other = part_of(imported)
        if other is None or other == own:
            continue
        if own == "bot.rehearsal":
            assert other in REHEARSAL, f"the local workspace must not know {other}"
        elif other == "bot.rehearsal":
            assert own in ("bot.app", "bot.open_day", "bot.day", "bot.commands"), (
                f"{own} must not know the local workspace"
            )
        elif level_of(other) == level_of(own):
            assert (own, other) in SAME_LEVEL, f"{own} and {other} stand side by side"
        else:
            assert level_of(other) < level_of(own), f"{own} must not import {other}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    name = name_of(path)
    for imported in imports_of(path):
        rooms = LIBRARIES.get(imported.split(".")[0])
        if rooms is not None:
            assert any(name == room or name.startswith(room + ".") for room in rooms), f"{imported} in {name}"


def test_only_the_clock_reads_the_time() -> None:
    readers = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                if called in ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"):
                    readers.add(name_of(path))
    # Leases and the deadlines of acknowledgements are wall time by promise 8; logs carry the wall time too.
    assert readers <= {"bot.clock"}, readers
