"""Half-open intervals of time, and operations on sets of them.

An interval is `[start, end)` in whole ms. A *set* is an ascending list of intervals that neither overlap nor touch. All
functions return such sets.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, count, repeat
from operator import lt, sub

__all__ = ["Interval", "clip", "gaps", "intersect", "merge", "stretches", "subtract", "total"]

Interval = tuple[int, int]
"""A half-open interval of time, in ms."""


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Returns the union of intervals, which may overlap and have any order."""
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
    """Returns the part of a set that is in `[start, end)`."""
    return [(max(low, start), min(high, end)) for low, high in intervals if low < end and high > start]


def intersect(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """Returns the intersection of two sets."""
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
    """Returns the difference of two sets: `whole` without `taken`."""
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
                break  # it may also overlap the next interval
            j += 1
        if at < end:
            left.append((at, end))
    return left


def stretches(times: Sequence[int], length: int) -> list[Interval]:
    """Returns the union of `[t, t + length)` for ascending times."""
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
    """Yields the indexes of ascending times after which the next is more than `length` later.

    It uses iterators that run in C: a month of heartbeats is 86,400 times, with hardly any gap.
    """
    return compress(count(), map(lt, repeat(length), map(sub, times[1:], times)))


def total(intervals: Iterable[Interval]) -> int:
    """Returns the total length of a set, ms."""
    return sum(end - start for start, end in intervals)
