"""Availability: how long an indicator was met in a window, in times that add up exactly, and the shares of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from siaga.model.intervals import Interval
from siaga.timeline.spans import Span, State

__all__ = ["Availability", "Lengths", "lengths", "measure"]

Lengths = tuple[int, int, int, int, int, int]
"""The fields of an `Availability`, in order, ms."""


@dataclass(frozen=True, slots=True)
class Availability:
    """The required time of a window by state, in whole ms. The sum of two is the availability of both windows.

    `required = met + failed + unknown`. Excused time is included in `failed` and `unknown`.
    `excused_failed`, `excused_unknown`: the excused parts of them.
    `excused_later`: the excused time for which the only excuse is maintenance that was declared afterwards.
    """

    met: int = 0
    failed: int = 0
    unknown: int = 0
    excused_failed: int = 0
    excused_unknown: int = 0
    excused_later: int = 0

    def __add__(self, other: "Availability") -> "Availability":
        return Availability(
            self.met + other.met,
            self.failed + other.failed,
            self.unknown + other.unknown,
            self.excused_failed + other.excused_failed,
            self.excused_unknown + other.excused_unknown,
            self.excused_later + other.excused_later,
        )

    @property
    def required(self) -> int:
        """The time in which the indicator had to be met."""
        return self.met + self.failed + self.unknown

    @property
    def excused(self) -> int:
        """The excused part of failed and unknown."""
        return self.excused_failed + self.excused_unknown

    @property
    def counted(self) -> int:
        """The denominator of availability: time that is required and not excused."""
        return self.required - self.excused

    @property
    def availability_low(self) -> float | None:
        """The share of met time if all unknown time counts as failed; `None` if no time counts."""
        return self.met / self.counted if self.counted else None

    @property
    def availability_high(self) -> float | None:
        """The share of met time if all unknown time counts as met; `None` if no time counts."""
        return (self.met + self.unknown - self.excused_unknown) / self.counted if self.counted else None

    @property
    def coverage(self) -> float | None:
        """The share of required time in which the state is known; `None` if nothing is required."""
        return (self.met + self.failed) / self.required if self.required else None


def measure(spans: Sequence[Span], window: Interval) -> Availability:
    """Returns the availability in `window`. Time that no span covers is not required. `spans`: in order."""
    (found,) = lengths(spans, (window,))
    return Availability(*found)


def lengths(spans: Sequence[Span], windows: Iterable[Interval]) -> Iterator[Lengths]:
    """Yields what each of some windows comes to. Spans and windows are in order, and windows do not overlap.

    It goes along the spans once, and makes no object for a window: a report asks about sixty thousand days.
    """
    first, count = 0, len(spans)
    for start, end in windows:
        met = failed = unknown = excused_failed = excused_unknown = excused_later = 0
        for index in range(first, count):
            begin, until, state, _, excused, later = spans[index]
            if begin >= end:
                break
            if until <= end:
                first = index + 1  # it touches no later window
            # A report comes here some hundred thousand times, and calls of `min` and `max` take a third of its time
            length = (until if until < end else end) - (begin if begin > start else start)  # noqa: FURB136
            if length <= 0 or state is State.NOT_REQUIRED:
                continue
            if state is State.MET:
                met += length
                continue
            if state is State.FAILED:
                failed += length
                excused_failed += length if excused else 0
            else:
                unknown += length
                excused_unknown += length if excused else 0
            if later:
                excused_later += length
        yield met, failed, unknown, excused_failed, excused_unknown, excused_later
