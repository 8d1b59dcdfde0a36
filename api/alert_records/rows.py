"""Rows of table `alert`: opened, changed and read. Each change is written with its event."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import structlog
from sqlalchemy import Connection, Engine, RowMapping, bindparam, select
from sqlalchemy.sql.dml import ReturningInsert

from api.alert_records.alert import Changed, Member, OpenAlert, Opened
from api.alert_records.events import append_event, take_turn
from siaga.database import tables
from siaga.database.upsert import insertion, upsert
from siaga.model.alert_kinds import Kind

__all__ = ["cleared_since", "open_alerts", "raised_since", "write_alerts"]

log = structlog.get_logger(__name__)

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


def write_alerts(connection: Connection, changes: Sequence[Opened | Changed]) -> int:
    """Write changes of alerts in their order, each with its event. Returns how many events."""
    events = 0
    known_as: dict[str, str] = {}
    if changes:
        take_turn(connection)  # before any alert's row is locked, as everybody does: so no two wait for each other
    for change in changes:
        if isinstance(change, Opened):
            name = change.alert.id
            is_done = _open(connection, change)
            known_as[name] = change.alert.id
            event = (change.alert.id, "raised", change.raised_at)
        else:
            same = replace(change, id=known_as.get(change.id, change.id))
            is_done = _change(connection, same)
            event = (same.id, same.event, same.at)
        if is_done:
            append_event(connection, *event)
            events += 1
    return events


def open_alerts(engine: Engine) -> list[OpenAlert]:
    """Returns all alerts that have not cleared."""
    with engine.connect() as connection:
        rows = connection.execute(select(tables.alert).where(tables.alert.c.cleared_at.is_(None)))
        alerts = [_open_alert(row) for row in rows.mappings()]
        _read_members(connection, [alert for alert in alerts if alert.kind == Kind.VILLAGE_OFFLINE])
    return alerts


def cleared_since(engine: Engine, village: str, facility: str, time: int) -> list[tuple[OpenAlert, int]]:
    """Returns a facility's `facility_failed` alerts that cleared since wall time `time`, each with its end."""
    table = tables.alert
    mine = (table.c.village == village, table.c.facility == facility, table.c.kind == Kind.FACILITY_FAILED.value)
    query = select(table).where(*mine, table.c.cleared_at >= time).order_by(table.c.raised_at)
    with engine.connect() as connection:
        return [(_open_alert(row), row["ended_at"]) for row in connection.execute(query).mappings()]


def raised_since(engine: Engine, time: int) -> list[tuple[str, str, int]]:
    """Returns kind, subject and time of the alerts that were raised since wall time `time`, in that order."""
    table = tables.alert
    query = select(table.c.kind, table.c.subject, table.c.raised_at).where(table.c.raised_at >= time)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(table.c.raised_at)).all()
    return [(row.kind, row.subject, row.raised_at) for row in rows]


def _open(connection: Connection, opened: Opened) -> bool:
    """Insert an alert. Returns False if it is there: by a commit of which nobody knew whether it succeeded.

    If another one of its subject and kind is open, it becomes that one.
    """
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
    # Not by `rowcount`, which is not known of an insertion in PostgreSQL
    if connection.execute(_opening(connection.dialect.name), row).first() is None:
        is_same = (tables.alert.c.kind == row["kind"]) & (tables.alert.c.subject == alert.subject)
        query = select(tables.alert.c.id).where(is_same, tables.alert.c.cleared_at.is_(None))
        other = connection.execute(query).scalar()
        if other is not None and other != alert.id:
            log.warning("an_alert_is_open_already", kind=row["kind"], subject=alert.subject)
            alert.become(other)
        return False
    _write_members(connection, alert.id, alert.members)
    return True


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
    """Set columns of an alert that is open, or that has cleared. Returns False if it is not in that state."""
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
    """Note in the audit trail that an acknowledgement is withdrawn."""
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
    )
