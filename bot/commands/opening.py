"""What commands share: their options, and opening the configuration and the database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from bot import announcements
from bot import config as configuration
from bot.answers import Learned, inquiries
from bot.clock import Clock
from bot.config import Config, Environment, shipped
from bot.errors import StoreError
from bot.programme import versions
from bot.programme.model import Programme
from bot.rendering import utc
from bot.store.engine import Database

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


def config_path(given: Path | None) -> Path:
    if given is not None:
        return given
    local = Path("config.toml")
    return local if local.exists() else shipped("config.toml")


def load(given: Path | None) -> Config:
    return configuration.load(config_path(given))


def instant(text: str | None, option: str = "--at") -> datetime:
    if text is None:
        return Clock().now()
    try:
        return utc(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no instant; write 2025-11-25T13:00:00+00:00 or …Z", param_hint=option
        ) from None


def zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise typer.BadParameter(
            f"{name!r} is no time zone; write one such as Asia/Tokyo", param_hint="--tz"
        ) from None


def database_url(path: Path | None) -> str:
    """`WORKSHOP_DATABASE_URL`, or a SQLite file beside the configuration."""
    given = Environment.read().database_url
    if given:
        return given
    beside = config_path(path).resolve()
    if beside == shipped("config.toml").resolve() and not Path("config.toml").exists():
        beside = Path("config.toml").resolve()  # an installed package is no place for data
    return f"sqlite:///{beside.with_name('workshop.sqlite3')}"


def existing_database(path: Path | None, config: Config) -> Database | None:
    """The workshop's database if there is one to read; never makes it."""
    url = database_url(path)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    return Database(url, config.workshop.id)


@contextlib.asynccontextmanager
async def opened(path: Path | None, config: Config) -> AsyncIterator[Database]:
    """The workshop's live database, made and migrated when it is new."""
    database = Database(database_url(path), config.workshop.id)
    try:
        await database.prepare("live", now=Clock().now())
        async with database.begin() as db:
            await announcements.begin(db, config, now=Clock().now())
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def existing(path: Path | None, config: Config) -> AsyncIterator[Database]:
    """The workshop's database as it is, of either mode.

    Raises StoreError when there is none, or it is not up to date.
    """
    database = existing_database(path, config)
    if database is None:
        raise StoreError("there is no database yet; `workshop-bot run` makes it")
    try:
        if not await database.prepared():
            raise StoreError("the database is not up to date; start `workshop-bot run` once")
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def reading(path: Path | None, config: Config) -> AsyncIterator[AsyncSession | None]:
    """The workshop's database to read from; None where there is none in which it was begun, so that
    config.toml is all there is."""
    database = existing_database(path, config)
    if database is None:
        yield None
        return
    try:
        if not await database.prepared():
            yield None
            return
        async with database.read() as db:
            yield db if await versions.begun(db) else None
    finally:
        await database.close()


async def known(path: Path | None, config: Config) -> tuple[Programme, list[Learned]]:
    """The released programme and what organisers taught; without a database, what config.toml says."""
    async with reading(path, config) as db:
        if db is None:
            return Programme.from_config(config), []
        return await versions.current(db), await inquiries.learned(db)
