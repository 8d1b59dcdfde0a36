"""When villages were dark, as rows of the database: one for each stretch."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select

from siaga.database import tables
from siaga.database.upsert import upsert
from siaga.model.intervals import Interval, merge, subtract
from siaga.timeline.dark import Darkness

__all__ = ["dark_stretches", "write_dark"]


def write_dark(connection: Connection, village: str, found: Darkness) -> None:
    """Replace what is stored of a window. A stretch that goes on beside the window is one with it."""
    table = tables.dark
    # Those that only touch the window, too: they may go on in it
    near = select(table.c.start, table.c.end).where(
        table.c.village == village, table.c.start <= found.window[1], table.c.end >= found.window[0]
    )
    old = {start: end for start, end in connection.execute(near)}  # noqa: C416 - rows are no pairs for mypy
    new = dict(merge([*subtract(list(old.items()), [found.window]), *found.dark]))
    gone = [{"v": village, "s": start} for start in sorted(old.keys() - new.keys())]
    if gone:
        connection.execute(
            table.delete().where(table.c.village == bindparam("v"), table.c.start == bindparam("s")), gone
        )
    rows = [{"village": village, "start": start, "end": end} for start, end in new.items() if old.get(start) != end]
    upsert(connection, table, rows, ("village", "start"))


def dark_stretches(
    connection: Connection, window: Interval, between: tuple[str, str]
) -> Mapping[str, Sequence[Interval]]:
    """Returns the stretches that touch a window, whole, of the villages with codes from one to another, by village."""
    table = tables.dark
    query = select(table.c.village, table.c.start, table.c.end).where(
        table.c.village.between(*between), table.c.start < window[1], table.c.end > window[0]
    )
    found: dict[str, list[Interval]] = {}
    for village, start, end in connection.execute(query.order_by(table.c.village, table.c.start)):
        found.setdefault(village, []).append((start, end))
    return found
