"""History that was judged again: its spans are replaced, days are corrected, alerts get the times that it shows."""

from collections.abc import Sequence

from api.alert_records.rows import cleared_since
from api.alerts.facility import KEPT, Ended, WatchedFacility
from api.alerts.outcome import Changes
from api.alerts.redating import dated_anew
from api.alerts.village import Rebuilt, WatchedVillage
from api.engine.questions import RebuildAnswer
from api.engine.tables import Tables
from siaga.database.rejudged import replace_judged
from siaga.database.spans import read_spans
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY
from siaga.timeline.judge import Span
from siaga.timeline.rolling import WINDOW, Trend, trend
from siaga.timeline.span_algebra import FOREVER, replaced

__all__ = ["began_before", "redate", "write_rebuilt"]

_DEEPEST = 90 * DAY
"""How far back to look, at most, for when a share fell below its target."""
_REDATED_FOR = DAY
"""An alert that cleared before that keeps its times: its facility may be judged in another way by now."""


def write_rebuilt(tables: Tables, village: WatchedVillage, answer: RebuildAnswer, now: int, took: int) -> Rebuilt:
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
            if not replace_judged(connection, village.site, facility.facility, window, judged, now):
                continue
            spans[name] = None
            if not facility.spans or window[1] >= facility.spans[0].start:
                kept_from = min(village.recent.covers, now - KEPT) - 1
                spans[name] = read_spans(connection, code, name, kept_from, FOREVER)
            alert = facility.alerts.get(Kind.FACILITY_FAILED)
            if alert is not None:
                failed[name] = read_spans(connection, code, name, alert.began_at, FOREVER)
    return Rebuilt(window, answer.first, spans, failed, answer.heard, answer.newest, took)


def redate(tables: Tables, changes: Changes, facility: WatchedFacility, now: int) -> None:
    """Correct the alerts that a facility had lately. Its spans in the database have just changed.

    Raises:
        DBAPIError: the database is away.
    """
    code = facility.village
    for alert, ended_at in cleared_since(tables.engine, code, facility.facility.id, now - _REDATED_FOR):
        spans = tables.spans(code, facility.facility.id, alert.began_at)
        times = dated_anew(facility, Ended(alert, ended_at), spans, now)
        if times is not None:
            changes.redated(alert, times, now)
            facility.redate(alert.id, times)


def began_before(tables: Tables, facility: WatchedFacility, now: int) -> Trend | None:
    """Returns since when the share of a facility has really been below its target; `None`: nothing is known of it.

    Memory has the spans of two days, and a share may have been too low for longer. So this is asked after an
    `indicator_missed` was raised and before it is written.

    Raises:
        DBAPIError: the database is away.
    """
    known = facility.trend
    if known is None or not facility.spans:
        return None
    spans: Sequence[Span] = facility.spans
    back = KEPT
    while known.since - WINDOW < spans[0].start and back < _DEEPEST:
        back *= 2
        older = tables.spans(facility.village, facility.facility.id, now - back)
        if not older or older[0].start >= spans[0].start:
            break  # the facility was judged first there
        spans = replaced(older, facility.spans)
        known = trend(spans, now, facility.terms.target)
    return known
