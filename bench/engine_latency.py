"""From a reading published to its alert on the stream, under the load of one district, over real servers.

200 villages, 4,000 devices, one reading a minute each: 67 batches a second through Mosquitto to a collector (which
stores in InfluxDB 1.6) and to the alert engine, each a process of its own, as `siaga collector` and `siaga api`. Five
times a second a gate whose grace is zero is closed; the clock runs from the publishing to the event at a client of
`GET /alerts/stream`. Load and client run on the same machine, and cost it as much as the services do.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.figure import Figure, at_most
from siaga.batch import BatchId, encode_batch
from siaga.clock import MINUTE
from siaga.database import connect, migrate
from siaga.observation import Reading
from siaga.registry import Registry
from siaga.sites import Adapter, Device, Facility, Village
from siaga.tokens import Role, Tokens
from siaga.topics import batch_topic
from tests.servers import Influxd, Mosquitto, free_port
from tests.wait import until

__all__ = ["run"]

VILLAGES, DEVICES = 200, 20
WARM_UP, SECONDS = 65.0, 60.0
"""Every device has reported once before the first gate closes."""
PROBES_A_SECOND = 5
AIM_MS = 1_000
SIAGA = Path(sys.executable).with_name("siaga")


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory, Influxd() as influxd, Mosquitto() as mosquitto:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")},
            "SIAGA_DATA_DIR": directory,
            "SIAGA_DATABASE_URL": f"sqlite:///{directory}/siaga.db",
            "SIAGA_MQTT_URL": mosquitto.url,
            "SIAGA_STORE_URL": influxd.store_url(),
            "SIAGA_HTTP_PORT": str(free_port()),
        }
        token = _prepare(environment)
        with _process("collector", environment), _process("api", environment) as api:
            client = httpx.Client(
                base_url=f"http://127.0.0.1:{environment['SIAGA_HTTP_PORT']}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
            until(lambda: _is_ready(client), 60, "siaga api is ready")
            load = _Load(mosquitto.port)
            with _listening(client, load):
                load.drive(WARM_UP, probing=False)
                load.drive(SECONDS, probing=True)
                until(lambda: len(load.took) == len(load.probed), 30, "every alert is on the stream")
            memory = _resident(api.pid)
    took = sorted(load.took.values())
    return [
        at_most("publish to stream, p99", took[int(len(took) * 0.99)] * 1000, "ms", AIM_MS, f"{len(took)} alerts"),
        Figure("publish to stream, p50", took[len(took) // 2] * 1000, "ms"),
        Figure("publish to stream, longest", took[-1] * 1000, "ms"),
        Figure("batches a second meanwhile", load.sent / (WARM_UP + SECONDS), "batches/s"),
        Figure("siaga api, resident", memory / 1e6, "MB"),
    ]


@dataclass
class _Load:
    """What 200 gateways send, and when the alerts of the gates that were closed came back."""

    port: int
    sent: int = 0
    probed: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="load")
        self._client.max_inflight_messages_set(1000)
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        self._epoch = str(uuid.uuid4())
        self._turn = 0
        self._chance = random.Random(1)

    def drive(self, seconds: float, *, probing: bool) -> None:
        """Send the devices' readings in their turn, evenly, and close gates in between."""
        step = 60 / (VILLAGES * DEVICES)
        began, turns, probes = time.monotonic(), 0, 0
        while (elapsed := time.monotonic() - began) < seconds:
            while turns * step < elapsed:
                device, village = divmod(self._turn % (VILLAGES * DEVICES), VILLAGES)
                self._say(village, device, beat=device % (DEVICES // 2) == 0)
                self._turn, turns = self._turn + 1, turns + 1
            while probing and probes / PROBES_A_SECOND < elapsed:
                self._probe()
                probes += 1
            time.sleep(step / 2)

    def _probe(self) -> None:
        while True:
            village, device = self._chance.randrange(VILLAGES), self._chance.randrange(DEVICES)
            facility = f"{_code(village)}/gerbang-{device}"
            if facility not in self.probed:
                break
        self.probed[facility] = time.monotonic()
        self._say(village, device)

    def _say(self, village: int, device: int, *, beat: bool = False) -> None:
        now = time.time_ns() // 1_000_000
        is_open = f"{_code(village)}/gerbang-{device}" not in self.probed
        readings = [Reading(f"gerbang-{device}", "gate_open", now, is_open)]
        if beat:
            readings.append(Reading("gw", "alive", now, True))
        self.sent += 1
        payload = encode_batch(BatchId(self._epoch, self.sent), now, readings)
        self._client.publish(batch_topic(_code(village), "gw"), payload, qos=1)

    def heard(self, alert: Mapping[str, object]) -> None:
        """An alert came on the stream."""
        facility = str(alert["facility"])
        if alert["kind"] == "facility_failed" and facility in self.probed:
            self.took.setdefault(facility, time.monotonic() - self.probed[facility])


@contextmanager
def _listening(client: httpx.Client, load: _Load) -> Iterator[None]:
    opened, closing = threading.Event(), threading.Event()

    def listen() -> None:
        with client.stream("GET", "/api/v1/alerts/stream", timeout=120) as answer:
            opened.set()
            kind = ""
            for line in answer.iter_lines():
                if closing.is_set():
                    return
                if line.startswith("event:"):
                    kind = line[6:].strip()
                elif line.startswith("data:") and kind == "raised":
                    load.heard(json.loads(line[5:]))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    if not opened.wait(30):
        raise RuntimeError("the stream did not open")
    yield
    closing.set()


@contextmanager
def _process(command: str, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    log = Path(environment["SIAGA_DATA_DIR"]) / f"{command}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([SIAGA, command], env=dict(environment), stdout=output, stderr=output)
    try:
        yield process
    except BaseException:
        print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _prepare(environment: Mapping[str, str]) -> str:
    engine = connect(environment["SIAGA_DATABASE_URL"])
    migrate(engine)
    Registry(engine).replace([_village(number) for number in range(VILLAGES)], time.time_ns() // 1_000_000)
    token = Tokens(engine).create(Role.VIEWER, "bench")
    engine.dispose()
    return token


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _village(number: int) -> Village:
    facilities = tuple(
        Facility(f"gerbang-{n}", "gate", "Gerbang", (Device(f"gerbang-{n}", Adapter.SENML, MINUTE),), grace=0)
        for n in range(DEVICES)
    )
    return Village(_code(number), f"Desa {number}", -8.2, 114.3, "Asia/Jakarta", facilities, remote=True)


def _code(number: int) -> str:
    return f"35.10.{number // 100 + 1:02d}.{2000 + number % 100}"


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    for figure in run():
        print(figure)
