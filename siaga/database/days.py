"""Raising the revision of days whose figures a correction changed."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection, select

from siaga.database import tables
from siaga.database.spans import read_spans
from siaga.database.upsert import upsert
from siaga.model.indicators import terms
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Interval, State
from siaga.timeline.span_algebra import FOREVER, cut
from siaga.timeline.verdict import failed_runs, judge_day, local_days, still_required

__all__ = ["correcting"]


def correcting(
    connection: Connection, village: Village, facility: Facility, stretch: Interval, write: Callable[[], None]
) -> list[date]:
    """Do `write`, which changes the facility's spans of the stretch; raise the revision of the days it changed.

    The stretch ends at now at the latest. A day of which nothing was known before has not been corrected: it appears.
    Answers the corrected days.
    """
    touched = _with_failures(connection, village, facility, stretch)
    before = _figures(connection, village, facility, touched)
    write()
    after = _figures(connection, village, facility, touched)
    changed = {day: figures for day, figures in after.items() if before.get(day) not in (None, figures)}
    if changed:
        _raise_revisions(connection, village.code, facility.id, changed)
    return sorted(changed)


def _with_failures(connection: Connection, village: Village, facility: Facility, stretch: Interval) -> Interval:
    """The stretch with the failures that reach into it: each counts whole in all days that it touches."""
    start, end = stretch
    for begins, ends in failed_runs(read_spans(connection, village.code, facility.id, start - 1, end + 1)):
        start = min(start, begins)
        end = max(end, ends) if ends < FOREVER else end
    return start, end


def _figures(connection: Connection, village: Village, facility: Facility, stretch: Interval) -> dict[date, str]:
    """What each day that touches the stretch comes to, as far as it is over when the stretch ends."""
    held_to = terms(facility)
    days = local_days(village, *stretch)
    if held_to is None or not days:
        return {}
    whole = read_spans(connection, village.code, facility.id, days[0][1][0], days[-1][1][1])
    spans = cut(whole, -FOREVER, max(stretch[1], days[-1][1][0]))
    found = {}
    for day, interval in days:
        inside = [span for span in spans if span.start < interval[1] and span.end > interval[0]]
        if all(span.state is State.NOT_REQUIRED for span in inside):
            continue
        judged = judge_day(spans, interval, held_to, still_required(village, held_to, interval, stretch[1]))
        met, failed, unknown = judged.availability.met, judged.failed, judged.unknown
        excused, later = judged.availability.excused, judged.availability.excused_later
        found[day] = f"{judged.verdict}/{met}/{failed}/{unknown}/{excused}/{later}/{judged.longest_failure}"
    return found


def _raise_revisions(connection: Connection, village: str, facility: str, changed: dict[date, str]) -> None:
    table = tables.day
    query = select(table.c.date, table.c.revision).where(
        table.c.village == village, table.c.facility == facility, table.c.date.in_(list(changed))
    )
    known = {row.date: row.revision for row in connection.execute(query)}
    here = {"village": village, "facility": facility}
    rows = [
        here | {"date": day, "revision": known.get(day, 0) + 1, "digest": figures} for day, figures in changed.items()
    ]
    upsert(connection, table, rows, ("village", "facility", "date"))
