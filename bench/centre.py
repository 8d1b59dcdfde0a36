"""A centre for measurements of the collector: broker, database, InfluxDB, a load in the broker's queue, a collector."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.load import Load
from bench.processes import environment, service
from collector import ROLE, broker_session
from collector.collector import SHARE
from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.model.probe_village import GATEWAY, PROBE
from siaga.mqtt.sessions import SessionName
from siaga.wire.topics import BATCHES, REFUSED, ack_topic
from tests.servers import Influxd, Mosquitto
from tests.wait import until

__all__ = ["BROKER", "Acknowledgements", "Centre", "publish"]

BROKER = ("max_queued_messages 0", "max_inflight_messages 1000")
"""Beside Mosquitto's defaults: of 1,000 queued messages, which would drop the load, and of 20 in flight, which would
let a collector hold no more than that many small batches at a time. A real centre's broker wants both as well."""

_PUBLISH, _SUBACK = 0x3, 0x9  # the first four bits of a packet
_PROBE_ACK = ack_topic(PROBE, GATEWAY).encode()


@dataclass(frozen=True, slots=True)
class Centre:
    """Where a collector is started: addresses, and a directory of its own."""

    influxd: Influxd
    mosquitto: Mosquitto
    directory: Path
    database: str = "siaga"

    def prepare(self, load: Load) -> None:
        """Import the load's villages, and leave the collector's session at the broker: it keeps everything for it."""
        engine = connect(self._database_url)
        migrate(engine)
        Registry(engine).replace(load.sites(), load.start)
        engine.dispose()
        name = SessionName.of(self.directory, ROLE)
        transport = broker_session(self.mosquitto.url, name)
        for each in (BATCHES, REFUSED):
            transport.subscribe(SHARE + each)
        until(lambda: transport.connected, 10, "the broker grants the subscriptions")
        transport.close()
        name.release()

    @contextmanager
    def collector(self) -> Iterator[int]:
        """`siaga collector`; its process id."""
        settings = environment(
            SIAGA_MQTT_URL=self.mosquitto.url,
            SIAGA_STORE_URL=self.influxd.store_url(self.database),
            SIAGA_DATABASE_URL=self._database_url,
            SIAGA_DATA_DIR=str(self.directory),
        )
        with service("collector", settings) as process:
            yield process.pid

    def stored(self, fields: Iterable[str]) -> int:
        """How many readings of these signals InfluxDB holds."""
        counts = ", ".join(f"count({field}) AS {field}" for field in fields)
        rows = self.influxd.query(self.database, f"SELECT {counts} FROM telemetry")
        return sum(int(str(rows[0][field])) for field in fields) if rows else 0

    @property
    def _database_url(self) -> str:
        return f"sqlite:///{self.directory}/siaga.db"


class Acknowledgements:
    """Counts siaga's acknowledgements, by their time; not those of its own probe.

    It looks at the length and the topic of each packet and no further. A client that handles every message would take
    more of the machine than the collector does.
    """

    def __init__(self, mosquitto: Mosquitto) -> None:
        self.times: list[float] = []
        self._granted = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", mosquitto.port), 10)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        left = b""
        while piece := self._socket.recv(1 << 20):
            now, data, at = time.perf_counter(), left + piece, 0
            while (end := _end_of_packet(data, at)) is not None:
                if data[at] >> 4 == _PUBLISH:
                    if data.find(_PROBE_ACK, at, end) < 0:
                        self.times.append(now)
                elif data[at] >> 4 == _SUBACK:
                    self._granted.set()
                at = end
            left = data[at:]

    def __enter__(self) -> "Acknowledgements":
        self._socket.sendall(b"\x10\x13\0\x04MQTT\x04\x02\0\0\0\x07counter")  # 3.1.1, clean, no keep-alive
        topic = b"siaga/v1/+/gateway/+/ack"
        self._socket.sendall(
            b"\x82" + bytes([5 + len(topic)]) + b"\0\x01" + len(topic).to_bytes(2, "big") + topic + b"\0"
        )
        self._thread.start()
        if not self._granted.wait(10):
            raise RuntimeError("the broker granted no subscription to the acknowledgements")
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def rate(self) -> float:
        """Messages a second, from the end of the first group to the last.

        What the first group took lies before its acknowledgements, so neither it nor they count.
        """
        first = [each for each in self.times if each - self.times[0] < 0.1]
        return (len(self.times) - len(first)) / (self.times[-1] - first[-1])


def publish(mosquitto: Mosquitto, messages: Iterable[tuple[str, bytes]]) -> int:
    """Publish messages as fast as the broker takes them; how many it took."""
    client = Client(CallbackAPIVersion.VERSION2, "load")
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    sent = [client.publish(topic, payload, qos=1) for topic, payload in messages]
    for each in sent:
        each.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()
    return len(sent)


def _end_of_packet(data: bytes, at: int) -> int | None:
    """Returns where an MQTT packet ends; `None` if it is not complete."""
    length = shift = 0
    for place in range(at + 1, min(at + 5, len(data))):
        length |= (data[place] & 127) << shift
        shift += 7
        if data[place] < 128:
            end = place + 1 + length
            return end if end <= len(data) else None
    return None
