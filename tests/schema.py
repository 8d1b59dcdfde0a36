"""Databases with their tables. The migrations take longer than most tests, so each test gets a copy of a migrated one:
SQLite a copy of the file, PostgreSQL a database made from a template.
"""

import tempfile
import uuid
from functools import cache
from pathlib import Path

from sqlalchemy import URL, Engine, inspect, make_url

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
    if engine.dialect.name == "postgresql":
        _copy_template(engine)
    elif file and not Path(file).exists():
        Path(file).write_bytes(migrated())
    else:
        migrate(engine)
    return engine


def _copy_template(engine: Engine) -> None:
    """Replace an empty database by a copy of the template. One that has tables is migrated as usual."""
    probe = connect(engine.url.render_as_string(hide_password=False))
    is_empty = not inspect(probe).get_table_names()
    probe.dispose()
    if not is_empty:
        migrate(engine)
        return
    server, name = engine.url.set(database="postgres"), engine.url.database
    template = _template(server.render_as_string(hide_password=False))
    _run(server, f"DROP DATABASE {name}", f"CREATE DATABASE {name} TEMPLATE {template}")


@cache
def _template(server: str) -> str:
    """Returns the name of a migrated database of a server, which nobody is connected to."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _run(make_url(server), f"CREATE DATABASE {name}")
    engine = connect(make_url(server).set(database=name).render_as_string(hide_password=False))
    migrate(engine)
    engine.dispose()
    return name


def _run(server: URL, *statements: str) -> None:
    """Run what PostgreSQL does outside of transactions alone."""
    engine = connect(server.render_as_string(hide_password=False))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
