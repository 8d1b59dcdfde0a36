"""What a run is held to while things break: an alert that is raised is one that the evidence of that moment bears out.

And no subject has two, nor has a village with an open `village_offline` another one raised. What a run is held to when
all is well again is in `tests.simulation.healed`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Row, select

from api.alert_records.documents import still_lost
from api.alerts.outages import TOGETHER
from siaga.database import tables
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.indicators import terms
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Evidence, PlannedWork, State, gateway_heard, judge, judged_from
from siaga.timeline.rolling import WINDOW, trend
from siaga.wire.topics import GatewayTopic, parse_topic
from tests.simulation.faults import FREEZES, JUMP
from tests.simulation.known import Knowledge
from tests.simulation.system import Key, System
from tests.simulation.versions import Version
from tests.timeline.brute_force import EVENT_HOLDS
from tests.timeline.scenarios import SIGNALS_OF_KIND

__all__ = ["SILENT_MARGIN", "Checks", "last_report"]

SILENT_MARGIN = 10 * MINUTE
OFTEN = 4
"""An alert that was raised so many times is held open for a while: it flaps."""
CATCHES_UP = 6 * SECOND
"""A second longer than the engine waits for more of what a gateway had kept."""
CLOCKS = 1 * SECOND
"""How far apart the centre's wall clock and its monotonic one may put a moment."""
BORNE_OUT = ("device_silent", "no_evidence", "facility_failed", "indicator_missed")
"""Alerts that follow from what devices said."""
DEAF = (5 * SECOND, 10 * SECOND, 30 * SECOND, 100 * SECOND, 400 * SECOND)
"""How old the newest may be that an engine knows which has lost its broker."""
AT_ONCE = 2 * SECOND
REACH = 9 * HOUR
"""Longer than any observation bears on a state: a cleaning does for eight hours."""

Alert = Row[tuple[object, ...]]


