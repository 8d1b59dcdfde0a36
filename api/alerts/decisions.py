"""What is decided about an alert, as pure functions that answer with a named reason.

Each takes what is known of one subject and the time, and answers `Raise`, `Clear`, `Amend` or `Hold`. `now` is wall
time; what it is compared with is event time for facilities and devices, and wall time for a village's link. A `Hold`
names the instant at which time alone will change the answer, if there is one (`until`), so that nobody has to scan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.alerts.documents import rfc3339
from api.alerts.rolling import Trend
from api.alerts.spans import at, failed_run
from siaga.model.clock import MINUTE
from siaga.timeline.facility_state import DEVICE_SILENT, NO_EVIDENCE
from siaga.timeline.judge import Span, State

__all__ = [
    "BUFFER_FULL",
    "SEVERITIES",
    "SILENT_MARGIN",
    "Amend",
    "Buffer",
    "CameInstead",
    "Clear",
    "ClockSaid",
    "Decision",
    "Hold",
    "Kind",
    "Link",
    "Quiet",
    "Raise",
    "clock_skew",
    "device_silent",
    "facility_failed",
    "gateway_buffer",
    "indicator_missed",
    "no_evidence",
    "village_offline",
]

SILENT_MARGIN = 10 * MINUTE
"""What a device is given beyond three of its intervals before it is called silent (contract, section 5)."""
BUFFER_FULL = 0.8
"""A gateway's buffer that is fuller is told of (contract, section 5)."""


class Kind(StrEnum):
    """The kinds of alerts."""

    FACILITY_FAILED = "facility_failed"
    INDICATOR_MISSED = "indicator_missed"
    DEVICE_SILENT = "device_silent"
    NO_EVIDENCE = "no_evidence"
    VILLAGE_OFFLINE = "village_offline"
    GATEWAY_BUFFER = "gateway_buffer"
    CLOCK_SKEW = "clock_skew"


SEVERITIES: Mapping[Kind, str] = {
    Kind.FACILITY_FAILED: "major",
    Kind.INDICATOR_MISSED: "critical",
    Kind.DEVICE_SILENT: "minor",
    Kind.NO_EVIDENCE: "minor",
    Kind.VILLAGE_OFFLINE: "major",
    Kind.GATEWAY_BUFFER: "warning",
    Kind.CLOCK_SKEW: "warning",
}


@dataclass(frozen=True, slots=True)
class Raise:
    """Open an alert. `began_at`: when it started; `evidence`: what it was decided on, as JSON."""

    reason: str
    began_at: int
    cause: str | None
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Clear:
    """Close the open alert: it was over at `ended_at`."""

    reason: str
    ended_at: int


