"""When siaga could know something of a facility: its devices' reports that had to arrive, and its gateway's heartbeats.

What it says of other times is not held against it: `GREY` while a last value ages, `SILENT` once it is too old.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import Enum

from siaga.verify.known_truth import KnownFacility, KnownTruth

__all__ = ["Coverage", "Stretch", "known_at", "merged"]

Stretch = tuple[int, int]
"""`[start, end)` in milliseconds."""

LATE = 1.2
"""A report may come by so much later than its interval: jitter, and a look at its inputs each second."""
SLACK = 2_000
AGES = 3
"""A value holds for so many intervals (contract, section 5)."""
NOTICED = 35_000
"""A broker notices within one and a half keep-alives of 20 s that a device is gone."""


class Coverage(Enum):
    """What could be known at an instant."""

    COVERED = "covered"
    GREY = "grey"
    SILENT = "silent"


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches without overlap, in order."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return found


def known_at(moment: int, stretches: Sequence[Stretch]) -> bool:
    """Whether an instant is in one of the stretches."""
    return any(start <= moment < end for start, end in stretches)


def _until_gone(start: int, end: int, gone: Sequence[int]) -> Stretch:
    """A stretch, cut where the device's session ended: what was said before a last will does not hold after it."""
    place = bisect_right(gone, start)
    return start, min(end, gone[place]) if place < len(gone) else end


class FacilityCoverage:
    """One facility of a truth. `first` is when it was first heard (ms), None: never."""

    def __init__(self, truth: KnownTruth, facility: KnownFacility) -> None:
        self._heard = merged(truth.villages[facility.village].heard)
        self._covered: list[list[Stretch]] = []
        self._valid: list[list[Stretch]] = []
        firsts = []
        for device, every in facility.devices.items():
            reports = [r for r in truth.reports.get((facility.village, device), ()) if r.acknowledged]
            firsts += [r.time for r in reports if facility.evidence & r.values.keys()][:1]
            times = [r.time for r in reports if r.values.keys() - {"online"}]
            gone = truth.gone.get((facility.village, device), ())
            self._covered.append(merged(_until_gone(t, t + int(every * LATE) + SLACK, gone) for t in times))
            self._valid.append(merged((t, t + every * AGES + NOTICED) for t in times))
        self.first = min(firsts, default=None)

    def moments(self) -> Iterable[int]:
        """The instants at which something of it changes."""
        for stretches in (self._heard, *self._covered, *self._valid):
            for start, end in stretches:
                yield start
                yield end

    def at(self, moment: int) -> Coverage:
        """What could be known at an instant: all of it only where all devices had reported."""
        if all(known_at(moment, some) for some in self._covered) and self.heard(moment):
            return Coverage.COVERED
        if any(known_at(moment, some) for some in self._valid) and self.heard(moment):
            return Coverage.GREY
        return Coverage.SILENT

    def heard(self, moment: int) -> bool:
        """Whether the village's gateway was heard."""
        return known_at(moment, self._heard)
