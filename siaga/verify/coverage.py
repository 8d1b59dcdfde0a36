"""What siaga could know of a facility and when, from the devices' reports and the gateway's heartbeats.

This follows from the reports by the contract, section 5: a value holds until the next one, for three intervals at most,
and not after a last will. So if siaga's state is out of date, this shows whether an earlier value was still valid
(`HELD`), or whether siaga should have known the new one. An unacknowledged report may or may not have arrived, so siaga
may know it, but need not.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from siaga.verify.known_truth import Gone, KnownFacility, KnownTruth, Report

__all__ = ["EVENT_LASTS", "LATE", "Coverage", "FacilityCoverage", "Stretch", "merged"]

Stretch = tuple[int, int]
"""`[start, end)` in milliseconds."""

LATE = 1.06
"""The largest time between two reports, as a factor of the interval: 5 % of jitter, and a busy machine."""
EVENT_LASTS = {"checkin": 2 * 3_600_000, "cleaned": 8 * 3_600_000}
"""How long an event counts, ms (contract, section 5). For this long, a lost event makes siaga's state uncertain."""
AGES = 3
"""How many intervals a value is valid (contract, section 5)."""


class Coverage(Enum):
    """What siaga could know at an instant.

    `COVERED`: the current state. `SPEAKING`: a device has returned, and its reports are arriving one by one.
    `HELD`: an earlier value that is still valid. `SILENT`: nothing.
    """

    COVERED = "covered"
    SPEAKING = "speaking"
    HELD = "held"
    SILENT = "silent"


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Returns the union of stretches, without overlap, in order."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return found


def _within(moment: int, stretches: Sequence[Stretch], *, after: int = 0) -> bool:
    """Returns whether an instant is in one of the merged stretches, and at least `after` ms after its start."""
    place = bisect_right(stretches, moment - after, key=lambda stretch: stretch[0])
    return place > 0 and moment < stretches[place - 1][1]


class FacilityCoverage:
    """One facility of a truth. `first`: when its first report had arrived, ms; `None` if there was none."""

    def __init__(self, truth: KnownTruth, facility: KnownFacility) -> None:
        village = truth.villages[facility.village]
        self._heard = merged(village.heard)
        self._perhaps_heard = merged([*village.heard, *village.perhaps_heard])
        self._covered: list[list[Stretch]] = []
        self._held: list[list[Stretch]] = []
        self._said: list[tuple[list[Report], int]] = []
        self._slack = truth.slack
        self._lost: list[Stretch] = []
        firsts = []
        for device, every in facility.devices.items():
            said = truth.reports.get((facility.village, device), ())
            reports = [r for r in said if r.acknowledged]
            lost = (
                (r.time, EVENT_LASTS[name])
                for r in said
                if not r.acknowledged
                for name in r.values
                if name in EVENT_LASTS
            )
            self._lost = merged([*self._lost, *((time, time + lasts) for time, lasts in lost)])
            firsts += [r.time for r in reports if facility.evidence & r.values.keys()][:1]
            spoken = list(_spoken(facility, said))
            times = [r.time for r in spoken if r.acknowledged]
            gone = truth.gone.get((facility.village, device), ())
            covers, holds = round(every * LATE) + truth.slack, every * AGES + truth.slack
            self._said.append((spoken, holds))
            self._covered.append(merged((t, _cut(t + covers, _next(gone, t), willed=False)) for t in times))
            self._held.append(merged((r.time, _cut(r.time + holds, _next(gone, r.time), willed=True)) for r in spoken))
        self.first = min(firsts) + self._slack if firsts else None

    def moments(self) -> Iterable[int]:
        """Yields the instants at which the coverage changes."""
        for stretches in (self._lost, self._heard, self._perhaps_heard, *self._covered, *self._held):
            for start, end in stretches:
                yield from (start, start + self._slack, end)
        for said, holds in self._said:
            yield from (report.time + holds for report in said)

    def at(self, moment: int) -> Coverage:
        """Returns the coverage at an instant. It is complete only if all devices had reported."""
        if all(_within(moment, some) for some in self._covered) and self.heard(moment):
            known = all(_within(moment, some, after=self._slack) for some in self._covered)
            return Coverage.COVERED if known else Coverage.SPEAKING
        if any(_within(moment, some) for some in self._held) and self.perhaps_heard(moment):
            return Coverage.HELD
        return Coverage.SILENT

    def event_lost(self, moment: int) -> bool:
        """Returns whether an event that would still count was sent but not acknowledged."""
        return _within(moment, self._lost)

    def heard(self, moment: int) -> bool:
        """Returns whether the village's gateway was heard."""
        return _within(moment, self._heard)

    def perhaps_heard(self, moment: int) -> bool:
        """Returns whether it was heard if its unacknowledged heartbeats arrived."""
        return _within(moment, self._perhaps_heard)

    def last_said(self, moment: int) -> list[int]:
        """Returns the times of the reports that may be the devices' latest in siaga, at an instant (ms).

        These are each device's last acknowledged report and the unacknowledged ones since, while they are valid.
        """
        found = []
        for said, holds in self._said:
            for report in reversed(said[: bisect_right(said, moment, key=lambda each: each.time)]):
                if report.time + holds <= moment:
                    break
                found.append(report.time)
                if report.acknowledged:
                    break
        return found


def _spoken(facility: KnownFacility, said: Sequence[Report]) -> Iterator[Report]:
    """Yields a device's reports about its facility. If it measures, a press of its button says nothing about that."""
    measures = any(facility.evidence & report.values.keys() - EVENT_LASTS.keys() for report in said)
    silent_about_it = {"online", *(EVENT_LASTS if measures else ())}
    return (report for report in said if report.values.keys() - silent_about_it)


def _next(gone: Sequence[Gone], time: int) -> Gone | None:
    """Returns the next end of a device's session after a time; `None` if there is none."""
    place = bisect_right(gone, time, key=lambda each: each.time)
    return gone[place] if place < len(gone) else None


def _cut(end: int, gone: Gone | None, *, willed: bool) -> int:
    """Returns the end of a stretch, cut at the end of the session. `willed`: cut at its last will, if it has one."""
    limit = None if gone is None else gone.told_by if willed else gone.time
    return end if limit is None else min(end, limit)
