"""Spans as rows of the database."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, bindparam, case, func, or_, select

from siaga.database import tables
from siaga.database.upsert import upsert
from siaga.timeline.judge import Span, State
from siaga.timeline.span_algebra import FOREVER

__all__ = ["end_running", "read_spans", "span_of", "write_spans"]

_CHUNK = 500
"""Villages a statement: SQLite takes 32,766 bound values."""


def write_spans(connection: Connection, spans: Mapping[tuple[str, str], Mapping[int, Span | None]]) -> None:
    """Write the spans of facilities by their start; `None`: delete the one that starts there."""
    gone = [
        {"v": village, "f": facility, "s": start}
        for (village, facility), mine in spans.items()
        for start, span in mine.items()
        if span is None
    ]
    rows = [
        _row(village, facility, span)
        for (village, facility), mine in spans.items()
        for span in mine.values()
        if span is not None
    ]
    if gone:
        table = tables.span
        connection.execute(
            table.delete().where(
                table.c.village == bindparam("v"), table.c.facility == bindparam("f"), table.c.start == bindparam("s")
            ),
            gone,
        )
    upsert(connection, tables.span, rows, ("village", "facility", "start"))


def end_running(connection: Connection, villages: Sequence[str], now: int) -> None:
    """End the running spans of villages that are watched from now on, where each was last judged.

    A village with such spans was taken out of the registry before. Nobody has judged it since, so none runs still.
    """
    span, state = tables.span, tables.village_state
    judged = select(state.c.judged_until).where(state.c.village == span.c.village).scalar_subquery()
    until = func.coalesce(judged, now)
    ended = span.update().values(end=case((until > span.c.start, until), else_=span.c.start + 1))
    for start in range(0, len(villages), _CHUNK):
        these = span.c.village.in_(villages[start : start + _CHUNK])
        connection.execute(ended.where(these, span.c.end.is_(None)))


def _row(village: str, facility: str, span: Span) -> dict[str, object]:
    return {
        "village": village,
        "facility": facility,
        "start": span.start,
        "end": None if span.end >= FOREVER else span.end,
        "state": span.state.value,
        "cause": span.cause,
        "excused": span.excused,
        "excused_later": span.excused_later,
    }


def span_of(row: RowMapping) -> Span:
    """The span of a row; the one that runs ends at `FOREVER`."""
    end = FOREVER if row["end"] is None else row["end"]
    return Span(row["start"], end, State(row["state"]), row["cause"], row["excused"], row["excused_later"])


def read_spans(connection: Connection, village: str, facility: str, start: int, end: int) -> list[Span]:
    """The spans that touch `[start, end)`, widened to whole runs of neighbours that are failed and not excused."""
    table = tables.span
    mine = select(table).where(table.c.village == village, table.c.facility == facility)
    inside = mine.where(table.c.start < end, or_(table.c.end.is_(None), table.c.end > start)).order_by(table.c.start)
    spans = [span_of(row) for row in connection.execute(inside).mappings()]
    while spans and spans[0].fails:
        row = connection.execute(mine.where(table.c.end == spans[0].start)).mappings().one_or_none()
        if row is None or not span_of(row).fails:
            break
        spans.insert(0, span_of(row))
    while spans and spans[-1].fails and spans[-1].end < FOREVER:
        row = connection.execute(mine.where(table.c.start == spans[-1].end)).mappings().one_or_none()
        if row is None or not span_of(row).fails:
            break
        spans.append(span_of(row))
    return spans
