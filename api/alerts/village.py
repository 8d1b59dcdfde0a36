"""A village: what happens to it is a verb of its own, such as `take_batch`; `look` is for when a time has come.

Each verb returns an `Outcome`: what changed, what was decided, and who is to be looked at next. None has I/O, a clock
or a callback: a village to which the same happens at the same moments is the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from api.alert_records.alert import OpenAlert
from api.alerts.certainty import Moment
from api.alerts.decide import decide
from api.alerts.decision import Clear, Hold, Raise
from api.alerts.device import WatchedDevice
from api.alerts.facility import WatchedFacility
from api.alerts.gateway import WatchedGateway
from api.alerts.kinds import OF_DEVICES, OF_FACILITIES, OF_GATEWAYS
from api.alerts.kinds.village_offline import link_evidence, village_offline
from api.alerts.link import Link
from api.alerts.outcome import Back, Outcome
from api.alerts.recall import OVERLAP
from api.alerts.redating import follow_spans
from api.alerts.state import VillageState
from api.alerts.subject import Subject
from api.alerts.taking import note_first_report, note_stored, take_readings
from siaga.model.alert_kinds import Kind
from siaga.model.clock import SECOND
from siaga.model.intervals import Interval
from siaga.model.observation import Arrival, Recalled, TrackKey
from siaga.model.sites import Village
from siaga.timeline.dark import expected_from
from siaga.timeline.judge import Span, judged_from, without_mains
from siaga.timeline.maintenance import Planned
from siaga.timeline.span_algebra import FOREVER
from siaga.wire.batch import Batch, BatchId
from siaga.wire.health import Health

__all__ = ["Rebuilt", "WatchedVillage"]

CONCLUDES_AFTER = 6 * SECOND
"""After a village is back: when what it buffered may be there."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A stretch of history that was judged again and written.

    `spans`: of the facilities that changed by it, their spans in the database, as far back as memory keeps them
    (`None`: what is in memory did not change). `failed`: the same from where their open `facility_failed` began.
    `heard`: when in the window a gateway was heard. `newest`: the newest heartbeat of each gateway until its end.
    `took`: ms.
    """

    window: Interval
    first: Mapping[TrackKey, int]
    spans: Mapping[str, list[Span] | None]
    failed: Mapping[str, Sequence[Span]]
    heard: Sequence[Interval]
    newest: Mapping[str, int]
    took: int


@dataclass(slots=True, eq=False)
class WatchedVillage(VillageState):
    """One village that the engine watches."""

    def look(self, subject: Subject, moment: Moment) -> Outcome:
        """Look at a subject whose time has come."""
        out = Outcome()
        self._look_at(subject, moment, out)
        return out

    # Messages

    def take_batch(self, gateway: str, batch: Batch, moment: Moment) -> Outcome:
        """Take a batch of a gateway."""
        out = Outcome()
        self._arrive(gateway, moment, out)
        content = hash((batch.digest, batch.readings))  # a registry that knows more devices makes more of it
        known = self.gateway(gateway)
        if not known.seen.again(batch.id.epoch, batch.id.seq, content):
            out.keeps = True
            known.takes_turns(batch.id.epoch, moment.now)
            take_readings(self, gateway, batch, moment, out)
        return out

    def take_ack(self, gateway: str, batch: BatchId, moment: Moment) -> Outcome:
        """Take the centre's acknowledgement of a batch: the store has it."""
        out = Outcome(keeps=True)
        note_stored(self, gateway, batch, moment, out)
        return out

    def take_health(self, gateway: str, said: Health, moment: Moment) -> Outcome:
        """Take what a gateway says of itself and its devices."""
        out = Outcome()
        known = self.gateway(gateway)
        before = known.health.heard
        known.say_health(said, moment.now)
        self._look_at(known, moment, out)
        for name, device in self.devices.items():
            if self._tell_clock(device, moment.now) or before.get(name) != said.heard.get(name):
                self._look_at(device, moment, out)
        return out

    def _tell_clock(self, device: WatchedDevice, now: int) -> bool:
        """Tell a device what the gateways together say of its clock. Returns True if that is new."""
        said = [clock for each in self.gateways.values() if (clock := each.says_of_clock(device.device.id)) is not None]
        is_trusted = any(each.trusts(device.device.id) for each in self.gateways.values())
        return device.tell_clock(min(said, key=lambda clock: clock.since, default=None), now, is_trusted=is_trusted)

    def take_status(self, gateway: str, status: str, moment: Moment, *, is_retained: bool) -> Outcome:
        """Take what a gateway's session says: `online`, or `offline`, its last will. A retained one may be old."""
        out = Outcome()
        self.gateway(gateway).say_status(status, moment.now, is_retained=is_retained)
        self.changed = True
        if status == "online":
            if not is_retained:
                self._arrive(gateway, moment, out)
        elif all(other.status != "online" for other in self.gateways.values()):
            self.link.down(moment.now)
        return out

    def _arrive(self, gateway: str, moment: Moment, out: Outcome) -> None:
        self.link.arrive(moment.now, moment.monotonic)
        self.gateway(gateway).arrived(moment.now)
        self.changed = True
        if self.link.alert is not None:
            self._look_at_link(moment, out, arrived=True)
        self.link.up(moment.now)

    # The link

    def _look_at_link(self, moment: Moment, out: Outcome, *, arrived: bool = False) -> None:
        now, offline_after = moment.now, self.site.offline_after
        self._conclude_absence(moment, out)
        match village_offline(self.link, moment, offline_after, arrived=arrived):
            case Raise() as decision:
                out.lost = replace(decision, evidence={**decision.evidence, **link_evidence(self, now)})
            case Clear(ended_at=ended_at):
                self._come_back(ended_at, moment, out)
                out.ask(self.link, now + CONCLUDES_AFTER)
            case Hold(until=until):
                out.ask(self.link, until)
                return
        out.ask(self.link, now + offline_after)

    def _come_back(self, ended_at: int, moment: Moment, out: Outcome, *, taken_out: bool = False) -> None:
        """The village is not lost any more. What was held back is looked at."""
        alert = self.link.back(moment.now)
        if alert is not None:
            out.back = Back(alert, ended_at, taken_out)
            out.ask_all(self.subjects, moment.now)

    def _conclude_absence(self, moment: Moment, out: Outcome) -> None:
        """Say of an absence, once what was buffered is there, whether the gateway ran meanwhile."""
        absence = self.link.absence
        if absence is None or not self.recall.is_read:
            return
        until = self.link.catching_up_until(moment.monotonic)
        if until is not None:
            out.ask(self.link, moment.now + until - moment.monotonic)
            return
        likely = self.link.conclude(absence)
        if likely is not None:
            out.changes.explained(absence.alert, likely, moment.now)

    # Subjects

    def _look_at(self, subject: Subject, moment: Moment, out: Outcome) -> None:
        match subject:
            case WatchedFacility(facility=facility) if self.facilities.get(facility.id) is subject:
                self._look_at_facility(subject, moment, out)
            case WatchedDevice(device=device) if self.devices.get(device.id) is subject:
                decide(self, subject, OF_DEVICES, moment, out)
            case WatchedGateway():
                decide(self, subject, OF_GATEWAYS, moment, out)
            case Link() if subject is self.link:
                self._look_at_link(moment, out)
                self._look_at_evidence(moment.now, out)

    def _look_at_evidence(self, now: int, out: Outcome) -> None:
        """Have those facilities looked at whose state may have changed although nothing came: one deadline for all.

        Most times that come are those at which a reading would have ceased to hold, had it not been repeated.
        """
        link, facilities = self.link, self.facilities.values()
        holds_until = link.evidence_until
        if not link.checked <= now < self.recent.gateways_change_after(link.checked):  # a gateway fell silent
            holds_until = FOREVER  # the look at each says until when
            for facility in facilities:
                out.ask(facility, now)
        elif now >= holds_until:
            holds_until = FOREVER
            by_gateways = self.recent.gateways_change_after(min((each.checked for each in facilities), default=now))
            for facility in facilities:
                own = self._own_changes_after(facility, facility.checked)
                if facility.goes_on(now, min(own, by_gateways)):
                    holds_until = min(holds_until, own)
                else:
                    out.ask(facility, now)
        link.check(now, holds_until)
        out.ask(link, min(holds_until, self.recent.gateways_change_after(now)))

    def _look_at_all(self, moment: Moment, out: Outcome, dirty_from: int = FOREVER) -> None:
        """Look at all subjects. The facilities are judged again from `dirty_from` on."""
        for facility in self.facilities.values():
            self._look_at_facility(facility, moment, out, dirty_from)
        for subject in (*self.devices.values(), *self.gateways.values(), self.link):
            self._look_at(subject, moment, out)

    def _look_at_facility(
        self, facility: WatchedFacility, moment: Moment, out: Outcome, dirty_from: int = FOREVER
    ) -> None:
        """Judge again what may have changed since the last look, and decide."""
        if not self.recall.is_read:
            return
        now = moment.now
        start = facility.take_dirty(now, self._changes_after(facility, facility.checked), dirty_from)
        if start is not None:
            planned = self.planned_for(facility.facility.id)
            before = facility.spans
            facility.judge(self.site, self.recent, planned, start, now, out)
            if facility.spans is not before:
                follow_spans(facility, now, out)
        # Nobody is told of what missing mains power excuses
        missing = bool(without_mains(self.site, facility.facility, self.recent.evidence, (now, now + 1)))
        if facility.note_mains(missing=missing):
            without = sorted(name for name, each in self.facilities.items() if each.without_mains)
            out.changes.mains_out(self.code, without)
        decide(self, facility, OF_FACILITIES, moment, out)
        holds_until = self._own_changes_after(facility, now)
        if self.link.await_evidence(holds_until):
            out.ask(self.link, holds_until)

    def _changes_after(self, facility: WatchedFacility, time: int) -> int:
        """Returns the first moment after `time` at which a facility's state may change although nothing more comes."""
        return min(self._own_changes_after(facility, time), self.recent.gateways_change_after(time))

    def _own_changes_after(self, facility: WatchedFacility, time: int) -> int:
        """Returns the same by its own evidence and plan, without the gateways."""
        return min(self.recent.own_changes_after(facility.facility, time), facility.plan_until)

    # What the telemetry store answers

    def take_memory(self, found: Recalled, start: int, first_spans: Mapping[str, int], moment: Moment) -> Outcome:
        """Take over its memory, read from event time `start` on.

        `first_spans`: where its facilities' spans begin in the database, if a facility is to be judged as a whole.
        """
        out, recent, recall, was_read = Outcome(), self.recent, self.recall, self.recall.is_read
        unheard_from = self.unheard_from
        for key, time in found.first.items():
            note_first_report(self, key, time, moment, out)
        new_from = recent.absorb(found.tracks, start)
        for device, signal, time, value in self.history.held(start):  # too early for memory when it came
            if recent.insert((device, signal), time, value, moment.now):
                new_from = min(new_from, time)
            if time >= recent.covers:
                note_first_report(self, (device, signal), time, moment, out)
        for (device, signal), (time, _) in found.latest.items():
            if device in self.devices:
                recent.note_report(device, signal, time, moment.now)
            else:
                self.gateway(device).beat(time)
        # What the store has before the broker brings it will change nothing when it comes, unless it is late by then
        dirty_from = min(recall.answered(moment.now), max(new_from, recent.covers))
        self._note_who_spoke()
        self.note_dark_in_memory(unheard_from, out)
        if not was_read:
            dirty_from = min(dirty_from, self._resumes_from(first_spans))
            if self.judged_until is None:
                self.judged_until = moment.now  # what is older and not judged yet is in the snapshot
        self.needs_snapshot = self.first_known = True
        self.history.first_reports_read()
        # Of what is marked, the part that memory covers now is judged from memory
        marked = [max(begin, recent.covers) for begin, end in self.history.marked if end > recent.covers]
        dirty_from = min([dirty_from, *marked])
        if dirty_from < recent.covers:
            self.sure_from = recent.covers
            self.history.mark(dirty_from, recent.covers, moment.monotonic, now=True)
        if not self.history.pending:
            self._finish_history(moment, out)
        self._look_at_all(moment, out, min(max(dirty_from, recent.covers), moment.now))
        return out

    def _resumes_from(self, first_spans: Mapping[str, int]) -> int:
        """Returns from when on it has to be judged again.

        `first_spans`: where the spans of each facility begin in the database. A facility that lost a device may now be
        judged from later on: what was judged before that has to go.
        """
        resumed = FOREVER if self.judged_until is None else self.judged_until - OVERLAP
        if self.judged_until is not None and not self.rejudge:
            return resumed
        begins = [judged_from(self.site, each.facility, self.recent.evidence) for each in self.facilities.values()]
        begins += [first_spans.get(facility) for facility in self.rejudge]
        begins.append(expected_from(self.site, self.recent.first))
        self.judging_whole |= bool(self.rejudge)
        self.rejudge = set()
        return min((moment for moment in (*begins, resumed) if moment is not None), default=FOREVER)

    def _note_who_spoke(self) -> None:
        """Find reports, and evidence, of devices with an open alert about the want of it: they may end the alert."""
        for name, device in self.devices.items():
            for kind in (Kind.DEVICE_SILENT, Kind.NO_EVIDENCE):
                alert, evidence = device.alerts.get(kind), kind is Kind.NO_EVIDENCE
                for time in () if alert is None else self.recent.reports_after(name, alert.began_at, evidence=evidence):
                    device.note(kind, time)

    def go_on_without(self, first_spans: Mapping[str, int], moment: Moment) -> Outcome:
        """The store has not answered in time: judge from what arrives alone. `first_spans` as in `take_memory`.

        What nobody has judged yet is history: it is judged once the store answers, maybe by another engine.
        """
        out, now = Outcome(), moment.now
        self.recall.miss(self._resumes_from(first_spans))
        self.history.mark(self.recall.missed, now, moment.monotonic, now=True)
        self.recall.go_without(now)
        self.recent.begin(now)
        self.judged_until, self.sure_from, self.needs_snapshot = now, self.recent.covers, True
        self._look_at_all(moment, out)
        return out

    def take_rebuilt(self, rebuilt: Rebuilt, moment: Moment) -> Outcome:
        """Take over a stretch of history that was judged again and written."""
        out, unheard_from = Outcome(), self.unheard_from
        learned = [note_first_report(self, key, time, moment, out) for key, time in rebuilt.first.items()]
        for gateway, time in rebuilt.newest.items():
            self.gateway(gateway).beat(time)
            self.changed = True
        self.note_dark(rebuilt.window, rebuilt.heard, unheard_from, out)
        for name, spans in rebuilt.spans.items():
            facility = self.facilities[name]
            if spans is not None:
                facility.know_spans(spans)
            decide(self, facility, OF_FACILITIES, moment, out, rebuilt.failed.get(name))
        self.history.judged(rebuilt.took, moment.monotonic)
        if any(learned) or (rebuilt.spans and rebuilt.window[1] >= self.recent.covers):
            self._look_at_all(moment, out, self.recent.covers)
        if not self.history.pending:
            self._finish_history(moment, out)
        return out

    def take_arrival(self, arrival: Arrival, moment: Moment) -> None:
        """Take the collector's note that late data was stored."""
        self.want_snapshot()
        self.history.expect_first_reports()
        self.history.mark(arrival.first, arrival.last + 1 + self.recent.reach, moment.monotonic)
        if arrival.last >= self.recent.start:  # it bears on what is judged from memory, which does not have it
            self.recall.want(missed_from=arrival.first)

    def give_up(self, monotonic: int) -> None:
        """Wait no more for acknowledgements that were passed over."""
        if self.history.give_up(monotonic):
            self.want_snapshot()

    def finish_history(self, moment: Moment) -> Outcome:
        """All that was marked to be judged again lies in what memory covers."""
        out = Outcome()
        self._finish_history(moment, out)
        return out

    def _finish_history(self, moment: Moment, out: Outcome) -> None:
        """All history of the village is judged: failures count from where they began."""
        self.want_snapshot()
        self.judging_whole = False
        if self.sure_from:
            self.sure_from = 0
            for facility in self.facilities.values():
                facility.count_anew()
            self._look_at_all(moment, out)

    # What the database says

    def attach(self, alert: OpenAlert) -> bool:
        """Know an alert that is open in the database, but a `village_offline`. Returns False if its subject is gone."""
        subject = self.subject_of(alert)
        if subject is None:
            return False
        subject.attach(alert.kind, alert)
        return True

    def resume(self, link: tuple[str, int | None, int | None] | None, moment: Moment) -> Outcome:
        """The inbox was replayed. From here on holds what the database says of the link, since when, and when something
        last arrived (`None`: it says nothing)."""
        out = Outcome()
        if link is not None:
            self.link.restore(*link)
        else:
            self.link.forget_arrivals()
        if self.recall.is_read:
            for facility in self.facilities.values():
                facility.touch(self.recent.covers)
            out.ask_all(self.subjects, moment.now)
        return out

    # The registry

    def register(self, village: Village, moment: Moment) -> Outcome:
        """The registry has it changed."""
        out = Outcome()
        if self.waits:
            out.changes.waiting(self.code, [])
        for alert in self.take_over(village, moment.now):
            out.changes.taken_out(alert, moment.now)
        self.recall.forget()
        self.changed = True
        self.recall.want(moment.monotonic)
        return out

    def take_out(self, moment: Moment) -> Outcome:
        """The registry has it no more."""
        out = Outcome()
        for alert in [alert for subject in self.subjects for alert in subject.alerts.values()]:
            out.changes.taken_out(alert, moment.now)
        self._come_back(moment.now, moment, out, taken_out=True)
        return out

    def replan(self, planned: Sequence[Planned], moment: Moment) -> Outcome:
        """The declared maintenance has changed."""
        out, now = Outcome(), moment.now
        differing: list[Interval] = [(work.start, work.end) for _, work in set(self.planned) ^ set(planned)]
        self.planned = planned
        for start, end in differing:
            if start < now:
                self.history.mark(start, end, moment.monotonic, now=True)
        first = min((start for start, _ in differing), default=now)
        self.want_snapshot()
        if not self.recall.is_read:
            self.recall.miss(min(first, now))
        for facility in self.facilities.values():
            facility.replan()
            self._look_at_facility(facility, moment, out, min(first, now))
        return out

    def replanned_unseen(self, stretches: Iterable[Interval], moment: Moment) -> None:
        """Maintenance of these stretches was declared, or taken back, while no engine ran."""
        for start, end in stretches:
            self.history.mark(start, min(end, moment.now), moment.monotonic, now=True)
            self.recall.miss(start)
            self.want_snapshot()

    def note_doubts(self, doubts: Mapping[str, tuple[int, ...]], moment: Moment) -> Outcome:
        """When people said otherwise than its sensors, by facility."""
        out = Outcome()
        for name, facility in self.facilities.items():
            if facility.note_doubts(doubts.get(name, ())):
                out.ask(facility, moment.now)
        return out

    # The engine

    def reconnect(self, lost_since: int | None, moment: Moment) -> Outcome:
        """The engine hears the broker again. What was published from `lost_since` on may never come."""
        out = self.stand_still(moment)
        out.ask(self.link, moment.now)
        if lost_since is not None:
            self.recall.lost(lost_since, moment.now, moment.monotonic)
            self.want_snapshot()
        return out

    def stand_still(self, moment: Moment) -> Outcome:
        """The engine was woken far too late: what came meanwhile waits to be taken."""
        self.link.forgive(moment.monotonic)
        return Outcome()

    def set_clock(self, moment: Moment) -> Outcome:
        """The wall clock was set: all deadlines are wrong."""
        out = Outcome()
        for facility in self.facilities.values():
            # What was judged of a time that is yet to come again may come otherwise
            facility.touch(moment.now)
            facility.count_anew()
        out.ask(self.link, moment.now)
        out.ask_all(self.subjects, moment.now)
        return out
