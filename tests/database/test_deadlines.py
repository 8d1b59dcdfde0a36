"""A PostgreSQL that hangs, or a statement that takes too long, blocks no caller for ever."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from siaga.database import connect, is_read_only, migrate, without_deadline, writing
from siaga.database.registry import Registry
from tests.schema import with_tables
from tests.servers import Postgres
from tests.wait import until


@pytest.fixture
def hasty(postgres: Postgres) -> Iterator[Engine]:
    """An engine with timeouts of a third of a second."""
    engine = connect(postgres.database_url(), answer_within=0.3)
    with_tables(engine)
    yield engine
    engine.dispose()


def test_a_server_that_hangs_is_given_up_and_used_again_once_it_goes_on(postgres: Postgres, hasty: Engine) -> None:
    registry = Registry(hasty)
    with hasty.connect() as held:
        assert held.execute(text("SELECT 1")).scalar() == 1
        postgres.freeze()
        try:
            with pytest.raises(OperationalError, match="the server gave no answer within"):
                held.execute(text("SELECT 1"))
            with pytest.raises(OperationalError):  # a connection out of the pool, or a new one
                registry.version()
        finally:
            postgres.thaw()
    assert registry.version() == 0


def test_a_change_is_given_up_too(postgres: Postgres, hasty: Engine) -> None:
    with hasty.connect() as connection:
        connection.execute(text("CREATE TABLE twice (n integer)"))
        postgres.freeze()
        try:
            with pytest.raises(OperationalError, match="the server gave no answer within"):
                connection.commit()
        finally:
            postgres.thaw()
    with hasty.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_a_statement_that_takes_too_long_is_cancelled_by_the_server(hasty: Engine) -> None:
    with pytest.raises(OperationalError, match="statement timeout"), hasty.connect() as connection:
        connection.execute(text("SELECT pg_sleep(60)"))
    with hasty.connect() as connection:
        query = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active'")
        assert connection.execute(query.bindparams()).scalar() == 1  # this one alone


def test_what_goes_over_whole_tables_takes_its_time_and_the_next_has_a_deadline_again(hasty: Engine) -> None:
    with writing(hasty) as connection:
        without_deadline(connection)
        connection.execute(text("SELECT pg_sleep(1.5)"))
    with pytest.raises(OperationalError, match="statement timeout"), writing(hasty) as connection:
        connection.execute(text("SELECT pg_sleep(60)"))


def test_who_waits_at_the_end_of_an_engine_is_told_at_once(postgres: Postgres) -> None:
    engine = connect(postgres.database_url())  # with its long deadline
    migrate(engine)
    held = [engine.connect() for _ in range(3)]
    failed: list[str] = []

    def ask(connection: Connection) -> None:
        try:
            connection.execute(text("SELECT 1"))
        except OperationalError as failure:
            failed.append(str(failure.orig))

    postgres.freeze()
    try:
        callers = [threading.Thread(target=ask, args=(connection,), daemon=True) for connection in held]
        for caller in callers:
            caller.start()
        engine.dispose()
        until(lambda: not any(caller.is_alive() for caller in callers))
        with pytest.raises(OperationalError, match="the engine was disposed of"):
            Registry(engine).version()
    finally:
        postgres.thaw()
    assert len(failed) == 3


def test_a_server_that_became_a_standby_is_left_for_the_one_that_takes_changes(postgres: Postgres) -> None:
    url = postgres.database_url()
    with closing(connect(url)) as admin, closing(connect(url)) as engine:
        migrate(admin)
        take_changes(admin, "off")
        with engine.connect(), engine.connect():
            pass  # two connections in the pool, both to what is a standby
        assert is_read_only(engine)
        take_changes(admin, "on")  # for connections from now on
        with pytest.raises(DBAPIError, match="read-only transaction"):
            change(engine)
        change(engine)
        assert not is_read_only(engine)


def take_changes(admin: Engine, word: str) -> None:
    """Set what new connections to the database find: `on` accepts changes, with `off` it acts as a standby."""
    with admin.connect() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        value = {"on": "off", "off": "on"}[word]
        connection.execute(text(f"ALTER DATABASE {admin.url.database} SET default_transaction_read_only = {value}"))
        connection.commit()


def change(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS twice (n integer)"))
        connection.execute(text("INSERT INTO twice VALUES (1)"))


@contextmanager
def closing(engine: Engine) -> Iterator[Engine]:
    yield engine
    engine.dispose()
