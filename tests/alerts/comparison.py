"""Random histories by the number: what the engine tells of each is held to what the reference tells.

    python -m tests.alerts.comparison 1-2000

What the reference tells with every slack has to be told, and nothing may be told that it tells with none; what is in
between hangs on seconds which jitter decides. A history that differs is shown at once, with as few episodes as show it,
and the next one follows.
"""

# ruff: noqa: T201 - run by hand it speaks to people

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from siaga.model.clock import MINUTE, SECOND
from siaga.model.intervals import Interval
from tests.alerts.histories import Episode, Health, History, drawn
from tests.alerts.reference import NOBODY, SLACKS, Reference, Told, Views
from tests.alerts.world import World, looking_seldom
from tests.memory import keep_files_in_memory
from tests.simulation.disks import SimulatedStore
from tests.simulation.kernel import Kernel
from tests.timeline.brute_force import BruteForce

__all__ = ["Comparison", "compare"]

SETTLES = 2 * MINUTE
EVERY = 100
"""Histories from one line of progress to the next."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the engine tells of one history; what it has to tell, whatever jitter decides, and what it may tell.

    And when it says in the end that the village was dark, beside the truth.
    """

    found: Sequence[Told]
    certain: frozenset[Told]
    possible: frozenset[Told]
    dark: Sequence[Interval]
    truly_dark: Sequence[Interval]

    @property
    def missing(self) -> list[Told]:
        """What had to be told and was not."""
        return sorted(self.certain.difference(self.found), key=str)

    @property
    def wrong(self) -> list[Told]:
        """What was told and must not be, or more than once."""
        vague = {told[:2] for told in self.possible if told[2] == NOBODY}
        often = Counter(self.found)
        return sorted(
            (told for told in often if often[told] > 1 or (told not in self.possible and told[:2] not in vague)),
            key=str,
        )

    @property
    def differs(self) -> bool:
        """Whether the engine and the reference do not agree."""
        return bool(self.missing or self.wrong or self.dark != self.truly_dark)


def compare(history: History) -> Comparison:
    """Let a history happen, and hold what the engine tells of it to the reference."""
    views = Views(history)
    told = [frozenset(Reference(history, views, slack).alerts()) for slack in SLACKS]
    with tempfile.TemporaryDirectory() as directory, looking_seldom():
        found, dark = _lived(history, Path(directory))
    truth = BruteForce(
        history.village, history.village.facilities[0], [r for _, batch in history.arrivals for r in batch]
    )
    return Comparison(found, frozenset.intersection(*told), frozenset.union(*told), dark, truth.dark())


def _lived(history: History, directory: Path) -> tuple[list[Told], list[Interval]]:
    """What the engine tells of a history; and what was dark, once engine and store are there and nothing is late."""
    world = World(directory, history.village, now=history.start, store=SimulatedStore(Kernel(1, 0), lambda _: None))
    try:
        _live(world, history)
        found = [(alert.kind, alert.subject, alert.began_at, alert.ended_at) for alert in world.alerts()]
        if not world.running:
            world.start()
        world.centre.held = False
        world.let(SETTLES)
        return found, world.dark()
    finally:
        world.close()


def _live(world: World, history: History) -> None:
    """Let a history happen."""
    chance = random.Random(f"{history.seed} engine")
    steps: list[tuple[int, int, object]] = [(at, 1, what) for at, what in [*history.arrivals, *history.health]]
    for each in history.during("engine", "store"):
        ends = 2 if each.end > each.start else 0  # in no time nothing comes
        steps += [(at, order, each) for at, order in ((each.start, 0), (each.end, ends)) if at < history.end]
    for at, _, what in sorted(steps, key=lambda step: (step[0], step[1])):
        _pass_time(world, at)
        match what:
            case Episode(kind="store"):
                world.centre.held = any(store.holds(at) for store in history.during("store"))
            case Episode() if at == what.start and world.running:
                world.stop(clean=chance.random() < 0.5)
            case Episode():
                if not world.running and not any(away.holds(at) for away in history.during("engine")):
                    world.start()
            case Health(full=full, skewed=skewed):
                clocks = {device: (3600.0, since / SECOND) for device, since in skewed.items()}
                world.health(0.9 if full else 0.1, settle=world.running, skewed=clocks)
            case list():
                world.send(what, settle=world.running)
                world.centre.work()
    _pass_time(world, history.end)


def _pass_time(world: World, until: int) -> None:
    if world.running:
        world.until(until)
    else:
        world.clock.advance(max(0, until - world.clock.now()))


# By hand


def smallest(history: History) -> History:
    """The same history with as few episodes, and as little jitter, as still differs: each is left out in turn."""
    without = [
        replace(history, episodes=(*history.episodes[:n], *history.episodes[n + 1 :]))
        for n in range(len(history.episodes))
    ]
    if history.jitter:
        without.append(replace(history, jitter=0))
    return next((smallest(fewer) for fewer in without if compare(fewer).differs), history)


def shown(history: History) -> str:
    """A history in the words of `told_history`, seconds from its start."""
    first = history.village.facilities[0]
    lines = [
        f"    {(each.kind, (each.start - history.start) // 1000, (each.end - history.start) // 1000, *_of(each))},"
        for each in sorted(history.episodes, key=lambda each: each.start)
    ]
    held_to = f"grace={first.grace}, recovery={first.recovery}, needs={str(first.needs)!r}"
    return "\n".join([f"    start={history.start}, {held_to}, jitter={history.jitter}, seed={history.seed}", *lines])


def _of(episode: Episode) -> list[str]:
    return [said for said in (episode.device, episode.signal) if said]


def by_hand(numbers: range) -> int:
    """Compare the histories of some numbers, and say what came of it; how many differ."""
    began, certain, unsure, failed = time.monotonic(), Counter[str](), Counter[str](), []
    for done, number in enumerate(numbers, 1):
        comparison = compare(drawn(number))
        certain.update(kind for kind, *_ in comparison.certain)
        unsure.update(told[0] for told in comparison.found if told not in comparison.certain)
        if comparison.differs:
            failed.append(number)
            _show(number)
        if done % EVERY == 0 or number == numbers[-1]:
            print(
                f"{done} histories in {time.monotonic() - began:.0f} s, {len(failed)} differ {failed}\n"
                f"  alerts that had to be told: {certain.total()} {dict(certain)}\n"
                f"  others, which hang on jitter and might be told: {unsure.total()} {dict(unsure)}",
                flush=True,
            )
    return len(failed)


def _show(number: int) -> None:
    fewest = smallest(drawn(number))
    comparison = compare(fewest)
    print(f"history {number} differs; the smallest like it:\n{shown(fewest)}")
    if comparison.dark != comparison.truly_dark:
        print(f"    dark: {comparison.dark}, truly {comparison.truly_dark}")
    for name, alerts in (("missing", comparison.missing), ("wrong", comparison.wrong)):
        for kind, subject, *times in alerts:
            since = [time if time is None else (time - fewest.start) / SECOND for time in times]
            print(f"    {name}: {kind} {subject}, from {since[0]} to {since[1]}", flush=True)


if __name__ == "__main__":
    keep_files_in_memory()
    first, _, last = sys.argv[1].partition("-")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    sys.exit(min(1, by_hand(range(int(first), int(last or first) + 1))))