@dataclass(frozen=True, slots=True)
class Amend:
    """The open alert stays, but late data showed that it had begun before it was thought to have."""

    reason: str
    began_at: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave things as they are. `until`: when time alone will change that."""

    reason: str
    until: int | None = None


Decision = Raise | Clear | Amend | Hold


def facility_failed(
    spans: Sequence[Span],
    now: int,
    *,
    grace: int,
    recovery: int,
    open_since: int | None,
    muted: str | None = None,
    back_since: int | None = None,
    sure_from: int = 0,
) -> Decision:
    """Decide on a facility from its spans.

    Args:
        spans: its spans, at least from the start of the run that holds `now`; with an alert open that late data may
            have changed, from where that began.
        now: wall time, at which the state is looked at.
        grace: how long it may fail, ms; strictly longer raises.
        recovery: how long it must be met again to clear, ms.
        open_since: where the open alert began, `None` if there is none.
        muted: why nothing may be raised now (`village_offline`, `catching_up`).
        back_since: while more of what was is on its way: since when the village is back. What rests on a device's
            silence waits for it, and what began before, as it may be over.
        sure_from: before this the spans are not yet what the evidence says; a failure is counted from here at most.
    """
    if open_since is not None:
        return _open_facility(spans, now, recovery, open_since)
    run = failed_run(spans, now)
    if run is None:
        return Hold(_why_not(at(spans, now)))
    if muted is None and back_since is not None and (run.cause == DEVICE_SILENT or run.start < back_since):
        muted = "catching_up"
    if muted is not None:
        return Hold(muted)
    began = max(run.start, sure_from)
    due = began + grace + 1  # longer than grace, strictly
    if now < due:
        return Hold("in_grace", due)
    return Raise("failed_longer_than_grace", began, run.cause, {"state": "failed", "failed_s": (now - began) / 1000})


def _open_facility(spans: Sequence[Span], now: int, recovery: int, began: int) -> Decision:
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


def indicator_missed(
    trend: Trend,
    now: int,
    *,
    evidence: Mapping[str, object],
    open_since: int | None,
    muted: str | None = None,
    steady: int = 0,
) -> Decision:
    """Decide on the availability of the last 24 hours; `steady`: how long it has to be back before that counts, ms."""
    if open_since is not None:
        if trend.below:
            return Amend("began_earlier", trend.since) if trend.since < open_since else Hold("below", trend.until)
        back = max(trend.since, open_since)
        if now < back + steady:
            return Hold("recovering", back + steady if trend.until is None else min(back + steady, trend.until))
        return Clear("target_met_again", back)
    if not trend.below:
        return Hold("on_target", trend.until)
    return Hold(muted) if muted is not None else Raise("below_target", trend.since, None, evidence)


def _why_not(span: Span | None) -> str:
    if span is None:
        return "not_judged"
    return "excused" if span.state is State.FAILED else str(span.state)


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is known of a device's silence. Event times in ms.

    `reported`: its last reading (`None`: never); `watched`: from when it is expected to report; `heard_from`: the
    start of the stretch around now in which its gateway is heard (`None`: it is not heard now); `heard_before`:
    whether it is known to have been heard before that stretch, too; `heard_next`: a heartbeat whose time is yet to
    come, as the gateway's clock is ahead.
    """

    reported: int | None
    watched: int
    heard_from: int | None
    every: int
    heard_before: bool = False
    heard_next: int | None = None

    @property
    def allowed(self) -> int:
        """How long it may be silent, ms."""
        return 3 * self.every + SILENT_MARGIN


def device_silent(
    quiet: Quiet,
    now: int,
    *,
    open_since: int | None,
    spoke_at: int | None = None,
    muted: str | None = None,
    steady: int = 0,
) -> Decision:
    """Decide on a device's silence.

    `spoke_at` is its first reading after the open alert began; `steady`: how long it has to have reported before that
    counts, ms. After a gap in which the gateway, heard before, was not heard the device gets three intervals of heard
    time to report again, so a village without mains does not make twenty silent devices.
    """
    if open_since is not None:
        return _open_silence(quiet, now, open_since, spoke_at, steady)
    if quiet.heard_from is None:
        return Hold("gateway_not_heard", quiet.heard_next)
    began = quiet.watched if quiet.reported is None else quiet.reported
    due = began + quiet.allowed
    if quiet.heard_before:
        due = max(due, quiet.heard_from + 3 * quiet.every)
    if now < due:
        return Hold("reports", due)
    if muted is not None:
        return Hold(muted)
    reason = "never_reported" if quiet.reported is None else "stopped_reporting"
    return Raise(reason, began, DEVICE_SILENT, {"last_seen": rfc3339(quiet.reported), "every_s": quiet.every / 1000})


def _open_silence(quiet: Quiet, now: int, open_since: int, spoke_at: int | None, steady: int) -> Clear | Hold:
    reported = quiet.reported
    if reported is None or reported <= open_since or now - reported >= quiet.allowed:
        return Hold("still_silent")
    spoke = spoke_at if spoke_at is not None else reported
    if now < spoke + steady:
        return Hold("recovering", min(spoke + steady, reported + quiet.allowed))
    return Clear("reported", spoke)


