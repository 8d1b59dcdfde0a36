"""Writing what a stretch of history was judged to be: spans are replaced, days are corrected."""

from collections.abc import Sequence

from sqlalchemy import Connection

from api.alerts.facility import KEPT
from api.alerts.questions import RebuildAnswer
from api.alerts.resync import Rebuilt
from api.alerts.state import VillageState
from api.alerts.tables import Tables
from siaga.database.days import correcting
from siaga.database.rewritten import note_rewritten
from siaga.database.spans import read_spans, write_spans
from siaga.model.alert_kinds import Kind
from siaga.model.intervals import Interval
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Span
from siaga.timeline.span_algebra import FOREVER, cut, difference, joined, replaced, rewritten

__all__ = ["write_rebuilt"]


def write_rebuilt(tables: Tables, village: VillageState, answer: RebuildAnswer, now: int, took: int) -> Rebuilt:
    """Write what a stretch of history was judged to be, in `took` ms. Returns what changed by it.

    Raises:
        DBAPIError: the database is away.
    """
    window, code = answer.request.window, village.code
    spans: dict[str, list[Span] | None] = {}
    failed: dict[str, list[Span]] = {}
    with tables.writing() as connection:
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
    """Replace the spans of a window. Those before the facility begins to be judged go. Returns True if any changed."""
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
    correcting(
        connection,
        village,
        facility,
        (max(min(rows), window[0]), min(window[1], now)),
        lambda: write_spans(connection, {(village.code, facility.id): rows}),
    )
    stretch = rewritten(old, after)
    if stretch is not None:
        note_rewritten(connection, {(village.code, facility.id): stretch})
    return True
