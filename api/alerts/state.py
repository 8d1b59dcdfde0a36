"""What is known of one village: its evidence, its subjects, its link, and how complete all that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Self

from api.alert_records.alert import OpenAlert
from api.alerts.certainty import Facts, Moment, Sure, Waiting, certainty
from api.alerts.device import WatchedDevice
from api.alerts.facility import WatchedFacility
from api.alerts.flapping import Raises
from api.alerts.gateway import WatchedGateway
from api.alerts.history import History
from api.alerts.link import Link
from api.alerts.outcome import Outcome
from api.alerts.recall import Recall
from api.alerts.subject import Subject
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.model.indicators import terms
from siaga.model.intervals import Interval, clip, merge, stretches, subtract
from siaga.model.observation import TrackKey
from siaga.model.sites import Village
from siaga.timeline.dark import Darkness, expected_from
from siaga.timeline.fingerprint import fingerprint
from siaga.timeline.judge import GATEWAY_HEARD, PlannedWork, gateway_heard
from siaga.timeline.maintenance import Planned
from siaga.timeline.recent import LIVE, Recent, judged_facilities
from siaga.timeline.span_algebra import FOREVER

__all__ = ["VillageRow", "VillageState"]


class VillageRow(NamedTuple):
    """The row of a village in `village_state`: its link, and until when it is judged."""

    village: str
    link: str
    since: int
    last_arrival: int | None
    judged_until: int | None


@dataclass(slots=True, eq=False)
class VillageState:
    """One village. Wall times in ms. The kinds of alerts only read it.

    `site`: the village as the registry has it. `recent`: its memory. `recall`: how complete that is. `history`: what
    late data bears on. `raises`: when its alerts were raised in the last hour. `rejudge`: facilities whose
    configuration is not the one that they were judged under.
    `judging_whole`: the history of such facilities is being judged.
    `sure_from`: earlier spans are not yet what the evidence says. `judged_until`: some engine judged all up to then.
    `first_known`: all first reports are known, but for the newest. `changed`: its row is to be saved.
    `needs_snapshot`: so is its snapshot. `waits`: which alerts wait until enough is known.
    """

    site: Village
    recent: Recent
    link: Link
    recall: Recall
    history: History = field(default_factory=History)
    raises: Raises = field(default_factory=Raises)
    facilities: dict[str, WatchedFacility] = field(default_factory=dict)
    devices: dict[str, WatchedDevice] = field(default_factory=dict)
    gateways: dict[str, WatchedGateway] = field(default_factory=dict)
    planned: Sequence[Planned] = ()
    judged_until: int | None = None
    rejudge: set[str] = field(default_factory=set)
    judging_whole: bool = False
    sure_from: int = 0
    first_known: bool = False
    changed: bool = True
    needs_snapshot: bool = True
    waits: Waiting = field(default_factory=Waiting)
    _trimmed: int = 0

    @property
    def code(self) -> str:
        """The village's code."""
        return self.site.code

    @property
    def subjects(self) -> list[Subject]:
        """Its facilities, devices and gateways."""
        return [*self.facilities.values(), *self.devices.values(), *self.gateways.values()]

    def planned_for(self, facility: str) -> list[PlannedWork]:
        """Returns the maintenance that excuses a facility."""
        return [work for whom, work in self.planned if whom is None or whom == facility]

    def gateway(self, gateway: str) -> WatchedGateway:
        """Returns what is known of a gateway. A new one is watched from here on."""
        known = self.gateways.get(gateway)
        if known is None:
            known = self.gateways[gateway] = WatchedGateway(village=self.code, device_id=gateway)
        return known

    def subject_of(self, alert: OpenAlert) -> Subject | None:
        """Returns what an open alert is about, other than the village itself; `None`: the registry no longer has it."""
        if alert.device is None:
            return self.facilities.get(alert.facility or "")
        if alert.kind == Kind.GATEWAY_BUFFER:
            return self.gateway(alert.device)
        return self.devices.get(alert.device)

    def mains(self, now: int) -> dict[str, object]:
        """Returns, as evidence, whether there was mains power when it was last said; nothing where nobody says."""
        tracks = (track for (_, signal), track in self.recent.tracks.items() if signal == "mains")
        said = [last for track in tracks if (last := track.at(now))]
        return {"mains": "out" if any(value is False for _, value in said) else "present"} if said else {}

    @property
    def has_questions(self) -> bool:
        """Whether there is anything to ask the telemetry store for, or to give up."""
        return self.recall.wanted or self.history.is_open

    # When it is dark

    @property
    def last_heartbeat(self) -> int | None:
        """The newest heartbeat of its gateways, as far as it is known."""
        known = [gateway.last_alive for gateway in self.gateways.values()]
        return max((time for time in (*known, self.recent.last_heartbeat) if time is not None), default=None)

    @property
    def unheard_from(self) -> int | None:
        """From when on no heartbeat is known to hold: after the last one, or from when one was expected.

        `None`: nothing was expected yet, or it is not known when the last one was, as in a replay.
        """
        last = self.last_heartbeat
        if last is not None:
            return last + GATEWAY_HEARD
        return None if self.recent.heard_before(FOREVER) else expected_from(self.site, self.recent.first)

    def note_dark(self, window: Interval, heard: Sequence[Interval], unheard_from: int | None, out: Outcome) -> None:
        """Note what is dark by all heartbeats of a window, of which the newest may be new.

        `heard`: when in the window a gateway was heard. `unheard_from`: as it was before they were known. What lies
        between that and the window is dark, too.
        """
        last, expected = self.last_heartbeat, expected_from(self.site, self.recent.first)
        if last is None or expected is None:
            return
        start = window[0] if unheard_from is None else min(window[0], unheard_from)
        end = min(window[1], last)
        if start < end:
            dark = subtract(clip([(expected, last)], start, end), heard)
            out.changes.found_dark(self.code, Darkness((start, end), dark))

    def note_dark_in_memory(self, unheard_from: int | None, out: Outcome, beats: Sequence[int] = ()) -> None:
        """Note what is dark from where memory covers on, where a snapshot leaves out no heartbeat.

        `beats`: those that have just come, in order; some may be history.
        """
        last = self.last_heartbeat
        if last is None:
            return
        window = (self.recent.covers, last)
        if not self.recall.is_read:  # until it is read it says nothing of what was before
            if unheard_from is None:
                return
            window = (max(window[0], unheard_from), last)
        heard = gateway_heard(self.site, self.recent.evidence, (-FOREVER, last))
        self.note_dark(window, merge([*heard, *stretches(beats, GATEWAY_HEARD)]), unheard_from, out)

    # What is certain

    def sure(self, moment: Moment) -> Sure:
        """Returns how certain claims about the village are at a moment."""
        link, now, monotonic = self.link, moment.now, moment.monotonic
        facts = Facts(
            is_read=self.recall.is_read,
            is_offline=link.alert is not None,
            behind_until=link.behind_until(monotonic, self.site.offline_after),
            back_until=link.catching_up_until(monotonic),
            back_since=link.back_since(now, monotonic),
            unheard_before=self.recall.unheard_before,
            sure_from=self.sure_from,
        )
        return partial(certainty, facts, moment)

    # What changes it

    def want_snapshot(self) -> None:
        """Its snapshot is to be saved."""
        self.needs_snapshot = True

    def take_link(self) -> dict[str, object] | None:
        """Returns its row in `village_state` if its link has changed: that is written with what else changes."""
        if not self.link.take_changed():
            return None
        self.changed = True
        return {"village": self.code, **self.link.row()._asdict()}

    def row(self) -> VillageRow:
        """Returns its row in `village_state`."""
        return VillageRow(self.code, *self.link.row(), self.judged_until)

    def saved(self, *, with_snapshot: bool) -> None:
        """Its row was saved."""
        self.changed = False
        self.needs_snapshot &= not with_snapshot

    def restore(self, judged_under: Mapping[str, str], sure_from: int = 0) -> None:
        """Take over by which configuration (a fingerprint) each facility was judged, and `sure_from`."""
        self.rejudge = {
            name for name, facility in self.facilities.items() if judged_under.get(name) != facility.fingerprint
        }
        self.sure_from = sure_from

    def note_judged(self, moment: Moment) -> None:
        """All that was said until now was judged, unless more of it may be at the broker or at a gateway."""
        listens = self.recall.is_read and moment.listening_from is not None
        if listens and self.link.catching_up_until(moment.monotonic) is None:
            self.judged_until = moment.now

    def trim(self, now: int) -> None:
        """Forget what no live judgement needs, but not while a stretch that ends where memory begins is judged."""
        if now - self._trimmed >= MINUTE and self.history.taken is None:
            self._trimmed = now
            self.recent.trim(now)

    def take_over(self, village: Village, now: int) -> list[OpenAlert]:
        """Take the village as the registry has it now. Returns the open alerts of subjects that are gone."""
        self.site, self.needs_snapshot = village, True
        self.waits.clear()
        if self.recent.village is not village:
            self.recent.watch(village)
        facilities: dict[str, WatchedFacility] = {}
        for facility in judged_facilities(village):
            held_to = terms(facility)
            if held_to is not None:
                known = self.facilities.pop(facility.id, None)
                known = known or WatchedFacility(
                    village=village.code, facility_id=facility.id, facility=facility, terms=held_to
                )
                if known.configure(facility, held_to, fingerprint(village, facility)):
                    self.rejudge.add(facility.id)
                facilities[facility.id] = known
        devices: dict[str, WatchedDevice] = {}
        for facility in village.facilities:
            for device in facility.devices:
                found = self.devices.pop(device.id, None)
                found = found or WatchedDevice(village=village.code, device_id=device.id, device=device, watched=now)
                found.configure(device, facility.id)
                devices[device.id] = found
        gone: list[Subject] = [*self.facilities.values(), *self.devices.values()]
        self.facilities, self.devices = facilities, devices
        return [alert for subject in gone for alert in subject.alerts.values()]

    @classmethod
    def new(
        cls,
        village: Village,
        now: int,
        monotonic: int,
        first: Mapping[TrackKey, int],
        planned: Sequence[Planned] = (),
        judged_until: int | None = None,
    ) -> Self:
        """Returns a village that begins to be watched now, with nothing in memory. All of it is to be judged."""
        recent = Recent(village, 0, first)
        found = cls(
            village,
            recent,
            Link(village=village.code, listening_since=now, quiet_from=monotonic),
            Recall(hole_seen=monotonic),
            planned=planned,
            judged_until=judged_until,
            first_known=judged_until is not None,
        )
        found.take_over(village, now)
        recent.begin(now - LIVE - recent.reach)
        return found
