"""Jitter, order, duplicates, late batches, lost links and new engines neither delay nor double an alert, nor date it
anew: what the engine tells of a random history is what a reference tells that sees the whole truth.

Thousands of histories: `python -m tests.alerts.test_equals_reference 2000`.
"""

# ruff: noqa: T201 - run by hand it speaks to people

import random
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings

from siaga.clock import HOUR
from tests.alerts.histories import Episode, History, histories
from tests.alerts.reference import SLACKS, Reference, Told
from tests.alerts.world import World, looking_seldom
from tests.simulation.disks import SimulatedStore
from tests.simulation.kernel import Kernel

OFTEN = 4
"""An alert that was raised so often within an hour is held open."""


def expected(history: History) -> list[Told] | None:
    """What the reference tells; `None` where that hangs on seconds that jitter decides."""
    told = [Reference(history, slack).alerts() for slack in SLACKS]
    if any(other != told[0] for other in told):
        return None
    begins: dict[tuple[str, str], list[int]] = {}
    for kind, subject, began, _ in told[0]:
        begins.setdefault((kind, subject), []).append(began)
    often = any(then - first < 2 * HOUR for all_ in begins.values() for first, then in zip(all_, all_[OFTEN - 1 :]))  # noqa: B905 - pairs
    return None if often else told[0]


def told(world: World) -> list[Told]:
    found = [(alert.kind, alert.subject, alert.began_at, alert.ended_at) for alert in world.alerts()]
    return sorted(found, key=lambda told: (told[0], told[1], told[2]))


def live(world: World, history: History) -> None:
    """Let a history happen."""
    chance = random.Random(f"{history.seed} engine")
    steps: list[tuple[int, int, object]] = [(at, 1, batch) for at, batch in history.arrivals]
    for each in history.during("engine", "store"):
        ends = 2 if each.end > each.start else 0  # in no time nothing comes
        steps += [(at, order, each) for at, order in ((each.start, 0), (each.end, ends)) if at < history.end]
    for at, _, what in sorted(steps, key=lambda step: (step[0], step[1])):
        pass_time(world, at)
        match what:
            case Episode(kind="store"):
                world.centre.held = any(store.holds(at) for store in history.during("store"))
            case Episode() if at == what.start and world.running:
                world.stop(clean=chance.random() < 0.5)
            case Episode():
                if not world.running and not any(away.holds(at) for away in history.during("engine")):
                    world.start()
            case list():
                world.send(what, settle=world.running)
                world.centre.work()
    pass_time(world, history.end)


def pass_time(world: World, until: int) -> None:
    if world.running:
        world.until(until)
    else:
        world.clock.advance(max(0, until - world.clock.now()))


def compare(history: History) -> None:
    """Hold the engine to the reference over one history, if that can be told."""
    truth = expected(history)
    assume(truth is not None)
    with tempfile.TemporaryDirectory() as directory, looking_seldom():
        found = lived(history, Path(directory))
    assert found == truth, history.episodes


def lived(history: History, directory: Path) -> list[Told]:
    """What the engine tells of a history."""
    world = World(directory, history.village, now=history.start, store=SimulatedStore(Kernel(1, 0), lambda _: None))
    try:
        live(world, history)
        return told(world)
    finally:
        world.close()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories())
def test_what_is_told_is_what_the_reference_tells(history: History) -> None:
    compare(history)


def by_hand(examples: int) -> None:
    """Compare so many histories, others each time."""
    began, compared, alerts = time.monotonic(), 0, 0

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(histories())
    def each(history: History) -> None:
        nonlocal compared, alerts
        compare(history)
        compared += 1
        alerts += len(expected(history) or ())

    each()
    print(f"{compared} histories with {alerts} alerts compared in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    by_hand(int(sys.argv[1]))
