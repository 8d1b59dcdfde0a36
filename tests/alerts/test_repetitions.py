"""What only goes on saying what was said before costs no judgement, and takes nothing from what follows it."""

from collections.abc import Iterator
from unittest.mock import Mock, patch

import pytest

from api.alerts.facility import WatchedFacility
from siaga.model.clock import MINUTE
from tests.alerts.world import World

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


@pytest.fixture
def judge() -> Iterator[Mock]:
    """Counts how often a facility is judged."""
    with patch.object(WatchedFacility, "judge", autospec=True, side_effect=WatchedFacility.judge) as counted:
        yield counted


def test_an_hour_of_repetitions_is_judged_a_few_times_and_not_with_each_heartbeat(world: World, judge: Mock) -> None:
    world.live(5, OPEN)
    before = judge.call_count
    assert before
    world.live(50, OPEN)
    assert judge.call_count - before <= 3


def test_a_failure_after_an_hour_of_repetitions_is_told_with_its_beginning(world: World) -> None:
    world.live(50, OPEN)
    closed = world.clock.now()
    world.live(10, CLOSED)
    [alert] = world.alerts("facility_failed")
    assert alert.began_at == closed


def test_what_nobody_repeats_any_more_becomes_unknown_when_it_stops_to_hold(world: World) -> None:
    world.live(50, OPEN)
    said = world.clock.now() - MINUTE
    world.live(10)
    assert world.states()[-1] == (said + 3 * MINUTE, "unknown", "device_silent")
