"""The villages of the registry, their maintenance and complaints: read at the start, followed as they change."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping

from api.alert_records.alert import OpenAlert
from api.alert_records.rows import open_alerts, raised_since
from api.alerts.certainty import Moment
from api.alerts.facility import KEPT
from api.alerts.flapping import WITHIN
from api.alerts.gateway import GatewayRow
from api.alerts.outcome import Fold
from api.alerts.snapshot import read, restore
from api.alerts.village import WatchedVillage
from api.engine.state_rows import StateRows
from api.engine.tables import Tables
from api.engine.villages import Villages
from siaga.database.dealing import Heard, claim, let_go, watched_by
from siaga.database.engine_state import mains_key, waits_key
from siaga.database.registry import Registry
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR
from siaga.model.observation import TrackKey
from siaga.model.sites import Village
from siaga.timeline.judge import Span
from siaga.timeline.maintenance import AHEAD, MaintenanceWindow, planned, stretches

__all__ = ["Moves", "RegistryWatch", "Watched"]

TAIL = KEPT + HOUR
"""How far back the spans are read at the start: beyond what memory can cover, and as far as they are kept."""
DOUBTS_FROM = 2 * DAY
"""How far back complaints are read: those of a day count, and the end of an alert is dated by the last of them."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The villages to watch, and until when (wall time) another engine heard those that it has let go."""

    villages: Sequence[Village]
    heard_until: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Moves:
    """What a change of the registry means for the engine, where villages' partitions have changed.

    `leaving`: another engine is to watch them, once all that is known of them is saved. `coming`: this one is to.
    """

    leaving: Sequence[str] = ()
    coming: Watched = Watched((), {})


