"""`no_evidence`: it reports, but for 3 × `every` + 10 m nothing that its facility is judged by."""

from collections.abc import Mapping
from dataclasses import replace

from api.alerts.causes import came_instead
from api.alerts.certainty import Rests, Sure
from api.alerts.decision import Decision, Hold, Raise
from api.alerts.device import WatchedDevice
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.kinds.quiet import Quiet, is_back, quiet_for, waits
from siaga.model.alert_kinds import Kind
from siaga.model.sites import INTERVALS
from siaga.model.times import rfc3339
from siaga.timeline.facility_state import NO_EVIDENCE

__all__ = ["NoEvidence", "no_evidence"]


class NoEvidence(AlertKind[WatchedDevice]):
    """A device reports, but its facility cannot be judged by what it says."""

    kind = Kind.NO_EVIDENCE
    rests = Rests.SILENCE

    def decide(self, look: Look[WatchedDevice]) -> Decision:
        """Decide by when it last gave evidence, and when it last reported anything."""
        recent, subject = look.village.recent, look.subject
        name = subject.device.id
        if look.alert is None and not recent.is_judged_by(name):
            return Hold("not_judged_by_it")
        first = recent.first_reported(name)
        if look.alert is None and first is None:
            return Hold("never_heard")  # `online` alone is no report
        decision = no_evidence(
            quiet_for(look, recent.gave.get(name), max(subject.watched, first or 0)),
            recent.reported.get(name),
            look.now,
            open_since=look.open_since,
            gave_at=subject.came_since(self.kind),
            first_within=recent.first_event_within(name),
            sure=look.sure,
            steady=look.steady,
        )
        if isinstance(decision, Raise):
            return replace(decision, evidence=dict(decision.evidence) | came_instead(look.village, name))
        return decision

    def told_more(self, look: Look[WatchedDevice]) -> Mapping[str, object]:
        """Returns what came instead, as far as it is known by now."""
        return came_instead(look.village, look.subject.device.id)


def no_evidence(
    given: Quiet,
    reported: int | None,
    now: int,
    *,
    open_since: int | None,
    gave_at: int | None = None,
    first_within: int = 0,
    sure: Sure,
    steady: int = 0,
) -> Decision:
    """Decide on a device that reports, but nothing that its facility is judged by.

    Args:
        given: since when it has given no evidence.
        reported: when it last reported anything.
        now: wall time.
        open_since: where the open alert began, `None` if there is none.
        gave_at: since when it gives evidence again.
        first_within: how long its very first evidence may take, ms. Nobody presses a new button at once.
        sure: whether it can be said.
        steady: for how long it has to give evidence before the alert clears, ms.
    """
    if open_since is not None:
        return is_back(given, now, open_since, gave_at, steady)
    due = given.began + max(given.allowed, first_within if given.last is None else 0)
    held = waits(given, now, due, "may_give_evidence", sure)
    if held is not None and held.reason in ("gateway_not_heard", "may_give_evidence"):
        return held
    if reported is None or reported <= given.began or now - reported >= INTERVALS * given.every:
        return Hold("not_heard")  # that is another alert
    if held is not None:
        return held
    reason = "never_gave_evidence" if given.last is None else "gives_evidence_no_more"
    last = {"last_evidence": rfc3339(given.last), "every_s": given.every / 1000}
    return Raise(reason, given.began, NO_EVIDENCE, last)
