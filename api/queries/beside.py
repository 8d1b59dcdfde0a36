"""What a report shows beside its rows, read with the queries of `GET /links`, `/attestations` and `/scorecard`."""

import datetime
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, select

from api.complaints.figures import figures_of
from api.queries.attestations import in_force
from api.queries.complaints import Dated, dated
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
    connection: Connection,
    villages: Sequence[Village],
    period: Period,
    scopes: Scopes,
    now: int,
    answered_within: int | None = None,
) -> Beside:
    """Returns what stands beside the report of a period.

    `villages`: those of the scopes. `now`: wall time, ms. `answered_within`: as `scorecards` takes it.
    """
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
        scorecards(connection, villages, last, now, answered_within) if last >= period.start else (),
        figures_of(_complaints(connection, villages, period, scopes)),
    )


def _complaints(connection: Connection, villages: Sequence[Village], period: Period, scopes: Scopes) -> Iterator[Dated]:
    """The complaints of the villages, each in the period by its own clock."""
    zones = {village.code: village.timezone for village in villages}
    windows = {timezone: period.window(timezone) for timezone in set(zones.values())}
    if windows:
        whole = min(start for start, _ in windows.values()), max(end for _, end in windows.values())
        for one in dated(connection, scopes, whole):
            start, end = windows.get(zones.get(one.village, ""), (0, 0))
            if start <= one.created_at < end:
                yield one


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
