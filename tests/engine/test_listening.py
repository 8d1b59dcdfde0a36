"""The centre's own ears: a village's silence counts from when the engine listens, whenever that begins."""

from pathlib import Path

import pytest

from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Reading
from tests.alerts.world import World, village

NEW = "35.10.16.2004"


def test_an_engine_that_was_ready_before_its_broker_still_notices_a_village_that_never_speaks(tmp_path: Path) -> None:
    world = World(tmp_path, village(offline_after=4 * SECOND), engine=False)
    world.start(connected=False)
    world.let(60 * SECOND)
    assert world.alerts() == []
    world.transport.restore()
    world.let(5 * SECOND)
    assert [(alert.kind, alert.raised_at - world.told) for alert in world.alerts()] == [
        ("village_offline", 64 * SECOND)
    ]


def test_a_village_heard_once_is_missed_again_and_again(tmp_path: Path) -> None:
    world = World(tmp_path, village(offline_after=4 * SECOND), engine=False)
    world.start(connected=False)
    world.let(SECOND)
    world.transport.restore()
    for _ in range(3):
        world.beat()
        world.let(9 * SECOND)
    assert [alert.kind for alert in world.alerts()] == ["village_offline"] * 3


def add_village(world: World) -> None:
    """A village is written into the registry, and the engine sees it."""
    new = village(code=NEW)
    world.villages.append(new)
    world.registry.replace(world.villages, world.clock.now())
    world.centre.devices[NEW] = {"gerbang-1"}
    world.let(3 * SECOND)


def backlog(world: World, *said: tuple[int, bool]) -> list[list[Reading]]:
    """What a gateway of the new village kept of the last hour, in batches, the newest first.

    `said`: how many minutes ago the gate spoke, a batch each, and what it said; its heartbeats are spread over them.
    """
    now = world.clock.now()
    beats = [Reading("gw", "alive", now - back * SECOND, True) for back in range(0, 3600, 30)]
    each = -(-len(beats) // len(said))
    return [
        [*beats[number * each :][:each], Reading("gerbang-1", "gate_open", now - ago * MINUTE, value)]
        for number, (ago, value) in enumerate(said)
    ]


@pytest.mark.looks_often
@pytest.mark.parametrize(
    "said",
    [
        pytest.param([(20, True), (40, True), (0, True)], id="old readings of it come first"),
        pytest.param([(50, True), (49, False), (30, True), (1, True), (14, True)], id="in no order"),
    ],
)
def test_a_village_that_is_new_to_an_engine_gets_the_time_to_send_what_it_kept(
    world: World, said: list[tuple[int, bool]]
) -> None:
    """The engine has been up for minutes, so nothing of its own start holds alerts back."""
    world.live(4, ("gerbang-1", "gate_open", True))
    add_village(world)
    for batch in backlog(world, *said):
        world.send(batch, code=NEW)
        world.let(100)
    world.let(MINUTE)
    assert [alert for alert in world.alerts() if alert.subject.startswith(NEW)] == []


@pytest.mark.looks_often
def test_a_village_that_is_new_to_an_engine_and_kept_old_readings_alone_has_a_silent_device(world: World) -> None:
    world.live(4, ("gerbang-1", "gate_open", True))
    add_village(world)
    began = world.clock.now()
    for batch in backlog(world, (20, True), (40, True)):
        world.send(batch, code=NEW)
        world.let(100)
    world.let(20 * SECOND)
    [alert] = [alert for alert in world.alerts() if alert.subject.startswith(NEW)]
    assert (alert.kind, alert.began_at) == ("device_silent", began - 20 * MINUTE)


@pytest.mark.looks_often
def test_a_device_of_a_new_village_that_never_reported_counts_from_when_the_village_was_added(world: World) -> None:
    world.live(4, ("gerbang-1", "gate_open", True))
    added = world.clock.now()
    add_village(world)
    end = world.clock.now() + 14 * MINUTE
    while world.clock.now() < end:
        world.beat(code=NEW)
        world.let(30 * SECOND)
    [alert] = [alert for alert in world.alerts() if alert.subject.startswith(NEW)]
    assert alert.kind == "device_silent"
    assert added <= alert.began_at <= added + 3 * SECOND
    assert alert.raised_at == alert.began_at + 13 * MINUTE
