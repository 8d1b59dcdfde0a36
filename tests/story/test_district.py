"""A district as it is deployed: gateway, collector and api each a process of its own, on outside servers."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import Influxd, Mosquitto, Postgres
from tests.story.system import SIAGA, System
from tests.wait import PATIENCE, until

VILLAGE = "35.10.17.2004"
GATE = f"{VILLAGE}/gerbang"
SITES = f"""
villages:
  - code: "{VILLAGE}"
    name: Kenjo
    lat: -8.21
    lon: 114.29
    timezone: Asia/Jakarta
    gateway: remote
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang
        grace: 2s
        recovery: 1s
        devices: [{{id: gerbang-1, adapter: senml, every: 1m}}]
"""


@contextmanager
def service(name: str, environment: dict[str, str], directory: Path) -> Iterator[None]:
    """`siaga NAME` until the end of the story; it has to end cleanly within ten seconds."""
    log = directory / f"{name}.log"
    directories = {"SIAGA_DATA_DIR": str(directory / name)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(SIAGA), name], env=environment | directories, stdout=file, stderr=file, cwd=directory
        )
    try:
        yield
        process.terminate()
        assert process.wait(timeout=10) == 0, log.read_text()[-3000:]
    finally:
        process.kill()
        process.wait()


def test_alerts_go_on_while_the_store_is_away_and_nothing_is_lost(
    tmp_path: Path, mosquitto: Mosquitto, influxd: Influxd, postgres: Postgres
) -> None:
    system = System(
        tmp_path,
        SITES,
        command="api",
        SIAGA_MQTT_URL=mosquitto.url,
        SIAGA_STORE_URL=influxd.store_url("district"),
        SIAGA_DATABASE_URL=postgres.database_url(),
    )
    subprocess.run(
        [str(SIAGA), "import", str(tmp_path / "sites.yaml")], env=system.environment, check=True, capture_output=True
    )
    device = paho.Client(CallbackAPIVersion.VERSION2, client_id="gerbang-1")
    device.connect("127.0.0.1", mosquitto.port)
    device.loop_start()

    def report(value: str) -> None:
        pack = f'[{{"n":"gate_open","t":{time.time():.3f},"vb":{value}}}]'
        device.publish(f"siaga/v1/{VILLAGE}/gerbang-1/senml", pack, qos=1).wait_for_publish(PATIENCE)

    def stored() -> list[object]:
        rows = influxd.query("district", "SELECT gate_open FROM telemetry WHERE device = 'gerbang-1'")
        return [row["gate_open"] for row in rows]

    with ExitStack() as stack:
        for name in ("collector", "gateway"):
            stack.enter_context(service(name, system.environment, tmp_path))
        stack.enter_context(system)
        report("true")
        until(lambda: system.facility(GATE)["state"] == "met", what="the open gate is met")
        until(lambda: stored() == [True], what="the reading is stored")

        influxd.stop()
        until(
            lambda: "InfluxDB" in system.client.get("/readyz").text,
            what="/readyz names the store that is away",
        )
        assert system.client.get("/readyz").status_code == 503
        report("false")
        until(lambda: system.items("/alerts", open="true"), what="the alert does not wait for the store")
        report("true")
        until(lambda: not system.items("/alerts", open="true"), what="it clears without the store")

        influxd.start()
        until(lambda: system.client.get("/readyz").status_code == 200, what="the store is back")
        until(lambda: stored() == [True, False, True], what="what was said meanwhile is stored, once")
        [alert] = system.items("/alerts")
        assert (alert["kind"], alert["facility"], alert["cause"]) == ("facility_failed", GATE, "gate_open")
    device.disconnect()
    device.loop_stop()
