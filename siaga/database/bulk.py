"""Many rows at once, as bare values: what an engine writes with each commit.

SQLAlchemy prepares each row in Python, which takes several times as long as the database needs for it. Here rows are
tuples, which go to the driver as they are. So only columns of text, whole numbers and bytes can be written this way.
"""

from collections.abc import Collection, Sequence
from functools import cache

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, Table, Text

__all__ = ["insert_new", "replace_rows"]

_PLAIN = (BigInteger, Integer, LargeBinary, Text)


def replace_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Collection[Sequence[object]]
) -> None:
    """Insert rows, or replace those that are there. Values are in the order of `columns`."""
    if rows:
        statement = _statement(connection.dialect.name, table, columns, replaces=True)
        connection.exec_driver_sql(statement, list(map(tuple, rows)))


def insert_new(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Collection[Sequence[object]]
) -> None:
    """Insert rows that are not there yet. Values are in the order of `columns`."""
    if rows:
        statement = _statement(connection.dialect.name, table, columns, replaces=False)
        connection.exec_driver_sql(statement, list(map(tuple, rows)))


@cache
def _statement(dialect: str, table: Table, wanted: tuple[str, ...], *, replaces: bool) -> str:
    columns = [table.columns[name] for name in wanted]
    if not all(isinstance(column.type, _PLAIN) for column in columns):
        raise TypeError(f"{table.name} has columns whose values have to be converted")
    names = [f'"{column.name}"' for column in columns]
    keys = [f'"{column.name}"' for column in table.primary_key.columns]
    place = "%s" if dialect == "postgresql" else "?"
    others = [name for name in names if name not in keys]
    action = "UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in others) if replaces else "NOTHING"
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join([place] * len(names))}) "  # noqa: S608 - names of our own tables
        f"ON CONFLICT ({', '.join(keys)}) DO {action}"
    )
