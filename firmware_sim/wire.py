"""What passes between a device's program and its way of speaking: values and a stamp in, packets out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from firmware_sim.senses import Value

__all__ = ["Dialect", "Packet", "Stamp", "compact"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a device knows of time when it speaks: its clock (ms), whether that was ever set, and since when it runs.

    A clock that was not set counts from 1970. `uptime` in ms; `boots` counts them, the first is 1.
    """

    time: int
    set: bool
    uptime: int
    boots: int


class Packet(NamedTuple):
    """One message of a device. `values` is what it says, for the truth; `time` (ms) the time that it says it of.

    Without a time, or with one of a clock that was never set, `time` is None: it is known by its receipt.
    """

    topic: str
    payload: bytes
    retain: bool = False
    values: Mapping[str, Value] = {}
    time: int | None = None

    @property
    def timed(self) -> bool:
        """Whether it carries a time that can be believed."""
        return self.time is not None


class Dialect(Protocol):
    """How one device speaks. It may remember what it said: counters, what changed since."""

    @property
    def will(self) -> Packet | None:
        """What the broker says when the device is gone; None: the family leaves no last will."""
        ...

    def birth(self, stamp: Stamp) -> list[Packet]:
        """What it says first in a session."""
        ...

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """A periodic report."""
        ...

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """A report because something changed, or happened; nothing from a family that only reports periodically."""
        ...


def compact(value: object) -> bytes:
    """JSON as firmware writes it."""
    return json.dumps(value, separators=(",", ":")).encode()
