"""Faults at random, with everything real: two brokers, `siaga gateway`, `siaga collector`, InfluxDB, a cable.

Whatever is killed, filled up or cut, in whatever order: every reading that a device had the broker's word for is in
InfluxDB once, with its time and its value. A village's Mosquitto that is killed loses what it alone had, so it is
ended cleanly here; what it had handed over is the gateway's.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from siaga.database import connect, migrate
from siaga.mqtt import MqttTransport
from siaga.registry import Registry
from siaga.sites_file import read_sites
from tests.gateway.places import CODE
from tests.mqtt.link import Link
from tests.servers import Influxd, Mosquitto
from tests.wait import until

SIAGA = Path(sys.executable).with_name("siaga")
SITES = f"""
villages:
  - code: "{CODE}"
    name: Contoh
    lat: -8.19
    lon: 114.3
    timezone: Asia/Jakarta
    gateway: remote
    facilities:
      - id: pos
        kind: night_guard
        name: Pos
        devices:
          - {{id: pos-1, adapter: senml, every: 1m}}
"""
SENML = f"siaga/v1/{CODE}/pos-1/senml"
FAULTS = (
    "kill the gateway",
    "kill the centre's broker",
    "kill the collector",
    "kill the store",
    "fill the disk",
    "cut the cable",
    "hang the store",
    "restart the village's broker",
)
HEALTHY = -1  # RLIM_INFINITY


class District:
    """All of it, and what is broken now."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.influxd = stack.enter_context(Influxd())
        self.district = stack.enter_context(Mosquitto(["autosave_interval 1", "max_queued_messages 0"]))
        self.village = stack.enter_context(Mosquitto(["max_queued_messages 0"]))
        self.cable = stack.enter_context(Link(self.district.port))
        (directory / "sites.yaml").write_text(SITES)
        (directory / "centre").mkdir()
        database = f"sqlite:///{directory}/siaga.db"
        engine = connect(database)
        migrate(engine)
        Registry(engine).replace(read_sites(SITES, "sites.yaml"), int(time.time() * 1000))
        engine.dispose()
        self.database = "campaign"
        self.influxd.query("", f'CREATE DATABASE "{self.database}"')
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}
        self._environments = {
            "gateway": clean
            | {
                "SIAGA_SITES": str(directory / "sites.yaml"),
                "SIAGA_DATA_DIR": str(directory / "gateway"),
                "SIAGA_MQTT_URL": self.cable.url,
                "SIAGA_VILLAGE_MQTT_URL": self.village.url,
            },
            "collector": clean
            | {
                "SIAGA_MQTT_URL": self.district.url,
                "SIAGA_STORE_URL": self.influxd.store_url(self.database),
                "SIAGA_DATABASE_URL": database,
                "SIAGA_DATA_DIR": str(directory / "centre"),
            },
        }
        self._directory = directory
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(lambda: [self.kill(name) for name in list(self._processes)])
        self.faults: Counter[str] = Counter()
        self.said: dict[int, int] = {}
        self._moment = int(time.time() * 1000) - 60_000
        for name in self._environments:
            self.start(name)
        self.device = MqttTransport(self.village.url, "device", clean=False, max_outbound=100_000)
        stack.callback(self.device.close)
        until(lambda: self.device.connected and self.alive(), 30, "the gateway's heartbeat is in the store")

    def start(self, name: str) -> None:
        if name not in self._processes:
            self._processes[name] = subprocess.Popen(
                [SIAGA, name],
                env=self._environments[name],
                cwd=self._directory,
                stderr=subprocess.DEVNULL,
            )

    def kill(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is not None:
            process.kill()
            process.wait(10)

    def alive(self) -> bool:
        return bool(self.influxd.query(self.database, "SELECT alive FROM telemetry LIMIT 1"))

    def say(self, count: int) -> None:
        for _ in range(count):
            self._moment += 1
            self.said[self._moment] = len(self.said)
            text = f'[{{"n":"uptime","v":{self.said[self._moment]},"t":{self._moment / 1000}}}]'
            until(lambda text=text: self.device.publish(SENML, text.encode()))  # type: ignore[misc]

    def strike(self, fault: str) -> None:
        self.faults[fault] += 1
        match fault:
            case "kill the gateway":
                self.kill("gateway")
            case "kill the centre's broker":
                self.district.kill()
            case "kill the collector":
                self.kill("collector")
            case "kill the store":
                self.influxd.kill()
            case "hang the store":
                self.influxd.start()
                self.influxd.freeze()
            case "cut the cable":
                self.cable.cut()
            case "fill the disk":
                self._limit(1)
            case "restart the village's broker":
                # Its last word to the device may be lost, and a stopped broker gives none: the device waits for it.
                self.village.stop()
                self.village.start()

    def _limit(self, size: int) -> None:
        """Let the gateway write no file beyond so many bytes: like a full disk, for that process alone."""
        process = self._processes.get("gateway")
        if process is not None:
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def heal(self, fault: str) -> None:
        match fault:
            case "kill the gateway":
                self.start("gateway")
            case "kill the centre's broker":
                self.district.start()
            case "kill the collector":
                self.start("collector")
            case "kill the store" | "hang the store":
                if self.influxd.running:
                    self.influxd.thaw()
                self.influxd.start()
            case "cut the cable":
                self.cable.mend()
            case "fill the disk":
                self._limit(HEALTHY)

    def stored(self) -> dict[int, int]:
        rows = self.influxd.query(self.database, "SELECT uptime FROM telemetry WHERE device = 'pos-1'")
        assert len({row["time"] for row in rows}) == len(rows), "each once"
        return {int(str(row["time"])): int(str(row["uptime"])) for row in rows}


@pytest.fixture(scope="module")
def totals() -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()
    yield counted
    faults = counted.total() - counted["readings"]
    print(f"\ncampaign: {faults} faults, {counted['readings']} readings acknowledged, each stored once: {counted}")  # noqa: T201


STEPS = st.lists(
    st.tuples(st.sampled_from(FAULTS), st.integers(1, 120), st.integers(0, 300), st.booleans()), min_size=8, max_size=16
)


@given(steps=STEPS)
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],  # an example takes half a minute: what fails is printed as it is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_what_a_device_had_a_word_for_is_stored_once(
    totals: Counter[str], steps: list[tuple[str, int, int, bool]]
) -> None:
    with tempfile.TemporaryDirectory(prefix="c") as directory, ExitStack() as stack:
        district = District(Path(directory), stack)
        broken: list[str] = []
        for fault, readings, pause, mend_first in steps:
            if mend_first and broken:
                district.heal(broken.pop(0))
            district.strike(fault)
            broken.append(fault)
            district.say(readings)
            time.sleep(pause / 1000)  # a random instant of everybody's work, not a wait for something
        for fault in broken:
            district.heal(fault)
        until(lambda: not district.device.outbound, 30, "the village's broker gave its word for all")
        try:
            until(lambda: len(district.stored()) >= len(district.said), 60, "all is in the store")
        finally:
            missing = sorted(set(district.said.items()) - set(district.stored().items()))
            assert not missing, (
                f"{len(missing)} of {len(district.said)} are not in the store, the first is {missing[0]}"
            )
        assert district.stored() == district.said
        totals.update(district.faults)
        totals["readings"] += len(district.said)
