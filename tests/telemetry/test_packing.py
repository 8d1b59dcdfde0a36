"""Bodies are compressed until requests are so quick that the line would carry them as they are."""

from siaga.model.clock import MINUTE, ManualClock
from siaga.telemetry.pace import MOST
from siaga.telemetry.packing import FIRST_PAUSE, LONGEST_PAUSE, QUICK, TELLING, TRIAL, Packing

LARGE = 2 * TELLING
EACH_QUICK, EACH_SLOW = QUICK / 2, 2 * QUICK


def send(packing: Packing, each: float, lines: int = LARGE) -> bool:
    """Returns whether a request was compressed, which took so many seconds a line."""
    packed = packing.packs
    packing.took(lines, each * lines, packed=packed)
    return packed


def test_a_quick_line_carries_what_is_not_compressed() -> None:
    packing = Packing(ManualClock(0))
    assert packing.lines == MOST
    assert send(packing, EACH_QUICK)
    assert packing.lines == TRIAL, "the first one is small"
    assert not send(packing, EACH_QUICK)
    assert packing.lines == MOST
    assert not send(packing, EACH_QUICK)


def test_a_slow_line_never_does() -> None:
    packing = Packing(ManualClock(0))
    assert all(send(packing, EACH_SLOW) for _ in range(100))


def test_a_small_request_tells_nothing() -> None:
    packing = Packing(ManualClock(0))
    assert all(send(packing, 0, lines=TELLING - 1) for _ in range(10))
    send(packing, EACH_QUICK)
    assert not send(packing, 1.0, lines=TELLING - 1)
    assert not packing.packs


def test_a_line_that_is_only_quick_enough_for_compressed_bodies_is_tried_more_and_more_rarely() -> None:
    clock = ManualClock(0)
    packing = Packing(clock)
    tried = []
    for minute in range(24 * 60):
        if not send(packing, EACH_QUICK if packing.packs else EACH_SLOW):
            tried.append(minute)
        clock.advance(MINUTE)
    assert len(tried) < 35
    assert tried[-1] - tried[-2] <= LONGEST_PAUSE / MINUTE + 2


def test_a_line_that_becomes_slow_gets_compressed_bodies_at_once() -> None:
    clock = ManualClock(0)
    packing = Packing(clock)
    send(packing, EACH_QUICK)
    send(packing, EACH_QUICK)
    assert not send(packing, EACH_SLOW)
    assert send(packing, EACH_QUICK)
    assert packing.packs, "for a while"
    clock.advance(FIRST_PAUSE)
    send(packing, EACH_QUICK)
    assert not packing.packs
