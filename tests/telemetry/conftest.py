"""The two stores, each on its real engine; InfluxDB also behind a stand-in for version 3."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from siaga.telemetry import TelemetryStore, open_store
from tests.servers import Influxd
from tests.telemetry.gemini import Gemini, ShownStore
from tests.telemetry.influx3 import Influx3


@pytest.fixture
def influx3(influxd: Influxd) -> Iterator[Influx3]:
    """A stand-in for InfluxDB 3 Core."""
    with Influx3(influxd.url) as server:
        yield server


@pytest.fixture
def gemini(influxd: Influxd) -> Iterator[Gemini]:
    """A stand-in for openGemini."""
    with Gemini(influxd.url) as server:
        yield server


@pytest.fixture(params=["duckdb", "influxdb", "influxdb 3", "openGemini"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path}/telemetry.duckdb"
    if request.param == "influxdb 3":
        core: Influx3 = request.getfixturevalue("influx3")
        return core.store_url(f"t{uuid.uuid4().hex[:12]}")
    if request.param == "openGemini":
        late: Gemini = request.getfixturevalue("gemini")
        return late.store_url(f"t{uuid.uuid4().hex[:12]}")
    url: str = request.getfixturevalue("influxd").store_url()
    return url


@pytest.fixture
def opened(request: pytest.FixtureRequest, store_url: str) -> Callable[[], TelemetryStore]:
    """Opens the store. Of one that shows late what it stored, a write waits until that is shown."""
    late = request.node.callspec.params["store_url"] == "openGemini"
    server: Gemini | None = request.getfixturevalue("gemini") if late else None

    def opened() -> TelemetryStore:
        store = open_store(store_url)
        return store if server is None else ShownStore(store, server)  # type: ignore[return-value] # it hands all on

    return opened


@pytest.fixture
def store(opened: Callable[[], TelemetryStore]) -> Iterator[TelemetryStore]:
    """An empty store."""
    store = opened()
    yield store
    store.close()
