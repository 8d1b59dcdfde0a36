"""`siaga simulate`: simulated devices against any broker."""

from pathlib import Path
from typing import Annotated

import typer

from siaga.run.cli.options import milliseconds
from siaga.run.cli.serving import serve

__all__ = ["simulate"]


def simulate(
    sites: Annotated[Path | None, typer.Option(help="The sites file whose devices are simulated.")] = None,
    scenario: Annotated[str | None, typer.Option(help="A scenario: a name of the library, or a file.")] = None,
    mqtt_url: Annotated[str, typer.Option(help="The broker that the devices speak to.")] = "mqtt://127.0.0.1:1883",
    faults: Annotated[Path | None, typer.Option(help="A timetable of faults, in YAML.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Where the ground truth is written, as JSON lines.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same devices. [1, or the scenario's]")
    ] = None,
    lasts: Annotated[str | None, typer.Option("--for", help="How long, such as 10m; without it until Ctrl-C.")] = None,
    every: Annotated[str | None, typer.Option(help="Report more often than the sites file says.")] = None,
    history: Annotated[
        str | None, typer.Option(help="First send so much past, such as 30d, as the villages' gateways would.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where siaga's pages are: a scenario's citizens complain there.")
    ] = None,
    gateway_id: Annotated[str, typer.Option("--gateway", help="The gateway's id in that past.")] = "gw",
) -> None:
    """Simulated devices against any broker, with their ground truth."""
    from firmware_sim.command import Plan, run

    plan = Plan(
        sites=sites,
        scenario=scenario,
        url=mqtt_url,
        pages=url,
        faults=faults,
        truth=truth,
        seed=seed,
        lasts=_length("--for", lasts),
        every=_length("--every", every),
        history=_length("--history", history),
        gateway=gateway_id,
    )
    serve(lambda stop: run(plan, stop))


def _length(option: str, text: str | None) -> int | None:
    return None if text is None else milliseconds(option, text)
