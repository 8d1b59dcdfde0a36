"""Verdicts on days, from the spans in the database: the one way for `/days` and for the scorecard."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from api.alerts.span_rows import read_spans
from siaga.database import tables
from siaga.model.indicators import terms
from siaga.model.intervals import Interval
from siaga.model.sites import Facility, Village
from siaga.timeline.span_algebra import FOREVER, cut
from siaga.timeline.verdict import JudgedDay, judge_days

__all__ = ["heard_until", "judged_days"]


def judged_days(
    connection: Connection,
    village: Village,
    facility: Facility,
    days: Sequence[Interval],
    heard: int | None,
    now: int,
) -> list[JudgedDay]:
    """Returns the verdicts on local days of a facility, which follow each other; of a power facility none.

    `heard`: event time at which one of the village's gateways was last heard, ms. `now`: wall time, ms.
    """
    held_to = terms(facility)
    if held_to is None or not days:
        return []
    # Whole failed runs, also before and after the days; what runs has lasted until now
    whole = read_spans(connection, village.code, facility.id, days[0][0], min(days[-1][1], now))
    return list(judge_days(village, held_to, cut(whole, -FOREVER, now), days, heard, now))


def heard_until(connection: Connection, villages: Collection[str]) -> dict[str, int]:
    """Returns the event time, ms, at which one of each village's gateways was last heard; of none where never."""
    table = tables.gateway_state
    query = (
        select(table.c.village, func.max(table.c.last_alive))
        .where(table.c.village.in_(villages), table.c.last_alive.is_not(None))
        .group_by(table.c.village)
    )
    return {village: heard for village, heard in connection.execute(query)}  # noqa: C416 - rows are no tuples
