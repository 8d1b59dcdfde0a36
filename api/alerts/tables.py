"""What the engine keeps in the database: spans, first reports, alerts with their events, its inbox and snapshots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import partial

from sqlalchemy import Connection, Engine, RowMapping, bindparam, func, or_, select, union

from api.alert_records.rows import Committed, write_alerts
from api.alerts.gateway import GatewayRow
from api.alerts.inbox import Row
from api.alerts.outcome import Changes, Fold
from api.queries.complaints import doubts
from siaga.database import tables, writing
from siaga.database.days import correcting
from siaga.database.engine_state import mains_key, waits_key, write_values
from siaga.database.maintenance import window_of
from siaga.database.retention import readings_from
from siaga.database.rewritten import note_rewritten
from siaga.database.spans import end_running, read_spans, span_of, write_spans
from siaga.database.upsert import upsert
from siaga.model.observation import TrackKey
from siaga.timeline.judge import Span
from siaga.timeline.maintenance import MaintenanceWindow
from siaga.timeline.span_algebra import FOREVER

__all__ = ["Tables"]


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


class Tables:
    """Reads and writes the engine's tables. Every method may raise SQLAlchemy's `DBAPIError` while they are away.

    `name`: whose inbox and snapshots these are, by its session with the broker.
    """

    def __init__(self, engine: Engine, name: str = "engine") -> None:
        self.engine, self.name = engine, name

    def commit(self, changes: Changes, rows: Sequence[Row] = (), folds: Mapping[str, Fold] | None = None) -> Committed:
        """Write all changes in one transaction, with what they were decided from: the inbox's new rows, snapshots."""
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
            return write_alerts(connection, changes.alerts)

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
        """End the running spans of villages that are watched from now on, where each was last judged."""
        with writing(self.engine) as connection:
            end_running(connection, villages, now)

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

    def readings_from(self) -> int:
        """From which event time on the telemetry store has all readings."""
        with self.engine.connect() as connection:
            return readings_from(connection)

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

    def doubts(self, since: int) -> Mapping[tuple[str, str], tuple[int, ...]]:
        """By village and facility when people said otherwise than its sensors, from `since` on, ms."""
        with self.engine.connect() as connection:
            return doubts(connection, since)

    def states(self) -> tuple[dict[str, RowMapping], dict[str, object]]:
        """The rows of `village_state` by village, and the values of `engine_state` by key."""
        with self.engine.connect() as connection:
            villages = {row["village"]: row for row in connection.execute(select(tables.village_state)).mappings()}
            values = {row.key: row.value for row in connection.execute(select(tables.engine_state))}
        return villages, values

    def gateways(self) -> dict[str, list[GatewayRow]]:
        """The rows of `gateway_state` by village."""
        table = tables.gateway_state
        found: dict[str, list[GatewayRow]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(select(table).order_by(table.c.village, table.c.gateway)).mappings():
                found.setdefault(row["village"], []).append(GatewayRow(**row))
        return found

    def save_states(
        self,
        villages: Sequence[Mapping[str, object]],
        gateways: Sequence[GatewayRow],
        values: Mapping[str, object],
        folds: Mapping[str, Fold],
    ) -> None:
        """Write rows of `village_state` and `gateway_state`, values of `engine_state`, and snapshots."""
        with writing(self.engine) as connection:
            upsert(connection, tables.village_state, villages, ("village",))
            upsert(connection, tables.gateway_state, list(map(asdict, gateways)), ("village", "gateway"))
            write_values(connection, values)
            self._write_inbox(connection, (), folds)


def _write_first(connection: Connection, first: Mapping[tuple[str, TrackKey], int]) -> None:
    rows = [
        {"village": village, "device": device, "signal": signal, "time": time}
        for (village, (device, signal)), time in first.items()
    ]
    upsert(connection, tables.first_report, rows, ("village", "device", "signal"))
