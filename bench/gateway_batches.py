"""A village of 20 devices for some minutes: batches a minute, and bytes on its link.

Every device reports three signals a minute: its gate, which stays open, its battery and its signal strength, which
moves. The gateway is a process of its own, between the brokers of a village and of a district.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.centre import BROKER
from bench.figure import Figure, at_most
from bench.processes import environment, service
from gateway.status_socket import NoGateway, read_status
from siaga.wire.batch import decode_batch, encode_ack
from siaga.wire.topics import ack_topic
from tests.mqtt.link import Link
from tests.servers import Mosquitto
from tests.wait import until

__all__ = ["ALONE", "CODE", "listens", "run", "sites"]

ALONE = True
"""It runs only where it is named."""
MINUTES = int(os.environ.get("SIAGA_BENCH_MINUTES", "5"))
DEVICES = 20
IDS = [f"g-{number}" for number in range(DEVICES)]
CODE = "35.10.15.2012"
AIM = 4
"""Batches a minute: two heartbeats, and as many changes."""
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


class _Centre:
    """Acknowledges batches, and counts them and their bytes."""

    def __init__(self, broker: Mosquitto) -> None:
        self.batches = self.size = 0
        self._client = Client(CallbackAPIVersion.VERSION2, "centre")
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._client.subscribe("siaga/v1/+/gateway/+/batch", qos=1)

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        batch = decode_batch(bytes(message.payload), CODE, time.time_ns() // 1_000_000, IDS)
        self.batches += 1
        self.size += len(message.payload)
        self._client.publish(ack_topic(CODE, "gw"), encode_ack(batch.id), qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def run() -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="b") as name,
        Mosquitto(BROKER) as district,
        Mosquitto(BROKER) as village,
        Link(district.port) as cable,
    ):
        directory = Path(name)
        (directory / "sites.yaml").write_text(sites(IDS))
        settings = environment(
            SIAGA_SITES=str(directory / "sites.yaml"),
            SIAGA_DATA_DIR=name,
            SIAGA_MQTT_URL=cable.url,
            SIAGA_VILLAGE_MQTT_URL=village.url,
        )
        centre = _Centre(district)
        with service("gateway", settings):
            until(lambda: listens(directory), 20, "the gateway listens")
            _speak(village, 1)  # each device's first report is news
            batches, size, passed = centre.batches, centre.size, cable.passed
            _speak(village, MINUTES)
            batches, size, passed = centre.batches - batches, centre.size - size, cable.passed - passed
        centre.close()
    return [
        at_most("batches of a village", batches / MINUTES, "a minute", AIM, f"{DEVICES} devices, {MINUTES} minutes"),
        Figure("readings of a batch", 3 * DEVICES * MINUTES / batches, "readings"),
        Figure("batches, compressed", size / MINUTES * 1440 / 1e6, "MB a day"),
        Figure(
            "on the link, both ways", passed / MINUTES * 1440 / 1e6, "MB a day", note="with MQTT's own, without TCP's"
        ),
    ]


def sites(names: Iterable[str]) -> str:
    """Returns a sites file of one village with a gate, which has these devices."""
    return SITES.replace("{devices}", ", ".join(f"{{id: {each}, adapter: senml, every: 1m}}" for each in names))


def _speak(village: Mosquitto, minutes: int) -> None:
    """Let each device report once a minute, three seconds after the one before."""
    client = Client(CallbackAPIVersion.VERSION2, "devices")
    client.connect("127.0.0.1", village.port)
    client.loop_start()
    chance, began = random.Random(1), time.monotonic()
    for turn in range(minutes * DEVICES):
        time.sleep(max(0.0, began + turn * 60 / DEVICES - time.monotonic()))
        text = f'[{{"n":"gate_open","vb":true}},{{"n":"battery","v":88}},{{"n":"rssi","v":{chance.randint(-70, -60)}}}]'
        client.publish(f"siaga/v1/{CODE}/{IDS[turn % DEVICES]}/senml", text, qos=1)
    time.sleep(max(0.0, began + minutes * 60 - time.monotonic()))
    client.disconnect()
    client.loop_stop()


def listens(data: Path) -> bool:
    """Returns whether the gateway has its session with the village's broker, which keeps nothing for it before."""
    try:
        return read_status(data).village_problem is None
    except NoGateway:
        return False
