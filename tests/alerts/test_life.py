"""What becomes of an alert after it was raised: flapping is held and named, snoozes end, evidence is kept."""

from pathlib import Path

import pytest
from sqlalchemy import select

from siaga.database import tables
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility
from tests.alerts.world import NOON, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


def flap(world: World, times: int) -> None:
    for _ in range(times):
        world.live(6, CLOSED)
        world.live(3, OPEN)


def test_what_comes_and_goes_is_held_open_and_named(world: World) -> None:
    flap(world, 4)
    found = world.alerts("facility_failed")
    assert [alert.cleared_at is None for alert in found] == [False, False, False, True]
    named = world.evidence("facility_failed")[-1]["flapping"]
    assert named == {"raised": 4, "within_s": 3600, "calm_s": 1800}

    flap(world, 2)
    assert len(world.alerts("facility_failed")) == 4
    opened = world.clock.now() - 3 * MINUTE
    world.live(26.5, OPEN)
    assert world.alerts("facility_failed")[-1].cleared_at is None
    world.live(1, OPEN)
    last = world.alerts("facility_failed")[-1]
    assert (last.ended_at, last.cleared_at) == (opened, opened + 30 * MINUTE)


def test_a_held_alert_is_still_held_by_a_new_engine(world: World) -> None:
    flap(world, 3)
    world.restart()
    flap(world, 1)
    world.restart()
    world.live(5, OPEN)
    assert world.alerts("facility_failed")[-1].cleared_at is None
    assert len(world.alerts("facility_failed")) == 4


def test_three_failures_in_an_hour_and_four_in_more_are_no_flapping(world: World) -> None:
    flap(world, 3)
    world.live(45, OPEN)
    flap(world, 1)
    assert all(alert.cleared_at is not None for alert in world.alerts("facility_failed"))


def test_a_site_that_wants_to_know_at_once_is_told_each_time(tmp_path: Path) -> None:
    world = World(tmp_path, village(gate(grace=0, recovery=0)))
    for _ in range(8):
        world.live(0.5, CLOSED)
        world.live(0.5, OPEN)
    found = world.alerts("facility_failed")
    assert len(found) == 8
    assert all(alert.cleared_at is not None for alert in found)
    world.close()


def test_a_buffer_at_its_limit_is_held(world: World) -> None:
    world.live(1, OPEN)
    for _ in range(5):
        world.health(0.9)
        world.let(10 * SECOND)
        world.health(0.7)
        world.let(10 * SECOND)
    assert [alert.cleared_at is None for alert in world.alerts()] == [False, False, False, True]
    world.live(31, OPEN)
    assert all(alert.cleared_at is not None for alert in world.alerts())


def test_a_link_that_flaps_is_named_and_not_held(world: World) -> None:
    for _ in range(5):
        world.beat(OPEN)
        world.let(6 * MINUTE)
    assert [alert.cleared_at is None for alert in world.alerts()] == [False, False, False, False, True]
    assert ["flapping" in evidence for evidence in world.evidence("village_offline")] == [False] * 3 + [True] * 2


@pytest.mark.looks_often
def test_a_snooze_ends_with_an_event_and_an_entry(world: World) -> None:
    world.live(6, CLOSED)
    end = world.clock.now() + 5 * MINUTE
    with world.database.begin() as connection:
        connection.execute(tables.alert.update().values(snoozed_until=end))
    world.live(4, CLOSED)
    assert world.events() == [("raised", "facility_failed")]
    world.live(2, CLOSED)
    assert world.events() == [("raised", "facility_failed"), ("updated", "facility_failed")]
    with world.database.connect() as connection:
        row = connection.execute(select(tables.alert)).one()
        entry = connection.execute(select(tables.alert_action)).one()
    assert (row.snoozed_until, row.revision) == (None, 2)
    assert (entry.action, entry.actor) == ("snooze", "siaga")
    assert end <= entry.time <= end + 10 * SECOND


def test_a_failure_carries_what_was_said(world: World) -> None:
    world.live(2, OPEN)
    world.live(6, CLOSED)
    [evidence] = world.evidence("facility_failed")
    assert evidence["signals"] == {"gerbang-1/gate_open": {"value": False, "time": "2026-03-05T05:07:00Z"}}
    assert evidence["reason"] == "failed_longer_than_grace"


def test_a_village_lost_without_mains_is_likely_without_mains(tmp_path: Path) -> None:
    meter = Facility("pln", "power", "Meter", (Device("meter", Adapter.SENML, MINUTE),))
    world = World(tmp_path, village(gate(), meter))
    world.live(2, OPEN, ("meter", "mains", True))
    world.beat(OPEN, ("meter", "mains", False))
    world.status("online")
    world.status("offline")
    world.let(6 * MINUTE)
    [evidence] = world.evidence("village_offline")
    assert (evidence["mains"], evidence["likely"]) == ("out", "mains_out")
    assert evidence["gateways"] == {"gw": {"status": "offline", "last_alive": "2026-03-05T05:02:00Z"}}
    assert world.clock.now() < NOON + HOUR
    world.close()


@pytest.mark.parametrize("taken_over", [False, True], ids=["one engine", "another engine took over meanwhile"])
def test_a_reading_that_comes_seconds_late_dates_the_end_of_a_cleared_alert(tmp_path: Path, taken_over: bool) -> None:
    """The broker lost the first reading of the open gate. Its gateway sends it again, when the alert is over."""
    world = World(tmp_path, village(gate(grace=0, recovery=0)), kept=True)
    world.live(5, ("gerbang-1", "gate_open", True))
    world.live(5, ("gerbang-1", "gate_open", False))
    opened = world.clock.now()
    world.let(10 * SECOND)
    world.beat(("gerbang-1", "gate_open", True))
    if taken_over:
        world.restart()
    world.let(10 * SECOND)
    assert [alert.ended_at for alert in world.alerts("facility_failed")] == [opened + 10 * SECOND]
    for late, ended_at in ((4 * SECOND, opened + 4 * SECOND), (0, opened)):
        world.send([Reading("gerbang-1", "gate_open", opened + late, True)])
        if taken_over:
            world.restart()
        world.let(10 * SECOND)
        assert [alert.ended_at for alert in world.alerts("facility_failed")] == [ended_at]
    world.close()
