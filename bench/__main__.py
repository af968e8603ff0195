"""Run a measurement by name, `python -m bench drill --help`, or every short one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHORT = {
    "answers": [
        HERE / "answers" / "score.py",
        HERE / "answers" / "own.jsonl",
        HERE / "answers" / "development.jsonl",
        "--baselines",
    ],
}


def main(words: list[str]) -> int:
    """Run one measurement with its own options, or every short one; the exit status is the last failure's."""
    if words:
        script = SHORT[words[0]][0] if words[0] in SHORT else HERE / f"{words[0]}.py"
        known = sorted({*SHORT, *(path.stem for path in HERE.glob("[a-z]*.py"))})
        if not Path(script).exists():
            print(f"there is no measurement {words[0]!r}; use one of {', '.join(known)}")
            return 2
        return subprocess.call([sys.executable, str(script), *words[1:]])
    return max(subprocess.call([sys.executable, *map(str, command)]) for command in SHORT.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
