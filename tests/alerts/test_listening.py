"""The centre's own ears: a village's silence counts from when the engine listens, whenever that begins."""

from pathlib import Path

from siaga.clock import SECOND
from tests.alerts.world import World, village


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
