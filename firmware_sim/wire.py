"""The interface between a device's firmware and its dialect: values and a stamp in, packets out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from firmware_sim.senses import Value

__all__ = ["Dialect", "Packet", "Stamp", "compact"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A device's time when it sends a message.

    `time`: its clock, ms; it counts from 1970 if it was not set. `set`: whether it was set.
    `uptime`: ms. `boots`: the number of boots, from 1.
    """

    time: int
    set: bool
    uptime: int
    boots: int


class Packet(NamedTuple):
    """One message of a device.

    `values`: its values, for the truth.
    `time`: the time in it, ms; `None` without one, or with a clock that was not set. Then the time of receipt counts.
    """

    topic: str
    payload: bytes
    retain: bool = False
    values: Mapping[str, Value] = {}
    time: int | None = None

    @property
    def timed(self) -> bool:
        """Whether it has a trusted time."""
        return self.time is not None


class Dialect(Protocol):
    """The message format of one device. It may keep state, such as counters and the last values."""

    @property
    def will(self) -> Packet | None:
        """The last will; `None` if the family has none."""
        ...

    def birth(self, stamp: Stamp) -> list[Packet]:
        """Returns the first packets of a session."""
        ...

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns a periodic report."""
        ...

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns a report of changes or events; empty for a family that only reports periodically."""
        ...


def compact(value: object) -> bytes:
    """Returns a value as JSON without spaces, as firmware writes it."""
    return json.dumps(value, separators=(",", ":")).encode()
