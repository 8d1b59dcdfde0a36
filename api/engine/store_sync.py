"""What the engine asks the telemetry store, in which order, what an answer changes, and what to do while it is away.

One question is asked at a time. The most urgent comes first: memory of villages, then notes of late data, then history,
the newest first. A store that is away costs nothing but time.
"""

from collections import deque
from collections.abc import Iterator, Mapping

import structlog
from sqlalchemy.exc import DBAPIError

from api.alerts.certainty import Moment
from api.alerts.village import WatchedVillage
from api.engine.metrics import EngineMetrics
from api.engine.questions import (
    Answer,
    ArrivalsAnswer,
    ArrivalsRequest,
    Failure,
    MemoryAnswer,
    MemoryRequest,
    RebuildAnswer,
    RebuildRequest,
    Request,
)
from api.engine.reader import StoreReader
from api.engine.rebuilt import redate, write_rebuilt
from api.engine.tables import Tables
from api.engine.villages import Villages
from siaga.model.clock import SECOND
from siaga.model.intervals import Interval, merge
from siaga.model.observation import Arrival
from siaga.model.readiness import UnreadPast
from siaga.timeline.span_algebra import FOREVER

__all__ = ["RETRY", "StoreSync"]

log = structlog.get_logger(__name__)

STORE_PATIENCE = 5 * SECOND
"""How long a start waits for a store that is away before villages are judged from what arrives alone."""
RETRY, LONGEST_RETRY = 1 * SECOND, 15 * SECOND
"""How long to wait before the store is asked again: the longer, the longer it is away."""
AT_ONCE = 16
"""Villages whose memory is asked for together."""
_ARRIVALS_KEPT = 10_000


