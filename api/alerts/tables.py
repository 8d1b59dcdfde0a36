"""What the engine keeps in the database: spans, first reports, alerts with their events, its inbox and snapshots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from sqlalchemy import Connection, Engine, RowMapping, bindparam, case, func, or_, select, union
from sqlalchemy.sql.dml import ReturningInsert

from api.alert_records.events import append_event, take_turn
from api.alerts.alert import Member, OpenAlert
from api.alerts.inbox import Row
from api.alerts.outcome import Changed, Changes, Fold, Opened
from siaga.database import tables, writing
from siaga.database.days import correcting
from siaga.database.engine_state import mains_key, waits_key, write_values
from siaga.database.maintenance import window_of
from siaga.database.rewritten import note_rewritten
from siaga.database.spans import read_spans, span_of, write_spans
from siaga.database.upsert import insertion, upsert
from siaga.model.alert_kinds import Kind
from siaga.model.observation import TrackKey
from siaga.timeline.judge import Span
from siaga.timeline.maintenance import MaintenanceWindow
from siaga.timeline.span_algebra import FOREVER

__all__ = ["Committed", "Tables"]


_VERSIONS = select(
    tables.registry_version.c.version,
    select(func.count()).select_from(tables.maintenance).scalar_subquery(),
    select(func.count(tables.maintenance.c.deleted_at)).scalar_subquery(),
)


_INSERT_ROWS = tables.inbox.insert()
_ROW = ("number", "village", "gateway", "channel", "received", "payload")
_DELETE_ROWS = tables.inbox.delete().where(
    tables.inbox.c.village == bindparam("v"), tables.inbox.c.number <= bindparam("n")
)


_CHANGE = {
    is_settled: tables.alert.update()
    .where(
        tables.alert.c.id == bindparam("changed"),
        tables.alert.c.cleared_at.is_not(None) if is_settled else tables.alert.c.cleared_at.is_(None),
    )
    .values(revision=tables.alert.c.revision + 1)
    for is_settled in (False, True)
}
"""What sets columns of an alert that is open, or of one that has cleared (True)."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: how many events it wrote, and the alerts that another had opened first."""

    events: int
    adopted: Sequence[OpenAlert]


_CHUNK = 500
"""Villages a statement: SQLite takes 32,766 bound values."""


