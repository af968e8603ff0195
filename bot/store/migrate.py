"""Bring tables up to date with Alembic; as a program, write the next migration (`make migration NAME=…`)."""

from __future__ import annotations

import sys

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine


def settings() -> Config:
    """Alembic's settings; migrations ship inside the package."""
    made = Config()
    made.set_main_option("script_location", "bot.store:migrations")
    return made


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply what migrations the database has not had yet, up to a revision, in the caller's transaction."""
    made = settings()
    made.attributes["connection"] = connection
    command.upgrade(made, revision)


def main(message: str) -> None:
    """Upgrade a scratch database to the newest migration and write the difference as the next one."""
    number = len(list(ScriptDirectory.from_config(settings()).walk_revisions())) + 1
    with create_engine("sqlite://").connect() as scratch:
        upgrade(scratch)
        made = settings()
        made.attributes["connection"] = scratch
        command.revision(made, message=message, rev_id=f"{number:04}", autogenerate=True)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "Change the tables")
