"""Facilities that were taken out of the registry, as they were then: reports of the time before are still about them.

A facility that is put back is no longer taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter
from sqlalchemy import Connection, select, tuple_

from siaga.database import tables
from siaga.database.scopes import within
from siaga.database.upsert import upsert
from siaga.model.scope import Scopes
from siaga.model.sites import Village

__all__ = ["TakenOut", "note_put_back", "note_taken_out", "taken_out"]

_VILLAGE = TypeAdapter(Village)
_CHUNK = 500
"""Facilities per statement. SQLite allows 32,766 bound values."""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """A village as it was, with one of its facilities alone. `at`: wall time at which that was taken out, ms."""

    village: Village
    at: int


def note_taken_out(connection: Connection, before: Sequence[Village], after: Sequence[Village], now: int) -> None:
    """Keep the facilities of some villages that are in `before` and not in `after`. `now`: wall time, ms."""
    still = {(village.code, facility.id) for village in after for facility in village.facilities}
    rows = [
        {
            "village": village.code,
            "id": facility.id,
            "kind": facility.kind,
            "at": now,
            "document": _VILLAGE.dump_python(replace(village, facilities=(facility,)), mode="json"),
        }
        for village in before
        for facility in village.facilities
        if (village.code, facility.id) not in still
    ]
    upsert(connection, tables.taken_out, rows, ("village", "id"))


def note_put_back(connection: Connection, villages: Sequence[Village]) -> None:
    """Forget that facilities of these villages were ever taken out."""
    table = tables.taken_out
    names = [(village.code, facility.id) for village in villages for facility in village.facilities]
    for start in range(0, len(names), _CHUNK):
        connection.execute(table.delete().where(tuple_(table.c.village, table.c.id).in_(names[start : start + _CHUNK])))


def taken_out(connection: Connection, scopes: Scopes, since: int) -> list[TakenOut]:
    """Returns what was taken out of some scopes after `since`, wall time, ms."""
    table = tables.taken_out
    query = select(table.c.document, table.c.at).where(within(table.c.village, scopes), table.c.at > since)
    rows = connection.execute(query.order_by(table.c.village, table.c.id))
    return [TakenOut(_VILLAGE.validate_python(row.document), row.at) for row in rows]
