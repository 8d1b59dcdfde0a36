"""What is known of one gateway of a village."""

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from api.alerts.device import ClockSaid
from api.alerts.subject import Subject
from siaga.wire.health import Health

__all__ = ["BUFFER_FULL", "Buffer", "Epochs", "GatewayRow", "Seen", "WatchedGateway"]

BUFFER_FULL = 0.8
"""An alert is raised for a buffer that is fuller than this (contract, section 5)."""
_NOTHING_SAID = Health(trusted=[], buffer=0)
_SEEN = 256
"""How many batches of a gateway are remembered: many more than it has in flight."""
_EPOCHS = 8
"""How many earlier buffers of a gateway are remembered."""


class Seen:
    """The last batches of one gateway: to recognise a repetition, and an acknowledgement of a batch that never came.

    By epoch the numbers of its batches, in the order in which they came, and of each what it held: 16 bytes a batch.
    """

    __slots__ = ("_count", "_epochs", "_highest")

    def __init__(self) -> None:
        self._epochs: dict[str, tuple[array[int], array[int]]] = {}
        self._highest: dict[str, int] = {}
        self._count = 0

    def again(self, epoch: str, seq: int, content: int) -> bool:
        """Remember a batch. Returns True if it had come before with the same content."""
        found = self._epochs.get(epoch)
        if found is None:
            found = self._epochs[epoch] = (array("q"), array("q"))
        numbers, contents = found
        if seq <= self._highest.get(epoch, -1) and seq in numbers:
            at = numbers.index(seq)
            before, contents[at] = contents[at], content
            return before == content
        numbers.append(seq)
        contents.append(content)
        self._highest[epoch] = max(seq, self._highest.get(epoch, seq))
        self._count += 1
        if self._count > _SEEN:
            self._forget_oldest()
        return False

    def knows(self, epoch: str, seq: int) -> bool:
        """Returns whether a batch came before, with any content."""
        found = self._epochs.get(epoch)
        return found is not None and seq in found[0]

    def _forget_oldest(self) -> None:
        """Forget the oldest batch of the oldest epoch."""
        epoch, (numbers, contents) = next(iter(self._epochs.items()))
        del numbers[0], contents[0]
        self._count -= 1
        if not numbers:
            del self._epochs[epoch], self._highest[epoch]


class Epochs:
    """The buffers that one gateway's batches come from. A gateway with a new one never goes back to an old one."""

    __slots__ = ("_back", "_earlier", "_now")

    def __init__(self) -> None:
        self._now: str | None = None
        self._earlier: dict[str, None] = {}
        self._back = 0

    def take(self, epoch: str) -> bool:
        """Take a batch that had not come before. Returns True if two buffers take turns: two gateways have one name.

        The first return does not count: what waited at the broker may come out of turn once.
        """
        if epoch == self._now:
            return False
        if self._now is not None:
            self._earlier[self._now] = None
        is_back = epoch in self._earlier
        self._earlier.pop(epoch, None)
        if len(self._earlier) > _EPOCHS:
            del self._earlier[next(iter(self._earlier))]
        self._now = epoch
        self._back += is_back
        return is_back and self._back > 1


@dataclass(frozen=True, slots=True)
class Buffer:
    """What a gateway said of its buffer: how full it is (0 to 1; `None`: it has said nothing).

    `since`: since when (wall time) it has been above, or below, `BUFFER_FULL`. `thinned`: readings deleted for want of
    room.
    """

    fill: float | None
    since: int
    thinned: int = 0


class GatewayRow(NamedTuple):
    """The row of a gateway in `gateway_state`."""

    village: str
    gateway: str
    status: str | None
    status_at: int | None
    last_arrival: int | None
    last_alive: int | None
    version: str | None
    twin_at: int | None


@dataclass(slots=True, eq=False, kw_only=True)
class WatchedGateway(Subject):
    """One gateway, and what it says of itself and of its devices.

    `status`: what its session said last, which it has said since `status_at`. `last_arrival`: wall time. `last_alive`:
    the time of its newest heartbeat. `version`: of its siaga. `twin_at`: when another gateway of its name was last
    noticed, wall time. These six are stored.
    `health`: what it says of itself and of devices; at first nothing. `buffer`: since when its buffer is so.
    """

    device_id: str
    status: str | None = None
    status_at: int | None = None
    last_arrival: int | None = None
    last_alive: int | None = None
    version: str | None = None
    twin_at: int | None = None
    epochs: Epochs = field(default_factory=Epochs)
    seen: Seen = field(default_factory=Seen)
    health: Health = field(default_factory=lambda: _NOTHING_SAID)
    buffer: Buffer = field(default_factory=lambda: Buffer(None, 0))

    def arrived(self, now: int) -> None:
        """Something arrived from it at wall time `now`."""
        self.last_arrival = now

    def takes_turns(self, epoch: str, now: int) -> None:
        """Note a batch that had not come before: whether another gateway of its name sends, too."""
        if self.epochs.take(epoch):
            self.twin_at = now

    def beat(self, time: int) -> None:
        """It was alive at event time `time`."""
        self.last_alive = time if self.last_alive is None else max(time, self.last_alive)

    def say_status(self, status: str, now: int, *, is_retained: bool) -> None:
        """Take its session's status: `online`, or `offline` by its last will. A retained one may only repeat it."""
        if status != self.status or not is_retained:
            self.status, self.status_at = status, now

    def say_health(self, said: Health, now: int) -> None:
        """Take what it says of itself and of devices."""
        was, is_full = self.buffer, said.buffer > BUFFER_FULL
        goes_on = was.fill is not None and (was.fill > BUFFER_FULL) == is_full
        self.buffer = Buffer(said.buffer, was.since if goes_on else now, said.thinned)
        self.health, self.version = said, said.version

    def says_of_clock(self, device: str) -> ClockSaid | None:
        """Returns since when a device's clock is wrong, and by how much; `None`: it does not say so."""
        clock = self.health.clocks.get(device)
        return None if clock is None else ClockSaid(round(clock.offset * 1000), round(clock.since * 1000))

    def trusts(self, device: str) -> bool:
        """Returns whether it says that a device's clock is right."""
        return self.health.trusted is None or device in self.health.trusted

    def row(self) -> GatewayRow:
        """Returns its row in `gateway_state`."""
        return GatewayRow(
            self.village,
            self.device_id,
            self.status,
            self.status_at,
            self.last_arrival,
            self.last_alive,
            self.version,
            self.twin_at,
        )

    def restore(self, row: GatewayRow) -> None:
        """Take over its row in `gateway_state`. What was replayed since may be newer."""
        self.status, self.status_at, self.version = row.status, row.status_at, self.version or row.version
        self.last_arrival = _latest(self.last_arrival, row.last_arrival)
        self.last_alive = _latest(self.last_alive, row.last_alive)
        self.twin_at = _latest(self.twin_at, row.twin_at)


def _latest(*times: int | None) -> int | None:
    return max((time for time in times if time is not None), default=None)
