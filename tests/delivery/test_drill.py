"""The drill in its short form: whole processes killed, calls broken, the database server crashed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_after_kills_and_faults_everything_is_there_once_and_in_order(database: str) -> None:
    command = ["-m", "bench", "drill", "--database", database, "--kills", "6", "--faults", "30", "--json"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.stdout, done.stderr
    tally = json.loads(done.stdout)
    assert tally["kills"] >= 6
    assert tally["faults"] >= 30
    assert min(tally["messages"], tally["inquiries"], tally["questions"]) > 0
    assert (tally["lost"], tally["doubled"], tally["disorder"]) == ([], [], []), done.stdout
    assert done.returncode == 0
