"""Compares alerts: which were due and how late they came, which were missed, and which were false."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from siaga.verify.answers import RaisedAlert
from siaga.verify.complaints import DOUBTED_WITHIN, doubted, may_be_doubted
from siaga.verify.coverage import EVENT_LASTS, Stretch, merged
from siaga.verify.known_truth import KnownFacility, KnownTruth, Report
from siaga.verify.timelines import failures

__all__ = ["AlertFigures", "Due", "compare_alerts"]

MINUTE, DAY = 60_000, 86_400_000
MARGIN = 5_000
"""A failure must raise an alert only if it is longer than its grace by this margin, ms."""
HEARTBEAT = 35_000
"""A gateway's heartbeat interval with transit, ms."""
SENSOR_DOUBTED = "sensor_doubted"
CUTS = frozenset({"link_cut", "gateway_kill", "sd_card_lost", "broker_restart", "mains_cut", "not_installed"})
"""Faults during which nothing arrives from a played gateway."""


@dataclass(frozen=True, slots=True)
class Due:
    """An alert that was due. `began`: when the failure began, ms. `due`: when the alert was due, ms."""

    kind: str
    subject: str
    began: int
    due: int


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """The comparison of alerts.

    `delays`: from due to raised, in seconds; of a past that was sent only those of alerts about citizens' complaints.
    """

    due: int
    raised: int
    missed: tuple[Due, ...]
    false: tuple[RaisedAlert, ...]
    delays: tuple[float, ...]

    @property
    def agrees(self) -> bool:
        """Whether no alert was missed or false."""
        return not self.missed and not self.false

    def delay(self, share: float) -> float | None:
        """Returns the delay at a quantile, in seconds; `None` without delays."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def compare_alerts(truth: KnownTruth, alerts: Mapping[str, Sequence[RaisedAlert]]) -> AlertFigures:
    """Returns the comparison of the alerts raised since the run began. `alerts`: all, by village."""
    raised = [alert for some in alerts.values() for alert in some if alert.raised_at >= truth.sent_from]
    due = list(_due(truth))
    missed, delays = [], []
    for one in due:
        mine = [a for a in raised if (a.kind, a.subject) == (one.kind, one.subject) and _about(truth, a, one)]
        if not mine:
            missed.append(one)
        elif one.kind == SENSOR_DOUBTED:
            delays.append(max(0, min(a.raised_at for a in mine) - one.due) / 1000)
        elif truth.live and one.kind == "facility_failed":
            since = [a.raised_at for a in mine if a.raised_at >= one.began]  # without one that was already open
            delays += [max(0, min(since) - one.due) / 1000] if since else []
    allowed = _Allowed(truth)
    false = [
        alert
        for alert in raised
        if (alert.began_at < truth.end or alert.kind == SENSOR_DOUBTED) and not allowed.may_be(alert)
    ]
    return AlertFigures(len(due), len(raised), tuple(missed), tuple(false), tuple(delays))


def _about(truth: KnownTruth, alert: RaisedAlert, due: Due) -> bool:
    """Returns whether an alert may be about this failure: it did not end before the failure began.

    One about citizens' complaints must be there soon after the last of them, which is when they were answered at most.
    """
    if due.kind == SENSOR_DOUBTED:
        return alert.raised_at <= due.due + DOUBTED_WITHIN * truth.speed
    return alert.ended_at is None or alert.ended_at >= due.began


def _margin(truth: KnownTruth, facility: KnownFacility) -> int:
    return max(facility.devices.values(), default=0) + max(MARGIN, 2 * truth.slack)


def _due(truth: KnownTruth) -> Iterator[Due]:
    for one in doubted(truth):
        yield Due(SENSOR_DOUBTED, one.facility, one.began, one.due)
    for facility in truth.facilities:
        runs = failures(truth, facility, surely=True)
        for start, end in runs:
            if _must(truth, facility, start, end):
                yield Due("facility_failed", facility.name, start, start + facility.grace)
        lasted = sum(max(0, min(end, truth.end) - max(start, truth.end - DAY)) for start, end in runs)
        surely = (1 - facility.target) * DAY * 1.1 + _margin(truth, facility)
        if _sinks_while_told(truth, facility, runs) and lasted > surely:
            yield Due("indicator_missed", facility.name, truth.end - DAY, truth.end)
    if truth.live:
        for code, stretches in _cut_off(truth).items():
            for start, end in stretches:
                after = truth.villages[code].offline_after
                if min(end, truth.end) - start > after + _last_heard(truth, code):
                    yield Due("village_offline", code, start, start + after)


def _last_heard(truth: KnownTruth, village: str) -> int:
    """Returns the longest possible time from a village's last message, a heartbeat or a report, to its cut."""
    every = min((e for f in truth.facilities if f.village == village for e in f.devices.values()), default=HEARTBEAT)
    return min(HEARTBEAT, every + MARGIN)


