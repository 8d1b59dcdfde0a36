"""What a report shows beside its rows, read with the queries of `GET /links`, `/attestations` and `/scorecard`."""

import datetime
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from api.queries.attestations import in_force
from api.queries.links import LinkFigures, links
from api.queries.scorecard import scorecards
from api.reports.beside import Beside
from api.reports.period import Period
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.local_time import local_date
from siaga.model.scope import Scopes
from siaga.model.sites import Village

__all__ = ["read_beside"]


def read_beside(
    connection: Connection, villages: Sequence[Village], period: Period, scopes: Scopes, now: int
) -> Beside:
    """Returns what stands beside the report of a period. `villages`: those of the scopes. `now`: wall time, ms."""
    last = min(
        period.end - datetime.timedelta(days=1),
        min(local_date(now, village.timezone) for village in villages) - datetime.timedelta(days=1),
    )
    before = period.before
    return Beside(
        _links(connection, villages, period, scopes, now),
        {} if before is None else {one.village: one for one in _links(connection, villages, before, scopes, now)},
        _heard_from(connection, scopes),
        in_force(connection, scopes, period.start, period.end),
        scorecards(connection, villages, last, now) if last >= period.start else (),
    )


def _links(
    connection: Connection, villages: Sequence[Village], period: Period, scopes: Scopes, now: int
) -> list[LinkFigures]:
    """The links of the villages, each in the period by its own clock, up to now."""
    zones = {village.code: village.timezone for village in villages}
    found = []
    for timezone in sorted(set(zones.values())):
        start, end = period.window(timezone)
        if start < min(end, now):
            every = links(connection, scopes, (start, min(end, now)), "", len(villages), now)
            found += [one for one in every if zones.get(one.village) == timezone]
    return sorted(found, key=lambda one: one.village)


def _heard_from(connection: Connection, scopes: Scopes) -> Mapping[str, int]:
    table = tables.first_report
    query = select(table.c.village, func.min(table.c.time)).where(within(table.c.village, scopes))
    return {village: time for village, time in connection.execute(query.group_by(table.c.village))}  # noqa: C416
