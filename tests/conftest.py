"""Fixtures that several areas share: the real servers."""

from collections.abc import Iterator

import pytest

from tests.servers import Influxd, Mosquitto, Postgres


@pytest.fixture
def mosquitto() -> Iterator[Mosquitto]:
    """A fresh broker of this test alone."""
    with Mosquitto() as server:
        yield server


@pytest.fixture(scope="session")
def _influxd() -> Iterator[Influxd]:
    with Influxd() as server:
        yield server


@pytest.fixture
def influxd(_influxd: Influxd) -> Influxd:
    """The session's InfluxDB, running again whatever the test before did to it. A test takes databases of its own."""
    return _influxd.start()


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres(_postgres: Postgres) -> Postgres:
    """The session's PostgreSQL, running again whatever the test before did to it."""
    return _postgres.start()
