"""A village: one object with two verbs. `take` is for what happens to it, `look` for when a time has come.

Both return an `Outcome`: what changed, what was decided, who is to be looked at next, and whether the store is to be
asked. Neither has I/O, a clock or a callback: with the same happenings at the same moments a village is the same.
"""

from dataclasses import dataclass, replace

from api.alerts.alert import Clear, Hold, Raise
from api.alerts.causes import link_evidence
from api.alerts.certainty import Moment
from api.alerts.decide import decide
from api.alerts.device import WatchedDevice
from api.alerts.facility import WatchedFacility
from api.alerts.gateway import WatchedGateway, take_health
from api.alerts.happenings import (
    AlertTaken,
    AnswerTaken,
    Attached,
    ClockSet,
    Happening,
    Lost,
    MissBegan,
    NothingToJudge,
    NotRecalled,
    OutageOver,
    Rebuilt,
    Recalled,
    Reconnected,
    Registered,
    Replanned,
    Resumed,
    StoodStill,
    TakenOut,
    WorldChanged,
)
from api.alerts.kinds import OF_DEVICES, OF_FACILITIES, OF_GATEWAYS
from api.alerts.kinds.village_offline import village_offline
from api.alerts.messages import AckTaken, BatchTaken, HealthSaid, MessageTaken, StatusSaid
from api.alerts.outcome import Back, Outcome
from api.alerts.resync import go_on_without, learn_first, recall, take_arrival, wants_recall
from api.alerts.state import VillageState
from api.alerts.subject import Subject
from api.alerts.taking import take_ack, take_readings
from siaga.model.alert_kinds import Kind
from siaga.model.clock import SECOND
from siaga.model.observation import Arrival
from siaga.model.sites import Village
from siaga.timeline.judge import without_mains
from siaga.timeline.rolling import Trend
from siaga.timeline.span_algebra import FOREVER

__all__ = ["WatchedVillage"]

SETTLED = 6 * SECOND
"""After a village is back: when what it buffered may be there."""


