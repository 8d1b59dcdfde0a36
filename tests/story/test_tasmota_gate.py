"""From a real device's message to an alert: a Tasmota switch on a gate, a real broker, a real InfluxDB."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import Influxd, Mosquitto
from tests.story.system import System, rfc3339, unix
from tests.wait import PATIENCE, until

VILLAGE = "35.10.15.2012"
GATE = f"{VILLAGE}/gerbang"
SITES = f"""
villages:
  - code: "{VILLAGE}"
    name: Kampunganyar
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang kantor desa
        grace: 3s
        recovery: 2s
        devices:
          - id: gerbang-1
            adapter: tasmota
            address: gerbang-depan
            every: 5m
            map: {{Switch1: gate_open}}
            invert: [gate_open]
"""


class Switch:
    """The gate's contact: `OFF` while the gate stands open, as its wiring has it."""

    def __init__(self, port: int) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gerbang-depan")
        self.client.will_set("tele/gerbang-depan/LWT", "Offline", qos=1, retain=True)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.publish("tele/gerbang-depan/LWT", "Online", qos=1, retain=True)

    def report(self, *, is_open: bool, at: float) -> None:
        """A periodic SENSOR message with the device's own time, local to the village and without an offset."""
        local = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at + 7 * 3600))
        payload = {"Time": local, "Switch1": "OFF" if is_open else "ON"}
        self.client.publish("tele/gerbang-depan/SENSOR", json.dumps(payload), qos=1).wait_for_publish(PATIENCE)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def system(tmp_path: Path, mosquitto: Mosquitto, influxd: Influxd) -> Iterator[System]:
    store = influxd.store_url("story_gate")
    with System(tmp_path, SITES, SIAGA_MQTT_URL=mosquitto.url, SIAGA_STORE_URL=store) as system:
        yield system


def test_a_gate_that_closes_becomes_an_alert_and_clears(system: System, mosquitto: Mosquitto, influxd: Influxd) -> None:
    switch = Switch(mosquitto.port)
    opened = int(time.time()) - 30
    switch.report(is_open=True, at=opened)
    until(lambda: system.facility(GATE)["state"] == "met", what="the open gate is met")

    met = time.time()
    until(lambda: int(time.time()) > met, what="a whole second after the gateway's first heartbeat")

    with system.stream() as events:
        closed = int(time.time())
        switch.report(is_open=False, at=closed)
        until(lambda: system.facility(GATE)["state"] == "failed", what="the closed gate has failed")
        assert system.facility(GATE)["cause"] == "gate_open"

        event, alert = next(events)
        assert (event, alert["kind"], alert["facility"]) == ("raised", "facility_failed", GATE)
        assert unix(alert["began_at"]) == closed
        assert unix(alert["raised_at"]) >= closed + 3
        open_alerts = system.items("/alerts", open="true")
        assert [item["id"] for item in open_alerts] == [alert["id"]]
        assert open_alerts[0]["severity"] == "major"
        assert open_alerts[0]["cause"] == "gate_open"

        reopened = int(time.time())
        switch.report(is_open=True, at=reopened)
        event, cleared = next(events)
        assert (event, cleared["id"]) == ("cleared", alert["id"])
        assert unix(cleared["ended_at"]) == reopened
        assert unix(cleared["cleared_at"]) >= reopened + 2
    assert system.items("/alerts", open="true") == []
    switch.close()

    window = {"from": rfc3339(opened), "to": rfc3339(reopened + 1)}
    spans = system.get(f"/facilities/{GATE}/timeline", **window)["spans"]
    known = [(unix(s["start"]), unix(s["end"]), s["state"], s["cause"]) for s in spans if unix(s["start"]) >= closed]
    assert known == [(closed, reopened, "failed", "gate_open"), (reopened, reopened + 1, "met", None)]
    [availability] = system.items("/availability", facility=GATE, **window)
    assert availability["failed_s"] == reopened - closed
    assert availability["required_s"] == reopened + 1 - opened
    assert availability["met_s"] + availability["failed_s"] + availability["unknown_s"] == availability["required_s"]

    rows = influxd.query(
        "story_gate", f"SELECT gate_open FROM telemetry WHERE device = 'gerbang-1' AND village = '{VILLAGE}'"
    )
    stored = [(row["time"], row["gate_open"]) for row in rows]
    assert stored == [(opened * 1000, True), (closed * 1000, False), (reopened * 1000, True)]
