"""What the engine keeps in the database: spans, first reports, alerts with their events, and its own marks.

Changes are collected in a `Changes` and committed together: an alert is never there without the span it rests on, nor
its event without the alert. While the database is away they wait and grow only with what really changed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from sqlalchemy import Connection, Engine, RowMapping, func, or_, select

from api.alerts.days import correcting
from api.alerts.decisions import SEVERITIES, Kind, Raise
from api.alerts.events import append_event, take_turn
from api.alerts.maintenance import MaintenanceWindow, mains_key
from api.alerts.span_rows import insert, read_spans, span_of, upsert, write_spans
from api.alerts.spans import FOREVER, Difference
from siaga.database import tables, writing
from siaga.model.intervals import Interval
from siaga.model.observation import TrackKey
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Span

__all__ = ["Changes", "Committed", "Correction", "Ledger", "OpenAlert", "new_alert"]


_VERSIONS = select(
    tables.registry_version.c.version,
    select(func.count()).select_from(tables.maintenance).scalar_subquery(),
    select(func.count(tables.maintenance.c.deleted_at)).scalar_subquery(),
)


@dataclass(slots=True)
class OpenAlert:
    """An alert that has not cleared. `subject` with `kind` is what it is unique by; `evidence` is what is shown."""

    id: str
    kind: Kind
    village: str
    facility: str | None
    device: str | None
    began_at: int
    evidence: dict[str, object] = field(default_factory=dict)

    @property
    def flapping(self) -> bool:
        """Whether it is held open because it came and went too often."""
        return "flapping" in self.evidence

    @property
    def subject(self) -> str:
        """`VILLAGE`, `VILLAGE/FACILITY` or `VILLAGE/DEVICE`."""
        part = self.device or self.facility
        return f"{self.village}/{part}" if part else self.village


@dataclass(frozen=True, slots=True)
class _Opened:
    alert: OpenAlert
    raised_at: int
    cause: str | None


@dataclass(frozen=True, slots=True)
class _Changed:
    """Columns of an alert to set; `event` is `updated` or `cleared`. One that has cleared is `settled`."""

    id: str
    event: str
    at: int
    values: dict[str, object]
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """Live evidence changed what days that are over come to: whose spans, from when on; the last ends at `end`."""

    village: Village
    facility: Facility
    start: int
    end: int


@dataclass(slots=True)
class Changes:
    """What has changed since the last commit. A span is known by its start; `None`: it is to be deleted.

    `marks`: values of `engine_state` that belong to the spans; `mains`: by village, its facilities without mains power.
    """

    spans: dict[tuple[str, str], dict[int, Span | None]] = field(default_factory=dict)
    corrections: dict[tuple[str, str], Correction] = field(default_factory=dict)
    first: dict[tuple[str, TrackKey], int] = field(default_factory=dict)
    links: dict[str, dict[str, object]] = field(default_factory=dict)
    marks: dict[str, object] = field(default_factory=dict)
    mains: dict[str, list[str]] = field(default_factory=dict)
    alerts: list[_Opened | _Changed] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.spans or self.first or self.links or self.mains or self.alerts)

    def spans_changed(self, village: str, facility: str, change: Difference) -> None:
        """Take over what turns the old spans of a facility into the new."""
        mine = self.spans.setdefault((village, facility), {})
        mine.update(dict.fromkeys(change.deleted))
        mine.update({span.start: span for span in change.written})

    def raised(self, alert: OpenAlert, decision: Raise, now: int) -> None:
        """Open an alert at wall time `now`."""
        alert.evidence |= dict(decision.evidence) | {"reason": decision.reason}
        self.alerts.append(_Opened(alert, now, decision.cause))

    def taken_out(self, alert: OpenAlert, now: int) -> None:
        """Close an open alert whose subject the registry has no longer: nobody knows whether it is repaired."""
        alert.evidence["taken_out"] = True
        self.cleared(alert, now, now)

    def cleared(self, alert: OpenAlert, ended_at: int, now: int) -> None:
        """Close an open alert at wall time `now`."""
        values: dict[str, object] = {"ended_at": ended_at, "cleared_at": now, "evidence": dict(alert.evidence)}
        self.alerts.append(_Changed(alert.id, "cleared", now, values))

    def began_earlier(self, alert: OpenAlert, now: int) -> None:
        """Late data showed when an open alert really began: its `began_at`, already set."""
        self._updated(alert.id, now, {"began_at": alert.began_at})

    def redated(self, alert: OpenAlert, times: Interval, now: int) -> None:
        """Late data showed when an alert that has cleared began and was over."""
        self._updated(alert.id, now, {"began_at": times[0], "ended_at": times[1]}, settled=True)

    def told_more(self, alert: OpenAlert, now: int, *, worse: bool = False, settled: bool = False) -> None:
        """The evidence of an alert has grown; `worse`: whoever acknowledged it did not know; `settled`: it is over."""
        values: dict[str, object] = {"began_at": alert.began_at, "evidence": dict(alert.evidence)}
        if worse:
            values |= {"acknowledged_at": None, "acknowledged_by": None}
        self._updated(alert.id, now, values, settled=settled)

    def _updated(self, alert: str, now: int, values: dict[str, object], *, settled: bool = False) -> None:
        """One event for all updates of an alert in a row; none where it is not yet written at all."""
        for change in reversed(self.alerts):
            if isinstance(change, _Opened):
                if change.alert.id == alert:
                    return
            elif change.id == alert:
                if change.event != "updated" or change.settled != settled:
                    break
                change.values.update(values)
                return
        self.alerts.append(_Changed(alert, "updated", now, values, settled))


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: how many events it wrote, and the alerts that another had opened first."""

    events: int
    adopted: Sequence[OpenAlert]


