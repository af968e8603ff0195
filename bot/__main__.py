"""The command line: `workshop-bot`, the same as `python -m bot`.

Exit status: 0 done, 1 the thing asked for failed, 2 wrong usage or configuration. Every command that
prints data has `--json`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
import webbrowser
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console

from bot import announcements, check, day, logs, reminders
from bot import app as composition
from bot import config as configuration
from bot.answers import Answer, Answers, Learned, inquiries
from bot.clock import Clock, SimulatedClock
from bot.config import Config, Environment, Moment, shipped
from bot.errors import ConfigError, Mistake, Refusal, StoreError
from bot.programme import calendar, versions
from bot.programme.model import Programme
from bot.rehearsal.server import LocalWorkspace
from bot.rendering import Rendering, unescape, utc
from bot.store.engine import Database
from handlers.manifest import manifest as make_manifest

app = typer.Typer(
    name="workshop-bot",
    help="Runs the operations of one virtual workshop in Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", envvar="WORKSHOP_CONFIG", help="The configuration; default ./config.toml."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
At = Annotated[
    str | None, typer.Option("--at", help="The instant to answer for, ISO 8601 with offset; default now.")
]


def main() -> None:
    """Run the command line; named failures become one sentence and an exit status."""
    try:
        app()
    except ConfigError as error:
        for mistake in error.mistakes:
            err.print(f"error: {mistake}", markup=False)
        sys.exit(2)
    except StoreError as error:
        err.print(f"error: {error}", markup=False)
        sys.exit(1)
    except Refusal as refusal:
        err.print(f"error: {_explain(refusal)}", markup=False)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output went away: nothing is wrong here
        sys.stderr.close()
        sys.exit(1)


def _explain(refusal: Refusal) -> str:
    try:
        return str(Rendering(_load(None)).text(f"errors/{refusal.code}.txt.j2", refusal.values))
    except ConfigError:
        return refusal.code


def _config_path(given: Path | None) -> Path:
    if given is not None:
        return given
    local = Path("config.toml")
    return local if local.exists() else shipped("config.toml")


def _load(given: Path | None) -> Config:
    return configuration.load(_config_path(given))


def _instant(text: str | None, option: str = "--at") -> datetime:
    if text is None:
        return Clock().now()
    try:
        return utc(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no instant; write 2025-11-25T13:00:00+00:00 or …Z", param_hint=option
        ) from None


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter(
            f"{name!r} is no time zone; write one such as Asia/Tokyo", param_hint="--tz"
        ) from None


def _database_url(path: Path | None) -> str:
    """`WORKSHOP_DATABASE_URL`, or a SQLite file beside the configuration."""
    given = Environment.read().database_url
    if given:
        return given
    beside = _config_path(path).resolve()
    if beside == shipped("config.toml").resolve() and not Path("config.toml").exists():
        beside = Path("config.toml").resolve()  # an installed package is no place for data
    return f"sqlite:///{beside.with_name('workshop.sqlite3')}"


def _existing_database(path: Path | None, config: Config) -> Database | None:
    """The workshop's database if there is one to read; never makes it."""
    url = _database_url(path)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    return Database(url, config.workshop.id)


@contextlib.asynccontextmanager
async def _opened(path: Path | None, config: Config) -> AsyncIterator[Database]:
    """The workshop's live database, made and migrated when it is new."""
    database = Database(_database_url(path), config.workshop.id)
    try:
        await database.prepare("live", now=Clock().now())
        async with database.begin() as db:
            await announcements.begin(db, config, now=Clock().now())
        yield database
    finally:
        await database.close()


async def _known(path: Path | None, config: Config) -> tuple[Programme, list[Learned]]:
    """The released programme and what organisers taught; without a database, what config.toml says."""
    database = _existing_database(path, config)
    if database is None:
        return Programme.from_config(config), []
    try:
        if not await database.prepared():
            return Programme.from_config(config), []
        async with database.read() as db:
            return await versions.current(db), await inquiries.learned(db)
    finally:
        await database.close()


