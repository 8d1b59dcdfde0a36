"""`siaga broker`: the files of the centre's broker."""

from pathlib import Path
from typing import Annotated

import typer

from siaga.run.cli.options import BrokerDir

__all__ = ["broker"]

broker = typer.Typer(help="The files of the centre's broker.", no_args_is_help=True)


@broker.callback()
def _root() -> None:
    """The files of the centre's broker."""


@broker.command()
def setup(
    secret_dir: Annotated[
        Path, typer.Option("--secrets", help="Where the services' own URLs with their passwords are kept.")
    ] = Path("secrets"),
    service_url: Annotated[
        str, typer.Option("--service-url", help="The broker's address for siaga's own services.")
    ] = "mqtt://127.0.0.1:1883",
    broker_dir: BrokerDir = None,
    renew: Annotated[bool, typer.Option("--renew", help="Make a new certificate for the broker.")] = False,
) -> None:
    """Make what a broker needs to start: accounts of siaga's services, certificates, rules. What is there stays."""
    from siaga.run.credentials import set_up_broker
    from siaga.run.settings import load_settings

    made = set_up_broker(load_settings({"broker_dir": broker_dir}), secret_dir, service_url, renew=renew)
    for sentence in made or ["everything is there already"]:
        typer.echo(sentence, err=True)
