"""All rows of a database as text, and back: for backups, and for the move from SQLite to PostgreSQL.

A row is a JSON array of its columns' values, in the order of the table. Dates are ISO 8601, bytes are Base64. The dump
says by which migration the tables were made, so that an older dump can be loaded: the tables are made as they were,
and migrated afterwards. Secrets that are deleted after a day are left out.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import orjson
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, Column, Connection, Date, Engine, LargeBinary, MetaData, Table, inspect, select, text

from siaga.database.engine import without_deadline, writing
from siaga.database.tables import metadata
from siaga.database.tables.base import NOT_DUMPED
from siaga.database.upgrade import upgrade

__all__ = ["BadDump", "Dump", "TableDump", "dumped", "has_tables", "load"]

ROWS_AT_ONCE = 500
BLOBS_AT_ONCE = 4
"""Rows fetched at once from a table with files in it: a report's PDF has some megabytes."""
BYTES_AT_ONCE = 8 << 20
"""Text of the rows that are inserted with one call."""
VERSION_TABLE = "alembic_version"


class BadDump(ValueError):
    """A dump cannot be loaded. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class TableDump:
    """A table: its columns' names, and its rows as lines of JSON. The rows can be read once."""

    name: str
    columns: Sequence[str]
    lines: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Dump:
    """A database at one moment. `revision`: the migration that made its tables."""

    revision: str
    tables: Iterable[TableDump]


@contextmanager
def dumped(engine: Engine) -> Iterator[Dump]:
    """Yields all rows as they were at one moment, while others go on to write.

    Raises:
        BadDump: the database has not been migrated to this version's schema.
        DBAPIError: it does not answer.
    """
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ") if _is_postgresql(plain) else plain
        with connection.begin():
            without_deadline(connection)
            revision = MigrationContext.configure(connection).get_current_revision()
            if revision is None or inspect(connection).has_table(VERSION_TABLE) is False:
                raise BadDump("the database has no tables of siaga: it was never started with it")
            absent = set(metadata.tables) - set(inspect(connection).get_table_names())
            if absent:
                raise BadDump(
                    f"the database has schema {revision}, an older one: start this version of siaga with it once first"
                )
            yield Dump(revision, (_table(connection, table) for table in metadata.sorted_tables))


def has_tables(engine: Engine) -> bool:
    """Returns whether the database holds any table.

    Raises:
        DBAPIError: it does not answer.
    """
    with engine.connect() as connection:
        return bool(inspect(connection).get_table_names())


def load(engine: Engine, dump: Dump) -> dict[str, int]:
    """Load a dump into a database without tables, and migrate it to this version. Returns the rows of each table.

    All rows are loaded in one transaction. After a failure, the tables may exist but are empty.

    Raises:
        BadDump: the database holds tables, or the dump does not fit its revision's tables.
        UnknownSchema: a newer siaga has made the dump.
        DBAPIError: the database does not answer.
    """
    if has_tables(engine):
        raise BadDump("the database holds tables already: a backup is restored into an empty one")
    upgrade(engine, dump.revision)
    counts: dict[str, int] = {}
    with writing(engine) as connection:
        without_deadline(connection)
        made = MetaData()
        made.reflect(connection)
        for table in reversed(made.sorted_tables):
            if table.name != VERSION_TABLE:
                connection.execute(table.delete())  # what a migration put there stands in the dump, too
        for each in dump.tables:
            if each.name not in made.tables:
                raise BadDump(f"schema {dump.revision} has no table {each.name!r}")
            counts[each.name] = _insert(connection, made.tables[each.name], each)
        if _is_postgresql(connection):
            _raise_sequences(connection, made)
    upgrade(engine)
    return counts


def _is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _table(connection: Connection, table: Table) -> TableDump:
    return TableDump(table.name, [column.name for column in table.columns], _lines(connection, table))


def _lines(connection: Connection, table: Table) -> Iterator[bytes]:
    if table.info == NOT_DUMPED:
        return
    has_files = any(isinstance(column.type, LargeBinary) for column in table.columns)
    writers = [_writer(column) for column in table.columns]
    keys = list(table.primary_key.columns)
    rows = connection.execution_options(yield_per=BLOBS_AT_ONCE if has_files else ROWS_AT_ONCE).execute(
        select(table).order_by(*keys)
    )
    for row in rows:
        yield orjson.dumps([write(value) for write, value in zip(writers, row, strict=True)])


def _writer(column: Column[object]) -> Callable[[object], object]:
    if isinstance(column.type, LargeBinary):
        return lambda value: base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else None
    if isinstance(column.type, Date):
        return lambda value: value.isoformat() if isinstance(value, date) else None
    return lambda value: value


def _reader(column: Column[object]) -> Callable[[object], object]:
    if isinstance(column.type, LargeBinary):
        return lambda value: None if value is None else base64.b64decode(str(value), validate=True)
    if isinstance(column.type, Date):
        return lambda value: None if value is None else date.fromisoformat(str(value))
    return lambda value: value


def _insert(connection: Connection, table: Table, dump: TableDump) -> int:
    """Insert all rows of a table. Returns how many."""
    unknown = set(dump.columns) - set(table.columns.keys())
    if unknown:
        raise BadDump(f"table {table.name!r} has no column {min(unknown)!r}")
    for column in table.columns:
        if isinstance(column.type, JSON):  # of a column that may be NULL, an absent document is NULL, not JSON's null
            column.type = type(column.type)(none_as_null=bool(column.nullable))
    readers = [(name, _reader(table.columns[name])) for name in dump.columns]
    count, size = 0, 0
    rows: list[dict[str, object]] = []
    for line in dump.lines:
        rows.append(_row(table.name, readers, line))
        count, size = count + 1, size + len(line)
        if len(rows) >= ROWS_AT_ONCE or size >= BYTES_AT_ONCE:
            connection.execute(table.insert(), rows)
            rows, size = [], 0
    if rows:
        connection.execute(table.insert(), rows)
    return count


def _row(table: str, readers: Sequence[tuple[str, Callable[[object], object]]], line: bytes) -> dict[str, object]:
    try:
        values = orjson.loads(line)
        if not isinstance(values, list) or len(values) != len(readers):
            raise ValueError("it is not a row of its columns")  # noqa: TRY301 - said once, below
        return {name: read(value) for (name, read), value in zip(readers, values, strict=True)}
    except ValueError as problem:
        raise BadDump(f"table {table!r}: a row cannot be read: {problem}") from None


def _raise_sequences(connection: Connection, made: MetaData) -> None:
    """Let each sequence of PostgreSQL go on after the largest number that was loaded."""
    for table in made.sorted_tables:
        for column in table.primary_key.columns:
            found: Mapping[str, object] = {"table": f'"{table.name}"', "column": column.name}
            sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), found).scalar()
            if sequence is not None:
                largest = connection.execute(select(column).order_by(column.desc()).limit(1)).scalar()
                if largest is not None:
                    connection.execute(
                        text("SELECT setval(CAST(:sequence AS regclass), :largest)"),
                        {"sequence": sequence, "largest": largest},
                    )
