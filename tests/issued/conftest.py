"""A desk over SQLite, and one over both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from siaga.database import connect
from tests.issued.desk import Desk


def _engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{tmp_path / 'siaga.db'}"


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """A desk over a SQLite file."""
    for engine in _engine(database_url):
        yield Desk(engine)


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk over each of the two databases."""
    sqlite = f"sqlite:///{tmp_path / 'siaga.db'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres").database_url()
    for engine in _engine(url):
        yield Desk(engine)
