"""What is known of one gateway of a village."""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from api.alerts.device import ClockSaid, WatchedDevice
from api.alerts.subject import Subject
from siaga.wire.health import CameInstead, Health

__all__ = ["BUFFER_FULL", "Buffer", "GatewayRow", "Seen", "WatchedGateway", "tell_devices"]

BUFFER_FULL = 0.8
"""An alert is raised for a buffer that is fuller than this (contract, section 5)."""
_SEEN = 256
"""How many batches of a gateway are remembered: many more than it has in flight."""


class Seen:
    """The last batches of one gateway: to recognise a repetition, and an acknowledgement of a batch that never came."""

    def __init__(self) -> None:
        self._order: deque[tuple[str, int]] = deque()
        self._content: dict[tuple[str, int], int] = {}

    def again(self, epoch: str, seq: int, content: int) -> bool:
        """Remember a batch. Returns True if it had come before with the same content."""
        key = (epoch, seq)
        before = self._content.get(key)
        if before is None:
            self._order.append(key)
            if len(self._order) > _SEEN:
                del self._content[self._order.popleft()]
        self._content[key] = content
        return before == content

    def knows(self, epoch: str, seq: int) -> bool:
        """Returns whether a batch came before, with any content."""
        return (epoch, seq) in self._content


@dataclass(frozen=True, slots=True)
class Buffer:
    """What a gateway said of its buffer: how full it is (0 to 1; `None`: it has said nothing).

    `since`: since when (wall time) it has been above, or below, `BUFFER_FULL`. `thinned`: readings deleted for want of
    room.
    """

    fill: float | None
    since: int
    thinned: int = 0


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A row of `gateway_state`. `last_alive` is event time, the other times are wall time, ms."""

    village: str
    gateway: str
    status: str | None
    status_at: int | None
    last_arrival: int | None
    last_alive: int | None


@dataclass(slots=True, eq=False, kw_only=True)
class WatchedGateway(Subject):
    """One gateway, and what it says of itself and of its devices.

    `status`: what its session said last, which it has said since `status_at`. `last_arrival`: wall time. `last_alive`:
    the time of its newest heartbeat. These four are stored (`GatewayRow`).
    `skewed`, `trusted`: the devices whose clocks are wrong, and right. `instead`: what came from devices that say
    nothing of use.
    """

    id: str
    status: str | None = None
    status_at: int | None = None
    last_arrival: int | None = None
    last_alive: int | None = None
    seen: Seen = field(default_factory=Seen)
    skewed: Mapping[str, ClockSaid] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    instead: Mapping[str, CameInstead] = field(default_factory=dict)
    buffer: Buffer = field(default_factory=lambda: Buffer(None, 0))

    def arrived(self, now: int) -> None:
        """Something arrived from it at wall time `now`."""
        self.last_arrival = now

    def beat(self, time: int) -> None:
        """It was alive at event time `time`."""
        self.last_alive = time if self.last_alive is None else max(time, self.last_alive)

    def say_status(self, status: str, now: int, *, is_retained: bool) -> None:
        """Take its session's status: `online`, or `offline` by its last will. A retained one may only repeat it."""
        if status != self.status or not is_retained:
            self.status, self.status_at = status, now

    def say_health(self, said: Health, devices: Collection[str], now: int) -> set[str]:
        """Take what it says of itself and of `devices`. Returns those from which something else now comes instead."""
        was, is_full = self.buffer, said.buffer > BUFFER_FULL
        goes_on = was.fill is not None and (was.fill > BUFFER_FULL) == is_full
        self.buffer = Buffer(said.buffer, was.since if goes_on else now, said.thinned)
        self.skewed = {
            device: ClockSaid(round(clock.offset * 1000), round(clock.since * 1000))
            for device, clock in said.clocks.items()
            if device in devices
        }
        self.trusted = frozenset(devices if said.trusted is None else said.trusted)
        before, self.instead = (
            self.instead,
            {device: heard.told() for device, heard in said.heard.items() if device in devices},
        )
        return {device for device in {*before, *self.instead} if before.get(device) != self.instead.get(device)}

    def row(self) -> GatewayRow:
        """Returns its row."""
        return GatewayRow(self.village, self.id, self.status, self.status_at, self.last_arrival, self.last_alive)

    def restore(self, row: GatewayRow) -> None:
        """Take over its row. What was replayed since may be newer."""
        self.status, self.status_at = row.status, row.status_at
        self.last_arrival = _latest(self.last_arrival, row.last_arrival)
        self.last_alive = _latest(self.last_alive, row.last_alive)

    @property
    def device_id(self) -> str:
        """Its id: alerts name a gateway as a device."""
        return self.id


def _latest(*times: int | None) -> int | None:
    return max((time for time in times if time is not None), default=None)


def tell_devices(
    gateways: Mapping[str, WatchedGateway], gateway: str, devices: Mapping[str, WatchedDevice], said: Health, now: int
) -> list[WatchedDevice]:
    """Take what a gateway of a village says at wall time `now`. Returns the devices of which that is new."""
    told = gateways[gateway].say_health(said, devices, now)
    return [device for name, device in devices.items() if _tell_clock(gateways, device, now) or name in told]


def _tell_clock(gateways: Mapping[str, WatchedGateway], device: WatchedDevice, now: int) -> bool:
    """Tell a device what the gateways together say of its clock. Returns True if that is new."""
    name = device.device.id
    skewed = [gateway.skewed[name] for gateway in gateways.values() if name in gateway.skewed]
    said = min(skewed, key=lambda clock: clock.since, default=None)
    return device.tell_clock(said, now, is_trusted=any(name in gateway.trusted for gateway in gateways.values()))
