"""`siaga collector`: batches from the broker into the store."""

from typing import Annotated

import typer

from siaga.run.cli.options import DatabaseUrl, DataDir, MqttUrl, StoreUrl
from siaga.run.cli.serving import logged, serve

__all__ = ["collector"]

Processes = Annotated[
    int | None,
    typer.Option("--processes", min=1, max=64, help="Processes to share the work. [SIAGA_COLLECTOR_PROCESSES; 1]"),
]


def collector(
    data_dir: DataDir = None,
    mqtt_url: MqttUrl = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
    processes: Processes = None,
) -> None:
    """Run a collector: batches from the broker into the store."""
    from siaga.run.services import run_collector
    from siaga.run.settings import load_settings

    flags = {
        "data_dir": data_dir,
        "mqtt_url": mqtt_url,
        "store_url": store_url,
        "database_url": database_url,
        "collector_processes": processes,
    }
    serve(lambda stop: run_collector(logged(load_settings(flags)), stop))
