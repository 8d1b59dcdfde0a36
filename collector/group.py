"""A group: the batches of many messages on their way to the store together."""

from dataclasses import dataclass, field

from siaga.model.clock import MINUTE
from siaga.model.observation import Arrival, Point
from siaga.mqtt import Message
from siaga.telemetry import Write

__all__ = ["Group", "TakenBatch"]

NEARLY = 10 * MINUTE
"""So far apart, two stretches of late data are one: a gateway that catches up sends hundreds of batches, one after the
other, and each note would have the same history judged again."""

MAX_READINGS = 30_000
"""A group is full with so many readings: three or four writes of InfluxDB's recommended 5,000 to 10,000 lines; more
does not make them cheaper, and this many are some 10 MB in memory."""
MAX_MESSAGES = 500
"""A group is full with so many messages, however small."""
MAX_BYTES = 8 << 20
"""A group is full with so many bytes of messages, which it holds until they are acknowledged."""


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """One batch of a group. The group's points `[first, last)` are its own; `arrival` says that it came late.

    One that comes again has no points: it is `repeated`, and only acknowledged.
    """

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
    """What is stored in one write and then acknowledged. `messages` holds all that need a PUBACK, refused ones too."""

    max_readings: int = MAX_READINGS
    max_messages: int = MAX_MESSAGES
    points: list[Point] = field(default_factory=list)
    batches: list[TakenBatch] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    readings: int = 0
    bytes: int = 0
    stored: bool = False
    write: Write | None = None
    """The points and notes, made ready for the store."""
    acknowledged: int = 0
    """How many of the batches have been acknowledged to their gateways."""
    try_again: int = 0
    """When the next attempt may be made, monotonic ms."""
    pause: int = 0
    """Milliseconds that the pause before this attempt took; 0: it is the first."""
    _keys: frozenset[tuple[str, str, int]] | None = None

    def touches(self, other: "Group") -> bool:
        """Whether both write to one point (village, device, time). Then it matters which is stored last."""
        return not self.keys.isdisjoint(other.keys)

    @property
    def keys(self) -> frozenset[tuple[str, str, int]]:
        """The points that it writes to."""
        if self._keys is None:
            self._keys = frozenset((village, device, time) for village, device, time, _, _ in self.points)
        return self._keys

    def changed(self) -> None:
        """Forget what was made ready: points were added."""
        self.write = self._keys = None

    @property
    def full(self) -> bool:
        """Whether it takes no more messages."""
        most = self.readings >= self.max_readings or len(self.messages) >= self.max_messages
        return most or self.bytes >= MAX_BYTES

    @property
    def late(self) -> int:
        """How many of its batches came late."""
        return sum(batch.arrival is not None for batch in self.batches)

    @property
    def arrivals(self) -> list[Arrival]:
        """The notes of its late batches; of one gateway's that touch the same stretch, or nearly, one note."""
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
