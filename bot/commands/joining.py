"""`run` and `rehearse`: join the real Slack, or a local workspace of one's own."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import ipaddress
import json
import signal
import sys
import webbrowser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from filelock import FileLock, Timeout

from bot import app as composition
from bot import day, logs
from bot.clock import Clock, SimulatedClock
from bot.commands.opening import ConfigFile, Json, database_url, err, instant, load, out
from bot.config import Config, Environment, Moment
from bot.errors import ConfigError, StoreError
from bot.open_day import OpenDay
from bot.rehearsal import transcript
from bot.rehearsal.server import CannotListen, LocalWorkspace
from bot.store.engine import Database
from handlers.manifest import manifest as own_manifest


def run(config: ConfigFile = None) -> None:
    """Join the real Slack: Socket Mode with SLACK_APP_TOKEN, HTTP with SLACK_SIGNING_SECRET."""
    logs.configure()
    settings, environment = load(config), Environment.read()
    if mistakes := [*environment.malformed(), *environment.missing()]:
        raise ConfigError(mistakes)
    database = Database(database_url(config), settings.workshop.id)
    with only_one(database):
        asyncio.run(_run(settings, environment, database))


@contextlib.contextmanager
def only_one(database: Database) -> Iterator[None]:
    """On SQLite a second `run` is refused: two senders on one file would not see each other's work.

    Raises StoreError for it, and when no lock can be put beside the file.
    """
    if database.shared or not database.url.database:
        yield
        return
    file = Path(database.url.database).resolve()
    if not file.parent.is_dir():
        raise StoreError(f"the database cannot be used: there is no folder {file.parent}; make it")
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            "another `workshop-bot run` uses this SQLite database; stop that one, "
            "or use PostgreSQL to run several"
        ) from None
    except OSError as wrong:
        raise StoreError(
            f"the database cannot be used: {file.parent} cannot be written ({wrong.strerror}); "
            "give this user the right to, or set WORKSHOP_DATABASE_URL"
        ) from None
    try:
        yield
    finally:
        lock.release()


async def _run(settings: Config, environment: Environment, database: Database) -> None:
    async with composition.running(settings, environment, database, Clock(), mode="live") as bot:
        gc.collect()
        gc.freeze()  # what was built at the start stays; looking through it again would only take time
        _give_back()
        err.print(f"The bot is up; web routes at http://{bot.listen}", markup=False)
        await _until_stopped()


def _give_back() -> None:
    """Return to the system what the start took and freed again, which glibc would keep."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library has no such call
        ctypes.CDLL(None).malloc_trim(0)


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            pass
    await stopped.wait()


