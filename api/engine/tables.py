"""What the engine keeps in the database: spans, first reports, alerts with their events, its inbox and snapshots."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, Table, bindparam, func, or_, select, union

from api.alert_records.alert import Opened
from api.alert_records.rows import write_alerts
from api.alerts.gateway import GatewayRow
from api.alerts.outcome import Changes, Fold
from api.alerts.state import VillageRow
from api.engine.inbox import Row
from api.queries.complaints import doubts
from siaga.database import tables, writing
from siaga.database.bulk import insert_new, replace_rows
from siaga.database.dark import write_dark
from siaga.database.days import correcting
from siaga.database.dealing import Share
from siaga.database.engine_state import mains_key, read_values, waits_key, write_past, write_values
from siaga.database.leases import Lease, check
from siaga.database.maintenance import window_of
from siaga.database.retention import readings_from
from siaga.database.rewritten import note_rewritten
from siaga.database.self_probe import note_raised
from siaga.database.spans import end_running, read_spans, span_of, write_spans
from siaga.database.upsert import upsert
from siaga.model.alert_kinds import Kind
from siaga.model.observation import TrackKey
from siaga.model.probe_village import PROBE
from siaga.model.readiness import UnreadPast
from siaga.timeline.judge import Span
from siaga.timeline.maintenance import MaintenanceWindow
from siaga.timeline.span_algebra import FOREVER

__all__ = ["Tables"]


_VERSIONS = select(
    tables.registry_version.c.version,
    select(func.count()).select_from(tables.maintenance).scalar_subquery(),
    select(func.count(tables.maintenance.c.deleted_at)).scalar_subquery(),
    select(func.coalesce(func.max(tables.complaint.c.created_at), 0)).scalar_subquery(),
)


_DELETE_ROWS = tables.inbox.delete().where(
    tables.inbox.c.village == bindparam("v"), tables.inbox.c.number <= bindparam("n")
)
_AT_ONCE = 500
"""Villages, or keys, that are asked for together."""


class Tables:
    """Reads and writes the engine's tables. Every method may raise SQLAlchemy's `DBAPIError` while they are away.

    Args:
        engine: the database.
        lease: what the engine leads by, which every transaction that writes checks; `None`: it leads all alone, as in
            tests.
        keeps: whether what was taken is kept for a successor: inbox, snapshots, what was heard.
    """

    def __init__(self, engine: Engine, lease: Lease | None = None, *, keeps: bool = True) -> None:
        self.engine, self._lease, self._keeps = engine, lease, keeps
        self.share = Share() if lease is None else Share(lease.partition, lease.partitions)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a transaction that writes. It commits at the end, and rolls back on an exception.

        Raises:
            LeaseLost: another engine leads the partition now.
        """
        with writing(self.engine) as connection:
            if self._lease is not None:
                check(connection, self._lease)
            yield connection

    def commit(self, changes: Changes, rows: Sequence[Row] = (), folds: Mapping[str, Fold] | None = None) -> int:
        """Write all changes in one transaction, with what they were decided from: the inbox's new rows, snapshots.

        Returns how many events of alerts were written.
        """
        with self.writing() as connection:
            changes = _without_probe(connection, changes)
            for key, correction in changes.corrections.items():
                write = partial(write_spans, connection, {key: changes.spans.get(key, {})})
                stretch = (correction.start, correction.end)
                correcting(connection, correction.village, correction.facility, stretch, write)
            rest = {key: spans for key, spans in changes.spans.items() if key not in changes.corrections}
            write_spans(connection, rest)
            note_rewritten(connection, changes.rewritten)
            for village, found in changes.dark.items():
                for each in found:
                    write_dark(connection, village, each)
            _write_first(connection, changes.first)
            upsert(connection, tables.village_state, list(changes.links.values()), ("village",))
            self._write_inbox(connection, rows, folds or {})
            write_values(connection, {mains_key(village): out for village, out in changes.mains.items()})
            write_values(connection, {waits_key(village): waits for village, waits in changes.waits.items()})
            return write_alerts(connection, changes.alerts)

    def _write_inbox(self, connection: Connection, rows: Sequence[Row], folds: Mapping[str, Fold]) -> None:
        if not self._keeps:
            return
        new = [row for row in rows if row.village not in folds or row.number > folds[row.village].upto]
        # After a commit that may have succeeded they may be there
        insert_new(connection, tables.inbox, Row._fields, new)
        gone = [{"v": village, "n": fold.upto} for village, fold in folds.items() if fold.upto]
        if gone:
            connection.execute(_DELETE_ROWS, gone)
        saved = [(village, fold.saved, fold.state) for village, fold in folds.items()]
        replace_rows(connection, tables.village_snapshot, ("village", "saved", "state"), saved)

    def inbox(self, villages: Collection[str]) -> list[Row]:
        """What was taken of villages that no snapshot holds, in the order in which it was taken."""
        rows = self._of(tables.inbox, villages if self._keeps else ())
        return sorted((Row(**row) for row in rows), key=lambda row: row.number)

    def snapshots(self, villages: Collection[str]) -> dict[str, bytes]:
        """The snapshots of villages."""
        rows = self._of(tables.village_snapshot, villages if self._keeps else ())
        return {row["village"]: row["state"] for row in rows}

    def _of(self, table: Table, villages: Collection[str], *where: ColumnElement[bool]) -> Iterator[RowMapping]:
        """Yields the rows of villages in a table."""
        query = select(table).where(table.c.village.in_(bindparam("some", expanding=True)), *where)
        with self.engine.connect() as connection:
            for some in _some(villages):
                yield from connection.execute(query, {"some": some}).mappings()

    def kept(self) -> set[str]:
        """The villages that have a snapshot, or something in the inbox."""
        if not self._keeps:
            return set()
        inbox, snapshot = tables.inbox.c.village, tables.village_snapshot.c.village
        with self.engine.connect() as connection:
            return set(connection.execute(union(select(inbox), select(snapshot))).scalars())

    def forget(self, villages: Collection[str]) -> None:
        """Delete the inbox and the snapshots of villages, who watches them, and what is said of their alerts."""
        if not villages:
            return
        state = tables.engine_state
        with self.writing() as connection:
            for some in _some(villages):
                for table in (tables.inbox, tables.village_snapshot, tables.village_partition):
                    connection.execute(table.delete().where(table.c.village.in_(some)))
                keys = [key(code) for key in (mains_key, waits_key) for code in some]
                connection.execute(state.delete().where(state.c.key.in_(keys)))

    def save_past(self, past: UnreadPast) -> None:
        """Write what of the past is not known."""
        if not self._keeps:
            return
        with self.writing() as connection:
            write_past(connection, self.share.number, past)

    def end_running(self, villages: Sequence[str], now: int) -> None:
        """End the running spans of villages that are watched from now on, where each was last judged."""
        with self.writing() as connection:
            end_running(connection, villages, now)

    def first_reports(self, villages: Collection[str]) -> dict[str, dict[TrackKey, int]]:
        """When each signal of villages was first reported, by village."""
        found: dict[str, dict[TrackKey, int]] = {}
        for row in self._of(tables.first_report, villages):
            found.setdefault(row["village"], {})[row["device"], row["signal"]] = row["time"]
        return found

    def span_tails(self, villages: Collection[str], since: int) -> dict[tuple[str, str], list[Span]]:
        """The spans of all facilities of villages that reach beyond `since`, the running ones among them."""
        end = tables.span.c.end
        found: dict[tuple[str, str], list[Span]] = {}
        for row in self._of(tables.span, villages, or_(end.is_(None), end > since)):
            found.setdefault((row["village"], row["facility"]), []).append(span_of(row))
        return {key: sorted(spans, key=lambda span: span.start) for key, spans in found.items()}

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

    def versions(self) -> tuple[int, int, int, int]:
        """Numbers of which one grows when the registry or the declared maintenance changes, or a complaint comes.

        The last one says when the newest complaint was made, ms.
        """
        with self.engine.connect() as connection:
            version, declared, taken_back, complained = connection.execute(_VERSIONS).one()
        return version, declared, taken_back, complained

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

    def states(self, villages: Collection[str]) -> dict[str, RowMapping]:
        """The rows of `village_state` by village."""
        return {row["village"]: row for row in self._of(tables.village_state, villages)}

    def gateways(self, villages: Collection[str]) -> dict[str, list[RowMapping]]:
        """The rows of `gateway_state` by village."""
        found: dict[str, list[RowMapping]] = {}
        for row in self._of(tables.gateway_state, villages):
            found.setdefault(row["village"], []).append(row)
        return {code: sorted(rows, key=lambda row: str(row["gateway"])) for code, rows in found.items()}

    def values(self, keys: Collection[str]) -> dict[str, object]:
        """The values of `engine_state` that are there, by key."""
        found: dict[str, object] = {}
        with self.engine.connect() as connection:
            for some in _some(keys):
                found |= read_values(connection, some)
        return found

    def save_states(
        self,
        villages: Sequence[VillageRow],
        gateways: Sequence[GatewayRow],
        values: Mapping[str, object],
        folds: Mapping[str, Fold],
    ) -> None:
        """Write rows of `village_state` and `gateway_state`, values of `engine_state`, and snapshots."""
        with self.writing() as connection:
            replace_rows(connection, tables.village_state, VillageRow._fields, villages)
            replace_rows(connection, tables.gateway_state, GatewayRow._fields, gateways)
            write_values(connection, values if self._keeps else {})
            self._write_inbox(connection, (), folds)


