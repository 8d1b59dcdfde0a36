"""The one way to insert rows, or to replace those that are there, in SQLite and in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

__all__ = ["insert", "upsert"]

_ROWS = 500
"""Rows a statement: SQLite takes 32,766 bound values."""


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], keys: Iterable[str]) -> None:
    """Insert rows, or replace the columns of those that are there; all rows have the same columns."""
    if not rows:
        return
    statement = _upsertion(connection.dialect.name, table, tuple(rows[0]), tuple(keys))
    for start in range(0, len(rows), _ROWS):
        connection.execute(statement, [dict(row) for row in rows[start : start + _ROWS]])


@cache
def _upsertion(
    dialect: str, table: Table, columns: tuple[str, ...], keys: tuple[str, ...]
) -> SqliteInsert | PostgresInsert:
    """The statement, made once: that takes as long as to execute it."""
    statement = _insertion(dialect, table)
    others = [name for name in columns if name not in keys]
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in others}
    )


def insert(connection: Connection, table: Table) -> SqliteInsert | PostgresInsert:
    """An insertion that can say what to do on a conflict, in the connection's dialect."""
    return _insertion(connection.dialect.name, table)


def _insertion(dialect: str, table: Table) -> SqliteInsert | PostgresInsert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
