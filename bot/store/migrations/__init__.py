"""Alembic migrations, applied at start; `make migration` writes the next from the tables."""
