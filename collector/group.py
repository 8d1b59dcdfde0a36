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
