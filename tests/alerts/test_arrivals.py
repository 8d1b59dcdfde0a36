"""Late data that comes while no engine listens: whichever reads first what the collector noted of it judges it."""

import pytest

from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Reading
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


def test_all_of_what_waited_for_the_store_when_an_engine_ended_is_judged_once_it_is_stored(world: World) -> None:
    """The collector had it in hand for longer than a new engine looks back for what it notes."""
    world.live(30, OPEN)
    world.centre.held, world.centre.took_at = True, world.clock.now()
    world.send([Reading("gerbang-1", "gate_open", LATE, False), Reading("gw", "alive", LATE + 20 * SECOND, True)])
    world.live(2, OPEN)
    world.restart()
    world.live(70, OPEN)
    world.centre.held = False
    world.live(1, OPEN)
    world.centre.took_at = None
    world.live(2, OPEN)
    assert world.states() == [(NOON, "met", None), FAILED, (NOON + 6 * MINUTE, "met", None)]


def test_of_more_batches_than_can_wait_for_the_store_each_is_judged_once_all_are_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.alerts.history.MAX_IN_HAND", 3)
    world.live(30, OPEN)
    world.centre.held = True
    closed = [LATE + n * MINUTE for n in range(8)]
    for time in closed:
        world.send([Reading("gerbang-1", "gate_open", time, False)])
    world.centre.held = False
    world.live(1, OPEN)
    assert [start for start, state, _ in world.states() if state == "failed"] == closed
    assert world.metric("siaga_engine_overflown_batches_total") == 5
