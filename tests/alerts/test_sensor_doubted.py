"""`sensor_doubted`: three citizens within 24 hours say otherwise than the sensors; a technician or time ends it."""

from itertools import count

import pytest

from api.alerts.certainty import Knows
from api.alerts.kinds import Look
from api.alerts.kinds.sensor_doubted import sensor_doubted
from api.complaints.rows import Said, end, make
from api.complaints.rules import State, Way
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from tests.alerts.world import CODE, NOON, World, looking_seldom

OPEN, SHUT = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)
_ADDRESSES = count(1)


@pytest.mark.parametrize(
    ("hours", "open_since", "reason", "at"),
    [
        pytest.param([], None, "too_few_complaints", None, id="nobody complains"),
        pytest.param([1, 2], None, "too_few_complaints", None, id="two do"),
        pytest.param([23, 2, 1], None, "complaints_contradict", -23, id="three within a day"),
        pytest.param([24, 2, 1], None, "too_few_complaints", None, id="three, the first a day ago"),
        pytest.param([9, 8, 7, 6], None, "complaints_contradict", -8, id="it begins with the third last"),
        pytest.param([23, 1], 23, "doubted", 1, id="open, one less to show in an hour"),
        pytest.param([25, 24], 25, "nobody_complains", 0, id="open, none is young"),
        pytest.param([30, 26], 30, "nobody_complains", -2, id="open, none was young while nobody looked"),
        pytest.param([], 3, "answered", 0, id="open, a technician answered"),
    ],
)
def test_when_people_doubt_a_sensor(hours: list[int], open_since: int | None, reason: str, at: int | None) -> None:
    """`hours`: how long ago somebody complained; `at`: when the alert began or ended, or is looked at again."""
    since = None if open_since is None else NOON - open_since * HOUR
    decision = sensor_doubted([NOON - ago * HOUR for ago in hours], Look(NOON, lambda _: Knows(), since))
    times = [getattr(decision, name, None) for name in ("began_at", "ended_at", "until")]
    assert decision.reason == reason
    assert [time for time in times if time is not None] == ([] if at is None else [NOON + at * HOUR])


def complain(world: World) -> str:
    """Somebody says that the gate is shut; answers the complaint's id."""
    said = Said(CODE, "gerbang", "gate", "gate_closed", "", Way.FORM, f"10.0.0.{next(_ADDRESSES)}")
    return make(world.database, said, "secret", world.clock.now())[0]


@pytest.mark.looks_often
def test_three_citizens_raise_it_and_a_technician_who_answers_all_clears_it(world: World) -> None:
    world.live(2, OPEN)
    complaints = [complain(world) for _ in range(2)]
    world.live(2, OPEN)
    assert world.alerts("sensor_doubted") == []
    first = world.clock.now()
    complaints.append(complain(world))
    world.live(1, OPEN)
    [alert] = world.alerts("sensor_doubted")
    assert (alert.subject, alert.cleared_at, alert.began_at < first) == (f"{CODE}/gerbang", None, True)
    assert world.evidence("sensor_doubted") == [{"complaints": 3, "reason": "complaints_contradict"}]
    for complaint in complaints[:2]:
        end(world.database, complaint, State.REJECTED, "", "wahyu", world.clock.now())
    world.restart()
    world.live(2, OPEN)
    assert [one.cleared_at for one in world.alerts("sensor_doubted")] == [None]
    assert world.evidence("sensor_doubted")[0]["complaints"] == 1
    end(world.database, complaints[2], State.CLOSED, "Sensor diganti.", "wahyu", world.clock.now())
    answered = world.clock.now()
    world.live(2, OPEN)
    [alert] = world.alerts("sensor_doubted")
    assert alert.cleared_at is not None
    assert answered <= alert.cleared_at <= answered + MINUTE
    assert alert.ended_at == alert.cleared_at
    assert [event for event, _ in world.events()] == ["raised", "updated", "cleared"]


@pytest.mark.looks_often
def test_what_the_sensors_say_too_is_no_doubt_and_it_ends_with_the_last_complaint(world: World) -> None:
    world.live(2, SHUT)
    for _ in range(3):
        complain(world)
    world.live(2, SHUT)
    assert world.alerts("sensor_doubted") == []
    world.live(9, OPEN)
    for _ in range(3):
        complain(world)
    last = world.clock.now()
    world.live(2, OPEN)
    with looking_seldom():
        world.let(DAY - 10 * MINUTE)  # nothing comes for so long: it does not rest on what devices say
        [alert] = world.alerts("sensor_doubted")
        assert alert.cleared_at is None
        world.let(20 * MINUTE)
    [alert] = world.alerts("sensor_doubted")
    assert (alert.ended_at, alert.cleared_at) == (last + DAY, last + DAY)
    assert last < NOON + HOUR + SECOND
