"""A PostgreSQL that hangs, or is asked for what takes too long, holds nobody up for ever."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from siaga.database import connect, migrate, without_deadline, writing
from siaga.database.registry import Registry
from tests.servers import Postgres


@pytest.fixture
def hasty(postgres: Postgres) -> Iterator[Engine]:
    """An engine that waits for a third of a second."""
    engine = connect(postgres.database_url(), answer_within=0.3)
    migrate(engine)
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
