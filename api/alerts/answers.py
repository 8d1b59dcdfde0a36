"""Taking over what the telemetry store answered: villages are told, judged history is written.

The stretch of each facility is replaced, its days get a revision.
"""

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from api.alerts.certainty import Moment
from api.alerts.facility import KEPT
from api.alerts.happenings import NotRecalled, Rebuilt, Recalled
from api.alerts.metrics import EngineMetrics
from api.alerts.questions import Answer, ArrivalsAnswer, Failure, RebuildAnswer, RecentAnswer
from api.alerts.redate import redate
from api.alerts.store_sync import StoreSync
from api.alerts.tables import Tables
from api.alerts.village import WatchedVillage
from api.alerts.villages import Villages
from siaga.database import writing
from siaga.database.days import correcting
from siaga.database.rewritten import note_rewritten
from siaga.database.spans import read_spans, write_spans
from siaga.model.alert_kinds import Kind
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Interval, Span
from siaga.timeline.span_algebra import FOREVER, cut, difference, joined, replaced, rewritten

__all__ = ["Answers"]

log = structlog.get_logger(__name__)


class Answers:
    """Takes one answer after another."""

    def __init__(self, tables: Tables, watched: Villages, store_sync: StoreSync, metrics: EngineMetrics) -> None:
        self._tables, self._watched, self._store_sync, self._metrics = tables, watched, store_sync, metrics

    def take(self, answer: Answer, village: WatchedVillage | None, moment: Moment) -> None:
        """Take an answer. Judged history that cannot be written is asked for again."""
        match answer:
            case Failure() if self._store_sync.impatient:
                for each in self._watched.by_code.values():
                    if not each.memory.is_read:
                        self._watched.take(each, NotRecalled(self._first_spans(each)), moment)
            case ArrivalsAnswer(arrivals=arrivals):
                for each, arrival in self._store_sync.new_arrivals(arrivals):
                    self._watched.take(each, arrival, moment)
            case RecentAnswer() if village is not None:
                self._watched.take(village, Recalled(answer, self._first_spans(village)), moment)
                self._store_sync.read_again(village, moment)
            case RebuildAnswer() if village is not None:
                try:
                    self._take_rebuilt(answer, village, moment)
                except DBAPIError as error:
                    log.warning("judged history cannot be written, trying again", error=type(error).__name__)
                    self._store_sync.put_back(answer.request, moment)

    def _take_rebuilt(self, answer: RebuildAnswer, village: WatchedVillage, moment: Moment) -> None:
        rebuilt = _write(self._tables, village, answer, moment.now, self._store_sync.took(moment))
        self._watched.take(village, rebuilt, moment)
        for facility in rebuilt.spans:
            redate(self._tables, self._watched.pending, village.facilities[facility], moment.now)
        self._metrics.rebuilt.inc()
        self._store_sync.read_again(village, moment)

    def _first_spans(self, village: WatchedVillage) -> Mapping[str, int]:
        """Where the spans of the facilities begin, if that is asked; nothing where the database does not answer."""
        try:
            return self._tables.first_span(village.code) if village.rejudge else {}
        except DBAPIError as error:
            log.warning("the spans of before cannot be read, they stay", error=type(error).__name__)
            return {}


def _write(tables: Tables, village: WatchedVillage, answer: RebuildAnswer, now: int, took: int) -> Rebuilt:
    """Write what a stretch of history has been judged to be, and read what changed by it, in one transaction.

    Raises:
        DBAPIError: the database is away.
    """
    window, code = answer.request.window, village.code
    spans: dict[str, list[Span] | None] = {}
    failed: dict[str, list[Span]] = {}
    with writing(tables.engine) as connection:
        for name, judged in answer.spans.items():
            facility = village.facilities[name]
            if not _replace(connection, village.village, facility.facility, window, judged, now):
                continue
            spans[name] = None
            if not facility.spans or window[1] >= facility.spans[0].start:
                kept_from = min(village.recent.covers, now - KEPT) - 1
                spans[name] = read_spans(connection, code, name, kept_from, FOREVER)
            alert = facility.alerts.get(Kind.FACILITY_FAILED)
            if alert is not None:
                failed[name] = read_spans(connection, code, name, alert.began_at, FOREVER)
    return Rebuilt(window, answer.first, spans, failed, took)


def _replace(
    connection: Connection, village: Village, facility: Facility, window: Interval, spans: Sequence[Span], now: int
) -> bool:
    """Whether it changed anything. What was said of the window before the facility is judged now is gone."""
    begins = spans[0].start if spans else window[1]
    # One instant more on both sides: the neighbours, which may turn out to be the same span
    old = read_spans(connection, village.code, facility.id, window[0] - 1, window[1] + 1)
    renewed = replaced(joined(old), spans)
    after = joined([*cut(renewed, -FOREVER, window[0]), *cut(renewed, begins, FOREVER)])
    change = difference(old, after)
    if not change:
        return False
    rows: dict[int, Span | None] = dict.fromkeys(change.deleted)
    rows |= {span.start: span for span in change.written}
    changed_from = min(rows)
    correcting(
        connection,
        village,
        facility,
        (max(changed_from, window[0]), min(window[1], now)),
        lambda: write_spans(connection, {(village.code, facility.id): rows}),
    )
    stretch = rewritten(old, after)
    if stretch is not None:
        note_rewritten(connection, {(village.code, facility.id): stretch})
    return True
