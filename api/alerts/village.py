"""What the engine holds in memory of each village it watches, beside the evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b

from api.alerts.alert import Kind, OpenAlert
from api.alerts.awaited import Awaited
from api.alerts.certainty import Facts, Moment, Sure, certainty
from api.alerts.device import WatchedDevice
from api.alerts.evidence import LIVE, Recent, judged_facilities
from api.alerts.facility import WatchedFacility
from api.alerts.gateway import WatchedGateway
from api.alerts.history import History
from api.alerts.memory import Memory, State
from api.alerts.spans import FOREVER
from api.alerts.subject import Subject
from siaga.model.clock import MINUTE, SECOND
from siaga.model.indicators import terms
from siaga.model.observation import TrackKey
from siaga.model.sites import Device, Facility, Village
from siaga.timeline.judge import PlannedWork
from siaga.wire.batch import LIVE_EDGE

__all__ = ["BOOT", "SETTLE", "Absence", "WatchedVillage", "fingerprint", "take_over", "watched"]

BEHIND = 45 * SECOND
"""A village whose newest reading is older lags: a gateway that lives sends a heartbeat every 30 s."""
SETTLE = 5 * SECOND
"""Wall time without late data after which a gateway that came back has caught up."""
CATCH_UP_WITHIN = 60 * SECOND
"""How long alerts wait at most for a gateway that came back."""
BOOT = MINUTE
"""How long before something arrives of it a gateway may be up again: its heartbeats of then say nothing of before."""


@dataclass(slots=True)
class Absence:
    """Time for which nothing arrived from a village, in event time: its alert's id, and how many heartbeats came of it
    but for the last `BOOT`.

    `settled`: the alert was over by the village's return.
    """

    alert: str
    began: int
    ended: int
    beats: int = 0
    settled: bool = False


@dataclass(slots=True, eq=False)
class WatchedVillage:
    """One village: its evidence, its subjects, its link. Wall times in ms, `quiet_from` and the like monotonic ms.

    `memory`: how complete the evidence is; `awaited`: batches that the store may not have; `rejudge`: facilities whose
    configuration changed; `changed` and `marked`: its row and its snapshot are to be saved; `sure_from`: before this
    the spans are not yet what the evidence says. `heard`: something arrived since the engine began to watch it,
    `arrived`: since its open alert was raised. `first_known`: all first reports are, but for the newest.
    """

    village: Village
    recent: Recent
    listening_since: int
    quiet_from: int
    history: History = field(default_factory=History)
    memory: Memory = field(default_factory=Memory)
    awaited: Awaited = field(default_factory=Awaited)
    facilities: dict[str, WatchedFacility] = field(default_factory=dict)
    devices: dict[str, WatchedDevice] = field(default_factory=dict)
    gateways: dict[str, WatchedGateway] = field(default_factory=dict)
    planned: Sequence[tuple[str | None, PlannedWork]] = ()
    offline: OpenAlert | None = None
    absence: Absence | None = None
    last_arrival: int | None = None
    arrived: bool = False
    heard: bool = False
    newest: int = 0
    returned: int = -FOREVER
    late_at: int = -FOREVER
    link: str = "offline"
    link_since: int | None = None
    judged_until: int | None = None
    rejudge: set[str] = field(default_factory=set)
    sure_from: int = 0
    first_known: bool = False
    trimmed: int = 0
    changed: bool = True
    marked: bool = True
    due: int | None = None

    @property
    def subjects(self) -> list[Subject]:
        """Its facilities, devices and gateways."""
        return [*self.facilities.values(), *self.devices.values(), *self.gateways.values()]

    def planned_for(self, facility: str) -> list[PlannedWork]:
        """The maintenance that excuses a facility."""
        return [work for whom, work in self.planned if whom is None or whom == facility]

    def gateway(self, gateway: str) -> WatchedGateway:
        """What is known of a gateway; a new one from now on."""
        known = self.gateways.get(gateway)
        if known is None:
            known = self.gateways[gateway] = WatchedGateway(village=self.village.code, id=gateway)
        return known

    def subject_of(self, alert: OpenAlert) -> Subject | None:
        """What an open alert is about, but for the village itself; `None`: the registry has it no more."""
        if alert.device is None:
            return self.facilities.get(alert.facility or "")
        if alert.kind is Kind.GATEWAY_BUFFER:
            return self.gateway(alert.device)
        return self.devices.get(alert.device)

    def sure(self, moment: Moment) -> Sure:
        """How certain claims about the village are at a moment."""
        return partial(certainty, self.facts(moment), moment)

    def facts(self, moment: Moment) -> Facts:
        """What bears on that."""
        back_until = self.catching_up_until(moment.monotonic)
        return Facts(
            is_read=self.memory.state is not State.UNREAD,
            is_offline=self.offline is not None,
            behind_until=self.behind_until(moment.now, moment.monotonic),
            back_until=back_until,
            back_since=0 if back_until is None else self.back_since(moment.now, moment.monotonic),
            unheard_before=self.memory.unheard_before,
            sure_from=self.sure_from,
        )

    def arrive(self, gateway: str, now: int, monotonic: int) -> None:
        """Something arrived from a gateway of the village. The first that does may be what it kept of long ago."""
        if not self.heard or monotonic - self.quiet_from > BEHIND:
            self.returned = self.late_at = monotonic
        self.heard = True
        self.quiet_from = monotonic
        self.last_arrival = self.gateway(gateway).last_arrival = now
        self.arrived = self.changed = True

    def set_link(self, link: str, now: int) -> bool:
        """What the link is from now on; whether that is a change."""
        if link == self.link and self.link_since is not None:
            return False
        self.link, self.link_since, self.changed = link, now, True
        return True

    def link_row(self) -> dict[str, object]:
        """What `village_state` says of the link."""
        return {
            "village": self.village.code,
            "link": self.link,
            "since": self.link_since,
            "last_arrival": self.last_arrival,
        }

    def note_times(self, times: Iterable[int], now: int, monotonic: int) -> None:
        """Take note of how late readings came."""
        oldest, newest = FOREVER, 0
        for time in times:
            oldest = min(oldest, time)
            if time <= now:
                newest = max(newest, time)
        if oldest < now - LIVE_EDGE:
            self.late_at = monotonic
        self.newest = max(self.newest, newest)

    def catching_up_until(self, monotonic: int) -> int | None:
        """Until when (monotonic) late data of a gateway that came back is waited for; `None`: it is not."""
        until = min(self.late_at + SETTLE, self.returned + CATCH_UP_WITHIN)
        return until if until > monotonic else None

    def back_since(self, now: int, monotonic: int) -> int:
        """Since when, in wall time, it is back, give or take what the first batch takes."""
        return now - (monotonic - self.returned) - SETTLE

    def behind_until(self, now: int, monotonic: int) -> int | None:
        """The same while all that came is old: more is likely to follow, so nothing is known of now."""
        until = self.quiet_from + SETTLE
        return until if self.newest < now - BEHIND and until > monotonic else None


def fingerprint(village: Village, facility: Facility) -> str:
    """A digest of all that a facility's state follows from beside the evidence."""
    power = [other for other in village.facilities if other.kind == "power"]
    place: tuple[object, ...] = (village.latitude, village.longitude, village.timezone)
    held_to = terms(facility)
    if village.holidays and held_to is not None and "office" in held_to.schedule:
        place += tuple(sorted(village.holidays))
    devices = sorted(device.id for other in village.facilities for device in other.devices)
    judged = (facility.kind, facility.since, facility.needs, facility.schedule, facility.silence)
    said = repr((place, devices, judged, [_said(device) for device in facility.devices], power))
    return blake2b(said.encode(), digest_size=12).hexdigest()