class StoreSync:
    """Asks the store, one question after another, and has the villages take what it answers.

    `past`: what of the past is not known, as it was asked for in vain or is being judged as a whole. It is never
    changed in place, as other threads read it.
    """

    def __init__(self, reader: StoreReader, watched: Villages, tables: Tables, metrics: EngineMetrics) -> None:
        self._reader, self._watched, self._tables, self._metrics = reader, watched, tables, metrics
        self._asked: Request | None = None
        self._asked_at = self._retry_at = 0
        self._pause = RETRY
        self._failing: tuple[int, str] | None = None
        """Since when (monotonic ms) the store has not answered, and why; `None`: it answers."""
        self._arrivals_since: int | None = None
        self._arrivals_again: tuple[int, int] | None = None
        """When (monotonic) notes are read once more, and since which wall time: the store had yet to show some."""
        self._to_read: deque[WatchedVillage] = deque()
        self._taken: dict[Arrival, None] = {}
        self.past = UnreadPast()

    # What is to be asked

    def follow_arrivals(self, since: int) -> None:
        """Look for late data that the collector noted since a moment of wall time."""
        self._arrivals_since = since if self._arrivals_since is None else min(since, self._arrivals_since)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._asked is not None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to ask for."""
        asking = self._watched.asking.values()
        return (
            self._asked is None
            and self._arrivals_since is None
            and self._arrivals_again is None
            and not any(village.recall.wanted or village.history.pending for village in asking)
        )

    @property
    def unread_since(self) -> int | None:
        """From when on (wall time) notes of late data are still to be read; `None`: all were that had to be."""
        asked = [self._asked.since] if isinstance(self._asked, ArrivalsRequest) else []
        return min([*asked, *([] if self._arrivals_since is None else [self._arrivals_since])], default=None)

    def next_at(self, monotonic: int) -> int | None:
        """When (monotonic ms) something is to be asked; an awaited answer wakes the service."""
        if self._asked is not None:
            return None
        asking = self._watched.asking.values()
        times = [village.recall.wanted_at for village in asking if village.recall.wanted]
        times += [ready for village in self._dirty() if (ready := village.history.ready_at()) is not None]
        times += [at for village in asking if (at := village.history.awaited.gives_up_at()) is not None]
        if self._arrivals_since is not None:
            times.append(monotonic)
        if self._arrivals_again is not None:
            times.append(self._arrivals_again[0])
        return max(min(times), self._retry_at) if times else None

    def ask(self, moment: Moment) -> None:
        """Ask for what is due."""
        for village in self._watched.asking.values():
            village.give_up(moment.monotonic)
        self._note_past()
        if self._asked is None and moment.monotonic >= self._retry_at:
            request = self._next_request(moment)
            if request is not None:
                self._ask(request, moment)

    def _ask(self, request: Request, moment: Moment) -> None:
        self._asked, self._asked_at = request, moment.monotonic
        self._reader.ask(request)

    def _next_request(self, moment: Moment) -> Request | None:
        """Returns the most urgent question. A village of which nothing turns out to be history settles."""
        villages = self._next_to_read(moment)
        if villages:
            return MemoryRequest.of(villages, moment)
        arrivals = self._next_arrivals(moment)
        if arrivals is not None:
            return arrivals
        ready = [v for v in self._dirty() if (at := v.history.ready_at()) is not None and at <= moment.monotonic]
        self._metrics.dirty.labels(self._tables.share.number).set(len(ready))
        if not ready:
            return None
        try:
            readings_from = self._tables.readings_from()
        except DBAPIError as error:
            log.warning("what the store still has cannot be read, trying again", error=type(error).__name__)
            self._retry_at = moment.monotonic + RETRY
            return None
        for village in sorted(ready, key=lambda v: v.history.unfinished()[-1][1], reverse=True):
            request = RebuildRequest.of(village, moment, readings_from)
            if request is not None:
                return request
            self._watched.merge(village, village.finish_history(moment), moment)
        return None

    def _next_arrivals(self, moment: Moment) -> ArrivalsRequest | None:
        """Returns the question for notes of late data, if they are to be read."""
        if self._arrivals_since is not None:
            since, self._arrivals_since = self._arrivals_since, None
            return ArrivalsRequest(since)
        if self._arrivals_again is not None and self._arrivals_again[0] <= moment.monotonic:
            since, self._arrivals_again = self._arrivals_again[1], None
            return ArrivalsRequest(since, again=True)
        return None

    def _dirty(self) -> Iterator[WatchedVillage]:
        """The villages whose history can be judged again: not from a store that is known to lack some of it."""
        for village in self._watched.asking.values():
            recent, history = village.recent, village.history
            if village.recall.is_read and history.pending and not history.is_lacking(recent.reach, recent.start):
                yield village

    def _next_to_read(self, moment: Moment) -> list[WatchedVillage]:
        """Returns the next villages whose memory is to be read, those first that have none.

        All that wait are found in one go: at a start they are all there are, and to look through them for each question
        is what takes a country's engine half an hour.
        """
        if not self._to_read:
            self._watched.drop_idle()
            waiting = [each for each in self._watched.asking.values() if each.recall.is_due(moment.monotonic)]
            self._to_read.extend(sorted(waiting, key=lambda village: village.recall.is_read))
        found: list[WatchedVillage] = []
        while self._to_read and len(found) < AT_ONCE:
            village = self._to_read.popleft()
            if village.recall.is_due(moment.monotonic):
                found.append(village)
        return found

    # What was answered

    def poll(self) -> Answer | None:
        """Returns the answer to what was asked, if it is there."""
        answer = None if self._asked is None else self._reader.poll()
        if answer is not None:
            self._asked = None
            if not isinstance(answer, Failure):
                self._failing, self._pause = None, RETRY
        return answer

    def take(self, answer: Answer, moment: Moment) -> None:
        """Take an answer. Judged history that cannot be written is asked for again."""
        match answer:
            case MemoryAnswer():
                self._take_memory(answer, moment)
            case ArrivalsAnswer():
                self._take_arrivals(answer, moment)
            case RebuildAnswer():
                self._take_rebuilt(answer, moment)
            case Failure():
                self._take_failure(answer, moment)

    def put_back(self, request: RebuildRequest, again: int) -> None:
        """What was asked for cannot be read, or not be written: it is asked for again, not before `again`."""
        self._retry_at = again
        known = self._watched.by_code.get(request.village.code)
        if known is not None:
            known.history.put_back(request.window, read_first=request.read_first)
            self._watched.notice(known)

    def _take_memory(self, answer: MemoryAnswer, moment: Moment) -> None:
        following = self._next_to_read(moment)
        if following:  # the store reads them while this answer is taken
            self._ask(MemoryRequest.of(following, moment), moment)
        for asked in answer.request.villages:
            village = self._watched.by_code.get(asked.code)
            if village is None:
                continue
            if village.site != asked:
                village.recall.want()  # the registry changed meanwhile
                self._watched.notice(village)
                continue
            found = answer.found[village.code]
            out = village.take_memory(found, answer.request.start, self._first_spans(village), moment)
            village.recall.read_again(answer.shows_after)
            self._watched.merge(village, out, moment)

    def _take_arrivals(self, answer: ArrivalsAnswer, moment: Moment) -> None:
        since, again = answer.request.since, answer.request.again
        if answer.shows_after and not again:
            before = since if self._arrivals_again is None else self._arrivals_again[1]
            self._arrivals_again = moment.monotonic + answer.shows_after, min(since, before)
        for arrival in answer.arrivals:
            village = self._watched.by_code.get(arrival.village)
            if village is None or (arrival in self._taken and not again):
                continue
            self._taken[arrival] = None
            if len(self._taken) > _ARRIVALS_KEPT:
                del self._taken[next(iter(self._taken))]
            village.take_arrival(arrival, moment)
            self._watched.notice(village)

    def _take_rebuilt(self, answer: RebuildAnswer, moment: Moment) -> None:
        village = self._watched.by_code.get(answer.request.village.code)
        if village is None:
            return
        if village.site != answer.request.village:
            village.history.drop()  # a change of the registry marks what has to be judged again by itself
            return
        try:
            rebuilt = write_rebuilt(self._tables, village, answer, moment.now, moment.monotonic - self._asked_at)
            self._watched.merge(village, village.take_rebuilt(rebuilt, moment), moment)
            for facility in rebuilt.spans:
                redate(self._tables, self._watched.pending, village.facilities[facility], moment.now)
        except DBAPIError as error:
            log.warning("judged history cannot be written, trying again", error=type(error).__name__)
            self.put_back(answer.request, moment.monotonic + RETRY)
            return
        self._metrics.rebuilt.inc()

    def _take_failure(self, failure: Failure, moment: Moment) -> None:
        self._metrics.store_failures.inc()
        if self._failing is None:
            log.warning("the telemetry store does not answer, going on from memory", reason=failure.reason)
        failing_since = moment.monotonic if self._failing is None else self._failing[0]
        self._failing = (failing_since, failure.reason)
        self._retry_at = moment.monotonic + self._pause
        self._pause = min(2 * self._pause, LONGEST_RETRY)
        match failure.request:
            case MemoryRequest(villages=villages):
                for each in villages:
                    known = self._watched.by_code.get(each.code)
                    if known is not None:
                        known.recall.want_again(self._retry_at)
                        self._watched.notice(known)
            case ArrivalsRequest(since=since):  # where it was the second time: both are asked anew
                self.follow_arrivals(since)
            case RebuildRequest():
                self.put_back(failure.request, self._retry_at)
        if moment.monotonic - failing_since >= STORE_PATIENCE:
            for village in self._watched.by_code.values():
                if not village.recall.is_read:
                    self._watched.merge(village, village.go_on_without(self._first_spans(village), moment), moment)

    def _note_past(self) -> None:
        """Note what of the past is not known now. A village is listed from the first question that the store did
        not answer until its past is judged."""
        asking, known = self._watched.asking, self._watched.by_code
        vain = {**self.past.stretches, **asking} if self._failing is not None else self.past.stretches
        stretches = {code: left for code in vain if code in known and (left := _unread(known[code]))}
        judging = {code: merge(village.history.marked) for code, village in asking.items() if village.judging_whole}
        self.past = UnreadPast(stretches, None if self._failing is None else self._failing[1], judging)

    def _first_spans(self, village: WatchedVillage) -> Mapping[str, int]:
        """Where the spans of the facilities begin, if that is asked; nothing where the database does not answer."""
        try:
            return self._tables.first_span(village.code) if village.rejudge else {}
        except DBAPIError as error:
            log.warning("the spans of before cannot be read, they stay", error=type(error).__name__)
            return {}


def _unread(village: WatchedVillage) -> list[Interval]:
    """Returns what of a village's past is yet to be read from the store, and judged. What reaches until now has no end,
    so that it is the same at each moment."""
    stretches, recall = village.history.marked, village.recall
    if not village.first_known:
        known_from = village.sure_from if recall.is_read and village.sure_from else FOREVER
        stretches.append((-FOREVER, known_from))
    elif not recall.is_read and village.judged_until is not None:
        stretches.append((village.judged_until, FOREVER))
    elif recall.missing_since < FOREVER:
        stretches.append((recall.missing_since, FOREVER))
    return merge(stretches)