@dataclass
class Checks:
    """Follows a run."""

    system: System
    last_event: int = 0
    open: dict[tuple[str, str], str] = field(default_factory=dict)
    arrived: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """When (true time) the engine took something from a village."""
    failures: list[str] = field(default_factory=list)
    raised: int = 0
    raises: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    knowledge: Knowledge = field(init=False)
    lost: dict[str, set[str]] = field(default_factory=dict)
    """The villages of each open `village_offline` from which nothing came yet, as of the last commit of events."""

    def __post_init__(self) -> None:
        self.knowledge = Knowledge(self.system.store)
        self.system.took, self.system.events = self.took, self.events

    def took(self, topic: str, payload: bytes) -> None:
        """Take note of what the engine takes in."""
        whose = parse_topic(topic)
        if isinstance(whose, GatewayTopic) and whose.channel == "batch":
            self.arrived[whose.village].append(self.system.kernel.time)
            self.knowledge.take(whose.village, payload, self.system.centre_clock.now())
        elif isinstance(whose, GatewayTopic) and whose.channel == "status" and b"online" in payload:
            self.arrived[whose.village].append(self.system.kernel.time)

    def caught_up(self) -> bool:
        """Whether nothing came within the time that the engine waits for more of what a gateway had kept."""
        last = max((times[-1] for times in self.arrived.values() if times), default=0)
        return self.system.kernel.time - last > CATCHES_UP

    def events(self) -> None:
        """Look at the alert events that have just been committed."""
        table = tables.alert_event
        with self.system.database.connect() as connection:
            rows = connection.execute(select(table).where(table.c.id > self.last_event).order_by(table.c.id)).all()
            concerned = select(tables.alert).where(tables.alert.c.id.in_({row.alert for row in rows}))
            alerts: dict[str, Alert] = {row.id: row for row in connection.execute(concerned).all()}
        lost_before = {village for villages in self.lost.values() for village in villages}
        for alert in alerts.values():
            self._note_lost(alert)
        for row in rows:
            self.last_event = row.id
            self._take_event(row.type, alerts[row.alert], lost_before)

    def _note_lost(self, alert: Alert) -> None:
        """Keep which villages an alert is about now; one that joins it has to be quiet as for its own."""
        if alert.kind != "village_offline":
            return
        before, now = self.lost.get(alert.id, set()), set(still_lost(alert.evidence) or [alert.village])
        if "children" in alert.evidence:
            now = set(still_lost(alert.evidence))
            for village in now - before - {alert.village}:
                self._check_quiet(village, self.system.centre_clock.now(), f"joins the alert of {alert.village}")
        self.lost[alert.id] = now if alert.cleared_at is None else set()

    def _take_event(self, event: str, alert: Alert, lost_before: set[str]) -> None:
        subject = (alert.kind, alert.subject)
        self.system.kernel.note(event, f"{alert.kind} {alert.subject} {alert.cause}")
        if event == "raised":
            self.raised += 1
            self.raises[subject].append(alert.raised_at)
            if subject in self.open:
                self.fail(f"a second {alert.kind} of {alert.subject} is open")
            self.open[subject] = alert.id
            self._check_raised(alert)
            still = {village for villages in self.lost.values() for village in villages}
            # With a database that was away what was raised may have been committed much later
            at_once = abs(self.system.centre_clock.now() - alert.raised_at) < AT_ONCE
            if alert.kind != "village_offline" and at_once and alert.village in lost_before & still:
                self.fail(f"{alert.kind} of {alert.subject} is raised while {alert.village} is offline")
        elif event == "cleared" and self.open.pop(subject, None) != alert.id:
            self.fail(f"{alert.kind} of {alert.subject} cleared, and was not open")

    def fail(self, sentence: str) -> None:
        """Write down what must not be."""
        self.system.kernel.note("VIOLATION", sentence)
        self.failures.append(sentence)

    # What was raised

    def _check_raised(self, alert: Alert) -> None:
        """An alert is judged by what was known when it was raised: its commit may have had to wait."""
        if alert.kind == "village_offline":
            self._check_offline(alert)
        elif alert.kind in BORNE_OUT and not any(self._bears_out(alert, *case) for case in self._cases(alert)):
            self.fail(f"{alert.kind} of {alert.subject} since {self.clock(alert.began_at)}: no evidence says so")

    def _check_offline(self, alert: Alert) -> None:
        self._check_quiet(alert.village, alert.raised_at, "is called offline")
        uplink = alert.evidence.get("uplink")
        for other in self._open_alerts("village_offline") if uplink is not None else ():
            together = abs(other.began_at - alert.began_at) <= TOGETHER
            if other.id != alert.id and other.evidence.get("uplink") == uplink and together:
                self.fail(f"{alert.village} and {other.village} were lost together, and have an alert each")

    def _check_quiet(self, code: str, raised: int, what: str) -> None:
        at = raised - self.system.centre_clock.offset
        quiet = [v.villages[code].offline_after for v in self._versions(raised) if code in v.villages]
        since = at - min(quiet) + self.clocks_differ
        heard = [time for time in self.arrived[code][-20:] if since < time < at - self.clocks_differ]
        if heard:
            self.fail(f"{code} {what}, and something arrived {(at - heard[-1]) / 1000} s before")

    def _open_alerts(self, kind: str) -> list[Alert]:
        query = select(tables.alert).where(tables.alert.c.kind == kind, tables.alert.c.cleared_at.is_(None))
        with self.system.database.connect() as connection:
            return list(connection.execute(query).all())

    def _cases(self, alert: Alert) -> Iterator[tuple[Version, Village, Evidence]]:
        """All that the engine may have judged by: what it had been told, and what it knew."""
        code, raised = alert.village, alert.raised_at
        since = min(alert.began_at, raised - WINDOW if alert.kind == "indicator_missed" else raised) - REACH
        devices = self.system.versions.devices(code)
        moments = {raised, raised + self._set_back}
        # What is stored since something last came may be on its way to the engine still
        moments |= {min(raised, heard + self.system.centre_clock.offset) for heard in self.arrived[code][-1:]}
        if not self.system.engine.listens:  # it goes on from what it had heard, or read, by then
            moments |= {raised - before for before in DEAF}
        for moment in sorted(moments, reverse=True):
            for evidence in self.knowledge.evidences(code, devices, since, moment):
                for version in self._versions(raised):
                    if code in version.villages:
                        yield version, version.villages[code], evidence

    def _bears_out(self, alert: Alert, version: Version, village: Village, evidence: Evidence) -> bool:
        began, raised = alert.began_at, alert.raised_at
        if alert.kind == "device_silent":
            return _is_silent(village, alert.device, evidence, began, raised, self.clocks_differ)
        facility = next((each for each in village.facilities if each.id == alert.facility), None)
        if facility is None:
            return False
        if alert.kind == "no_evidence":
            return _is_mute(village, facility, alert.device, evidence, began, raised, self.clocks_differ)
        planned = version.planned(village, facility.id, raised)
        if alert.kind == "facility_failed":
            return _fails_since(village, facility, evidence, began, raised, planned)
        return _misses(village, facility, evidence, raised, planned)

    def _versions(self, raised: int) -> list[Version]:
        """What the engine may have been told when it raised something: it looks now and then, if it can."""
        options = self.system.options
        learns = options.looks + 10 * SECOND + self.clocks_differ
        learns += options.longest if "database_away" in options.faults else 0
        learns += FREEZES if "freeze" in options.faults else 0
        at = raised - self.system.centre_clock.offset
        return self.system.versions.between(at - learns, at + self.clocks_differ)

    @property
    def clocks_differ(self) -> int:
        """How far apart the clocks of the centre and of a device may have put a moment."""
        options = self.system.options
        return CLOCKS + options.drift + (2 * JUMP if "centre_time" in options.faults else 0)

    @property
    def _set_back(self) -> int:
        """By how much a clock that was set back may call earlier what was raised than what it was raised by."""
        return 2 * JUMP if "centre_time" in self.system.options.faults else 0

    def clock(self, time: int) -> str:
        """A time of the run, for people."""
        return f"{(time - self.system.kernel.begin) / 1000:.3f} s"

    def flaps(self, kind: str, subject: str, now: int) -> bool:
        """Whether an alert may be held open because it came four times in an hour."""
        return len([at for at in self.raises[kind, subject] if at > now - 2 * HOUR]) >= OFTEN

    # What is under way

    def promised(self) -> list[Key]:
        """The readings that siaga answers for by now."""
        records = self.system.records
        return [key for key in {**records.sent, **records.safe} if key not in records.excused]

    def missing(self, promised: Iterable[Key]) -> list[Key]:
        """Which of them are not stored."""
        tables_ = self.system.store.tables
        return [key for key in promised if key[3] not in tables_.get(key[0], {}).get((key[1], key[2]), {})]


