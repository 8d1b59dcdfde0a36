"""`facility_failed`: failed and not excused for longer than `grace`; cleared after `met` for `recovery`."""

from collections.abc import Mapping, Sequence

from api.alerts.certainty import Claim, Rests, Waits
from api.alerts.decision import Amend, Clear, Decision, Hold, Raise
from api.alerts.facility import WatchedFacility
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.model.observation import Track
from siaga.model.signals import Value
from siaga.model.times import rfc3339
from siaga.timeline.facility_state import DEVICE_SILENT, NO_EVIDENCE
from siaga.timeline.judge import Span, State
from siaga.timeline.span_algebra import at, failed_run

__all__ = ["FacilityFailed", "facility_failed"]

_PROMPT = MINUTE
_DEVICES = 10
"""Devices that are named at most."""


class FacilityFailed(AlertKind[WatchedFacility]):
    """A facility does not meet its indicator."""

    kind = Kind.FACILITY_FAILED
    rests = Rests.STATE

    def decide(self, _village: VillageState, subject: WatchedFacility, look: Look) -> Decision:
        """Decide by its spans in memory or, after history changed, by those given."""
        spans = subject.spans if look.spans is None else look.spans
        return facility_failed(spans, look, grace=subject.terms.grace, recovery=subject.terms.recovery)

    def evidence(
        self, village: VillageState, subject: WatchedFacility, raised: Raise | None, now: int
    ) -> Mapping[str, object]:
        """Returns what its devices last said of the signal that decided, or when they last reported; and the mains."""
        if raised is None:
            return {}
        recent, cause = village.recent, raised.cause
        found: dict[str, object] = {}
        devices = [device.id for device in subject.facility.devices][:_DEVICES]
        if cause == NO_EVIDENCE:
            found["last_evidence"] = {device: rfc3339(recent.gave.get(device)) for device in devices}
        elif cause == DEVICE_SILENT:
            found["last_seen"] = {device: rfc3339(recent.reported.get(device)) for device in devices}
        elif cause is not None:
            tracks = {device: track for device in devices if (track := recent.tracks.get((device, cause))) is not None}
            found["signals"] = {f"{device}/{cause}": _said(track, now) for device, track in tracks.items()}
        return found | village.mains(now)

    def is_prompt(self, subject: WatchedFacility) -> bool:
        """Returns whether its grace is under a minute."""
        return subject.terms.grace < _PROMPT


def facility_failed(spans: Sequence[Span], look: Look, *, grace: int, recovery: int) -> Decision:
    """Decide on a facility from its spans.

    Args:
        spans: its spans, at least from the start of the run that holds the moment. If late data may have changed an
            open alert, from where that began.
        look: the moment, and the open alert. What depends on a device's silence, or began before its gateway came
            back, may be over.
        grace: how long it may fail, ms; strictly longer raises.
        recovery: how long it must be met again to clear, ms.
    """
    now = look.now
    if look.open_since is not None:
        return _open(spans, now, max(recovery, look.steady), look.open_since)
    run = failed_run(spans, now)
    if run is None:
        return Hold(_why_not(at(spans, now)))
    known = look.sure(Claim(Rests.SILENCE if run.cause == DEVICE_SILENT else Rests.STATE, run.start))
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


def _said(track: Track, now: int) -> dict[str, Value | str | None]:
    last = track.at(now)
    return {"value": None, "time": None} if last is None else {"value": last[1], "time": rfc3339(last[0])}
