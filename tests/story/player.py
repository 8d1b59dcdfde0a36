"""A program that plays a village's gateway, from the wire's description alone: it shares no code with siaga's own."""

import gzip
import json
import threading
import uuid
from collections.abc import Iterable, Sequence
from types import TracebackType

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.wait import PATIENCE

Record = tuple[str, float, bool | int | float]
"""A record's name (`device/signal`), its Unix time and its value."""


class GatewayPlayer:
    """Speaks as `gateway` of `village`: batches out, acknowledgements in."""

    def __init__(self, port: int, village: str, gateway: str = "gw-desa") -> None:
        self.village, self.gateway = village, gateway
        self.epoch = str(uuid.uuid4())
        self.seq = 0
        self.acknowledged: set[tuple[str, int]] = set()
        self._granted = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"player-{village}-{gateway}")
        self._client.max_inflight_messages_set(200)
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._port = port

    def __enter__(self) -> "GatewayPlayer":
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self._client.subscribe(self._topic("ack"), qos=1)
        assert self._granted.wait(PATIENCE), "the broker granted no subscription"
        self._client.publish(self._topic("status"), b'{"state":"online"}', qos=1, retain=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _topic(self, what: str) -> str:
        return f"siaga/v1/{self.village}/gateway/{self.gateway}/{what}"

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        ack = json.loads(message.payload)
        self.acknowledged.add((ack["epoch"], ack["seq"]))

    def batch(self, records: Sequence[Record], *, sent: float) -> tuple[int, bytes]:
        """The next batch as bytes, not yet published."""
        self.seq += 1
        senml = [
            {"n": name, "t": time, ("vb" if isinstance(value, bool) else "v"): value} for name, time, value in records
        ]
        body = json.dumps({"epoch": self.epoch, "seq": self.seq, "sent": sent, "senml": senml}).encode()
        return self.seq, gzip.compress(body, 1) if self.seq % 2 else body

    def publish(self, payload: bytes) -> None:
        """Send bytes on the batch topic."""
        self._client.publish(self._topic("batch"), payload, qos=1)

    def send(self, records: Sequence[Record], *, sent: float) -> int:
        """Publish a batch; answers its `seq`."""
        seq, payload = self.batch(records, sent=sent)
        self.publish(payload)
        return seq

    def is_acknowledged(self, seqs: Iterable[int]) -> bool:
        """Whether the centre has acknowledged all of them."""
        return {(self.epoch, seq) for seq in seqs} <= self.acknowledged
