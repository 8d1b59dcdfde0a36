"""Opens the database, SQLite or PostgreSQL: one engine, and one way to write.

Write with `writing(engine)`. SQLite allows many readers and one writer. A transaction that first reads and then writes
fails at once if another one wrote in between, whatever its busy timeout. So `writing` takes the write lock at its
start, and then only has to wait.

Every statement to PostgreSQL has a deadline. The server cancels a slow statement (`statement_timeout`). A server that
hangs cannot, so the client gives up a moment later, closes the connection, and raises the same error as for a server
that is down. TCP keep-alives detect a machine that is gone.

`dispose` ends an engine: statements that wait for PostgreSQL fail at once, so that no thread keeps the process alive. A
server that refuses writes has become a standby. Its connections are dropped, and new ones go to where the address leads
now.
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
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["REFUSALS", "BadDatabaseUrl", "connect", "is_read_only", "take_turns", "without_deadline", "writing"]

BUSY_TIMEOUT = 15_000
"""How long a writer waits for another, ms: longer than the longest transaction, the import of a country."""
ANSWER_WITHIN = 30.0
"""Timeout of one statement to PostgreSQL, in seconds, including the wait for locks."""
CONNECT_WITHIN = 3
"""Timeout of a connection attempt, in seconds."""
POOL_WITHIN = 5.0
"""Timeout for a free connection of the pool, in seconds. If the server hangs, all may be in use."""
_MARGIN = 1.0
"""Seconds after the server's timeout at which the client gives up, too."""
_TCP = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""With these options of libpq, a lost peer is detected within 25 s on an idle connection, within 15 s on a busy one."""
_READ_ONLY = "25006"
"""PostgreSQL's error code for a write to a read-only server (read_only_sql_transaction)."""
_ENDED = "the engine was disposed of"
_BEGIN = "siaga_sqlite_begin"
REFUSALS = (DataError, IntegrityError, ProgrammingError)
"""Errors by which a database that answers refuses a statement: it is in vain to try the same again."""


class BadDatabaseUrl(ValueError):
    """A database URL is not valid. The message is a sentence without the password."""


def connect(url: str, answer_within: float = ANSWER_WITHIN) -> Engine:
    """Returns an engine for `sqlite:///path`, `sqlite://` (in memory, for tests) or `postgresql://user:password@host/name`.

    It only creates the directory of a SQLite file, and connects later. `migrate` creates the tables.

    Args:
        answer_within: timeout of a statement to PostgreSQL, in seconds. After it, SQLAlchemy's `OperationalError` is
            raised.

    Raises:
        BadDatabaseUrl: the URL has none of these forms.
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
    """Run a write transaction: it commits at the end, and rolls back on an exception."""
    with engine.connect().execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}) as connection, connection.begin():
        yield connection


def take_turns(connection: Connection, what: str) -> None:
    """Wait until no other transaction does `what`, and keep others waiting until the end of this one.

    SQLite has only one writer anyway. On PostgreSQL, two transactions that change many rows in different orders would
    deadlock, and one of them would fail.
    """
    if connection.dialect.name == "postgresql":
        # A PostgreSQL advisory lock is a number: the first eight bytes of the name.
        number = int.from_bytes(what.encode()[:8].ljust(8), signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def is_read_only(engine: Engine) -> bool:
    """Returns whether the database answers but refuses writes, like a PostgreSQL that has become a standby.

    Raises:
        DBAPIError: it does not answer.
    """
    if engine.dialect.name != "postgresql":
        return False
    with engine.connect() as connection:
        read_only = bool(connection.execute(text("SHOW transaction_read_only")).scalar() == "on")
        if read_only:
            connection.invalidate()  # a new connection may lead to the server that takes writes
        return read_only


def without_deadline(connection: Connection) -> None:
    """Remove the timeout from the statements of this transaction, for work on whole tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        driver = connection.connection.driver_connection
        assert isinstance(driver, _Connection)  # noqa: S101 - `connect` makes no other
        driver.unlimited = True


class _Connection(psycopg.Connection[tuple[object, ...]]):
    """A connection with a timeout per statement. `unlimited`: there is none until the end of the transaction."""

    answer_within = ANSWER_WITHIN
    unlimited = False
    waiting: "_Waiting | None" = None
    """Where it is registered while it waits for an answer; `None` until the engine has it."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer, and return it.

        Raises:
            OperationalError: it timed out, or the engine was disposed of. The connection is closed.
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
            self.pgconn.finish()  # the server's state is unknown, so this connection cannot be used again
            raise psycopg.OperationalError(f"the server gave no answer within {within:g} s") from None


class _Waiting:
    """The connections of one engine that are waiting for an answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self.ended = False

    @contextmanager
    def holding(self, connection: _Connection) -> Iterator[None]:
        """Register a connection while it waits.

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
        """Shut down all waiting connections, so that their statements fail at once, and refuse new waits."""
        with self._lock:
            self.ended = True
            for connection in self._connections:
                # it may be closed meanwhile, by its thread or by the server
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
        hide_parameters=True,  # errors go into logs, and the values may be hashes of passwords
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        pool_timeout=POOL_WITHIN,
        connect_args={"connect_timeout": CONNECT_WITHIN, **_TCP},
    )

    @event.listens_for(engine, "do_connect")
    def open_connection(_: object, __: object, args: tuple[str, ...], options: dict[str, object]) -> _Connection:
        """Open a connection with a timeout on both sides."""
        if waiting.ended:
            raise psycopg.OperationalError(_ENDED)
        connection = _Connection.connect(*args, **options)  # type: ignore[arg-type] # libpq's options
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
        hide_parameters=True,
        # every thread that answers a request may read at the same time
        **({} if in_memory else {"pool_size": 20, "max_overflow": 40}),
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        """Set up a new connection: durable commits, a busy timeout, foreign keys, and transactions by SQLAlchemy."""
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - the only driver that this engine can have
        connection.isolation_level = None  # the driver must not begin transactions; `begin` below does
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")  # first, because the next line may have to wait
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
    # SQLite returns a document that is a single number as a number
    return orjson.loads(stored) if isinstance(stored, str | bytes) else stored
