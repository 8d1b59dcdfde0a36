"""Late data that comes while no engine listens: whichever reads first what the collector noted of it judges it."""

from siaga.clock import MINUTE, SECOND
from siaga.observation import Reading
from tests.alerts.world import NOON, World

OPEN = ("gerbang-1", "gate_open", True)
LATE = NOON + 5 * MINUTE + 10 * SECOND
FAILED = (LATE, "failed", "gate_open")


def store_late(world: World) -> None:
    """What a gateway kept reaches the collector, and no engine."""
    world.send([Reading("gerbang-1", "gate_open", LATE, False)], settle=False)
    world.centre.work()


def test_it_is_judged_by_the_next_engine(world: World) -> None:
    world.live(30, OPEN)
    world.stop()
    store_late(world)
    world.start()
    world.live(2, OPEN)
    assert FAILED in world.states()


def test_it_is_judged_by_the_one_after_that_where_the_store_was_away_for_the_next(world: World) -> None:
    world.live(30, OPEN)
    world.stop()
    store_late(world)
    world.clock.advance(5 * MINUTE)
    world.store.away = True
    world.start()
    world.let(2 * MINUTE)
    world.stop()
    world.store.away = False
    world.start()
    world.live(2, OPEN)
    assert FAILED in world.states()


def test_it_is_judged_by_the_next_engine_where_one_ended_that_had_lost_the_broker(world: World) -> None:
    world.live(30, OPEN)
    world.transport.cut()
    world.let(MINUTE)
    store_late(world)
    world.let(5 * MINUTE)
    world.restart()
    world.live(2, OPEN)
    assert FAILED in world.states()
