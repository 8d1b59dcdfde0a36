"""Observations: points, which are stored, and tracks, which are judged."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from siaga.model.signals import Value

__all__ = ["Arrival", "Point", "Reading", "Recalled", "Track", "TrackKey", "Tracks"]

TrackKey = tuple[str, str]
"""A device's id and a signal's name, within one village."""


class Reading(NamedTuple):
    """One value of one signal of one device. `time`: event time, ms."""

    device: str
    signal: str
    time: int
    value: Value


class Point(NamedTuple):
    """All signals of one device at one event time, as the telemetry store has them.

    `time`: event time, ms. `received`: when the centre got it, ms. A tuple rather than a dataclass, because a collector
    creates hundreds of thousands per second.
    """

    village: str
    device: str
    time: int
    received: int
    values: dict[str, Value]


class Arrival(NamedTuple):
    """The note that late data of a village was stored.

    `received`: when it arrived, ms. `first`, `last`: its earliest and latest event time, both inclusive, ms.
    """

    village: str
    gateway: str
    received: int
    first: int
    last: int


@dataclass(slots=True)
class Track:
    """One signal of one device: ascending event times (ms) without duplicates, and the value at each.

    Nobody changes a track but the one that it grows in (`siaga.timeline.series`).
    """

    times: Sequence[int]
    values: Sequence[Value]

    @classmethod
    def of(cls, observations: Mapping[int, Value]) -> "Track":
        """Returns a track of values by event time, in any order."""
        times = sorted(observations)
        return cls(times, [observations[time] for time in times])

    def between(self, start: int, end: int) -> "Track":
        """Returns the observations in `[start, end)`."""
        low, high = bisect_left(self.times, start), bisect_left(self.times, end)
        return Track(self.times[low:high], self.values[low:high])

    def at(self, time: int) -> tuple[int, Value] | None:
        """Returns the last observation at or before `time`, even if it has expired; `None` if there is none."""
        index = bisect_right(self.times, time)
        return (self.times[index - 1], self.values[index - 1]) if index else None


Tracks = Mapping[TrackKey, Track]
"""Tracks of one village by device and signal."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the telemetry store has of one village, as an engine reads it.

    `tracks`: the observations of a window. `latest`, `first`: the last observation and the first time of each track, of
    all time.
    """

    tracks: Tracks
    latest: Mapping[TrackKey, tuple[int, Value]]
    first: Mapping[TrackKey, int]