# --- join a workspace ----------------------------------------------------------------------------------


@app.command()
def run(config: ConfigFile = None) -> None:
    """Join the real Slack: Socket Mode with SLACK_APP_TOKEN, HTTP with SLACK_SIGNING_SECRET."""
    logs.configure()
    settings, environment = _load(config), Environment.read()
    mistakes = []
    if environment.bot_token is None:
        mistakes.append(
            Mistake("SLACK_BOT_TOKEN", "it is not set", "set it to the token that starts with xoxb-")
        )
    if environment.app_token is None and environment.signing_secret is None:
        mistakes.append(
            Mistake(
                "SLACK_APP_TOKEN",
                "neither it nor SLACK_SIGNING_SECRET is set",
                "set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP",
            )
        )
    if mistakes:
        raise ConfigError(mistakes)
    url = _database_url(config)
    with _only_one(url):
        asyncio.run(_run(settings, environment, Database(url, settings.workshop.id)))


@contextlib.contextmanager
def _only_one(url: str) -> Any:
    """On SQLite a second `run` is refused: two senders on one file would not see each other's work."""
    if not url.startswith("sqlite:///"):
        yield
        return
    lock = FileLock(url.removeprefix("sqlite:///") + ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            "another `workshop-bot run` uses this SQLite database; stop that one, "
            "or use PostgreSQL to run several"
        ) from None
    try:
        yield
    finally:
        lock.release()


async def _run(settings: Config, environment: Environment, database: Database) -> None:
    async with composition.running(settings, environment, database, Clock(), mode="live") as bot:
        err.print(f"The bot is up; web routes at http://{bot.listen}", markup=False)
        await _until_stopped()


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stopped.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            pass
    await stopped.wait()


