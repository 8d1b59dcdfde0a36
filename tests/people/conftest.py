"""A district, and its pages for nobody."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from siaga.database import connect
from tests.http.district import District
from tests.stores import empty_store


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    """A district in SQLite."""
    engine, store = connect(f"sqlite:///{tmp_path / 'siaga.db'}"), empty_store()
    yield District(engine, store)
    store.close()
    engine.dispose()


@pytest.fixture
def client(district: District) -> Iterator[httpx.Client]:
    """The pages and the API for nobody."""
    with district.served(None) as client:
        yield client
