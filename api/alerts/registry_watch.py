"""What the engine takes from the database when it starts, and the marks that it leaves there for its successor."""

from collections.abc import Mapping, Sequence

from sqlalchemy import RowMapping

from api.alerts.alert import Kind, OpenAlert
from api.alerts.certainty import Moment
from api.alerts.changes import Fold
from api.alerts.flapping import WITHIN
from api.alerts.links import Links
from api.alerts.live_judgement import KEPT
from api.alerts.looks import Looks
from api.alerts.maintenance import AHEAD, MaintenanceWindow, mains_key, planned, stretches
from api.alerts.self_monitor import Heard
from api.alerts.snapshot import read, restore, take_marks, take_old_marks
from api.alerts.tables import Tables
from api.alerts.village import WatchedVillage, take_over, watched
from siaga.database.registry import Registry
from siaga.model.clock import DAY, HOUR, SECOND
from siaga.model.intervals import Interval
from siaga.model.observation import TrackKey
from siaga.model.sites import Village
from siaga.timeline.judge import Span

__all__ = ["RegistryWatch"]

SAVE_EVERY = 10 * SECOND
"""How much a successor has to judge again at most, beside `OVERLAP`."""
TAIL = KEPT + HOUR
"""How far back the spans are read at the start: beyond what memory can cover, and as far as they are kept."""
ENDED_AFTER = 7 * DAY
"""What another engine left is deleted when it has written nothing for so long: it does not come back."""
_HEARD = "heard"
"""Before the inbox: from when on late data was to be looked for."""
_ARRIVALS = "arrivals_since"
_MAINTENANCE = "maintenance"
"""The ids of the declarations that history was judged by."""


