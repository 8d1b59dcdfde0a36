"""Alerts that have cleared, dated anew: readings that come late may show that one began, or was over, before.

After an absence, with the store away, an alert clears at the first moment at which memory shows its facility to be met.
What the gateway kept comes later, and may show that it was met before.
"""

from collections.abc import Sequence

from api.alerts.certainty import Knows
from api.alerts.decision import Clear
from api.alerts.facility import Ended, WatchedFacility
from api.alerts.flapping import CALM
from api.alerts.kinds import Look
from api.alerts.kinds.facility_failed import facility_failed
from api.alerts.outcome import Outcome
from siaga.model.clock import HOUR
from siaga.model.intervals import Interval
from siaga.timeline.judge import Span
from siaga.timeline.span_algebra import failed_run

__all__ = ["dated_anew", "follow_spans", "redated"]

_FOLLOWS_FOR = HOUR
"""ms after its end for which an alert follows readings that come late into memory."""


def follow_spans(facility: WatchedFacility, now: int, out: Outcome) -> None:
    """The spans of a facility have just changed in memory: correct the alert that it had last."""
    last = facility.last_failure
    if last is None:
        return
    if now - last.ended_at > _FOLLOWS_FOR:
        facility.know_last_failure(None)
        return
    spans = [span for span in facility.spans if span.end > last.alert.began_at]
    times = dated_anew(facility, last, spans, now) if spans else None
    if times is not None:
        out.changes.redated(last.alert, times, now)
        facility.redate(last.alert.id, times)


def dated_anew(facility: WatchedFacility, ended: Ended, spans: Sequence[Span], now: int) -> Interval | None:
    """Returns when an alert that has cleared began and was over, by the spans from its start on; `None`: as it says."""
    alert, held_to = ended.alert, facility.terms
    recovery = max(held_to.recovery, CALM) if alert.flapping else held_to.recovery
    told = (alert.began_at, ended.ended_at)
    times = redated(spans, told, now, grace=held_to.grace, recovery=recovery)
    return None if times == told else times


def redated(spans: Sequence[Span], told: Interval, now: int, *, grace: int, recovery: int) -> Interval:
    """Returns when an alert began and was over, never later than was `told`. `spans`: those from its start on."""
    began, ended = told
    run = failed_run(spans, began)
    decision = facility_failed(spans, Look(now, lambda _: Knows(), began), grace=grace, recovery=recovery)
    return (
        min(began, run.start) if run is not None else began,
        min(ended, decision.ended_at) if isinstance(decision, Clear) else ended,
    )
