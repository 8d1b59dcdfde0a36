"""Opening the database: one engine, and one way to write in it, for SQLite and PostgreSQL.

A change is made with `writing(engine)`. SQLite lets many read while one writes, but a transaction that first reads
and then writes is refused at once when another wrote in between, however long it was willing to wait; so `writing`
takes the write lock when it begins, and then only ever waits.

Every statement to a PostgreSQL has a deadline. The server cancels one that takes too long (`statement_timeout`). A
server that hangs cannot do that, so the client gives up a moment later, closes the connection and raises what a server
that is away raises. A machine that is gone without a word is found by TCP.

`dispose` of an engine is its end: statements that still wait for a PostgreSQL fail at once, so that no thread keeps the
process. A server that takes no changes any more has become a standby: its connections are left, and the next ones go to
where the address leads now.
"""

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["BadDatabaseUrl", "connect", "is_read_only", "take_turns", "without_deadline", "writing"]

BUSY_TIMEOUT = 15_000
"""How long a writer waits for another writer, ms: longer than the longest transaction, the import of a country."""
ANSWER_WITHIN = 30.0
"""Seconds that a PostgreSQL has for one statement, waiting for the locks of others included."""
CONNECT_WITHIN = 3
"""Seconds for a connection to be made."""
POOL_WITHIN = 5.0
"""Seconds until a connection of the pool is free: with a server that hangs all of them may be in use."""
_MARGIN = 1.0
"""Seconds after which the client gives up a statement that the server should have cancelled by then."""
_TCP = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""By these (libpq) a peer that is gone is found within 25 s on an idle connection, within 15 s (ms) on a busy one."""
_READ_ONLY = "25006"
"""PostgreSQL's code for a change in a server that takes none (read_only_sql_transaction)."""
_ENDED = "the engine was disposed of"
_BEGIN = "siaga_sqlite_begin"


class BadDatabaseUrl(ValueError):
    """A database URL that names no database siaga can use; the message is a sentence without the password."""


def connect(url: str, answer_within: float = ANSWER_WITHIN) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (in memory, for tests) or `postgresql://user:password@host/name`.

    Nothing is opened yet, except that the directory of a SQLite file is made. Tables come from `migrate`. A PostgreSQL
    has `answer_within` seconds for each statement; after that it raises SQLAlchemy's `OperationalError`.

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
            return _postgresql(parsed, answer_within)
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


def is_read_only(engine: Engine) -> bool:
    """Returns whether the database answers and takes no changes, as a PostgreSQL does that has become a standby.

    Raises:
        DBAPIError: it does not answer.
    """
    if engine.dialect.name != "postgresql":
        return False
    with engine.connect() as connection:
        read_only = bool(connection.execute(text("SHOW transaction_read_only")).scalar() == "on")
        if read_only:
            connection.invalidate()  # the next one may lead to the server that takes changes
        return read_only


def without_deadline(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need: for what goes over whole tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        driver = connection.connection.driver_connection
        assert isinstance(driver, _Connection)  # noqa: S101 - `connect` makes no other
        driver.unlimited = True


class _Connection(psycopg.Connection[tuple[object, ...]]):
    """A connection whose server has to answer in time. `unlimited`: until the end of the transaction it need not."""

    answer_within = ANSWER_WITHIN
    unlimited = False
    waiting: "_Waiting | None" = None
    """Where it is while it waits for an answer; `None` until it is its engine's."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer.

        Raises:
            OperationalError: none came in time, or the engine was disposed of; the connection is closed.
        """
        if self.waiting is None:
            return self._wait(gen, interval, timeout)
        with self.waiting.holding(self):
            return self._wait(gen, interval, timeout)

    def _wait(self, gen: PQGen[RV], interval: float, timeout: float | None) -> RV:
        if timeout is not None or self.unlimited:
            return super().wait(gen, interval, timeout)
        within = self.answer_within + _MARGIN
        began = time.monotonic()
        try:
            return super().wait(gen, interval, within)
        except psycopg.OperationalError:
            if time.monotonic() - began < within:
                raise
            self.pgconn.finish()  # nobody knows what the server is about: this connection is of no use any more
            raise psycopg.OperationalError(f"the server gave no answer within {within:g} s") from None


class _Waiting:
    """The connections of one engine that wait for an answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self.ended = False

    @contextmanager
    def holding(self, connection: _Connection) -> Iterator[None]:
        """Hold a connection while it waits.

        Raises:
            OperationalError: the engine has ended.
        """
        with self._lock:
            if self.ended:
                raise psycopg.OperationalError(_ENDED)
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)

    def end(self) -> None:
        """Cut all off: who waits is told at once that the connection is closed, and nobody waits any more."""
        with self._lock:
            self.ended = True
            for connection in self._connections:
                # closed meanwhile, by its thread or by the server
                with (
                    suppress(psycopg.OperationalError, OSError),
                    socket.socket(fileno=os.dup(connection.fileno())) as line,
                ):
                    line.shutdown(socket.SHUT_RDWR)


def _postgresql(url: URL, answer_within: float) -> Engine:
    waiting = _Waiting()
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        json_serializer=_to_json,
        json_deserializer=_from_json,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=POOL_WITHIN,
        connect_args={"connect_timeout": CONNECT_WITHIN, **_TCP},
    )

    @event.listens_for(engine, "do_connect")
    def open_connection(_: object, __: object, args: tuple[str, ...], options: dict[str, object]) -> _Connection:
        """Make a connection that has a deadline on both sides."""
        if waiting.ended:
            raise psycopg.OperationalError(_ENDED)
        connection = _Connection.connect(*args, **options)  # type: ignore[arg-type] # libpq's words and numbers
        connection.answer_within = answer_within
        connection.execute(f"SET statement_timeout = {round(answer_within * 1000)}")
        connection.commit()
        connection.waiting = waiting
        return connection

    @event.listens_for(engine, "checkin")
    def limit_again(connection: object, _: ConnectionPoolEntry) -> None:
        if isinstance(connection, _Connection):
            connection.unlimited = False

    @event.listens_for(engine, "handle_error")
    def leave_standby(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True

    @event.listens_for(engine, "engine_disposed")
    def end(_: Engine) -> None:
        waiting.end()

    return engine


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
