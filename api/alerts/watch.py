"""What the engine holds in memory of each village it watches, beside the evidence."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from api.alerts.decisions import SILENT_MARGIN, Buffer, CameInstead, ClockSaid
from api.alerts.evidence import LIVE, Recent, judged_facilities
from api.alerts.history import History
from api.alerts.ledger import OpenAlert
from api.alerts.rolling import Trend
from api.alerts.spans import FOREVER
from api.alerts.speaking import Speaking
from api.alerts.under_way import Inheritance, UnderWay
from siaga.model.clock import MINUTE, SECOND
from siaga.model.indicators import Terms, terms
from siaga.model.observation import TrackKey
from siaga.model.sites import Device, Facility, Village
from siaga.timeline.judge import PlannedWork, Span, State
from siaga.wire.batch import LIVE_EDGE

__all__ = [
    "BOOT",
    "Absence",
    "Seen",
    "WatchedDevice",
    "WatchedFacility",
    "WatchedGateway",
    "WatchedVillage",
    "alerts_of",
    "fingerprint",
    "take_over",
    "watched",
]

BEHIND = 45 * SECOND
"""A village whose newest reading is older lags: a gateway that lives sends a heartbeat every 30 s."""
SETTLE = 5 * SECOND
"""Wall time without late data after which a gateway that came back has caught up."""
CATCH_UP_WITHIN = 60 * SECOND
"""How long alerts wait at most for a gateway that came back."""
BOOT = MINUTE
"""How long before something arrives of it a gateway may be up again: its heartbeats of then say nothing of before."""
_SEEN = 256
"""Batches of a gateway that are remembered: many more than it has in flight."""


@dataclass(slots=True, eq=False)
class WatchedFacility:
    """One judged facility. `spans` reach back two days, or to the start of the failed run before.

    `missed` is the open alert about its availability; `trend` says where that stands, `None` after spans changed.
    It was judged up to `checked`, and evidence of `dirty_from` on has come since. `without_mains`: whether a device
    says that grid power is missing now.
    """

    village: "WatchedVillage"
    facility: Facility
    terms: Terms
    spans: list[Span] = field(default_factory=list)
    alert: OpenAlert | None = None
    missed: OpenAlert | None = None
    trend: Trend | None = None
    fingerprint: str = ""
    checked: int = 0
    dirty_from: int = FOREVER
    plan_until: int = 0
    without_mains: bool = False
    due: int | None = None

    def trim(self, before: int) -> None:
        """Forget spans that end before a time, but not the start of a failed run that reaches beyond it."""
        index = next((n for n, span in enumerate(self.spans) if span.end > before), len(self.spans))
        while index and self._fails(index) and self._fails(index - 1):
            index -= 1
        del self.spans[:index]

    def _fails(self, index: int) -> bool:
        span = self.spans[index] if index < len(self.spans) else None
        return span is not None and span.state is State.FAILED and not span.excused


@dataclass(slots=True, eq=False)
class WatchedDevice:
    """One device. `watched`: from when it is to report; `speaking`: what it reported since its alert began.

    `mute` is the open alert about its giving no evidence, `giving` what evidence it gave since that began. `clock` is
    what its gateway last said of its clock, `skew` the open alert about that.
    """

    village: "WatchedVillage"
    device: Device
    watched: int
    alert: OpenAlert | None = None
    speaking: Speaking = field(default_factory=Speaking)
    mute: OpenAlert | None = None
    giving: Speaking = field(default_factory=Speaking)
    clock: ClockSaid | None = None
    skew: OpenAlert | None = None
    due: int | None = None

    def reports(self, time: int) -> bool:
        """Take note of a report, if its alert is about what was before; whether it is."""
        if self.alert is None or time <= self.alert.began_at:
            return False
        self.speaking.note(time, self.allowed)
        return True

    def gives(self, time: int) -> bool:
        """Take note of evidence, if the alert about its want is about what was before; whether it is."""
        if self.mute is None or time <= self.mute.began_at:
            return False
        self.giving.note(time, self.allowed)
        return True

    @property
    def allowed(self) -> int:
        """How long it may be silent, or give no evidence, before it is told of, ms."""
        return 3 * self.device.every + SILENT_MARGIN


class Seen:
    """The last batches of one gateway, to know one that comes again and an acknowledgement of one never seen."""

    def __init__(self) -> None:
        self._order: deque[tuple[str, int]] = deque()
        self._content: dict[tuple[str, int], int] = {}

    def again(self, epoch: str, seq: int, content: int) -> bool:
        """Remember a batch; whether it had been seen, with this content."""
        key = (epoch, seq)
        before = self._content.get(key)
        if before is None:
            self._order.append(key)
            if len(self._order) > _SEEN:
                del self._content[self._order.popleft()]
        self._content[key] = content
        return before == content

    def knows(self, epoch: str, seq: int) -> bool:
        """Whether a batch was seen, whatever it held."""
        return (epoch, seq) in self._content


@dataclass(slots=True, eq=False)
class WatchedGateway:
    """One gateway of a village, as `gateway_state` keeps it; what it says of its buffer, and the alert about that.

    `instead`: what came of devices that speak and say nothing of use.
    """

    village: "WatchedVillage"
    id: str
    status: str | None = None
    status_at: int | None = None
    last_arrival: int | None = None
    last_alive: int | None = None
    seen: Seen = field(default_factory=Seen)
    skewed: Mapping[str, ClockSaid] = field(default_factory=dict)
    instead: Mapping[str, CameInstead] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    buffer: Buffer = field(default_factory=lambda: Buffer(None, 0))
    full: OpenAlert | None = None
    due: int | None = None


@dataclass(slots=True, eq=False)
class Absence:
    """Time for which nothing arrived from a village, in event time: its alert, and how many heartbeats came of it but
    for the last `BOOT`.

    `settled`: the alert was over by the village's return.
    """

    alert: OpenAlert
    began: int
    ended: int
    beats: int = 0
    settled: bool = False


@dataclass(slots=True, eq=False)
class WatchedVillage:
    """One village: its evidence, its subjects, its link. Wall times in ms, `quiet_from` and the like monotonic ms.

    `loaded`: memory is complete from its start on; `reload`: read it again from the store, as evidence since
    `reload_from` may have been missed (`reading_from`: the same of what is being read); `rejudge`: facilities whose
    configuration changed; `changed` and `marked`: its row and its marks are to be saved; `sure_from`: before this the
    spans are not yet what the evidence says. `heard`: something arrived since the engine began to watch it, `arrived`:
    since its open alert was raised; `under_way`: batches that the store may not have; `inherited`: the same of the
    engine before this one; `blind_before`: the store may lack what came before this; `stored`: it has newer;
    `taken_over`: up to when (event time) that had judged, as long as batches that it alone took may still be stored,
    and `unseen_at`: when (monotonic) one was; `first_known`: all first reports are, but for the newest.
    """

    village: Village
    recent: Recent
    listening_since: int
    quiet_from: int
    history: History = field(default_factory=History)
    under_way: UnderWay = field(default_factory=UnderWay)
    inherited: Inheritance | None = None
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
    reload: bool = True
    reload_at: int = 0
    reload_from: int = FOREVER
    reading_from: int = FOREVER
    returned: int = -FOREVER
    late_at: int = -FOREVER
    link: str = "offline"
    link_since: int | None = None
    judged_until: int | None = None
    first_known: bool = False
    rejudge: set[str] = field(default_factory=set)
    loaded: bool = False
    sure_from: int = 0
    blind_before: int = 0
    stored: bool = False
    taken_over: int | None = None
    unseen_at: int = 0
    trimmed: int = 0
    changed: bool = True
    marked: bool = True
    due: int | None = None

    @property
    def subjects(self) -> "list[WatchedFacility | WatchedDevice | WatchedGateway]":
        """Its facilities, devices and gateways."""
        return [*self.facilities.values(), *self.devices.values(), *self.gateways.values()]

    def planned_for(self, facility: str) -> list[PlannedWork]:
        """The maintenance that excuses a facility."""
        return [work for whom, work in self.planned if whom is None or whom == facility]

    def gateway(self, gateway: str) -> WatchedGateway:
        """What is known of a gateway; a new one from now on."""
        return self.gateways.get(gateway) or self.gateways.setdefault(gateway, WatchedGateway(self, gateway))

    def arrive(self, gateway: str, now: int, monotonic: int) -> None:
        """Something arrived from a gateway of the village. The first that does may be what it kept of long ago."""
        if not self.heard or monotonic - self.quiet_from > BEHIND:
            self.returned = self.late_at = monotonic
        self.heard = True
        self.quiet_from = monotonic
        self.last_arrival = self.gateway(gateway).last_arrival = now
        self.arrived = self.changed = True

    def note_reading(self, now: int) -> None:
        """Memory was read. What came while nobody listened may still wait for the store, unless that has newer."""
        if self.stored:
            self.blind_before = 0
        elif not self.loaded:
            self.blind_before = now

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
    found.unseen_at = monotonic
    take_over(found, village, now)
    found.recent.start = now - LIVE - found.recent.reach
    return found


def alerts_of(subject: WatchedFacility | WatchedDevice | WatchedGateway) -> list[OpenAlert]:
    """The open alerts of one subject."""
    match subject:
        case WatchedFacility():
            found = [subject.alert, subject.missed]
        case WatchedDevice():
            found = [subject.alert, subject.mute, subject.skew]
        case WatchedGateway():
            found = [subject.full]
    return [alert for alert in found if alert is not None]


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
        fresh = old or WatchedFacility(watched_village, facility, held_to)
        fresh.facility, fresh.terms, fresh.plan_until, fresh.trend = facility, held_to, 0, None
        fresh.fingerprint = fingerprint(village, facility)
        facilities[facility.id] = fresh
    devices: dict[str, WatchedDevice] = {}
    for facility in village.facilities:
        for device in facility.devices:
            known = watched_village.devices.pop(device.id, None)
            if known is not None:
                known.device = device
            devices[device.id] = known or WatchedDevice(watched_village, device, now)
    gone: list[WatchedFacility | WatchedDevice] = [
        *watched_village.facilities.values(),
        *watched_village.devices.values(),
    ]
    for subject in gone:
        subject.due = None
        orphans += alerts_of(subject)
    watched_village.facilities, watched_village.devices = facilities, devices
    return orphans
