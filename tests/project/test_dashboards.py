"""Grafana's dashboards: every panel is asked of a real InfluxDB with readings in it, and answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from siaga.model.observation import Point
from siaga.model.signals import Value
from siaga.telemetry import open_store
from tests.servers import Influxd

ROOT = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
DASHBOARDS = sorted((ROOT / "dashboards").glob("*.json"))
START = 1_795_982_400_000
VILLAGE = "35.10.15.2012"
MACROS = {
    "$timeFilter": f"time >= {START - 600_000}ms and time <= {START + 600_000}ms",
    "$__interval": "1m",
    "$village": ".*",
}
VALUES: dict[str, Value] = {
    "alive": True, "mains": True, "latency": 12.5, "gate_open": False, "lamp_on": True, "clients": 3, "power": 40.0,
    "battery": 88.0, "rssi": -61.0,
}  # fmt: skip


def panels() -> list[Any]:
    found = []
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        found += [pytest.param(panel, id=f"{path.stem}: {panel['title']}") for panel in board["panels"]]
    return found


@pytest.fixture(scope="module")
def influxd() -> Iterator[Influxd]:
    with Influxd() as running:
        store = open_store(running.store_url("telemetry"))
        points = [Point(VILLAGE, "d-1", START + n * 60_000, START + n * 60_000, VALUES) for n in range(3)]
        store.write(points)
        store.close()
        yield running


@pytest.mark.servers
@pytest.mark.parametrize("panel", panels())
def test_every_panel_is_answered_with_data(influxd: Influxd, panel: dict[str, Any]) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        query = target["query"]
        for macro, text in MACROS.items():
            query = query.replace(macro, text)
        assert "$" not in query.replace("$/", "/"), query
        assert influxd.query("telemetry", query), f"no rows: {query}"


@pytest.mark.servers
def test_the_village_of_the_menu_is_answered(influxd: Influxd) -> None:
    for path in DASHBOARDS:
        (variable,) = json.loads(path.read_text())["templating"]["list"]
        assert [row["value"] for row in influxd.query("telemetry", variable["query"])] == [VILLAGE]


def test_panels_ask_the_one_provisioned_source() -> None:
    (source,) = yaml.safe_load((ROOT / "provisioning" / "datasources" / "siaga.yaml").read_text())["datasources"]
    assert source["jsonData"]["version"] == "InfluxQL"
    assert DASHBOARDS
    names = set()
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        names.add(board["uid"])
        for each in [
            *board["templating"]["list"],
            *board["panels"],
            *(t for p in board["panels"] for t in p["targets"]),
        ]:
            assert each["datasource"] == {"type": "influxdb", "uid": source["uid"]}
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
    assert len(names) == len(DASHBOARDS)
