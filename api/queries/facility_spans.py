"""The spans of many facilities in one query, with whole failed runs: for reports and scorecards."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, text

from api.reports.source import RUNS_ON
from siaga.database.scopes import within_text
from siaga.model.intervals import Interval
from siaga.model.scope import Scopes
from siaga.timeline.spans import Span, State

__all__ = ["FacilitySpans", "spans_between", "spans_within"]

_Name = tuple[str, str]
"""Village and facility."""
_AT_ONCE = 5_000
"""Rows that are read at a time."""
_STATES = {state.value: state for state in State}

# Of each facility: where to begin, so that a failed run that reaches into the window is read whole, and where to end.
# The subqueries go along the primary key, one step where nothing fails at the window's edge. `CROSS JOIN` keeps
# SQLite's order of the tables: from facility to facility, and in each straight to its spans.
_SPANS = """
    WITH bound AS MATERIALIZED (
        SELECT f.village, f.id,
               (SELECT min(p.start) FROM span AS p WHERE p.village = f.village AND p.facility = f.id) AS judged_from,
               coalesce((SELECT p.start FROM span AS p
                          WHERE p.village = f.village AND p.facility = f.id AND p.start <= :start
                            AND (p.state <> 'failed' OR p.excused)
                          ORDER BY p.start DESC LIMIT 1), -:never) AS first,
               coalesce((SELECT p.start FROM span AS p
                          WHERE p.village = f.village AND p.facility = f.id AND p.start >= :end
                            AND (p.state <> 'failed' OR p.excused)
                          ORDER BY p.start LIMIT 1), :never) AS last
          FROM FACILITIES AS f
         WHERE f.kind <> 'power' AND CONDITION
    )
    SELECT b.village, b.id, b.judged_from, s.start, s."end", s.state, s.cause, s.excused, s.excused_later
      FROM bound AS b CROSS JOIN span AS s
     WHERE s.village = b.village AND s.facility = b.id AND s.start >= b.first AND s.start < b.last
       AND (s."end" IS NULL OR s."end" > :start OR s.state = 'failed')
"""


@dataclass(frozen=True, slots=True)
class FacilitySpans:
    """By village and facility: the spans that touch a window, in order, widened to whole failed runs.

    The one that runs ends at `RUNS_ON`. `judged_from`: where the first span of all begins, ms.
    """

    spans: dict[_Name, list[Span]]
    judged_from: dict[_Name, int]


def spans_within(connection: Connection, scopes: Scopes, window: Interval, *, taken_out: bool = False) -> FacilitySpans:
    """Returns the spans of the facilities of some scopes; if `taken_out`, of those that the registry has no more."""
    return _spans(connection, *within_text("f.village", scopes), window, "taken_out" if taken_out else "facility")


def spans_between(connection: Connection, first: str, last: str, window: Interval) -> FacilitySpans:
    """Returns the spans of the facilities of villages from one code to another."""
    condition = "f.village BETWEEN :first_village AND :last_village"
    return _spans(connection, condition, {"first_village": first, "last_village": last}, window)


def _spans(
    connection: Connection, condition: str, asked: dict[str, object], window: Interval, facilities: str = "facility"
) -> FacilitySpans:
    spans: dict[_Name, list[Span]] = defaultdict(list)
    judged_from: dict[_Name, int] = {}
    if window[0] >= window[1]:
        return FacilitySpans(spans, judged_from)
    bounds = {"start": window[0], "end": window[1], "never": RUNS_ON}
    rows = connection.execute(
        text(_SPANS.replace("FACILITIES", facilities).replace("CONDITION", condition)), asked | bounds
    )
    for part in rows.partitions(_AT_ONCE):  # a third quicker than row by row
        for village, facility, first, start, end, state, cause, excused, later in part:
            name = (village, facility)
            judged_from[name] = first
            spans[name].append(
                Span(start, RUNS_ON if end is None else end, _STATES[state], cause, bool(excused), bool(later))
            )
    for found in spans.values():
        found.sort(key=_start)  # they come so from SQLite; PostgreSQL may have gone another way
    return FacilitySpans(spans, judged_from)


def _start(span: Span) -> int:
    return span.start
