"""Simulated devices on a real broker: births, last wills, hangs, and the truth about what was acknowledged."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.driver import Driver
from firmware_sim.faults import Fault, FaultKind
from firmware_sim.history import History
from firmware_sim.remote_gateway import RemoteGateways
from firmware_sim.scene import Scene
from firmware_sim.truth import TruthFile
from firmware_sim.world import World
from tests.firmware_sim.village import CODE, village
from tests.servers import Mosquitto
from tests.wait import PATIENCE, until

SPEED = 8
"""Booting, joining and backing off take so many times less time than in life: nothing else waits here."""


def fast_clock() -> Callable[[], int]:
    """A clock that runs `SPEED` times faster, from now on."""
    began = now()
    return lambda: began + (now() - began) * SPEED


class Running:
    """A driver in a thread, with the messages that came to the broker beside it.

    `planned`: what fails for good, and so many seconds after the start.
    """

    def __init__(self, broker: Mosquitto, directory: Path, *planned: tuple[FaultKind, int]) -> None:
        self.truth_lines = io.StringIO()
        self.truth = TruthFile(self.truth_lines)
        self.clock = fast_clock()
        began = self.clock()
        faults = [Fault(kind, began + after * 1000, began + 600_000, CODE) for kind, after in planned]
        world = World([village(directory)], faults, seed=2, start=self.clock())
        self.driver = Driver(world, broker.url, self.truth, self.clock)
        self.stop = threading.Event()
        self.messages: list[tuple[str, bytes]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="watcher")
        self.client.on_message = lambda _c, _u, message: self.messages.append((message.topic, bytes(message.payload)))
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.thread = threading.Thread(target=self.driver.run, args=(self.stop,))
        self.thread.start()

    def has(self, topic: str, payload: bytes) -> bool:
        return (topic, payload) in self.messages

    def end(self) -> None:
        self.stop.set()
        self.thread.join(PATIENCE)
        self.client.disconnect()
        self.client.loop_stop()


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def running(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Running]:
    some = Running(mosquitto, tmp_path, (FaultKind.GATE_CLOSED, 36), (FaultKind.MAINS_CUT, 44))
    yield some
    some.end()


def test_a_village_comes_up_fails_and_says_so_by_reports_and_last_wills(running: Running) -> None:
    until(lambda: running.driver.online == 5, what="all five devices are online")
    until(lambda: running.has("tele/kontak-depan/LWT", b"Online"))
    until(lambda: running.has(f"siaga/v1/{CODE}/ap/status", b"online"))
    until(lambda: any(t == "tele/kontak-depan/SENSOR" and b'"Switch1":"ON"' in p for t, p in running.messages))
    until(lambda: running.has(f"siaga/v1/{CODE}/ap/status", b"offline"), what="the access point's last will")
    until(lambda: any(t.endswith("/pln/senml") and b'"vb":false' in p for t, p in running.messages))
    running.end()
    lines = [json.loads(line) for line in running.truth_lines.getvalue().splitlines()]
    said = [line for line in lines if line["device"] == "kontak" and "gate_open" in line.get("values", {})]
    assert [line["values"]["gate_open"] for line in said] == [True, False]
    assert all(line["acknowledged"] for line in said)


def test_devices_come_back_after_the_broker_was_away(mosquitto: Mosquitto, tmp_path: Path) -> None:
    running = Running(mosquitto, tmp_path)
    until(lambda: running.driver.online == 5)
    mosquitto.stop()
    until(lambda: running.driver.online == 0)
    mosquitto.start()
    until(lambda: running.driver.online == 5)
    running.end()
    assert running.driver.problem is None


class Centre:
    """Acknowledges batches as the contract says, but leaves the first copy of every third unanswered."""

    def __init__(self, broker: Mosquitto) -> None:
        self.batches: list[tuple[str, int]] = []
        self._dropped: set[int] = set()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="centre")
        self.client.on_message = self._on_message
        self.ready = threading.Event()
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.client.subscribe("siaga/v1/+/gateway/+/batch", 1)
        assert self.ready.wait(PATIENCE)

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        import gzip

        wire = json.loads(gzip.decompress(message.payload))
        if wire["seq"] % 3 == 0 and wire["seq"] not in self._dropped:
            self._dropped.add(wire["seq"])
            return
        self.batches.append((wire["epoch"], wire["seq"]))
        answer = json.dumps({"epoch": wire["epoch"], "seq": wire["seq"]})
        client.publish(message.topic.removesuffix("batch") + "ack", answer, qos=1)


def test_a_remote_gateway_sends_until_every_batch_is_acknowledged(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_sim.remote_gateway.AGAIN", 0.5)
    start = 1_767_225_600_000
    past = History(
        Scene(village(tmp_path), (), 1, start), "gw", start=start, end=start + 4 * 86_400_000, every=300_000, seed=1
    )
    centre = Centre(mosquitto)
    stored: list[int] = []
    batches = (past.batch(seq) for seq in range(1, past.chunks + 1))
    done = RemoteGateways(mosquitto.url).send(batches, threading.Event(), lambda batch: stored.append(batch.seq))
    centre.client.disconnect()
    centre.client.loop_stop()
    assert done
    assert sorted(stored) == list(range(1, 9))
    assert {seq for _, seq in centre.batches} == set(range(1, 9))
