"""What the clients need from outside Python: node with its packages, Chromium, libical with a compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> str:
    """The path of node, its packages installed as `package-lock.json` says."""
    path, npm = shutil.which("node"), shutil.which("npm")
    if path is None or npm is None:
        pytest.skip("node and npm are not installed")
    stamp = HERE / "node_modules" / ".package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.DEVNULL, timeout=300)
        stamp.touch()
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium: `CHROMIUM`, or the system's."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    return path


@pytest.fixture(scope="session")
def libical(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a small program that reads a calendar with libical."""
    compiler, made = shutil.which("cc"), str(tmp_path_factory.mktemp("libical") / "read_calendar")
    if compiler is None or not Path("/usr/include/libical/ical.h").exists():
        pytest.skip("libical is not installed (Debian: apt-get install libical-dev gcc)")
    command = [compiler, "-O1", "-Wall", "-Werror", str(HERE / "read_calendar.c"), "-lical", "-o", made]
    subprocess.run(command, check=True, timeout=60)
    return made
