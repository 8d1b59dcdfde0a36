"""`siaga verify`: run a scenario against a running siaga, and hold what it says against what was so."""

import contextlib
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from siaga.model.clock import FastClock
from siaga.run.logs import set_up_logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_sim.scenario import Scenario
    from firmware_sim.simulation import Simulation
    from siaga.verify import Answers, Comparison

__all__ = ["register"]

ASK_EVERY = 2.0
"""Seconds between two looks at what siaga says, until it agrees."""
BROKER_WITHIN = 15.0
"""Seconds for which a broker may be away."""
READY_WITHIN = 60.0
"""Seconds that a siaga in this process may take to start."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    scenario: Annotated[str | None, typer.Argument(help="A name of the library, or a file.")] = None,
    url: Annotated[str, typer.Option(help="Where siaga's API is.")] = "http://127.0.0.1:8000",
    token: Annotated[str, typer.Option(envvar="SIAGA_TOKEN", help="An API token.", show_envvar=True)] = "",
    mqtt_url: Annotated[
        str, typer.Option(help="The broker that devices and gateways speak to.")
    ] = "mqtt://127.0.0.1:1883",
    speed: Annotated[
        float | None,
        typer.Option(min=1, help="Ask no running siaga, but one in this process on a clock that runs so much faster."),
    ] = None,
    sites: Annotated[Path | None, typer.Option(help="Play it in these villages instead of its own.")] = None,
    past: Annotated[
        bool, typer.Option("--past", help="As if it ended now: at full speed, by the gateways' wire.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Another seed than the scenario's.")] = None,
    lasts: Annotated[str | None, typer.Option("--for", help="Another length, such as 30m.")] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Keep the truth here; without a scenario: compare with it.")
    ] = None,
    settle: Annotated[str, typer.Option(help="How long siaga may take to agree after the end.")] = "90s",
    as_json: Annotated[bool, typer.Option("--json", help="The comparison as JSON.")] = False,
    print_sites: Annotated[bool, typer.Option("--print-sites", help="Print its sites file, and do no more.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the scenarios of the library.")] = False,
) -> None:
    """Run a scenario against a running siaga and compare its answers with the truth. Exit status 1: they differ."""
    from firmware_sim.scenario import library, load  # noqa: PLC0415
    from siaga.verify import Answers  # noqa: PLC0415

    if list_all:
        for name in library():
            typer.echo(f"{name:20} {load(name).title}")
        return
    patience = _milliseconds("--settle", settle) / 1000
    length = _milliseconds("--for", lasts) if lasts else None
    if scenario is None and (truth is None or speed is not None):
        raise ValueError(f"which scenario? write a file's name or one of {', '.join(library())}")
    chosen = load(scenario, sites=sites, seed=seed, lasts=length) if scenario else None
    if chosen and print_sites:
        typer.echo(chosen.sites_yaml, nl=False)
        return
    if chosen and speed is not None:
        set_up_logs()
        clock = FastClock(speed)
        with _own_siaga(chosen, clock) as (own, broker):
            figures = _run(chosen, broker, own, patience, truth, past=past, clock=clock.now, speed=speed)
        _end(figures, as_json=as_json)
    with contextlib.closing(Answers(url, token)) as answers:
        if chosen:
            _refuse_strangers(chosen, answers)
            _end(_run(chosen, mqtt_url, answers, patience, truth, past=past), as_json=as_json)
        elif truth:
            _end(_settled(truth, answers, patience), as_json=as_json)


def _milliseconds(option: str, text: str) -> int:
    from firmware_sim.sites import duration  # noqa: PLC0415

    try:
        return duration(text)
    except ValueError as problem:
        raise ValueError(f"{option}: {problem}") from None


def _refuse_strangers(scenario: "Scenario", answers: "Answers") -> None:
    """siaga has to be ready, and to know the scenario's villages."""
    from siaga.verify import CannotAsk  # noqa: PLC0415

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
def _own_siaga(scenario: "Scenario", clock: FastClock) -> Iterator[tuple["Answers", str]]:
    """A siaga in this process and a directory of its own, which knows the scenario's villages: its API, its broker.

    What it is told elsewhere, by the environment or `siaga.toml`, is not for it: it must not write into a store in use.
    """
    from siaga.model.caller import Role  # noqa: PLC0415
    from siaga.run.services import create_token  # noqa: PLC0415
    from siaga.run.settings import Settings  # noqa: PLC0415
    from siaga.run.system import System  # noqa: PLC0415
    from siaga.sites.on_disk import read_sites_file  # noqa: PLC0415
    from siaga.verify import Answers, CannotAsk  # noqa: PLC0415

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


def _run(
    scenario: "Scenario",
    mqtt_url: str,
    answers: "Answers",
    patience: float,
    keep: Path | None,
    *,
    past: bool,
    clock: "Callable[[], int]" = _now,
    speed: float = 1,
) -> "Comparison":
    from firmware_sim.command import open_truth  # noqa: PLC0415
    from firmware_sim.simulation import Simulation  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="siaga-verify-") as directory:
        path = keep or Path(directory) / "truth.jsonl"
        with open_truth(path) as file:
            now = clock()
            start = now - scenario.lasts if past else now
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
            )
            with _running(simulation) as thread:
                _wait(simulation, thread)
                return _settled(path, answers, patience)


@contextlib.contextmanager
def _running(simulation: "Simulation") -> Iterator[threading.Thread]:
    """The devices live on while siaga is asked."""
    stop = threading.Event()
    thread = threading.Thread(target=simulation.run, args=(stop,), name="simulation", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(15)


def _wait(simulation: "Simulation", thread: threading.Thread) -> None:
    """Until the scenario has lasted.

    Raises:
        CannotAsk: there is no broker to play it to, or it broke off.
    """
    from firmware_sim.command import progress_bar  # noqa: PLC0415
    from siaga.verify import CannotAsk  # noqa: PLC0415

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


def _settled(path: Path, answers: "Answers", patience: float) -> "Comparison":
    """The comparison, once siaga agrees or its time is over."""
    from siaga.verify import compare, read_truth  # noqa: PLC0415

    deadline = time.monotonic() + patience
    while True:
        comparison = compare(read_truth(path), answers)
        if comparison.agrees or time.monotonic() > deadline:
            return comparison
        time.sleep(ASK_EVERY)


def _end(comparison: "Comparison", *, as_json: bool) -> NoReturn:
    """Print it, and end with the status that says it."""
    from rich.console import Console  # noqa: PLC0415

    from siaga.verify import table  # noqa: PLC0415

    if as_json:
        typer.echo(json.dumps(comparison.document(), indent=2))
    else:
        Console().print(table(comparison))
    raise typer.Exit(0 if comparison.agrees else 1)
