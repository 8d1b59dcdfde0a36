"""The live side: looking at each subject when its time has come, and deciding about its alerts.

Nothing here reads the telemetry store; what changed is left in `Changes`. Of the database only old spans are read,
by `earlier`, where an alert about availability is dated back further than memory reaches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from api.alerts.causes import came_instead, facility_evidence, link_evidence
from api.alerts.decisions import (
    Clear,
    Decision,
    Hold,
    Kind,
    Link,
    Quiet,
    Raise,
    clock_skew,
    device_silent,
    facility_failed,
    gateway_buffer,
    indicator_missed,
    no_evidence,
    village_offline,
)
from api.alerts.flapping import CALM
from api.alerts.ledger import OpenAlert, new_alert
from api.alerts.life import About, Life, Moment, Subject
from api.alerts.outages import Outages
from api.alerts.rolling import WINDOW, Trend, trend
from api.alerts.spans import FOREVER, cut, failed_run, replaced
from api.alerts.tail import KEPT, judge_tail
from api.alerts.watch import Absence, WatchedDevice, WatchedFacility, WatchedGateway, WatchedVillage
from siaga.model.clock import DAY, MINUTE, SECOND
from siaga.timeline.availability import measure
from siaga.timeline.judge import GATEWAY_HEARD, Span, without_mains

__all__ = ["Live"]

_DEEPEST = 90 * DAY
"""How far back it is looked at most for when a share fell below its target."""
LOOK_AGAIN = 15 * SECOND
"""Until it is looked again whether the store has what may have come of a device."""
SETTLED = 6 * SECOND
"""After a village is back: when what it buffered may be there."""


def _nothing_earlier(_: WatchedFacility, __: int) -> Sequence[Span]:
    return ()


@dataclass(slots=True)
class Live(Life):
    """Judges and decides about watched subjects, and asks for the next look at each.

    `earlier` reads a facility's spans from a time on; it answers with none where it cannot.
    """

    outages: Outages = field(default_factory=Outages)
    earlier: Callable[[WatchedFacility, int], Sequence[Span]] = _nothing_earlier
    judged: int = 0

    def look(self, subject: Subject, moment: Moment) -> None:
        """Look at a subject whose time has come."""
        match subject:
            case WatchedFacility():
                self.look_at_facility(subject, moment)
            case WatchedDevice():
                self.look_at_device(subject, moment)
                self.look_at_evidence(subject, moment)
                self.look_at_clock(subject, moment)
            case WatchedGateway():
                self.look_at_buffer(subject, moment)
            case WatchedVillage():
                self.look_at_link(subject, moment)

    # Facilities

    def look_at_facility(self, watched: WatchedFacility, moment: Moment, dirty_from: int | None = None) -> None:
        """Judge again what may have changed since the last look, and decide. `dirty_from`: where evidence changed."""
        village, now = watched.village, moment.now
        if not village.loaded:
            return
        changes_at = min(village.recent.changes_after(watched.facility, watched.checked), watched.plan_until)
        dirty_from = min(watched.dirty_from, FOREVER if dirty_from is None else dirty_from)
        if now < watched.checked:
            dirty_from = min(dirty_from, now)  # the clock was set back: this time may come otherwise
        if dirty_from < FOREVER or changes_at <= now:
            watched.dirty_from = FOREVER
            self.judged += judge_tail(watched, min(dirty_from, watched.checked), now, self.changes)
        watched.checked = now
        self._note_mains(watched, now)
        self.decide_facility(watched, moment)
        self.decide_missed(watched, moment)

    def _note_mains(self, watched: WatchedFacility, now: int) -> None:
        """Take note of whether grid power is missing now: nobody is told of what that excuses."""
        village = watched.village
        missing = bool(without_mains(village.village, watched.facility, village.recent.evidence, (now, now + 1)))
        if missing != watched.without_mains:
            watched.without_mains = missing
            names = (name for name, facility in village.facilities.items() if facility.without_mains)
            self.changes.mains[village.village.code] = sorted(names)

    def decide_facility(self, watched: WatchedFacility, moment: Moment, spans: list[Span] | None = None) -> None:
        """Decide about `facility_failed`, by the spans in memory or, after history changed, by those given."""
        village, now = watched.village, moment.now
        muted, mute_ends = self._muted(village, moment)
        catching_up = village.catching_up_until(moment.monotonic)
        known = watched.spans if spans is None else spans
        held_to = watched.terms

        def decide(alert: OpenAlert | None) -> Decision:
            decision = facility_failed(
                known,
                now,
                grace=held_to.grace,
                recovery=max(held_to.recovery, CALM) if alert is not None and alert.flapping else held_to.recovery,
                open_since=alert.began_at if alert is not None else None,
                muted=muted,
                back_since=village.back_since(now, moment.monotonic) if catching_up is not None else None,
                sure_from=village.sure_from,
            )
            if isinstance(decision, Raise):
                said = facility_evidence(watched, decision.cause, now)
                return replace(decision, evidence=dict(decision.evidence) | said)
            return decision

        waits = catching_up is not None
        about = About(Kind.FACILITY_FAILED, village, watched.facility.id, grace=held_to.grace, catching_up=waits)
        # What cleared in the past may have been followed by another failure that still lasts
        watched.alert, decision = self.settle(decide, watched.alert, about, now)
        ends = min((x for x in (mute_ends, catching_up) if x is not None), default=None)
        self.ask(watched, decision, ends, moment)
        next_change = village.recent.changes_after(watched.facility, now)
        self.deadlines.ask(watched, min(next_change, watched.plan_until))

    def decide_missed(self, watched: WatchedFacility, moment: Moment) -> None:
        """Decide about `indicator_missed`. The share is computed anew when spans changed or it crosses its target."""
        village, now = watched.village, moment.now
        if not watched.spans or (village.sure_from and watched.missed is not None):
            return
        known = watched.trend
        if known is None or (known.until is not None and known.until <= now):
            # What is not sure yet weighs as met: what is raised all the same is true
            sure = cut(watched.spans, village.sure_from, FOREVER) if village.sure_from else watched.spans
            known = watched.trend = trend(sure, now, watched.terms.target)
            if known.below and watched.missed is None and not village.sure_from:
                known = watched.trend = self._dated(watched, known, now)
        current = known
        evidence = self._share(watched, now) if current.below and watched.missed is None else {}
        muted, mute_ends = self._muted(village, moment)
        catching_up = village.catching_up_until(moment.monotonic)
        if muted is None and catching_up is not None:  # half of a day's history is no day
            muted, mute_ends = "catching_up", catching_up
        if muted is None and failed_run(watched.spans, now) is None:
            # The share only sinks while it fails: below the target and not failing, it was late data that showed it
            muted = "is_over"

        def decide(alert: OpenAlert | None) -> Decision:
            return indicator_missed(
                current,
                now,
                evidence=evidence,
                open_since=alert.began_at if alert is not None else None,
                muted=muted,
                steady=CALM if alert is not None and alert.flapping else 0,
            )

        about = About(Kind.INDICATOR_MISSED, village, watched.facility.id, catching_up=catching_up is not None)
        watched.missed, decision = self.settle(decide, watched.missed, about, now)
        self.ask(watched, decision, mute_ends, moment)
        self.deadlines.ask(watched, current.until)

    def _share(self, watched: WatchedFacility, now: int) -> dict[str, object]:
        """The share that decides, with what it is of: what lies before it was first judged counts as met."""
        known_from = max(now - WINDOW, watched.spans[0].start, watched.village.sure_from)
        measured = measure(watched.spans, (known_from, now))
        failed = measured.failed - measured.excused_failed
        counted = measured.counted + known_from - (now - WINDOW)
        return {
            "availability_high": (counted - failed) / counted,
            "target": watched.terms.target,
            "failed_s": failed / 1000,
            "counted_s": counted / 1000,
        }

    def _dated(self, watched: WatchedFacility, known: Trend, now: int) -> Trend:
        """When the share really fell below its target, where memory does not reach back far enough to tell."""
        spans: Sequence[Span] = watched.spans
        back = KEPT
        while known.since - WINDOW < spans[0].start and back < _DEEPEST:
            back *= 2
            older = self.earlier(watched, now - back)
            if not older or older[0].start >= spans[0].start:
                break  # that is where it was judged first
            spans = replaced(older, watched.spans)
            known = trend(spans, now, watched.terms.target)
        return known

    # Devices

    def look_at_device(self, watched: WatchedDevice, moment: Moment) -> None:
        """Decide about `device_silent`."""
        village, now = watched.village, moment.now
        if not village.loaded:
            return
        quiet = self._quiet(watched, village.recent.reported.get(watched.device.id), watched.watched, now)
        muted, mute_ends, catching_up = self._muted_of(village, quiet.reported, moment)

        def decide(alert: OpenAlert | None) -> Decision:
            return device_silent(
                quiet,
                now,
                open_since=alert.began_at if alert is not None else None,
                spoke_at=watched.speaking.since(),
                muted=muted,
                steady=CALM if alert is not None and alert.flapping else 0,
            )

        before = watched.alert
        about = replace(self._device(Kind.DEVICE_SILENT, watched), catching_up=catching_up)
        watched.alert, decision = self.settle(decide, before, about, now)
        if watched.alert is not before:
            watched.speaking.forget()
        self.ask(watched, decision, mute_ends, moment)
        if decision.reason == "not_read":
            self.deadlines.ask(watched, now + LOOK_AGAIN)

    def look_at_evidence(self, watched: WatchedDevice, moment: Moment) -> None:
        """Decide about `no_evidence`; an open one shows what came instead as far as it is known by now."""
        village, now, name = watched.village, moment.now, watched.device.id
        recent = village.recent
        if not village.loaded or (watched.mute is None and not recent.is_judged_by(name)):
            return
        begins = max(watched.watched, recent.first_reported(name) or 0)
        given = self._quiet(watched, recent.gave.get(name), begins, now)
        muted, mute_ends, catching_up = self._muted_of(village, given.reported, moment)

        def decide(alert: OpenAlert | None) -> Decision:
            decision = no_evidence(
                given,
                recent.reported.get(name),
                now,
                open_since=alert.began_at if alert is not None else None,
                gave_at=watched.giving.since(),
                first_within=recent.first_event_within(name),
                muted=muted,
                steady=CALM if alert is not None and alert.flapping else 0,
            )
            if isinstance(decision, Raise):
                return replace(decision, evidence=dict(decision.evidence) | came_instead(watched))
            return decision

        before = watched.mute
        about = replace(self._device(Kind.NO_EVIDENCE, watched), catching_up=catching_up)
        watched.mute, decision = self.settle(decide, before, about, now)
        if watched.mute is not before:
            watched.giving.forget()
        elif before is not None and (more := before.evidence | came_instead(watched)) != before.evidence:
            before.evidence.update(more)
            self.changes.told_more(before, now)
        self.ask(watched, decision, mute_ends, moment)
        if decision.reason == "not_read":
            self.deadlines.ask(watched, now + LOOK_AGAIN)

    def _quiet(self, watched: WatchedDevice, last: int | None, begins: int, now: int) -> Quiet:
        """What is known of how long something of a device has not come: since `last`, or `begins` if it never did."""
        recent = watched.village.recent
        heard_from = recent.heard_from(now)
        return Quiet(
            reported=last,
            watched=begins,
            heard_from=heard_from,
            every=watched.device.every,
            heard_before=heard_from is not None and recent.heard_before(heard_from),
            heard_next=recent.next_heartbeat(now) if heard_from is None else None,
        )

    def _muted_of(
        self, village: WatchedVillage, last: int | None, moment: Moment
    ) -> tuple[str | None, int | None, bool]:
        """Why nothing may be raised of a device now, until when, and whether more of what was is on its way."""
        muted, mute_ends = self._muted(village, moment)
        catching_up = village.catching_up_until(moment.monotonic)
        if muted is None and catching_up is not None:
            muted, mute_ends = "catching_up", catching_up
        if muted is None and village.blind_before and (last or 0) < village.blind_before:
            muted = "not_read"  # what it said last is in the store
        return muted, mute_ends, catching_up is not None

    def look_at_clock(self, watched: WatchedDevice, moment: Moment) -> None:
        """Decide about `clock_skew`."""
        muted, mute_ends = self._muted(watched.village, moment)

        def decide(alert: OpenAlert | None) -> Decision:
            return clock_skew(
                watched.clock,
                moment.now,
                open_since=alert.began_at if alert is not None else None,
                muted=muted,
                steady=CALM if alert is not None and alert.flapping else 0,
            )

        watched.skew, decision = self.settle(decide, watched.skew, self._device(Kind.CLOCK_SKEW, watched), moment.now)
        self.ask(watched, decision, mute_ends, moment)

    def _device(self, kind: Kind, watched: WatchedDevice) -> About:
        facility = watched.village.recent.facility_of(watched.device.id)
        return About(kind, watched.village, facility.id if facility is not None else None, watched.device.id)

    # Gateways

    def look_at_buffer(self, watched: WatchedGateway, moment: Moment) -> None:
        """Decide about `gateway_buffer`."""
        muted, mute_ends = self._muted(watched.village, moment)

        def decide(alert: OpenAlert | None) -> Decision:
            return gateway_buffer(
                watched.buffer,
                moment.now,
                open_since=alert.began_at if alert is not None else None,
                muted=muted,
                steady=CALM if alert is not None and alert.flapping else 0,
            )

        about = About(Kind.GATEWAY_BUFFER, watched.village, device=watched.id)
        watched.full, decision = self.settle(decide, watched.full, about, moment.now)
        self.ask(watched, decision, mute_ends, moment)

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
        self._conclude_absence(village, moment)
        before = village.offline
        decision = village_offline(
            link,
            now,
            offline_after=village.village.offline_after,
            open_since=before.began_at if before else None,
        )
        match decision:
            case Raise():
                self._lost(village, decision, now)
            case Clear(ended_at=ended_at) if before is not None:
                self.back(village, before, ended_at, now)
                if village.absence is not None:
                    self.deadlines.ask(village, now + SETTLED)
            case Hold(until=until):
                self.deadlines.ask(village, until)
                return
        self.deadlines.ask(village, now + village.village.offline_after)

    def _lost(self, village: WatchedVillage, decision: Raise, now: int) -> None:
        """Nothing arrives any more: the village joins those that were lost with it, or has an alert of its own."""
        code, uplink = village.village.code, village.village.uplink
        alert = self.outages.with_whom(uplink, code, decision.began_at)
        if alert is not None:
            self.outages.join(alert, code, decision.began_at)
            self.changes.told_more(alert, now, worse=True)
        else:
            alert = new_alert(Kind.VILLAGE_OFFLINE, code, facility=None, device=None, began_at=decision.began_at)
            alert.evidence |= link_evidence(village, now) | ({"uplink": uplink} if uplink is not None else {})
            self.opened(alert, decision, now)
            self.outages.opened(alert)
        village.offline, village.arrived = alert, False
        self.tell_link(village, "offline", now)

    def back(self, village: WatchedVillage, alert: OpenAlert, ended_at: int, now: int) -> None:
        """A village is not lost any more; the alert is over with its last one. What was held back is looked at."""
        village.offline = None
        village.absence = Absence(alert, alert.began_at, now)
        if self.outages.leave(alert, village.village.code, ended_at):
            self.changes.cleared(alert, ended_at, now)
            village.absence.settled = True
        else:
            self.changes.told_more(alert, now)
        for subject in village.subjects:
            self.deadlines.ask(subject, now)

    def _conclude_absence(self, village: WatchedVillage, moment: Moment) -> None:
        """Say of an absence, once what was buffered is there, whether the gateway ran meanwhile."""
        absence, until = village.absence, village.catching_up_until(moment.monotonic)
        if absence is None or not village.loaded:
            return
        if until is not None:
            self.deadlines.ask(village, moment.now + until - moment.monotonic)
            return
        village.absence = None
        lasted = absence.ended - absence.began
        if village.offline is None and lasted > 2 * MINUTE and absence.settled:
            # It is heard for 90 s of each: for half of the time it ran on, and it is the link that was gone
            ran = absence.beats * 2 * GATEWAY_HEARD >= lasted
            absence.alert.evidence |= {"gateway_ran": ran, "likely": "link" if ran else "mains_out"}
            self.changes.told_more(absence.alert, moment.now, settled=True)

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
