"""Keeps what the bot's templates become while tests run, for the type check (`tests/clients/test_types.py`).

With `PAYLOADS=<folder>` in the environment every Block Kit payload is written there, one file a shape:
payloads that differ only in their words are one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.rendering import Rendering

MEANT = ("type", "style", "range", "trigger_actions_on", "include")  # values that types tell apart


def shape(value: Any, key: str = "") -> Any:
    """The same payload with its words blanked."""
    if isinstance(value, dict):
        return {name: shape(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner, key) for inner in value]
    return value if key in MEANT or not isinstance(value, str) else "…"


def keep_in(folder: Path) -> None:
    """From now on keep every payload that is rendered in this process."""
    folder.mkdir(parents=True, exist_ok=True)
    known: set[str] = set()
    load = Rendering._load

    def loading(self: Rendering, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        data = load(self, name, values)
        text = json.dumps(shape(data), ensure_ascii=False)
        key = f"{name.replace('/', '.')}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if key not in known:
            known.add(key)
            (folder / f"{key}.json").write_text(text, encoding="utf-8")
        return data

    Rendering._load = loading  # type: ignore[method-assign]
