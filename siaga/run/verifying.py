"""A scenario against a siaga: played to its broker, and what siaga answers compared with the truth."""

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from firmware_sim.citizens import Citizens
from firmware_sim.command import open_truth, progress_bar
from firmware_sim.scenario import Scenario
from firmware_sim.simulation import Simulation
from siaga.model.caller import Role
from siaga.model.clock import FastClock
from siaga.run.services import create_token
from siaga.run.settings import Settings
from siaga.run.system import System
from siaga.sites.on_disk import read_sites_file
from siaga.verify import Answers, CannotAsk, Comparison, compare, read_truth

__all__ = ["own_siaga", "play", "refuse_strangers", "settled"]

ASK_EVERY = 2.0
"""Seconds between two looks at what siaga says, until it agrees."""
BROKER_WITHIN = 15.0
"""Seconds for which a broker may be away."""
READY_WITHIN = 60.0
"""Seconds that a siaga in this process may take to start."""


def refuse_strangers(scenario: Scenario, answers: Answers) -> None:
    """Make sure that siaga is ready and knows the scenario's villages.

    Raises:
        CannotAsk: it is not, or does not.
    """
    if (reason := answers.ready()) is not None:
        raise CannotAsk(reason)
    known = answers.facilities()
    wanted = [f"{v.code}/{f.id}" for v in scenario.villages for f in v.facilities if f.kind != "power"]
    missing = [facility for facility in wanted if facility not in known]
    if missing:
        raise CannotAsk(
            f"siaga does not know {missing[0]} ({len(missing)} of {len(wanted)} facilities): import the scenario's "
            f"villages by siaga verify {scenario.name} --print-sites > sites.yaml, siaga import sites.yaml"
        )


@contextlib.contextmanager
def own_siaga(scenario: Scenario, clock: FastClock) -> Iterator[tuple[Answers, str]]:
    """Run a siaga in this process and in a directory of its own, with the scenario's villages. Yields API and broker.

    What it is told elsewhere, by the environment or `siaga.toml`, is not for it: it must not write into a store in use.
    """
    with tempfile.TemporaryDirectory(prefix="siaga-verify-") as directory:
        sites = Path(directory) / "sites.yaml"
        sites.write_text(scenario.sites_yaml, encoding="utf-8")
        settings = Settings.model_construct(data_dir=Path(directory), mqtt_port=_free_port(), http_port=_free_port())
        token = create_token(settings, Role.VIEWER, "verify")
        system = System(settings, clock)
        try:
            system.start(read_sites_file(sites), threading.Event())
            with contextlib.closing(Answers(system.url, token)) as answers:
                deadline = time.monotonic() + READY_WITHIN
                while (reason := answers.ready()) is not None:
                    if time.monotonic() > deadline:
                        raise CannotAsk(reason)
                    time.sleep(0.1)
                yield answers, settings.central_broker
        finally:
            system.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _now() -> int:
    return time.time_ns() // 1_000_000


def play(
    scenario: Scenario,
    mqtt_url: str,
    answers: Answers,
    patience: float,
    keep: Path | None,
    *,
    past: bool,
    clock: Callable[[], int] = _now,
    speed: float = 1,
) -> Comparison:
    """Play a scenario to a broker. Returns the comparison of siaga's answers with the truth.

    Args:
        patience: seconds for which siaga may disagree after the end.
        keep: the file for the truth; `None`: it is not kept.
        past: play it at once, with times that end now.

    Raises:
        CannotAsk: the broker or siaga is down, or the scenario was aborted.
    """
    with tempfile.TemporaryDirectory(prefix="siaga-verify-") as directory:
        path = keep or Path(directory) / "truth.jsonl"
        with open_truth(path) as file:
            now = clock()
            start = now - scenario.lasts if past else now
            visits = scenario.visits(start)
            simulation = Simulation(
                scenario.villages,
                mqtt_url,
                file,
                start=start,
                lasts=scenario.lasts,
                seed=scenario.seed,
                faults=scenario.faults(start),
                name=scenario.name,
                clock=clock,
                speed=speed,
                citizens=Citizens(answers.url, visits, clock, speed) if visits else None,
            )
            with _running(simulation) as thread:
                _wait(simulation, thread)
                return settled(path, answers, patience)


@contextlib.contextmanager
def _running(simulation: Simulation) -> Iterator[threading.Thread]:
    """The devices live on while siaga is asked."""
    stop = threading.Event()
    thread = threading.Thread(target=simulation.run, args=(stop,), name="simulation", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(15)


def _wait(simulation: Simulation, thread: threading.Thread) -> None:
    """Until the scenario has lasted.

    Raises:
        CannotAsk: there is no broker to play it to, or it broke off.
    """
    fine = time.monotonic()
    total = max(1, (simulation.end or 0) - simulation.start)
    with progress_bar() as bar:
        task = bar.add_task("scenario, seconds", total=total // 1000)
        while not simulation.reached.wait(0.2):
            bar.update(task, completed=min(total, simulation.now - simulation.start) // 1000)
            if simulation.problem is None:
                fine = time.monotonic()
            elif time.monotonic() - fine > BROKER_WITHIN:
                raise CannotAsk(f"{simulation.problem}: is --mqtt-url right?")
            if not thread.is_alive():
                raise CannotAsk("the scenario broke off before its end: what was logged says why")


def settled(path: Path, answers: Answers, patience: float) -> Comparison:
    """Returns the comparison with the truth in a file, once siaga agrees or after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        comparison = compare(read_truth(path), answers)
        if comparison.agrees or time.monotonic() > deadline:
            return comparison
        time.sleep(ASK_EVERY)
