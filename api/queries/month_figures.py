"""What several months came to for each facility, as the reports of those months say it.

The database adds up the lengths of the spans, as it does for the period that a report compares with. Facilities that
count from a date within a month, and those that were taken out, are measured from their spans.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from api.queries.facility_spans import spans_within
from api.queries.report import lengths, taken_out_histories
from api.reports.facility import required_of
from api.reports.months import Counted
from api.reports.period import Period
from api.reports.source import FacilityHistory
from siaga.database.registry import villages_within
from siaga.model.indicators import INDICATORS
from siaga.model.scope import Scopes
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import Availability

__all__ = ["months_of_facilities"]

_Name = tuple[str, str]
"""Village and facility."""


def months_of_facilities(connection: Connection, scopes: Scopes, months: Sequence[Period], now: int) -> list[Counted]:
    """Returns the facilities of some scopes that have an indicator, by village, with what each of some months came to.

    Facilities that the registry has no more follow, if anything was required of them. `now`: wall time, ms.
    """
    villages = sorted(villages_within(connection, scopes), key=lambda one: one.code)
    found = [_month(connection, scopes, villages, month, now) for month in months]
    listed = [
        Counted(village, facility, [month.get((village.code, facility.id), Availability()) for month in found])
        for village in villages
        for facility in village.facilities
        if facility.kind in INDICATORS
    ]
    return [*listed, *_gone(connection, scopes, months, now)]


def _month(
    connection: Connection, scopes: Scopes, villages: Sequence[Village], month: Period, now: int
) -> Mapping[_Name, Availability]:
    """Returns what a month came to for the facilities of the registry of which anything was required."""
    zones = {village.timezone for village in villages}
    found = lengths(connection, scopes, month, zones, now)
    late = [*_that_begin_late(villages, month)]
    if not late:
        return found
    windows = [month.window(zone) for zone in zones]
    window = min(start for start, _ in windows), min(max(end for _, end in windows), now)
    judged = spans_within(connection, scopes, window)
    for village, facility in late:
        name = village.code, facility.id
        history = FacilityHistory(facility, judged.spans.get(name, ()), judged.judged_from.get(name))
        found[name] = required_of(village, history, month.window(village.timezone), now)
    return found


def _that_begin_late(villages: Sequence[Village], month: Period) -> Iterator[tuple[Village, Facility]]:
    """Yields the facilities that count from a date after the beginning of a month on."""
    for village in villages:
        for facility in village.facilities:
            if facility.kind in INDICATORS and facility.since is not None and facility.since > month.start:
                yield village, facility


def _gone(connection: Connection, scopes: Scopes, months: Sequence[Period], now: int) -> Iterator[Counted]:
    """Yields the facilities that were taken out of the registry, and counted in one of the months."""
    found: dict[_Name, Counted] = {}
    for number, month in enumerate(months):
        for one in taken_out_histories(connection, month, scopes, now).values():
            for history in one.facilities:
                name = one.village.code, history.facility.id
                known = found.get(name, Counted(one.village, history.facility, [Availability()] * len(months)))
                came_to = required_of(one.village, history, month.window(one.village.timezone), now)
                counted = [*known.months[:number], came_to, *known.months[number + 1 :]]
                found[name] = Counted(one.village, history.facility, counted)
    yield from (one for one in found.values() if any(month.required for month in one.months))