class Ledger:
    """Reads and writes the engine's tables. Every method may raise SQLAlchemy's `DBAPIError` while they are away."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def commit(self, changes: Changes) -> Committed:
        """Write all changes in one transaction."""
        adopted: list[OpenAlert] = []
        events = 0
        with writing(self.engine) as connection:
            for key, correction in changes.corrections.items():
                write = partial(write_spans, connection, {key: changes.spans.get(key, {})})
                stretch = (correction.start, correction.end)
                correcting(connection, correction.village, correction.facility, stretch, write)
            rest = {key: spans for key, spans in changes.spans.items() if key not in changes.corrections}
            write_spans(connection, rest)
            _write_first(connection, changes.first)
            upsert(connection, tables.village_state, list(changes.links.values()), ("village",))
            _write_marks(connection, changes.marks)
            _write_marks(connection, {mains_key(village): out for village, out in changes.mains.items()})
            if changes.alerts:
                take_turn(connection)  # before any alert's row is locked, as the API does: no two wait for each other
            for change in changes.alerts:
                if isinstance(change, _Opened):
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

    def end_snoozes(self, now: int) -> int:
        """End the snoozes of open alerts that have lasted until now, each with its event; how many there were."""
        table = tables.alert
        over = select(table.c.id).where(table.c.cleared_at.is_(None), table.c.snoozed_until <= now)
        with self.engine.connect() as connection:
            if connection.execute(over.limit(1)).first() is None:
                return 0
        with writing(self.engine) as connection:
            take_turn(connection)
            ended = list(connection.execute(over.order_by(table.c.id)).scalars())
            for alert in ended:
                values = {"snoozed_until": None, "revision": table.c.revision + 1}
                connection.execute(table.update().where(table.c.id == alert).values(values))
                entry = {"alert": alert, "action": "snooze", "actor": "siaga", "time": now, "detail": {"until": None}}
                connection.execute(tables.alert_action.insert(), entry)
                append_event(connection, alert, "updated", now)
        return len(ended)

    def open_alerts(self) -> list[OpenAlert]:
        """All alerts that have not cleared, of the kinds that this engine decides."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(tables.alert).where(tables.alert.c.cleared_at.is_(None)))
            return [_open_alert(row) for row in rows.mappings()]

    def cleared_since(self, village: str, facility: str, time: int) -> list[tuple[OpenAlert, int]]:
        """The `facility_failed` alerts of a facility that cleared from a moment of wall time on: when each was over."""
        table = tables.alert
        mine = (table.c.village == village, table.c.facility == facility, table.c.kind == Kind.FACILITY_FAILED.value)
        query = select(table).where(*mine, table.c.cleared_at >= time).order_by(table.c.raised_at)
        with self.engine.connect() as connection:
            return [(_open_alert(row), row["ended_at"]) for row in connection.execute(query).mappings()]

    def raised_since(self, time: int) -> list[tuple[Kind, str, int]]:
        """Kind, subject and time of the alerts that were raised from a moment of wall time on, in that order."""
        table = tables.alert
        query = select(table.c.kind, table.c.subject, table.c.raised_at).where(table.c.raised_at >= time)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.raised_at)).all()
        return [(Kind(row.kind), row.subject, row.raised_at) for row in rows]

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
        return [
            MaintenanceWindow(
                row.id, row.village, row.facility, row.uplink, row.start, row.end, row.rrule, row.created_at
            )
            for row in rows
        ]

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
    ) -> None:
        """Write rows of `village_state` and `gateway_state`, and values of `engine_state`."""
        with writing(self.engine) as connection:
            upsert(connection, tables.village_state, villages, ("village",))
            upsert(connection, tables.gateway_state, gateways, ("village", "gateway"))
            _write_marks(connection, values)


