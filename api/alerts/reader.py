"""Reading the telemetry store for the engine, so that a slow or absent store never holds up the alert path.

A request says what is wanted and holds everything that is needed beside the store; `answer` does it, without touching
the engine, so it may run in a thread of its own (`api.alerts.service`) or at once (`InlineReader`).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from api.alerts.evidence import judged_facilities
from api.alerts.history import combined
from api.alerts.questions import (
    Answer,
    ArrivalsAnswer,
    ArrivalsRequest,
    Failure,
    RebuildAnswer,
    RebuildRequest,
    RecentAnswer,
    RecentRequest,
    Request,
)
from siaga.model.observation import TrackKey
from siaga.model.sites import Village
from siaga.telemetry import StoreUnavailable, TelemetryStore
from siaga.timeline.judge import Evidence, Span, judge, judged_from, participants, reach

__all__ = ["InlineReader", "StoreReader", "answer", "answer_together"]


class StoreReader(Protocol):
    """Takes one request after another; answers come in their order."""

    def ask(self, request: Request) -> None:
        """Take a request."""
        ...

    def poll(self) -> Answer | None:
        """An answer, if there is one; it does not wait."""
        ...


class InlineReader:
    """Answers at once, in the caller's thread: for tests, tools and the simulation."""

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self._answers: deque[Answer] = deque()

    def ask(self, request: Request) -> None:
        """Answer the request now."""
        self._answers.append(answer(self._store, request))

    def poll(self) -> Answer | None:
        """The next answer."""
        return self._answers.popleft() if self._answers else None


def answer(store: TelemetryStore, request: Request) -> Answer:
    """Do what a request asks; a store that is away is a `Failure`."""
    try:
        match request:
            case RecentRequest():
                return next(_recent(store, [request]))
            case RebuildRequest():
                return _rebuild(store, request)
            case ArrivalsRequest():
                return ArrivalsAnswer(request, store.arrivals(request.since))
    except StoreUnavailable as error:
        return Failure(request, str(error))


def answer_together(store: TelemetryStore, requests: Sequence[RecentRequest]) -> list[Answer]:
    """Answer requests for the memory of different villages by one request to the store."""
    try:
        return list(_recent(store, requests))
    except StoreUnavailable as error:
        return [Failure(request, str(error)) for request in requests]


def _recent(store: TelemetryStore, requests: Sequence[RecentRequest]) -> Iterator[RecentAnswer]:
    start, end = min(request.start for request in requests), max(request.end for request in requests)
    wanted = [_signals(request.village) for request in requests]
    signals = None if None in wanted else frozenset[str]().union(*(one for one in wanted if one is not None))
    known = {request.village.code: request.first for request in requests if request.first is not None}
    found = store.recall([request.village.code for request in requests], start, end, signals=signals, known=known)
    for request, own in zip(requests, wanted, strict=True):
        memory = found[request.village.code]
        tracks = {
            key: part
            for key, track in memory.tracks.items()
            if (own is None or key[1] in own) and (part := track.between(request.start, request.end)).times
        }
        yield RecentAnswer(request, tracks, memory.latest, memory.first)


def _rebuild(store: TelemetryStore, request: RebuildRequest) -> RebuildAnswer:
    village, (start, end) = request.village, request.window
    first = dict(request.first)
    if request.read_first:
        known = request.first if request.first_known else None
        _learn(first, store.first_times(village.code, known=known))
    facilities = [facility for facility in judged_facilities(village) if facility.id in request.facilities]
    lookback = max((reach(village, facility) for facility in facilities), default=0)
    # All of what reaches into the window, not only the last of each signal: an event before a zero still counts
    stored = store.tracks(village.code, start - lookback, end, signals=_signals(village))
    _learn(first, {key: track.times[0] for key, track in stored.items() if track.times})
    evidence = Evidence(combined(stored, request.in_hand, request.remembered), first)
    spans: dict[str, Sequence[Span]] = {}
    for facility in facilities:
        begins = judged_from(village, facility, evidence)
        window = (max(start, end if begins is None else begins), end)
        planned = request.planned.get(facility.id, ())
        spans[facility.id] = judge(village, facility, evidence, window, planned) if window[0] < end else ()
    return RebuildAnswer(request, spans, first)


def _learn(first: dict[TrackKey, int], found: Mapping[TrackKey, int]) -> None:
    for key, time in found.items():
        first[key] = min(time, first.get(key, time))


def _signals(village: Village) -> frozenset[str] | None:
    """The signals that can bear on a state in this village; `None`: all, as a device is heard by any reading."""
    judged = any(participants(facility) for facility in judged_facilities(village))
    return None if judged else frozenset({"alive", "online", "mains"})
