"""Store URLs: what each part means, and error messages that do not contain the secret."""

import pytest

from siaga.telemetry import open_store
from siaga.telemetry.influx_address import InfluxAddress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "influxdb://user:password@db.example:9999/-/siaga",
            InfluxAddress("http://db.example:9999", "siaga", None, "user", "password"),
        ),
        ("influxdb://127.0.0.1/-/siaga", InfluxAddress("http://127.0.0.1:8086", "siaga")),
        (
            "influxdbs://:to%2Fken==@db.example/Dinas%20Kominfo/telemetry",
            InfluxAddress("https://db.example:8086", "telemetry", "Dinas Kominfo", None, "to/ken=="),
        ),
        (
            "influxdb://u%40x:p%40%3A%2F@[::1]:8086/-/a%2Fb",
            InfluxAddress("http://[::1]:8086", "a/b", None, "u@x", "p@:/"),
        ),
    ],
)
def test_the_parts_of_a_url(url: str, address: InfluxAddress) -> None:
    assert InfluxAddress.read(url) == address


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("influxdb://user:secret@host:8086", "lacks a host, or ORG/BUCKET"),
        ("influxdb://user:secret@host:8086/siaga", "lacks a host, or ORG/BUCKET"),
        ("influxdb://user:secret@host:8086/a/b/c", "lacks a host, or ORG/BUCKET"),
        ("influxdb:///org/bucket", "lacks a host"),
        ("influxdb://host:8086/org/bucket", "no token"),
        ("influxdb://user:secret@host:port/-/siaga", "cannot be read"),
        ("influxdb://user:secret/part@host:8086/-/siaga", "cannot be read"),
        ("duckdb://telemetry.duckdb", "expected duckdb:///PATH"),
        ("duckdb:///", "expected duckdb:///PATH"),
        ("mysql://user:secret@host/x", "mysql://…: expected duckdb:///PATH"),
        ("", "expected duckdb:///PATH"),
    ],
)
def test_a_mistake_is_one_sentence_without_the_password(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="store URL") as caught:
        open_store(url)
    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_does_not_show_its_secret() -> None:
    assert "hemlig" not in repr(InfluxAddress.read("influxdb://:hemlig@host/org/bucket"))
