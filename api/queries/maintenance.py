"""Declared maintenance windows: lists, and one.

A window of an uplink is there for whoever sees one of its villages, because it excuses that village.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, false, or_, select, tuple_

from siaga.database import tables
from siaga.database.registry import villages_within
from siaga.database.scopes import within
from siaga.model.scope import EVERYWHERE, Scopes
from siaga.model.sites import Village

__all__ = ["KeptWindow", "WindowFilter", "sharing", "window", "windows"]

_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """A declared window, with who declared it and who took it back. Times in ms.

    `facility` is an id in the village.
    """

    id: str
    village: str | None
    facility: str | None
    uplink: str | None
    start: int
    end: int
    rrule: str | None
    reason: str
    created_by: str
    created_at: int
    deleted_by: str | None
    deleted_at: int | None

    @property
    def key(self) -> tuple[int, str]:
        """Its place in the list: the latest first."""
        return self.start, self.id


@dataclass(frozen=True, slots=True)
class WindowFilter:
    """Which windows are asked for.

    `villages`: the windows of these villages; where that is all that is seen, those of their uplinks, too. `facility`:
    an id in the one village. `deleted`: those taken back, too.
    """

    villages: Scopes
    facility: str | None = None
    uplink: str | None = None
    deleted: bool = False


def windows(
    connection: Connection, seen: Scopes, asked: WindowFilter, after: tuple[int, str] | None, limit: int
) -> list[KeptWindow]:
    """Returns the windows asked for, the latest first. `after`: the key of the one after which to go on."""
    table = tables.maintenance
    query = _query().where(_concerns(seen) if asked.villages == seen else within(table.c.village, asked.villages))
    for column, wanted in ((table.c.facility, asked.facility), (table.c.uplink, asked.uplink)):
        if wanted is not None:
            query = query.where(column == wanted)
    if not asked.deleted:
        query = query.where(table.c.deleted_at.is_(None))
    if after is not None:
        query = query.where(tuple_(table.c.start, table.c.id) < tuple_(*after))
    rows = connection.execute(query.order_by(table.c.start.desc(), table.c.id.desc()).limit(limit))
    return [KeptWindow(*row) for row in rows]


def window(connection: Connection, seen: Scopes, window_id: str) -> KeptWindow | None:
    """Returns a window by its id, also one that was taken back; `None`: there is none that the caller may see."""
    if _ID.fullmatch(window_id) is None:
        return None
    query = _query().where(tables.maintenance.c.id == window_id, _concerns(seen))
    row = connection.execute(query).one_or_none()
    return None if row is None else KeptWindow(*row)


def sharing(connection: Connection, uplink: str) -> list[Village]:
    """Returns all villages of an uplink, also those that a caller may not see."""
    return [village for village in villages_within(connection, EVERYWHERE) if village.uplink == uplink]


def _query() -> Select[*tuple[Any, ...]]:
    columns = tables.maintenance.c
    return select(
        columns.id,
        columns.village,
        columns.facility,
        columns.uplink,
        columns.start,
        columns.end,
        columns.rrule,
        columns.reason,
        columns.created_by,
        columns.created_at,
        columns.deleted_by,
        columns.deleted_at,
    )


def _concerns(scopes: Scopes) -> ColumnElement[bool]:
    table, village = tables.maintenance, tables.village
    own = within(table.c.village, scopes)
    if scopes.everything:
        return own
    if not scopes:
        return false()
    uplinks = select(village.c.document["uplink"].as_string()).where(within(village.c.code, scopes))
    return or_(own, table.c.uplink.in_(uplinks))
