"""What was done to facilities since a report was issued: maintenance declared or taken back, another entry in the sites
file. What is left came late."""

from collections.abc import Callable

from sqlalchemy import Connection, or_, select

from api.issued.compare import Ground
from api.reports.report import Report
from siaga.database import tables
from siaga.database.maintenance import window_of
from siaga.model.clock import MINUTE
from siaga.model.sites import Village
from siaga.timeline.maintenance import MaintenanceWindow, stretches

__all__ = ["grounds_since"]

_BEFORE = 2 * MINUTE
"""What was done so shortly before a report may not have been judged when it was made."""


def grounds_since(connection: Connection, issued_at: int, report: Report) -> Callable[[str, str], frozenset[Ground]]:
    """Returns what says, of a village and a facility, what was done to it since `issued_at` (wall time, ms)."""
    since = issued_at - _BEFORE
    villages = {village.code: village for village in report.villages}
    table = tables.maintenance
    query = select(table).where(or_(table.c.created_at >= since, table.c.deleted_at >= since))
    done = [
        (
            window_of(row),
            _said(row.created_at, row.deleted_at, since),
        )
        for row in connection.execute(query)
    ]
    village = tables.village
    changed = set(connection.execute(select(village.c.code).where(village.c.changed_at >= since)).scalars())

    def grounds(code: str, facility: str) -> frozenset[Ground]:
        there = villages.get(code)
        found = {Ground.SITES_FILE} if code in changed or there is None else set()
        for window, said in done:
            if there is not None and window.facility in (None, facility) and _touches(window, there, report):
                found |= said
        return frozenset(found)

    return grounds


def _said(created_at: int, deleted_at: int | None, since: int) -> frozenset[Ground]:
    declared = {Ground.MAINTENANCE_DECLARED} if created_at >= since else set[Ground]()
    withdrawn = {Ground.MAINTENANCE_WITHDRAWN} if deleted_at is not None and deleted_at >= since else set[Ground]()
    return frozenset(declared | withdrawn)


def _touches(window: MaintenanceWindow, village: Village, report: Report) -> bool:
    """Whether maintenance was for the village, in the period or in a failure that reaches into it."""
    start = report.period.window(village.timezone)[0]
    return window.concerns(village) and any(
        begin < report.cut and end > start for begin, end in stretches(window, village.timezone, report.cut)
    )
