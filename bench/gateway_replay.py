"""A village's week offline: 50 devices, one reading each 10 s; what the gateway keeps, weighs, writes, and replays.

The gateway is a process of its own with the brokers of a real village: its link is down, the week runs compressed by
the times that the devices say. Then the link comes back and a real collector writes everything into InfluxDB.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.centre import BROKER, Centre
from bench.figure import Figure, at_least, at_most
from bench.processes import environment, resident_mb, service
from gateway.status_socket import NoGateway, read_status
from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.model.clock import SECOND
from siaga.model.sites import Adapter, Device, Facility, Village
from tests.mqtt.link import Link
from tests.servers import Influxd, Mosquitto
from tests.wait import until

__all__ = ["run"]

DEVICES, EVERY = 50, 10 * SECOND
READINGS = int(os.environ.get("SIAGA_BENCH_READINGS", "3024000"))
"""A week of them."""
PACK = 250
"""Readings of one message: a device hands over what it saved up. One at a time would take an hour to publish."""
AIM = 20_000
MEMORY = 64
CODE = "35.10.15.2012"
SITES = """
villages:
  - code: "35.10.15.2012"
    name: Contoh
    lat: -8.2
    lon: 114.3
    timezone: Asia/Jakarta
    gateway: remote
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang
        devices: [{devices}]
"""


def run() -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="b") as directory,
        Influxd() as influxd,
        Mosquitto(BROKER) as district,
        Mosquitto([*BROKER, "autosave_interval 0"]) as village,
        Link(district.port) as cable,
    ):
        return _Week(Path(directory), influxd, district, village, cable).measure()


class _Week:
    def __init__(self, directory: Path, influxd: Influxd, district: Mosquitto, village: Mosquitto, cable: Link) -> None:
        self._directory, self._village, self._cable = directory, village, cable
        self._centre = Centre(influxd, district, directory / "centre")
        (directory / "centre").mkdir()
        names = ", ".join(f"{{id: gerbang-{n}, adapter: senml, every: 10s}}" for n in range(DEVICES))
        (directory / "sites.yaml").write_text(SITES.replace("{devices}", names))

    def measure(self) -> list[Figure]:
        self._register()
        self._cable.cut()
        with self._gateway("data") as gateway:
            written, began = _written(gateway), time.perf_counter()
            self._fill()
            until(self._kept, 600, "the gateway has all of it")
            took = time.perf_counter() - began
            packed = _written(gateway) - written
            size = sum(path.stat().st_size for path in (self._directory / "data").glob("gateway.db*"))
            full = resident_mb(gateway)
            rate, most, wire = self._replay(gateway)
        single = self._wear()
        return [
            Figure("buffer of a week", size / 1e6, "MB", note=f"{size / READINGS:.0f} bytes a reading"),
            Figure("taken in", READINGS / took, "readings/s", note=f"{PACK} a message"),
            at_most("resident memory, buffer full", full, "MB", MEMORY),
            at_most("resident memory, replaying, at most", most, "MB", MEMORY),
            at_least("replay into InfluxDB", rate, "readings/s", AIM, f"{READINGS:,} readings"),
            Figure("on the wire", wire, "bytes a reading", note="packed batches, without MQTT's own"),
            Figure("written to disk, catching up", packed / READINGS, "bytes a reading", note=f"{PACK} a message"),
            Figure("written to disk, as they come", single, "bytes a reading", note="5 readings/s, one a message"),
        ]

    def _register(self) -> None:
        engine = connect(f"sqlite:///{self._directory}/centre/siaga.db")
        migrate(engine)
        devices = tuple(Device(f"gerbang-{n}", Adapter.SENML, EVERY) for n in range(DEVICES))
        gate = Facility("gerbang", "gate", "Gerbang", devices)
        place = Village(CODE, "Contoh", -8.2, 114.3, "Asia/Jakarta", (gate,), remote=True)
        Registry(engine).replace([place], int(time.time() * 1000))
        engine.dispose()

    @contextmanager
    def _gateway(self, data: str) -> Iterator[int]:
        """`siaga gateway` that has its session with the village's broker; its process id."""
        directory = self._directory / data
        directory.mkdir()
        settings = environment(
            SIAGA_SITES=str(self._directory / "sites.yaml"),
            SIAGA_DATA_DIR=str(directory),
            SIAGA_MQTT_URL=self._cable.url,
            SIAGA_VILLAGE_MQTT_URL=self._village.url,
            MALLOC_ARENA_MAX="2",  # as deploy/village/siaga-gateway.service sets it
        )
        with service("gateway", settings) as process:
            until(lambda: _listens(directory), 20, "the gateway listens")
            yield process.pid

    def _fill(self) -> None:
        """Let the devices hand over their week: each message has a reading of now, by which its clock is known."""
        client = Client(CallbackAPIVersion.VERSION2, "devices")
        client.max_inflight_messages_set(200)
        client.connect("127.0.0.1", self._village.port)
        client.loop_start()
        chance = random.Random(1)
        each = READINGS // DEVICES
        start = int(time.time() * 1000) - each * EVERY - 60_000
        for first in range(0, each, PACK - 1):
            count = min(PACK - 1, each - first)
            for device in range(DEVICES):
                signal_name, draw = ("gate_open", None) if device % 3 == 0 else ("power", 40.0)
                times = [(start + (first + n) * EVERY + device * 97) / 1000 for n in range(count)]
                records = ",".join(_record(signal_name, at, draw, chance) for at in [*times, time.time()])
                client.publish(f"siaga/v1/{CODE}/gerbang-{device}/senml", f"[{records}]", qos=1).wait_for_publish(600)
        client.disconnect()
        client.loop_stop()

    def _kept(self) -> bool:
        return _buffered(self._directory / "data") >= READINGS

    def _replay(self, pid: int) -> tuple[float, float, float]:
        """Readings a second, the most memory, bytes a reading on the wire."""
        wire = _Wire(self._centre.mosquitto)
        most = 0.0
        with self._centre.collector():
            before = _buffered(self._directory / "data")
            self._cable.mend()
            until(lambda: _buffered(self._directory / "data") < before - 2_000, 60, "the replay begins")
            began, left = time.perf_counter(), _buffered(self._directory / "data")
            first = left

            def done() -> bool:
                nonlocal most, left
                most = max(most, resident_mb(pid))
                left = _buffered(self._directory / "data")
                return left < 100

            until(done, 1200, "everything is acknowledged")
            rate = (first - left) / (time.perf_counter() - began)
        stored = self._centre.stored(("gate_open", "power"))
        if stored < READINGS:
            raise RuntimeError(f"{stored} of {READINGS} readings are in the store")
        return rate, most, wire.close() / READINGS

    def _wear(self) -> float:
        """Bytes written for a reading when five a second come one by one, with the link up."""
        with self._centre.collector(), self._gateway("data2") as gateway:
            client = Client(CallbackAPIVersion.VERSION2, "devices")
            client.connect("127.0.0.1", self._village.port)
            client.loop_start()
            time.sleep(5)  # what its start costs is not counted
            written, count = _written(gateway), 100
            for number in range(count):
                text = f'[{{"n":"power","v":{number}}}]'
                client.publish(f"siaga/v1/{CODE}/gerbang-{number % DEVICES}/senml", text, qos=1)
                time.sleep(0.2)
            client.disconnect()
            client.loop_stop()
            return (_written(gateway) - written) / count


