"""Looking at a subject when its time has come: judge, decide about each kind of alert, carry out, ask to look again.

Nothing here reads the telemetry store or the database; what changed is left in `Changes`. How far back a miss began
that memory cannot tell is left as a question: `undated`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from api.alerts.alert import Amend, Clear, Decision, Hold, Kind, OpenAlert, Raise, new_alert
from api.alerts.certainty import Claim, Moment, Rests, Waits
from api.alerts.changes import Changes
from api.alerts.deadlines import Deadlines
from api.alerts.device import WatchedDevice
from api.alerts.facility import WatchedFacility
from api.alerts.flapping import CALM, OFTEN, WITHIN, Raises
from api.alerts.gateway import WatchedGateway
from api.alerts.kinds import OF_DEVICES, OF_FACILITIES, OF_GATEWAYS, AlertKind, Look
from api.alerts.kinds.kind import S
from api.alerts.live_judgement import judge_live
from api.alerts.spans import FOREVER
from api.alerts.subject import Subject
from api.alerts.village import WatchedVillage
from siaga.timeline.judge import Span, without_mains

__all__ = ["Looks"]


@dataclass(slots=True)
class Looks:
    """Judges and decides. `deadlines`: when to look next; `changes`: what is to be written.

    `undated`: facilities of which a miss was raised that may have begun before what memory has.
    """

    villages: Mapping[str, WatchedVillage]
    deadlines: Deadlines[Subject | WatchedVillage] = field(default_factory=Deadlines)
    changes: Changes = field(default_factory=Changes)
    raises: Raises = field(default_factory=Raises)
    undated: list[WatchedFacility] = field(default_factory=list)
    judged: int = 0

    def look(self, subject: Subject, moment: Moment) -> None:
        """Look at a subject whose time has come."""
        village = self.villages.get(subject.village)
        if village is None:
            return
        match subject:
            case WatchedFacility():
                self.look_at_facility(village, subject, moment)
            case WatchedDevice():
                self._decide_all(village, subject, OF_DEVICES, moment)
            case WatchedGateway():
                self._decide_all(village, subject, OF_GATEWAYS, moment)

    def look_at_facility(
        self, village: WatchedVillage, subject: WatchedFacility, moment: Moment, dirty_from: int = FOREVER
    ) -> None:
        """Judge again what may have changed since the last look, and decide. `dirty_from`: where evidence changed."""
        now = moment.now
        if not village.memory.loaded:
            return
        changes_at = min(village.recent.changes_after(subject.facility, subject.checked), subject.plan_until)
        dirty_from = min(subject.dirty_from, dirty_from)
        if now < subject.checked:
            # The clock was set back: this time may come otherwise, and what was planned for it is yet to come
            dirty_from, subject.plan_until = min(dirty_from, now), 0
        if dirty_from < FOREVER or changes_at <= now:
            subject.dirty_from = FOREVER
            self.judged += judge_live(village, subject, min(dirty_from, subject.checked), now, self.changes)
        subject.checked = now
        self._note_mains(village, subject, now)
        self.decide_facility(village, subject, moment)

    def _note_mains(self, village: WatchedVillage, subject: WatchedFacility, now: int) -> None:
        """Take note of whether grid power is missing now: nobody is told of what that excuses."""
        missing = bool(without_mains(village.village, subject.facility, village.recent.evidence, (now, now + 1)))
        if missing != subject.without_mains:
            subject.without_mains = missing
            names = (name for name, facility in village.facilities.items() if facility.without_mains)
            self.changes.mains[village.village.code] = sorted(names)

    def decide_facility(
        self, village: WatchedVillage, subject: WatchedFacility, moment: Moment, spans: Sequence[Span] | None = None
    ) -> None:
        """Decide about a facility, by the spans in memory or, after history changed, by those given."""
        self._decide_all(village, subject, OF_FACILITIES, moment, spans)

    def _decide_all(
        self,
        village: WatchedVillage,
        subject: S,
        kinds: Sequence[AlertKind[S]],
        moment: Moment,
        spans: Sequence[Span] | None = None,
    ) -> None:
        sure = village.sure(moment)
        for kind in kinds:
            if not village.memory.loaded and kind.rests is not Rests.WORD:
                continue  # of what rests on evidence nothing is known, not even whether it goes on
            look = Look(village, subject, subject.alerts.get(kind.kind), moment.now, sure, spans)
            self._decide(kind, look)

    def _decide(self, kind: AlertKind[S], look: Look[S]) -> None:
        """Decide and carry out until nothing changes any more, and ask for the next look."""
        subject, before = look.subject, look.alert
        while True:
            decision = kind.decide(look)
            if isinstance(decision, Clear) and look.alert is not None:
                known = look.sure(Claim(kind.rests, over=True))
                if isinstance(known, Waits):  # half of what was kept says that it was over too late
                    decision = Hold(known.reason, known.until)
                    break
                if self._flaps(kind, look, look.alert):
                    look.alert.flapping = True
                    often = self.raises.within(look.alert.kind, look.alert.subject, look.now)
                    look.alert.evidence["flapping"] = {
                        "raised": often,
                        "within_s": WITHIN // 1000,
                        "calm_s": CALM // 1000,
                    }
                    self.changes.told_more(look.alert, look.now)
                    continue  # it has to be calm for longer now
            after = self._carry_out(kind, decision, look)
            if after is look.alert:
                break
            look = Look(look.village, subject, after, look.now, look.sure, look.spans)
        if look.alert is None:
            subject.alerts.pop(kind.kind, None)
        else:
            subject.alerts[kind.kind] = look.alert
        self._after(kind, look, before)
        if isinstance(decision, Hold):
            self.deadlines.ask(subject, decision.until)
        self.deadlines.ask(subject, kind.looks_again(look))

    def _after(self, kind: AlertKind[S], look: Look[S], before: OpenAlert | None) -> None:
        alert = look.alert
        if alert is not before:
            kind.changed(look.subject)
            if alert is not None and alert.kind is Kind.INDICATOR_MISSED and isinstance(look.subject, WatchedFacility):
                self.undated.append(look.subject)
        elif alert is not None and (more := alert.evidence | dict(kind.told_more(look))) != alert.evidence:
            alert.evidence.update(more)
            self.changes.told_more(alert, look.now)

    def _flaps(self, kind: AlertKind[S], look: Look[S], alert: OpenAlert) -> bool:
        if alert.flapping or kind.is_prompt(look.subject):
            return False
        return self.raises.within(alert.kind, alert.subject, look.now) >= OFTEN

    def _carry_out(self, kind: AlertKind[S], decision: Decision, look: Look[S]) -> OpenAlert | None:
        """Carry out a decision. Returns the alert that is open then."""
        alert, subject = look.alert, look.subject
        match decision:
            case Raise(began_at=began_at):
                raised = new_alert(
                    kind.kind,
                    subject.village,
                    facility=subject.facility_id,
                    device=subject.device_id,
                    began_at=began_at,
                )
                self.raises.note(raised.kind, raised.subject, look.now)
                self.changes.raised(raised, decision, look.now)
                return raised
            case Clear(ended_at=ended_at) if alert is not None:
                self.changes.cleared(alert, ended_at, look.now)
                return None
            case Amend(began_at=began_at) if alert is not None:
                alert.began_at = began_at
                self.changes.began_earlier(alert, look.now)
        return alert
