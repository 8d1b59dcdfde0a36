"""What the engine asks the telemetry store. A question knows how it is read, and has its answer beside it.

It holds all that reading takes besides the store, so that it may be read in another thread while its villages live on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from api.alerts.certainty import Moment
from api.alerts.recall import OVERLAP
from api.alerts.state import VillageState
from siaga.model.clock import DAY, HOUR
from siaga.model.intervals import Interval
from siaga.model.observation import Arrival, Reading, Recalled, Track, TrackKey
from siaga.model.signals import Value
from siaga.model.sites import Village
from siaga.telemetry import TelemetryStore
from siaga.timeline.dark import gateways_of
from siaga.timeline.judge import Evidence, PlannedWork, Span, gateway_heard, judge, judged_from, participants, reach
from siaga.timeline.recent import LIVE, judged_facilities
from siaga.timeline.span_algebra import FOREVER

__all__ = [
    "Answer",
    "ArrivalsAnswer",
    "ArrivalsRequest",
    "Failure",
    "MemoryAnswer",
    "MemoryRequest",
    "RebuildAnswer",
    "RebuildRequest",
    "Request",
]

LONGEST_MEMORY = 6 * HOUR
"""An absence up to this long is made up for from memory; a longer one is history."""


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """The observations of some villages in event time `[start, end)`: the store is asked for all of them at once.

    `known`: by village the first reports, if all are known but for the newest.
    """

    villages: Sequence[Village]
    known: Mapping[str, Mapping[TrackKey, int]]
    start: int
    end: int

    @classmethod
    def of(cls, villages: Sequence[VillageState], moment: Moment) -> Self:
        """Returns the question for what the memories of villages lack."""
        for village in villages:
            village.recall.ask(moment.monotonic)
        known = {village.code: dict(village.recent.first) for village in villages if village.first_known}
        start = min(_memory_from(village, moment.now) for village in villages)
        return cls([village.site for village in villages], known, start, moment.now + DAY)

    def read(self, store: TelemetryStore) -> "MemoryAnswer":
        """Ask the store."""
        wanted = [_signals(village) for village in self.villages]
        signals = None if None in wanted else frozenset[str]().union(*filter(None, wanted))
        codes = [village.code for village in self.villages]
        found = store.recall(codes, self.start, self.end, signals=signals, known=self.known)
        return MemoryAnswer(self, found, store.shows_after())


def _memory_from(village: VillageState, now: int) -> int:
    """Returns from which event time on a village's memory is to be read."""
    reach = village.recent.reach
    start = now - LIVE - reach
    if village.recall.is_read or village.judged_until is None:
        return start
    return min(start, max(village.judged_until - OVERLAP, now - LONGEST_MEMORY) - reach)


