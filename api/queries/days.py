"""Verdicts on days, from the spans in the database: the one way for `/days` and for the scorecard."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from api.queries.spans import FacilityName
from siaga.database import tables
from siaga.database.spans import read_spans
from siaga.model.indicators import terms
from siaga.model.intervals import Interval
from siaga.model.sites import Facility, Village
from siaga.timeline.span_algebra import FOREVER, cut
from siaga.timeline.verdict import JudgedDay, judge_days, local_day

__all__ = ["FacilityDay", "days_of", "heard_until", "judged_days"]


@dataclass(frozen=True, slots=True)
class FacilityDay:
    """The verdict on a local day of a facility. `revision`: how often a later correction changed it."""

    facility: FacilityName
    date: datetime.date
    judged: JudgedDay
    revision: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Its place in the list."""
        return self.facility.village, self.facility.id, self.date.isoformat()


def days_of(
    connection: Connection, village: Village, name: FacilityName, dates: Sequence[datetime.date], now: int
) -> list[FacilityDay]:
    """Returns the verdicts on local dates of a facility, which follow each other; of a power facility none.

    `now`: wall time, ms.
    """
    facility = next((found for found in village.facilities if found.id == name.id), None)
    if facility is None or not dates:
        return []
    days = [local_day(village, date) for date in dates]
    heard = heard_until(connection, [village.code]).get(village.code)
    revisions = _revisions(connection, name, dates)
    judged = judged_days(connection, village, facility, days, heard, now)
    # Fewer: of a power facility there are none
    return [FacilityDay(name, date, found, revisions.get(date, 0)) for date, found in zip(dates, judged, strict=False)]


def _revisions(connection: Connection, name: FacilityName, dates: Sequence[datetime.date]) -> dict[datetime.date, int]:
    """How often the days were corrected; those that never were are not in it."""
    table = tables.day
    query = select(table.c.date, table.c.revision).where(
        table.c.village == name.village, table.c.facility == name.id, table.c.date.between(dates[0], dates[-1])
    )
    return {row.date: row.revision for row in connection.execute(query)}


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
