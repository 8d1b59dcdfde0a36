"""A new kind of alert without a new signal is one file and one line: this is the file, and `registered` is the line."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from sqlalchemy import select

from api.alerts import village as village_module
from api.alerts.certainty import Rests
from api.alerts.decision import Clear, Decision, Hold, Raise
from api.alerts.facility import WatchedFacility
from api.alerts.kinds import OF_FACILITIES, AlertKind, Look
from api.alerts.state import VillageState
from siaga.database import tables
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR, MINUTE
from tests.alerts.world import CODE, NOON, World

OPEN = ("gerbang-1", "gate_open", True)
ENOUGH = 3


class PeopleDoubted(AlertKind[WatchedFacility]):
    """Three complaints within 24 hours contradict a facility; here they come from the test."""

    kind = Kind.SENSOR_DOUBTED
    rests = Rests.WORD

    def __init__(self, complaints: list[int]) -> None:
        self.complaints = complaints

    def decide(self, _village: VillageState, _subject: WatchedFacility, look: Look) -> Decision:
        return people_doubted(self.complaints, look)

    def looks_again(self, _village: VillageState, _subject: WatchedFacility, now: int) -> int:
        """Nobody tells the village that the test has added one."""
        return now + MINUTE


def people_doubted(complaints: list[int], look: Look) -> Decision:
    young = sorted(time for time in complaints if look.now - DAY < time <= look.now)
    if look.open_since is not None:
        return Clear("nobody_complains", max(complaints) + DAY) if not young else Hold("doubted", young[-1] + DAY)
    if len(young) < ENOUGH:
        return Hold("too_few_complaints")
    return Raise("complaints_contradict", young[-ENOUGH], None, {"complaints": len(young)})


@pytest.fixture
def complaints() -> Iterator[list[int]]:
    """`PeopleDoubted` is registered while a test runs, in the place of the real kind of that name."""
    times: list[int] = []
    others = [kind for kind in OF_FACILITIES if kind.kind != PeopleDoubted.kind]
    registered = (*others, PeopleDoubted(times))
    with patch.object(village_module, "OF_FACILITIES", registered):
        yield times


def test_it_is_raised_shown_and_cleared_like_any_other(world: World, complaints: list[int]) -> None:
    world.live(2, OPEN)
    complaints += [NOON - HOUR, NOON, NOON + MINUTE]
    world.live(2, OPEN, ("gerbang-1", "battery", 80.0))
    world.restart()
    world.live(61, OPEN)
    [alert] = world.alerts("sensor_doubted")
    assert (alert.subject, alert.began_at, alert.cleared_at) == (f"{CODE}/gerbang", NOON - HOUR, None)
    [evidence] = world.evidence("sensor_doubted")
    assert evidence == {"complaints": 3, "reason": "complaints_contradict"}
    with world.database.connect() as connection:
        assert connection.execute(select(tables.alert.c.severity)).scalars().all() == ["warning"]
    assert world.events() == [("raised", "sensor_doubted")]


def test_it_clears_by_its_deadline_and_only_after_the_last_complaint_is_old(
    world: World, complaints: list[int]
) -> None:
    world.live(2, OPEN)
    complaints += [NOON - 23 * HOUR, NOON - 23 * HOUR + 1, NOON - 23 * HOUR + 2]
    world.live(64, OPEN)
    [alert] = world.alerts("sensor_doubted")
    assert alert.ended_at == NOON + HOUR + 2
    assert alert.cleared_at == NOON + HOUR + 2


def test_it_waits_while_its_village_is_offline(world: World, complaints: list[int]) -> None:
    """It does not ask whether that can be said: `decide` does."""
    world.live(2, OPEN)
    world.let(10 * MINUTE)
    complaints += [NOON, NOON + 1, NOON + 2]
    world.let(HOUR + MINUTE)
    assert [alert.kind for alert in world.alerts()] == ["village_offline"]
    [place] = world.engine.villages.values()
    assert [(kind, hold.reason) for (kind, _), hold in place.waits.items()] == [("sensor_doubted", "village_offline")]
    world.live(3, OPEN)
    assert [alert.kind for alert in world.alerts() if alert.cleared_at is None] == ["sensor_doubted"]
    assert not place.waits
