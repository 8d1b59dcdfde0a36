"""Alerts: lists, counts, one with all that people did about it. Nothing of a village that is not seen is in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, func, or_, select, tuple_

from api.alert_records.excuses import with_plan
from api.alert_records.seen import seen_row
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.alert_kinds import Kind
from siaga.model.scope import Scopes

__all__ = [
    "Action",
    "AlertFile",
    "AlertFilter",
    "AlertRecord",
    "Comment",
    "alert",
    "alert_ids",
    "alerts",
    "count_alerts",
    "shown",
]

_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """An alert. Times in ms: `began_at` and `ended_at` event time, the others wall time.

    `facility` and `device` (also a gateway) are ids within the village. `evidence` is what people see of it, in JSON,
    with `planned_until` while its subject is in planned maintenance. `revision` grows with every change.
    """

    id: str
    kind: Kind
    severity: str
    village: str
    facility: str | None
    device: str | None
    began_at: int
    raised_at: int
    ended_at: int | None
    cleared_at: int | None
    acknowledged_at: int | None
    acknowledged_by: str | None
    assignee: str | None
    snoozed_until: int | None
    cause: str | None
    evidence: Mapping[str, object]
    flapping: bool
    revision: int

    @property
    def key(self) -> tuple[int, str]:
        """Its place in the list: the newest first."""
        return self.raised_at, self.id


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said of an alert. `time`: ms."""

    author: str
    time: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody did about an alert. `time`: ms."""

    action: str
    actor: str
    time: int
    detail: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class AlertFile:
    """An alert with all that people did about it, in order."""

    alert: AlertRecord
    comments: Sequence[Comment]
    actions: Sequence[Action]


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are asked for. `villages`: those that they concern; `None` elsewhere: all.

    With `is_open`, an outage concerns a village only while nothing has arrived from it.
    """

    villages: Scopes
    is_open: bool | None = None
    kind: Kind | None = None
    severity: str | None = None


def alerts(
    connection: Connection, seen: Scopes, asked: AlertFilter, now: int, after: tuple[int, str] | None, limit: int
) -> list[AlertRecord]:
    """Returns alerts, the newest first.

    Args:
        connection: the database.
        seen: what the caller may see; it holds the villages asked for.
        asked: which alerts.
        now: wall time, ms.
        after: the key of the alert after which to go on.
        limit: at most so many.
    """
    table = tables.alert
    query = select(table).where(_asked(asked))
    if after is not None:
        query = query.where(tuple_(table.c.raised_at, table.c.id) < tuple_(*after))
    query = query.order_by(table.c.raised_at.desc(), table.c.id.desc()).limit(limit)
    return shown(connection, seen, connection.execute(query).mappings().all(), now)


def alert_ids(connection: Connection, asked: AlertFilter) -> list[str]:
    """Returns the ids of all alerts of what is asked for, the newest first."""
    table = tables.alert
    query = select(table.c.id).where(_asked(asked)).order_by(table.c.raised_at.desc(), table.c.id.desc())
    return list(connection.execute(query).scalars())


def count_alerts(connection: Connection, asked: AlertFilter) -> int:
    """Returns how many alerts there are of what is asked for."""
    query = select(func.count()).select_from(tables.alert).where(_asked(asked))
    return int(connection.execute(query).scalar_one())


def alert(connection: Connection, seen: Scopes, alert_id: str, now: int) -> AlertFile | None:
    """Returns an alert by its id; `None`: there is none that the caller may see. `now`: wall time, ms."""
    if _ID.fullmatch(alert_id) is None:
        return None
    rows = connection.execute(select(tables.alert).where(tables.alert.c.id == alert_id)).mappings().all()
    found = shown(connection, seen, rows, now)
    if not found:
        return None
    said, done = tables.alert_comment, tables.alert_action
    comments = connection.execute(select(said).where(said.c.alert == alert_id).order_by(said.c.id))
    actions = connection.execute(select(done).where(done.c.alert == alert_id).order_by(done.c.id))
    return AlertFile(
        found[0],
        [Comment(row.author, row.time, row.text) for row in comments],
        [Action(row.action, row.actor, row.time, row.detail) for row in actions],
    )


def shown(connection: Connection, seen: Scopes, rows: Sequence[RowMapping], now: int) -> list[AlertRecord]:
    """Returns rows of table `alert` as far as they are seen. `now`: wall time, ms."""
    parts = (seen_row({str(key): value for key, value in row.items()}, seen) for row in rows)
    planned = with_plan(connection, [part for part in parts if part is not None], now)
    return [_record(row) for row in planned]


def _record(row: Mapping[str, object]) -> AlertRecord:
    values = {key: value for key, value in row.items() if key not in ("subject", "kind")}
    return AlertRecord(kind=Kind(str(row["kind"])), **values)  # type: ignore[arg-type] # columns of the table, by name


def _asked(asked: AlertFilter) -> ColumnElement[bool]:
    table = tables.alert
    condition = _concerns(asked.villages, still=bool(asked.is_open))
    if asked.is_open is not None:
        condition &= table.c.cleared_at.is_(None) if asked.is_open else table.c.cleared_at.is_not(None)
    for column, wanted in ((table.c.kind, asked.kind), (table.c.severity, asked.severity)):
        if wanted is not None:
            condition &= column == str(wanted)
    return condition


def _concerns(scopes: Scopes, *, still: bool) -> ColumnElement[bool]:
    """An alert is a village's own, or that of an uplink with which the village was lost; `still`: is lost still."""
    own = within(tables.alert.c.village, scopes)
    if scopes.everything:
        return own
    member = tables.alert_member
    lost = select(member.c.alert).where(within(member.c.village, scopes))
    if still:
        lost = lost.where(member.c.ended_at.is_(None))
    return or_(own, tables.alert.c.id.in_(lost))
