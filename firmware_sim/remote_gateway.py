"""Acts as remote gateways on the wire: sends batches to the centre, with retries until each is acknowledged.

It relies on section 4 of the contract only.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.history import Batch

__all__ = ["RemoteGateways"]

AGAIN = 20.0
"""Seconds before a retry of an unacknowledged batch."""


@dataclass(slots=True)
class _Flying:
    batch: Batch
    sent: float


class RemoteGateways:
    """Sends batches of any villages over one session, at most `window` unacknowledged at a time."""

    def __init__(self, url: str, *, window: int = 8, client_id: str = "history") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"broker {parts.scheme}://{parts.hostname or ''}: expected mqtt://HOST:PORT or mqtts://…")
        self._host, self._port = parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._window = window
        self._acknowledged: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self._topics: set[str] = set()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv311)
        self._client.max_queued_messages_set(window * 4)
        self._client.on_message = self._heard
        self._client.on_connect = self._subscribe
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set()

    def send(self, batches: Iterable[Batch], stop: Event, stored: Callable[[Batch], None]) -> bool:
        """Send all batches, and call `stored` for each that the centre acknowledges.

        Returns whether all were acknowledged before `stop` was set.
        """
        waiting = iter(batches)
        flying: dict[tuple[str, int], _Flying] = {}
        self._client.connect_async(self._host, self._port)
        self._client.loop_start()
        try:
            more = True
            while (more or flying) and not stop.is_set():
                more = more and self._fill(waiting, flying)
                self._again(flying)
                if (answered := self._next_answer()) and (done := flying.pop(answered, None)):
                    stored(done.batch)
            return not stop.is_set()
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    def _fill(self, waiting: Iterator[Batch], flying: dict[tuple[str, int], _Flying]) -> bool:
        """Send new batches while the window has room. Returns whether there may be more."""
        while len(flying) < self._window:
            if (batch := next(waiting, None)) is None:
                return False
            topic = self._topic(batch, "ack")
            if topic not in self._topics:
                self._topics.add(topic)
                self._client.subscribe(topic, 1)
            self._publish(batch)
            flying[batch.epoch, batch.seq] = _Flying(batch, time.monotonic())
        return True

    def _again(self, flying: dict[tuple[str, int], _Flying]) -> None:
        for each in flying.values():
            if time.monotonic() - each.sent > AGAIN:
                each.sent = time.monotonic()
                self._publish(each.batch)

    def _publish(self, batch: Batch) -> None:
        self._client.publish(self._topic(batch, "batch"), batch.payload, qos=1)

    @staticmethod
    def _topic(batch: Batch, leaf: str) -> str:
        return f"siaga/v1/{batch.village}/gateway/{batch.gateway}/{leaf}"

    def _next_answer(self) -> tuple[str, int] | None:
        try:
            return self._acknowledged.get(timeout=0.2)
        except Empty:
            return None

    def _subscribe(self, client: Client, *_: object) -> None:
        for topic in sorted(self._topics):
            client.subscribe(topic, 1)

    def _heard(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            answer = json.loads(message.payload)
            self._acknowledged.put((str(answer["epoch"]), int(answer["seq"])))
        except (ValueError, KeyError, TypeError):
            return  # not an acknowledgement: the batch is sent again
