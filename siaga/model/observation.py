"""What was observed: points as they are stored, tracks as they are judged."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from siaga.model.signals import Value

__all__ = ["Arrival", "Point", "Reading", "Track", "TrackKey", "Tracks"]

TrackKey = tuple[str, str]
"""A device's id and a signal's name, within one village."""


class Reading(NamedTuple):
    """One value of one signal of one device at one event time (milliseconds)."""

    device: str
    signal: str
    time: int
    value: Value


class Point(NamedTuple):
    """All signals of one device at one event time, as the telemetry store keeps them.

    A tuple and not a dataclass: a collector makes hundreds of thousands of them a second. `time` (event time) and
    `received` (when the centre got it) are milliseconds of Unix time.
    """

    village: str
    device: str
    time: int
    received: int
    values: dict[str, Value]


class Arrival(NamedTuple):
    """The note that data behind the live edge came in: which village, when, and the event times it touches.

    `first` and `last` are the earliest and the latest event time of it, both inclusive, in milliseconds.
    """

    village: str
    gateway: str
    received: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Track:
    """One signal of one device: event times in ascending order, without repetition, and the value at each."""

    times: Sequence[int]
    values: Sequence[Value]

    @classmethod
    def of(cls, observations: Mapping[int, Value]) -> "Track":
        """A track from values by event time, in any order."""
        times = sorted(observations)
        return cls(times, [observations[time] for time in times])

    def between(self, start: int, end: int) -> "Track":
        """The observations of `[start, end)`."""
        low, high = bisect_left(self.times, start), bisect_left(self.times, end)
        return Track(self.times[low:high], self.values[low:high])

    def at(self, time: int) -> tuple[int, Value] | None:
        """The last observation at or before `time`, whether or not it still holds."""
        index = bisect_right(self.times, time)
        return (self.times[index - 1], self.values[index - 1]) if index else None


Tracks = Mapping[TrackKey, Track]
"""Tracks of one village by device and signal."""
