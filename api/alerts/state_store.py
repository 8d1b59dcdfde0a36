"""What the engine takes from the database when it starts, and the marks that it leaves there for its successor."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field
from sqlalchemy import RowMapping

from api.alerts.decisions import Kind
from api.alerts.flapping import WITHIN
from api.alerts.ledger import Changes, Ledger, OpenAlert
from api.alerts.life import Moment
from api.alerts.live import Live
from api.alerts.maintenance import AHEAD, MaintenanceWindow, mains_key, planned, stretches
from api.alerts.outages import lost_villages
from api.alerts.spans import FOREVER
from api.alerts.succession import OVERLAP
from api.alerts.tail import KEPT
from api.alerts.under_way import Inheritance, Range, UnderWay
from api.alerts.watch import WatchedVillage, alerts_of, take_over, watched
from siaga.database.registry import Registry
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.intervals import Interval, merge
from siaga.model.observation import Track, TrackKey
from siaga.model.signals import Value
from siaga.model.sites import Village
from siaga.timeline.judge import Span

__all__ = ["StateKeeper", "VillageMarks"]

SAVE_EVERY = 10 * SECOND
"""How much a successor has to judge again at most, beside `OVERLAP`."""
TAIL = KEPT + HOUR
"""How far back the spans are read at the start: beyond what memory can cover, and as far as they are kept."""
_ARRIVALS = "arrivals_since"
_MAINTENANCE = "maintenance"
"""The ids of the declarations that history was judged by."""


class BeyondStore(BaseModel):
    """What the engine knew of a village while the store lacked batches (`api.alerts.under_way`).

    `until`: up to when it had judged (event time); `words`: by device and signal the last observations; `reported`:
    when each device last reported; `gave`: when it last gave evidence.
    """

    until: int
    batches: list[Range]
    words: list[tuple[str, str, list[tuple[int, Value]]]]
    reported: dict[str, int]
    gave: dict[str, int] = Field(default_factory=dict)


class VillageMarks(BaseModel):
    """What `engine_state` keeps of a village.

    `since`: when the centre began to listen; `devices`: from when each device is expected to report; `facilities`: the
    fingerprint that each facility was judged under; `unfinished`: stretches of history still to be judged again;
    `beyond`: what was known beyond the store.
    """

    since: int
    devices: dict[str, int] = Field(default_factory=dict)
    facilities: dict[str, str] = Field(default_factory=dict)
    unfinished: list[tuple[int, int]] = Field(default_factory=list)
    beyond: BeyondStore | None = None


class StateKeeper:
    """Begins to watch villages, follows the registry, and saves marks."""

    def __init__(self, registry: Registry, ledger: Ledger, villages: dict[str, WatchedVillage], live: Live) -> None:
        self._registry, self._ledger, self._villages, self._live = registry, ledger, villages, live
        self._versions = (-1, -1, -1)
        self._maintenance: Sequence[MaintenanceWindow] = ()
        self._replan_at = 0
        self._applied: list[str] | None = None
        self._replanned: list[WatchedVillage] = []
        self.save_at = 0

    def open(self, moment: Moment) -> int:
        """Begin to watch all villages; from when on arrivals may not have been followed (wall time).

        Raises:
            DBAPIError: the database is away.
        """
        self._villages.clear()
        versions, villages = self._ledger.versions(), self._registry.villages()
        states, values = self._ledger.states()
        first = self._ledger.first_reports()
        tails = self._ledger.span_tails(moment.now - TAIL)
        self._maintenance = self._ledger.maintenance()
        self._replan_at = moment.now + DAY
        for village in villages:
            marks = values.get(_key(village.code))
            known = VillageMarks.model_validate(marks) if marks is not None else None
            begun = self._begin(village, moment, first.get(village.code, {}), states.get(village.code), known)
            _note_mains(begun, values.get(mains_key(village.code)))
        for (code, facility), spans in tails.items():
            self._take_spans(code, facility, spans)
        for alert in self._ledger.open_alerts():
            if not self.attach(alert):  # its subject was taken out of the registry while no engine saw it
                self._live.changes.taken_out(alert, moment.now)
        for kind, subject, at in self._ledger.raised_since(moment.now - WITHIN):
            self._live.raises.note(kind, subject, at)
        self._catch_up_maintenance(values.get(_MAINTENANCE), moment)
        self._versions = versions
        self.save_at = moment.monotonic
        since = values.get(_ARRIVALS)
        return since if isinstance(since, int) else moment.now - OVERLAP

    def refresh(self, moment: Moment) -> list[WatchedVillage]:
        """Follow the registry and the maintenance windows; the villages whose memory has to be read.

        Raises:
            DBAPIError: the database is away.
        """
        versions, before = self._ledger.versions(), self._versions
        if versions == before and moment.now < self._replan_at:
            return []
        if versions[0] == before[0]:
            self._refresh_planned(moment)
            self._versions = versions
            return []
        changed = []
        found = {village.code: village for village in self._registry.villages()}
        for code in self._villages.keys() - found.keys():
            self._end(self._villages.pop(code), moment)
        for code, village in found.items():
            known = self._villages.get(code)
            if known is None:
                changed.append(self._begin(village, moment, {}, None, None))
            elif known.village != village:
                self._change(known, village, moment)
                changed.append(known)
        self._versions = versions
        self.save_at = moment.monotonic
        self._refresh_planned(moment, registry_changed=True)
        return changed

    def take_replanned(self) -> list[WatchedVillage]:
        """The villages of which maintenance changed since the last call: their history was marked."""
        replanned, self._replanned = self._replanned, []
        return replanned

    def attach(self, alert: OpenAlert) -> bool:
        """Give an open alert of the database to its subject; whether that is watched."""
        village = self._villages.get(alert.village)
        if alert.kind is not Kind.VILLAGE_OFFLINE:
            return village is not None and _attach(alert, village)
        self._live.outages.opened(alert)
        for code in lost_villages(alert):
            if (lost := self._villages.get(code)) is not None:
                lost.offline, lost.arrived = alert, False
        return True

    def save(self, moment: Moment, followed: int, *, everything: bool = False) -> None:
        """Write the marks of the villages that changed. `followed`: up to when (wall time) arrivals were followed.

        Raises:
            DBAPIError: the database is away.
        """
        villages, gateways = [], []
        values: dict[str, object] = {}
        for code, village in self._villages.items():
            if _judges_now(village, moment):
                village.judged_until = moment.now
            if village.changed or everything or village.loaded:
                villages.append(_village_row(village))
            if village.changed or everything:
                gateways += _gateway_rows(code, village)
            if village.marked or _to_be_marked(village):
                values[_key(code)] = _marks(village, moment).model_dump()
        values |= {_ARRIVALS: self._arrivals_since(followed)}
        applied = [window.id for window in self._maintenance]
        if applied != self._applied:
            values[_MAINTENANCE] = applied
        self._ledger.save_states(villages, gateways, values)
        self._applied = applied
        for village in self._villages.values():
            village.changed = False
            village.marked = _to_be_marked(village)  # once more when it is not
            village.under_way.age()
        self.save_at = moment.monotonic + SAVE_EVERY

    def leave_marks(self, changes: Changes, moment: Moment) -> None:
        """Leave with spans that are about to be written what a successor needs to go on from them without the store."""
        changes.marks.clear()  # of an attempt that the database did not take: since then some may have been stored
        for code in {village for village, _ in changes.spans}:
            village = self._villages.get(code)
            if village is not None and village.under_way.lasting:
                changes.marks[_key(code)] = _marks(village, moment).model_dump()
                village.marked = True  # so that they are taken back when they are not true any more

    def _arrivals_since(self, followed: int) -> int:
        """From when on a successor has to look for late data: also before the oldest batch that still waits."""
        waiting = [since for v in self._villages.values() if (since := v.history.waiting_since()) is not None]
        return min([followed, *waiting]) - MINUTE

    def _begin(
        self,
        village: Village,
        moment: Moment,
        first: Mapping[TrackKey, int],
        state: RowMapping | None,
        marks: VillageMarks | None,
    ) -> WatchedVillage:
        found = watched(village, now=moment.now, monotonic=moment.monotonic, first=first)
        found.planned = planned(self._maintenance, village, moment.now + AHEAD)
        if state is not None:
            found.link, found.link_since = state["link"], state["since"]
            found.last_arrival, found.judged_until = state["last_arrival"], state["judged_until"]
            found.taken_over = found.judged_until
            found.first_known = found.judged_until is not None
        else:
            found.link_since = moment.now
        if marks is not None:
            found.listening_since = marks.since
            for device in found.devices.values():
                device.watched = marks.devices.get(device.device.id, device.watched)
            found.history.queue = list(marks.unfinished)
            if marks.beyond is not None:
                _inherit(found, marks.beyond, moment)
        judged_before = marks.facilities if marks is not None else {}
        for facility in found.facilities.values():
            if judged_before.get(facility.facility.id) != facility.fingerprint:
                found.rejudge.add(facility.facility.id)
        self._villages[village.code] = found
        self._live.deadlines.ask(found, moment.now)
        return found

    def _take_spans(self, code: str, facility: str, spans: list[Span]) -> None:
        village = self._villages.get(code)
        watched_facility = village.facilities.get(facility) if village is not None else None
        if watched_facility is None:
            return
        # What a failed run began with may lie before: it is read when it matters
        start = spans[0].start
        watched_facility.spans = self._ledger.spans(code, facility, start) if spans[0].state == "failed" else spans

    def _change(self, known: WatchedVillage, village: Village, moment: Moment) -> None:
        before = {name: facility.fingerprint for name, facility in known.facilities.items()}
        for alert in take_over(known, village, moment.now):
            self._live.changes.taken_out(alert, moment.now)
        for name, facility in known.facilities.items():
            if before.get(name) != facility.fingerprint:
                known.rejudge.add(name)
        known.loaded = False
        known.changed = True

    def _end(self, village: WatchedVillage, moment: Moment) -> None:
        """A village is in the registry no more: its alerts are over, and nothing of it is looked at again."""
        for alert in [alert for subject in village.subjects for alert in alerts_of(subject)]:
            self._live.changes.taken_out(alert, moment.now)
        if village.offline is not None:
            if lost_villages(village.offline) == [village.village.code]:
                village.offline.evidence["taken_out"] = True
            self._live.back(village, village.offline, moment.now, moment.now)
        for one in (village, *village.subjects):
            one.due = None

    def _refresh_planned(self, moment: Moment, *, registry_changed: bool = False) -> None:
        windows = self._ledger.maintenance()
        if windows == self._maintenance and moment.now < self._replan_at and not registry_changed:
            return
        if windows != self._maintenance:
            self.save_at = moment.monotonic  # with what is to be judged again by them
        self._maintenance, self._replan_at = windows, moment.now + DAY
        for village in self._villages.values():
            new = planned(windows, village.village, moment.now + AHEAD)
            if new != village.planned:
                differing = set(village.planned) ^ set(new)
                village.planned = new
                self._judge_anew(village, [(work.start, work.end) for _, work in differing], moment)

    def _judge_anew(self, village: WatchedVillage, stretches: Sequence[Interval], moment: Moment) -> None:
        """What is planned for these stretches has changed."""
        for start, end in stretches:
            if start < moment.now:
                village.history.mark(start, end, moment.monotonic, now=True)
        self._replanned.append(village)
        first = min((start for start, _ in stretches), default=moment.now)
        if not village.loaded:
            village.reload_from = min(village.reload_from, first)
        for facility in village.facilities.values():
            facility.plan_until = 0
            self._live.look_at_facility(facility, moment, min(first, moment.now))

    def _catch_up_maintenance(self, applied: object, moment: Moment) -> None:
        """Mark what was declared, or taken back, while no engine was there to see it."""
        if not isinstance(applied, list):
            return
        known = {str(one) for one in applied}
        differing = known ^ {window.id for window in self._maintenance}
        if not differing:
            return
        for window in self._ledger.maintenance(differing):
            for village in self._villages.values():
                if window.concerns(village.village):
                    for start, end in stretches(window, village.village.timezone, moment.now):
                        village.history.mark(start, min(end, moment.now), moment.monotonic, now=True)
                        village.reload_from = min(village.reload_from, start)


def _note_mains(village: WatchedVillage, value: object) -> None:
    """Take over which facilities a predecessor left as without mains power; the next look at each corrects it."""
    for name in value if isinstance(value, list) else ():
        if name in village.facilities:
            village.facilities[str(name)].without_mains = True


def _attach(alert: OpenAlert, village: WatchedVillage) -> bool:
    """Give an alert to a gateway, a device or a facility of its village, if that is there."""
    if alert.kind is Kind.GATEWAY_BUFFER and alert.device is not None:
        village.gateway(alert.device).full = alert
    elif alert.device is not None:
        device = village.devices.get(alert.device)
        if device is None:
            return False
        if alert.kind is Kind.CLOCK_SKEW:
            device.skew = alert
        elif alert.kind is Kind.NO_EVIDENCE:
            device.mute = alert
        else:
            device.alert = alert
    else:
        facility = village.facilities.get(alert.facility or "")
        if facility is None:
            return False
        if alert.kind is Kind.INDICATOR_MISSED:
            facility.missed = alert
        else:
            facility.alert = alert
    return True


def _key(code: str) -> str:
    return f"village/{code}"


def _judges_now(village: WatchedVillage, moment: Moment) -> bool:
    """Whether all that was said until now was judged; what was kept for the engine, or at a gateway, may still come."""
    listens = village.loaded and moment.listening_from is not None
    return listens and village.catching_up_until(moment.monotonic) is None


def _to_be_marked(village: WatchedVillage) -> bool:
    """Whether there is something in a village's marks that changes as time goes by."""
    missed = min(village.reload_from, village.reading_from) < FOREVER
    return missed or not village.history.is_finished or village.under_way.lasting or village.inherited is not None


