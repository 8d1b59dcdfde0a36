"""A facility without `since` is judged from its first reading on, also where that comes long after an engine began."""

from collections.abc import Callable
from pathlib import Path

import pytest

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.timeline.judge import Evidence, judge
from tests.alerts.world import NOON, World, village

OPEN = ("gerbang-1", "gate_open", True)
FIRST = NOON - 3 * DAY


def past(start: int = FIRST, length: int = HOUR) -> list[Reading]:
    """What a remote gateway kept of an hour, days ago; after that it was without power until now."""
    said = [Reading("gw", "alive", time, True) for time in range(start, start + length, 30 * SECOND)]
    return said + [Reading("gerbang-1", "gate_open", time, True) for time in range(start, start + length, MINUTE)]


def in_batches(world: World, readings: list[Reading]) -> None:
    readings = sorted(readings, key=lambda reading: reading.time)
    for at in range(0, len(readings), 50):
        world.send(readings[at : at + 50])
        world.let(300)


def at_once(world: World) -> None:
    world.send(past())


def oldest_first(world: World) -> None:
    in_batches(world, past())


def live_first(world: World) -> None:
    world.live(2, OPEN)
    in_batches(world, past())


def long_after_the_engine_began(world: World) -> None:
    world.live(90, OPEN)
    in_batches(world, past())


def stored_late(world: World) -> None:
    world.live(2, OPEN)
    world.centre.held = True
    in_batches(world, past())
    world.live(20, OPEN)
    world.centre.held = False


def engine_replaced_before_it_is_stored(world: World) -> None:
    world.live(2, OPEN)
    world.centre.held = True
    in_batches(world, past())
    world.restart()
    world.live(2, OPEN)
    world.centre.held = False


def stored_while_no_engine_was_there(world: World) -> None:
    world.live(30, OPEN)
    world.stop()
    world.send(past(), settle=False)
    world.centre.work()
    world.start()


def stored_while_the_store_was_away_for_the_engine(world: World) -> None:
    world.store.away = True
    world.restart()
    world.live(2, OPEN)
    in_batches(world, past())
    world.live(20, OPEN)
    world.store.away = False
    world.live(1, OPEN)


def another_device_before(world: World) -> None:
    world.live(30, OPEN)
    in_batches(world, past(NOON - DAY))
    world.live(30, OPEN)
    in_batches(world, past())


def just_before_the_engine_began(world: World) -> None:
    world.live(30, OPEN)
    world.send(past(NOON - 20 * MINUTE, 2 * MINUTE))


def within_live_memory(world: World) -> None:
    world.live(2, OPEN)
    world.send(past(NOON - 5 * MINUTE, MINUTE))


WAYS = [
    at_once,
    oldest_first,
    live_first,
    long_after_the_engine_began,
    stored_late,
    engine_replaced_before_it_is_stored,
    stored_while_no_engine_was_there,
    stored_while_the_store_was_away_for_the_engine,
    another_device_before,
    just_before_the_engine_began,
    within_live_memory,
]


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_the_past_of_a_remote_gateway_is_judged_from_its_first_reading(
    tmp_path: Path, way: Callable[[World], None]
) -> None:
    world = World(tmp_path)
    way(world)
    world.live(2, OPEN)
    world.let(10 * SECOND)
    now = world.clock.now()
    tracks = world.store.inner.tracks(world.villages[0].code, FIRST - DAY, now + DAY)
    first = min(track.times[0] for track in tracks.values())
    place = village()
    expected = judge(place, place.facilities[0], Evidence(tracks), (first, now + 1))
    found = [span._replace(end=min(span.end, now + 1)) for span in world.spans()]
    assert found == expected
    world.close()
