"""The villages of the registry and their maintenance: read at the start, followed as they change.

What a successor needs besides snapshots is saved here, too: a row for each village and gateway, and what the engine has
taken from the broker.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping

from api.alert_records.alert import OpenAlert
from api.alert_records.rows import open_alerts, raised_since
from api.alerts.certainty import Moment
from api.alerts.facility import KEPT
from api.alerts.flapping import WITHIN
from api.alerts.outcome import Fold
from api.alerts.self_monitor import Heard
from api.alerts.snapshot import read, restore
from api.alerts.tables import Tables
from api.alerts.village import WatchedVillage
from api.alerts.villages import Villages
from siaga.database.dealing import HEARD, MAINTENANCE, claim, let_go, taken_over
from siaga.database.engine_state import mains_key, waits_key
from siaga.database.registry import Registry
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR, SECOND
from siaga.model.observation import TrackKey
from siaga.model.sites import Village
from siaga.timeline.judge import Span
from siaga.timeline.maintenance import AHEAD, MaintenanceWindow, planned, stretches

__all__ = ["Moves", "RegistryWatch", "Watched"]

SAVE_EVERY = 10 * SECOND
"""The most that a successor has to judge again, besides `OVERLAP`."""
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
    """Begins to watch villages, follows the registry, and saves rows.

    `save_at`: when (monotonic) they are due. `elsewhere`: villages of the registry that other engines watch.
    """

    def __init__(self, registry: Registry, tables: Tables, watched: Villages) -> None:
        self._registry, self._tables, self._watched, self._villages = registry, tables, watched, watched.by_code
        self._versions = (-1, -1, -1, 0)
        self._maintenance: Sequence[MaintenanceWindow] = ()
        self._replan_at = 0
        self._applied: list[str] | None = None
        self._moves_wait = False
        self._opened_at = 0
        self._taken: set[str] = set()
        self._heard_key = f"{HEARD}/{tables.share.number}"
        self._maintenance_key = f"{MAINTENANCE}/{tables.share.number}"
        self.elsewhere: frozenset[str] = frozenset()
        self._doubted: Collection[str] = ()
        self.save_at = 0

    def open(self, moment: Moment) -> tuple[Heard | None, Watched]:
        """Begin anew. Next comes `begin`. Returns what the engine before had taken, and the villages to watch.

        Those that another engine is to watch now are let go: all that the one before knew of them was saved.

        Raises:
            DBAPIError: the database is away.
        """
        self._villages.clear()
        self._taken.clear()
        self._opened_at = moment.now
        kept = self._tables.kept()  # read first: a village that is imported meanwhile is not taken for one that is gone
        self._versions, registered = self._tables.versions(), self._registered()
        self._maintenance, self._replan_at = self._tables.maintenance(), moment.now + DAY
        self.save_at = moment.monotonic
        _, values = self._tables.states()
        said = values.get(self._heard_key)
        heard = None if said is None else Heard.model_validate(said)
        mine, taken = self._claim(registered)
        shared = [alert for alert in self._open_outages() if len(alert.members) > 1]
        tied = {code for alert in shared for code in (alert.village, *alert.lost)}
        leaving = {code for code in mine & registered.keys() if not self._is_mine(registered[code])} - tied
        if leaving:
            with self._tables.writing() as connection:
                let_go(connection, leaving, moment.now if heard is None else heard.until)
        watched = mine - leaving
        self._note_dealt(registered, watched)
        self._end_orphans(registered, mine, kept, moment)
        heard_until = {code: until for code, until in taken.items() if code in watched}
        return heard, Watched([village for code, village in registered.items() if code in watched], heard_until)

    def _end_orphans(
        self, registered: Collection[str], mine: Collection[str], kept: Collection[str], moment: Moment
    ) -> None:
        """End the alerts of villages that were taken out of the registry while no engine ran, and delete their rows.

        `mine`: the villages that this engine watched last. `kept`: those that have rows.
        """

        def is_gone(code: str) -> bool:
            return code not in registered and (code in mine or self._tables.share.holds_name(code))

        alerts = [alert for alert in open_alerts(self._tables.engine) if is_gone(alert.village)]
        outages = [alert for alert in alerts if alert.kind == Kind.VILLAGE_OFFLINE]
        self._watched.attach([alert for alert in alerts if alert.kind != Kind.VILLAGE_OFFLINE], moment)
        # Another lost member that is still registered has it leave, with the engine that watches that one
        outages = [alert for alert in outages if not any(code in registered for code in alert.lost)]
        self._watched.attach_outages(outages, (), moment)
        self._tables.forget([code for code in {*kept, *mine} if is_gone(code)])

    def begin(self, villages: Sequence[Village], moment: Moment) -> dict[str, RowMapping]:
        """Begin to watch villages, from their snapshots. Next their inbox is replayed, then comes `resume`.

        Returns their rows of `village_state`.

        Raises:
            DBAPIError: the database is away.
        """
        codes = dict.fromkeys(village.code for village in villages)  # in their order
        states, values = self._tables.states()
        first = self._tables.first_reports()
        tails = self._tables.span_tails(moment.now - TAIL)
        snapshots = self._tables.snapshots(codes)
        for village in villages:
            state = states.get(village.code)
            found = self._begin(village, moment, first.get(village.code, {}), state)
            _note_mains(found, values.get(mains_key(village.code)))
            found.waits.restore(values.get(waits_key(village.code)))
            if village.code in snapshots:
                restore(found, read(snapshots[village.code]))
            if state is None or state["judged_until"] is None:
                found.memory.forget()  # spans were thrown away
        for (code, facility), spans in tails.items():
            if code in codes:
                self._take_spans(code, facility, spans)
        for code in codes:
            self._watched.deadlines.ask(self._villages[code].link, moment.now)
        self._note_doubts(moment)  # before anybody looks: an open alert rests on them
        alerts = [alert for alert in open_alerts(self._tables.engine) if alert.village in codes]
        self._watched.attach([alert for alert in alerts if alert.kind != Kind.VILLAGE_OFFLINE], moment)
        raised = raised_since(self._tables.engine, moment.now - WITHIN)
        self._watched.note_raised(each for each in raised if each[1].partition("/")[0] in codes)
        self._note_missed_plans(values.get(self._maintenance_key), codes, moment)
        return {code: state for code, state in states.items() if code in codes}

    def _open_outages(self) -> list[OpenAlert]:
        return [alert for alert in open_alerts(self._tables.engine) if alert.kind == Kind.VILLAGE_OFFLINE]

    def resume(self, states: Mapping[str, RowMapping], codes: Collection[str], moment: Moment) -> None:
        """The inbox was replayed. Restore the links and the gateways of villages as the database has them.

        Raises:
            DBAPIError: the database is away.
        """
        gateways = self._tables.gateways()
        for code in codes:
            found, state = self._villages[code], states.get(code)
            found.know_gateways(gateways.get(code, ()))
            link = None if state is None else (state["link"], state["since"], state["last_arrival"])
            self._watched.merge(found, found.resume(link, moment), moment)
        outages = [alert for alert in self._open_outages() if any(code in codes for code in alert.lost)]
        self._watched.attach_outages(outages, self.elsewhere, moment)

    def read_again(self, heard_until: Mapping[str, int], moment: Moment) -> None:
        """Another engine heard these villages until then: what came since may be in the store alone."""
        for code, until in heard_until.items():
            village = self._villages[code]
            self._watched.merge(village, village.reconnect(until, moment), moment)
            self._taken.add(code)

    def save_heard(self, heard: Heard) -> None:
        """Save at once that it is not known yet whether the broker kept the session.

        Raises:
            DBAPIError: the database is away.
        """
        self._tables.save_states((), (), {self._heard_key: heard.model_dump()}, {})

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
        moves = Moves()
        if versions == before and moment.now < self._replan_at and not self._moves_wait:
            return moves
        windows = self._tables.maintenance()
        if versions[0] != before[0] or self._moves_wait:
            moves = self._follow_villages(moment)
        if versions[0] != before[0] or windows != self._maintenance:
            self.save_soon(moment.monotonic)  # with what is to be judged again by them
        self._versions, self._maintenance, self._replan_at = versions, windows, moment.now + DAY
        for village in self._villages.values():
            new = planned(windows, village.village, moment.now + AHEAD)
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

    def _follow_villages(self, moment: Moment) -> Moves:
        registered = self._registered()
        gone = self._villages.keys() - registered.keys()
        if gone:
            self._tables.forget(gone)
        for code in gone:
            village = self._villages.pop(code)
            self._watched.merge(village, village.take_out(moment), moment)
        mine, taken = self._claim(registered)
        leaving = [code for code in mine & self._villages.keys() if self._may_leave(registered[code])]
        begun = [code for code in registered if code in mine and code not in self._villages]
        known = self._tables.snapshots(begun) if self._tables.share.count > 1 else {}
        coming = {code: taken.get(code, self._opened_at) for code in begun if code in known or code in taken}
        new = [code for code in begun if code not in coming]
        self._register([registered[code] for code in self._villages if code not in leaving], moment)
        self._begin_new([registered[code] for code in new], moment)
        self._note_dealt(registered, mine)
        self._moves_wait |= bool(coming)
        return Moves(leaving, Watched([registered[code] for code in coming], coming))

    def _begin_new(self, villages: Sequence[Village], moment: Moment) -> None:
        """Begin to watch villages that are new in the registry. They may have been in it before."""
        if not villages:
            return
        self._tables.end_running([village.code for village in villages], moment.now)
        gateways = self._tables.gateways()
        for village in villages:
            self._begin(village, moment, {}, None).know_gateways(gateways.get(village.code, ()))
        self._register(villages, moment, are_new=True)

    def _register(self, villages: Iterable[Village], moment: Moment, *, are_new: bool = False) -> None:
        """Have villages know what the registry says of them."""
        for village in villages:
            known = self._villages[village.code]
            if known.village == village and not are_new:
                continue
            before: set[str] = set() if are_new else set(known.facilities)
            self._watched.deadlines.ask(known.link, moment.now)
            self._watched.merge(known, known.register(village, moment), moment)
            for name in known.facilities.keys() - before:  # it may have been here before: its spans are replaced
                known.facilities[name].know_spans(self._tables.spans(village.code, name, moment.now - TAIL))

    def _registered(self) -> dict[str, Village]:
        return {village.code: village for village in self._registry.villages()}

    def _claim(self, registered: Mapping[str, Village]) -> tuple[set[str], dict[str, int]]:
        """Returns what `claim` does; of one partition only, that is all."""
        share = self._tables.share
        if share.count == 1:
            return set(registered), {}
        with self._tables.writing() as connection:
            return claim(connection, share, [code for code, village in registered.items() if self._is_mine(village)])

    def _note_dealt(self, registered: Mapping[str, Village], watched: Collection[str]) -> None:
        """Note which villages others watch, and whether one is dealt to another engine than the one that watches it."""
        self.elsewhere = frozenset(registered.keys() - watched)
        self._moves_wait = any((code in watched) != self._is_mine(village) for code, village in registered.items())

    def _is_mine(self, village: Village) -> bool:
        return self._tables.share.holds(village)

    def _may_leave(self, village: Village) -> bool:
        """Whether another engine is to watch it now."""
        return not self._is_mine(village) and self._watched.may_leave(self._villages[village.code])

    def leave(self, codes: Sequence[str], moment: Moment, heard: Heard, folds: Mapping[str, Fold]) -> None:
        """Save what is known of villages, watch them no more, and let another engine do so.

        Raises:
            DBAPIError: the database is away.
        """
        self.save(moment, heard, folds, everything=True)
        with self._tables.writing() as connection:
            let_go(connection, codes, heard.until)
        for code in codes:
            self._watched.leave(self._villages.pop(code))
        self.elsewhere |= frozenset(codes)

    def drop(self, codes: Iterable[str]) -> None:
        """Watch villages no more that could not be begun. The next `refresh` says again that they come."""
        for code in codes:
            self._villages.pop(code, None)
        self._moves_wait = True

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
        values: dict[str, object] = {self._heard_key: heard.model_dump()}
        applied = [window.id for window in self._maintenance]
        if applied != self._applied:
            values[self._maintenance_key] = applied
        self._tables.save_states(villages, gateways, values, folds)
        self._applied = applied
        for code, village in self._villages.items():
            village.saved(with_snapshot=code in folds)
        if done := self._taken.intersection(folds):
            with self._tables.writing() as connection:
                taken_over(connection, done)
            self._taken -= done
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

    def _note_missed_plans(self, applied: object, codes: Iterable[str], moment: Moment) -> None:
        """Judge again what maintenance was declared, or taken back, for while no engine ran."""
        if not isinstance(applied, list):
            return
        differing = {str(one) for one in applied} ^ {window.id for window in self._maintenance}
        for window in self._tables.maintenance(differing) if differing else []:
            for village in map(self._villages.__getitem__, codes):
                if window.concerns(village.village):
                    village.replanned_unseen(stretches(window, village.village.timezone, moment.now), moment)


def _note_mains(village: WatchedVillage, value: object) -> None:
    """Restore which facilities are without mains power. The next look at each corrects it."""
    names: Iterable[object] = value if isinstance(value, list) else ()
    for name in names:
        if name in village.facilities:
            village.facilities[str(name)].note_mains(missing=True)
