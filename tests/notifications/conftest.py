"""The tests of notifications run on both databases, against a provider on the loopback interface."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from siaga.database import connect
from tests.notifications.desk import Desk
from tests.notifications.webhook import Webhook
from tests.schema import with_tables


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'siaga.db'}"
    url: str = request.getfixturevalue("postgres").database_url()
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    with_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server


@pytest.fixture
def desk(engine: Engine, hook: Webhook) -> Desk:
    return Desk(engine, hook)
