"""Collector processes, and gateways that send until they are acknowledged. The payloads follow the contract alone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from siaga.database import connect
from siaga.database.registry import Registry
from tests.collector.desk import CLIFF, EPOCH, SHORE, batch, topic, village
from tests.schema import with_tables
from tests.servers import Influxd, Mosquitto
from tests.wait import PATIENCE, until


class Post:
    """What collectors are started on: a broker, an InfluxDB database, a SQL database with two villages."""

    def __init__(self, mosquitto: Mosquitto, influxd: Influxd, directory: Path) -> None:
        self.mosquitto = mosquitto
        self.influxd = influxd
        self.directory = directory
        self.name = f"t{uuid.uuid4().hex[:12]}"
        self.database_url = f"sqlite:///{directory}/siaga.db"
        self.store_url = influxd.store_url(self.name)
        engine = connect(self.database_url)
        with_tables(engine)
        Registry(engine).replace([village(CLIFF, "gerbang-1"), village(SHORE, "gerbang-1")], 0)
        engine.dispose()

    @contextmanager
    def collector(self, name: str = "a") -> Iterator[subprocess.Popen[bytes]]:
        """A collector process. If it still runs at the end, it gets SIGTERM, as from an administrator."""
        environment = {
            "SIAGA_MQTT_URL": self.mosquitto.url,
            "SIAGA_STORE_URL": self.store_url,
            "SIAGA_DATABASE_URL": self.database_url,
            "SIAGA_DATA_DIR": str(self.directory / name),
        }
        command = [sys.executable, "-m", "tests.collector.collector_process"]
        process = subprocess.Popen(command, env=os.environ | environment)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)

    def stored(self) -> set[int]:
        """Returns the event times (seconds) of all gate readings in its database."""
        if not self.influxd.query("", f"SHOW MEASUREMENTS ON {self.name}"):
            return set()
        rows = self.influxd.query(self.name, "SELECT gate_open FROM telemetry")
        return {int(str(row["time"])) // 1000 for row in rows}


class Gateways:
    """Publishes batches and receives their acknowledgements. Batch `seq` n holds one reading at `START + n`."""

    START = 1_764_000_000

    def __init__(self, mosquitto: Mosquitto) -> None:
        self.acknowledged: dict[int, float] = {}
        self._granted = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, f"gateways-{uuid.uuid4().hex[:8]}")
        self._client.max_inflight_messages_set(500)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.connect("127.0.0.1", mosquitto.port)

    def __enter__(self) -> "Gateways":
        self._client.loop_start()
        self._client.subscribe(topic("+", "+", "ack"), qos=1)
        assert self._granted.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        ack = json.loads(message.payload)
        assert ack["epoch"] == EPOCH
        self.acknowledged[ack["seq"]] = time.monotonic()

    def send(self, *seqs: int, size: int = 0) -> None:
        """Publish these batches; `size` bytes of filling make them as large as real ones."""
        for seq in seqs:
            record = {"n": "gerbang-1/gate_open", "t": self.START + seq, "vb": seq % 2 == 0}
            payload = batch(seq, record, isian="x" * size)
            self._client.publish(topic(SHORE if seq % 3 else CLIFF), payload, qos=1).wait_for_publish(PATIENCE)

    def insist(self, seqs: range, timeout: float = PATIENCE) -> None:
        """Send again what is not acknowledged, as gateways do, until everything is."""

        def all_acknowledged() -> bool:
            missing = [seq for seq in seqs if seq not in self.acknowledged]
            self.send(*missing[:50])
            return not missing

        until(all_acknowledged, timeout, f"all of {len(seqs)} batches are acknowledged")

    def hears(self, *seqs: int, timeout: float = PATIENCE) -> None:
        until(lambda: self.acknowledged.keys() >= set(seqs), timeout, f"acknowledgements of {seqs[:5]}…")

    def times(self, seqs: range) -> set[int]:
        return {self.START + seq for seq in seqs}
