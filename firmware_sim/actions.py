"""What a device wants from its network. The driver does it, and says how it went."""

from dataclasses import dataclass

from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet

__all__ = ["Action", "Connect", "Drop", "Freeze", "Key", "Leave", "Send", "Vanish"]

Key = tuple[str, str]
"""Village and device: what names a session."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a session, with this last will if the family has one."""

    device: SimulatedDevice
    will: Packet | None


@dataclass(frozen=True, slots=True)
class Send:
    """Publish with QoS 1 on a session: the device's own, or its bridge's."""

    device: SimulatedDevice
    packet: Packet
    time: int
    session: Key


@dataclass(frozen=True, slots=True)
class Drop:
    """Count what was to be sent as not sent: it was lost with the session on the way."""

    device: SimulatedDevice
    packet: Packet
    time: int


@dataclass(frozen=True, slots=True)
class Vanish:
    """Break the connection without a word: the power went."""

    device: SimulatedDevice


@dataclass(frozen=True, slots=True)
class Leave:
    """End the session in a way that publishes no last will: the broker itself went, and knows why."""

    device: SimulatedDevice


@dataclass(frozen=True, slots=True)
class Freeze:
    """Keep the socket open and do nothing with it: the device hangs, or its cable is cut."""

    device: SimulatedDevice


Action = Connect | Send | Drop | Vanish | Leave | Freeze
