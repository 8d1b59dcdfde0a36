"""Fixtures that several areas share: the real servers. How hypothesis searches."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.servers import Influxd, Mosquitto, Postgres

# The same code gets the same verdict; HYPOTHESIS_PROFILE=explore searches where nobody has looked yet.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


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
