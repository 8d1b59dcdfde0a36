"""What people wrote about stretches of a facility: table `annotation`. What was taken back stays, marked as such."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from siaga.database import tables, writing
from siaga.model.intervals import Interval

__all__ = ["Annotation", "annotate", "annotations_of", "take_back"]

_MOST = 100
"""Annotations of one facility that are read: the latest."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text about a stretch. Times in ms: `start` and `end` are event time, `created_at` is wall time."""

    id: int
    start: int
    end: int
    text: str
    created_by: str
    created_at: int


def annotate(engine: Engine, village: str, facility: str, stretch: Interval, text: str, by: str, now: int) -> None:
    """Write an annotation. `now`: wall time, ms."""
    row = {
        "village": village,
        "facility": facility,
        "start": stretch[0],
        "end": stretch[1],
        "text": text,
        "created_by": by,
        "created_at": now,
    }
    with writing(engine) as connection:
        connection.execute(tables.annotation.insert(), row)


def annotations_of(connection: Connection, village: str, facility: str, window: Interval) -> Sequence[Annotation]:
    """Returns the annotations that touch a window, the latest first."""
    table = tables.annotation
    query = (
        select(table.c.id, table.c.start, table.c.end, table.c.text, table.c.created_by, table.c.created_at)
        .where(table.c.village == village, table.c.facility == facility, table.c.deleted_at.is_(None))
        .where(table.c.end > window[0], table.c.start < window[1])
        .order_by(table.c.start.desc(), table.c.id.desc())
        .limit(_MOST)
    )
    return [Annotation(*row) for row in connection.execute(query)]


def take_back(engine: Engine, annotation: int, village: str, facility: str, by: str, now: int) -> bool:
    """Take an annotation of a facility back. Returns whether there was one. `now`: wall time, ms."""
    table = tables.annotation
    this = (table.c.id == annotation) & (table.c.village == village) & (table.c.facility == facility)
    with writing(engine) as connection:
        change = table.update().where(this, table.c.deleted_at.is_(None)).values(deleted_at=now, deleted_by=by)
        return connection.execute(change).rowcount == 1
