"""Villages whose gates open and close at random, what their gateways send, and what was true.

Every gateway keeps a batch until it is acknowledged and sends it again, as the contract asks. Every gate says every two
seconds how it is. So the truth is exact: a gate was closed from the first reading that says so until one says open.
"""

import random
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from siaga.model.observation import Reading
from siaga.sites.writing import write_tree
from siaga.wire.batch import BatchId, decode_ack, encode_batch
from siaga.wire.topics import ack_topic, batch_topic

__all__ = ["Closure", "Gates"]

PERIOD = 2.0
"""Seconds between two readings of a gate."""
SENT_AGAIN_AFTER = 5.0
"""Seconds after which a gateway sends a batch again that nobody acknowledged."""
AT_ONCE = 200
"""Batches that are sent again in one round, at most: those of a broker that was away come in portions."""
OPEN, CLOSED = (45.0, 150.0), (75.0, 120.0)
"""For how many seconds a gate stands open or closed: longer than any fault, so each closing is due an alert."""


@dataclass(frozen=True, slots=True, order=True)
class Closure:
    """A gate was closed, ms."""

    village: str
    began: int
    ended: int | None


@dataclass
class _Gate:
    village: str
    epoch: str
    turns_at: float
    seq: int = 0
    closed_at: int | None = None
    said: dict[int, bool] = field(default_factory=dict)


@dataclass
class _Sent:
    topic: str
    payload: bytes
    at: float


class Gates:
    """The gates of some villages, and their gateways on one session with the broker.

    `closures`: whenever a gate was closed. `said`: by village, each reading by its time.
    """

    def __init__(self, villages: int, broker: str, port: int, chance: random.Random) -> None:
        self._chance = chance
        now = time.monotonic()
        self._gates = [
            _Gate(code_of(number), str(uuid.UUID(int=chance.getrandbits(128))), now + chance.uniform(*OPEN))
            for number in range(villages)
        ]
        self._over: list[Closure] = []
        self._lock, self._ending, self._calm = threading.Lock(), threading.Event(), False
        self._is_silent = False
        self._waiting: dict[BatchId, _Sent] = {}
        self.sent_again = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gateways")
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(200)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect_async(broker, port, keepalive=10)
        self._thread = threading.Thread(target=self._run, name="gates", daemon=True)

    @property
    def sites(self) -> str:
        """The sites file."""
        return write_tree({"villages": [village(gate.village) for gate in self._gates]})

    @property
    def said(self) -> Mapping[str, Mapping[int, bool]]:
        """What each gate said, by time in ms."""
        with self._lock:
            return {gate.village: dict(gate.said) for gate in self._gates}

    @property
    def closures(self) -> list[Closure]:
        """Whenever a gate was closed, in order."""
        with self._lock:
            now = [Closure(gate.village, gate.closed_at, None) for gate in self._gates if gate.closed_at is not None]
            return sorted([*self._over, *now], key=lambda one: (one.village, one.began))

    @property
    def waiting(self) -> int:
        """How many batches are not acknowledged yet."""
        with self._lock:
            return len(self._waiting)

    def __enter__(self) -> Self:
        self._client.loop_start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(10)
        self._client.disconnect()
        self._client.loop_stop()

    def calm(self) -> None:
        """Close no gate any more. Those that are closed open in their time, so that each closing was due an alert."""
        with self._lock:
            self._calm = True

    def hush(self) -> None:
        """Say nothing new any more."""
        with self._lock:
            self._is_silent = True

    def _run(self) -> None:
        turn = 0
        while not self._ending.wait(PERIOD / len(self._gates)):
            with self._lock:
                if not self._is_silent:
                    self._say(self._gates[turn % len(self._gates)])
                if turn % len(self._gates) == 0:
                    self._repeat()
            turn += 1

    def _say(self, gate: _Gate) -> None:
        at = time.time_ns() // 1_000_000
        now = time.monotonic()
        if gate.closed_at is not None and now >= gate.turns_at:
            self._over.append(Closure(gate.village, gate.closed_at, at))
            gate.closed_at, gate.turns_at = None, now + self._chance.uniform(*OPEN)
        elif gate.closed_at is None and now >= gate.turns_at and not self._calm:
            gate.closed_at, gate.turns_at = at, now + self._chance.uniform(*CLOSED)
        gate.said[at] = is_open = gate.closed_at is None
        gate.seq += 1
        batch = BatchId(gate.epoch, gate.seq)
        readings = [Reading("gw", "alive", at, True), Reading("gerbang-1", "gate_open", at, is_open)]
        sent = _Sent(batch_topic(gate.village, "gw"), encode_batch(batch, at, readings), now)
        self._waiting[batch] = sent
        self._publish(sent)

    def _repeat(self) -> None:
        now = time.monotonic()
        old = [sent for sent in self._waiting.values() if now - sent.at >= SENT_AGAIN_AFTER][:AT_ONCE]
        if self._client.is_connected():
            for sent in old:
                sent.at = now
                self.sent_again += 1
                self._publish(sent)

    def _publish(self, sent: _Sent) -> None:
        if self._client.is_connected():
            self._client.publish(sent.topic, sent.payload, qos=1)

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe([(ack_topic("+", "gw"), 1)])

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        batch = decode_ack(bytes(message.payload))
        with self._lock:
            self._waiting.pop(batch, None)


def code_of(number: int) -> str:
    """Returns a village's code."""
    return f"35.10.{number // 100:02}.{2000 + number % 100}"


def village(code: str) -> dict[str, object]:
    """Returns a village with one gate in the sites file. An alert comes at once, and goes at once."""
    gate = {
        "id": "gerbang",
        "kind": "gate",
        "name": "Gerbang",
        "grace": "0s",
        "recovery": "0s",
        "devices": [{"id": "gerbang-1", "adapter": "senml", "every": "1m"}],
    }
    return {
        "code": code,
        "name": f"Desa {code}",
        "lat": -8.2,
        "lon": 114.3,
        "timezone": "Asia/Jakarta",
        "gateway": "remote",
        "offline_after": "10m",
        "facilities": [gate],
    }
