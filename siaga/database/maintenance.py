"""Declared maintenance: table `maintenance`. A declaration that was taken back stays, marked as such."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Engine, Row

from siaga.database import tables, writing
from siaga.timeline.maintenance import MaintenanceWindow

__all__ = ["Declared", "declare", "take_back", "window_of"]


@dataclass(frozen=True, slots=True)
class Declared:
    """What somebody declares: of a facility of a village, of a village, or of an uplink. Times in ms."""

    village: str | None
    facility: str | None
    uplink: str | None
    start: int
    end: int
    rrule: str | None
    reason: str


def declare(engine: Engine, what: Declared, by: str, now: int) -> str:
    """Write a declaration. Returns its id. `now`: wall time, ms."""
    window = uuid4().hex
    row = {
        "id": window,
        "village": what.village,
        "facility": what.facility,
        "uplink": what.uplink,
        "start": what.start,
        "end": what.end,
        "rrule": what.rrule,
        "reason": what.reason,
        "created_by": by,
        "created_at": now,
    }
    with writing(engine) as connection:
        connection.execute(tables.maintenance.insert(), row)
    return window


def take_back(engine: Engine, window: str, by: str, now: int) -> None:
    """Take a declaration back. A second time changes nothing. `now`: wall time, ms."""
    table = tables.maintenance
    this = (table.c.id == window) & table.c.deleted_at.is_(None)
    with writing(engine) as connection:
        connection.execute(table.update().where(this).values(deleted_at=now, deleted_by=by))


def window_of(row: Row[tuple[object, ...]]) -> MaintenanceWindow:
    """Returns the declaration of a row."""
    return MaintenanceWindow(
        row.id, row.village, row.facility, row.uplink, row.start, row.end, row.rrule, row.created_at
    )
