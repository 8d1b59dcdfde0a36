"""`facility_failed`: failed and not excused for longer than `grace`; cleared after `met` for `recovery`."""

from collections.abc import Sequence
from dataclasses import replace

from api.alerts.causes import facility_evidence
from api.alerts.certainty import Claim, Rests, Sure, Waits
from api.alerts.decision import Amend, Clear, Decision, Hold, Raise
from api.alerts.facility import WatchedFacility
from api.alerts.kinds.kind import AlertKind, Look
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.timeline.facility_state import DEVICE_SILENT
from siaga.timeline.judge import Span, State
from siaga.timeline.span_algebra import at, failed_run

__all__ = ["FacilityFailed", "facility_failed"]

_PROMPT = MINUTE


class FacilityFailed(AlertKind[WatchedFacility]):
    """A facility does not meet its indicator."""

    kind = Kind.FACILITY_FAILED
    rests = Rests.STATE

    def decide(self, look: Look[WatchedFacility]) -> Decision:
        """Decide by its spans in memory or, after history changed, by those given."""
        subject, held_to = look.subject, look.subject.terms
        decision = facility_failed(
            subject.spans if look.spans is None else look.spans,
            look.now,
            grace=held_to.grace,
            recovery=max(held_to.recovery, look.steady),
            open_since=look.open_since,
            sure=look.sure,
        )
        if isinstance(decision, Raise):
            said = facility_evidence(look.village, subject.facility, decision.cause, look.now)
            return replace(decision, evidence=dict(decision.evidence) | said)
        return decision

    def looks_again(self, look: Look[WatchedFacility]) -> int:
        """Returns when its state may change by itself."""
        subject = look.subject
        return min(look.village.recent.changes_after(subject.facility, look.now), subject.plan_until)

    def is_prompt(self, subject: WatchedFacility) -> bool:
        """Returns whether its grace is under a minute."""
        return subject.terms.grace < _PROMPT


def facility_failed(
    spans: Sequence[Span], now: int, *, grace: int, recovery: int, open_since: int | None, sure: Sure
) -> Decision:
    """Decide on a facility from its spans.

    Args:
        spans: its spans, at least from the start of the run that holds `now`. If late data may have changed an open
            alert, from where that began.
        now: wall time, at which the state is looked at.
        grace: how long it may fail, ms; strictly longer raises.
        recovery: how long it must be met again to clear, ms.
        open_since: where the open alert began, `None` if there is none.
        sure: whether it can be said. What depends on a device's silence, or began before its gateway came back, may
            be over.
    """
    if open_since is not None:
        return _open(spans, now, recovery, open_since)
    run = failed_run(spans, now)
    if run is None:
        return Hold(_why_not(at(spans, now)))
    known = sure(Claim(Rests.SILENCE if run.cause == DEVICE_SILENT else Rests.STATE, run.start))
    if isinstance(known, Waits):
        return known
    began = max(run.start, known.since)
    due = began + grace + 1  # longer than grace, strictly
    if now < due:
        return Hold("in_grace", due)
    return Raise("failed_longer_than_grace", began, run.cause, {"state": "failed", "failed_s": (now - began) / 1000})


def _open(spans: Sequence[Span], now: int, recovery: int, began: int) -> Decision:
    for span in spans:
        if span.state is State.MET and span.end > began and span.start <= now and min(span.end, now) > began:
            met_from = max(span.start, began)
            if min(span.end, now) - met_from >= recovery:
                return Clear("met_for_recovery", met_from)
    run = failed_run(spans, now)
    if run is not None:
        return Amend("began_earlier", run.start) if run.start < began else Hold("still_failed")
    current = at(spans, now)
    if current is not None and current.state is State.MET:
        return Hold("recovering", max(current.start, began) + recovery)
    return Hold(_why_not(current))


def _why_not(span: Span | None) -> str:
    if span is None:
        return "not_judged"
    return "excused" if span.state is State.FAILED else str(span.state)
