"""Correct the start and end of alerts when late data changes them.

After an absence, with the store away, an alert clears at the first moment at which memory shows its facility to be met.
What the gateway kept is judged later, and may show that it was met before.
"""

from collections.abc import Sequence

from api.alert_records.rows import cleared_since
from api.alerts.certainty import Knows
from api.alerts.decision import Clear
from api.alerts.facility import KEPT, WatchedFacility
from api.alerts.flapping import CALM
from api.alerts.kinds import Look
from api.alerts.kinds.facility_failed import facility_failed
from api.alerts.outcome import Changes
from api.alerts.tables import Tables
from siaga.model.clock import DAY
from siaga.model.intervals import Interval
from siaga.timeline.judge import Span
from siaga.timeline.rolling import WINDOW, Trend, trend
from siaga.timeline.span_algebra import failed_run, replaced

__all__ = ["began_before", "redate", "redated"]

_DEEPEST = 90 * DAY
"""How far back to look, at most, for when a share fell below its target."""
FOR = DAY
"""An alert that cleared before that keeps its times: its facility may be judged in another way by now."""


def redated(spans: Sequence[Span], told: Interval, now: int, *, grace: int, recovery: int) -> Interval:
    """Returns when an alert began and was over, never later than was `told`. `spans`: those from its start on."""
    began, ended = told
    run = failed_run(spans, began)
    decision = facility_failed(spans, Look(now, lambda _: Knows(), began), grace=grace, recovery=recovery)
    return (
        min(began, run.start) if run is not None else began,
        min(ended, decision.ended_at) if isinstance(decision, Clear) else ended,
    )


def redate(tables: Tables, changes: Changes, facility: WatchedFacility, now: int) -> None:
    """Correct the alerts that a facility had lately. Its spans in the database have just changed.

    Raises:
        DBAPIError: the database is away.
    """
    code, held_to = facility.village, facility.terms
    for alert, ended_at in cleared_since(tables.engine, code, facility.facility.id, now - FOR):
        spans = tables.spans(code, facility.facility.id, alert.began_at)
        recovery = max(held_to.recovery, CALM) if alert.flapping else held_to.recovery
        told = (alert.began_at, ended_at)
        times = redated(spans, told, now, grace=held_to.grace, recovery=recovery)
        if times != told:
            changes.redated(alert, times, now)


def began_before(tables: Tables, facility: WatchedFacility, now: int) -> Trend | None:
    """Returns since when the share of a facility has really been below its target; `None`: nothing is known of it.

    Memory has the spans of two days, and a share may have been too low for longer. So this is asked after an
    `indicator_missed` was raised and before it is written. With the database away the alert is amended later.

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
