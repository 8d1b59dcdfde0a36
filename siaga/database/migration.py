"""Migrates a database to the schema of this version, safely even if several processes start at once."""

from pathlib import Path

from sqlalchemy import Engine, inspect

__all__ = ["UnknownSchema", "migrate"]


class UnknownSchema(RuntimeError):
    """The database was written by a newer siaga. The message says so."""


def migrate(engine: Engine) -> None:
    """Apply the missing migrations, if any, all in one transaction.

    A second process waits for the first: on PostgreSQL with an advisory lock, on SQLite with its write lock.

    Raises:
        UnknownSchema: the database has a migration that this version does not know.
    """
    if _is_current(engine):
        return
    # loading Alembic takes a quarter of a second, and most processes find the tables as they must be
    from siaga.database.upgrade import upgrade  # noqa: PLC0415

    upgrade(engine)


def _is_current(engine: Engine) -> bool:
    """Returns whether the newest migration of this version is the last that was applied."""
    newest = max(path.name for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        applied = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    return applied == [newest.split("_")[0]]
