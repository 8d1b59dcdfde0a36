"""History that was judged again: its spans are replaced, days are corrected, alerts get the times that it shows.

After an absence, with the store away, an alert clears at the first moment at which memory shows its facility to be met.
What the gateway kept is judged later, and may show that it was met before.
"""

from collections.abc import Sequence

from api.alert_records.alert import OpenAlert
from api.alert_records.rows import cleared_since
from api.alerts.certainty import Knows
from api.alerts.decision import Clear
from api.alerts.facility import KEPT, WatchedFacility
from api.alerts.flapping import CALM
from api.alerts.kinds import Look
from api.alerts.kinds.facility_failed import facility_failed
from api.alerts.outcome import Changes
from api.alerts.village import Rebuilt, WatchedVillage
from api.engine.questions import RebuildAnswer
from api.engine.tables import Tables
from siaga.database.rejudged import replace_judged
from siaga.database.spans import read_spans
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY
from siaga.model.intervals import Interval
from siaga.timeline.judge import Span
from siaga.timeline.rolling import WINDOW, Trend, trend
from siaga.timeline.span_algebra import FOREVER, failed_run, replaced

__all__ = ["began_before", "dated_anew", "redate", "redated", "write_rebuilt"]

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
            if not replace_judged(connection, village.village, facility.facility, window, judged, now):
                continue
            spans[name] = None
            if not facility.spans or window[1] >= facility.spans[0].start:
                kept_from = min(village.recent.covers, now - KEPT) - 1
                spans[name] = read_spans(connection, code, name, kept_from, FOREVER)
            alert = facility.alerts.get(Kind.FACILITY_FAILED)
            if alert is not None:
                failed[name] = read_spans(connection, code, name, alert.began_at, FOREVER)
    return Rebuilt(window, answer.first, spans, failed, answer.heard, answer.newest, took)


def redated(spans: Sequence[Span], told: Interval, now: int, *, grace: int, recovery: int) -> Interval:
    """Returns when an alert began and was over, never later than was `told`. `spans`: those from its start on."""
    began, ended = told
    run = failed_run(spans, began)
    decision = facility_failed(spans, Look(now, lambda _: Knows(), began), grace=grace, recovery=recovery)
    return (
        min(began, run.start) if run is not None else began,
        min(ended, decision.ended_at) if isinstance(decision, Clear) else ended,
    )


def dated_anew(
    facility: WatchedFacility, alert: OpenAlert, ended_at: int, spans: Sequence[Span], now: int
) -> Interval | None:
    """Returns when an alert that has cleared began and was over, by the spans from its start on; `None`: as it says."""
    held_to = facility.terms
    recovery = max(held_to.recovery, CALM) if alert.flapping else held_to.recovery
    told = (alert.began_at, ended_at)
    times = redated(spans, told, now, grace=held_to.grace, recovery=recovery)
    return None if times == told else times


def redate(tables: Tables, changes: Changes, facility: WatchedFacility, now: int) -> None:
    """Correct the alerts that a facility had lately. Its spans in the database have just changed.

    Raises:
        DBAPIError: the database is away.
    """
    code = facility.village
    for alert, ended_at in cleared_since(tables.engine, code, facility.facility.id, now - _REDATED_FOR):
        spans = tables.spans(code, facility.facility.id, alert.began_at)
        times = dated_anew(facility, alert, ended_at, spans, now)
        if times is not None:
            changes.redated(alert, times, now)


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