def rehearse(
    config: ConfigFile = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="Where the simulated clock starts; default the day before, with --workspace-only now."
        ),
    ] = None,
    speed: Annotated[float, typer.Option(help="Workshop seconds a second.", min=0, max=100_000)] = 1.0,
    host: Annotated[str, typer.Option(help="Where the local workspace listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port; 0 picks a free one.", min=0, max=65535)] = 8901,
    database: Annotated[
        str | None, typer.Option(help="A rehearsal database to use; default a fresh temporary one.")
    ] = None,
    whole_day: Annotated[
        bool, typer.Option("--day", help="Play the whole day, headless, as fast as it goes.")
    ] = False,
    scenario: Annotated[
        str | None,
        typer.Option(help="Play this scenario, headless: a shipped one (crowd, slow, …) or a .toml file."),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(help="Do again what a transcript kept; exit 1 where the words part from those saved."),
    ] = None,
    workspace_only: Annotated[
        bool, typer.Option("--workspace-only", help="Only the local workspace, for other Slack clients.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(help="With --workspace-only: the app's manifest (JSON); without it all is allowed."),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: Json = False,
) -> None:
    """Run against a local Slack-compatible workspace: no account, no network."""
    settings = load(config)
    with TemporaryDirectory(prefix="workshop-rehearsal-") as folder:
        store = Database(database or f"sqlite:///{folder}/rehearsal.sqlite3", settings.workshop.id)
        if replay:
            logs.configure(level=30)
            sys.exit(asyncio.run(_replay(settings, store, transcript.load(replay), as_json)))
        if whole_day or scenario:
            logs.configure(level=30)
            begin = instant(at) if at else None
            sys.exit(asyncio.run(_play(settings, store, scenario or "day", begin, as_json)))
        logs.configure(level=30 if as_json else 20)
        _warn_of(host)
        try:
            if workspace_only:
                # Clients of other people's making compare timestamps with their own time: it begins now.
                allowed = _read_manifest(manifest) if manifest else None
                clock = SimulatedClock(instant(at), speed)
                workspace = LocalWorkspace(settings, clock, host=host, port=port, manifest=allowed)
                asyncio.run(_serve_workspace(workspace, as_json))
            else:
                day_before = Moment.parse("-P1D").instant(
                    settings.workshop.start, settings.workshop.end, settings.workshop.tz
                )
                clock = SimulatedClock(instant(at) if at else day_before, speed)
                asyncio.run(_rehearse(settings, store, clock, host, port, open_browser, as_json))
        except CannotListen as error:
            raise typer.BadParameter(str(error.strerror)) from None


def _warn_of(host: str) -> None:
    """Say so when others can reach the workspace: there is no password in a rehearsal."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        err.print(f"warning: whoever reaches this machine at {host} can act as anybody here", markup=False)


async def _play(settings: Config, store: Database, name: str, at: datetime | None, as_json: bool) -> int:
    async def show(line: dict[str, Any]) -> None:
        if as_json:
            print(json.dumps(line, ensure_ascii=False), flush=True)
        else:
            out.print(day.as_text(line, settings), markup=False)

    summary = await day.play(settings, store, show, name=name, at=at)
    return 0 if summary["ok"] else 1


async def _replay(settings: Config, store: Database, saved: dict[str, Any], as_json: bool) -> int:
    found = await day.replay(settings, store, saved)
    if as_json:
        print(json.dumps(found, ensure_ascii=False), flush=True)
    else:
        for each in found["lost"]:
            out.print(f"{each['at']} {each['who']} {each['does']}: {each['wrong']}", markup=False)
        for line in found["differences"]:
            out.print(line, markup=False)
        same = "the same words" if found["same"] else "OTHER words"
        out.print(f"{found['deeds']} deeds done again: {same}.", markup=False)
    return 0 if found["same"] else 1


async def _rehearse(
    settings: Config,
    store: Database,
    clock: SimulatedClock,
    host: str,
    port: int,
    browser: bool,
    as_json: bool,
) -> None:
    async def started(bot: composition.Bot) -> None:
        if as_json:
            print(json.dumps(_addresses(workspace) | {"web": f"http://{bot.listen}"}), flush=True)
        else:
            out.print(f"The workshop is open at {workspace.url} (Ctrl-C ends it).", markup=False)
            out.print(
                f"It is {bot.desk.rendering.in_words(clock.now())} there. Pick who you are, "
                "write to the bot, type /workshop help.",
                markup=False,
            )
            out.print(f"The panel's stage is shown at http://{bot.listen}/stage.", markup=False)

    workspace = LocalWorkspace(
        settings, clock, host=host, port=port, manifest=own_manifest(settings, "socket")
    )
    async with workspace:
        if browser:  # it starts while the bot does
            await asyncio.to_thread(_open, workspace.url)
        await OpenDay(settings, store, clock, workspace).run(_until_stopped(), started)


def _open(url: str) -> None:
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)


async def _serve_workspace(workspace: LocalWorkspace, as_json: bool) -> None:
    await workspace.start()
    try:
        if as_json:
            print(json.dumps(_addresses(workspace)), flush=True)
        else:
            for name, value in _addresses(workspace).items():
                out.print(f"{name:15} {value}", markup=False)
        await _until_stopped()
    finally:
        await workspace.stop()


def _read_manifest(file: Path) -> dict[str, Any]:
    """An app's manifest, as `apps.manifest.export` or `workshop-bot manifest` gives it."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file}: {error}", param_hint="--manifest") from None
    if not isinstance(data, dict):
        raise typer.BadParameter(f"{file} is no JSON object", param_hint="--manifest")
    return data


def _addresses(workspace: LocalWorkspace) -> dict[str, str]:
    return {
        "url": workspace.url,
        "api_url": workspace.api_url,
        "bot_token": workspace.bot_token,
        "app_token": workspace.app_token,
        "signing_secret": workspace.signing_secret,
    }
