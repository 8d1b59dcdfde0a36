"""What a village asks of the telemetry store, and what it is answered: values, without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from siaga.model.observation import Arrival, Reading, Track, TrackKey
from siaga.model.signals import Value
from siaga.model.sites import Village
from siaga.timeline.judge import Interval, PlannedWork, Span

__all__ = [
    "Answer",
    "ArrivalsAnswer",
    "ArrivalsRequest",
    "Failure",
    "RebuildAnswer",
    "RebuildRequest",
    "RecentAnswer",
    "RecentRequest",
    "Request",
]


@dataclass(frozen=True, slots=True)
class RecentRequest:
    """The evidence of a village from `start` on, and when its devices last reported.

    `first`: the first reports, if all are known but for the newest.
    """

    village: Village
    start: int
    end: int
    first: Mapping[TrackKey, int] | None = None


@dataclass(frozen=True, slots=True)
class RecentAnswer:
    """All observations from the request's start on, the latest value of each signal, and the first reports."""

    request: RecentRequest
    tracks: Mapping[TrackKey, Track]
    latest: Mapping[TrackKey, tuple[int, Value]]
    first: Mapping[TrackKey, int]


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """Judge a stretch of a village's history again.

    `first` are the first reports known; with `read_first` the store is asked too. `in_hand` and `remembered` are
    readings that the store may not show yet. `facilities`: which ones; `planned`: their maintenance windows.
    `first_known`: all first reports are known, but for the newest.
    """

    village: Village
    window: Interval
    facilities: Sequence[str]
    first: Mapping[TrackKey, int]
    read_first: bool
    in_hand: Sequence[Reading]
    remembered: Mapping[TrackKey, Track]
    planned: Mapping[str, Sequence[PlannedWork]]
    first_known: bool = False


@dataclass(frozen=True, slots=True)
class RebuildAnswer:
    """The spans of each facility over the request's window, from when it is judged (none where that is later); and the
    first reports."""

    request: RebuildRequest
    spans: Mapping[str, Sequence[Span]]
    first: Mapping[TrackKey, int]


@dataclass(frozen=True, slots=True)
class ArrivalsRequest:
    """The late data that came in since a moment of wall time."""

    since: int


@dataclass(frozen=True, slots=True)
class ArrivalsAnswer:
    """What was noted."""

    request: ArrivalsRequest
    arrivals: Sequence[Arrival]


@dataclass(frozen=True, slots=True)
class Failure:
    """The store was not there; the request may be made again."""

    request: "Request"
    reason: str


Request = RecentRequest | RebuildRequest | ArrivalsRequest
Answer = RecentAnswer | RebuildAnswer | ArrivalsAnswer | Failure
