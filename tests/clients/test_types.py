"""Every Block Kit payload the bot sends, checked with Slack's own TypeScript types.

`PAYLOADS` names the folder in which a run of the other tests kept them (see `tests/payloads.py`); without it
a whole day and a late speaker are played, which is most of them.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot import day
from bot.config import Config, shipped
from bot.rendering import Rendering
from bot.store.engine import Database

from .. import payloads

pytestmark = pytest.mark.clients

HERE = Path(__file__).parent
HEAD = """import type { HomeView, KnownBlock, ModalView } from '@slack/types';
type Modal = Omit<ModalView, 'blocks'> & { blocks: KnownBlock[] };
type Home = Omit<HomeView, 'blocks'> & { blocks: KnownBlock[] };
type Message = { text: string; blocks?: KnownBlock[] };
"""
KINDS = {"modal": "Modal", "home": "Home"}


async def played(config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play enough of the bot for most of its payloads."""
    monkeypatch.setattr(Rendering, "_load", Rendering._load)  # what keep_in puts there is taken back
    payloads.keep_in(folder)

    async def show(line: dict[str, Any]) -> None:
        pass

    for name in ("day", "late"):
        await day.play(
            config, Database(f"sqlite:///{folder}/{name}.sqlite3", config.workshop.id), show, name=name
        )


def check(node: str, file: Path) -> str:
    """What the TypeScript compiler says about it."""
    tsc = HERE / "node_modules" / "typescript" / "bin" / "tsc"
    options = [
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--module",
        "nodenext",
        "--typeRoots",
        "/nonexistent",
    ]
    done = subprocess.run(
        [node, str(tsc), *options, str(file)],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout + done.stderr


def declared(number: int, name: str, data: dict[str, Any]) -> str:
    kind = KINDS.get(str(data.get("type")), "Message")
    return f"// {name}\nexport const p{number}: {kind} = {json.dumps(data, ensure_ascii=False)};\n"


async def test_every_payload_is_of_slacks_types(
    node: str,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = os.environ.get("PAYLOADS")
    folder = Path(given) if given else tmp_path
    if not given:
        await played(config, folder, monkeypatch)
    templates = {
        str(path.relative_to(shipped("templates"))).removesuffix(".json.j2").replace("/", ".")
        for path in shipped("templates").rglob("*.json.j2")
    }
    # Templates that tests make for themselves are nothing the bot sends.
    files = sorted(file for file in folder.glob("*.json") if file.stem.rpartition("-")[0] in templates)
    source = HERE / "node_modules" / "payloads.mts"
    lines = [declared(number, file.stem, json.loads(file.read_text())) for number, file in enumerate(files)]
    source.write_text(HEAD + "".join(lines), encoding="utf-8")

    complaints = check(node, source)

    seen = {file.stem.rpartition("-")[0] for file in files}
    with capsys.disabled():
        found = f"{len(seen)} of {len(templates)} templates"
        print(f"\n{len(files)} payloads of {found} are of Slack's types")
    assert complaints == ""
    assert len(seen) >= 25
    if given:
        assert templates - seen == set()


def test_the_types_do_refuse(node: str) -> None:
    source = HERE / "node_modules" / "wrong.mts"
    wrong = [
        {"text": "x", "blocks": [{"type": "sectoin"}]},
        {"text": "x", "blocks": [{"type": "actions", "elements": [{"type": "button", "action_id": "a"}]}]},
        {"type": "modal", "blocks": []},
    ]
    source.write_text(HEAD + "".join(declared(n, "wrong", each) for n, each in enumerate(wrong)))

    complaints = check(node, source)

    assert all(f"{name}:" in complaints or name in complaints for name in ("sectoin", "text", "title"))
