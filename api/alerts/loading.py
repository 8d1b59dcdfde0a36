"""The store side of the engine: loading memory, judging history again, following what others stored.

One request to the telemetry store is under way at a time, or several for memory; the most urgent comes first: memory of
villages, then late arrivals, then history, the newest first. A store that is away costs nothing but time.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import structlog
from sqlalchemy.exc import DBAPIError

from api.alerts.afterwards import redate
from api.alerts.archive import archive
from api.alerts.evidence import LIVE
from api.alerts.history import BatchId
from api.alerts.ledger import Ledger
from api.alerts.life import Moment
from api.alerts.live import Live
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
from api.alerts.spans import FOREVER
from api.alerts.succession import OVERLAP, recall_who_spoke, resumes_from
from api.alerts.tail import KEPT
from api.alerts.under_way import GIVES_UP, Inheritance
from api.alerts.watch import WatchedFacility, WatchedVillage
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.intervals import Interval, merge
from siaga.model.observation import Arrival, TrackKey

__all__ = ["Loading"]

log = structlog.get_logger(__name__)

LONGEST_MEMORY = 6 * HOUR
"""An absence up to this long is made up for from memory; a longer one is history."""
STORE_PATIENCE = 5 * SECOND
"""How long a start waits for a store that is away before villages are judged from what arrives alone."""
RETRY, LONGEST_RETRY = 1 * SECOND, 15 * SECOND
RELOAD_EVERY = 10 * SECOND
"""How often one village's memory is read again at most."""
AT_ONCE = 16
"""Villages whose memory is asked for together."""
_ARRIVALS_KEPT = 10_000


