"""The two stores, each on its real engine; InfluxDB also behind a stand-in for version 3."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga.telemetry import TelemetryStore, open_store
from tests.servers import Influxd
from tests.telemetry.influx3 import Influx3


@pytest.fixture
def influx3(influxd: Influxd) -> Iterator[Influx3]:
    """A stand-in for InfluxDB 3 Core."""
    with Influx3(influxd.url) as server:
        yield server


@pytest.fixture(params=["duckdb", "influxdb", "influxdb 3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path}/telemetry.duckdb"
    if request.param == "influxdb 3":
        core: Influx3 = request.getfixturevalue("influx3")
        return core.store_url(f"t{uuid.uuid4().hex[:12]}")
    url: str = request.getfixturevalue("influxd").store_url()
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[TelemetryStore]:
    """An empty store."""
    store = open_store(store_url)
    yield store
    store.close()
