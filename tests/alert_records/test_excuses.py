"""What the engine leaves for those who tell people: where mains are missing, and what was taken out of the file."""

from pathlib import Path

import pytest
from sqlalchemy import select

from api.alert_records.excuses import Affected, Excuse, read_grounds
from siaga.database import tables
from siaga.database.engine_state import mains_key
from siaga.model.clock import MINUTE
from siaga.model.sites import Adapter, Device, Facility
from tests.alerts.world import CODE, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)
METER = Facility("listrik", "power", "Listrik", (Device("meter", Adapter.SENML, MINUTE),))
GATE = Affected((CODE,), "gerbang", None, 0)


def without_mains(world: World) -> object:
    table = tables.engine_state
    with world.database.connect() as connection:
        return connection.execute(select(table.c.value).where(table.c.key == mains_key(CODE))).scalar()


def excuse(world: World) -> Excuse | None:
    with world.database.connect() as connection:
        return read_grounds(connection, [GATE], world.clock.now()).excuse(GATE, world.clock.now())


def test_where_mains_are_missing_is_noted_until_they_are_back(tmp_path: Path) -> None:
    world = World(tmp_path, village(gate(), METER))
    world.live(2, OPEN, ("meter", "mains", True))
    assert (without_mains(world), excuse(world)) == (None, None)
    world.live(2, OPEN, ("meter", "mains", False))
    assert (without_mains(world), excuse(world)) == (["gerbang"], Excuse("no mains power", None))
    world.restart()
    assert without_mains(world) == ["gerbang"]
    world.live(1, OPEN, ("meter", "mains", True))
    assert (without_mains(world), excuse(world)) == ([], None)
    world.close()


def test_what_a_meter_said_of_the_mains_counts_only_while_it_holds(tmp_path: Path) -> None:
    world = World(tmp_path, village(gate(), METER))
    world.live(2, OPEN, ("meter", "mains", False))
    world.live(1, OPEN)
    assert without_mains(world) == ["gerbang"]
    world.live(2, OPEN)  # three of the meter's intervals are over
    assert without_mains(world) == []
    world.close()


def test_so_it_does_for_an_engine_that_starts_when_it_holds_no_longer(tmp_path: Path) -> None:
    world = World(tmp_path, village(gate(), METER))
    world.live(2, OPEN, ("meter", "mains", False))
    world.stop()
    world.clock.advance(10 * MINUTE)
    world.start()
    world.live(1, OPEN)
    assert without_mains(world) == []
    world.close()


@pytest.mark.looks_often
def test_an_alert_of_what_was_taken_out_of_the_sites_file_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, village(gate(), METER))
    world.live(8, CLOSED)
    assert [alert.cleared_at for alert in world.alerts("facility_failed")] == [None]
    world.registry.replace([village(METER)], world.clock.now())
    world.live(2)
    [evidence] = world.evidence("facility_failed")
    assert evidence["taken_out"] is True
    assert world.alerts("facility_failed")[0].cleared_at is not None
    world.close()


def test_one_that_was_repaired_does_not(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.live(8, CLOSED)
    world.live(5, OPEN)
    [evidence] = world.evidence("facility_failed")
    assert "taken_out" not in evidence
    world.close()