def new_alert(kind: Kind, village: str, *, facility: str | None, device: str | None, began_at: int) -> OpenAlert:
    """An alert about to be opened, with an id of its own."""
    return OpenAlert(uuid4().hex, kind, village, facility, device, began_at)


def _write_first(connection: Connection, first: Mapping[tuple[str, TrackKey], int]) -> None:
    rows = [
        {"village": village, "device": device, "signal": signal, "time": time}
        for (village, (device, signal)), time in first.items()
    ]
    upsert(connection, tables.first_report, rows, ("village", "device", "signal"))


def _write_marks(connection: Connection, values: Mapping[str, object]) -> None:
    rows = [{"key": key, "value": value} for key, value in values.items()]
    upsert(connection, tables.engine_state, rows, ("key",))


def _open(connection: Connection, opened: _Opened) -> OpenAlert | None:
    """Insert an alert; where another has opened one of this kind and subject, that one."""
    alert = opened.alert
    row = {
        "id": alert.id,
        "kind": alert.kind.value,
        "severity": SEVERITIES[alert.kind],
        "village": alert.village,
        "facility": alert.facility,
        "device": alert.device,
        "subject": alert.subject,
        "began_at": alert.began_at,
        "raised_at": opened.raised_at,
        "cause": opened.cause,
        "evidence": alert.evidence,
        "revision": 1,
    }
    table = tables.alert
    # Not by `rowcount`, which is not known of an insertion in PostgreSQL
    inserted = insert(connection, table).values(row).on_conflict_do_nothing().returning(table.c.id)
    if connection.execute(inserted).first() is not None:
        return None
    others = select(table).where(
        table.c.kind == alert.kind.value, table.c.subject == alert.subject, table.c.cleared_at.is_(None)
    )
    return _open_alert(connection.execute(others).mappings().one())


def _change(connection: Connection, changed: _Changed) -> bool:
    """Set columns of an alert that is open, or that has cleared; whether it was so."""
    table = tables.alert
    state = table.c.cleared_at.is_not(None) if changed.settled else table.c.cleared_at.is_(None)
    update = table.update().where(table.c.id == changed.id, state)
    if "acknowledged_at" in changed.values:
        _note_withdrawn(connection, changed)
    return connection.execute(update.values(**changed.values, revision=table.c.revision + 1)).rowcount == 1


def _note_withdrawn(connection: Connection, changed: _Changed) -> None:
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
        Kind(row["kind"]),
        row["village"],
        row["facility"],
        row["device"],
        row["began_at"],
        dict(row["evidence"]),
    )
