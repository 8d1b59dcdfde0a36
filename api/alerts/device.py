"""What is known of one device, beside what it said."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from api.alerts.reports import Reports
from api.alerts.subject import Subject
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.model.intervals import Interval
from siaga.model.sites import Device

__all__ = ["SILENT_MARGIN", "ClockSaid", "WatchedDevice"]

SILENT_MARGIN = 10 * MINUTE
"""What a device is given beyond three of its intervals before it is called silent (contract, section 5)."""


@dataclass(frozen=True, slots=True)
class ClockSaid:
    """What a gateway said of a device's clock: by how much it is off, ms (`None`: it is trusted), and since when."""

    offset: int | None
    since: int


@dataclass(slots=True, eq=False, kw_only=True)
class WatchedDevice(Subject):
    """One device. `watched`: from when it is to report; `facility`: whose it is.

    `reports` and `evidence`: when it reported, or gave evidence, since the open alert about the want of that began.
    `clock` is what its gateway last said of its clock.
    """

    device: Device
    facility: str
    watched: int
    reports: Reports = field(default_factory=Reports)
    evidence: Reports = field(default_factory=Reports)
    clock: ClockSaid | None = None

    @property
    def facility_id(self) -> str:
        """The facility's id."""
        return self.facility

    @property
    def device_id(self) -> str:
        """Its id."""
        return self.device.id

    @property
    def allowed(self) -> int:
        """How long it may be silent, or give no evidence, before it is told of, ms."""
        return 3 * self.device.every + SILENT_MARGIN

    @property
    def may_lack_evidence(self) -> bool:
        """Whether no alert says so already."""
        return Kind.NO_EVIDENCE not in self.alerts

    def note_report(self, time: int) -> bool:
        """Take note of a report. Returns True if it counts for the open `device_silent`."""
        return self._note(Kind.DEVICE_SILENT, self.reports, time)

    def note_evidence(self, time: int) -> bool:
        """Take note of evidence. Returns True if it counts for the open `no_evidence`."""
        return self._note(Kind.NO_EVIDENCE, self.evidence, time)

    def tell_clock(self, said: ClockSaid | None, now: int, *, is_trusted: bool) -> bool:
        """What its gateways together say of its clock. Returns True if that is new."""
        before = self.clock
        if said is not None:
            self.clock = said
        elif is_trusted and (before is None or before.offset is not None):
            self.clock = ClockSaid(None, now)
        return self.clock != before

    def configure(self, device: Device, facility: str) -> None:
        """Take the device as the registry has it now."""
        self.device, self.facility = device, facility

    def expect(self, since: int) -> None:
        """It is to report from `since` on."""
        self.watched = since

    def recall(self, reports: Iterable[Interval], evidence: Iterable[Interval]) -> None:
        """Take over what a snapshot says of its reports."""
        self.reports, self.evidence = Reports(list(reports)), Reports(list(evidence))

    def _note(self, kind: Kind, noted: Reports, time: int) -> bool:
        alert = self.alerts.get(kind)
        if alert is None or time <= alert.began_at:
            return False
        noted.note(time, self.allowed)
        return True
