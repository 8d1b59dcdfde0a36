"""What technicians are told, as stories."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga.clock import MINUTE
from tests.alerts.world import CODE, NOON, World

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def test_a_gate_that_closes_is_told_of_after_grace_and_cleared_after_recovery(world: World) -> None:
    world.live(10, OPEN)
    closed = world.clock.now()
    world.live(5, CLOSED)
    assert world.alerts() == []  # exactly at its grace it is not longer than its grace

    world.live(5, CLOSED)
    [alert] = world.alerts()
    assert (alert.kind, alert.subject, alert.cause) == ("facility_failed", f"{CODE}/gerbang", "gate_open")
    assert alert.began_at == closed
    assert alert.raised_at == closed + 5 * MINUTE + 1
    assert alert.cleared_at is None

    opened = world.clock.now()
    world.live(5, OPEN)
    [alert] = world.alerts()
    assert (alert.ended_at, alert.cleared_at) == (opened, opened + 2 * MINUTE)
    assert world.events() == [("raised", "facility_failed"), ("cleared", "facility_failed")]
    assert world.states() == [(NOON, "met", None), (closed, "failed", "gate_open"), (opened, "met", None)]
