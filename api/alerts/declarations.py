"""Declaring maintenance, and taking a declaration back: the writes of table `maintenance`."""

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Engine

from siaga.database import tables, writing

__all__ = ["Declared", "declare", "take_back"]


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
    """Keep a declaration. Returns its id. `now`: wall time, ms."""
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
    """Take a declaration back; again changes nothing. `now`: wall time, ms."""
    table = tables.maintenance
    this = (table.c.id == window) & table.c.deleted_at.is_(None)
    with writing(engine) as connection:
        connection.execute(table.update().where(this).values(deleted_at=now, deleted_by=by))