def _marks(village: WatchedVillage, moment: Moment) -> VillageMarks:
    return VillageMarks(
        since=village.listening_since,
        devices={name: device.watched for name, device in village.devices.items()},
        facilities={
            name: facility.fingerprint for name, facility in village.facilities.items() if name not in village.rejudge
        },
        unfinished=_unfinished(village),
        beyond=_beyond_store(village, moment),
    )


def _beyond_store(village: WatchedVillage, moment: Moment) -> BeyondStore | None:
    inherited = village.inherited
    if inherited is None and not village.under_way.lasting:
        return None
    until = village.judged_until if inherited is None else inherited.until
    if _judges_now(village, moment):
        until = moment.now
    if until is None:
        return None
    batches = village.under_way.ranges() + (inherited.missing.ranges() if inherited is not None else [])
    words = [(*key, said) for key, said in village.recent.last_words(until)]
    recent = village.recent
    return BeyondStore(until=until, batches=batches, words=words, reported=recent.reported, gave=recent.gave)


def _inherit(village: WatchedVillage, beyond: BeyondStore, moment: Moment) -> None:
    """Go on from the last words of a predecessor; what it judged stays until the store has all that it knew."""
    recent = village.recent
    recent.absorb({(device, signal): Track.of(dict(said)) for device, signal, said in beyond.words}, recent.start)
    recent.reported.update(beyond.reported)
    recent.gave.update(beyond.gave)
    village.inherited = Inheritance(min(beyond.until, moment.now), UnderWay(beyond.batches))


def _unfinished(village: WatchedVillage) -> list[tuple[int, int]]:
    """What has to be judged again: of history, and since memory may lack what the store has."""
    since, until = min(village.reload_from, village.reading_from), village.judged_until
    missed = [] if until is None or since >= until else [(since, until)]
    return merge([*village.history.unfinished(), *missed])


def _village_row(village: WatchedVillage) -> dict[str, object]:
    return village.link_row() | {"judged_until": village.judged_until}


def _gateway_rows(code: str, village: WatchedVillage) -> list[dict[str, object]]:
    return [
        {
            "village": code,
            "gateway": name,
            "status": gateway.status,
            "status_at": gateway.status_at,
            "last_arrival": gateway.last_arrival,
            "last_alive": gateway.last_alive,
        }
        for name, gateway in village.gateways.items()
    ]
