"""The entries of villages as set-up lists them, and the uplinks that they name."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, or_, select

from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.alert_kinds import Kind
from siaga.model.scope import Scopes

__all__ = ["Entry", "count_entries", "entries", "first_heard", "has_recovered", "uplinks"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A village with how many facilities and devices its entry has."""

    code: str
    name: str
    facilities: int
    devices: int


def entries(connection: Connection, scopes: Scopes, text: str, skip: int, limit: int) -> Sequence[Entry]:
    """Returns the villages of some scopes whose name or code holds a text, by code."""
    village, facility, device = tables.village, tables.facility, tables.device
    facilities = select(func.count()).where(facility.c.village == village.c.code).scalar_subquery()
    devices = select(func.count()).where(device.c.village == village.c.code).scalar_subquery()
    query = select(village.c.code, village.c.name, facilities, devices).where(*_wanted(scopes, text))
    return [Entry(*row) for row in connection.execute(query.order_by(village.c.code).offset(skip).limit(limit))]


def count_entries(connection: Connection, scopes: Scopes, text: str = "") -> int:
    """Returns how many there are."""
    query = select(func.count()).select_from(tables.village).where(*_wanted(scopes, text))
    return int(connection.execute(query).scalar_one())


def uplinks(connection: Connection, scopes: Scopes) -> Sequence[str]:
    """Returns the names of the uplinks of some scopes."""
    uplink = tables.village.c.document["uplink"].as_string()
    query = select(uplink).where(within(tables.village.c.code, scopes), uplink.is_not(None)).distinct()
    return sorted(connection.execute(query).scalars())


def first_heard(connection: Connection, scopes: Scopes) -> tuple[str, str] | None:
    """Returns village and facility of a registered device of some scopes that has reported; `None`: none ever has."""
    device, report = tables.device, tables.first_report
    joined = device.join(report, (report.c.village == device.c.village) & (report.c.device == device.c.id))
    query = select(device.c.village, device.c.facility).select_from(joined).where(within(device.c.village, scopes))
    row = connection.execute(query.order_by(device.c.village, device.c.facility).limit(1)).one_or_none()
    return None if row is None else (row.village, row.facility)


def first_device(connection: Connection, scopes: Scopes) -> tuple[str, str, str] | None:
    """Returns village, facility and id of a registered device of some scopes; `None`: there is none."""
    device = tables.device
    query = select(device.c.village, device.c.facility, device.c.id).where(within(device.c.village, scopes))
    row = connection.execute(query.order_by(device.c.village, device.c.facility, device.c.id).limit(1)).one_or_none()
    return None if row is None else (row.village, row.facility, row.id)


def has_recovered(connection: Connection, scopes: Scopes) -> bool:
    """Whether a facility of some scopes has ever failed and recovered, with an alert for it."""
    alert = tables.alert
    ended = alert.c.kind == Kind.FACILITY_FAILED, alert.c.cleared_at.is_not(None)
    query = select(alert.c.id).where(within(alert.c.village, scopes), *ended).limit(1)
    return connection.execute(query).first() is not None


def _wanted(scopes: Scopes, text: str) -> list[ColumnElement[bool]]:
    village, found = tables.village, [within(tables.village.c.code, scopes)]
    if text:
        here = (column.icontains(text, autoescape=True) for column in (village.c.name, village.c.code))
        found.append(or_(*here))
    return found