class Tables:
    """Reads and writes the engine's tables. Every method may raise SQLAlchemy's `DBAPIError` while they are away.

    `name`: whose inbox and snapshots these are, by its session with the broker.
    """

    def __init__(self, engine: Engine, name: str = "engine") -> None:
        self.engine, self.name = engine, name

    def commit(self, changes: Changes, rows: Sequence[Row] = (), folds: Mapping[str, Fold] | None = None) -> Committed:
        """Write all changes in one transaction, with what they were decided from: the inbox's new rows, snapshots."""
        adopted: list[OpenAlert] = []
        events = 0
        with writing(self.engine) as connection:
            for key, correction in changes.corrections.items():
                write = partial(write_spans, connection, {key: changes.spans.get(key, {})})
                stretch = (correction.start, correction.end)
                correcting(connection, correction.village, correction.facility, stretch, write)
            rest = {key: spans for key, spans in changes.spans.items() if key not in changes.corrections}
            write_spans(connection, rest)
            note_rewritten(connection, changes.rewritten)
            _write_first(connection, changes.first)
            upsert(connection, tables.village_state, list(changes.links.values()), ("village",))
            self._write_inbox(connection, rows, folds or {})
            write_values(connection, {mains_key(village): out for village, out in changes.mains.items()})
            write_values(connection, {waits_key(village): waits for village, waits in changes.waits.items()})
            if changes.alerts:
                take_turn(connection)  # before any alert's row is locked, as the API does: no two wait for each other
            for change in changes.alerts:
                if isinstance(change, Opened):
                    other = _open(connection, change)
                    if other is not None:
                        adopted.append(other)
                        continue
                    append_event(connection, change.alert.id, "raised", change.raised_at)
                elif _change(connection, change):
                    append_event(connection, change.id, change.event, change.at)
                else:
                    continue
                events += 1
        return Committed(events, adopted)

    def _write_inbox(self, connection: Connection, rows: Sequence[Row], folds: Mapping[str, Fold]) -> None:
        new = [
            {
                "engine": self.name,
                "number": row.number,
                "village": row.village,
                "gateway": row.gateway,
                "channel": row.channel,
                "received": row.received,
                "payload": row.payload,
            }
            for row in rows
            if row.village not in folds or row.number > folds[row.village].upto
        ]
        if new:
            connection.execute(_INSERT_ROWS, new)
        if folds:
            gone = [{"v": village, "n": fold.upto} for village, fold in folds.items() if fold.upto]
            if gone:
                connection.execute(_DELETE_ROWS.where(tables.inbox.c.engine == self.name), gone)
            saved = [
                {"engine": self.name, "village": village, "saved": fold.saved, "state": fold.state}
                for village, fold in folds.items()
            ]
            upsert(connection, tables.village_snapshot, saved, ("engine", "village"))

    def inbox(self) -> list[Row]:
        """What this engine took and no snapshot holds, in the order in which it was taken."""
        table = tables.inbox
        query = select(*(table.c[name] for name in _ROW)).where(table.c.engine == self.name).order_by(table.c.number)
        with self.engine.connect() as connection:
            return [Row(**row) for row in connection.execute(query).mappings()]

    def snapshots(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """This engine's snapshots of villages; and the newest ones of other engines, of the villages it has none of."""
        table = tables.village_snapshot
        own: dict[str, bytes] = {}
        others: dict[str, bytes] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(select(table).order_by(table.c.saved)):
                (own if row.engine == self.name else others)[row.village] = row.state
        return own, {village: state for village, state in others.items() if village not in own}

    def forget(self, villages: Collection[str] | None = None) -> None:
        """Delete this engine's inbox and snapshots: those of villages, or all."""
        with writing(self.engine) as connection:
            for table in (tables.inbox, tables.village_snapshot):
                mine = table.delete().where(table.c.engine == self.name)
                connection.execute(mine if villages is None else mine.where(table.c.village.in_(list(villages))))

    def end_running(self, villages: Sequence[str], now: int) -> None:
        """End the running spans of villages that are watched from now on, where each was last judged.

        A village with such spans was taken out of the registry before. Nobody has judged it since, so none runs still.
        """
        span, state = tables.span, tables.village_state
        judged = select(state.c.judged_until).where(state.c.village == span.c.village).scalar_subquery()
        until = func.coalesce(judged, now)
        ended = span.update().values(end=case((until > span.c.start, until), else_=span.c.start + 1))
        with writing(self.engine) as connection:
            for start in range(0, len(villages), _CHUNK):
                these = span.c.village.in_(villages[start : start + _CHUNK])
                connection.execute(ended.where(these, span.c.end.is_(None)))

    def forget_ended(self, before: int) -> None:
        """Delete inbox and snapshots of other engines of which nothing was written since wall time `before`.

        A process that lost its session name, or a machine that is gone, leaves them behind.
        """
        inbox, snapshot = tables.inbox, tables.village_snapshot
        alive = union(
            select(inbox.c.engine).where(inbox.c.received >= before),
            select(snapshot.c.engine).where(snapshot.c.saved >= before),
        ).subquery()
        with writing(self.engine) as connection:
            for table in (inbox, snapshot):
                others = table.c.engine != self.name
                connection.execute(table.delete().where(others, table.c.engine.not_in(select(alive.c.engine))))

    def open_alerts(self) -> list[OpenAlert]:
        """All alerts that have not cleared, of the kinds that this engine decides."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(tables.alert).where(tables.alert.c.cleared_at.is_(None)))
            alerts = [_open_alert(row) for row in rows.mappings()]
            _read_members(connection, [alert for alert in alerts if alert.kind == Kind.VILLAGE_OFFLINE])
        return alerts

    def cleared_since(self, village: str, facility: str, time: int) -> list[tuple[OpenAlert, int]]:
        """The `facility_failed` alerts of a facility that cleared from a moment of wall time on: when each was over."""
        table = tables.alert
        mine = (table.c.village == village, table.c.facility == facility, table.c.kind == Kind.FACILITY_FAILED.value)
        query = select(table).where(*mine, table.c.cleared_at >= time).order_by(table.c.raised_at)
        with self.engine.connect() as connection:
            return [(_open_alert(row), row["ended_at"]) for row in connection.execute(query).mappings()]

    def raised_since(self, time: int) -> list[tuple[str, str, int]]:
        """Kind, subject and time of the alerts that were raised from a moment of wall time on, in that order."""
        table = tables.alert
        query = select(table.c.kind, table.c.subject, table.c.raised_at).where(table.c.raised_at >= time)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.raised_at)).all()
        return [(row.kind, row.subject, row.raised_at) for row in rows]

    def first_reports(self) -> dict[str, dict[TrackKey, int]]:
        """When each signal was first reported, by village."""
        found: dict[str, dict[TrackKey, int]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(select(tables.first_report)):
                found.setdefault(row.village, {})[row.device, row.signal] = row.time
        return found

    def span_tails(self, since: int) -> dict[tuple[str, str], list[Span]]:
        """The spans of all facilities that reach beyond `since`, the running ones among them."""
        table = tables.span
        query = select(table).where(or_(table.c.end.is_(None), table.c.end > since))
        found: dict[tuple[str, str], list[Span]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(query.order_by(table.c.village, table.c.facility, table.c.start)).mappings():
                found.setdefault((row["village"], row["facility"]), []).append(span_of(row))
        return found

    def spans(self, village: str, facility: str, start: int, end: int = FOREVER) -> list[Span]:
        """The spans of a facility that touch `[start, end)`, and those before that belong to the same failed run."""
        with self.engine.connect() as connection:
            return read_spans(connection, village, facility, start, end)

    def first_span(self, village: str) -> dict[str, int]:
        """Where the spans of each facility of a village begin."""
        table = tables.span
        first = func.min(table.c.start).label("first")
        query = select(table.c.facility, first).where(table.c.village == village).group_by(table.c.facility)
        with self.engine.connect() as connection:
            return {row.facility: row.first for row in connection.execute(query)}

    def versions(self) -> tuple[int, int, int]:
        """Numbers of which one grows when the registry or the declared maintenance changes."""
        with self.engine.connect() as connection:
            version, declared, taken_back = connection.execute(_VERSIONS).one()
        return version, declared, taken_back

    def maintenance(self, ids: Collection[str] | None = None) -> list[MaintenanceWindow]:
        """The declared maintenance that has not been taken back; or that with certain ids, taken back or not."""
        table = tables.maintenance
        wanted = table.c.deleted_at.is_(None) if ids is None else table.c.id.in_(ids)
        with self.engine.connect() as connection:
            rows = connection.execute(select(table).where(wanted).order_by(table.c.start, table.c.id)).all()
        return [window_of(row) for row in rows]

    def states(self) -> tuple[dict[str, RowMapping], dict[str, object]]:
        """The rows of `village_state` by village, and the values of `engine_state` by key."""
        with self.engine.connect() as connection:
            villages = {row["village"]: row for row in connection.execute(select(tables.village_state)).mappings()}
            values = {row.key: row.value for row in connection.execute(select(tables.engine_state))}
        return villages, values

    def save_states(
        self,
        villages: Sequence[Mapping[str, object]],
        gateways: Sequence[Mapping[str, object]],
        values: Mapping[str, object],
        folds: Mapping[str, Fold],
    ) -> None:
        """Write rows of `village_state` and `gateway_state`, values of `engine_state`, and snapshots."""
        with writing(self.engine) as connection:
            upsert(connection, tables.village_state, villages, ("village",))
            upsert(connection, tables.gateway_state, gateways, ("village", "gateway"))
            write_values(connection, values)
            self._write_inbox(connection, (), folds)


def _write_first(connection: Connection, first: Mapping[tuple[str, TrackKey], int]) -> None:
    rows = [
        {"village": village, "device": device, "signal": signal, "time": time}
        for (village, (device, signal)), time in first.items()
    ]
    upsert(connection, tables.first_report, rows, ("village", "device", "signal"))


def _open(connection: Connection, opened: Opened) -> OpenAlert | None:
    """Insert an alert; where another has opened one of this kind and subject, that one."""
    alert = opened.alert
    row = {
        "id": alert.id,
        "kind": str(alert.kind),
        "severity": alert.severity,
        "village": alert.village,
        "facility": alert.facility,
        "device": alert.device,
        "subject": alert.subject,
        "began_at": alert.began_at,
        "raised_at": opened.raised_at,
        "cause": opened.cause,
        "evidence": alert.evidence,
        "flapping": alert.flapping,
        "revision": 1,
    }
    table = tables.alert
    # Not by `rowcount`, which is not known of an insertion in PostgreSQL
    if connection.execute(_opening(connection.dialect.name), row).first() is not None:
        _write_members(connection, alert.id, alert.members)
        return None
    others = select(table).where(
        table.c.kind == str(alert.kind), table.c.subject == alert.subject, table.c.cleared_at.is_(None)
    )
    found = _open_alert(connection.execute(others).mappings().one())
    _read_members(connection, [found])
    return found


@cache
def _opening(dialect: str) -> ReturningInsert[tuple[str]]:
    """The insertion of an alert, made once: that takes as long as to execute it."""
    table = tables.alert
    return insertion(dialect, table).on_conflict_do_nothing().returning(table.c.id)


def _write_members(connection: Connection, alert: str, members: Mapping[str, Member]) -> None:
    rows = [
        {"alert": alert, "village": village, "began_at": member.began_at, "ended_at": member.ended_at}
        for village, member in members.items()
    ]
    upsert(connection, tables.alert_member, rows, ("alert", "village"))


def _read_members(connection: Connection, alerts: Sequence[OpenAlert]) -> None:
    table, known = tables.alert_member, {alert.id: alert for alert in alerts}
    query = select(table).where(table.c.alert.in_(known)).order_by(table.c.began_at, table.c.village)
    for row in connection.execute(query) if known else ():
        known[row.alert].members[row.village] = Member(row.began_at, row.ended_at)


def _change(connection: Connection, changed: Changed) -> bool:
    """Set columns of an alert that is open, or that has cleared; whether it was so."""
    table = tables.alert
    if "acknowledged_at" in changed.values:
        _note_withdrawn(connection, changed)
    values = dict(changed.values)
    if changed.explains:
        known = connection.execute(select(table.c.evidence).where(table.c.id == changed.id)).scalar()
        values["evidence"] = {**(known or {}), **changed.explains}
    is_done = connection.execute(_CHANGE[changed.settled], {"changed": changed.id, **values}).rowcount == 1
    if is_done:
        _write_members(connection, changed.id, changed.members)
    return is_done


def _note_withdrawn(connection: Connection, changed: Changed) -> None:
    """What somebody had acknowledged is taken back, and that stands beside what they did."""
    table = tables.alert
    of = select(table.c.id).where(table.c.id == changed.id, table.c.acknowledged_at.is_not(None))
    if connection.execute(of).first() is not None:
        entry = {
            "alert": changed.id,
            "action": "acknowledge",
            "actor": "siaga",
            "time": changed.at,
            "detail": {"withdrawn": True},
        }
        connection.execute(tables.alert_action.insert(), entry)


def _open_alert(row: RowMapping) -> OpenAlert:
    return OpenAlert(
        row["id"],
        row["kind"],
        row["village"],
        row["facility"],
        row["device"],
        row["began_at"],
        dict(row["evidence"]),
        row["flapping"],
        severity=row["severity"],
    )