def last_report(evidence: Evidence, device: str, now: int) -> int | None:
    """When a device last said something that counts as a report; `None`: never."""
    times = [
        before[0]
        for (whose, signal), track in evidence.tracks.items()
        if whose == device and signal != "online" and (before := track.at(now)) is not None
    ]
    return max(times, default=None)


def last_evidence(evidence: Evidence, facility: Facility, device: str, now: int) -> int | None:
    """When a device last gave something that its facility is judged by; `None`: never."""
    ever = {signal for (whose, signal), track in evidence.tracks.items() if whose == device and track.at(now)}
    counts = {"mains", *SIGNALS_OF_KIND[facility.kind]}
    if facility.kind == "free_wifi" and "wifi_up" not in ever:
        counts.add("online")
    if ever & EVENT_HOLDS.keys() & counts:  # each other reading says that there was no other event
        counts |= ever - {"online"}
    found = [at[0] for signal in ever & counts if (at := evidence.tracks[device, signal].at(now)) is not None]
    return max(found, default=None)


def _fails_since(
    village: Village, facility: Facility, evidence: Evidence, began: int, now: int, planned: list[PlannedWork]
) -> bool:
    held_to = terms(facility)
    spans = judge(village, facility, evidence, (began, now + 1), planned)
    return (
        held_to is not None
        and now - began > held_to.grace
        and all(span.state is State.FAILED and not span.excused for span in spans)
    )


def _misses(village: Village, facility: Facility, evidence: Evidence, now: int, planned: list[PlannedWork]) -> bool:
    held_to, begins = terms(facility), judged_from(village, facility, evidence)
    if held_to is None or begins is None or begins > now:
        return False
    spans = judge(village, facility, evidence, (max(begins, now - WINDOW), now + 1), planned)
    return trend(spans, now, held_to.target).below


def _is_silent(village: Village, device_id: str, evidence: Evidence, began: int, now: int, clocks: int) -> bool:
    """Whether a device is silent since `began`; its own clock may be ahead, so that what it said last is later."""
    found = village.device(device_id)
    if found is None:
        return False
    last = last_report(evidence, device_id, now)
    heard = gateway_heard(village, evidence, (now, now + 1))
    said_since = last is not None and last > began + clocks
    return bool(heard) and not said_since and now - began >= 3 * found[1].every + SILENT_MARGIN


def _is_mute(
    village: Village, facility: Facility, device_id: str, evidence: Evidence, began: int, now: int, clocks: int
) -> bool:
    """Whether a device speaks, and has given no evidence since `began`, give or take what clocks differ."""
    found = village.device(device_id)
    if found is None or facility.kind not in SIGNALS_OF_KIND:
        return False
    every, said = found[1].every, last_report(evidence, device_id, now + clocks)  # its clock may be ahead
    gave = last_evidence(evidence, facility, device_id, now)
    speaks = said is not None and now - said < 3 * every + clocks
    gave_since = gave is not None and gave > began + clocks
    heard = gateway_heard(village, evidence, (now, now + 1))
    return bool(heard) and speaks and not gave_since and now - began >= 3 * every + SILENT_MARGIN