def _write_first(connection: Connection, first: Mapping[tuple[str, TrackKey], int]) -> None:
    rows = [(village, device, signal, time) for (village, (device, signal)), time in first.items()]
    replace_rows(connection, tables.first_report, ("village", "device", "signal", "time"), rows)


def _without_probe(connection: Connection, changes: Changes) -> Changes:
    """Note when the self-probe's alert was raised. Returns what is changed of all other villages."""
    raised = [each for each in changes.alerts if isinstance(each, Opened) and each.alert.village == PROBE]
    if not raised and PROBE not in changes.dark and not any(village == PROBE for village, _ in changes.spans):
        return changes
    for each in raised:
        if each.alert.kind is Kind.FACILITY_FAILED:
            note_raised(connection, each.raised_at)
    return replace(
        changes,
        alerts=[each for each in changes.alerts if each not in raised],
        spans={key: spans for key, spans in changes.spans.items() if key[0] != PROBE},
        corrections={key: each for key, each in changes.corrections.items() if key[0] != PROBE},
        rewritten={key: each for key, each in changes.rewritten.items() if key[0] != PROBE},
        dark={village: found for village, found in changes.dark.items() if village != PROBE},
    )


def _some(names: Collection[str]) -> Iterator[list[str]]:
    """Yields some of the names at a time, as many as one statement asks for."""
    every = list(names)
    for start in range(0, len(every), _AT_ONCE):
        yield every[start : start + _AT_ONCE]
