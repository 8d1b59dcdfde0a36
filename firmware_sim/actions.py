"""The network operations that a device requests. The driver carries them out and reports the result."""

from dataclasses import dataclass

from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet

__all__ = ["Action", "Connect", "Drop", "Freeze", "Key", "Leave", "Send", "Vanish"]

Key = tuple[str, str]
"""Village and device, which identify a session."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a session. `will`: its last will; `None` if the family has none."""

    device: SimulatedDevice
    will: Packet | None


@dataclass(frozen=True, slots=True)
class Send:
    """Publish with QoS 1. `session`: the device's own, or its bridge's. `time`: ms."""

    device: SimulatedDevice
    packet: Packet
    time: int
    session: Key


@dataclass(frozen=True, slots=True)
class Drop:
    """Count a packet as not sent: it was in flight when its session ended."""

    device: SimulatedDevice
    packet: Packet
    time: int


@dataclass(frozen=True, slots=True)
class Vanish:
    """Break the connection without a disconnect, as in a power cut."""

    device: SimulatedDevice


@dataclass(frozen=True, slots=True)
class Leave:
    """End the session without a last will: the broker itself closed it."""

    device: SimulatedDevice


@dataclass(frozen=True, slots=True)
class Freeze:
    """Keep the socket open, but do not use it: the device hangs, or its cable is cut."""

    device: SimulatedDevice


Action = Connect | Send | Drop | Vanish | Leave | Freeze
