"""The two stores, each on its real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga.telemetry import TelemetryStore, open_store


@pytest.fixture(params=["duckdb", "influxdb"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path}/telemetry.duckdb"
    url: str = request.getfixturevalue("influxd").store_url()
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[TelemetryStore]:
    """An empty store."""
    store = open_store(store_url)
    yield store
    store.close()
