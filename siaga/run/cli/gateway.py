"""`siaga gateway`: run one; `check` and `devices` for who is on site; `credentials` for the district."""

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import (
    BrokerDir,
    DatabaseUrl,
    DataDir,
    GatewayFileOption,
    MqttUrl,
    Sites,
    VillageCode,
    VillageMqttUrl,
)
from siaga.run.cli.serving import logged, serve

if TYPE_CHECKING:
    from siaga.mqtt import Tls
    from siaga.mqtt.transport import Message
    from siaga.run.settings import Settings

__all__ = ["gateways"]

gateways = typer.Typer(
    help="Run one village's gateway; `check` and `devices` look at one that runs.", invoke_without_command=True
)

CONNECT_WITHIN = 10.0
"""Seconds that a broker may take to answer."""


@gateways.callback()
def gateway(
    context: typer.Context,
    data_dir: DataDir = None,
    sites: Sites = None,
    village: VillageCode = None,
    mqtt_url: MqttUrl = None,
    village_mqtt_url: VillageMqttUrl = None,
    gateway_file: GatewayFileOption = None,
) -> None:
    """Run one village's gateway; `check` and `devices` look at one that runs."""
    flags = {
        "gateway_file": gateway_file,
        "data_dir": data_dir,
        "sites": sites,
        "village": village,
        "mqtt_url": mqtt_url,
        "village_mqtt_url": village_mqtt_url,
    }
    if context.invoked_subcommand is not None:
        context.obj = flags
        return
    from siaga.run.settings import load_settings
    from siaga.run.village_gateway import run_gateway

    serve(lambda stop: run_gateway(logged(load_settings(flags)), stop))


def _settings(context: typer.Context, **flags: object) -> "Settings":
    from siaga.run.settings import load_settings

    before: dict[str, object] = context.obj
    return load_settings(before | {key: value for key, value in flags.items() if value is not None})


@gateways.command()
def check(context: typer.Context, data_dir: DataDir = None) -> None:
    """Say what works: broker, link, time, disk, each device. Exit status 1 when something does not."""
    from gateway.check import check as looked_at
    from gateway.status_socket import NoGateway, read_status

    settings = _settings(context, data_dir=data_dir)
    try:
        lines = looked_at(read_status(settings.data_dir))
    except NoGateway as problem:
        typer.echo(f"no   gateway: {problem}: is it running, with this data directory?")
        raise typer.Exit(1) from None
    width = max(len(line.what) for line in lines)
    for line in lines:
        word = {True: "ok", False: "NO", None: "note"}[line.good]
        typer.echo(f"{word:<4} {line.what:<{width}}  {line.sentence}")
    if any(line.good is False for line in lines):
        raise typer.Exit(1)


@gateways.command()
def devices(
    context: typer.Context,
    sites: Sites = None,
    village: VillageCode = None,
    village_mqtt_url: VillageMqttUrl = None,
    seconds: Annotated[float, typer.Option("--for", min=1, max=3600, help="Seconds to listen.")] = 10.0,
) -> None:
    """List what is heard on the village's broker and not in the sites file, to paste; then who never spoke."""
    from gateway.discovery import Discovery
    from gateway.status_socket import NoGateway, read_status
    from siaga.run.village_gateway import placed

    settings = _settings(context, sites=sites, village=village, village_mqtt_url=village_mqtt_url)
    place = placed(settings)
    found = Discovery([place.village])
    _listen(place.village_url, place.village_tls, seconds, found.hear)
    typer.echo(f"# {found.messages} messages in {seconds:g} s; not in the sites file: {len(found.found)}")
    for each in found.devices():
        typer.echo(f"{each.line}  # heard on {each.topics[0]}")
    try:
        told: set[tuple[str, str]] | None = {
            (each.village, each.device) for each in read_status(settings.data_dir).devices if each.spoke
        }
        span = f"in {seconds:g} s, nor since the gateway began"
    except (NoGateway, PermissionError):
        told, span = None, f"in {seconds:g} s; no gateway runs here that could tell of longer"
    silent = found.silent(told)
    typer.echo(f"# in the sites file, and not heard {span}: {len(silent)}")
    for sentence in silent:
        typer.echo(f"# {sentence}")


@gateways.command()
def credentials(
    context: typer.Context,
    village: Annotated[str, typer.Argument(help="The village's code.", show_default=False)],
    data_dir: DataDir = None,
    sites: Sites = None,
    mqtt_url: MqttUrl = None,
    database_url: DatabaseUrl = None,
    broker_dir: BrokerDir = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new one; the earlier one ends at once.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="End it: the gateway is off within 10 s.")] = False,
) -> None:
    """Make a village's broker credential; print the one file that goes onto its gateway, alone, on standard output."""
    from siaga.run.credentials import LOOPBACK, issue_credential, prove, revoke_credential
    from siaga.wire.topics import is_village_code

    if rotate and revoke:
        raise Mistake("--rotate and --revoke: say one of them")
    if not is_village_code(village):
        raise Mistake(f'"{village[:40]}" is not the code of a village such as 35.10.15.2012')
    settings = _settings(
        context, data_dir=data_dir, sites=sites, mqtt_url=mqtt_url, database_url=database_url, broker_dir=broker_dir
    )
    if revoke:
        revoke_credential(settings, village)
        typer.echo(f"{village}: its credential has ended; the broker drops its gateway within 10 s", err=True)
        return
    file = issue_credential(settings, village, rotate=rotate)
    typer.echo(file.text(), nl=False)
    if file.host in LOOPBACK:
        typer.echo(
            f"note: the file says that the broker is at {file.address}, which only this machine can reach: "
            "set SIAGA_BROKER_ADDRESS to the broker's address for gateways",
            err=True,
        )
    proof = prove(settings, file)
    typer.echo(f"{village}: {proof.sentence}", err=True)


def _listen(url: str, tls: "Tls", seconds: float, hear: Callable[["Message"], None]) -> None:
    """Hand over everything that a broker has for us, for so many seconds.

    Raises:
        OSError: the broker does not answer.
    """
    from siaga.mqtt import MqttTransport

    transport = MqttTransport(url, f"siaga-look-{secrets.token_hex(6)}", tls=tls)
    try:
        transport.subscribe("#")
        deadline = time.monotonic() + CONNECT_WITHIN
        while not transport.connected and time.monotonic() < deadline:
            time.sleep(0.05)
        if not transport.connected:
            raise OSError(transport.problem or "the village's broker does not answer")
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            message = transport.receive(min(left, 1.0))
            if message is not None:
                hear(message)
                transport.acknowledge(message)
    finally:
        transport.close()
