"""Half-open stretches of time and what can be done with sets of them.

An interval is `[start, end)` in whole milliseconds. A *set* here is a list in ascending order whose members neither
overlap nor touch; every function answers with one.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, count, repeat
from operator import lt, sub

__all__ = ["Interval", "clip", "gaps", "intersect", "merge", "stretches", "subtract", "total"]

Interval = tuple[int, int]
"""A half-open stretch of time, in milliseconds."""


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The set that covers what any of the intervals covers; they may overlap and come in any order."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def clip(intervals: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """The part of a set that lies in `[start, end)`."""
    return [(max(low, start), min(high, end)) for low, high in intervals if low < end and high > start]


def intersect(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """What both sets cover."""
    common: list[Interval] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            common.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return common


def subtract(whole: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """What the first set covers and the second does not."""
    left: list[Interval] = []
    j = 0
    for start, end in whole:
        at = start
        while j < len(taken) and taken[j][0] < end:
            low, high = taken[j]
            if low > at:
                left.append((at, low))
            at = max(at, high)
            if high > end:
                break  # it may reach into the next one too
            j += 1
        if at < end:
            left.append((at, end))
    return left


def stretches(times: Sequence[int], length: int) -> list[Interval]:
    """The set covered by `[t, t + length)` for each of the times, which ascend."""
    if not times:
        return []
    covered: list[Interval] = []
    start = times[0]
    for index in gaps(times, length):
        covered.append((start, times[index] + length))
        start = times[index + 1]
    covered.append((start, times[-1] + length))
    return covered


def gaps(times: Sequence[int], length: int) -> Iterator[int]:
    """The places in ascending times after which the next comes more than `length` later.

    Built of iterators that run in C: a month of heartbeats is 86,400 times, and nearly none is a place.
    """
    return compress(count(), map(lt, repeat(length), map(sub, times[1:], times)))


def total(intervals: Iterable[Interval]) -> int:
    """How long a set is altogether, in milliseconds."""
    return sum(end - start for start, end in intervals)