@dataclass(slots=True, eq=False)
class WatchedVillage(VillageState):
    """One village that the engine watches."""

    def take(self, what: Happening, moment: Moment) -> Outcome:
        """Take what happened. Returns what it came to."""
        out = Outcome()
        match what:
            case BatchTaken() | AckTaken() | StatusSaid() | HealthSaid():
                self._take_message(what, moment, out)
            case Recalled() | NotRecalled() | Rebuilt() | Arrival() | NothingToJudge():
                self._take_answer(what, moment, out)
            case Attached() | Lost() | OutageOver() | MissBegan():
                self._take_alert(what, moment, out)
            case _:
                self._take_world(what, moment, out)
        return out

    def look(self, subject: Subject | None, moment: Moment) -> Outcome:
        """Look at a subject whose time has come; `None`: at the village itself. Returns what it came to."""
        out = Outcome()
        if subject is None:
            self._look_at_link(moment, out)
        else:
            self._look_at(subject, moment, out)
        return out

    # Messages

    def _take_message(self, said: MessageTaken, moment: Moment, out: Outcome) -> None:
        match said:
            case BatchTaken(gateway=gateway, batch=batch):
                self._arrive(gateway, moment, out)
                content = hash((batch.digest, batch.readings))  # a registry that knows more devices makes more of it
                if not self.gateway(gateway).seen.again(batch.id.epoch, batch.id.seq, content):
                    out.keeps = True
                    take_readings(self, said, moment, out)
            case AckTaken():
                out.keeps = True
                take_ack(self, said, moment, out)
            case StatusSaid():
                self._take_status(said, moment, out)
            case HealthSaid(gateway=gateway, health=health):
                known = self.gateway(gateway)
                for subject in (known, *take_health(self.gateways, gateway, self.devices, health, moment.now)):
                    self._look_at(subject, moment, out)

    def _arrive(self, gateway: str, moment: Moment, out: Outcome) -> None:
        self.arrive(gateway, moment.now, moment.monotonic)
        if self.link.alert is not None:
            self._look_at_link(moment, out, arrived=True)
        if self.link.up(moment.now):
            self._tell_link(out)

    def _take_status(self, said: StatusSaid, moment: Moment, out: Outcome) -> None:
        self.gateway(said.gateway).say_status(said.status, moment.now)
        self.to_save()
        if said.status == "online":
            if not said.is_retained:
                self._arrive(said.gateway, moment, out)
        elif all(other.status != "online" for other in self.gateways.values()) and self.link.down(moment.now):
            self._tell_link(out)

    # The link

    def _look_at_link(self, moment: Moment, out: Outcome, *, arrived: bool = False) -> None:
        now, offline_after = moment.now, self.village.offline_after
        self._conclude_absence(moment, out)
        alert = self.link.alert
        open_since = None if alert is None else alert.began_at
        arrivals = self.link.arrivals(moment, arrived=arrived)
        match village_offline(arrivals, now, offline_after=offline_after, open_since=open_since):
            case Raise() as decision:
                out.lost = replace(decision, evidence={**decision.evidence, **link_evidence(self, now)})
            case Clear(ended_at=ended_at):
                self._come_back(ended_at, moment, out)
                out.ask(self, now + SETTLED)
            case Hold(until=until):
                out.ask(self, until)
                return
        out.ask(self, now + offline_after)

    def _come_back(self, ended_at: int, moment: Moment, out: Outcome, *, taken_out: bool = False) -> None:
        """The village is not lost any more. What was held back is looked at."""
        alert = self.link.back(moment.now)
        if alert is not None:
            out.back = Back(alert, ended_at, taken_out)
            for subject in self.subjects:
                out.ask(subject, moment.now)

    def _conclude_absence(self, moment: Moment, out: Outcome) -> None:
        """Say of an absence, once what was buffered is there, whether the gateway ran meanwhile."""
        absence = self.link.absence
        if absence is None or not self.memory.is_read:
            return
        until = self.link.catching_up_until(moment.monotonic)
        if until is not None:
            out.ask(self, moment.now + until - moment.monotonic)
            return
        likely = self.link.conclude(absence)
        if likely is not None:
            out.explained(absence.alert, likely, moment.now)

    def _tell_link(self, out: Outcome) -> None:
        """The link has changed: that is written with what else changes."""
        self.to_save()
        out.links[self.code] = {"village": self.code, **self.link.row()}

    # Subjects

    def _look_at(self, subject: Subject, moment: Moment, out: Outcome) -> None:
        match subject:
            case WatchedFacility(facility=facility) if self.facilities.get(facility.id) is subject:
                self._look_at_facility(subject, moment, out)
            case WatchedDevice(device=device) if self.devices.get(device.id) is subject:
                decide(self, subject, OF_DEVICES, moment, out)
            case WatchedGateway():
                decide(self, subject, OF_GATEWAYS, moment, out)

    def _look_at_all(self, moment: Moment, out: Outcome, dirty_from: int = FOREVER) -> None:
        """Look at all subjects. The facilities are judged again from `dirty_from` on."""
        for facility in self.facilities.values():
            self._look_at_facility(facility, moment, out, dirty_from)
        for subject in (*self.devices.values(), *self.gateways.values()):
            self._look_at(subject, moment, out)
        self._look_at_link(moment, out)

    def _look_at_facility(
        self, facility: WatchedFacility, moment: Moment, out: Outcome, dirty_from: int = FOREVER
    ) -> None:
        """Judge again what may have changed since the last look, and decide."""
        if not self.memory.is_read:
            return
        now = moment.now
        changes_at = self.recent.changes_after(facility.facility, facility.checked)
        start = facility.take_dirty(now, changes_at, dirty_from)
        if start is not None:
            planned = self.planned_for(facility.facility.id)
            self.count(judged=facility.judge(self.village, self.recent, planned, start, now, out))
        # Nobody is told of what missing mains power excuses
        missing = bool(without_mains(self.village, facility.facility, self.recent.evidence, (now, now + 1)))
        if facility.note_mains(missing=missing):
            out.mains[self.code] = sorted(name for name, each in self.facilities.items() if each.without_mains)
        decide(self, facility, OF_FACILITIES, moment, out)

    # The store and the database

    def _take_answer(self, answer: AnswerTaken, moment: Moment, out: Outcome) -> None:
        match answer:
            case Recalled():
                start = recall(self, answer, moment, out)
                if not self.history.pending:
                    self._settle(moment, out)
                self._look_at_all(moment, out, start)
            case NotRecalled(first_spans=first_spans):
                go_on_without(self, first_spans, moment, out)
                self._look_at_all(moment, out)
            case Rebuilt():
                self._take_rebuilt(answer, moment, out)
            case NothingToJudge():
                self._settle(moment, out)
            case Arrival():
                take_arrival(self, answer, moment, out)

    def _take_rebuilt(self, rebuilt: Rebuilt, moment: Moment, out: Outcome) -> None:
        learned = [learn_first(self, key, time, moment, out) for key, time in rebuilt.first.items()]
        for name, spans in rebuilt.spans.items():
            facility = self.facilities[name]
            if spans is not None:
                facility.know_spans(spans)
            decide(self, facility, OF_FACILITIES, moment, out, rebuilt.failed.get(name))
        self.history.judged(rebuilt.took, moment.monotonic)
        if any(learned) or (rebuilt.spans and rebuilt.window[1] >= self.recent.covers):
            self._look_at_all(moment, out, self.recent.covers)
        if not self.history.pending:
            self._settle(moment, out)

    def _settle(self, moment: Moment, out: Outcome) -> None:
        """All history of the village is judged: failures count from where they began."""
        self.mark()
        if self.sure_from:
            self.sure_again(0)
            for facility in self.facilities.values():
                facility.count_anew()
            self._look_at_all(moment, out)

    def _take_alert(self, what: AlertTaken, moment: Moment, out: Outcome) -> None:
        match what:
            case Attached(alert=alert) if alert.kind != Kind.VILLAGE_OFFLINE:
                subject = self.subject_of(alert)
                if subject is not None:
                    subject.attach(alert.kind, alert)
            case Attached(alert=alert):
                self.link.lost(alert, moment.now)
            case Lost(alert=alert):
                if self.link.lost(alert, moment.now):
                    self._tell_link(out)
            case OutageOver():
                self.link.settle()
            case MissBegan(facility=facility, trend=trend):
                self._date_back(self.facilities[facility], trend, moment, out)

    def _date_back(self, facility: WatchedFacility, trend: Trend, moment: Moment, out: Outcome) -> None:
        alert = facility.alerts.get(Kind.INDICATOR_MISSED)
        if alert is not None and trend.below and trend.since < alert.began_at:
            facility.know_trend(trend)
            alert.amend(trend.since)
            out.began_earlier(alert, moment.now)

    # The world

    def _take_world(self, what: WorldChanged, moment: Moment, out: Outcome) -> None:
        match what:
            case Registered(village=village):
                self._take_registered(village, moment, out)
            case TakenOut():
                for alert in [alert for subject in self.subjects for alert in subject.alerts.values()]:
                    out.taken_out(alert, moment.now)
                self._come_back(moment.now, moment, out, taken_out=True)
            case Replanned():
                self._take_plan(what, moment, out)
            case Resumed():
                self._resume(what, moment, out)
            case Reconnected(lost_since=lost_since):
                self.link.forgive(moment.monotonic)
                out.ask(self, moment.now)
                if lost_since is not None:
                    self.memory.lost(lost_since, moment.now, moment.monotonic)
                    self.mark()
                    out.asks = True
            case StoodStill():
                self.link.forgive(moment.monotonic)
            case ClockSet():
                for facility in self.facilities.values():
                    # What was judged of a time that is yet to come again may come otherwise
                    facility.touch(moment.now)
                    facility.count_anew()
                out.ask(self, moment.now)
                for subject in self.subjects:
                    out.ask(subject, moment.now)

    def _resume(self, resumed: Resumed, moment: Moment, out: Outcome) -> None:
        if resumed.link is not None:
            self.link.restore(resumed.link, resumed.since, resumed.last_arrival)
        else:
            self.link.forget_arrivals()
        if self.memory.is_read:
            for facility in self.facilities.values():
                facility.touch(self.recent.covers)
            for subject in self.subjects:
                out.ask(subject, moment.now)

    def _take_registered(self, village: Village, moment: Moment, out: Outcome) -> None:
        before = {name: facility.fingerprint for name, facility in self.facilities.items()}
        if self.waits:
            out.waits[self.code] = []
        for alert in self.take_over(village, moment.now):
            out.taken_out(alert, moment.now)
        changed = {name for name, facility in self.facilities.items() if before.get(name) != facility.fingerprint}
        self.judge_anew(self.rejudge | changed)
        self.memory.forget()
        self.to_save()
        wants_recall(self, None, moment, out)

    def _take_plan(self, plan: Replanned, moment: Moment, out: Outcome) -> None:
        now, before = moment.now, self.planned
        self.plan(plan.planned)
        if plan.missed is not None:
            for start, end in plan.missed:
                self.history.mark(start, min(end, now), moment.monotonic, now=True)
                self.memory.miss(start)
                self.mark()
            return
        differing: list[tuple[int, int]] = [(work.start, work.end) for _, work in set(before) ^ set(plan.planned)]
        for start, end in differing:
            if start < now:
                self.history.mark(start, end, moment.monotonic, now=True)
        out.asks = True
        first = min((start for start, _ in differing), default=now)
        self.mark()
        if not self.memory.is_read:
            self.memory.miss(first)
        for facility in self.facilities.values():
            facility.replan()
            self._look_at_facility(facility, moment, out, min(first, now))
