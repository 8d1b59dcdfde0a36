"""A dump holds every row of every table, on both engines and from one to the other."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Engine,
    LargeBinary,
    Table,
    Text,
    func,
    insert,
    null,
    select,
)

from siaga.database import UnknownSchema, connect, writing
from siaga.database.dump import BadDump, Dump, TableDump, dumped, load
from siaga.database.tables import alert_event, metadata
from tests.schema import with_tables

ROWS = 3


def value(column: Column[object], row: int) -> object:
    """Returns a value of a column's type that no other row has. The last row has NULL wherever it may."""
    if column.nullable and row == ROWS - 1:
        return null()
    match column.type:
        case JSON():
            found: object = {"nama": f"{column.name} {row} é", "daftar": [1, 2.5, None, True]}
        case LargeBinary():
            found = bytes(range(256)) * (row + 1)
        case Date():
            found = date(2026, 2, 26 + row)
        case Boolean():
            found = row % 2 == 0
        case Text():
            found = f"{column.name} {row} \U0001f6b0 '\";--\n"
        case _:
            found = 2**40 + row if isinstance(column.type, BigInteger) and not column.primary_key else row + 1
    return found


def fill(engine: Engine) -> None:
    """Put rows into every table that there is, so that a new one is tested as it comes."""
    with writing(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            for row in range(ROWS):
                connection.execute(insert(table).values(row_of(table, row)))


def row_of(table: Table, row: int) -> dict[str, object]:
    return {column.name: value(_meant(column), row) for column in table.columns}


def _meant(column: Column[object]) -> Column[object]:
    """Returns the column that a foreign key leads to in the end; without one, the column itself."""
    return next((_meant(key.column) for key in column.foreign_keys), column)


def lines_of(engine: Engine) -> dict[str, list[bytes]]:
    with dumped(engine) as dump:
        return {table.name: list(table.lines) for table in dump.tables}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Engine]:
    """An empty SQLite file beside the database."""
    engine = connect(f"sqlite:///{tmp_path / 'other.db'}")
    yield engine
    engine.dispose()


def test_every_row_of_every_table_comes_back_from_either_engine(engine: Engine, other: Engine) -> None:
    fill(engine)
    before = lines_of(engine)
    expected = dict.fromkeys(metadata.tables, ROWS) | {"complaint_day": 0}  # a backup would keep its secrets for years
    assert {name: len(lines) for name, lines in before.items()} == expected
    with dumped(engine) as dump:
        assert load(other, dump) == expected
    assert lines_of(other) == before


def test_a_sqlite_database_moves_to_either_engine(empty: Engine, other: Engine) -> None:
    fill(with_tables(other))
    with dumped(other) as dump:
        load(empty, dump)
    assert lines_of(empty) == lines_of(other)


def test_numbers_go_on_after_the_last_one(empty: Engine, other: Engine) -> None:
    fill(with_tables(other))
    with dumped(other) as dump:
        load(empty, dump)
    with writing(empty) as connection:
        last = connection.execute(select(func.max(alert_event.c.id))).scalar_one()
        kept = connection.execute(select(alert_event).limit(1)).mappings().one()
        made = connection.execute(insert(alert_event), {key: kept[key] for key in kept if key != "id"})
        assert made.inserted_primary_key is not None
        assert made.inserted_primary_key[0] == last + 1


def test_an_absent_document_stays_null_and_is_not_json_s_null(engine: Engine, other: Engine) -> None:
    fill(engine)
    nullable = [
        (table, column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, JSON) and column.nullable
    ]
    assert nullable
    with dumped(engine) as dump:
        load(other, dump)
    with other.connect() as connection:
        for table, column in nullable:
            assert connection.execute(select(func.count()).select_from(table).where(column.is_(None))).scalar() == 1


def test_rows_are_of_one_moment_though_others_write(engine: Engine) -> None:
    fill(engine)
    with dumped(engine) as dump:
        tables = iter(dump.tables)
        first = next(tables)
        assert len(list(first.lines)) == ROWS
        with writing(engine) as connection:
            connection.execute(insert(metadata.tables["engine_state"]), [{"key": "baru", "value": 1}])
        rest = {table.name: len(list(table.lines)) for table in tables}
    assert rest["engine_state"] == ROWS


def test_a_database_with_tables_is_left_alone(engine: Engine) -> None:
    fill(engine)
    before = lines_of(engine)
    with dumped(engine) as dump, pytest.raises(BadDump, match="holds tables already"):
        load(engine, dump)
    assert lines_of(engine) == before


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (TableDump("kucing", ("id",), [b"[1]"]), "has no table 'kucing'"),
        (TableDump("region", ("kucing",), [b"[1]"]), "table 'region' has no column 'kucing'"),
        (TableDump("region", ("code", "name"), [b'["35"]']), "table 'region': a row cannot be read"),
        (TableDump("region", ("code", "name"), [b"["]), "table 'region': a row cannot be read"),
        (TableDump("report_file", ("content",), [b'["@"]']), "table 'report_file': a row cannot be read"),
    ],
    ids=["table", "column", "short", "not JSON", "not Base64"],
)
def test_what_does_not_fit_is_one_sentence_and_loads_nothing(empty: Engine, table: TableDump, sentence: str) -> None:
    dump = Dump(head(), [TableDump("region", ("code", "name"), [b'["35", "Jatim"]']), table])
    with pytest.raises(BadDump, match=sentence):
        load(empty, dump)
    with empty.connect() as connection:
        assert connection.execute(select(func.count()).select_from(metadata.tables["region"])).scalar() == 0


def test_a_dump_of_a_newer_siaga_is_refused(empty: Engine) -> None:
    with pytest.raises(UnknownSchema, match="9999"):
        load(empty, Dump("9999", []))


def head() -> str:
    """Returns this version's revision."""
    engine = with_tables(connect("sqlite://"))
    with dumped(engine) as dump:
        return dump.revision
