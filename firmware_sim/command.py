"""`siaga simulate`: sends the past if requested, runs devices in real time, writes the truth into a file."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from firmware_sim.citizens import Citizens, Visit
from firmware_sim.faults import random_faults
from firmware_sim.history import Batch, History
from firmware_sim.remote_gateway import RemoteGateways
from firmware_sim.scenario import load
from firmware_sim.scene import Scene
from firmware_sim.simulation import Simulation
from firmware_sim.sites import SimulatedVillage, read_sites
from firmware_sim.timetable import Timetable, read_timetable
from firmware_sim.truth import TruthFile

__all__ = ["Plan", "batches", "histories", "open_truth", "progress_bar", "run", "send_history"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of `siaga simulate`. Durations in ms.

    `lasts`: how long it runs; `None` for ever. `every`: the interval of all devices. `history`: how much past to send.
    `pages`: where a scenario's citizens complain; `None`: they stay away.
    """

    url: str
    pages: str | None = None
    sites: Path | None = None
    scenario: str | None = None
    faults: Path | None = None
    truth: Path | None = None
    seed: int | None = None
    lasts: int | None = None
    every: int | None = None
    history: int | None = None
    gateway: str = "gw"


def run(plan: Plan, stop: Event) -> None:
    """Simulate until the run is over or `stop` is set.

    Raises:
        BadFile: the scenario, the sites file or the timetable has a mistake.
        ValueError: the broker's address is not valid.
    """
    start, lasts = _now(), plan.lasts
    visits: list[Visit] = []
    if plan.scenario is not None:
        scenario = load(plan.scenario, sites=plan.sites, seed=plan.seed, lasts=plan.lasts)
        villages, timetable, faults = scenario.villages, Timetable(), scenario.faults(start)
        visits = scenario.visits(start)
        lasts = scenario.lasts
        seed, name = scenario.seed, scenario.name
    elif plan.sites is not None:
        villages = read_sites(plan.sites, plan.every)
        timetable = read_timetable(plan.faults, villages, plan.lasts) if plan.faults else Timetable()
        faults, seed, name = [], 1 if plan.seed is None else plan.seed, ""
    else:
        raise ValueError("what is to be simulated? write --sites FILE or --scenario NAME")
    for village in villages:
        if village.left_out:
            log.warning("not_simulated", devices=list(village.left_out))
    if visits and plan.pages is None:
        log.warning("citizens_stay_away", citizens=len(visits))
    with open_truth(plan.truth) as truth:
        if plan.history:
            past = histories(villages, plan.gateway, start - plan.history, start, seed)
            for one in past:
                truth.spans(one.scene, one.start, one.end)
            with progress_bar() as bar:
                task = bar.add_task("history", total=sum(one.chunks for one in past))
                send_history(plan.url, batches(past), stop, lambda _: bar.advance(task))
            start = _now()
        simulation = Simulation(
            villages,
            plan.url,
            truth,
            start=start,
            lasts=lasts,
            seed=seed,
            faults=faults,
            timetable=timetable,
            gateway=plan.gateway,
            name=name,
            citizens=Citizens(plan.pages, visits, _now) if plan.pages and visits else None,
        )
        _live(simulation, truth, stop)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _live(simulation: Simulation, truth: TruthFile, stop: Event) -> None:
    over = _Either(stop, simulation.reached)
    with progress_bar() as bar:
        task = bar.add_task("devices online", total=len(simulation.world.devices))
        simulation.run(over, lambda: bar.update(task, completed=simulation.online))
    log.info(
        "simulated",
        devices=len(simulation.world.devices),
        reports=truth.reports,
        acknowledged=truth.acknowledged,
    )


class _Either(Event):
    """An event that is set if either of two events is set."""

    def __init__(self, one: Event, other: Event) -> None:
        super().__init__()
        self._one, self._other = one, other

    def is_set(self) -> bool:
        return self._one.is_set() or self._other.is_set()


def histories(
    villages: Sequence[SimulatedVillage], gateway: str, start: int, end: int, seed: int, every: int = 300_000
) -> list[History]:
    """Returns the past of villages in `[start, end)` with random faults, reported every `every` ms."""
    return [
        History(
            Scene(village, random_faults(village, start, end, seed), seed, start),
            gateway,
            start=start,
            end=end,
            every=every,
            seed=seed,
        )
        for village in villages
    ]


def batches(past: Sequence[History]) -> Iterator[Batch]:
    """Yields all batches, the newest of all villages first, because people look at those first."""
    for seq in range(max((one.chunks for one in past), default=0), 0, -1):
        for one in past:
            if seq <= one.chunks:
                yield one.batch(seq)


def send_history(url: str, some: Iterator[Batch], stop: Event, stored: Callable[[Batch], None]) -> bool:
    """Send batches as gateways do. Returns whether all were acknowledged before `stop` was set."""
    return RemoteGateways(url).send(some, stop, stored)


def progress_bar() -> Progress:
    """Returns a progress bar, which is disabled if standard error is not a terminal."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


@contextlib.contextmanager
def open_truth(path: Path | None) -> Iterator[TruthFile]:
    """Open the truth file. Without a path, it only counts."""
    if path is None:
        yield TruthFile(None)
        return
    with path.open("w", encoding="utf-8") as file:
        yield TruthFile(file)