class Loading:
    """Asks the store, one request after another, and takes over what it answers."""

    def __init__(
        self,
        reader: StoreReader,
        ledger: Ledger,
        live: Live,
        villages: Mapping[str, WatchedVillage],
        commit: Callable[[], bool],
        metrics: EngineMetrics,
    ) -> None:
        self._reader, self._ledger, self._live = reader, ledger, live
        self._villages, self._commit, self._metrics = villages, commit, metrics
        self._outstanding: deque[Request] = deque()
        self._asked_at = 0
        self._retry_at = 0
        self._pause = RETRY
        self._failing_since: int | None = None
        self._stores_since: int | None = None
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
        village.reload = True
        village.reload_at = max(village.reload_at, moment.monotonic)
        self.notice(village)
        if missed_since is not None:
            village.reload_from = min(village.reload_from, missed_since - OVERLAP)

    def acknowledged(self, village: WatchedVillage, batch: BatchId, moment: Moment) -> None:
        """A batch is stored: its late readings are history to be judged again."""
        gateway, epoch, seq = batch
        self._stores_since = self._stores_since or moment.monotonic
        if village.inherited is not None:
            village.inherited.stored(batch, moment.monotonic)
        if not village.under_way.remove(batch) and not village.gateway(gateway).seen.knows(epoch, seq):
            self._missed(village, moment)
            return
        village.stored = True
        if not village.reload and village.reading_from == FOREVER:  # else what came before is still to be read
            village.blind_before = 0
        if moment.monotonic - village.unseen_at > GIVES_UP:
            village.taken_over = None
        late = village.history.acknowledged(batch, moment.monotonic)
        if not late:
            return
        for reading in late:
            self.learn_first(village, (reading.device, reading.signal), reading.time, moment)
        self.notice(village)
        times = [reading.time for reading in late]
        if max(times) >= village.recent.covers:  # memory was read again since they came, and is to be judged by now
            self.reload(village, min(times), moment)

    def _missed(self, village: WatchedVillage, moment: Moment) -> None:
        """A batch is stored that was sent before the engine listened: what it held is in the store alone.

        It may be as old as what a predecessor took and did not live to judge.
        """
        village.unseen_at = moment.monotonic
        self.reload(village, min(moment.now, village.taken_over or moment.now), moment)
        village.reload_at = max(village.reload_at, moment.monotonic + SECOND)
        self.follow_arrivals(moment.now - HOUR)

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
            and not any(
                village.reload or village.history.pending or village.inherited for village in self._work.values()
            )
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
        self._end_inheritances(moment)
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
            case RecentAnswer():
                self._take_recent(answer, moment)
            case RebuildAnswer():
                self._take_rebuilt(answer, moment)
            case ArrivalsAnswer():
                self._take_arrivals(answer, moment)
        self._failing_since, self._pause, self.problem = None, RETRY, None

    def next_at(self, monotonic: int) -> int | None:
        """When (monotonic ms) `step` has something to do by itself; an awaited answer wakes the service."""
        if self._outstanding:
            return None
        times = [village.reload_at for village in self._work.values() if village.reload]
        times += [ready for village in self._dirty() if (ready := village.history.ready_at()) is not None]
        times += [at for _, inherited in self._heirs() if (at := inherited.over_at(self._stores_since)) is not None]
        if self._arrivals_since is not None:
            times.append(monotonic)
        return max(min(times), self._retry_at) if times else None

    def _dirty(self) -> list[WatchedVillage]:
        """The villages whose history can be judged again: not from a store that is known to lack some of it."""
        return [v for v in self._work.values() if v.loaded and v.history.pending and v.inherited is None]

    def _heirs(self) -> list[tuple[WatchedVillage, Inheritance]]:
        return [(village, village.inherited) for village in self._work.values() if village.inherited is not None]

    def _end_inheritances(self, moment: Moment) -> None:
        """Where the store has all that a predecessor knew, what it judged last is judged again."""
        for village, inherited in self._heirs():
            at = inherited.over_at(self._stores_since)
            if at is not None and at <= moment.monotonic:
                inherited.over = True
                self.reload(village, min(inherited.until, inherited.since), moment)

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
        for dirty in sorted(ready, key=lambda v: max([*v.history.dirty, *v.history.queue])[1], reverse=True):
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
            self._to_read.extend(sorted(waiting, key=lambda village: village.loaded))
        while self._to_read:
            village = self._to_read.popleft()
            if _is_to_be_read(village, moment):
                return village
        return None

    def _forget_done(self) -> None:
        """Look no more at villages that have nothing to ask, or that were taken out of the registry."""
        for code, village in list(self._work.items()):
            watched = self._villages.get(code) is village
            if not watched or not (village.reload or village.history.pending or village.inherited):
                del self._work[code]

    def _recent_request(self, village: WatchedVillage, moment: Moment) -> RecentRequest:
        village.reload = False
        village.reload_at = moment.monotonic + RELOAD_EVERY
        # What is missed from here on is not in the answer: another one will have to say it
        village.reading_from, village.reload_from = min(village.reading_from, village.reload_from), FOREVER
        reach = village.recent.reach
        start = moment.now - LIVE - reach
        if not village.loaded and village.judged_until is not None:
            start = min(start, max(village.judged_until - OVERLAP, moment.now - LONGEST_MEMORY) - reach)
        first = dict(village.recent.first) if village.first_known else None
        return RecentRequest(village.village, start, moment.now + DAY, first)

    def _rebuild_request(self, village: WatchedVillage, moment: Moment) -> RebuildRequest | None:
        history, recent = village.history, village.recent
        chunk = history.next_chunk(moment.monotonic, recent.covers)
        if chunk is None:
            self._settled(village, moment)
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
                    known.reload, known.reload_at = True, self._retry_at
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
            if not village.loaded:
                # What nobody judged meanwhile is in the store alone: it is judged once that answers, maybe by another
                village.reload_from = min(village.reload_from, resumes_from(village, self._first_spans(village)))
                village.history.mark(village.reload_from, moment.now, moment.monotonic, now=True)
                self.notice(village)
                village.reload = True  # also where it was asked for with those that failed and may yet be answered
                village.loaded = True
                village.judged_until = moment.now
                if village.inherited is not None:  # its predecessor left all that memory needs from then on
                    village.recent.start = village.inherited.until - village.recent.reach
                    village.blind_before = 1  # but of whom it says nothing, it may never have read either
                else:
                    village.recent.start = village.blind_before = moment.now
                    village.sure_from = village.recent.covers
                self._look_at_all(village, moment, None)

    def _first_spans(self, village: WatchedVillage) -> Mapping[str, int]:
        """Where the spans of the facilities begin, if that is asked; nothing where the database does not answer."""
        try:
            return self._ledger.first_span(village.village.code) if village.rejudge else {}
        except DBAPIError as error:
            log.warning("the spans of before cannot be read, they stay", error=type(error).__name__)
            return {}

    # Memory

    def _take_recent(self, answer: RecentAnswer, moment: Moment) -> None:
        village = self._villages.get(answer.request.village.code)
        if village is None:
            return
        if village.village != answer.request.village:
            village.reload = True  # the registry changed meanwhile
            self.notice(village)
            return
        recent = village.recent
        for key, time in answer.first.items():
            self.learn_first(village, key, time, moment)
        recent.absorb(answer.tracks, answer.request.start)
        newest = [at[0] for track in answer.tracks.values() if (at := track.at(moment.now)) is not None]
        village.newest = max([village.newest, *newest])
        for (device, signal), (time, _) in answer.latest.items():
            if device in village.devices:
                recent.note_report(device, signal, time, moment.now)
            else:
                village.gateway(device).last_alive = time
        village.note_reading(moment.now)
        begin, village.reading_from = village.reading_from, FOREVER
        if village.inherited is not None and village.inherited.over and not village.reload:
            begin = min(begin, village.inherited.since)  # also of what came while this was being read
            village.inherited, village.marked = None, True
        recall_who_spoke(village)
        if not village.loaded:
            village.loaded = True
            begin = min(begin, resumes_from(village, self._first_spans(village)))
            if village.judged_until is None:
                village.judged_until = moment.now  # what is older and not judged yet is in the marks
        history = village.history
        history.stale_first, village.first_known = False, True
        # What is marked and now covered by memory is judged from there
        begin = min([begin, *(max(start, recent.covers) for start, end in history.marked if end > recent.covers)])
        if begin < recent.covers:
            village.sure_from = recent.covers
            history.mark(begin, recent.covers, moment.monotonic, now=True)
            self.notice(village)
        elif not history.pending:
            self._settled(village, moment)  # of a village that is new there is nothing else to be judged
        self._look_at_all(village, moment, min(max(begin, recent.covers), moment.now))
        self._read_again(village, moment)

    def _look_at_all(self, village: WatchedVillage, moment: Moment, dirty_from: int | None) -> None:
        for facility in village.facilities.values():
            self._live.look_at_facility(facility, moment, dirty_from)
        for device in village.devices.values():
            self._live.look_at_device(device, moment)
            self._live.look_at_evidence(device, moment)
            self._live.look_at_clock(device, moment)
        for gateway in village.gateways.values():
            self._live.look_at_buffer(gateway, moment)
        self._live.look_at_link(village, moment)

    def learn_first(self, village: WatchedVillage, key: TrackKey, time: int, moment: Moment) -> bool:
        """Take note of a first report; where it is earlier than the one known, the time between is judged again.

        A signal takes part, and a facility is judged, from its first report on. So this bears on the stretch up to the
        one known before, however long nothing was reported in it, and on what memory covers of it. A village that is
        to be judged as a whole needs no mark.
        """
        recent = village.recent
        before = recent.first.get(key)
        if not recent.learn_first(key, time):
            return False
        self._live.changes.first[village.village.code, key] = time
        if village.rejudge and not village.loaded:
            return True
        village.history.mark(time, recent.covers if before is None else before, moment.monotonic)
        self.notice(village)
        owner = recent.facility_of(key[0])
        known = None if owner is None else village.facilities.get(owner.id)
        if known is not None:
            known.dirty_from = min(known.dirty_from, max(time, recent.covers))
            self._live.deadlines.ask(known, moment.now)
        return True

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
            village.history.stale_first = True
            village.history.mark(arrival.first, arrival.last + 1 + village.recent.reach, moment.monotonic)
            if arrival.last >= village.recent.covers:
                village.reload, village.reload_from = True, min(village.reload_from, arrival.first)

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
            learned = [self.learn_first(village, key, time, moment) for key, time in answer.first.items()]
            changed = archive(self._ledger.engine, answer, moment.now)
            for facility in changed:
                self._refresh(village.facilities[facility], request.window, moment)
        except DBAPIError as error:
            log.warning("judged history cannot be written, trying again", error=type(error).__name__)
            self._put_back(request)
            self._retry_at = moment.monotonic + RETRY
            return
        self._metrics.rebuilt.inc()
        village.history.spent(moment.monotonic - self._asked_at)
        village.history.forget_visible(moment.monotonic)
        if any(learned) or (changed and request.window[1] >= village.recent.covers):
            self._look_at_all(village, moment, village.recent.covers)
        if not village.history.pending:
            self._settled(village, moment)
        self._read_again(village, moment)

    def _refresh(self, facility: WatchedFacility, window: tuple[int, int], moment: Moment) -> None:
        """Take over what was written: into the spans in memory, and into alerts."""
        code, recent = facility.village.village.code, facility.village.recent
        if not facility.spans or window[1] >= facility.spans[0].start:
            kept_from = min(recent.covers, moment.now - KEPT)
            facility.spans, facility.trend = self._ledger.spans(code, facility.facility.id, kept_from - 1), None
        if facility.alert is not None:
            spans = self._ledger.spans(code, facility.facility.id, facility.alert.began_at)
            self._live.decide_facility(facility, moment, spans)
        self._live.decide_missed(facility, moment)
        redate(self._ledger, self._live.changes, facility, moment.now)

    def _settled(self, village: WatchedVillage, moment: Moment) -> None:
        """All history of a village is judged: failures count from where they began."""
        if village.sure_from:
            village.sure_from = 0
            for facility in village.facilities.values():
                facility.trend = None
            self._look_at_all(village, moment, None)


def _unread(village: WatchedVillage, moment: Moment) -> list[Interval]:
    """What of a village's past is yet to be read from the store, and judged."""
    unread = village.history.marked
    if not village.first_known:
        heard_alone_from = village.blind_before + village.recent.reach if village.blind_before > 1 else moment.now
        unread.append((-FOREVER, min(moment.now, heard_alone_from)))
    elif not village.loaded and village.judged_until is not None:
        unread.append((village.judged_until, moment.now))
    return merge(unread)


def _is_to_be_read(village: WatchedVillage, moment: Moment) -> bool:
    return village.reload and village.reload_at <= moment.monotonic
