"""The live side: judging a facility's tail from memory, and deciding about alerts.

Nothing here reads the telemetry store or the database; what changed is left in `Changes`.
"""

from dataclasses import dataclass, field

from api.alerts.deadlines import Deadlines
from api.alerts.decisions import (
    Amend,
    Clear,
    Decision,
    Hold,
    Kind,
    Link,
    Quiet,
    Raise,
    device_silent,
    facility_failed,
    village_offline,
)
from api.alerts.ledger import Changes, Correction, OpenAlert, new_alert
from api.alerts.spans import FOREVER, difference, replaced
from api.alerts.watch import WatchedDevice, WatchedFacility, WatchedVillage
from siaga.clock import HOUR, MINUTE
from siaga.local_time import local_date, local_moment
from siaga.timeline import Evidence, Span, judge, judged_from

__all__ = ["Live", "Moment", "Subject"]

Subject = WatchedFacility | WatchedDevice | WatchedVillage

AHEAD = HOUR
"""How far ahead a schedule is looked at; after that the facility is looked at again."""
TRIM_EVERY = MINUTE


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on both clocks, and from when on the centre has been listening (monotonic; `None`: it is not)."""

    now: int
    monotonic: int
    listening_from: int | None


@dataclass(slots=True)
class Live:
    """Judges and decides about watched subjects, and asks for the next look at each."""

    deadlines: Deadlines[Subject] = field(default_factory=Deadlines)
    changes: Changes = field(default_factory=Changes)
    judged: int = 0

    def look(self, subject: Subject, moment: Moment) -> None:
        """Look at a subject whose time has come."""
        match subject:
            case WatchedFacility():
                self.look_at_facility(subject, moment)
            case WatchedDevice():
                self.look_at_device(subject, moment)
            case WatchedVillage():
                self.look_at_link(subject, moment)

    # Facilities

    def look_at_facility(self, watched: WatchedFacility, moment: Moment, dirty_from: int | None = None) -> None:
        """Judge again what may have changed since the last look, and decide. `dirty_from`: where evidence changed."""
        village, now = watched.village, moment.now
        if not village.loaded:
            return
        changes_at = min(village.recent.changes_after(watched.facility, watched.checked), watched.plan_until)
        if dirty_from is not None or changes_at <= now:
            start = watched.checked if dirty_from is None else min(dirty_from, watched.checked)
            self._judge(watched, start, now)
            watched.checked = now
        self.decide_facility(watched, moment)

    def decide_facility(self, watched: WatchedFacility, moment: Moment, spans: list[Span] | None = None) -> None:
        """Decide about `facility_failed`, by the spans in memory or, after history changed, by those given."""
        village, now = watched.village, moment.now
        muted, mute_ends = self._muted(village, moment)
        catching_up = village.catching_up_until(moment.monotonic)
        known = watched.spans if spans is None else spans
        until: int | None = None
        while True:  # what cleared in the past may have been followed by another failure that still lasts
            decision = facility_failed(
                known,
                now,
                grace=watched.terms.grace,
                recovery=watched.terms.recovery,
                open_since=watched.alert.began_at if watched.alert else None,
                muted=muted,
                muted_if_silent="catching_up" if catching_up is not None else None,
                sure_from=village.sure_from,
            )
            before = watched.alert
            watched.alert = self._apply(
                decision, watched.alert, Kind.FACILITY_FAILED, village, now, facility=watched.facility.id
            )
            if watched.alert is before:
                break
        if isinstance(decision, Hold):
            until = decision.until
            if decision.reason == "catching_up":
                until = now + min(x for x in (mute_ends, catching_up) if x is not None) - moment.monotonic
        next_change = village.recent.changes_after(watched.facility, now)
        self.deadlines.ask(watched, min(next_change, watched.plan_until, FOREVER if until is None else until))

    def _judge(self, watched: WatchedFacility, start: int, now: int) -> None:
        """Judge from `start`, as far as memory covers it, to now; leave what changed in `changes`."""
        village, facility, recent = watched.village, watched.facility, watched.village.recent
        evidence = recent.evidence
        begins = judged_from(village.village, facility, evidence)
        if begins is None or begins > now:
            watched.plan_until = min(now + AHEAD, FOREVER if begins is None else begins)
            return
        planned = village.planned_for(facility.id)
        if watched.plan_until <= now or not watched.spans:
            # Without any evidence only schedule and maintenance change the state
            plan = judge(village.village, facility, Evidence({}, recent.first), (now, now + AHEAD), planned)
            watched.plan_until = plan[0].end
        start = max(start, recent.covers, begins)
        if start > now:
            return
        self.judged += 1
        spans = judge(village.village, facility, evidence, (start, now + 1), planned)
        last = spans[-1]
        spans[-1] = Span(last.start, FOREVER, last.state, last.cause, last.excused)
        updated = replaced(watched.spans, spans)
        change = difference(watched.spans, updated)
        if change:
            earliest = min([*change.deleted, *(span.start for span in change.written)])
            self.changes.spans_changed(village.village.code, facility.id, change)
            self._note_correction(watched, max(earliest, start), now)
        watched.spans = updated
        if len(updated) > 2 and updated[1].end <= recent.covers:
            watched.trim(recent.covers)

    def _note_correction(self, watched: WatchedFacility, start: int, now: int) -> None:
        village = watched.village.village
        today = local_moment(local_date(now, village.timezone), 0, village.timezone)
        if start < today:
            key = (village.code, watched.facility.id)
            known = self.changes.corrections.get(key)
            start = start if known is None else min(start, known.start)
            self.changes.corrections[key] = Correction(village, watched.facility, start, today)

    # Devices

    def look_at_device(self, watched: WatchedDevice, moment: Moment) -> None:
        """Decide about `device_silent`."""
        village, now = watched.village, moment.now
        if not village.loaded:
            return
        recent = village.recent
        quiet = Quiet(
            reported=recent.reported.get(watched.device.id),
            watched=watched.watched,
            heard_from=recent.heard_from(now),
            every=watched.device.every,
        )
        muted, mute_ends = self._muted(village, moment)
        catching_up = village.catching_up_until(moment.monotonic)
        if muted is None and catching_up is not None:
            muted, mute_ends = "catching_up", catching_up
        decision = device_silent(
            quiet,
            now,
            open_since=watched.alert.began_at if watched.alert else None,
            spoke_at=watched.spoke_at,
            muted=muted,
        )
        before = watched.alert
        facility = recent.facility_of(watched.device.id)
        watched.alert = self._apply(
            decision,
            watched.alert,
            Kind.DEVICE_SILENT,
            village,
            now,
            facility=facility.id if facility is not None else None,
            device=watched.device.id,
        )
        if watched.alert is not before:
            watched.spoke_at = None
            self.deadlines.ask(watched, now + 1)
        elif isinstance(decision, Hold) and decision.reason == "catching_up" and mute_ends is not None:
            self.deadlines.ask(watched, now + mute_ends - moment.monotonic)
        elif isinstance(decision, Hold):
            self.deadlines.ask(watched, decision.until)

    # The link

    def look_at_link(self, village: WatchedVillage, moment: Moment) -> None:
        """Decide about `village_offline`; what it held back is looked at when it clears."""
        now = moment.now
        listening = moment.listening_from
        link = Link(
            quiet_for=None if listening is None else moment.monotonic - max(village.quiet_from, listening),
            last_arrival=village.last_arrival,
            listening_since=village.listening_since,
            arrived=village.arrived,
        )
        before = village.offline
        decision = village_offline(
            link,
            now,
            offline_after=village.village.offline_after,
            open_since=before.began_at if before else None,
        )
        village.offline = self._apply(decision, before, Kind.VILLAGE_OFFLINE, village, now)
        if village.offline is not before:
            if village.offline is not None:
                village.arrived = False
                self.tell_link(village, "offline", now)
            else:
                for subject in village.subjects:
                    self.deadlines.ask(subject, now)
            self.deadlines.ask(village, now + village.village.offline_after)
        elif isinstance(decision, Hold):
            self.deadlines.ask(village, decision.until)

    def tell_link(self, village: WatchedVillage, link: str, now: int) -> None:
        """What the link is from now on; a change is written with what else changes."""
        if village.set_link(link, now):
            self.changes.links[village.village.code] = village.link_row()

    def _muted(self, village: WatchedVillage, moment: Moment) -> tuple[str | None, int | None]:
        """Why nothing may be raised in this village, and until when (monotonic) where time alone ends it."""
        if village.offline is not None:
            return "village_offline", None
        behind = village.behind_until(moment.now, moment.monotonic)
        return ("catching_up", behind) if behind is not None else (None, None)

    def _apply(
        self,
        decision: Decision,
        alert: OpenAlert | None,
        kind: Kind,
        village: WatchedVillage,
        now: int,
        *,
        facility: str | None = None,
        device: str | None = None,
    ) -> OpenAlert | None:
        """Carry out a decision; the alert that is open then."""
        match decision:
            case Raise(began_at=began_at):
                raised = new_alert(kind, village.village.code, facility=facility, device=device, began_at=began_at)
                self.changes.raised(raised, decision, now)
                return raised
            case Clear(ended_at=ended_at) if alert is not None:
                self.changes.cleared(alert, ended_at, now)
                return None
            case Amend(began_at=began_at) if alert is not None:
                alert.began_at = began_at
                self.changes.began_earlier(alert, now)
                return alert
            case _:
                return alert
