"""Databases with their tables. The migrations take longer than most tests, so SQLite gets a copy of a migrated file."""

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from siaga.database import connect, migrate

__all__ = ["migrated", "with_tables"]


@cache
def migrated() -> bytes:
    """Returns a database file with its tables and nothing in them."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.db"
        engine = connect(f"sqlite:///{path}")
        migrate(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return path.read_bytes()


def with_tables(engine: Engine) -> Engine:
    """Give a new database its tables. Returns its engine."""
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and not Path(file).exists():
        Path(file).write_bytes(migrated())
    else:
        migrate(engine)
    return engine
