"""A buffer that brings a village's past, oldest first, beside one that brings the present.

A heartbeat of now shows that the village is heard. It does not show that all that was buffered is there.
"""

import uuid
from collections.abc import Iterator

from api.alerts.link import Link
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from tests.alerts.world import World

OTHER = str(uuid.UUID(int=2))
"""The epoch of the buffer that catches up."""
PAUSE = 12 * SECOND
"""Between two batches: longer than it takes to look done."""


def hours(begin: int, end: int) -> Iterator[list[Reading]]:
    """Batches of an hour each, oldest first: the gate stood open, and its device said so every minute."""
    for start in range(begin, end, HOUR):
        stop = min(start + HOUR, end)
        said = [Reading("gw", "alive", time, True) for time in range(start, stop, 30 * SECOND)]
        yield said + [Reading("gerbang-1", "gate_open", time, True) for time in range(start, stop, MINUTE)]


def catch_up(world: World, begin: int, end: int, *, until: int) -> None:
    """What was buffered of a stretch comes until a moment of it, batch after batch. Heartbeats come live."""
    for batch in hours(begin, end):
        if batch[0].time >= until:
            return
        world.send(batch, epoch=OTHER)
        world.live(PAUSE / MINUTE)


def test_a_day_that_comes_slowly_makes_no_device_silent(world: World) -> None:
    world.live(1)
    begin, end = world.clock.now() - 24 * HOUR, world.clock.now()
    catch_up(world, begin, end, until=end - 2 * HOUR)
    assert world.clock.now() - end > 4 * MINUTE
    assert world.alerts() == []
    [place] = world.engine.villages.values()
    assert [hold.reason for hold in place.waits.values()] == ["catching_up"]
    catch_up(world, end - 2 * HOUR, world.clock.now(), until=world.clock.now())
    world.live(10, ("gerbang-1", "gate_open", True))
    assert world.alerts() == []
    assert not place.waits


def test_what_stays_away_once_the_present_is_reached_is_told_of_at_once(world: World) -> None:
    world.live(1)
    begin, end = world.clock.now() - 24 * HOUR, world.clock.now()
    catch_up(world, begin, end, until=end - 2 * HOUR)
    last = end - 2 * HOUR - MINUTE
    assert world.alerts() == []
    world.send([Reading("gw", "alive", world.clock.now(), True)], epoch=OTHER)
    world.live(1)
    [alert] = world.alerts()
    assert (alert.kind, alert.began_at) == ("device_silent", last)


def test_a_buffer_that_is_lost_midway_is_waited_for_as_long_as_a_village(world: World) -> None:
    world.live(1)
    begin, end = world.clock.now() - 24 * HOUR, world.clock.now()
    catch_up(world, begin, end, until=end - 12 * HOUR)
    gone = world.clock.now() - PAUSE
    world.live(6)
    [alert] = world.alerts()
    assert (alert.kind, alert.began_at) == ("device_silent", end - 12 * HOUR - MINUTE)
    assert alert.raised_at == gone + 5 * MINUTE


def test_a_buffer_whose_clock_is_wrong_is_not_waited_for_without_end(world: World) -> None:
    for _ in range(15):
        world.beat(("gerbang-1", "gate_open", True))
        world.let(MINUTE)
    last = world.clock.now() - MINUTE
    for _ in range(40):
        world.beat()
        world.send([Reading("gw-2", "alive", world.clock.now() - HOUR, True)], gateway="gw-2", epoch=OTHER)
        world.let(30 * SECOND)
    [alert] = world.alerts()
    assert (alert.kind, alert.began_at, alert.raised_at) == ("device_silent", last, last + 13 * MINUTE)


def test_a_line_that_is_now_slow_and_now_slower_is_not_waited_for_without_end(world: World) -> None:
    """All comes in order, a minute late, then two, then one again: it never comes nearer, and that is how it is."""
    shut = world.clock.now() + 5 * MINUTE
    kept: list[Reading] = []
    for step in range(60):
        kept += [Reading("gw", "alive", world.clock.now(), True)]
        kept += [Reading("gerbang-1", "gate_open", world.clock.now(), world.clock.now() < shut)]
        held = MINUTE if step % 6 < 3 else 2 * MINUTE
        come = [reading for reading in kept if reading.time <= world.clock.now() - held]
        kept = kept[len(come) :]
        if come:
            world.send(come)
        world.let(30 * SECOND)
    [alert] = [alert for alert in world.alerts() if alert.kind == "facility_failed"]
    assert alert.began_at == shut
    assert alert.raised_at <= shut + 9 * MINUTE  # its grace, what it is late, and the pace at which it is looked at


def test_a_past_that_comes_newest_first_is_not_waited_for(world: World) -> None:
    world.live(4)
    end = world.clock.now() - 2 * HOUR
    for batch in reversed(list(hours(end - 12 * HOUR, end))):
        world.send(batch, epoch=OTHER)
        world.let(SECOND)
    world.live(0.5)
    [alert] = world.alerts()
    assert (alert.kind, alert.began_at) == ("device_silent", end - MINUTE)


def test_an_engine_that_begins_anew_waits_as_the_one_before(world: World) -> None:
    world.live(1)
    begin, end = world.clock.now() - 24 * HOUR, world.clock.now()
    catch_up(world, begin, end, until=end - 12 * HOUR)
    world.restart()
    world.live(1)
    assert world.alerts() == []
    world.live(5)
    assert [alert.kind for alert in world.alerts()] == ["device_silent"]


def test_the_buffers_heard_last_are_remembered() -> None:
    link = Link(village="35.10.15.2012", listening_since=0, quiet_from=0)
    for number in range(40):
        link.note_buffer(("gw", "live"), number, number, number, 5 * MINUTE)
        link.note_buffer(("gw", f"lost {number}"), number, number, number, 5 * MINUTE)
    assert len(link.buffers) == 16
    assert {("gw", "live"), ("gw", "lost 39"), ("gw", "lost 25")} <= link.buffers.keys()
