"""Which villages the collector knows while the database fails and recovers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from collector.registry_cache import RegistryCache
from siaga.database import connect
from siaga.database.follower import BACK_OFF, MIN_GAP, POLL
from siaga.database.registry import Registry
from siaga.model.clock import ManualClock
from siaga.model.sites import Adapter, Device, Facility, Village
from tests.schema import with_tables

CLIFF, SHORE = "35.10.15.2012", "35.10.15.2013"
NOW = 1_732_000_000_000


def village(code: str, *devices: str) -> Village:
    gate = Facility("gerbang", "gate", "Gerbang", tuple(Device(each, Adapter.SENML, 60_000) for each in devices))
    return Village(code, "Tebing", -8.2, 114.3, "Asia/Jakarta", (gate,))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path}/siaga.db")
    with_tables(engine)
    yield engine
    engine.dispose()


def test_an_import_counts_from_the_next_look(engine: Engine) -> None:
    registry, clock = Registry(engine), ManualClock(NOW)
    known = RegistryCache(registry, clock)
    assert not known.loaded
    known.poll()
    assert known.loaded
    assert known.devices(CLIFF) is None

    registry.replace([village(CLIFF, "gerbang-1")], NOW)
    clock.advance(MIN_GAP)
    assert known.refresh()
    assert known.devices(CLIFF) == {"gerbang-1"}
    assert known.devices(SHORE) is None

    registry.replace([village(CLIFF, "gerbang-2")], NOW)
    known.poll()
    assert known.devices(CLIFF) == {"gerbang-1"}, "looked at a moment ago"
    clock.advance(POLL)
    known.poll()
    assert known.devices(CLIFF) == {"gerbang-2"}


def test_unknown_names_without_end_do_not_ask_the_database_without_end(engine: Engine) -> None:
    registry, clock = Registry(engine), ManualClock(NOW)
    known = RegistryCache(registry, clock)
    known.refresh()
    registry.replace([village(CLIFF, "gerbang-1")], NOW)
    clock.advance(MIN_GAP - 1)
    assert not known.refresh()
    clock.advance(1)
    assert known.refresh()


def test_what_was_known_stays_known_while_the_database_is_away(engine: Engine, tmp_path: Path) -> None:
    registry, clock = Registry(engine), ManualClock(NOW)
    registry.replace([village(CLIFF, "gerbang-1")], NOW)
    known = RegistryCache(registry, clock)
    known.poll()
    engine.dispose()
    home, away = tmp_path / "siaga.db", tmp_path / "moved"
    home.rename(away)
    home.mkdir()  # no database can be opened here

    clock.advance(POLL)
    known.poll()
    assert known.devices(CLIFF) == {"gerbang-1"}
    assert known.problem == "the database cannot be read (OperationalError): check SIAGA_DATABASE_URL"

    home.rmdir()
    away.rename(home)
    clock.advance(BACK_OFF - 1)
    known.poll()
    assert known.problem is not None, "left alone for a while"
    clock.advance(1)
    known.poll()
    assert known.problem is None