def no_evidence(
    given: Quiet,
    reported: int | None,
    now: int,
    *,
    open_since: int | None,
    gave_at: int | None = None,
    first_within: int = 0,
    muted: str | None = None,
    steady: int = 0,
) -> Decision:
    """Decide on a device that reports, and gives nothing that its facility is judged by.

    Args:
        given: as of its silence, but `reported` is when it last gave evidence, and `watched` from when it might have.
        reported: when it last reported anything.
        now: wall time.
        open_since: where the open alert began, `None` if there is none.
        gave_at: its first evidence after the open alert began.
        first_within: how long its very first evidence may take, ms: nobody presses a button when it was installed.
        muted: why nothing may be raised now.
        steady: how long it has to have given evidence before that counts, ms.
    """
    if open_since is not None:
        return _open_silence(given, now, open_since, gave_at, steady)
    if given.heard_from is None:
        return Hold("gateway_not_heard", given.heard_next)
    began = given.watched if given.reported is None else given.reported
    due = began + max(given.allowed, first_within if given.reported is None else 0)
    if given.heard_before:
        due = max(due, given.heard_from + 3 * given.every)
    if now < due:
        return Hold("may_give_evidence", due)
    if reported is None or reported <= began or now - reported >= 3 * given.every:
        return Hold("not_heard")  # that is another alert
    reason = "never_gave_evidence" if given.reported is None else "gives_evidence_no_more"
    last = {"last_evidence": rfc3339(given.reported), "every_s": given.every / 1000}
    return Hold(muted) if muted is not None else Raise(reason, began, NO_EVIDENCE, last)


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of a village's link; wall times in ms.

    `quiet_for`: how long nothing has arrived while the centre itself was listening (`None`: it is not listening now);
    `last_arrival`: when something last arrived (`None`: never); `listening_since`: when the centre began to listen;
    `arrived`: whether something arrived since the open alert was raised, which a jump of the clock does not hide.
    """

    quiet_for: int | None
    last_arrival: int | None
    listening_since: int
    arrived: bool = False


def village_offline(link: Link, now: int, *, offline_after: int, open_since: int | None) -> Decision:
    """Decide on a village's link. The centre's own absence never counts against a village."""
    if open_since is not None:
        if link.arrived and link.last_arrival is not None:
            return Clear("arrived", max(link.last_arrival, open_since))
        return Hold("still_offline")
    if link.quiet_for is None:
        return Hold("not_listening")
    if link.quiet_for < offline_after:
        return Hold("arriving", now + offline_after - link.quiet_for)
    began = link.listening_since if link.last_arrival is None else link.last_arrival
    reason = "never_heard" if link.last_arrival is None else "nothing_arrived"
    evidence = {"last_arrival": rfc3339(link.last_arrival), "quiet_s": link.quiet_for / 1000}
    return Raise(reason, began, None, evidence)


@dataclass(frozen=True, slots=True)
class Buffer:
    """What a gateway said of its buffer: how full it is (0 to 1; `None`: nothing yet), and since when, in wall time,
    it has been on this side of full. `thinned`: readings given up for want of room."""

    fill: float | None
    since: int
    thinned: int = 0


def gateway_buffer(
    buffer: Buffer, now: int, *, open_since: int | None, muted: str | None = None, steady: int = 0
) -> Decision:
    """Decide on a gateway's buffer; `steady`: how long it has to have room before that counts, ms."""
    if buffer.fill is None:
        return Hold("not_said")
    full = buffer.fill > BUFFER_FULL
    if open_since is None:
        if not full:
            return Hold("has_room")
        evidence = {"buffer": buffer.fill, "thinned": buffer.thinned}
        return Hold(muted) if muted is not None else Raise("nearly_full", buffer.since, None, evidence)
    if full:
        return Hold("still_full")
    return _over("has_room", max(buffer.since, open_since), now, steady)


@dataclass(frozen=True, slots=True)
class CameInstead:
    """What a gateway said came of a device instead of something of use, and the error that it or a decoder met."""

    what: str
    error: str | None


@dataclass(frozen=True, slots=True)
class ClockSaid:
    """What a gateway said of a device's clock: by how much it is off, ms (`None`: it is trusted), and since when."""

    offset: int | None
    since: int


def clock_skew(
    clock: ClockSaid | None, now: int, *, open_since: int | None, muted: str | None = None, steady: int = 0
) -> Decision:
    """Decide on a device's clock; `steady`: how long it has to be right before that counts, ms."""
    if clock is None:
        return Hold("not_said")
    if open_since is None:
        if clock.offset is None:
            return Hold("trusted")
        evidence = {"offset_s": clock.offset / 1000}
        return Hold(muted) if muted is not None else Raise("not_trusted", min(clock.since, now), None, evidence)
    if clock.offset is not None:
        return Hold("still_not_trusted")
    return _over("trusted", max(clock.since, open_since), now, steady)


def _over(reason: str, since: int, now: int, steady: int) -> Decision:
    return Hold("recovering", since + steady) if now < since + steady else Clear(reason, since)