def _said(device: Device) -> tuple[str, str, int, tuple[tuple[str, str], ...]]:
    return device.id, device.adapter.value, device.every, tuple(sorted(device.map.items()))


def watched(village: Village, *, now: int, monotonic: int, first: Mapping[TrackKey, int]) -> WatchedVillage:
    """A village that begins to be watched now, with nothing in memory."""
    found = WatchedVillage(village, Recent(village, 0, first), listening_since=now, quiet_from=monotonic)
    found.memory.hole_seen = monotonic
    take_over(found, village, now)
    found.recent.start = now - LIVE - found.recent.reach
    return found


def take_over(watched_village: WatchedVillage, village: Village, now: int) -> list[OpenAlert]:
    """Take the village as the registry has it now; the open alerts of subjects that are gone."""
    orphans: list[OpenAlert] = []
    watched_village.village = village
    watched_village.marked = True
    watched_village.recent.watch(village)
    facilities: dict[str, WatchedFacility] = {}
    for facility in judged_facilities(village):
        held_to = terms(facility)
        if held_to is None:
            continue
        old = watched_village.facilities.pop(facility.id, None)
        fresh = old or WatchedFacility(village=village.code, facility=facility, terms=held_to)
        fresh.facility, fresh.terms, fresh.plan_until, fresh.trend = facility, held_to, 0, None
        fresh.fingerprint = fingerprint(village, facility)
        facilities[facility.id] = fresh
    devices: dict[str, WatchedDevice] = {}
    for facility in village.facilities:
        for device in facility.devices:
            known = watched_village.devices.pop(device.id, None)
            if known is None:
                known = WatchedDevice(village=village.code, device=device, facility=facility.id, watched=now)
            known.device, known.facility = device, facility.id
            devices[device.id] = known
    gone: list[Subject] = [*watched_village.facilities.values(), *watched_village.devices.values()]
    for subject in gone:
        subject.due = None
        orphans += subject.alerts.values()
    watched_village.facilities, watched_village.devices = facilities, devices
    return orphans
