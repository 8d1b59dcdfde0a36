"""The villages of the registry and their maintenance: read at the start, followed as they change.

What a successor needs besides snapshots is saved here, too: a row for each village and gateway, and what the engine has
taken from the broker.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import RowMapping

from api.alert_records.rows import open_alerts, raised_since
from api.alerts.certainty import Moment
from api.alerts.facility import KEPT
from api.alerts.flapping import WITHIN
from api.alerts.outcome import Fold
from api.alerts.self_monitor import Heard
from api.alerts.snapshot import read, restore, restore_old, restore_shared
from api.alerts.tables import Tables
from api.alerts.village import WatchedVillage
from api.alerts.villages import Villages
from siaga.database.engine_state import mains_key, waits_key
from siaga.database.registry import Registry
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR, SECOND
from siaga.model.observation import TrackKey
from siaga.model.sites import Village
from siaga.timeline.judge import Span
from siaga.timeline.maintenance import AHEAD, MaintenanceWindow, planned, stretches

__all__ = ["RegistryWatch"]

SAVE_EVERY = 10 * SECOND
"""The most that a successor has to judge again, besides `OVERLAP`."""
TAIL = KEPT + HOUR
"""How far back the spans are read at the start: beyond what memory can cover, and as far as they are kept."""
ENDED_AFTER = 7 * DAY
"""Inbox and snapshots of another engine are deleted when it has written nothing for this long."""
DOUBTS_FROM = 2 * DAY
"""How far back complaints are read: those of a day count, and the end of an alert is dated by the last of them."""
_HEARD = "heard"
_ARRIVALS = "arrivals_since"
"""From an engine without an inbox: from when on late data was to be looked for."""
_MAINTENANCE = "maintenance"
"""The ids of the declarations that history was judged by."""


class RegistryWatch:
    """Begins to watch villages, follows the registry, and saves rows. `save_at`: when (monotonic) they are due."""

    def __init__(self, registry: Registry, tables: Tables, watched: Villages) -> None:
        self._registry, self._tables, self._watched, self._villages = registry, tables, watched, watched.by_code
        self._versions = (-1, -1, -1)
        self._maintenance: Sequence[MaintenanceWindow] = ()
        self._replan_at = 0
        self._applied: list[str] | None = None
        self._doubted: Collection[str] = ()
        self.save_at = 0

    def open(self, moment: Moment) -> tuple[Heard | None, Mapping[str, RowMapping]]:
        """Begin to watch all villages, from their snapshots. Next the inbox is replayed, then comes `resume`.

        Returns what the engine before had taken, and the rows of `village_state`.

        Raises:
            DBAPIError: the database is away.
        """
        self._villages.clear()
        versions, villages = self._tables.versions(), self._registry.villages()
        states, values = self._tables.states()
        first = self._tables.first_reports()
        tails = self._tables.span_tails(moment.now - TAIL)
        own, others = self._tables.snapshots()
        self._tables.forget_ended(moment.now - ENDED_AFTER)
        self._maintenance = self._tables.maintenance()
        self._replan_at = moment.now + DAY
        for village in villages:
            state = states.get(village.code)
            found = self._begin(village, moment, first.get(village.code, {}), state)
            _note_mains(found, values.get(mains_key(village.code)))
            found.waits.restore(values.get(waits_key(village.code)))
            if village.code in own:
                restore(found, read(own[village.code]))
            elif village.code in others:
                restore_shared(found, read(others[village.code]))
            else:
                restore_old(found, values.get(f"village/{village.code}"))
            if state is None or state["judged_until"] is None:
                found.memory.forget()  # spans were thrown away
        for (code, facility), spans in tails.items():
            self._take_spans(code, facility, spans)
        for found in self._villages.values():
            self._watched.deadlines.ask(found.link, moment.now)
        self._note_doubts(moment)  # before anybody looks: an open alert rests on them
        alerts = open_alerts(self._tables.engine)
        self._watched.attach([alert for alert in alerts if alert.kind != Kind.VILLAGE_OFFLINE], moment)
        self._watched.note_raised(raised_since(self._tables.engine, moment.now - WITHIN))
        self._note_missed_plans(values.get(_MAINTENANCE), moment)
        self._versions, self.save_at = versions, moment.monotonic
        return _heard(values, self._tables.name), states

    def resume(self, states: Mapping[str, RowMapping], moment: Moment) -> None:
        """The inbox was replayed. Restore the links and the gateways as the database has them.

        Raises:
            DBAPIError: the database is away.
        """
        gateways = self._tables.gateways()
        for code, found in self._villages.items():
            found.know_gateways(gateways.get(code, ()))
            state = states.get(code)
            link = None if state is None else (state["link"], state["since"], state["last_arrival"])
            self._watched.merge(found, found.resume(link, moment), moment)
        alerts = open_alerts(self._tables.engine)
        self._watched.attach([alert for alert in alerts if alert.kind == Kind.VILLAGE_OFFLINE], moment)

    def save_heard(self, heard: Heard) -> None:
        """Save at once that it is not known yet whether the broker kept the session.

        Raises:
            DBAPIError: the database is away.
        """
        self._tables.save_states((), (), {f"{_HEARD}/{self._tables.name}": heard.model_dump()}, {})

    def refresh(self, moment: Moment) -> None:
        """Follow the registry, the maintenance, and what people say.

        Raises:
            DBAPIError: the database is away.
        """
        self._follow(moment)
        self._note_doubts(moment)

    def _follow(self, moment: Moment) -> None:
        versions, before = self._tables.versions(), self._versions
        if versions == before and moment.now < self._replan_at:
            return
        windows = self._tables.maintenance()
        if versions[0] != before[0]:
            self._follow_villages(moment)
        if versions[0] != before[0] or windows != self._maintenance:
            self.save_soon(moment.monotonic)  # with what is to be judged again by them
        self._versions, self._maintenance, self._replan_at = versions, windows, moment.now + DAY
        for village in self._villages.values():
            new = planned(windows, village.village, moment.now + AHEAD)
            if new != village.planned:
                self._watched.deadlines.ask(village.link, moment.now)
                self._watched.merge(village, village.replan(new, moment), moment)

    def _note_doubts(self, moment: Moment) -> None:
        """Tell villages what people said. All that may matter is read: late data may change what contradicts."""
        found: dict[str, dict[str, tuple[int, ...]]] = {}
        for (code, facility), times in self._tables.doubts(moment.now - DOUBTS_FROM).items():
            found.setdefault(code, {})[facility] = times
        for code in {*found, *self._doubted}:
            village = self._villages.get(code)
            if village is not None:
                self._watched.merge(village, village.note_doubts(found.get(code, {}), moment), moment)
        self._doubted = list(found)

    def _follow_villages(self, moment: Moment) -> None:
        villages = {village.code: village for village in self._registry.villages()}
        gone = self._villages.keys() - villages.keys()
        if gone:
            self._tables.forget(gone)
        for code in gone:
            village = self._villages.pop(code)
            self._watched.merge(village, village.take_out(moment), moment)
        if new := sorted(villages.keys() - self._villages.keys()):
            self._tables.end_running(new, moment.now)
        gateways = self._tables.gateways() if new else {}
        for code, registered in villages.items():
            known = self._villages.get(code)
            before = set() if known is None else set(known.facilities)
            if known is None:
                known = self._begin(registered, moment, {}, None)
                known.know_gateways(gateways.get(code, ()))  # it may have been here before
            elif known.village == registered:
                continue
            self._watched.deadlines.ask(known.link, moment.now)
            self._watched.merge(known, known.register(registered, moment), moment)
            for name in known.facilities.keys() - before:  # it may have been here before: its spans are replaced
                known.facilities[name].know_spans(self._tables.spans(code, name, moment.now - TAIL))

    def save_soon(self, monotonic: int) -> None:
        """Save rows at `monotonic`."""
        self.save_at = monotonic

    def needing_snapshots(self) -> list[str]:
        """Returns the villages that need a new snapshot for another reason than their inbox rows."""
        return [code for code, village in self._villages.items() if village.needs_snapshot]

    def save(self, moment: Moment, heard: Heard, folds: Mapping[str, Fold], *, everything: bool = False) -> None:
        """Write the rows of the villages that changed, and snapshots.

        Raises:
            DBAPIError: the database is away.
        """
        villages, gateways = [], []
        for code, village in self._villages.items():
            village.note_judged(moment)
            if village.changed or everything or village.memory.is_read:
                villages.append({"village": code, **village.link.row(), "judged_until": village.judged_until})
            if village.changed or everything:
                gateways += [gateway.row() for gateway in village.gateways.values()]
        values: dict[str, object] = {f"{_HEARD}/{self._tables.name}": heard.model_dump()}
        applied = [window.id for window in self._maintenance]
        if applied != self._applied:
            values[_MAINTENANCE] = applied
        self._tables.save_states(villages, gateways, values, folds)
        self._applied = applied
        for code, village in self._villages.items():
            village.saved(with_snapshot=code in folds)
        self.save_soon(moment.monotonic + SAVE_EVERY)

    def _begin(
        self, village: Village, moment: Moment, first: Mapping[TrackKey, int], state: RowMapping | None
    ) -> WatchedVillage:
        found = WatchedVillage.new(
            village,
            moment.now,
            moment.monotonic,
            first,
            planned(self._maintenance, village, moment.now + AHEAD),
            None if state is None else state["judged_until"],
        )
        if state is not None:
            found.link.restore(state["link"], state["since"], state["last_arrival"])
        self._villages[village.code] = found
        return found

    def _take_spans(self, code: str, facility: str, spans: list[Span]) -> None:
        village = self._villages.get(code)
        known = village.facilities.get(facility) if village is not None else None
        if known is not None:
            # A failed run may have begun before the tail: then all of it is read
            start = spans[0].start
            known.know_spans(self._tables.spans(code, facility, start) if spans[0].state == "failed" else spans)

    def _note_missed_plans(self, applied: object, moment: Moment) -> None:
        """Judge again what maintenance was declared, or taken back, for while no engine ran."""
        if not isinstance(applied, list):
            return
        differing = {str(one) for one in applied} ^ {window.id for window in self._maintenance}
        for window in self._tables.maintenance(differing) if differing else []:
            for village in self._villages.values():
                if window.concerns(village.village):
                    village.replanned_unseen(stretches(window, village.village.timezone, moment.now), moment)


def _note_mains(village: WatchedVillage, value: object) -> None:
    """Restore which facilities are without mains power. The next look at each corrects it."""
    names: Iterable[object] = value if isinstance(value, list) else ()
    for name in names:
        if name in village.facilities:
            village.facilities[str(name)].note_mains(missing=True)


def _heard(values: Mapping[str, object], name: str) -> Heard | None:
    said, arrivals = values.get(f"{_HEARD}/{name}"), values.get(_ARRIVALS)
    if said is not None:
        return Heard.model_validate(said)
    return Heard(until=arrivals) if isinstance(arrivals, int) else None
