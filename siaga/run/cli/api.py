"""`siaga api`: the alert engine with the HTTP API and the pages."""

from siaga.run.cli.options import DatabaseUrl, DataDir, HttpHost, HttpPort, MqttUrl, Sites, StoreUrl
from siaga.run.cli.serving import logged, serve

__all__ = ["api"]


def api(
    data_dir: DataDir = None,
    sites: Sites = None,
    mqtt_url: MqttUrl = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
    http_host: HttpHost = None,
    http_port: HttpPort = None,
) -> None:
    """Run the alert engine with the HTTP API and the pages."""
    from siaga.run.services import run_api
    from siaga.run.settings import load_settings

    flags = {
        "data_dir": data_dir,
        "sites": sites,
        "mqtt_url": mqtt_url,
        "store_url": store_url,
        "database_url": database_url,
        "http_host": http_host,
        "http_port": http_port,
    }
    serve(lambda stop: run_api(logged(load_settings(flags)), stop))
