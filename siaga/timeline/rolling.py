"""The rolling share of an indicator, and the exact instants at which it crosses its target.

The availability of the last 24 hours is below its target when, with `target = p / q`,
`q * (counted - failed) < p * counted`, in whole numbers. So every instant of the window weighs `q - p` where it counts,
and `q` less where it failed: the share is below the target while the weights of the window add up to less than
nothing. That sum goes along straight lines that bend only where a span begins, or one leaves the window; on each of
them the crossing follows from one division. Nothing is scanned.

What lies before the facility was first judged, or before its spans are sure, weighs as if it had been met: a facility
that is a minute old has not missed a day's target.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from siaga.model.clock import DAY
from siaga.timeline.spans import Span, State

__all__ = ["WINDOW", "Trend", "trend"]

WINDOW = DAY
"""What `availability_high` is taken of (contract, section 5)."""
_BEGINNING = -(2**62)


@dataclass(frozen=True, slots=True)
class Trend:
    """Whether the rolling share is below its target. Times in ms.

    `since`: the first instant of the unbroken stretch in which it has been so; `until`: when that will change if the
    state of now goes on (`None`: it will not).
    """

    below: bool
    since: int
    until: int | None


def trend(spans: Sequence[Span], now: int, target: float) -> Trend:
    """Where the share of the window that ends at `now` stands. The last span runs; nothing is known before the first.

    `since` is exact as long as the spans reach back to a day before it.
    """
    course = _Course.of(spans, target)
    level = course.level(now)
    below = level < 0
    return Trend(below, course.turned(now, level), course.turns(now, level))


@dataclass(frozen=True, slots=True)
class _Course:
    """What each instant weighs: from each of `times` on, until the next, the weight at the same place."""

    times: Sequence[int]
    weights: Sequence[int]

    @classmethod
    def of(cls, spans: Sequence[Span], target: float) -> "_Course":
        share = Fraction(str(target))
        counts, fails = share.denominator - share.numerator, -share.numerator
        times, weights = [_BEGINNING], [counts]
        for span in spans:
            is_left_out = span.state is State.NOT_REQUIRED or span.excused
            weight = 0 if is_left_out else fails if span.state is State.FAILED else counts
            if weight != weights[-1]:
                times.append(span.start)
                weights.append(weight)
        return cls(times, weights)

    def at(self, time: int) -> int:
        """The weight of an instant."""
        return self.weights[bisect_right(self.times, time) - 1]

    def slope(self, time: int) -> int:
        """How the level moves from `time` on: what comes in, less what goes out."""
        return self.at(time) - self.at(time - WINDOW)

    def level(self, end: int) -> int:
        """The weights of the window before `end`, added up."""
        start, total = end - WINDOW, 0
        index = bisect_right(self.times, start) - 1
        while start < end:
            upto = min(end, self.times[index + 1]) if index + 1 < len(self.times) else end
            total += self.weights[index] * (upto - start)
            start, index = upto, index + 1
        return total

    def bends(self) -> list[int]:
        """Where the level may bend, in order."""
        return sorted({*self.times[1:], *(time + WINDOW for time in self.times[1:])})

    def turns(self, time: int, level: int) -> int | None:
        """The first instant after `time` at which the level is on the other side."""
        other = _other_side(level < 0)
        bends = self.bends()
        for bend in bends[bisect_right(bends, time) :]:
            slope = self.slope(time)
            reached = level + slope * (bend - time)
            if other(reached):
                return _first(time, level, slope)
            time, level = bend, reached
        return None

    def turned(self, time: int, level: int) -> int:
        """The first instant from which on the level has been on this side until `time`."""
        other = _other_side(level < 0)
        bends = self.bends()
        for bend in reversed(bends[: bisect_right(bends, time - 1)]):
            slope = self.slope(bend)
            before = level - slope * (time - bend)
            if other(before):
                return _first(bend, before, slope)
            time, level = bend, before
        return _BEGINNING


def _other_side(below: bool) -> Callable[[int], bool]:
    return (lambda level: level >= 0) if below else (lambda level: level < 0)


def _first(time: int, level: int, slope: int) -> int:
    """The first whole instant after `time` at which a level that moves by `slope` is on the other side."""
    if level < 0:
        return time + -(level // slope)  # at least nothing: rounded up
    return time + level // -slope + 1  # less than nothing
