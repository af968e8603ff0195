"""Write the next migration: what the tables say that the migrations do not yet (`make migration NAME=…`)."""

from __future__ import annotations

import sys

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from bot.store.engine import alembic_config


def main(message: str) -> None:
    """Upgrade a scratch database to the newest migration and write the difference as the next one."""
    settings = alembic_config()
    number = len(list(ScriptDirectory.from_config(settings).walk_revisions())) + 1
    with create_engine("sqlite://").connect() as scratch:
        settings.attributes["connection"] = scratch
        command.upgrade(settings, "head")
        command.revision(settings, message=message, rev_id=f"{number:04}", autogenerate=True)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "Change the tables")
