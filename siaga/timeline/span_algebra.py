"""Arithmetic on one facility's spans: cutting, joining, comparing, and finding the run that an alert is about.

A list of spans is in order, without gap or overlap; the last one of a live list runs, and ends at `FOREVER`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from siaga.model.intervals import Interval
from siaga.timeline.judge import Span

__all__ = [
    "FOREVER", "Difference", "Run", "at", "cut", "difference", "failed_run", "first_difference", "joined", "replaced",
    "rewritten", "same_state",
]  # fmt: skip

FOREVER = 2**62
"""The end of the span that runs, in milliseconds: later than any time."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of neighbouring spans that count as one, and the cause of its last part."""

    start: int
    end: int
    cause: str | None


@dataclass(slots=True)
class Difference:
    """What turns the old spans of a facility into the new: starts to delete, spans to write (by their start)."""

    deleted: list[int] = field(default_factory=list)
    written: list[Span] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.deleted or self.written)


def same_state(one: Span, other: Span) -> bool:
    """Whether two neighbours say the same, so that they are one span."""
    return (
        one.state is other.state
        and one.cause == other.cause
        and one.excused == other.excused
        and one.excused_later == other.excused_later
    )


def cut(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """The part of the spans within `[start, end)`."""
    inside = list(spans[bisect_right(spans, start, key=_end) : bisect_left(spans, end, key=_start)])
    if inside and inside[0].start < start:
        inside[0] = inside[0]._replace(start=start)
    if inside and inside[-1].end > end:
        inside[-1] = inside[-1]._replace(end=end)
    return inside


def joined(spans: Sequence[Span]) -> list[Span]:
    """The spans with equal neighbours made one."""
    result: list[Span] = []
    for span in spans:
        if result and result[-1].end == span.start and same_state(result[-1], span):
            result[-1] = result[-1]._replace(end=span.end)
        else:
            result.append(span)
    return result


def replaced(old: Sequence[Span], new: Sequence[Span]) -> list[Span]:
    """The old spans with the stretch that the new ones cover taken from them."""
    if not new:
        return list(old)
    start, end = new[0].start, new[-1].end
    return joined([*cut(old, -FOREVER, start), *new, *cut(old, end, FOREVER)])


def difference(old: Sequence[Span], new: Sequence[Span]) -> Difference:
    """What has to be deleted and written to turn `old` into `new`; a span is known by its start."""
    before = {span.start: span for span in old}
    starts = {span.start for span in new}
    return Difference(
        [start for start in before if start not in starts],
        [span for span in new if before.get(span.start) != span],
    )


def rewritten(old: Sequence[Span], new: Sequence[Span]) -> Interval | None:
    """The stretch outside of which two lists of spans say the same; `None`: they say the same everywhere.

    A failed run at its edge counts whole in all that it touches, so the stretch reaches to the ends of such runs.
    """
    start = first_difference(old, new)
    if start is None:
        return None
    mirrored = [[span._replace(start=-span.end, end=-span.start) for span in reversed(spans)] for spans in (old, new)]
    end = -(first_difference(*mirrored) or 0)
    for spans in (old, new):
        for time in (start - 1, start, end - 1, end):
            run = failed_run(spans, time)
            if run is not None:
                start, end = min(start, run.start), max(end, run.end)
    return start, end


def first_difference(old: Sequence[Span], new: Sequence[Span]) -> int | None:
    """From when on two lists of spans say something else; `None`: they say the same everywhere."""
    for before, after in zip(old, new, strict=False):
        if before.start != after.start:
            return min(before.start, after.start)
        if not same_state(before, after):
            return before.start
        if before.end != after.end:
            return min(before.end, after.end)
    shared = min(len(old), len(new))
    rest = old[shared:] or new[shared:]
    return rest[0].start if rest else None


def at(spans: Sequence[Span], time: int) -> Span | None:
    """The span that holds `time`."""
    index = bisect_right(spans, time, key=_start) - 1
    return spans[index] if index >= 0 and time < spans[index].end else None


def failed_run(spans: Sequence[Span], time: int) -> Run | None:
    """The unbroken stretch around `time` that is failed and not excused, whatever its causes; `None`: it is not so."""
    index = bisect_right(spans, time, key=_start) - 1
    if index < 0 or time >= spans[index].end or not spans[index].fails:
        return None
    first = last = index
    while first and spans[first - 1].fails and spans[first - 1].end == spans[first].start:
        first -= 1
    while last + 1 < len(spans) and spans[last + 1].fails and spans[last].end == spans[last + 1].start:
        last += 1
    return Run(spans[first].start, spans[last].end, spans[index].cause)


_start, _end = attrgetter("start"), attrgetter("end")
