"""Random faults on real parts: two brokers, `siaga gateway`, `siaga collector`, InfluxDB, a link that fails.

Whatever is killed, filled or cut, in whatever order: every reading that a broker acknowledged to a device is in
InfluxDB once, with its time and its value. One exception: a village's Mosquitto that is killed may lose what came since
its last autosave (`autosave_interval`) and was not yet delivered to the gateway.

Each example has every kind of fault once. `SIAGA_CAMPAIGN=40` runs 40 examples of about ten seconds each.
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

from siaga.database import connect
from siaga.database.registry import Registry
from siaga.mqtt import MqttTransport
from siaga.sites.file import read_sites
from tests.gateway.places import CODE
from tests.gateway.village_broker import VillageBroker
from tests.mqtt.link import Link
from tests.schema import with_tables
from tests.servers import Influxd, Mosquitto
from tests.wait import PATIENCE, until

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
DEVICE = f"{CODE}/pos-1"
SENML = f"siaga/v1/{DEVICE}/senml"
FAULTS = (
    "kill the gateway",
    "kill the centre's broker",
    "kill the collector",
    "kill the store",
    "fill the disk",
    "cut the cable",
    "hang the store",
    "restart the village's broker",
    "kill the village's broker",
)
EXAMPLES = int(os.environ.get("SIAGA_CAMPAIGN", "2"))
HEALTHY = -1  # RLIM_INFINITY


class District:
    """All parts, and which of them are broken now."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.influxd = stack.enter_context(Influxd())
        self.district = stack.enter_context(Mosquitto(["autosave_interval 1", "max_queued_messages 0"]))
        self.village = stack.enter_context(VillageBroker(["gateway", DEVICE]))
        self.cable = stack.enter_context(Link(self.district.port))
        (directory / "sites.yaml").write_text(SITES)
        (directory / "centre").mkdir()
        database = f"sqlite:///{directory}/siaga.db"
        engine = connect(database)
        with_tables(engine)
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
                "SIAGA_VILLAGE_MQTT_URL": self.village.url_of("gateway"),
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
        for name in self._environments:
            stack.callback(self.kill, name)
        self.faults: Counter[str] = Counter()
        self.said: dict[int, int] = {}
        self.not_saved: set[int] = set()
        """Readings that the village's broker was killed with before it saved them."""
        self._moment = int(time.time() * 1000) - 60_000
        for name in self._environments:
            self.start(name)
        self.device = MqttTransport(self.village.url_of(DEVICE), "device", clean=False, max_outbound=100_000)
        stack.callback(self.device.close)
        until(lambda: self.device.connected and self.alive(), what="the gateway's heartbeat is in the store")

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
            process.wait(PATIENCE)

    def alive(self) -> bool:
        return bool(self.influxd.query(self.database, "SELECT alive FROM telemetry LIMIT 1"))

    def say(self, count: int) -> list[int]:
        """Publish readings of one minute ago, a millisecond apart. Returns their times."""
        before = len(self.said)
        for _ in range(count):
            self._moment = max(self._moment + 1, int(time.time() * 1000) - 60_000)
            self.said[self._moment] = len(self.said)
            text = f'[{{"n":"uptime","v":{self.said[self._moment]},"t":{self._moment / 1000}}}]'
            until(lambda text=text: self.device.publish(SENML, text.encode()))  # type: ignore[misc]
        return list(self.said)[before:]

    def strike(self, fault: str, readings: int) -> None:
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
                # Its last PUBACK may be lost, and a stopped broker sends none: until it is back, the device waits.
                self.village.stop()
                self.village.start()
            case "kill the village's broker":
                self.village.save()
                self.not_saved |= set(self.say(readings))
                self.village.kill()
                self.village.start()

    def _limit(self, size: int) -> None:
        """Limit the size of any file that the gateway writes: this acts like a full disk, for that process alone."""
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
def district(request: pytest.FixtureRequest) -> Iterator[District]:
    """One district for all examples. At its end it prints how many faults and readings it saw."""
    with tempfile.TemporaryDirectory(prefix="c") as directory, ExitStack() as stack:
        made = District(Path(directory), stack)
        yield made
        lost = len(made.said) - len(made.stored())
    faults = ", ".join(f"{count} x {fault}" for fault, count in sorted(made.faults.items()))
    report = (
        f"campaign: {made.faults.total()} faults, {len(made.said)} readings, {len(made.said) - lost} stored once each,"
        f" {lost} of {len(made.not_saved)} lost that the village's broker was killed with; {faults}"
    )
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\n{report}")  # noqa: T201 - the report is to be seen


STEPS = st.permutations(FAULTS).flatmap(
    lambda faults: st.tuples(
        *(st.tuples(st.just(fault), st.integers(1, 120), st.integers(0, 300), st.booleans()) for fault in faults)
    )
)


@given(steps=STEPS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],  # an example takes ten seconds: what fails is printed as it is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_what_a_device_had_a_word_for_is_stored_once(
    district: District, steps: tuple[tuple[str, int, int, bool], ...]
) -> None:
    broken: list[str] = []
    for fault, readings, pause, mend_first in steps:
        if mend_first and broken:
            district.heal(broken.pop(0))
        district.strike(fault, readings)
        broken.append(fault)
        district.say(readings)
        time.sleep(pause / 1000)  # hit a random instant of the work; this does not wait for anything
    for fault in broken:
        district.heal(fault)
    until(lambda: not district.device.outbound, what="the village's broker gave its word for all")
    owed = {at: value for at, value in district.said.items() if at not in district.not_saved}
    until(lambda: owed.items() <= district.stored().items(), 60, "all that is owed is in the store")
    assert district.stored().items() <= district.said.items(), "and nothing that nobody said"
