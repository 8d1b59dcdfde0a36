"""What was judged otherwise than before: left by whoever changes it, in the same transaction, for issued reports.

One row a facility at most: its stretch grows until somebody has compared the reports with it. A row of no facility says
that the entry of a village in the sites file has changed, or an attestation of it.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, case
from sqlalchemy.dialects import postgresql, sqlite

from siaga.database import tables
from siaga.model.intervals import Interval

__all__ = ["ALWAYS", "note_rewritten", "take_rewritten"]

ALWAYS: Interval = (-(2**62), 2**62)
"""All of time."""
_ROWS = 500
"""Rows a statement: SQLite takes 32,766 bound values."""


def note_rewritten(connection: Connection, stretches: Mapping[tuple[str, str], Interval]) -> None:
    """Leave word that stretches of facilities, by village and facility, are judged otherwise now."""
    if not stretches:
        return
    table = tables.rewritten
    statement = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["village", "facility"],
        set_={
            "start": case((new.start < table.c.start, new.start), else_=table.c.start),
            "end": case((new.end > table.c.end, new.end), else_=table.c.end),
        },
    )
    rows = [
        {"village": village, "facility": facility, "start": start, "end": end}
        for (village, facility), (start, end) in sorted(stretches.items())
    ]
    for first in range(0, len(rows), _ROWS):
        connection.execute(statement, rows[first : first + _ROWS])


def take_rewritten(connection: Connection) -> dict[tuple[str, str], Interval]:
    """Returns what was left, and deletes it; both or neither, as the transaction ends."""
    table = tables.rewritten
    rows = connection.execute(table.delete().returning(*table.c)).all()
    return {(row.village, row.facility): (row.start, row.end) for row in rows}
