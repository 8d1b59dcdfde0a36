"""A new engine at any moment: no alert is lost, doubled or dated anew."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from api.alerts.link import CAUGHT_UP_AFTER
from siaga.database import tables
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility
from siaga.model.times import rfc3339
from tests.alerts.world import NOON, Alert, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)
WIFI = Facility("wifi", "free_wifi", "Wi-Fi", (Device("ap", Adapter.SENML, MINUTE),))
UP = ("ap", "wifi_up", True)

Step = Callable[[World], None]


def beat(*says: tuple[str, str, object]) -> Step:
    def step(world: World) -> None:
        world.beat(*says)
        world.let(30 * SECOND)

    return step


def story() -> list[Step]:
    """A gate that closes and opens, an access point that falls silent and comes back: half a minute a step."""
    steps: list[Step] = []
    steps += [beat(OPEN, UP)] * 6
    steps += [beat(CLOSED, UP)] * 14
    steps += [beat(OPEN)] * 40
    steps += [beat(OPEN, UP)] * 8
    return steps


def told(path: Path, restart_at: int | None, *, clean: bool = False) -> list[Alert]:
    world = World(path, village(gate(), WIFI))
    try:
        for number, step in enumerate(story()):
            if number == restart_at:
                world.restart(clean=clean)
            step(world)
        return world.alerts()
    finally:
        world.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Alert]:
    return told(tmp_path_factory.mktemp("undisturbed"), None)


def test_the_story_tells_of_a_gate_a_network_and_a_device(undisturbed: list[Alert]) -> None:
    assert [(alert.kind, alert.subject.split("/")[1]) for alert in undisturbed] == [
        ("facility_failed", "gerbang"),
        ("facility_failed", "wifi"),
        ("device_silent", "ap"),
        ("indicator_missed", "wifi"),
    ]
    assert [alert.kind for alert in undisturbed if alert.cleared_at is None] == ["indicator_missed"]


SAMPLE = sorted(random.Random(17).sample(range(1, 68), 8))
"""Steps before which the engine is killed; the test below begins a new one before each of them."""


@pytest.mark.parametrize("step", SAMPLE)
def test_a_crash_before_any_step_changes_no_alert(tmp_path: Path, undisturbed: list[Alert], step: int) -> None:
    assert told(tmp_path, step, clean=False) == undisturbed


def test_a_new_engine_before_every_step_changes_no_alert(tmp_path: Path, undisturbed: list[Alert]) -> None:
    world = World(tmp_path, village(gate(), WIFI))
    for step in story():
        world.restart(clean=True)
        step(world)
    assert [noticed_whenever(alert) for alert in world.alerts()] == [noticed_whenever(alert) for alert in undisturbed]
    world.close()


def noticed_whenever(alert: Alert) -> Alert:
    """Without its wall times: a new engine hears for five seconds what was kept for it before it says what is over."""
    return replace(alert, raised_at=0, cleared_at=None if alert.cleared_at is None else 0)


Says = tuple[str, str, bool]


def away(world: World, minutes: int, says: Says, then: Says | None = None) -> None:
    """The engine is gone for a while, in which a device says one thing, and another in the last five minutes of it.

    The collector goes on storing.
    """
    world.transport.cut()
    world.transport.close()
    for half_minute in range(minutes * 2):
        now = world.clock.now()
        device, signal, value = then if then is not None and half_minute >= minutes * 2 - 10 else says
        world.send([Reading("gw", "alive", now, True), Reading(device, signal, now, value)], settle=False)
        world.centre.work()
        world.clock.advance(30 * SECOND)
    world.start()


def test_a_failure_that_began_while_the_engine_was_away_is_told_with_its_beginning(world: World) -> None:
    world.live(5, OPEN)
    closed = world.clock.now()
    away(world, 30, CLOSED)
    world.live(1, CLOSED)
    [alert] = world.alerts("facility_failed")
    assert (alert.began_at, alert.raised_at) == (closed, closed + 30 * MINUTE + CAUGHT_UP_AFTER)


def test_a_failure_that_was_over_before_the_engine_came_back_is_not_told(world: World) -> None:
    world.live(5, OPEN)
    away(world, 30, CLOSED, then=OPEN)
    world.live(1, OPEN)
    assert world.alerts("facility_failed") == []
    assert [state for _, state, _ in world.states()] == ["met", "failed", "met"]


def test_an_alert_that_cleared_and_another_that_began_while_the_engine_was_away(world: World) -> None:
    world.live(5, OPEN)
    first = world.clock.now()
    world.live(10, CLOSED)
    world.transport.cut()
    world.transport.close()
    opened = world.clock.now()
    for minutes, says in ((60, OPEN), (20, CLOSED)):
        for _ in range(minutes * 2):
            now = world.clock.now()
            world.send([Reading("gw", "alive", now, True), Reading(says[0], says[1], now, says[2])], settle=False)
            world.centre.work()
            world.clock.advance(30 * SECOND)
    second = opened + 60 * MINUTE
    world.start()
    world.live(1, CLOSED)
    one, other = world.alerts("facility_failed")
    assert (one.began_at, one.ended_at, one.cleared_at is not None) == (first, opened, True)
    assert (other.began_at, other.cleared_at) == (second, None)


def test_a_long_absence_is_made_up_for_from_the_store(world: World) -> None:
    world.live(5, OPEN)
    gone = world.clock.now()
    world.transport.cut()
    world.transport.close()
    for minute in range(0, 10 * 60):
        now = world.clock.now()
        says = 120 <= minute < 180
        readings = [Reading("gw", "alive", now, True), Reading("gw", "alive", now + 30 * SECOND, True)]
        world.send([*readings, Reading("gerbang-1", "gate_open", now, not says)], settle=False)
        world.centre.work()
        world.clock.advance(MINUTE)
    world.start()
    world.live(2, OPEN)
    closed = gone + 2 * HOUR
    assert world.states() == [(NOON, "met", None), (closed, "failed", "gate_open"), (closed + HOUR, "met", None)]
    assert world.alerts("facility_failed") == []


def test_late_data_that_came_while_the_engine_was_away_is_found_by_its_arrival(world: World) -> None:
    world.live(30, OPEN)
    world.transport.cut()
    world.transport.close()
    closed = NOON + 5 * MINUTE + 10 * SECOND
    world.send([Reading("gerbang-1", "gate_open", closed, False)], settle=False)
    world.centre.work()
    world.start()
    world.live(1, OPEN)
    assert world.states() == [
        (NOON, "met", None),
        (closed, "failed", "gate_open"),
        (NOON + 6 * MINUTE, "met", None),
    ]


def test_a_batch_sent_before_a_restart_and_stored_after_it_is_not_lost(world: World) -> None:
    world.live(30, OPEN)
    world.centre.held = True
    late = NOON + 5 * MINUTE + 10 * SECOND
    now = world.clock.now()
    world.send([Reading("gerbang-1", "gate_open", late, False), Reading("gerbang-1", "gate_open", now, False)])
    world.restart()
    world.centre.held = False
    world.live(1)
    assert (late, "failed", "gate_open") in world.states()
    assert world.states()[-1] == (now, "failed", "gate_open")


def test_history_that_a_crash_left_unfinished_is_finished_by_the_successor(world: World) -> None:
    world.live(30, OPEN)
    closed = NOON + 5 * MINUTE + 10 * SECOND
    world.store.away = True
    world.send([Reading("gerbang-1", "gate_open", closed, False)])
    world.live(2, OPEN)
    world.restart()
    world.store.away = False
    world.live(2, OPEN)
    assert (closed, "failed", "gate_open") in world.states()


# The engine dies while the store lacks what it had taken


def cut_off(world: World, minutes: float, *says: tuple[str, str, object]) -> list[bytes]:
    """For some minutes the village goes on, the engine takes it, and nothing is stored; the batches."""
    world.centre.held = True
    batches = []
    for half_minute in range(round(minutes * 2)):
        now = world.clock.now()
        said = says if half_minute % 2 == 0 else ()
        readings = [Reading("gw", "alive", now, True)]
        readings += [Reading(device, signal, now, value) for device, signal, value in said]  # type: ignore[arg-type] # terse
        batches.append(world.send(readings))
        world.let(30 * SECOND)
    return batches


GUARD = Facility("jaga", "night_guard", "Jaga", (Device("jaga-1", Adapter.SENML, MINUTE),), grace=2 * MINUTE)
OPENS_OFTEN = replace(gate(), devices=(Device("gerbang-1", Adapter.SENML, 2 * MINUTE),), grace=MINUTE)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, village(OPENS_OFTEN, WIFI, GUARD))
    yield world
    world.close()


HELD = ("ap", "wifi_open", False)
ALL_WELL = (OPEN, UP, ("ap", "wifi_open", True), ("jaga-1", "battery", 80.0))


def test_a_failure_keeps_its_beginning_when_the_store_lacks_what_was_before_it(place: World) -> None:
    """Without its last reports the access point would be silent, and off, from before the password was set."""
    place.live(4, *ALL_WELL, ("jaga-1", "checkin", 1))
    cut_off(place, 6, *ALL_WELL)
    password = place.clock.now()
    batches = cut_off(place, 2, OPEN, UP, HELD)
    place.restart()
    batches += cut_off(place, 2, OPEN, UP, HELD)
    for batch in reversed(batches):
        place.resend(batch)
        place.let(SECOND)
    place.restart()
    cut_off(place, 4, OPEN, UP, HELD)
    place.centre.held = False
    place.live(3, OPEN, UP, HELD)
    [alert] = place.alerts()
    assert (alert.subject.split("/")[1], alert.began_at, alert.raised_at) == (
        "wifi",
        password,
        password + 5 * MINUTE + 1,
    )
    assert place.states("wifi") == [(NOON, "met", None), (password, "failed", "wifi_open")]
    assert place.states("gerbang") == [(NOON, "met", None)]
    assert place.states("jaga") == [(NOON, "met", None)]


@pytest.mark.parametrize("away", [False, True], ids=["the store answers", "the store is away"])
def test_an_alert_is_not_cleared_by_what_the_store_had_last(place: World, away: bool) -> None:
    """The last that is stored of the gate says that it is open, and would hold for six minutes."""
    place.live(4, *ALL_WELL, ("jaga-1", "checkin", 1))
    place.store.away = away
    closed = place.clock.now()
    cut_off(place, 3, CLOSED, *ALL_WELL[1:])
    place.restart()
    cut_off(place, 5, *ALL_WELL[1:])
    assert [(alert.subject.split("/")[1], alert.began_at, alert.cleared_at) for alert in place.alerts()] == [
        ("gerbang", closed, None)
    ]
    opened = place.clock.now()
    place.centre.held = place.store.away = False
    place.live(5, *ALL_WELL)
    [alert] = place.alerts()
    assert (alert.began_at, alert.ended_at) == (closed, opened)
    assert place.states("jaga") == [(NOON, "met", None)]
    assert place.states("gerbang") == [
        (NOON, "met", None),
        (closed, "failed", "gate_open"),
        (opened, "met", None),
    ]


def test_a_device_is_not_called_silent_by_an_engine_that_could_not_read_when_it_spoke_last(world: World) -> None:
    world.live(20, OPEN)
    last = world.clock.now() - MINUTE
    world.store.away = True
    world.restart()
    world.live(15)
    assert world.alerts() == []
    world.store.away = False
    world.live(1)
    [alert] = world.alerts()
    assert (alert.kind, alert.began_at) == ("device_silent", last)


def test_a_device_that_spoke_again_while_the_engine_was_away_was_silent_until_then(world: World) -> None:
    world.live(5, OPEN)
    world.live(20)
    world.stop()
    spoke = world.clock.now()
    for _ in range(4):
        now = world.clock.now()
        world.send([Reading("gw", "alive", now, True), Reading("gerbang-1", "gate_open", now, True)], settle=False)
        world.centre.work()
        world.clock.advance(30 * SECOND)
    world.start()
    world.live(1, OPEN)
    [alert] = world.alerts("device_silent")
    assert alert.ended_at == spoke


def test_what_came_before_an_engine_heard_the_broker_for_the_first_time_is_read_from_the_store(world: World) -> None:
    world.live(5, OPEN)
    world.stop()
    world.start(connected=False)
    closed = world.clock.now()
    for half_minute in range(8):
        now = world.clock.now()
        says = Reading("gerbang-1", "gate_open", now, half_minute >= 4)
        world.send([Reading("gw", "alive", now, True), says], settle=False)
        world.centre.work()
        world.let(30 * SECOND)
    world.transport.restore()
    world.live(1, OPEN)
    assert world.states() == [
        (NOON, "met", None),
        (closed, "failed", "gate_open"),
        (closed + 2 * MINUTE, "met", None),
    ]


def test_what_is_known_of_a_gateway_outlives_its_engine(world: World) -> None:
    """A gateway whose engine is killed and comes back, and that is then gone for good."""
    world.status("online")
    said_at = world.clock.now()
    world.live(5, OPEN)
    last = world.clock.now() - 30 * SECOND
    world.let(11 * SECOND)
    world.restart()
    world.let(11 * SECOND)  # its rows are written again
    with world.database.connect() as connection:
        [row] = connection.execute(select(tables.gateway_state)).all()
    assert (row.status, row.status_at, row.last_arrival, row.last_alive) == ("online", said_at, last, last)
    world.let(10 * MINUTE)
    [evidence] = world.evidence("village_offline")
    assert evidence["gateways"] == {"gw": {"status": "online", "last_alive": rfc3339(last)}}


def test_a_status_that_changed_while_no_engine_ran_is_new(world: World) -> None:
    world.status("online")
    world.live(1, OPEN)
    world.let(11 * SECOND)
    world.stop()
    world.clock.advance(MINUTE)
    world.status("offline", settle=False)
    world.start()
    back = world.clock.now()
    world.let(11 * SECOND)
    with world.database.connect() as connection:
        [row] = connection.execute(select(tables.gateway_state)).all()
    assert (row.status, row.status_at) == ("offline", back)
