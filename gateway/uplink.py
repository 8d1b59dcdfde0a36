"""Batches to the centre: formed, sent, sent again until they are acknowledged, then deleted.

Forming belongs to the commit in which the readings were stored; sending comes after it. A batch keeps its number and
its readings however often it is sent, also over a crash.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from gateway.buffer import Buffer, FormedBatch
from gateway.metrics import GatewayMetrics
from siaga.batch import BatchId, UnreadableBatch, decode_ack, encode_batch
from siaga.clock import SECOND
from siaga.topics import ForeignTopic, GatewayTopic, ack_topic, batch_topic, parse_topic
from siaga.transport import Message, Transport

__all__ = ["Uplink"]

log = structlog.get_logger(__name__)

FLUSH_AFTER = 200
"""Milliseconds that the first unsent reading of a village waits for company."""
MAX_BATCH = 2_000
"""Readings of one batch: at 20 to 120 bytes each, under 256 kB before packing."""
WINDOW = 8
"""Batches of one village on their way: on a link of 100 kbit/s with a second's delay more would only wait in it."""
FIRST_AGAIN, LATEST_AGAIN = 5 * SECOND, 120 * SECOND
"""Pauses until an unacknowledged batch is sent again: the first, doubling to the last, each up to a quarter longer."""


@dataclass(slots=True)
class _InFlight:
    """A batch that waits for its acknowledgement. `due`: when it is sent (again), monotonic ms."""

    batch: FormedBatch
    due: int
    pause: int = FIRST_AGAIN
    sent: int = 0


class Uplink:
    """The way up of all villages of a gateway process. Batches of before a restart are sent again at once."""

    def __init__(
        self,
        buffer: Buffer,
        transport: Transport,
        chance: random.Random,
        metrics: GatewayMetrics,
        *,
        flush_after: int = FLUSH_AFTER,
        max_batch: int = MAX_BATCH,
        window: int = WINDOW,
    ) -> None:
        self._buffer, self._transport, self._chance, self._metrics = buffer, transport, chance, metrics
        self._flush_after, self._max_batch, self._window = flush_after, max_batch, window
        self._gateways: dict[str, str] = {}
        self._in_flight: dict[str, dict[int, _InFlight]] = {}
        self._waiting_since: dict[str, int] = {}
        for batch in buffer.batches():
            self._in_flight.setdefault(batch.village, {})[batch.seq] = _InFlight(batch, due=0)
        for village in buffer.villages():
            if buffer.unsent(village):
                self._waiting_since[village] = 0

    def update(self, gateways: Mapping[str, str]) -> None:
        """For which villages this gateway speaks, and under which id; a village that is gone is still sent for."""
        for village, gateway in gateways.items():
            if self._gateways.get(village) != gateway:
                if village in self._gateways:
                    self._transport.unsubscribe(ack_topic(village, self._gateways[village]))
                self._transport.subscribe(ack_topic(village, gateway))
        self._gateways |= gateways

    @property
    def in_flight(self) -> int:
        """Batches without an acknowledgement."""
        return sum(len(batches) for batches in self._in_flight.values())

    def stored(self, village: str, now: int) -> None:
        """Readings of a village came into the buffer; `now` monotonic."""
        self._waiting_since.setdefault(village, now)

    def form(self, now: int, *, all_of_it: bool = False) -> None:
        """Form the batches that are due, as far as the window allows. They may be sent after the buffer's commit.

        Raises:
            BufferUnavailable: the disk does not take it.
        """
        for village, since in list(self._waiting_since.items()):
            flying = self._in_flight.setdefault(village, {})
            while len(flying) < self._window:
                late = all_of_it or now >= since + self._flush_after
                if not late and self._buffer.unsent(village) < self._max_batch:
                    break
                batch = self._buffer.form(village, self._max_batch)
                if batch is None:
                    del self._waiting_since[village]
                    break
                flying[batch.seq] = _InFlight(batch, due=now)

    def rolled_back(self, now: int) -> None:
        """The buffer forgot what was not committed: take its word for which batches there are."""
        known = {(batch.village, batch.seq) for batch in self._buffer.batches()}
        for village, flying in self._in_flight.items():
            for seq in [seq for seq in flying if (village, seq) not in known]:
                del flying[seq]
            if self._buffer.unsent(village):
                self._waiting_since.setdefault(village, now)

    def send(self, now: int, wall: int) -> None:
        """Publish every batch that is due, as far as the transport takes it; `now` monotonic, `wall` for `sent`.

        Raises:
            BufferUnavailable: the disk cannot be read.
        """
        if not self._transport.connected:
            return
        for village, flying in self._in_flight.items():
            gateway = self._gateways.get(village)
            if gateway is None:
                continue  # a village that nobody told this process of: its readings wait
            for each in flying.values():
                if each.due <= now and not self._send_one(each, gateway, now, wall):
                    return

    def _send_one(self, each: _InFlight, gateway: str, now: int, wall: int) -> bool:
        batch = each.batch
        payload = encode_batch(BatchId(batch.epoch, batch.seq), wall, self._buffer.read(batch))
        if not self._transport.publish(batch_topic(batch.village, gateway), payload):
            return False
        (self._metrics.resent if each.sent else self._metrics.batches).inc()
        each.sent += 1
        each.due = now + round(each.pause * self._chance.uniform(1, 1.25))
        each.pause = min(each.pause * 2, LATEST_AGAIN)
        return True

    def reconnected(self, now: int) -> None:
        """Another connection to the centre: what is unacknowledged is worth sending soon, not all at one moment."""
        for flying in self._in_flight.values():
            for each in flying.values():
                each.pause = FIRST_AGAIN
                each.due = min(each.due, now + round(self._chance.uniform(0, SECOND)))

    def acknowledged(self, message: Message) -> FormedBatch | None:
        """What a message of the centre acknowledges; `None` where it is nothing that waits here, which is counted."""
        try:
            topic = parse_topic(message.topic)
            ack = decode_ack(message.payload)
        except (ForeignTopic, UnreadableBatch):
            self._metrics.foreign_acks.inc()
            return None
        if isinstance(topic, GatewayTopic) and self._gateways.get(topic.village) == topic.gateway:
            each = self._in_flight.get(topic.village, {}).get(ack.seq)
            if each is not None and each.batch.epoch == ack.epoch:
                return each.batch
        self._metrics.foreign_acks.inc()
        return None

    def done(self, batch: FormedBatch) -> None:
        """The batch is deleted from the buffer, and that is committed."""
        if self._in_flight[batch.village].pop(batch.seq, None) is not None:
            self._metrics.acknowledged.inc()

    def deadline(self) -> int | None:
        """When there is something to do next, monotonic ms; `None`: not before something else happens."""
        times = [
            since + self._flush_after
            for village, since in self._waiting_since.items()
            if len(self._in_flight.get(village, ())) < self._window
        ]
        if self._transport.connected:
            times += [
                each.due
                for village, flying in self._in_flight.items()
                if village in self._gateways
                for each in flying.values()
            ]
        return min(times, default=None)
