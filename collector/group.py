"""A group: the batches of many messages that are stored in one write."""

from dataclasses import dataclass, field
from typing import NamedTuple

from siaga.model.clock import MINUTE
from siaga.model.observation import Arrival, Point
from siaga.mqtt import Message
from siaga.telemetry import Write
from siaga.wire.batch import BatchId

__all__ = ["Group", "TakenBatch"]

NEARLY = 10 * MINUTE
"""Two periods of late data that are at most so far apart (ms) are merged into one note. A gateway that catches up sends
hundreds of batches in a row, and each note makes the engine judge the same history again."""

MAX_READINGS = 30_000
"""Readings of a full group: three or four writes of InfluxDB's recommended 5,000 to 10,000 lines. More does not make
writes cheaper, and this many take some 10 MB of memory."""
MAX_MESSAGES = 500
"""Messages of a full group, however small."""
MAX_BYTES = 8 << 20
"""Bytes of messages of a full group, which holds them until they are acknowledged."""


class TakenBatch(NamedTuple):
    """One batch of a group.

    `id`: its own, also in the log.
    `ack_topic`, `ack_payload`: the acknowledgement to publish.
    `first`, `last`: its points are the group's `[first, last)`.
    `arrival`: the note that it is late; `None` if it is not.
    `repeated`: it is a repetition: it has no points, and is only acknowledged.
    """

    id: BatchId
    village: str
    topic: str
    ack_topic: str
    ack_payload: bytes
    first: int
    last: int
    arrival: Arrival | None
    fingerprint: bytes
    repeated: bool = False


@dataclass(slots=True)
class Group:
    """Batches that are stored in one write and then acknowledged.

    `messages`: all messages that need a PUBACK, including refused ones. `bytes`: their payloads' size.
    `stored`: its points are in the store.
    """

    max_readings: int = MAX_READINGS
    max_messages: int = MAX_MESSAGES
    points: list[Point] = field(default_factory=list)
    batches: list[TakenBatch] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    readings: int = 0
    bytes: int = 0
    stored: bool = False
    write: Write | None = None
    """The prepared write of its points and arrivals."""
    acknowledged: int = 0
    """How many of the batches were acknowledged to their gateways."""
    try_again: int = 0
    """When the next attempt may be made, monotonic ms."""
    pause: int = 0
    """The current back-off, ms; 0 before the first failure."""
    counted: tuple[int, int] = (0, 0)
    """How many messages and bytes of it the metrics have."""
    _keys: frozenset[tuple[str, str, int]] | None = None

    def touches(self, other: "Group") -> bool:
        """Returns whether both write to a common point (village, device, time), so that their order matters."""
        return not self.keys.isdisjoint(other.keys)

    @property
    def keys(self) -> frozenset[tuple[str, str, int]]:
        """The points that it writes to."""
        if self._keys is None:
            self._keys = frozenset((village, device, time) for village, device, time, _, _ in self.points)
        return self._keys

    def changed(self) -> None:
        """Discard the prepared write, because points were added."""
        self.write = self._keys = None

    @property
    def full(self) -> bool:
        """Whether it takes no more messages."""
        most = self.readings >= self.max_readings or len(self.messages) >= self.max_messages
        return most or self.bytes >= MAX_BYTES

    @property
    def late(self) -> int:
        """The number of its late batches."""
        return sum(batch.arrival is not None for batch in self.batches)

    @property
    def arrivals(self) -> list[Arrival]:
        """The notes of its late batches. Notes of one gateway whose periods overlap, or nearly do, are merged."""
        late = [batch.arrival for batch in self.batches if batch.arrival is not None]
        merged: list[Arrival] = []
        for arrival in sorted(late, key=lambda each: (each.village, each.gateway, each.first)):
            before = merged[-1] if merged else None
            if before is not None and before[:2] == arrival[:2] and arrival.first <= before.last + NEARLY:
                received, last = max(before.received, arrival.received), max(before.last, arrival.last)
                merged[-1] = before._replace(received=received, last=last)
            else:
                merged.append(arrival)
        return merged
