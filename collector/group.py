"""A group: the batches of many messages on their way to the store together."""

from dataclasses import dataclass, field

from siaga.mqtt import Message
from siaga.observation import Arrival, Point

__all__ = ["Group", "TakenBatch"]


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """One batch of a group. The group's points `[first, last)` are its own; `arrival` says that it came late."""

    village: str
    topic: str
    ack_topic: str
    ack_payload: bytes
    first: int
    last: int
    arrival: Arrival | None


@dataclass(slots=True)
class Group:
    """What is stored in one write and then acknowledged. `messages` holds all that need a PUBACK, refused ones too."""

    points: list[Point] = field(default_factory=list)
    batches: list[TakenBatch] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    readings: int = 0
    bytes: int = 0
    stored: bool = False
    acknowledged: int = 0
    """How many of the batches have been acknowledged to their gateways."""

    @property
    def arrivals(self) -> list[Arrival]:
        """The notes of its late batches."""
        return [batch.arrival for batch in self.batches if batch.arrival is not None]
