"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from siaga.run.cli.mistakes import Mistake

__all__ = [
    "BrokerDir",
    "DataDir",
    "DatabaseUrl",
    "GatewayFileOption",
    "HttpHost",
    "HttpPort",
    "MqttPort",
    "MqttUrl",
    "Sites",
    "StoreUrl",
    "VillageCode",
    "VillageMqttUrl",
    "milliseconds",
]

DataDir = Annotated[Path | None, typer.Option(help="Where siaga keeps its data. [SIAGA_DATA_DIR; ./data]")]
Sites = Annotated[Path | None, typer.Option(help="The sites file. [SIAGA_SITES]")]
MqttUrl = Annotated[str | None, typer.Option(help="The centre's broker. [SIAGA_MQTT_URL; embedded]")]
MqttPort = Annotated[int | None, typer.Option(help="Port of the embedded broker. [SIAGA_MQTT_PORT; 1883]")]
VillageMqttUrl = Annotated[str | None, typer.Option(help="The village's broker. [SIAGA_VILLAGE_MQTT_URL]")]
VillageCode = Annotated[str | None, typer.Option(help="The village's code. [SIAGA_VILLAGE]")]
BrokerDir = Annotated[Path | None, typer.Option(help="The directory of the broker's files. [SIAGA_BROKER_DIR]")]
GatewayFileOption = Annotated[
    Path | None,
    typer.Option("--gateway-file", help="The one file that the district gave for this gateway. [SIAGA_GATEWAY_FILE]"),
]
StoreUrl = Annotated[str | None, typer.Option(help="The telemetry store. [SIAGA_STORE_URL; embedded]")]
DatabaseUrl = Annotated[str | None, typer.Option(help="The SQL database. [SIAGA_DATABASE_URL; embedded]")]
HttpHost = Annotated[str | None, typer.Option(help="Address to serve HTTP on. [SIAGA_HTTP_HOST; 127.0.0.1]")]
HttpPort = Annotated[int | None, typer.Option(help="Port to serve HTTP on. [SIAGA_HTTP_PORT; 8000]")]


def milliseconds(option: str, text: str) -> int:
    """Returns the duration that an option was given, such as `10m`, in ms.

    Raises:
        Mistake: it is no duration.
    """
    from firmware_sim.sites import duration

    try:
        return duration(text)
    except ValueError as problem:
        raise Mistake(f"{option}: {problem}") from None
