"""Migrates a database to the schema of this version, safely even if several processes start at once."""

from sqlalchemy import Engine

__all__ = ["UnknownSchema", "migrate"]


class UnknownSchema(RuntimeError):
    """The database was written by a newer siaga. The message says so."""


def migrate(engine: Engine) -> None:
    """Apply the missing migrations, if any, all in one transaction.

    A second process waits for the first: on PostgreSQL with an advisory lock, on SQLite with its write lock.

    Raises:
        UnknownSchema: the database has a migration that this version does not know.
    """
    # loading Alembic takes a quarter of a second, and not every process migrates
    from siaga.database.upgrade import upgrade  # noqa: PLC0415

    upgrade(engine)
