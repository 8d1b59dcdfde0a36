"""`siaga verify`: run a scenario against a running siaga, and hold what it says against what was so."""

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from siaga.run.cli.options import milliseconds

if TYPE_CHECKING:
    from siaga.verify import Comparison

__all__ = ["verify"]


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
    from firmware_sim.scenario import library, load

    if list_all:
        for name in library():
            typer.echo(f"{name:20} {load(name).title}")
        return
    patience = milliseconds("--settle", settle) / 1000
    length = milliseconds("--for", lasts) if lasts else None
    if scenario is None and (truth is None or speed is not None):
        raise ValueError(f"which scenario? write a file's name or one of {', '.join(library())}")
    chosen = load(scenario, sites=sites, seed=seed, lasts=length) if scenario else None
    if chosen and print_sites:
        typer.echo(chosen.sites_yaml, nl=False)
        return
    from siaga.model.clock import FastClock
    from siaga.run.logs import set_up_logs
    from siaga.run.verifying import own_siaga, play, refuse_strangers, settled
    from siaga.verify import Answers

    if chosen and speed is not None:
        set_up_logs()
        clock = FastClock(speed)
        with own_siaga(chosen, clock) as (own, broker):
            figures = play(chosen, broker, own, patience, truth, past=past, clock=clock.now, speed=speed)
        _end(figures, as_json=as_json)
    with contextlib.closing(Answers(url, token)) as answers:
        if chosen:
            refuse_strangers(chosen, answers)
            _end(play(chosen, mqtt_url, answers, patience, truth, past=past), as_json=as_json)
        elif truth:
            _end(settled(truth, answers, patience), as_json=as_json)


def _end(comparison: "Comparison", *, as_json: bool) -> NoReturn:
    """Print it, and end with the status that says it."""
    from rich.console import Console

    from siaga.verify import table

    if as_json:
        typer.echo(json.dumps(comparison.document(), indent=2))
    else:
        Console().print(table(comparison))
    raise typer.Exit(0 if comparison.agrees else 1)
