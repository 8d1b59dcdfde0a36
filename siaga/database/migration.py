"""Bringing a database to the schema of this version, safely when several processes start at once."""

from sqlalchemy import Engine

__all__ = ["UnknownSchema", "migrate"]


class UnknownSchema(RuntimeError):
    """The database was written by a newer siaga; the message says so."""


def migrate(engine: Engine) -> None:
    """Apply the migrations that the database lacks, all in one transaction; none when it is up to date.

    Who comes second waits for who came first: on PostgreSQL by an advisory lock, on SQLite by its write lock.

    Raises:
        UnknownSchema: the database has a migration that this version does not know.
    """
    # Alembic takes a quarter of a second to load, and a process that only reads has no use for it
    from siaga.database.upgrade import upgrade  # noqa: PLC0415

    upgrade(engine)
