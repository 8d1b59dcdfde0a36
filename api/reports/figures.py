"""The figures of a row: whole milliseconds and counts that add up, and the shares that follow from the sums.

Contract, section 5, Report. A row of several facilities is the sum of their figures; nothing is averaged.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from siaga.timeline.availability import Availability
from siaga.timeline.verdict import DayCount, Verdict

__all__ = ["Budget", "Days", "Figures", "Share", "total"]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, both in milliseconds."""

    part: int
    whole: int

    @property
    def ratio(self) -> float | None:
        """The share as a number, not rounded; `None` for a share of nothing."""
        return self.part / self.whole if self.whole else None

    def cut(self, decimals: int) -> float | None:
        """The share cut, and not rounded, to so many decimals: 98.996 % never becomes 99.00 %."""
        scale = 10**decimals
        return self.part * scale // self.whole / scale if self.whole else None


@dataclass(frozen=True, slots=True)
class Days:
    """How many facility days came to which verdict, and how many of all of them are provisional."""

    met: int = 0
    missed: int = 0
    unjudged: int = 0
    not_required: int = 0
    provisional: int = 0

    @classmethod
    def of(cls, count: DayCount) -> "Days":
        """Returns the days that were counted."""
        found = count.verdicts
        return cls(
            found[Verdict.MET],
            found[Verdict.MISSED],
            found[Verdict.UNJUDGED],
            found[Verdict.NOT_REQUIRED],
            count.provisional,
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """How much failure a target leaves, and how much of that is left; seconds, exact. Negative when overspent."""

    whole: Fraction
    left: Fraction


@dataclass(frozen=True, slots=True)
class Figures:
    """What the contract's table lists, of one facility or of several. Times in milliseconds.

    `repaired` and `repaired_time` are the outages that are over and their whole lengths; `longest_outage` is 0 where
    there is none. `failed_by` and `unknown_by` are what is not excused, by cause.
    """

    facilities: int = 0
    availability: Availability = field(default_factory=Availability)
    outages: int = 0
    longest_outage: int = 0
    repaired: int = 0
    repaired_time: int = 0
    days: Days = field(default_factory=Days)
    failed_by: Mapping[str, int] = field(default_factory=dict)
    unknown_by: Mapping[str, int] = field(default_factory=dict)

    @property
    def low(self) -> Share:
        """The availability if all that is unknown had failed."""
        return Share(self.availability.met, self.availability.counted)

    @property
    def high(self) -> Share:
        """The availability if all that is unknown had been met."""
        found = self.availability
        return Share(found.met + found.unknown - found.excused_unknown, found.counted)

    @property
    def coverage(self) -> Share:
        """The share of required time that is known."""
        return Share(self.availability.met + self.availability.failed, self.availability.required)

    @property
    def measured(self) -> Share:
        """The share of required time in which it was met, with nothing left out."""
        return Share(self.availability.met, self.availability.required)

    @property
    def mttr(self) -> Fraction | None:
        """The mean length of the outages that are over, in milliseconds; `None` without one."""
        return Fraction(self.repaired_time, self.repaired) if self.repaired else None

    @property
    def mtbf(self) -> Fraction | None:
        """Time met per outage, in milliseconds; `None` without an outage."""
        return Fraction(self.availability.met, self.outages) if self.outages else None

    def budget(self, target: Fraction) -> Budget:
        """The failure that a target leaves of the time that counts."""
        found, parts = self.availability, target.denominator
        whole = (parts - target.numerator) * found.counted
        left = whole - parts * (found.failed - found.excused_failed)
        return Budget(Fraction(whole, parts * 1000), Fraction(left, parts * 1000))


def total(parts: Iterable[Figures]) -> Figures:
    """Returns the figures of several facilities: every figure a sum, the longest outage the longest of all."""
    availability = [0] * 6
    counts = [0] * 4  # facilities, outages, those repaired, their lengths
    days = [0] * 5
    longest = 0
    failed_by: Counter[str] = Counter()
    unknown_by: Counter[str] = Counter()
    for one in parts:
        measured, of_days = one.availability, one.days
        for place, value in enumerate(
            (
                measured.met,
                measured.failed,
                measured.unknown,
                measured.excused_failed,
                measured.excused_unknown,
                measured.excused_later,
            )
        ):
            availability[place] += value
        for place, value in enumerate((one.facilities, one.outages, one.repaired, one.repaired_time)):
            counts[place] += value
        for place, value in enumerate(
            (of_days.met, of_days.missed, of_days.unjudged, of_days.not_required, of_days.provisional)
        ):
            days[place] += value
        longest = max(longest, one.longest_outage)
        failed_by.update(one.failed_by)
        unknown_by.update(one.unknown_by)
    facilities, outages, repaired, repaired_time = counts
    return Figures(
        facilities,
        Availability(*availability),
        outages,
        longest,
        repaired,
        repaired_time,
        Days(*days),
        dict(failed_by),
        dict(unknown_by),
    )