def _sinks_while_told(truth: KnownTruth, facility: KnownFacility, runs: Sequence[Stretch]) -> bool:
    """Returns whether siaga learnt of the failures while they lasted. Failures that are over page nobody."""
    still = bool(runs) and runs[-1][1] >= truth.end and _goes_on(truth, facility)
    return still or (truth.live and facility.village not in _cut_off(truth))


def _goes_on(truth: KnownTruth, facility: KnownFacility) -> bool:
    """Returns whether a fault of a facility lasts beyond the end of the run."""
    mine = (f for f in truth.faults if f.village == facility.village and f.facility in (None, facility.id))
    return any(fault.end > truth.end for fault in mine)


def _must(truth: KnownTruth, facility: KnownFacility, start: int, end: int) -> bool:
    """Returns whether this failure must raise an alert: it is long enough, and was reported while it lasted."""
    if end - start <= facility.grace + _margin(truth, facility):
        return False
    if not truth.live and (end < truth.end or not _goes_on(truth, facility)):
        return False  # it was over before siaga learnt of it, so nobody is paged
    away = [(a, b + MINUTE) for a, b in _cut_off(truth).get(facility.village, ())]
    return not any(a < end and start < b for a, b in away) or not truth.live


def _cut_off(truth: KnownTruth) -> dict[str, list[Stretch]]:
    """Returns when nothing arrived from played gateways, or late, by village."""
    found: dict[str, list[Stretch]] = {}
    for fault in truth.faults:
        if fault.kind in CUTS and truth.villages[fault.village].played and fault.facility is fault.device is None:
            found.setdefault(fault.village, []).append((fault.start, fault.end))
    return {code: merged(some) for code, some in found.items()}


class _Allowed:
    """Decides which alerts are allowed, though not due."""

    def __init__(self, truth: KnownTruth) -> None:
        self._truth = truth
        self._facilities = {facility.name: facility for facility in truth.facilities}
        self._every = {(f.village, device): every for f in truth.facilities for device, every in f.devices.items()}
        self._cuts = _cut_off(truth)

    def may_be(self, alert: RaisedAlert) -> bool:
        match alert.kind:
            case "facility_failed" | "indicator_missed":
                return self._facility(alert)
            case "village_offline":
                after = self._truth.villages[alert.village].offline_after
                before = _last_heard(self._truth, alert.village)
                if alert.began_at <= self._first_heard(alert.village) + before:
                    return True  # the village did not exist before the run
                stretches = self._cuts.get(alert.village, ())
                return any(
                    end - start > after - before and start - before <= alert.began_at < end + before
                    for start, end in stretches
                )
            case "device_silent" | "no_evidence":
                return self._nothing_came(alert)
            case "clock_skew":
                code, _, device = alert.subject.partition("/")
                return any(not report.timed for report in self._truth.reports.get((code, device), ()))
        return alert.kind == SENSOR_DOUBTED and may_be_doubted(self._truth, alert.subject)

    def _facility(self, alert: RaisedAlert) -> bool:
        facility = self._facilities.get(alert.subject)
        if facility is None:
            return False
        margin = _margin(self._truth, facility)
        runs = failures(self._truth, facility, surely=False)
        if alert.kind == "indicator_missed":
            return any(end > alert.raised_at - DAY - margin for _, end in runs)
        if not self._truth.live:  # a failure that was over when it was sent pages nobody
            runs = [(start, end) for start, end in runs if end >= self._truth.end]
        return any(
            end - start > facility.grace - margin and start - margin <= alert.began_at <= end + margin
            for start, end in runs
        )

    def _first_heard(self, code: str) -> int:
        reports = (some[0].time for (village, _), some in self._truth.reports.items() if village == code and some)
        return min(reports, default=self._truth.end)

    def _gives_evidence(self, alert: RaisedAlert) -> Callable[[Report], bool]:
        """Returns a function that tells whether a report of the alert's device gives evidence.

        After the device's first event, every report does.
        """
        code, _, device = alert.subject.partition("/")
        evidence = {s for f in self._truth.facilities if f.village == code and device in f.devices for s in f.evidence}
        said = self._truth.reports.get((code, device), ())
        event = min((r.time for r in said if r.values.keys() & EVENT_LASTS.keys()), default=self._truth.end)
        return lambda report: report.time >= event or bool(report.values.keys() & evidence)

    def _nothing_came(self, alert: RaisedAlert) -> bool:
        """Returns whether the device was without a report (or without evidence) for longer than allowed."""
        code, _, device = alert.subject.partition("/")
        every = self._every.get((code, device), MINUTE)
        said = self._truth.reports.get((code, device), ())
        of_use = self._gives_evidence(alert)
        times = [r.time for r in said if r.acknowledged and (alert.kind == "device_silent" or of_use(r))]
        times = [self._truth.start, *times, max(self._truth.end, *times, self._truth.start)]
        limit = 3 * every + 10 * MINUTE - _SLACK
        gaps = ((a, b) for a, b in pairwise(times) if b - a > limit)
        return any(a - every <= alert.began_at <= b + every for a, b in gaps)


_SLACK = 2 * MINUTE
