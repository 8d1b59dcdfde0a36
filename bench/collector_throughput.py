"""Readings a second from a full broker queue through a collector process into InfluxDB 1.6, beside a bare writer.

10,000 series, three signals a point. The broker holds the whole load in the collector's persistent session before the
collector starts; the clock runs from the first acknowledgement to the last. The bare writer puts the very same points
into the same server, before and after, as line protocol that was made beforehand.
"""

import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.figure import Figure, at_least
from bench.load import DEVICES, SIGNALS_A_POINT, Load
from collector import SessionName, broker_session
from collector.collector import SHARE
from siaga.database import connect, migrate
from siaga.registry import Registry
from siaga.topics import BATCHES, REFUSED
from tests.servers import Influxd, Mosquitto
from tests.wait import until

VILLAGES = 500
MINUTES = 100
"""3,000,000 readings: ten to twenty seconds of work."""
AIM = 0.7
"""Of the bare writer (design.md)."""
START = 1_764_000_000_000
BROKER = ["max_queued_messages 0", "max_inflight_messages 1000", "autosave_interval 0"]
"""Beside Mosquitto's defaults of 1,000 queued messages, which would drop the load, and 20 in flight, which would keep
groups small; both belong into the configuration of a real centre's broker as well."""


def run() -> list[Figure]:
    figures: list[Figure] = []
    for readings_a_batch in (999, 99):
        load = Load(VILLAGES, START)
        with Influxd() as influxd, Mosquitto(BROKER) as mosquitto, tempfile.TemporaryDirectory() as directory:
            before = _bare(influxd, load, "before")
            measured, stored = _collect(influxd, mosquitto, load, readings_a_batch, Path(directory))
            after = _bare(influxd, load, "after")
        bare = (before + after) / 2
        name = f"collector, {readings_a_batch} readings a message"
        figures += [
            Figure(f"bare writer beside it", bare, "readings/s", note=f"{before:,.0f} before, {after:,.0f} after"),
            at_least(name, measured, "readings/s", AIM * bare, f"{measured / bare:.2f} of the bare writer"),
            at_least("  of them in the store", stored, "", VILLAGES * MINUTES * DEVICES * SIGNALS_A_POINT),
        ]
    return figures


def _bare(influxd: Influxd, load: Load, database: str) -> float:
    influxd.query("", f"CREATE DATABASE {database}")
    lines = (
        f"telemetry,village={p.village},device={p.device} gate_open={'true' if p.values['gate_open'] else 'false'},"
        f"battery={p.values['battery']},rssi={p.values['rssi']},received={p.received / 1000} {p.time}"
        for p in load.points(0, MINUTES)
    )
    requests = ["\n".join(chunk).encode() for chunk in _chunks(lines, 5_000)]
    address = urlsplit(influxd.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    began = time.perf_counter()
    for body in requests:
        connection.request("POST", f"/write?db={database}&precision=ms", body)
        with connection.getresponse() as answer:
            assert answer.status == 204, answer.read()
            answer.read()
    took = time.perf_counter() - began
    connection.close()
    influxd.query("", f"DROP DATABASE {database}")
    return MINUTES * load.villages * DEVICES * SIGNALS_A_POINT / took


def _chunks(lines: Iterable[str], size: int) -> Iterable[list[str]]:
    chunk: list[str] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _collect(influxd: Influxd, mosquitto: Mosquitto, load: Load, batch: int, directory: Path) -> tuple[float, float]:
    database_url = f"sqlite:///{directory}/siaga.db"
    engine = connect(database_url)
    migrate(engine)
    Registry(engine).replace(load.sites(), START)
    engine.dispose()
    _leave_session(mosquitto, directory)
    published = _fill(mosquitto, load, batch // SIGNALS_A_POINT)
    environment = {
        "SIAGA_MQTT_URL": mosquitto.url,
        "SIAGA_STORE_URL": influxd.store_url("siaga"),
        "SIAGA_DATABASE_URL": database_url,
        "SIAGA_DATA_DIR": str(directory),
    }
    with _Acknowledgements(mosquitto) as acks:
        process = subprocess.Popen([sys.executable, "-m", "bench.collector_process"], env=os.environ | environment)
        try:
            until(lambda: acks.count >= published, 300, f"{published} acknowledgements")
        finally:
            cpu = _cpu(process.pid)
            process.terminate()
            process.wait(10)
    counted = influxd.query("siaga", "SELECT count(gate_open), count(battery), count(rssi) FROM telemetry")[0]
    stored = sum(float(str(counted[name])) for name in ("count", "count_1", "count_2"))
    readings = stored * (published - acks.of_first_moment) / published
    print(
        f"  cpu {cpu:.2f} s, influxd {_cpu(influxd.pid):.2f}, mosquitto {_cpu(mosquitto.pid):.2f} wall {acks.last - acks.first:.2f} {published=}"
    )
    return readings / (acks.last - acks.first), stored


def _cpu(pid):
    f = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / 100


def _leave_session(mosquitto: Mosquitto, directory: Path) -> None:
    """Subscribe as the collector will, and go: the broker keeps everything for it from here on."""
    name = SessionName.of(directory)
    transport = broker_session(mosquitto.url, name)
    for each in (BATCHES, REFUSED):
        transport.subscribe(SHARE + each)
    until(lambda: transport.connected, 10, "the broker grants the subscriptions")
    transport.close()
    assert name.lock is not None
    name.lock.close()


def _fill(mosquitto: Mosquitto, load: Load, points_a_batch: int) -> int:
    """Publish the load; how many messages the broker took."""
    client = Client(CallbackAPIVersion.VERSION2, "load")
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    sent = [client.publish(topic, payload, qos=1) for topic, payload in load.batches(0, MINUTES, points_a_batch)]
    for each in sent:
        each.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()
    return len(sent)


class _Acknowledgements:
    """Counts siaga's acknowledgements, with the time of the first and of the last."""

    def __init__(self, mosquitto: Mosquitto) -> None:
        self.count = 0
        self.of_first_moment = 0
        self.first = self.last = 0.0
        self._granted = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "acks")
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.connect("127.0.0.1", mosquitto.port)

    def _on_message(self, _client: Client, _data: object, _message: MQTTMessage) -> None:
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.count += 1
        if self.last - self.first < 0.05:  # the first group's, whose time of work lies before the first of them
            self.of_first_moment = self.count

    def __enter__(self) -> "_Acknowledgements":
        self._client.loop_start()
        self._client.subscribe("siaga/v1/+/gateway/+/ack", qos=0)
        assert self._granted.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
