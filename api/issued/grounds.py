"""What was done to facilities since a report was issued: maintenance declared or taken back, another entry in the sites
file. What is left came late."""

from collections.abc import Callable

from sqlalchemy import Connection, or_, select

from api.issued.compare import Done, Ground
from api.reports.facility import JudgedFacility
from api.reports.report import Report
from siaga.database import tables
from siaga.database.maintenance import window_of
from siaga.model.clock import MINUTE
from siaga.model.intervals import Interval
from siaga.timeline.maintenance import stretches
from siaga.timeline.spans import State

__all__ = ["grounds_since"]

_BEFORE = 2 * MINUTE
"""What was done so shortly before a report may not have been judged when it was made."""


def grounds_since(
    connection: Connection, issued_at: int, report: Report, earlier: int = 0
) -> Callable[[str, str], Done]:
    """Returns what says, of a village and a facility, what was done to it since `issued_at` (wall time, ms).

    `earlier`: how long before the report's period the time begins that it bears on, ms.
    """
    since = issued_at - _BEFORE
    facilities, there = {one.name: one for one in report.facilities}, {one.code for one in report.villages}
    table = tables.maintenance
    query = select(table).where(or_(table.c.created_at >= since, table.c.deleted_at >= since))
    windows = [
        (
            window_of(row),
            # What was taken back excuses nothing any more, whenever it was declared
            Ground.MAINTENANCE_DECLARED if row.deleted_at is None else Ground.MAINTENANCE_WITHDRAWN,
        )
        for row in connection.execute(query)
    ]
    village = tables.village
    listed = select(village.c.code, village.c.changed_at).where(village.c.changed_at >= since)
    changed = {code: at >= issued_at for code, at in connection.execute(listed)}

    def done(code: str, facility: str) -> Done:
        one = facilities.get(f"{code}/{facility}")
        within, around = set(), set()
        for window, ground in windows:
            if one is None or window.facility not in (None, facility) or not window.concerns(one.village):
                continue
            start, end = report.period.window(one.village.timezone)
            start, end = start - earlier, min(end, report.cut)
            found = list(stretches(window, one.village.timezone, report.cut))
            if any(begin < end and until > start for begin, until in found):
                within.add(ground)
            elif any(_overlap(stretch, failed) for stretch in found for failed in _failures(one)):
                around.add(ground)
        gone = code not in there
        return Done(
            frozenset(within),
            frozenset(around),
            listed=gone or code in changed,
            certainly=gone or changed.get(code, False),
        )

    return done


def _failures(one: JudgedFacility) -> list[Interval]:
    """The failed spans of a facility: with whole runs that reach beyond the period."""
    return [(span.start, span.end) for span in one.history.spans if span.state is State.FAILED]


def _overlap(one: Interval, other: Interval) -> bool:
    return one[0] < other[1] and one[1] > other[0]
