"""What `siaga simulate` does: the past if it is wanted, then devices in real time, and the truth into a file."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from firmware_sim.driver import Driver
from firmware_sim.faults import Timetable, random_faults, read_timetable
from firmware_sim.history import Batch, History
from firmware_sim.remote_gateway import RemoteGateways
from firmware_sim.scene import Scene
from firmware_sim.sites import SimulatedVillage, read_sites
from firmware_sim.truth import TruthFile
from firmware_sim.world import World

__all__ = ["Plan", "batches", "histories", "progress_bar", "run", "send_history"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for. Durations are milliseconds."""

    sites: Path
    url: str
    faults: Path | None = None
    truth: Path | None = None
    seed: int = 1
    lasts: int | None = None
    every: int | None = None
    history: int | None = None
    gateway: str = "gw"


def run(plan: Plan, stop: Event) -> None:
    """Simulate until it is over or `stop` is set.

    Raises:
        BadFile: the sites or the timetable have a mistake.
        ValueError: the broker's address has one.
    """
    villages = read_sites(plan.sites, plan.every)
    timetable = read_timetable(plan.faults, villages) if plan.faults else Timetable()
    for village in villages:
        if village.left_out:
            log.warning("not_simulated", devices=list(village.left_out))
    start = time.time_ns() // 1_000_000
    with _open(plan.truth) as truth:
        if plan.history:
            past = histories(villages, plan.gateway, start - plan.history, start, plan.seed)
            for one in past:
                truth.spans(one.scene, one.start, one.end)
            with progress_bar() as bar:
                task = bar.add_task("history", total=sum(one.chunks for one in past))
                send_history(plan.url, batches(past), stop, lambda _: bar.advance(task))
            start = time.time_ns() // 1_000_000
        _live(plan, villages, timetable, truth, start, stop)


def _live(
    plan: Plan,
    villages: Sequence[SimulatedVillage],
    timetable: Timetable,
    truth: TruthFile,
    start: int,
    stop: Event,
) -> None:
    world = World(villages, seed=plan.seed, start=start, timetable=timetable)
    driver = Driver(world, plan.url, truth)
    until = start + plan.lasts if plan.lasts else None
    with progress_bar() as bar:
        task = bar.add_task("devices online", total=len(world.devices))
        driver.run(stop, until, lambda: bar.update(task, completed=driver.online))
    end = time.time_ns() // 1_000_000
    for scene in world.scenes.values():
        truth.spans(scene, start, end)
    truth.flush()
    log.info("simulated", devices=len(world.devices), reports=truth.reports, acknowledged=truth.acknowledged)


def histories(
    villages: Sequence[SimulatedVillage], gateway: str, start: int, end: int, seed: int, every: int = 300_000
) -> list[History]:
    """The past of villages in `[start, end)` with random faults, reported every `every` ms."""
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
    """All batches, the newest of all villages first: what people look at first is there first."""
    for seq in range(max((one.chunks for one in past), default=0), 0, -1):
        for one in past:
            if seq <= one.chunks:
                yield one.batch(seq)


def send_history(url: str, some: Iterator[Batch], stop: Event, stored: Callable[[Batch], None]) -> bool:
    """Send batches by the gateways' wire; whether all were acknowledged before `stop` was set."""
    return RemoteGateways(url).send(some, stop, stored)


def progress_bar() -> Progress:
    """A bar on the terminal; nothing where standard error is not one."""
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
def _open(path: Path | None) -> Iterator[TruthFile]:
    if path is None:
        yield TruthFile(None)
        return
    with path.open("w", encoding="utf-8") as file:
        yield TruthFile(file)
