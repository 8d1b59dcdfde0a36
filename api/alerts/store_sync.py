"""The store side of the engine: what is asked of the telemetry store, in which order, and what to do while it is away.

One request is under way at a time, or several for memory. The most urgent comes first: memory of villages, then late
arrivals, then history, the newest first. A store that is away costs nothing but time.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import structlog

from api.alerts.certainty import Moment
from api.alerts.metrics import EngineMetrics
from api.alerts.questions import (
    Answer,
    ArrivalsRequest,
    Failure,
    RebuildAnswer,
    RebuildRequest,
    RecentAnswer,
    RecentRequest,
    Request,
)
from api.alerts.reader import StoreReader
from api.alerts.resync import give_up, has_questions, rebuild_request, recent_request, store_lacks, unread
from api.alerts.village import WatchedVillage
from siaga.model.clock import SECOND
from siaga.model.intervals import Interval
from siaga.model.observation import Arrival

__all__ = ["StoreSync"]

log = structlog.get_logger(__name__)

STORE_PATIENCE = 5 * SECOND
"""How long a start waits for a store that is away before villages are judged from what arrives alone."""
RETRY, LONGEST_RETRY = 1 * SECOND, 15 * SECOND
AT_ONCE = 16
"""Villages whose memory is asked for together."""
_ARRIVALS_KEPT = 10_000


class StoreSync:
    """Asks the store, one request after another, and hands out what it answers.

    `problem`: why the store does not answer, in one sentence; `None` while it does. `unread`: by village the stretches
    of event time that the store was asked for in vain, until they are judged. It is never changed in place, as other
    threads read it. `impatient`: the store has been away for so long that villages go on without it.
    """

    def __init__(self, reader: StoreReader, villages: Mapping[str, WatchedVillage], metrics: EngineMetrics) -> None:
        self._reader, self._villages, self._metrics = reader, villages, metrics
        self._outstanding: deque[Request] = deque()
        self._asked_at = self._retry_at = 0
        self._pause = RETRY
        self._failing_since: int | None = None
        self._arrivals_since: int | None = None
        self._work: dict[str, WatchedVillage] = {}
        self._to_read: deque[WatchedVillage] = deque()
        self._taken: dict[Arrival, None] = {}
        self.problem: str | None = None
        self.unread: Mapping[str, Sequence[Interval]] = {}
        self.impatient = False

    # What is to be asked

    def follow_arrivals(self, since: int) -> None:
        """Look for late data that the collector noted since a moment of wall time."""
        self._arrivals_since = since if self._arrivals_since is None else min(since, self._arrivals_since)

    def notice(self, village: WatchedVillage) -> None:
        """A village has something to ask the store for; the others are not looked at."""
        self._work[village.code] = village

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._outstanding)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to ask for."""
        return (
            not self._outstanding
            and self._arrivals_since is None
            and not any(village.memory.wanted or village.history.pending for village in self._work.values())
        )

    @property
    def unread_since(self) -> int | None:
        """From when on (wall time) arrivals are still to be read; `None`: all were that had to be."""
        asked = [request.since for request in self._outstanding if isinstance(request, ArrivalsRequest)]
        return min([*asked, *([] if self._arrivals_since is None else [self._arrivals_since])], default=None)

    def next_at(self, monotonic: int) -> int | None:
        """When (monotonic ms) something is to be asked; an awaited answer wakes the service."""
        if self._outstanding:
            return None
        times = [village.memory.wanted_at for village in self._work.values() if village.memory.wanted]
        times += [ready for village in self._dirty() if (ready := village.history.ready_at()) is not None]
        times += [at for village in self._work.values() if (at := village.awaited.gives_up_at()) is not None]
        if self._arrivals_since is not None:
            times.append(monotonic)
        return max(min(times), self._retry_at) if times else None

    def ask(self, moment: Moment) -> list[WatchedVillage]:
        """Ask for what is due. Returns villages that were to be judged again, and of which nothing is history."""
        for village in self._work.values():
            give_up(village, moment.monotonic)
        nothing: list[WatchedVillage] = []
        while moment.monotonic >= self._retry_at and (request := self._next_request(moment, nothing)) is not None:
            self._outstanding.append(request)
            self._asked_at = moment.monotonic
            self._reader.ask(request)
        return nothing

    def _next_request(self, moment: Moment, nothing: list[WatchedVillage]) -> Request | None:
        """The most urgent; memory of some villages is asked for together, anything else alone."""
        only_memory = all(isinstance(asked, RecentRequest) for asked in self._outstanding)
        if len(self._outstanding) >= AT_ONCE or not only_memory:
            return None
        village = self._next_to_read(moment)
        if village is not None:
            return recent_request(village, moment)
        if self._outstanding:
            return None
        if self._arrivals_since is not None:
            since, self._arrivals_since = self._arrivals_since, None
            return ArrivalsRequest(since)
        ready = [v for v in self._dirty() if (at := v.history.ready_at()) is not None and at <= moment.monotonic]
        self._metrics.dirty.set(len(ready))
        for dirty in sorted(ready, key=lambda v: v.history.newest, reverse=True):
            request = rebuild_request(dirty, moment)
            if request is not None:
                return request
            nothing.append(dirty)
        return None

    def _dirty(self) -> list[WatchedVillage]:
        """The villages whose history can be judged again: not from a store that is known to lack some of it."""
        return [
            village
            for village in self._work.values()
            if village.memory.is_read and village.history.pending and not store_lacks(village)
        ]

    def _next_to_read(self, moment: Moment) -> WatchedVillage | None:
        """The next village whose memory is to be read, those first that have none.

        All that wait are found in one go: at a start they are all there are, and to look through them for each is what
        takes a country's engine half an hour.
        """
        if not self._to_read:
            self._forget_done()
            waiting = [village for village in self._work.values() if village.memory.is_due(moment.monotonic)]
            self._to_read.extend(sorted(waiting, key=lambda village: village.memory.is_read))
        while self._to_read:
            village = self._to_read.popleft()
            if village.memory.is_due(moment.monotonic):
                return village
        return None

    def _forget_done(self) -> None:
        """Look no more at villages that have nothing to ask, or that were taken out of the registry."""
        for code, village in list(self._work.items()):
            if self._villages.get(code) is not village or not has_questions(village):
                del self._work[code]

    # What was answered

    def answers(self, moment: Moment) -> Iterator[tuple[Answer, WatchedVillage | None]]:
        """Take the answers that are there, each with its village, if that is still as it was asked about."""
        while self._outstanding and (answer := self._reader.poll()) is not None:
            self._outstanding.popleft()
            if isinstance(answer, Failure):
                is_first = moment.monotonic >= self._retry_at  # else it is of those that were asked together
                self._failed(answer, moment, is_first=is_first)
                yield answer, None
                if is_first:
                    stretches = ((code, unread(village, moment)) for code, village in self._work.items())
                    self.unread = {code: left for code, left in stretches if left}
                continue
            yield answer, self._asked_about(answer)
            self._failing_since, self._pause, self.problem = None, RETRY, None

    def _asked_about(self, answer: Answer) -> WatchedVillage | None:
        match answer:
            case RecentAnswer(request=RecentRequest(village=asked)):
                village = self._villages.get(asked.code)
                if village is not None and village.village != asked:
                    village.memory.want()  # the registry changed meanwhile
                    self.notice(village)
                    return None
                return village
            case RebuildAnswer(request=RebuildRequest(village=asked)):
                village = self._villages.get(asked.code)
                if village is not None and village.village != asked:
                    village.history.drop()  # a change of the registry marks what has to be judged again by itself
                    return None
                return village
        return None

    def new_arrivals(self, arrivals: Sequence[Arrival]) -> Iterator[tuple[WatchedVillage, Arrival]]:
        """The notes of the collector that were not taken before."""
        for arrival in arrivals:
            village = self._villages.get(arrival.village)
            if village is None or arrival in self._taken:
                continue
            self._taken[arrival] = None
            if len(self._taken) > _ARRIVALS_KEPT:
                del self._taken[next(iter(self._taken))]
            yield village, arrival

    def took(self, moment: Moment) -> int:
        """How long the last request took, ms."""
        return moment.monotonic - self._asked_at

    def put_back(self, request: RebuildRequest, moment: Moment) -> None:
        """What was judged cannot be written now: it is asked for again."""
        self._put_back(request)
        self._retry_at = moment.monotonic + RETRY

    def read_again(self, village: WatchedVillage, moment: Moment) -> None:
        """Something of a village was read: what is left of it that could not be."""
        if village.code in self.unread:
            left = unread(village, moment)
            others = {other: stretches for other, stretches in self.unread.items() if other != village.code}
            self.unread = {**others, village.code: left} if left else others

    def _failed(self, failure: Failure, moment: Moment, *, is_first: bool) -> None:
        self._metrics.store_failures.inc()
        if self.problem is None:
            log.warning("the telemetry store does not answer, going on from memory", reason=failure.reason)
        self.problem = failure.reason
        if self._failing_since is None:
            self._failing_since = moment.monotonic
        if is_first:
            self._retry_at = moment.monotonic + self._pause
            self._pause = min(2 * self._pause, LONGEST_RETRY)
        match failure.request:
            case RecentRequest(village=village):
                known = self._villages.get(village.code)
                if known is not None:
                    known.memory.want_again(self._retry_at)
                    self.notice(known)
            case ArrivalsRequest(since=since):
                self.follow_arrivals(since)
            case RebuildRequest():
                self._put_back(failure.request)
        self.impatient = moment.monotonic - self._failing_since >= STORE_PATIENCE

    def _put_back(self, request: RebuildRequest) -> None:
        known = self._villages.get(request.village.code)
        if known is not None:
            self.notice(known)
            known.history.put_back(request.window, read_first=request.read_first)
