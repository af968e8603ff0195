"""What can be checked without a network: configuration, templates, knowledge, database, tokens' shape."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from bot import config as configuration
from bot.answers import Answers
from bot.check.finding import Finding, error, of, ok, warning
from bot.clock import Clock
from bot.config import Config, Environment
from bot.errors import ConfigError, StoreError
from bot.rendering import Rendering
from bot.store.engine import Database

LOCAL = ("127.0.0.1", "::1", "localhost")


async def offline(path: Path, environment: Environment, database_url: str) -> AsyncIterator[Finding]:
    """Look at everything on this machine; nothing is changed but a probe that is taken back."""
    try:
        config = configuration.load(path)
    except ConfigError as wrong:
        for mistake in wrong.mistakes:
            yield of(mistake, "configuration: ")
        return
    yield ok("configuration", f"{path.name}: {config.workshop.title}")
    yield _time(config)
    rendering = Rendering(config)
    for finding in (*_templates(rendering), *_knowledge(config, rendering)):
        yield finding
    async for finding in _database(database_url, config):
        yield finding
    for finding in (*_tokens(environment), *_addresses(environment, database_url), *_proxies(environment)):
        yield finding


def _time(config: Config) -> Finding:
    """The day as the tz database has it: an old one may be an hour off."""
    workshop = config.workshop
    said = f"{workshop.starts:%d %B %Y %H:%M} in {workshop.zone} is {workshop.start:%H:%M} UTC"
    if workshop.end < Clock().now() - timedelta(days=1):
        remedy = "set workshop.starts and .ends to the day that is meant; a rehearsal works for any"
        return warning("time", f"the workshop is over ({said})", remedy)
    return ok("time", said)


def _templates(rendering: Rendering) -> list[Finding]:
    broken = []
    for name in rendering.names():
        try:
            rendering.compile(name)
        except ValueError as wrong:
            broken.append(error(f"template {name}", str(wrong), "mend that line"))
    return broken or [ok("templates", f"{len(rendering.names())} compile")]


def _knowledge(config: Config, rendering: Rendering) -> list[Finding]:
    try:
        answers = Answers(config, rendering)
        mistakes = answers.check()
    except ConfigError as wrong:
        mistakes = wrong.mistakes
    if mistakes:
        return [of(mistake, "knowledge: ") for mistake in mistakes]
    return [ok("knowledge", f"{len(answers.topics())} topics, each reached by its own phrasings")]


async def _database(url: str, config: Config) -> AsyncIterator[Finding]:
    file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    if file is not None and not file.exists():
        yield _makeable(file)
        return
    try:
        database = Database(url, config.workshop.id)
    except StoreError as wrong:
        yield error("database", str(wrong), "set WORKSHOP_DATABASE_URL")
        return
    try:
        async for finding in _existing(database, file):
            yield finding
    except StoreError as wrong:
        found, _, remedy = str(wrong).partition("; ")
        yield error("database", found, remedy)
    finally:
        await database.close()


async def _existing(database: Database, file: Path | None) -> AsyncIterator[Finding]:
    if not await database.prepared():
        yield ok("database", f"{database.kind}: reachable; it is brought up to date at the next start")
        return
    yield ok("database", f"{database.kind}: reachable and up to date")
    mode = await database.mode()
    if mode != "live":
        remedy = "name another with WORKSHOP_DATABASE_URL; `run` refuses this one"
        yield error("database mode", f"it was made by a {mode} run", remedy)
    try:
        await database.probe()
        yield ok("database writing", "a row was written and taken back")
    except StoreError as wrong:
        found, _, remedy = str(wrong).partition("; ")
        yield error("database writing", found, remedy)
    if file is not None and _in_use(file):
        yield ok("running", "a `workshop-bot run` uses this database now; a second one would be refused")


def _makeable(file: Path) -> Finding:
    folder = file.parent
    if not folder.is_dir():
        return error("database", f"there is no folder {folder}", "make it, or set WORKSHOP_DATABASE_URL")
    probe = folder / f".{file.name}.probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as wrong:
        found = f"{folder} cannot be written ({wrong.strerror})"
        return error("database", found, "give this user the right to, or set WORKSHOP_DATABASE_URL")
    return ok("database", f"SQLite; {file.name} will be made at the first start")


def _in_use(file: Path) -> bool:
    beside = Path(f"{file}.lock")
    if not beside.exists():
        return False
    lock = FileLock(beside)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _tokens(environment: Environment) -> Iterator[Finding]:
    malformed = environment.malformed()
    yield from map(of, malformed)
    wrong = {mistake.key for mistake in malformed}
    for name, value in environment.secrets().items():
        if value is not None and name not in wrong:
            yield ok(name, "set")
    for mistake in environment.missing():
        if environment.bot_token is None:
            found = f"{mistake.wrong}; a rehearsal needs none, `run` does"
            yield warning(mistake.key, found, f"{mistake.right} (docs/operating.md)")
        else:
            yield of(mistake)
    if os.environ.get("SLACK_CLIENT_ID"):
        yield warning("SLACK_CLIENT_ID", "it is set, and not used here", "unset it, and SLACK_CLIENT_SECRET")


def _addresses(environment: Environment, database_url: str) -> Iterator[Finding]:
    yield _listen(environment.listen, database_url)
    public = environment.public_url
    if public is None:
        found = "it is not set, so calendar links and the stage's QR code are left out"
        yield warning("WORKSHOP_PUBLIC_URL", found, "set it to the address people reach the web routes by")
    elif any(mistake.key == "WORKSHOP_PUBLIC_URL" for mistake in environment.malformed()):
        return  # said before
    elif urlsplit(public).scheme != "https":
        yield error("WORKSHOP_PUBLIC_URL", "it is no https address", "write it as https://bot.example.org")
    else:
        yield ok("WORKSHOP_PUBLIC_URL", public)


def _listen(listen: str, database_url: str) -> Finding:
    host, _, port = listen.rpartition(":")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]") or LOCAL[0], int(port)))
    except (OSError, ValueError, OverflowError) as wrong:
        file = Path(database_url.removeprefix("sqlite:///"))
        if database_url.startswith("sqlite:///") and _in_use(file):
            return ok("WORKSHOP_LISTEN", f"{listen}, in use by the running bot")
        return error("WORKSHOP_LISTEN", f"cannot listen on {listen!r} ({wrong})", "name a free host:port")
    if (host.strip("[]") or LOCAL[0]) not in LOCAL:
        remedy = "let only the proxy reach it: /metrics and /readyz answer everybody"
        return warning("WORKSHOP_LISTEN", f"{listen} answers other machines too", remedy)
    return ok("WORKSHOP_LISTEN", listen)


def _proxies(environment: Environment, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Slack's libraries use the first of these there is, and know no exceptions (NO_PROXY)."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        if environ.get(name, "").strip():
            host = urlsplit(environment.api_url).hostname or ""
            if host in LOCAL:
                found = f"it is set and is used even for {host}"
                yield warning(name, found, "unset it, or set it to the empty string")
            else:
                yield ok(name, "calls to Slack go through it")
            return
