"""Spans of facilities, and the sums of their lengths: one query for many facilities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, TextClause, select, text, tuple_

from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.indicators import POWER
from siaga.model.intervals import Interval
from siaga.model.scope import Scopes
from siaga.timeline.span_algebra import FOREVER, cut, joined
from siaga.timeline.spans import Span, State

__all__ = ["FacilityName", "filled", "judged_facilities", "lengths_by_facility", "spans_by_facility"]

_STATES = {state.value: state for state in State}

# `CROSS JOIN` keeps SQLite's order of the tables: it goes from facility to facility and, in each, straight to the
# spans of the window by the primary key. The subquery finds the span that holds the window's start, so nothing older
# is read, however long the history.
_TOUCHING = """
      FROM facility AS f CROSS JOIN span AS s
     WHERE s.village = f.village AND s.facility = f.id AND s.start < :end AND (s."end" IS NULL OR s."end" > :start)
       AND s.start >= coalesce(
           (SELECT max(p.start) FROM span AS p WHERE p.village = f.village AND p.facility = f.id AND p.start <= :start),
           :start)
       AND (f.village, f.id) >= (:first_village, :first_id) AND (f.village, f.id) <= (:last_village, :last_id)
"""
_SPANS = text(
    'SELECT f.village, f.id, s.start, s."end", s.state, s.cause, s.excused, s.excused_later'
    + _TOUCHING
    + "ORDER BY f.village, f.id, s.start"
)
_LENGTHS = text(
    """SELECT f.village, f.id, s.state, s.excused, s.excused_later, sum(
           CASE WHEN s."end" IS NULL OR s."end" > :end THEN :end ELSE s."end" END
           - CASE WHEN s.start < :start THEN :start ELSE s.start END)"""
    + _TOUCHING
    + "GROUP BY f.village, f.id, s.state, s.excused, s.excused_later ORDER BY f.village, f.id"
)


@dataclass(frozen=True, slots=True, order=True)
class FacilityName:
    """A facility by the code of its village and its own id."""

    village: str
    id: str

    @property
    def full_name(self) -> str:
        """`VILLAGE/ID`."""
        return f"{self.village}/{self.id}"


def judged_facilities(
    connection: Connection, scopes: Scopes, facility: str | None, after: tuple[str, str], limit: int
) -> list[FacilityName]:
    """The facilities with an indicator, by village and id, those after a given one, of some scopes or one alone."""
    table = tables.facility
    query = select(table.c.village, table.c.id).where(
        table.c.kind != POWER, tuple_(table.c.village, table.c.id) > tuple_(*after)
    )
    query = query.where(within(table.c.village, scopes))
    if facility is not None:
        query = query.where(table.c.id == facility)
    found = connection.execute(query.order_by(table.c.village, table.c.id).limit(limit))
    return [FacilityName(*row) for row in found]


def spans_by_facility(
    connection: Connection, facilities: Sequence[FacilityName], window: Interval
) -> Iterator[tuple[FacilityName, list[Span]]]:
    """For each of these neighbours in the order of `judged_facilities`, the spans that touch the window, in order.

    They are not clipped; the one that runs ends at `FOREVER`. One query reads them all, and they are handed out as
    they come.
    """
    for facility, rows in _by_facility(connection, _SPANS, facilities, window):
        yield (
            facility,
            [
                Span(row[2], FOREVER if row[3] is None else row[3], _STATES[row[4]], row[5], bool(row[6]), bool(row[7]))
                for row in rows
            ],
        )


def lengths_by_facility(
    connection: Connection, facilities: Sequence[FacilityName], window: Interval
) -> Iterator[tuple[FacilityName, list[Span]]]:
    """The same for measuring alone: one span from 0 for each state, as long as all of them in the window together.

    The database adds the lengths up, and the algebra says what they come to: a month of a district has a million
    spans, and a second is not enough to carry them over here.
    """
    for facility, rows in _by_facility(connection, _LENGTHS, facilities, window):
        yield facility, [Span(0, int(row[5]), _STATES[row[2]], None, bool(row[3]), bool(row[4])) for row in rows]


def _by_facility(
    connection: Connection, query: TextClause, facilities: Sequence[FacilityName], window: Interval
) -> Iterator[tuple[FacilityName, list[Row[*tuple[Any, ...]]]]]:
    """The rows of each facility: of one query for all, handed out as they come."""
    if not facilities or window[0] >= window[1]:
        yield from ((facility, []) for facility in facilities)
        return
    asked = {
        "start": window[0],
        "end": window[1],
        "first_village": facilities[0].village,
        "first_id": facilities[0].id,
        "last_village": facilities[-1].village,
        "last_id": facilities[-1].id,
    }
    # Both come in the database's order, which is that of its collation: so they are matched, and not compared
    wanted = {(facility.village, facility.id) for facility in facilities}
    groups = groupby(connection.execute(query, asked), key=lambda row: (row[0], row[1]))
    found = ((name, list(group)) for name, group in groups if name in wanted)
    name, rows = next(found, (None, []))
    for facility in facilities:
        if name == (facility.village, facility.id):
            yield facility, rows
            name, rows = next(found, (None, []))
        else:
            yield facility, []


def filled(spans: Sequence[Span], window: Interval) -> list[Span]:
    """The spans over exactly the window, neighbours differing; what none of them covers is not required.

    What was excused later is excused like any other here: it is a figure of reports, not of the timeline.
    """
    start, end = window
    whole: list[Span] = []
    at = start
    for span in cut(spans, start, end):
        if span.start > at:
            whole.append(Span(at, span.start, State.NOT_REQUIRED))
        whole.append(span._replace(excused_later=False) if span.excused_later else span)
        at = span.end
    if at < end:
        whole.append(Span(at, end, State.NOT_REQUIRED))
    return joined(whole)
