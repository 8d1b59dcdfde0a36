"""Opening the database: one engine, and one way to write in it, for SQLite and PostgreSQL.

A change is made with `writing(engine)`. SQLite lets many read while one writes, but a transaction that first reads
and then writes is refused at once when another wrote in between, however long it was willing to wait; so `writing`
takes the write lock when it begins, and then only ever waits.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["BadDatabaseUrl", "connect", "take_turns", "writing"]

BUSY_TIMEOUT = 15_000
"""How long a writer waits for another writer, ms: longer than the longest transaction, the import of a country."""
_BEGIN = "siaga_sqlite_begin"


class BadDatabaseUrl(ValueError):
    """A database URL that names no database siaga can use; the message is a sentence without the password."""


def connect(url: str) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (in memory, for tests) or `postgresql://user:password@host/name`.

    Nothing is opened yet, except that the directory of a SQLite file is made. Tables come from `migrate`.

    Raises:
        BadDatabaseUrl: the URL is none of these.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl("the database URL is not of the form sqlite:///path or postgresql://host/name") from None
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            return _sqlite(parsed)
        case "postgresql" | "postgres":
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                json_serializer=_to_json,
                json_deserializer=_from_json,
                pool_pre_ping=True,
                pool_size=10,
                max_overflow=20,
                connect_args={"connect_timeout": 10},
            )
        case other:
            raise BadDatabaseUrl(f"a database of type {other!r} is not supported: use sqlite or postgresql")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed at the end, rolled back on an exception."""
    with engine.connect().execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}) as connection, connection.begin():
        yield connection


def take_turns(connection: Connection, what: str) -> None:
    """From here to the end of the transaction only one at a time does `what`; others who ask wait for their turn.

    SQLite has one writer at a time anyway. On PostgreSQL two that change many rows in different orders would otherwise
    come to wait for each other, and one of them would fail.
    """
    if connection.dialect.name == "postgresql":
        # A lock of PostgreSQL's is a number: the first eight bytes of the name do
        number = int.from_bytes(what.encode()[:8].ljust(8), signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _sqlite(url: URL) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    engine = create_engine(
        url,
        json_serializer=_to_json,
        json_deserializer=_from_json,
        # Every thread that answers a request may read at once
        **({} if in_memory else {"pool_size": 20, "max_overflow": 40}),
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        """Make the new connection durable, patient and strict, and leave transactions to SQLAlchemy."""
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - the only driver that this engine can have
        connection.isolation_level = None  # the driver begins nothing by itself; `begin` below does
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")  # first: the next line may have to wait
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what is committed survives a power cut
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

    return engine


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()


def _from_json(stored: str | bytes | float) -> object:
    # SQLite keeps a document that is only a number as a number
    return orjson.loads(stored) if isinstance(stored, str | bytes) else stored
