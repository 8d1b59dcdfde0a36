"""Alerts that have cleared, dated anew where what came late says when they began or were over.

After an absence, with the store away, what the gateway kept is judged long after the alert was told to be over: from
the first moment that memory had of it being met. It was met before.
"""

from collections.abc import Sequence

from api.alerts.decisions import Clear, facility_failed
from api.alerts.flapping import CALM
from api.alerts.ledger import Changes, Ledger
from api.alerts.spans import failed_run
from api.alerts.watch import WatchedFacility
from siaga.model.clock import DAY
from siaga.model.intervals import Interval
from siaga.timeline.judge import Span

__all__ = ["redate", "redated"]

FOR = DAY
"""An alert that has been over for longer stays as it was told: by now its facility may be judged in another way."""


def redated(spans: Sequence[Span], told: Interval, now: int, *, grace: int, recovery: int) -> Interval:
    """When an alert began and was over, never later than it was `told`; `spans`: those from where it began on."""
    began, ended = told
    run = failed_run(spans, began)
    decision = facility_failed(spans, now, grace=grace, recovery=recovery, open_since=began)
    return (
        min(began, run.start) if run is not None else began,
        min(ended, decision.ended_at) if isinstance(decision, Clear) else ended,
    )


def redate(ledger: Ledger, changes: Changes, facility: WatchedFacility, now: int) -> None:
    """Date the alerts anew that this facility had lately; its spans in the database have just changed.

    Raises:
        DBAPIError: the database is away.
    """
    code, held_to = facility.village.village.code, facility.terms
    for alert, ended_at in ledger.cleared_since(code, facility.facility.id, now - FOR):
        spans = ledger.spans(code, facility.facility.id, alert.began_at)
        recovery = max(held_to.recovery, CALM) if alert.flapping else held_to.recovery
        told = (alert.began_at, ended_at)
        times = redated(spans, told, now, grace=held_to.grace, recovery=recovery)
        if times != told:
            changes.redated(alert, times, now)
