"""The internals of influxdb-client that siaga uses, its pool and its headers: a release without them fails here."""

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient

from siaga.telemetry.influx_address import InfluxAddress
from siaga.telemetry.influx_http import Http


def test_the_pool_and_the_headers_are_where_we_take_them() -> None:
    client = InfluxDBClient(url="http://127.0.0.1:1", token="secret", connection_pool_maxsize=3, retries=False)
    pool = client.api_client.rest_client.pool_manager
    assert isinstance(pool, urllib3.PoolManager)
    assert pool.connection_pool_kw["maxsize"] == 3
    assert client.api_client.default_headers["Authorization"] == "Token secret"
    pool.clear()


def test_our_socket_options_are_those_of_the_connections() -> None:
    http = Http(InfluxAddress.read("influxdb://127.0.0.1:1/-/siaga"))
    try:
        made = http._pool.connection_from_url("http://127.0.0.1:1")
        assert made.conn_kw["socket_options"] == http._pool.connection_pool_kw["socket_options"]
    finally:
        http.close()
