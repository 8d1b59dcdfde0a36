"""`siaga up`: the whole system in one process."""

from typing import Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import (
    DatabaseUrl,
    DataDir,
    HttpHost,
    HttpPort,
    MqttPort,
    MqttUrl,
    Sites,
    StoreUrl,
    milliseconds,
)
from siaga.run.cli.serving import logged, serve

__all__ = ["up"]


def up(
    demo: Annotated[bool, typer.Option("--demo", help="With 12 simulated villages and 30 days of history.")] = False,
    history: Annotated[
        str | None, typer.Option(help="With --demo: how long its history is; 30d if not given.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    sites: Sites = None,
    mqtt_url: MqttUrl = None,
    mqtt_port: MqttPort = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
    http_host: HttpHost = None,
    http_port: HttpPort = None,
) -> None:
    """Run the whole system in one process."""
    from siaga.run.settings import load_settings
    from siaga.run.system import run

    if demo and sites is not None:
        raise Mistake("--sites: --demo brings villages of its own: leave one of them out")
    if history is not None and not demo:
        raise Mistake("--history is the length of --demo's history: add --demo, or leave it out")
    shown = milliseconds("--history", history or "30d") if demo else None
    flags = {
        "data_dir": data_dir,
        "sites": sites,
        "mqtt_url": mqtt_url,
        "mqtt_port": mqtt_port,
        "store_url": store_url,
        "database_url": database_url,
        "http_host": http_host,
        "http_port": http_port,
    }
    serve(lambda stop: run(logged(load_settings(flags)), stop, demo=shown))
