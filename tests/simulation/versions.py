"""What the centre was told at each time: its villages and the maintenance that was declared.

Both change while everything runs, and whoever decides may have decided by what was true a moment ago.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from siaga.model.clock import DAY
from siaga.model.sites import Village
from siaga.timeline.judge import PlannedWork
from siaga.timeline.maintenance import MaintenanceWindow, planned

__all__ = ["Version", "Versions"]


@dataclass(frozen=True, slots=True)
class Version:
    """From when on (true time) the centre was told so. `windows`: what is declared and not taken back, by id."""

    since: int
    villages: Mapping[str, Village]
    windows: Mapping[str, MaintenanceWindow]

    def planned(self, village: Village, facility: str, now: int) -> list[PlannedWork]:
        """What excuses a facility, up to a day from now."""
        found = planned(list(self.windows.values()), village, now + DAY)
        return [work for whom, work in found if whom is None or whom == facility]


@dataclass(slots=True)
class Versions:
    """All versions, the newest last."""

    all: list[Version] = field(default_factory=list)

    def note(
        self,
        time: int,
        villages: Sequence[Village] | None = None,
        windows: Mapping[str, MaintenanceWindow] | None = None,
    ) -> None:
        """The centre is told something else from now on; what is not given stays."""
        last = self.all[-1] if self.all else Version(time, {}, {})
        known = last.villages if villages is None else {village.code: village for village in villages}
        self.all.append(Version(time, known, last.windows if windows is None else windows))

    @property
    def now(self) -> Version:
        return self.all[-1]

    def between(self, start: int, end: int) -> list[Version]:
        """The versions that were the newest at some time in `[start, end]`, the latest first."""
        ends = [version.since for version in self.all[1:]] + [end + 1]
        return [v for v, until in zip(self.all, ends, strict=True) if until > start and v.since <= end][::-1]

    def devices(self, village: str) -> set[str]:
        """The ids of all devices that a village ever had."""
        places = [version.villages[village] for version in self.all if village in version.villages]
        return {device.id for place in places for facility in place.facilities for device in facility.devices}
