"""The store side of the engine: loading memory, judging history again, following what others stored.

One request to the telemetry store is under way at a time, or several for memory; the most urgent comes first: memory of
villages, then late arrivals, then history, the newest first. A store that is away costs nothing but time.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import structlog
from sqlalchemy.exc import DBAPIError

from api.alerts.archive import archive
from api.alerts.awaited import BatchId, Range
from api.alerts.certainty import Moment
from api.alerts.evidence import LIVE
from api.alerts.links import Links
from api.alerts.looks import Looks
from api.alerts.memory import OVERLAP
from api.alerts.metrics import EngineMetrics
from api.alerts.reader import (
    Answer,
    ArrivalsAnswer,
    ArrivalsRequest,
    Failure,
    RebuildAnswer,
    RebuildRequest,
    RecentAnswer,
    RecentRequest,
    Request,
    StoreReader,
)
from api.alerts.resync import Resync
from api.alerts.spans import FOREVER
from api.alerts.tables import Tables
from api.alerts.village import WatchedVillage
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.intervals import Interval, merge
from siaga.model.observation import Arrival, Reading

__all__ = ["StoreSync"]

log = structlog.get_logger(__name__)

LONGEST_MEMORY = 6 * HOUR
"""An absence up to this long is made up for from memory; a longer one is history."""
STORE_PATIENCE = 5 * SECOND
"""How long a start waits for a store that is away before villages are judged from what arrives alone."""
RETRY, LONGEST_RETRY = 1 * SECOND, 15 * SECOND
AT_ONCE = 16
"""Villages whose memory is asked for together."""
_ARRIVALS_KEPT = 10_000


class StoreSync:
    """Asks the store, one request after another, and takes over what it answers."""

    def __init__(
        self,
        reader: StoreReader,
        tables: Tables,
        looks: Looks,
        links: Links,
        villages: Mapping[str, WatchedVillage],
        commit: Callable[[], bool],
        metrics: EngineMetrics,
    ) -> None:
        self._reader, self._tables = reader, tables
        self.resync = Resync(looks, links, tables, self.notice)
        self._villages, self._commit, self._metrics = villages, commit, metrics
        self._outstanding: deque[Request] = deque()
        self._asked_at = 0
        self._retry_at = 0
        self._pause = RETRY
        self._failing_since: int | None = None
        self._arrivals_since: int | None = None
        self._work: dict[str, WatchedVillage] = {}
        self._to_read: deque[WatchedVillage] = deque()
        self._taken: dict[Arrival, None] = {}
        self.problem: str | None = None
        """Why the store does not answer, in one sentence; `None` while it does."""
        self.unread: Mapping[str, Sequence[Interval]] = {}
        """By village the stretches of event time that the store was asked for in vain, until they are judged. Never
        changed in place: other threads look at it."""

    def follow_arrivals(self, since: int) -> None:
        """Look for late data that the collector noted since a moment of wall time."""
        self._arrivals_since = since if self._arrivals_since is None else min(since, self._arrivals_since)

    def notice(self, village: WatchedVillage) -> None:
        """A village has something to ask the store for; the others are not looked at."""
        self._work[village.village.code] = village

    def reload(self, village: WatchedVillage, missed_since: int | None, moment: Moment) -> None:
        """Read a village's memory again; `missed_since`: evidence of event times from shortly before may be missing."""
        missed_from = FOREVER if missed_since is None else missed_since - OVERLAP
        village.memory.want(moment.monotonic, missed_from)
        village.marked = True
        self.notice(village)

    def lost(self, village: WatchedVillage, since: int, moment: Moment) -> None:
        """What was published for a village from event time `since` until now may never have come."""
        village.memory.lost(since, moment.now, moment.monotonic)
        village.marked = True
        self.notice(village)

    def acknowledged(self, village: WatchedVillage, batch: BatchId, moment: Moment) -> None:
        """A batch is stored: its late readings are history to be judged again."""
        gateway, epoch, seq = batch
        found = village.awaited.acknowledged(batch, moment.monotonic)
        if found is None:
            if not village.gateway(gateway).seen.knows(epoch, seq):
                village.memory.stored_unseen(moment.now, moment.monotonic)
                village.marked = True
                self.notice(village)
                self.follow_arrivals(moment.now - HOUR)
            return
        village.memory.stored(moment.monotonic)
        self._stored(village, found, village.history.stored(batch, moment.monotonic), moment)
        if village.history.pending or village.awaited.gives_up_at() is not None:
            self.notice(village)

    def _stored(self, village: WatchedVillage, batch: Range, late: Sequence[Reading], moment: Moment) -> None:
        """The store has a batch, or will never have it: what its late readings bear on is judged again."""
        if batch.late is None:
            return
        self.notice(village)
        if not late:
            if batch.end - batch.first == 1:  # else others of the range are still awaited
                village.history.mark_unseen(*batch.late, moment.monotonic)
            return
        village.history.mark(*batch.late, moment.monotonic)
        for reading in late:
            self.resync.learn_first(village, (reading.device, reading.signal), reading.time, moment)
        times = [reading.time for reading in late]
        if max(times) >= village.recent.covers:  # memory was read again since they came, and is to be judged by now
            self.reload(village, min(times), moment)

    def trim(self, village: WatchedVillage, moment: Moment) -> None:
        """Let go of what no live judgement needs, but not while a stretch that ends where memory begins is judged."""
        if moment.now - village.trimmed < MINUTE:
            return
        code = village.village.code
        if any(isinstance(asked, RebuildRequest) and asked.village.code == code for asked in self._outstanding):
            return
        village.trimmed = moment.now
        village.recent.trim(moment.now)

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

    def step(self, moment: Moment) -> bool:
        """Take over the answers that are there and ask for the next; whether there was anything to do."""
        found = False
        while self._outstanding and (answer := self._reader.poll()) is not None:
            self._outstanding.popleft()
            self._take(answer, moment)
            found = True
        self._give_up(moment)
        while moment.monotonic >= self._retry_at and (request := self._next_request(moment)) is not None:
            self._outstanding.append(request)
            self._asked_at = moment.monotonic
            self._reader.ask(request)
            found = True
        return found

    def _take(self, answer: Answer, moment: Moment) -> None:
        match answer:
            case Failure():
                self._failed(answer, moment)
                return
            case RecentAnswer(request=RecentRequest(village=asked)):
                village = self._villages.get(asked.code)
                if village is not None and village.village == asked:
                    self.resync.take_recent(village, answer, moment)
                    self._read_again(village, moment)
                elif village is not None:
                    village.memory.wanted = True  # the registry changed meanwhile
                    self.notice(village)
            case RebuildAnswer():
                self._take_rebuilt(answer, moment)
            case ArrivalsAnswer():
                self._take_arrivals(answer, moment)
        self._failing_since, self._pause, self.problem = None, RETRY, None

    def next_at(self, monotonic: int) -> int | None:
        """When (monotonic ms) `step` has something to do by itself; an awaited answer wakes the service."""
        if self._outstanding:
            return None
        times = [village.memory.wanted_at for village in self._work.values() if village.memory.wanted]
        times += [ready for village in self._dirty() if (ready := village.history.ready_at()) is not None]
        times += [at for village in self._work.values() if (at := village.awaited.gives_up_at()) is not None]
        if self._arrivals_since is not None:
            times.append(monotonic)
        return max(min(times), self._retry_at) if times else None

    def _dirty(self) -> list[WatchedVillage]:
        """The villages whose history can be judged again: not from a store that is known to lack some of it."""
        return [
            village
            for village in self._work.values()
            if village.memory.loaded and village.history.pending and not _store_lacks(village)
        ]

    def _give_up(self, moment: Moment) -> None:
        """Wait no more for what was passed over: the store has it by now, or never will."""
        for village in self._work.values():
            for batch in village.awaited.give_up(moment.monotonic):
                village.marked = True
                if batch.late is not None:
                    village.history.mark_unseen(*batch.late, moment.monotonic)

    def _next_request(self, moment: Moment) -> Request | None:
        """The most urgent; memory of some villages is asked for together, anything else alone."""
        only_memory = all(isinstance(asked, RecentRequest) for asked in self._outstanding)
        if len(self._outstanding) >= AT_ONCE or not only_memory:
            return None
        village = self._next_to_read(moment)
        if village is not None:
            return self._recent_request(village, moment)
        if self._outstanding:
            return None
        if self._arrivals_since is not None:
            since, self._arrivals_since = self._arrivals_since, None
            return ArrivalsRequest(since)
        ready = [v for v in self._dirty() if (at := v.history.ready_at()) is not None and at <= moment.monotonic]
        self._metrics.dirty.set(len(ready))
        for dirty in sorted(ready, key=lambda v: v.history.newest, reverse=True):
            request = self._rebuild_request(dirty, moment)
            if request is not None:
                return request
        return None

    def _next_to_read(self, moment: Moment) -> WatchedVillage | None:
        """The next village whose memory is to be read, those first that have none.

        All that wait are found in one go: at a start they are all there are, and to look through them for each is what
        takes a country's engine half an hour.
        """
        if not self._to_read:
            self._forget_done()
            waiting = [village for village in self._work.values() if _is_to_be_read(village, moment)]
            self._to_read.extend(sorted(waiting, key=lambda village: village.memory.loaded))
        while self._to_read:
            village = self._to_read.popleft()
            if _is_to_be_read(village, moment):
                return village
        return None

    def _forget_done(self) -> None:
        """Look no more at villages that have nothing to ask, or that were taken out of the registry."""
        for code, village in list(self._work.items()):
            watched = self._villages.get(code) is village
            has_work = village.memory.wanted or village.history.pending or village.awaited.gives_up_at() is not None
            if not watched or not has_work:
                del self._work[code]

    def _recent_request(self, village: WatchedVillage, moment: Moment) -> RecentRequest:
        village.memory.ask(moment.monotonic)
        reach = village.recent.reach
        start = moment.now - LIVE - reach
        if not village.memory.loaded and village.judged_until is not None:
            start = min(start, max(village.judged_until - OVERLAP, moment.now - LONGEST_MEMORY) - reach)
        first = dict(village.recent.first) if village.first_known else None
        return RecentRequest(village.village, start, moment.now + DAY, first)

    def _rebuild_request(self, village: WatchedVillage, moment: Moment) -> RebuildRequest | None:
        history, recent = village.history, village.recent
        chunk = history.next_chunk(moment.monotonic, recent.covers)
        if chunk is None:
            self.resync.settled(village, moment)
            return None
        start = chunk[0] - recent.reach
        read_first, history.stale_first = history.stale_first, False
        return RebuildRequest(
            village.village,
            chunk,
            list(village.facilities),
            dict(recent.first),
            read_first,
            history.in_hand(start, chunk[1]),
            recent.between(start, chunk[1]),
            {facility: village.planned_for(facility) for facility in village.facilities},
            village.first_known,
        )

    def _failed(self, failure: Failure, moment: Moment) -> None:
        self._metrics.store_failures.inc()
        if self.problem is None:
            log.warning("the telemetry store does not answer, going on from memory", reason=failure.reason)
        self.problem = failure.reason
        if self._failing_since is None:
            self._failing_since = moment.monotonic
        is_first = moment.monotonic >= self._retry_at  # else it is of those that were asked together
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
        if moment.monotonic - self._failing_since >= STORE_PATIENCE:
            self._go_on_without(moment)
        if is_first:
            stretches = ((code, _unread(village, moment)) for code, village in self._work.items())
            self.unread = {code: unread for code, unread in stretches if unread}

    def _read_again(self, village: WatchedVillage, moment: Moment) -> None:
        """Something of a village was read: what is left of it that could not be."""
        code = village.village.code
        if code in self.unread:
            left = _unread(village, moment)
            others = {other: stretches for other, stretches in self.unread.items() if other != code}
            self.unread = {**others, code: left} if left else others

    def _put_back(self, request: RebuildRequest) -> None:
        known = self._villages.get(request.village.code)
        if known is not None:
            self.notice(known)
            known.history.put_back(request.window)
            known.history.stale_first |= request.read_first

    def _go_on_without(self, moment: Moment) -> None:
        """Judge from what arrives alone. What is in the database stays until memory covers what a state needs."""
        for village in self._villages.values():
            if not village.memory.loaded:
                self.resync.go_on_without(village, moment)

    # History

    def _take_arrivals(self, answer: ArrivalsAnswer, moment: Moment) -> None:
        for arrival in answer.arrivals:
            village = self._villages.get(arrival.village)
            if village is None or arrival in self._taken:
                continue
            self._taken[arrival] = None
            if len(self._taken) > _ARRIVALS_KEPT:
                del self._taken[next(iter(self._taken))]
            self.notice(village)
            village.history.stale_first = village.marked = True
            village.history.mark(arrival.first, arrival.last + 1 + village.recent.reach, moment.monotonic)
            if arrival.last >= village.recent.covers:
                village.memory.wanted = True
                village.memory.missed_from = min(village.memory.missed_from, arrival.first)

    def _take_rebuilt(self, answer: RebuildAnswer, moment: Moment) -> None:
        request = answer.request
        village = self._villages.get(request.village.code)
        if village is not None:
            village.history.taken = None
        if village is None or village.village != request.village:
            return  # a change of the registry marks what has to be judged again by itself
        try:
            if not self._commit():
                self._put_back(request)
                self._retry_at = moment.monotonic + RETRY
                return
            learned = [self.resync.learn_first(village, key, time, moment) for key, time in answer.first.items()]
            changed = archive(self._tables.engine, answer, moment.now)
            for facility in changed:
                self.resync.refresh(village, village.facilities[facility], request.window, moment)
        except DBAPIError as error:
            log.warning("judged history cannot be written, trying again", error=type(error).__name__)
            self._put_back(request)
            self._retry_at = moment.monotonic + RETRY
            return
        self._metrics.rebuilt.inc()
        village.history.spent(moment.monotonic - self._asked_at)
        village.history.forget_visible(moment.monotonic)
        if any(learned) or (changed and request.window[1] >= village.recent.covers):
            self.resync.look_at_all(village, moment, village.recent.covers)
        if not village.history.pending:
            self.resync.settled(village, moment)
        self._read_again(village, moment)


def _unread(village: WatchedVillage, moment: Moment) -> list[Interval]:
    """What of a village's past is yet to be read from the store, and judged."""
    unread, memory = village.history.marked, village.memory
    if not village.first_known:
        heard_from = village.sure_from if memory.loaded and village.sure_from else moment.now
        unread.append((-FOREVER, min(moment.now, heard_from)))
    elif not memory.loaded and village.judged_until is not None:
        unread.append((village.judged_until, moment.now))
    elif memory.missing_since < FOREVER:
        unread.append((memory.missing_since, moment.now))
    return merge(unread)


def _is_to_be_read(village: WatchedVillage, moment: Moment) -> bool:
    return village.memory.is_due(moment.monotonic)


def _store_lacks(village: WatchedVillage) -> bool:
    """Whether the store is known to lack some of what is to be judged again, and memory has it no more."""
    recent, awaited = village.recent, village.awaited
    return bool(awaited) and any(
        awaited.hides(start - recent.reach, end, recent.start) for start, end in village.history.marked
    )
