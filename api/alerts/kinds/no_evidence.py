"""`no_evidence`: it reports, but for 3 × `every` + 10 m nothing that its facility is judged by."""

from collections.abc import Mapping

from api.alerts.certainty import Rests, Waits
from api.alerts.decision import Decision, Hold, Raise
from api.alerts.device import WatchedDevice
from api.alerts.kinds.device_silent import Quiet, is_back, quiet_for, waits
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.sites import INTERVALS
from siaga.model.times import rfc3339
from siaga.timeline.facility_state import NO_EVIDENCE

__all__ = ["NoEvidence", "no_evidence"]

_SIGNALS = 10
"""Signals that are shown at most."""


class NoEvidence(AlertKind[WatchedDevice]):
    """A device reports, but its facility cannot be judged by what it says."""

    kind = Kind.NO_EVIDENCE
    rests = Rests.SILENCE

    def decide(self, village: VillageState, subject: WatchedDevice, look: Look) -> Decision:
        """Decide by when it last gave evidence, and when it last reported anything."""
        recent, name = village.recent, subject.device.id
        if look.open_since is None and not recent.is_judged_by(name):
            return Hold("not_judged_by_it")
        gave = recent.gave.get(name)
        if look.open_since is None and gave is not None and look.now < gave + subject.allowed:
            return Hold("may_give_evidence", gave + subject.allowed)  # nearly always
        first = recent.first_reported(name)
        if look.open_since is None and first is None:
            return Hold("never_heard")  # `online` alone is no report
        watched = max(subject.watched, first or 0)
        given = quiet_for(village, subject, self.kind, gave, watched, look.now)
        return no_evidence(given, recent.reported.get(name), look, first_within=recent.first_event_within(name))

    def evidence(
        self, village: VillageState, subject: WatchedDevice, _raised: Raise | None, _now: int
    ) -> Mapping[str, object]:
        """Returns what came instead: the other signals that it reported, and what its gateways say of it by now."""
        found: dict[str, object] = {"signals": village.recent.besides(subject.device.id)[:_SIGNALS]}
        for gateway in village.gateways.values():
            said = gateway.health.heard.get(subject.device.id)
            if said is not None:
                found |= {"came_instead": said.what, "error": said.error}
        return found


def no_evidence(given: Quiet, reported: int | None, look: Look, *, first_within: int = 0) -> Decision:
    """Decide on a device that reports, but nothing that its facility is judged by.

    Args:
        given: since when it has given no evidence.
        reported: when it last reported anything.
        look: the moment, and the open alert.
        first_within: how long its very first evidence may take, ms. Nobody presses a new button at once.
    """
    if look.open_since is not None:
        return is_back(given, look, look.open_since)
    due = given.due if given.last is not None else max(given.due, given.began + first_within)
    held = waits(given, look, due, "may_give_evidence")
    if held is not None and not isinstance(held, Waits):
        return held
    if reported is None or reported <= given.began or look.now - reported >= INTERVALS * given.every:
        return Hold("not_heard")  # that is another alert
    if held is not None:
        return held
    reason = "never_gave_evidence" if given.last is None else "gives_evidence_no_more"
    last = {"last_evidence": rfc3339(given.last), "every_s": given.every / 1000}
    return Raise(reason, given.began, NO_EVIDENCE, last)
