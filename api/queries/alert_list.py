"""The alerts of the technicians' page: open ones, and those that cleared lately, each with the names of its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true

from api.alert_records.excuses import with_plan
from api.alert_records.seen import seen_row
from api.queries.villages import names_of
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.model.scope import Scopes

__all__ = [
    "MOST",
    "AlertList",
    "ListedAlert",
    "Subject",
    "cleared_since",
    "of_subject",
    "often_raised",
    "open_now",
    "with_ids",
]

MOST = 2_000
"""Alerts of one page. More are said to be there and are not listed: a page that nobody can read helps nobody."""


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert and its place. All times in ms: `began_at` and `ended_at` event time, the others wall time.

    `facility_name` and `facility_kind`: of the facility that it is about, or of the one of its device; `None`: it is
    about a village or a gateway. `uplink`: what its village shares with others. `evidence`: with `planned_until`.
    `villages`: those that it concerns and that may be seen.
    """

    id: str
    kind: str
    severity: str
    village: str
    village_name: str
    timezone: str
    uplink: str | None
    facility: str | None
    facility_name: str | None
    facility_kind: str | None
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
    revision: int
    villages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertList:
    """Alerts, and how many more there are."""

    alerts: Sequence[ListedAlert]
    more: int = 0


def open_now(connection: Connection, seen: Scopes, now: int) -> AlertList:
    """Returns the open alerts that lie in the scopes `seen`, the newest first, at most `MOST`. `now`: wall time, ms."""
    return _listed(connection, and_(tables.alert.c.cleared_at.is_(None), _concerns(seen, still=True)), seen, now)


def cleared_since(
    connection: Connection, seen: Scopes, since: int, now: int, *, raised_before: int | None = None
) -> AlertList:
    """Returns the alerts that cleared at `since` (ms) or later, the newest first, at most `MOST`."""
    table = tables.alert
    early = true() if raised_before is None else table.c.raised_at < raised_before
    return _listed(connection, and_(table.c.cleared_at >= since, early, _concerns(seen)), seen, now)


Subject = tuple[str, str, str | None, str | None]
"""Kind, village, facility and device of an alert."""


def often_raised(connection: Connection, seen: Scopes, since: int) -> Mapping[Subject, int]:
    """Returns what was raised more than once since then (wall time, ms), and how often."""
    table = tables.alert
    subject = (table.c.kind, table.c.village, table.c.facility, table.c.device)
    query = select(*subject, func.count()).where(table.c.raised_at >= since, _concerns(seen)).group_by(*subject)
    rows = connection.execute(query.having(func.count() > 1)).all()
    return {(kind, village, facility, device): count for kind, village, facility, device, count in rows}


def with_ids(connection: Connection, seen: Scopes, ids: Sequence[str], now: int) -> Mapping[str, ListedAlert]:
    """Returns the alerts with these ids, open or not, as far as they lie in the scopes `seen`."""
    found = _listed(connection, and_(tables.alert.c.id.in_(ids[:MOST]), _concerns(seen)), seen, now)
    return {alert.id: alert for alert in found.alerts}


def of_subject(connection: Connection, seen: Scopes, alert: ListedAlert, limit: int, now: int) -> Sequence[ListedAlert]:
    """Returns the alerts that were raised of the same facility, device or village before this one, the newest first."""
    table = tables.alert
    same = and_(
        table.c.village == alert.village,
        table.c.facility == alert.facility if alert.facility is not None else table.c.facility.is_(None),
        table.c.device == alert.device if alert.device is not None else table.c.device.is_(None),
        table.c.raised_at < alert.raised_at,
    )
    return _listed(connection, and_(same, _concerns(seen)), seen, now, limit).alerts


def _concerns(seen: Scopes, *, still: bool = False) -> ColumnElement[bool]:
    """An alert is its village's own, or that of an uplink with which the village was lost; `still`: is lost still."""
    if seen.everything:
        return true()
    member = tables.alert_member
    lost = select(member.c.alert).where(within(member.c.village, seen))
    if still:
        lost = lost.where(member.c.ended_at.is_(None))
    return or_(within(tables.alert.c.village, seen), tables.alert.c.id.in_(lost))


def _listed(
    connection: Connection, condition: ColumnElement[bool], seen: Scopes, now: int, limit: int = MOST
) -> AlertList:
    alert, village, facility, device = tables.alert, tables.village, tables.facility, tables.device
    owner = and_(device.c.village == alert.c.village, device.c.id == alert.c.device)
    place = and_(
        facility.c.village == alert.c.village, facility.c.id == func.coalesce(alert.c.facility, device.c.facility)
    )
    query = (
        select(
            alert,
            func.coalesce(village.c.name, alert.c.village).label("village_name"),
            func.coalesce(village.c.timezone, NO_VILLAGES_ZONE).label("timezone"),
            village.c.document["uplink"].as_string().label("uplink"),
            facility.c.name.label("facility_name"),
            facility.c.kind.label("facility_kind"),
        )
        .select_from(alert)
        .outerjoin(village, village.c.code == alert.c.village)
        .outerjoin(device, owner)
        .outerjoin(facility, place)
        .where(condition)
        .order_by(alert.c.raised_at.desc(), alert.c.id.desc())
        .limit(limit)
    )
    result = connection.execute(query)
    names = tuple(result.keys())
    rows = [dict(zip(names, row, strict=True)) for row in result.all()]
    more = 0
    if len(rows) == MOST:
        counted: int = connection.execute(select(func.count()).select_from(alert).where(condition)).scalar_one()
        more = counted - MOST
    mine = with_plan(connection, _seen(connection, rows, seen), now)
    return AlertList([_alert(row) for row in mine], more)


def _seen(connection: Connection, rows: Sequence[Mapping[str, object]], seen: Scopes) -> Sequence[Mapping[str, object]]:
    """Returns of the rows what is seen of them.

    An outage that begins with a village that is not seen stands with the first one that is.
    """
    pairs = [(row, seen_row(row, seen)) for row in rows]
    moved = {str(part["village"]) for row, part in pairs if part is not None and part is not row}
    places = names_of(connection, moved) if moved else {}
    return [_placed(part, places) if part is not row else row for row, part in pairs if part is not None]


def _placed(part: Mapping[str, object], places: Mapping[str, tuple[str, str]]) -> Mapping[str, object]:
    """Returns a part of an outage with the name and the time zone of the village that it stands with."""
    village = str(part["village"])
    return {**part, **dict(zip(("village_name", "timezone"), places.get(village, ()), strict=False))}


_COLUMNS = ListedAlert.__slots__[: ListedAlert.__slots__.index("evidence")]


def _alert(row: Mapping[str, object]) -> ListedAlert:
    """Returns an alert of which only what is seen is left."""
    evidence = row["evidence"]
    said = evidence if isinstance(evidence, Mapping) else {}
    listed = said.get("villages")
    others = [str(code) for code in listed] if isinstance(listed, list) else []
    villages = tuple(dict.fromkeys([str(row["village"]), *others]))
    columns = [row[name] for name in _COLUMNS]
    return ListedAlert(*columns, said, row["revision"], villages)  # type: ignore[arg-type,call-arg]  # by name
