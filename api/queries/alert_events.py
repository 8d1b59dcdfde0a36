"""The events of alerts in the order in which they were committed, for streams that follow them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from siaga.database import tables

__all__ = ["AlertEvent", "events_after", "newest_event"]


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An event. `document`: the alert as the API showed it at that time, of all its villages.

    `api.alert_records.seen` narrows it.
    """

    id: int
    type: str
    document: Mapping[str, object]


def events_after(connection: Connection, after: int, until: int | None, limit: int) -> list[AlertEvent]:
    """Returns the events with an id above `after`, and up to `until` if that is given, in order."""
    table = tables.alert_event
    query = select(table.c.id, table.c.type, table.c.document).where(table.c.id > after)
    if until is not None:
        query = query.where(table.c.id <= until)
    rows = connection.execute(query.order_by(table.c.id).limit(limit))
    return [AlertEvent(row.id, row.type, row.document) for row in rows]


def newest_event(connection: Connection) -> int:
    """Returns the id of the newest event; 0 where there is none."""
    newest: int | None = connection.execute(select(func.max(tables.alert_event.c.id))).scalar_one()
    return newest or 0
