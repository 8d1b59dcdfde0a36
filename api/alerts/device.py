"""What is known of one device, beside what it said."""

from dataclasses import dataclass, field

from api.alerts.alert import Kind
from api.alerts.reports import Reports
from api.alerts.subject import Subject
from siaga.model.clock import MINUTE
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

    def _note(self, kind: Kind, noted: Reports, time: int) -> bool:
        alert = self.alerts.get(kind)
        if alert is None or time <= alert.began_at:
            return False
        noted.note(time, self.allowed)
        return True