class _Wire:
    """Counts the bytes of batches at the centre's broker."""

    def __init__(self, mosquitto: Mosquitto) -> None:
        self._bytes = 0
        self._client = Client(CallbackAPIVersion.VERSION2, "wire")
        self._client.on_message = lambda _client, _data, message: self._count(len(message.payload))
        self._client.connect("127.0.0.1", mosquitto.port)
        self._client.loop_start()
        self._client.subscribe("siaga/v1/+/gateway/+/batch", qos=0)

    def _count(self, size: int) -> None:
        self._bytes += size

    def close(self) -> int:
        self._client.disconnect()
        self._client.loop_stop()
        return self._bytes


def _record(name: str, at: float, draw: float | None, chance: random.Random) -> str:
    value = (
        f'"vb":{"true" if chance.random() < 0.98 else "false"}' if draw is None else f'"v":{chance.gauss(draw, 3):.1f}'
    )
    return f'{{"n":"{name}","t":{at:.3f},{value}}}'


def _buffered(data: Path) -> int:
    """Readings in the gateway's buffer; -1 where it does not answer."""
    try:
        return read_status(data).buffered
    except NoGateway:
        return -1


def _listens(data: Path) -> bool:
    """Whether the gateway has its session with the village's broker, which keeps nothing for it before."""
    try:
        return read_status(data).village_problem is None
    except NoGateway:
        return False


def _written(pid: int) -> int:
    """Bytes that a process has given to files."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["wchar"])
