"""When siaga could know something of a facility: its devices' reports that had to arrive, and its gateway's heartbeats.

What could be known follows from what the devices really said, by the contract's section 5: a value holds until the next
one, for three reporting intervals at most, and not after a last will. So where siaga says what was not so any more,
it can be told whether an older value still held (`HELD`) or whether it was told better. What was said and not
acknowledged may have arrived: siaga must not know it, and may.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from siaga.verify.known_truth import Gone, KnownFacility, KnownTruth, Report

__all__ = ["EVENT_LASTS", "LATE", "Coverage", "FacilityCoverage", "Stretch", "merged"]

Stretch = tuple[int, int]
"""`[start, end)` in milliseconds."""

LATE = 1.06
"""A report may come by so much later than its interval: 5 % of jitter, and a busy machine."""
EVENT_LASTS = {"checkin": 2 * 3_600_000, "cleaned": 8 * 3_600_000}
"""For how long an event speaks (contract, section 5), in ms: so long nobody knows better where it got lost."""
AGES = 3
"""A value holds for so many intervals (contract, section 5)."""


class Coverage(Enum):
    """What could be known at an instant. `SPEAKING`: a device has come back, and says one thing after the other."""

    COVERED = "covered"
    SPEAKING = "speaking"
    HELD = "held"
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


def _within(moment: int, stretches: Sequence[Stretch], *, after: int = 0) -> bool:
    """Whether an instant is in one of the stretches, which are merged; `after`: and so long (ms) after its start."""
    place = bisect_right(stretches, moment - after, key=lambda stretch: stretch[0])
    return place > 0 and moment < stretches[place - 1][1]


class FacilityCoverage:
    """One facility of a truth. `first`: when the first word of it had come (ms), None: it never said any."""

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
        """The instants at which something of it changes."""
        for stretches in (self._lost, self._heard, self._perhaps_heard, *self._covered, *self._held):
            for start, end in stretches:
                yield from (start, start + self._slack, end)
        for said, holds in self._said:
            yield from (report.time + holds for report in said)

    def at(self, moment: int) -> Coverage:
        """What could be known at an instant: all of it only where all devices had reported."""
        if all(_within(moment, some) for some in self._covered) and self.heard(moment):
            known = all(_within(moment, some, after=self._slack) for some in self._covered)
            return Coverage.COVERED if known else Coverage.SPEAKING
        if any(_within(moment, some) for some in self._held) and self.perhaps_heard(moment):
            return Coverage.HELD
        return Coverage.SILENT

    def event_lost(self, moment: int) -> bool:
        """Whether an event that would still speak was said and not acknowledged."""
        return _within(moment, self._lost)

    def heard(self, moment: int) -> bool:
        """Whether the village's gateway was heard."""
        return _within(moment, self._heard)

    def perhaps_heard(self, moment: int) -> bool:
        """Whether it was, or what it sent and had no acknowledgement for did arrive."""
        return _within(moment, self._perhaps_heard)

    def last_said(self, moment: int) -> list[int]:
        """When the devices said what siaga may take for their last, at an instant (ms).

        That is the last that was acknowledged and what was said since, as long as each holds.
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
    """What a device said for its facility: a press between two measurements says nothing of what it measures."""
    measures = any(facility.evidence & report.values.keys() - EVENT_LASTS.keys() for report in said)
    silent_about_it = {"online", *(EVENT_LASTS if measures else ())}
    return (report for report in said if report.values.keys() - silent_about_it)


def _next(gone: Sequence[Gone], time: int) -> Gone | None:
    """The next end of a device's session after a time."""
    place = bisect_right(gone, time, key=lambda each: each.time)
    return gone[place] if place < len(gone) else None


def _cut(end: int, gone: Gone | None, *, willed: bool) -> int:
    """The end of a stretch, cut where the session ended; `willed`: where its last will was out, if it has one."""
    limit = None if gone is None else gone.told_by if willed else gone.time
    return end if limit is None else min(end, limit)
