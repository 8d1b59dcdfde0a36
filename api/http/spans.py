"""Reading facilities and their spans from the database, as the API and the pages show them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection, select, text, tuple_

from api.alerts.spans import FOREVER, cut, joined
from siaga.database import tables
from siaga.indicators import POWER
from siaga.intervals import Interval
from siaga.spans import Span, State

__all__ = ["JudgedFacility", "filled", "judged_facilities", "spans_by_facility"]

_STATES = {state.value: state for state in State}

# `CROSS JOIN` keeps SQLite's order of the tables: it goes from facility to facility and, in each, straight to the
# spans of the window by the primary key. The subquery finds the span that holds the window's start, so nothing older
# is read, however long the history.
_SPANS = text(
    """
    SELECT f.village, f.id, s.start, s."end", s.state, s.cause, s.excused
      FROM facility AS f CROSS JOIN span AS s
     WHERE s.village = f.village AND s.facility = f.id AND s.start < :end
       AND s.start >= coalesce(
           (SELECT max(p.start) FROM span AS p WHERE p.village = f.village AND p.facility = f.id AND p.start <= :start),
           :start)
       AND (f.village, f.id) >= (:first_village, :first_id) AND (f.village, f.id) <= (:last_village, :last_id)
     ORDER BY f.village, f.id, s.start
    """
)


@dataclass(frozen=True, slots=True, order=True)
class JudgedFacility:
    """A facility that has an indicator, by the codes of its village and its own."""

    village: str
    id: str

    @property
    def name(self) -> str:
        """`VILLAGE/ID`."""
        return f"{self.village}/{self.id}"


def judged_facilities(
    connection: Connection, village: str | None, facility: str | None, after: tuple[str, str], limit: int
) -> list[JudgedFacility]:
    """The facilities with an indicator, by village and id, those after a given one, of one village or one alone."""
    table = tables.facility
    query = select(table.c.village, table.c.id).where(
        table.c.kind != POWER, tuple_(table.c.village, table.c.id) > tuple_(*after)
    )
    if village is not None:
        query = query.where(table.c.village == village)
    if facility is not None:
        query = query.where(table.c.id == facility)
    found = connection.execute(query.order_by(table.c.village, table.c.id).limit(limit))
    return [JudgedFacility(*row) for row in found]


def spans_by_facility(
    connection: Connection, facilities: Sequence[JudgedFacility], window: Interval
) -> Iterator[tuple[JudgedFacility, list[Span]]]:
    """For each of these neighbours in the order of `judged_facilities`, the spans that touch the window, in order.

    They are not clipped; the one that runs ends at `FOREVER`. One query reads them all, and they are handed out as
    they come.
    """
    if not facilities:
        return
    rows = connection.execute(
        _SPANS,
        {
            "start": window[0],
            "end": window[1],
            "first_village": facilities[0].village,
            "first_id": facilities[0].id,
            "last_village": facilities[-1].village,
            "last_id": facilities[-1].id,
        },
    )
    groups = groupby(rows, key=lambda row: (row[0], row[1]))
    name, group = next(groups, (None, iter(())))
    for facility in facilities:
        # Facilities without an indicator may stand in between: what they have, which is nothing, is passed over
        while name is not None and name < (facility.village, facility.id):
            name, group = next(groups, (None, iter(())))
        if name == (facility.village, facility.id):
            yield facility, [_span(*row[2:]) for row in group]
            name, group = next(groups, (None, iter(())))
        else:
            yield facility, []


def filled(spans: Sequence[Span], window: Interval) -> list[Span]:
    """The spans over exactly the window, neighbours differing; what none of them covers is not required."""
    start, end = window
    whole: list[Span] = []
    at = start
    for span in cut(spans, start, end):
        if span.start > at:
            whole.append(Span(at, span.start, State.NOT_REQUIRED))
        whole.append(span)
        at = span.end
    if at < end:
        whole.append(Span(at, end, State.NOT_REQUIRED))
    return joined(whole)


def _span(start: int, end: int | None, state: str, cause: str | None, excused: bool) -> Span:
    return Span(start, FOREVER if end is None else end, _STATES[state], cause, bool(excused))
