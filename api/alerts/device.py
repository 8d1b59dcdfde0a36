"""What is known of one device, besides its readings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from api.alerts.subject import Subject
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.model.intervals import Interval, merge
from siaga.model.sites import INTERVALS, Device

__all__ = ["MAX_STRETCHES", "ClockSaid", "WatchedDevice", "allowed"]

_SILENT_MARGIN = 10 * MINUTE
MAX_STRETCHES = 100
"""How many stretches are kept of one alert. The oldest are forgotten first."""
_NOTHING_CAME: Mapping[str, list[Interval]] = MappingProxyType({})


def allowed(every: int) -> int:
    """Returns for how long a device that reports `every` so often may be silent, ms (contract, section 5)."""
    return INTERVALS * every + _SILENT_MARGIN


@dataclass(frozen=True, slots=True)
class ClockSaid:
    """What a gateway said of a device's clock: by how much it is off, ms (`None`: it is trusted), and since when."""

    offset: int | None
    since: int


@dataclass(slots=True, eq=False, kw_only=True)
class WatchedDevice(Subject):
    """One device.

    `watched`: from when on it is expected to report. `clock`: what its gateways last said of its clock. `came`: for an
    open `device_silent` the stretches in which it reported since that began; for an open `no_evidence` those in which
    it gave evidence. Its reports may arrive in any order, and late, so all stretches are kept: the alert is over at the
    start of the last one, whenever the centre hears of it.
    """

    device: Device
    watched: int
    came: Mapping[str, list[Interval]] = field(default_factory=lambda: _NOTHING_CAME)
    clock: ClockSaid | None = None

    @property
    def allowed(self) -> int:
        """How long it may be silent, or give no evidence, before an alert is raised, ms."""
        return allowed(self.device.every)

    def note(self, kind: str, time: int) -> bool:
        """Note that at `time` came what an alert of this kind misses. Returns True if such an alert is open."""
        alert = self.alerts.get(kind)
        if alert is None or time <= alert.began_at:
            return False
        came = (time, time + self.allowed - 1)  # two that touch are one
        self.came = {**self.came, kind: merge([*self.came.get(kind, ()), came])[-MAX_STRETCHES:]}
        return True

    def came_since(self, kind: str) -> int | None:
        """Since when comes what the open alert of this kind misses; `None`: it does not."""
        stretches = self.came.get(kind)
        return stretches[-1][0] if stretches else None

    def changed(self, kind: str) -> None:
        """An alert of this kind was raised or has cleared. What came before does not count for the next one."""
        if kind in self.came:
            self.came = {name: each for name, each in self.came.items() if name != kind} or _NOTHING_CAME

    def tell_clock(self, said: ClockSaid | None, now: int, *, is_trusted: bool) -> bool:
        """Take what its gateways together say of its clock. Returns True if that is new."""
        before = self.clock
        if said is not None:
            self.clock = said
        elif is_trusted and (before is None or before.offset is not None):
            self.clock = ClockSaid(None, now)
        return self.clock != before

    def configure(self, device: Device, facility: str) -> None:
        """Take the device as the registry has it now."""
        self.device, self.facility_id = device, facility

    def expect(self, since: int) -> None:
        """It is to report from `since` on."""
        self.watched = since

    def restore(self, reports: list[Interval] | None, evidence: list[Interval] | None) -> None:
        """Take over what a snapshot says of `came`."""
        came = {Kind.DEVICE_SILENT: reports, Kind.NO_EVIDENCE: evidence}
        self.came = {kind: stretches for kind, stretches in came.items() if stretches} or _NOTHING_CAME
