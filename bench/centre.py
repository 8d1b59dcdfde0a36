"""A centre for measurements of the collector: broker, database, InfluxDB, a load in the broker's queue, a collector."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
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
    """Counts siaga's acknowledgements, by their time; not those of its own probe."""

    def __init__(self, mosquitto: Mosquitto) -> None:
        self.times: list[float] = []
        self._granted = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "acknowledgements")
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.connect("127.0.0.1", mosquitto.port)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic != ack_topic(PROBE, GATEWAY):
            self.times.append(time.perf_counter())

    def __enter__(self) -> "Acknowledgements":
        self._client.loop_start()
        self._client.subscribe("siaga/v1/+/gateway/+/ack", qos=0)
        if not self._granted.wait(10):
            raise RuntimeError("the broker granted no subscription to the acknowledgements")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

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