@dataclass(frozen=True, slots=True)
class MemoryAnswer:
    """What was found, by village. `shows_after`: as of the store that answered."""

    request: MemoryRequest
    found: Mapping[str, Recalled]
    shows_after: int


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """Judge a stretch of a village's history again.

    `first` are the first reports known; with `read_first` the store is asked, too. `first_known`: it is asked for the
    newest alone. `unseen` are readings that the store may not show yet. `planned`: the maintenance of each facility.
    """

    village: Village
    window: Interval
    first: Mapping[TrackKey, int]
    read_first: bool
    first_known: bool
    unseen: Mapping[TrackKey, dict[int, Value]]
    planned: Mapping[str, Sequence[PlannedWork]]

    @classmethod
    def of(cls, village: VillageState, moment: Moment, readings_from: int = -FOREVER) -> Self | None:
        """Returns the question for the newest stretch that is to be judged again; `None`: there is none.

        `readings_from`: the store may have deleted what is older. What cannot be judged without it stays as it was.
        """
        history, recent = village.history, village.recent
        window = history.next_chunk(moment.monotonic, recent.covers, readings_from + recent.reach)
        if window is None:
            return None
        start, end = window[0] - recent.reach, window[1]
        return cls(
            village.site,
            window,
            dict(recent.first),
            history.first_reports_read(),
            village.first_known,
            _unseen(history.in_hand(start, end), recent.between(start, end)),
            {facility: village.planned_for(facility) for facility in village.facilities},
        )

    def read(self, store: TelemetryStore) -> "RebuildAnswer":
        """Ask the store, and judge."""
        village, (start, end) = self.village, self.window
        first = dict(self.first)
        if self.read_first:
            _learn(first, store.first_times(village.code, known=self.first if self.first_known else None))
        facilities = [facility for facility in judged_facilities(village) if facility.id in self.planned]
        lookback = max((reach(village, facility) for facility in facilities), default=0)
        # All of what reaches into the window, not only the last of each signal: an event before a zero still counts
        tracks = dict(store.tracks(village.code, start - lookback, end, signals=_signals(village)))
        _learn(first, {key: track.times[0] for key, track in tracks.items() if track.times})
        for key, readings in self.unseen.items():
            stored = tracks.get(key, Track([], []))
            tracks[key] = Track.of(dict(zip(stored.times, stored.values, strict=True)) | readings)
        evidence = Evidence(tracks, first)
        spans: dict[str, Sequence[Span]] = {}
        for facility in facilities:
            begins = judged_from(village, facility, evidence)
            window = (max(start, end if begins is None else begins), end)
            planned = self.planned[facility.id]
            spans[facility.id] = judge(village, facility, evidence, window, planned) if window[0] < end else ()
        newest = {gateway: tracks[gateway, "alive"].times[-1] for gateway in gateways_of(village, tracks)}
        return RebuildAnswer(self, spans, first, gateway_heard(village, evidence, self.window), newest)


@dataclass(frozen=True, slots=True)
class RebuildAnswer:
    """The spans of each facility over the window, from when it is judged (none where that is later); first reports.

    `heard`: when in the window a gateway was heard. `newest`: the newest heartbeat of each gateway until its end.
    """

    request: RebuildRequest
    spans: Mapping[str, Sequence[Span]]
    first: Mapping[TrackKey, int]
    heard: Sequence[Interval]
    newest: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ArrivalsRequest:
    """The collector's notes of late data since a moment of wall time. `again`: for what was not shown at first."""

    since: int
    again: bool = False

    def read(self, store: TelemetryStore) -> "ArrivalsAnswer":
        """Ask the store."""
        return ArrivalsAnswer(self, store.arrivals(self.since), store.shows_after())


@dataclass(frozen=True, slots=True)
class ArrivalsAnswer:
    """What was noted. `shows_after`: as of the store that answered."""

    request: ArrivalsRequest
    arrivals: Sequence[Arrival]
    shows_after: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The store was not there. The question may be asked again."""

    request: "Request"
    reason: str


Request = MemoryRequest | RebuildRequest | ArrivalsRequest
Answer = MemoryAnswer | RebuildAnswer | ArrivalsAnswer | Failure


def _unseen(in_hand: Iterable[Reading], remembered: Mapping[TrackKey, Track]) -> dict[TrackKey, dict[int, Value]]:
    """Returns the late readings in hand with those in memory, which are the newest, by signal and time."""
    found: dict[TrackKey, dict[int, Value]] = {}
    for reading in in_hand:
        found.setdefault((reading.device, reading.signal), {})[reading.time] = reading.value
    for key, track in remembered.items():
        found.setdefault(key, {}).update(zip(track.times, track.values, strict=True))
    return found


def _learn(first: dict[TrackKey, int], found: Mapping[TrackKey, int]) -> None:
    for key, time in found.items():
        first[key] = min(time, first.get(key, time))


def _signals(village: Village) -> frozenset[str] | None:
    """The signals that can bear on a state in this village; `None`: all, as a device is heard by any reading."""
    judged = any(participants(facility) for facility in judged_facilities(village))
    return None if judged else frozenset({"alive", "online", "mains"})
