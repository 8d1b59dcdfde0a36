"""What a report shows beside its rows, read with the queries of `GET /links`, `/attestations` and `/scorecard`."""

import datetime
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, func, or_, select

from api.complaints.figures import figures_of
from api.queries.attestations import in_force
from api.queries.complaints import Dated, dated
from api.queries.links import LinkFigures, links
from api.queries.scorecard import scorecards
from api.reports.beside import Beside, Maintenance
from api.reports.period import Period
from siaga.database import tables
from siaga.database.maintenance import window_of
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
        _maintenance(connection, villages, period, now),
    )


def _maintenance(connection: Connection, villages: Sequence[Village], period: Period, now: int) -> list[Maintenance]:
    """What was declared for the villages and may touch the period; which days a recurrence has is not looked at."""
    windows = [period.window(timezone) for timezone in {village.timezone for village in villages}]
    start, end = min(each[0] for each in windows), min(max(each[1] for each in windows), now)
    table = tables.maintenance
    query = (
        select(table)
        .where(table.c.deleted_at.is_(None), table.c.start < end)
        .where(or_(table.c.rrule.is_not(None), table.c.end > start))
        .order_by(table.c.start, table.c.id)
    )
    codes, uplinks = {village.code for village in villages}, {village.uplink for village in villages} - {None}
    return [
        Maintenance(window_of(row), row.reason, row.created_by)
        for row in connection.execute(query)
        if row.village in codes or row.uplink in uplinks
    ]


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