@app.command()
def rehearse(
    config: ConfigFile = None,
    at: Annotated[
        str | None, typer.Option(help="Where the simulated clock starts; default the day before.")
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
    workspace_only: Annotated[
        bool, typer.Option("--workspace-only", help="Only the local workspace, for other Slack clients.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: Json = False,
) -> None:
    """Run against a local Slack-compatible workspace: no account, no network."""
    settings = _load(config)
    with TemporaryDirectory(prefix="workshop-rehearsal-") as folder:
        store = Database(database or f"sqlite:///{folder}/rehearsal.sqlite3", settings.workshop.id)
        if whole_day:
            logs.configure(level=30)
            sys.exit(asyncio.run(_play_day(settings, store, as_json)))
        logs.configure(level=30 if as_json else 20)
        start = (
            _instant(at)
            if at
            else Moment.parse("-P1D").instant(
                settings.workshop.start, settings.workshop.end, settings.workshop.tz
            )
        )
        clock = SimulatedClock(start, speed)
        if workspace_only:
            asyncio.run(_serve_workspace(settings, clock, host, port, as_json))
        else:
            asyncio.run(_rehearse(settings, store, clock, host, port, open_browser, as_json))


async def _play_day(settings: Config, store: Database, as_json: bool) -> int:
    async def show(line: dict[str, Any]) -> None:
        if as_json:
            print(json.dumps(line, ensure_ascii=False), flush=True)
        else:
            out.print(day.as_text(line, settings), markup=False)

    summary = await day.play(settings, store, show)
    return 0 if summary["ok"] else 1


async def _rehearse(
    settings: Config,
    store: Database,
    clock: SimulatedClock,
    host: str,
    port: int,
    browser: bool,
    as_json: bool,
) -> None:
    async with composition.rehearsing(settings, store, clock, host=host, port=port) as (bot, workspace):
        if as_json:
            print(json.dumps(_addresses(workspace) | {"web": f"http://{bot.listen}"}), flush=True)
        else:
            out.print(f"The workshop is open at {workspace.url} (Ctrl-C ends it).", markup=False)
            out.print(
                f"It is {bot.desk.rendering.in_words(clock.now())} there. Pick who you are, "
                "write to the bot, type /workshop help.",
                markup=False,
            )
        if browser:
            await asyncio.to_thread(_open, workspace.url)
        await _until_stopped()


def _open(url: str) -> None:
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)


async def _serve_workspace(
    settings: Config, clock: SimulatedClock, host: str, port: int, as_json: bool
) -> None:
    workspace = LocalWorkspace(settings, clock, host=host, port=port)
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


def _addresses(workspace: LocalWorkspace) -> dict[str, str]:
    return {
        "url": workspace.url,
        "api_url": workspace.api_url,
        "bot_token": workspace.bot_token,
        "app_token": workspace.app_token,
        "signing_secret": workspace.signing_secret,
    }


# --- ask, plan, calendar, manifest: never write --------------------------------------------------------


class Asked(BaseModel):
    """One line of `ask --batch`."""

    model_config = ConfigDict(strict=True)

    id: str | int | None = None
    text: str
    at: str | None = None
    tz: str | None = None
    lang: str | None = None


@app.command()
def ask(
    text: Annotated[str | None, typer.Argument(help="The question, as a participant would type it.")] = None,
    config: ConfigFile = None,
    at: At = None,
    tz: Annotated[str | None, typer.Option(help="The asker's time zone, such as Asia/Tokyo.")] = None,
    lang: Annotated[str | None, typer.Option(help="The asker's language, such as fr.")] = None,
    batch: Annotated[
        str | None, typer.Option(help="A file of JSON lines (id, text, at, tz, lang), or -.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a question as the bot would; nothing is stored and no inquiry is filed."""
    if (text is None) == (batch is None):
        raise typer.BadParameter("give a question, or --batch FILE")
    settings = _load(config)
    programme, learned = asyncio.run(_known(config, settings))
    answers = Answers(settings, Rendering(settings))

    def one(asked: Asked) -> dict[str, Any]:
        instant, zone = _instant(asked.at), _zone(asked.tz)
        began = time.perf_counter()
        answer = answers.answer(
            asked.text, at=instant, programme=programme, tz=zone, lang=asked.lang, learned=learned
        )
        return _as_json(asked.id, answer, time.perf_counter() - began)

    if text is not None:
        answered = one(Asked(text=text, at=at, tz=tz, lang=lang))
        if as_json:
            print(json.dumps(answered, ensure_ascii=False))
        else:
            out.print(unescape(answered["answer"]), markup=False)
        return
    for line in _lines(batch or "-"):
        if line.strip():
            print(json.dumps(_one_line(line, one), ensure_ascii=False), flush=True)


def _lines(name: str) -> Iterator[str]:
    """The lines of a file, or of standard input for "-"; bytes that are no UTF-8 are replaced."""
    try:
        with sys.stdin.buffer if name == "-" else open(name, "rb") as lines:
            for line in lines:
                yield line.decode("utf-8", errors="replace")
    except OSError as error:
        raise typer.BadParameter(f"{name} cannot be read ({error.strerror})", param_hint="--batch") from None


def _one_line(line: str, one: Any) -> dict[str, Any]:
    """The answer to one line, or what is wrong with the line; the run goes on either way."""
    given: Any = None
    try:
        given = json.loads(line)
        return dict(one(Asked.model_validate(given)))
    except json.JSONDecodeError as error:
        wrong = f"not JSON: {error}"
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'line'}: {detail['msg']}"
            for detail in error.errors()
        )
    except typer.BadParameter as error:
        wrong = error.message
    return {"id": given.get("id") if isinstance(given, dict) else None, "error": wrong}


def _as_json(id: str | int | None, answer: Answer, seconds: float) -> dict[str, Any]:
    return {
        "id": id,
        "status": answer.status,
        "answer": str(answer.text),
        "lang": answer.lang,
        "topics": list(answer.topics),
        "sources": list(answer.sources),
        "unanswered": list(answer.unanswered),
        "confidence": round(answer.confidence, 3),
        "elapsed_ms": round(seconds * 1000, 3),
    }


@app.command()
def plan(config: ConfigFile = None, at: At = None, as_json: Json = False) -> None:
    """Every message that will be posted from an instant on; posts nothing."""
    settings = _load(config)
    instant = _instant(at)
    programme, _ = asyncio.run(_known(config, settings))
    rendering = Rendering(settings)
    for item in reminders.upcoming(settings, programme, rendering, at=instant):
        line = {
            "at": item.at.astimezone(UTC).isoformat(),
            "target": item.target,
            "kind": item.kind,
            "key": item.key,
            "text": item.text,
        }
        if as_json:
            print(json.dumps(line, ensure_ascii=False))
        else:
            out.print(f"{rendering.in_words(item.at)}  {item.target}\n  {unescape(item.text)}", markup=False)


@app.command(name="calendar")
def calendar_command(
    config: ConfigFile = None,
    segment: Annotated[str | None, typer.Option(help="Only this segment, by its id.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write here instead of standard output.")
    ] = None,
) -> None:
    """The programme as iCalendar."""
    settings = _load(config)

    async def build() -> bytes:
        existing = _existing_database(config, settings)
        if existing is None:
            programme = Programme.from_config(settings)
            bookkeeping = calendar.Bookkeeping.unreleased(programme)
        else:
            try:
                async with existing.read() as db:
                    programme, bookkeeping = await versions.current(db), await versions.bookkeeping(db)
            finally:
                await existing.close()
        if segment is not None:
            found = programme.segment(segment)
            if found is None or found.starts is None:
                known = ", ".join(s.id for s in programme.segments if s.starts) or "none has a time yet"
                raise typer.BadParameter(
                    f"no segment {segment!r} with a time ({known})", param_hint="--segment"
                )
        public_url = Environment.read().public_url
        return calendar.calendar(programme, bookkeeping, settings, segment=segment, public_url=public_url)

    body = asyncio.run(build())
    if output is None:
        sys.stdout.buffer.write(body)
    else:
        output.write_bytes(body)


@app.command()
def manifest(
    config: ConfigFile = None,
    mode: Annotated[str, typer.Option(help="socket or http.")] = "socket",
    url: Annotated[str | None, typer.Option(help="The bot's public address, for HTTP.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON is what it prints in any case.")] = True,
) -> None:
    """The Slack app manifest to create the app from."""
    if mode not in ("socket", "http"):
        raise typer.BadParameter("use socket or http", param_hint="--mode")
    try:
        made = make_manifest(_load(config), "http" if mode == "http" else "socket", url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    print(json.dumps(made, indent=2, ensure_ascii=False))


@app.command(name="check")
def check_command(
    config: ConfigFile = None,
    online: Annotated[
        bool, typer.Option("--online", help="Ask Slack too: tokens, scopes, channels, roles.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at everything that can be wrong before the day; each finding with its remedy."""
    sys.exit(asyncio.run(_check(_config_path(config), _database_url(config), online, as_json)))


async def _check(path: Path, database_url: str, online: bool, as_json: bool) -> int:
    environment = Environment.read()
    findings = [finding async for finding in check.offline(path, environment, database_url)]
    if online and not any(finding.level == "error" for finding in findings):
        findings += [finding async for finding in check.online(configuration.load(path), environment)]
    for finding in findings:
        if as_json:
            print(json.dumps(finding.as_json(), ensure_ascii=False))
        else:
            colour = {"ok": "green", "warning": "yellow", "error": "red"}[finding.level]
            out.print(f"[{colour}]{finding.level:<8}[/]", end="")
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            out.print(f"{finding.what}: {finding.found}{remedy}", markup=False)
    return 2 if any(finding.level == "error" for finding in findings) else 0


if __name__ == "__main__":
    main()