class RegistryWatch:
    """Begins to watch villages, and follows the registry."""

    def __init__(self, registry: Registry, tables: Tables, watched: Villages, rows: StateRows) -> None:
        self._registry, self._tables, self._rows = registry, tables, rows
        self._watched, self._villages = watched, watched.by_code
        self._versions = (-1, -1, -1, 0)
        self._maintenance: Sequence[MaintenanceWindow] = ()
        self._replan_at = 0
        self._opened_at = 0
        self._registered: Collection[str] = ()
        self._waiting: dict[str, Village] = {}
        """Villages that are dealt to another engine than the one that watches them."""
        self._doubted: Collection[str] = ()

    def open(self, moment: Moment) -> tuple[Heard | None, Watched]:
        """Begin anew. Next comes `begin`. Returns what the engine before had taken, and the villages to watch.

        Those that another engine is to watch now are let go: all that the one before knew of them was saved.

        Raises:
            DBAPIError: the database is away.
        """
        self._villages.clear()
        self._opened_at = moment.now
        kept = self._tables.kept()  # read first: a village that is imported meanwhile is not taken for one that is gone
        self._versions = self._tables.versions()
        registered = self._read_registry()
        self._maintenance, self._replan_at = self._tables.maintenance(), moment.now + DAY
        self._rows.save_soon(moment.monotonic)
        heard = self._rows.read()
        claimed = self._claim([code for code, village in registered.items() if self._is_mine(village)])
        mine = self._watched_last() | claimed.keys()
        shared = [alert for alert in self._open_outages() if len(alert.members) > 1]
        tied = {code for alert in shared for code in (alert.village, *alert.lost)}
        leaving = {code for code in mine & registered.keys() if not self._is_mine(registered[code])} - tied
        if leaving:
            with self._tables.writing() as connection:
                let_go(connection, leaving, moment.now if heard is None else heard.until)
        watched = {code: village for code, village in registered.items() if code in mine and code not in leaving}
        self._end_orphans(mine, kept, moment)
        heard_until = {code: until for code, until in claimed.items() if until is not None}
        return heard, Watched(list(watched.values()), heard_until)

    def _end_orphans(self, mine: Collection[str], kept: Collection[str], moment: Moment) -> None:
        """End the alerts of villages that were taken out of the registry while no engine ran, and delete their rows.

        `mine`: the villages that this engine watched last. `kept`: those that have rows.
        """

        def is_gone(code: str) -> bool:
            return code not in self._registered and (code in mine or self._tables.share.holds_name(code))

        alerts = [alert for alert in open_alerts(self._tables.engine) if is_gone(alert.village)]
        self._watched.attach([alert for alert in alerts if alert.kind != Kind.VILLAGE_OFFLINE], moment)
        # An outage with a lost member that is still registered stays open. The engine of that member takes the removed
        # village out of it
        outages = [alert for alert in alerts if alert.kind == Kind.VILLAGE_OFFLINE]
        outages = [alert for alert in outages if not any(code in self._registered for code in alert.lost)]
        self._watched.attach_outages(outages, self._registered, moment)
        self._tables.forget([code for code in {*kept, *mine} if is_gone(code)])

    def begin(self, villages: Sequence[Village], moment: Moment) -> dict[str, RowMapping]:
        """Begin to watch villages, from their snapshots. Next their inbox is replayed, then comes `resume`.

        Returns their rows of `village_state`.

        Raises:
            DBAPIError: the database is away.
        """
        codes = dict.fromkeys(village.code for village in villages)  # in their order
        states = self._tables.states(codes)
        values = self._tables.values([key(code) for key in (mains_key, waits_key) for code in codes])
        first = self._tables.first_reports(codes)
        tails = self._tables.span_tails(codes, moment.now - TAIL)
        snapshots = self._tables.snapshots(codes)
        for village in villages:
            state = states.get(village.code)
            found = self._begin(village, moment, first.get(village.code, {}), state)
            _note_mains(found, values.get(mains_key(village.code)))
            found.waits.restore(values.get(waits_key(village.code)))
            if village.code in snapshots:
                restore(found, read(snapshots[village.code]))
            if state is None or state["judged_until"] is None:
                found.recall.forget()  # spans were thrown away
        for (code, facility), spans in tails.items():
            self._take_spans(code, facility, spans)
        for code in codes:
            self._watched.deadlines.ask(self._villages[code].link, moment.now)
        self._note_doubts(moment)  # before anybody looks: an open alert rests on them
        alerts = [alert for alert in open_alerts(self._tables.engine) if alert.village in codes]
        self._watched.attach([alert for alert in alerts if alert.kind != Kind.VILLAGE_OFFLINE], moment)
        raised = raised_since(self._tables.engine, moment.now - WITHIN)
        self._watched.note_raised(each for each in raised if each[1].partition("/")[0] in codes)
        self._note_missed_plans(codes, moment)
        self._rows.apply(window.id for window in self._maintenance)
        return states

    def _open_outages(self) -> list[OpenAlert]:
        return [alert for alert in open_alerts(self._tables.engine) if alert.kind == Kind.VILLAGE_OFFLINE]

    def resume(self, states: Mapping[str, RowMapping], codes: Collection[str], moment: Moment) -> None:
        """The inbox was replayed. Restore the links and the gateways of villages as the database has them.

        Raises:
            DBAPIError: the database is away.
        """
        gateways = self._tables.gateways(codes)
        for code in codes:
            found, state = self._villages[code], states.get(code)
            _note_gateways(found, gateways.get(code, ()))
            link = None if state is None else (state["link"], state["since"], state["last_arrival"])
            self._watched.merge(found, found.resume(link, moment), moment)
        outages = [alert for alert in self._open_outages() if any(code in codes for code in alert.lost)]
        self._watched.attach_outages(outages, self._registered, moment)

    def read_again(self, heard_until: Mapping[str, int], moment: Moment) -> None:
        """Another engine heard these villages until then: what came since may be in the store alone."""
        for code, until in heard_until.items():
            village = self._villages[code]
            self._watched.merge(village, village.reconnect(until, moment), moment)
            self._rows.take_over(code)

    def refresh(self, moment: Moment) -> Moves:
        """Follow the registry, the maintenance, and what people say. Returns the villages whose partition has changed.

        Raises:
            DBAPIError: the database is away.
        """
        moves = self._follow(moment)
        self._note_doubts(moment)
        return moves

    def _follow(self, moment: Moment) -> Moves:
        versions, before = self._tables.versions(), self._versions
        if versions[0] != before[0]:
            self._follow_villages(moment)
        moves = self._moves(moment)
        if versions == before and moment.now < self._replan_at:
            return moves
        windows = self._tables.maintenance()
        if versions[0] != before[0] or windows != self._maintenance:
            self._rows.apply(window.id for window in windows)
            self._rows.save_soon(moment.monotonic)  # with what is to be judged again by them
        self._versions, self._maintenance, self._replan_at = versions, windows, moment.now + DAY
        for village in self._villages.values():
            new = planned(windows, village.site, moment.now + AHEAD)
            if new != village.planned:
                self._watched.deadlines.ask(village.link, moment.now)
                self._watched.merge(village, village.replan(new, moment), moment)
        return moves

    def _note_doubts(self, moment: Moment) -> None:
        """Tell villages what people said. All that may matter is read: late data may change what contradicts."""
        if self._versions[-1] <= moment.now - DOUBTS_FROM and not self._doubted:
            return
        found: dict[str, dict[str, tuple[int, ...]]] = {}
        for (code, facility), times in self._tables.doubts(moment.now - DOUBTS_FROM).items():
            found.setdefault(code, {})[facility] = times
        for code in {*found, *self._doubted}:
            village = self._villages.get(code)
            if village is not None:
                self._watched.merge(village, village.note_doubts(found.get(code, {}), moment), moment)
        self._doubted = list(found)

    def _follow_villages(self, moment: Moment) -> None:
        """Take out the villages that are gone, and have the others know what the registry says of them."""
        registered = self._read_registry()
        gone = self._villages.keys() - registered.keys()
        self._tables.forget(gone)
        for code in gone:
            village = self._villages.pop(code)
            self._watched.merge(village, village.take_out(moment), moment)
        staying = self._villages.keys() - set(self._leaving())
        self._register([village for code, village in registered.items() if code in staying], moment)

    def _read_registry(self) -> dict[str, Village]:
        """Returns the registered villages by code. Notes who they are."""
        found = {village.code: village for village in self._registry.villages()}
        self._registered, self._waiting = found.keys(), found
        return found

    def _moves(self, moment: Moment) -> Moves:
        """Begin to watch villages that nobody has watched. Returns those that leave, or come from another engine."""
        self._waiting = {
            code: village
            for code, village in self._waiting.items()
            if (code in self._villages) != self._is_mine(village)
        }
        if not self._waiting:
            return Moves()
        claimed = self._claim([code for code in self._waiting if code not in self._villages])
        known = self._tables.snapshots(claimed) if self._tables.share.count > 1 else {}
        coming = {
            code: self._opened_at if until is None else until
            for code, until in claimed.items()
            if until is not None or code in known
        }
        self._begin_new([self._waiting[code] for code in claimed if code not in coming], moment)
        return Moves(self._leaving(), Watched([self._waiting[code] for code in coming], coming))

    def _leaving(self) -> list[str]:
        """Returns the villages that another engine is to watch now."""
        mine = ((code, village) for code, village in self._waiting.items() if code in self._villages)
        return [code for code, village in mine if not self._is_mine(village) and self._may_leave(code)]

    def _begin_new(self, villages: Sequence[Village], moment: Moment) -> None:
        """Begin to watch villages that are new in the registry. They may have been in it before."""
        if not villages:
            return
        self._tables.end_running([village.code for village in villages], moment.now)
        gateways = self._tables.gateways([village.code for village in villages])
        for village in villages:
            _note_gateways(self._begin(village, moment, {}, None), gateways.get(village.code, ()))
        self._register(villages, moment, are_new=True)

    def _register(self, villages: Iterable[Village], moment: Moment, *, are_new: bool = False) -> None:
        """Have villages know what the registry says of them."""
        for village in villages:
            known = self._villages[village.code]
            if known.site == village and not are_new:
                continue
            before: set[str] = set() if are_new else set(known.facilities)
            self._watched.deadlines.ask(known.link, moment.now)
            self._watched.merge(known, known.register(village, moment), moment)
            for name in known.facilities.keys() - before:  # it may have been here before: its spans are replaced
                known.facilities[name].know_spans(self._tables.spans(village.code, name, moment.now - TAIL))

    def _claim(self, codes: Sequence[str]) -> dict[str, int | None]:
        """Returns what `claim` does; of one partition only, that is all."""
        if self._tables.share.count == 1 or not codes:
            return dict.fromkeys(codes)
        with self._tables.writing() as connection:
            return claim(connection, self._tables.share, codes)

    def _watched_last(self) -> set[str]:
        """Returns the villages that this engine watched before it was opened; nothing where there is one only."""
        if self._tables.share.count == 1:
            return set()
        with self._tables.engine.connect() as connection:
            return watched_by(connection, self._tables.share)

    def _is_mine(self, village: Village) -> bool:
        return self._tables.share.holds(village)

    def _may_leave(self, code: str) -> bool:
        return self._watched.may_leave(self._villages[code])

    def is_elsewhere(self, code: str) -> bool:
        """Whether another engine watches a village."""
        return code in self._registered and code not in self._villages

    def leave(self, codes: Sequence[str], moment: Moment, heard: Heard, folds: Mapping[str, Fold]) -> None:
        """Save what is known of villages, watch them no more, and let another engine do so.

        Raises:
            DBAPIError: the database is away.
        """
        self._rows.save(moment, heard, folds, everything=True)
        with self._tables.writing() as connection:
            let_go(connection, codes, heard.until)
        for code in codes:
            self._watched.leave(self._villages.pop(code))

    def drop(self, codes: Iterable[str]) -> None:
        """Watch villages no more that could not be begun. The next `refresh` says again that they come."""
        for code in codes:
            self._villages.pop(code, None)

    def needing_snapshots(self) -> list[str]:
        """Returns the villages that need a new snapshot for another reason than their inbox rows."""
        return [code for code, village in self._villages.items() if village.needs_snapshot]

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

    def _note_missed_plans(self, codes: Iterable[str], moment: Moment) -> None:
        """Judge again what maintenance was declared, or taken back, for while no engine ran."""
        if self._rows.applied is None:
            return
        differing = set(self._rows.applied) ^ {window.id for window in self._maintenance}
        for window in self._tables.maintenance(differing) if differing else []:
            for village in map(self._villages.__getitem__, codes):
                if window.concerns(village.site):
                    village.replanned_unseen(stretches(window, village.site.timezone, moment.now), moment)


def _note_gateways(village: WatchedVillage, rows: Iterable[RowMapping]) -> None:
    """Restore what is known of its gateways."""
    for row in rows:
        village.gateway(row["gateway"]).restore(GatewayRow(**row))


def _note_mains(village: WatchedVillage, value: object) -> None:
    """Restore which facilities are without mains power. The next look at each corrects it."""
    names: Iterable[object] = value if isinstance(value, list) else ()
    for name in names:
        if name in village.facilities:
            village.facilities[str(name)].note_mains(missing=True)