class RegistryWatch:
    """Begins to watch villages, follows the registry, and saves marks."""

    def __init__(
        self, registry: Registry, tables: Tables, villages: dict[str, WatchedVillage], looks: Looks, links: Links
    ) -> None:
        self._registry, self._tables, self._villages = registry, tables, villages
        self._looks, self._links = looks, links
        self._versions = (-1, -1, -1)
        self._maintenance: Sequence[MaintenanceWindow] = ()
        self._replan_at = 0
        self._applied: list[str] | None = None
        self._replanned: list[WatchedVillage] = []
        self._states: Mapping[str, RowMapping] = {}
        self._opened: Sequence[OpenAlert] = ()
        self.save_at = 0

    def open(self, moment: Moment) -> Heard | None:
        """Begin to watch all villages, from their snapshots. Returns what the engine before this one had heard.

        The inbox's rows are to be taken next; `replayed` ends it.

        Raises:
            DBAPIError: the database is away.
        """
        self._villages.clear()
        versions, villages = self._tables.versions(), self._registry.villages()
        self._states, values = self._tables.states()
        first = self._tables.first_reports()
        tails = self._tables.span_tails(moment.now - TAIL)
        own, others = self._tables.snapshots()
        self._tables.forget_ended(moment.now - ENDED_AFTER)
        self._maintenance = self._tables.maintenance()
        self._replan_at = moment.now + DAY
        for village in villages:
            found = self._begin(village, moment, first.get(village.code, {}), self._states.get(village.code))
            _note_mains(found, values.get(mains_key(village.code)))
            if village.code in own:
                restore(found, read(own[village.code]))
            elif village.code in others:
                take_marks(found, read(others[village.code]))
            else:
                found.rejudge = set(found.facilities)
                take_old_marks(found, values.get(f"village/{village.code}"))
            if village.code not in self._states or self._states[village.code]["judged_until"] is None:
                found.memory.loaded, found.memory.wanted = False, True  # spans were thrown away
        for (code, facility), spans in tails.items():
            self._take_spans(code, facility, spans)
        self._opened = self._tables.open_alerts()
        for alert in self._opened:
            if alert.kind is not Kind.VILLAGE_OFFLINE and not self.attach(alert):
                # its subject was taken out of the registry while no engine saw it
                self._looks.changes.taken_out(alert, moment.now)
        for kind, subject, at in self._tables.raised_since(moment.now - WITHIN):
            self._looks.raises.note(kind, subject, at)
        self._catch_up_maintenance(values.get(_MAINTENANCE), moment)
        self._versions = versions
        self.save_at = moment.monotonic
        return _heard(values, self._tables.name)

    def replayed(self, moment: Moment) -> None:
        """The inbox was taken again: what only the database says of links and their alerts holds from here on."""
        for code, village in self._villages.items():
            state = self._states.get(code)
            if state is not None:
                village.link, village.link_since = state["link"], state["since"]
                village.last_arrival = max(village.last_arrival or 0, state["last_arrival"] or 0) or None
            village.heard = village.arrived = False
        self._looks.changes.links.clear()
        for alert in self._opened:
            if alert.kind is Kind.VILLAGE_OFFLINE and not self.attach(alert):
                self._looks.changes.taken_out(alert, moment.now)
        for village in self._villages.values():
            if village.memory.loaded:
                for facility in village.facilities.values():
                    facility.dirty_from = village.recent.covers
                for subject in village.subjects:
                    self._looks.deadlines.ask(subject, moment.now)
        self._states, self._opened = {}, []

    def leave_heard(self, heard: Heard) -> None:
        """Leave word at once that nobody knows yet whether the broker kept the session.

        Raises:
            DBAPIError: the database is away.
        """
        self._tables.save_states((), (), {f"{_HEARD}/{self._tables.name}": heard.model_dump()}, {})

    def refresh(self, moment: Moment) -> list[WatchedVillage]:
        """Follow the registry and the maintenance windows; the villages whose memory has to be read.

        Raises:
            DBAPIError: the database is away.
        """
        versions, before = self._tables.versions(), self._versions
        if versions == before and moment.now < self._replan_at:
            return []
        if versions[0] == before[0]:
            self._refresh_planned(moment)
            self._versions = versions
            return []
        changed = []
        found = {village.code: village for village in self._registry.villages()}
        gone = self._villages.keys() - found.keys()
        if gone:
            self._tables.forget(gone)
        for code in gone:
            self._end(self._villages.pop(code), moment)
        for code, village in found.items():
            known = self._villages.get(code)
            if known is None:
                changed.append(self._begin(village, moment, {}, None))
                changed[-1].rejudge = set(changed[-1].facilities)
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
            subject = None if village is None else village.subject_of(alert)
            if subject is not None:
                subject.alerts[alert.kind] = alert
            return subject is not None
        watched_ones = [known for code in alert.members if (known := self._villages.get(code)) is not None]
        self._links.outages.opened(alert, next((each.village.uplink for each in watched_ones), None))
        for each in watched_ones:
            if each.village.code in alert.lost:
                each.offline, each.arrived = alert, False
        return True

    def marked(self) -> list[str]:
        """The villages whose snapshot is to be written though no row of theirs asks for it."""
        return [code for code, village in self._villages.items() if village.marked]

    def save(self, moment: Moment, heard: Heard, folds: Mapping[str, Fold], *, everything: bool = False) -> None:
        """Write the rows of the villages that changed, and snapshots.

        Raises:
            DBAPIError: the database is away.
        """
        villages, gateways = [], []
        for code, village in self._villages.items():
            if _judges_now(village, moment):
                village.judged_until = moment.now
            if village.changed or everything or village.memory.loaded:
                villages.append(_village_row(village))
            if village.changed or everything:
                gateways += _gateway_rows(code, village)
        values: dict[str, object] = {f"{_HEARD}/{self._tables.name}": heard.model_dump()}
        applied = [window.id for window in self._maintenance]
        if applied != self._applied:
            values[_MAINTENANCE] = applied
        self._tables.save_states(villages, gateways, values, folds)
        self._applied = applied
        for village in self._villages.values():
            village.changed = False
        for code in folds:
            self._villages[code].marked = False
        self.save_at = moment.monotonic + SAVE_EVERY

    def _begin(
        self, village: Village, moment: Moment, first: Mapping[TrackKey, int], state: RowMapping | None
    ) -> WatchedVillage:
        found = watched(village, now=moment.now, monotonic=moment.monotonic, first=first)
        found.planned = planned(self._maintenance, village, moment.now + AHEAD)
        found.link_since = moment.now
        if state is not None:
            found.link, found.link_since = state["link"], state["since"]
            found.last_arrival, found.judged_until = state["last_arrival"], state["judged_until"]
            found.first_known = found.judged_until is not None
        self._villages[village.code] = found
        self._looks.deadlines.ask(found, moment.now)
        return found

    def _take_spans(self, code: str, facility: str, spans: list[Span]) -> None:
        village = self._villages.get(code)
        watched_facility = village.facilities.get(facility) if village is not None else None
        if watched_facility is None:
            return
        # What a failed run began with may lie before: it is read when it matters
        start = spans[0].start
        watched_facility.spans = self._tables.spans(code, facility, start) if spans[0].state == "failed" else spans

    def _change(self, known: WatchedVillage, village: Village, moment: Moment) -> None:
        before = {name: facility.fingerprint for name, facility in known.facilities.items()}
        for alert in take_over(known, village, moment.now):
            self._looks.changes.taken_out(alert, moment.now)
        for name, facility in known.facilities.items():
            if before.get(name) != facility.fingerprint:
                known.rejudge.add(name)
        known.memory.loaded = False
        known.changed = True

    def _end(self, village: WatchedVillage, moment: Moment) -> None:
        """A village is in the registry no more: its alerts are over, and nothing of it is looked at again."""
        for alert in [alert for subject in village.subjects for alert in subject.alerts.values()]:
            self._looks.changes.taken_out(alert, moment.now)
        if village.offline is not None:
            if village.offline.lost == [village.village.code]:
                village.offline.evidence["taken_out"] = True
            self._links.back(village, village.offline, moment.now, moment.now)
        village.due = None
        for subject in village.subjects:
            subject.due = None

    def _refresh_planned(self, moment: Moment, *, registry_changed: bool = False) -> None:
        windows = self._tables.maintenance()
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
        village.marked = True
        if not village.memory.loaded:
            village.memory.missed_from = min(village.memory.missed_from, first)
        for facility in village.facilities.values():
            facility.plan_until = 0
            self._looks.look_at_facility(village, facility, moment, min(first, moment.now))

    def _catch_up_maintenance(self, applied: object, moment: Moment) -> None:
        """Mark what was declared, or taken back, while no engine was there to see it."""
        if not isinstance(applied, list):
            return
        known = {str(one) for one in applied}
        differing = known ^ {window.id for window in self._maintenance}
        if not differing:
            return
        for window in self._tables.maintenance(differing):
            for village in self._villages.values():
                if window.concerns(village.village):
                    for start, end in stretches(window, village.village.timezone, moment.now):
                        village.history.mark(start, min(end, moment.now), moment.monotonic, now=True)
                        village.memory.missed_from = min(village.memory.missed_from, start)
                        village.marked = True


def _note_mains(village: WatchedVillage, value: object) -> None:
    """Take over which facilities a predecessor left as without mains power; the next look at each corrects it."""
    for name in value if isinstance(value, list) else ():
        if name in village.facilities:
            village.facilities[str(name)].without_mains = True


def _heard(values: Mapping[str, object], name: str) -> Heard | None:
    said, arrivals = values.get(f"{_HEARD}/{name}"), values.get(_ARRIVALS)
    if said is not None:
        return Heard.model_validate(said)
    return Heard(until=arrivals) if isinstance(arrivals, int) else None


def _judges_now(village: WatchedVillage, moment: Moment) -> bool:
    """Whether all that was said until now was judged; what was kept for the engine, or at a gateway, may still come."""
    listens = village.memory.loaded and moment.listening_from is not None
    return listens and village.catching_up_until(moment.monotonic) is None


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
