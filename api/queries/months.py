"""The last 30 local days of villages: a verdict for each day and facility, and when each was last measured."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.queries.facility_spans import spans_between
from siaga.database.registry import villages_of
from siaga.model.indicators import terms
from siaga.model.local_time import local_date
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import Availability, measure
from siaga.timeline.span_algebra import FOREVER, cut
from siaga.timeline.spans import Span, State
from siaga.timeline.verdict import Verdict, judge_days, local_day

__all__ = ["DAYS", "FacilityMonth", "Month", "VillageMonth", "months_of"]

DAYS = 30

Month = tuple[Verdict | None, ...]
"""A verdict for each local day, the last of which runs; `None`: the facility was not there yet."""


@dataclass(frozen=True, slots=True)
class FacilityMonth:
    """`measured`: of the whole 30 days. `measured_at` (ms): until when it was known to be met or failed."""

    kind: str
    days: Month
    measured: Availability
    measured_at: int | None


@dataclass(frozen=True, slots=True)
class VillageMonth:
    """`until`: the local date of the last day. `facilities`: by id, those with an indicator.

    `counts`: of each day, how many of them had which verdict. `measured`: the sum over all of them.
    """

    until: datetime.date
    facilities: Mapping[str, FacilityMonth]
    counts: Mapping[Verdict, Sequence[int]]
    measured: Availability

    @classmethod
    def of(cls, until: datetime.date, facilities: Mapping[str, FacilityMonth]) -> "VillageMonth":
        """Returns the days of a village's facilities, counted."""
        days = list(zip(*(one.days for one in facilities.values()), strict=True))
        counts = {verdict: [day.count(verdict) for day in days] for verdict in Verdict}
        return cls(until, facilities, counts, sum((one.measured for one in facilities.values()), Availability()))


def months_of(connection: Connection, codes: Sequence[str], now: int) -> dict[str, VillageMonth]:
    """Returns the last 30 days of villages that are neighbours by code. `now`: wall time, ms."""
    villages = villages_of(connection, codes)
    if not villages:
        return {}
    dates = {code: _dates(village, now) for code, village in villages.items()}
    start = min(local_day(village, dates[code][0])[0] for code, village in villages.items())
    found = spans_between(connection, min(villages), max(villages), (start, now))
    return {
        code: VillageMonth.of(
            dates[code][-1],
            {
                facility.id: _month(
                    village,
                    facility,
                    cut(found.spans.get((code, facility.id), ()), -FOREVER, now),
                    found.judged_from.get((code, facility.id), FOREVER),
                    dates[code],
                    now,
                )
                for facility in village.facilities
                if terms(facility) is not None
            },
        )
        for code, village in villages.items()
    }


def _dates(village: Village, now: int) -> list[datetime.date]:
    today = local_date(now, village.timezone)
    return [today - datetime.timedelta(days=n) for n in range(DAYS - 1, -1, -1)]


def _month(
    village: Village, facility: Facility, spans: Sequence[Span], first: int, dates: Sequence[datetime.date], now: int
) -> FacilityMonth:
    held_to = terms(facility)
    assert held_to is not None  # noqa: S101 - only facilities with an indicator come here
    days = [local_day(village, date) for date in dates]
    judged = judge_days(village, held_to, spans, days, None, now)
    known = [span.end for span in spans if span.state in (State.MET, State.FAILED)]
    return FacilityMonth(
        facility.kind,
        tuple(one.judged.verdict if one.day[1] > first else None for one in judged),
        measure(spans, (days[0][0], now)),
        min(known[-1], now) if known else None,
    )
