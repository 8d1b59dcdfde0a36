"""A district served from SQLite, and one from PostgreSQL for what is queried."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from siaga.database import connect
from tests.http.district import District
from tests.stores import empty_store


def _district(url: str, directory: Path) -> Iterator[District]:
    engine, store = connect(url), empty_store()
    yield District(engine, store)
    store.close()
    engine.dispose()


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    """A district in SQLite."""
    yield from _district(f"sqlite:///{tmp_path / 'siaga.db'}", tmp_path)


@pytest.fixture
def client(district: District) -> Iterator[httpx.Client]:
    """The API over it, for an admin."""
    with district.served() as client:
        yield client


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """An API that a whole file of tests only reads from, or is refused by."""
    directory = tmp_path_factory.mktemp("reader")
    district = contextmanager(_district)(f"sqlite:///{directory / 'siaga.db'}", directory)
    with district as found, found.served() as client:
        yield client


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[District]:
    """A district in each of the two databases."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'siaga.db'}"
    else:
        url = request.getfixturevalue("postgres").database_url()
    yield from _district(url, tmp_path)
