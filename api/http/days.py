"""`/days`: the verdict on each day of each facility, in the village's own calendar."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from api.http.moments import LONGEST_WINDOW, FromDate, ToDate, parse_date
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.past import require_past
from api.http.problems import Refused, problems
from api.http.seconds import Seconds, seconds
from api.http.seen import AskedFacilities, FacilityChoice
from api.http.services import ServicesHere
from api.queries.days import FacilityDay, days_of
from api.queries.spans import FacilityName, judged_facilities
from siaga.database.registry import Registry
from siaga.model.clock import DAY
from siaga.model.intervals import Interval
from siaga.model.local_time import local_date
from siaga.model.scope import Scope
from siaga.model.sites import Village
from siaga.timeline.verdict import Verdict, local_day

__all__ = ["router"]

router = APIRouter(tags=["availability"])

_ONE_DAY = datetime.timedelta(days=1)


class DayDocument(BaseModel):
    """A day of a facility. The seconds are of the day, excused or not."""

    id: str = Field(examples=["35.10.15.2012/gerbang"])
    date: datetime.date = Field(description="in the village's own time zone")
    verdict: Verdict
    provisional: bool = Field(description="the day runs, or data for it may still be buffered somewhere")
    revision: int = Field(description="how often a later correction changed what the day comes to")
    failed_s: Seconds
    unknown_s: Seconds
    longest_failure_s: Seconds = Field(
        description="the longest failure without a break that touches the day, not excused, not cut at midnight"
    )


@dataclass(frozen=True, slots=True)
class _Dates:
    """The dates asked about: `[start, end)`, either of them open."""

    start: datetime.date | None
    end: datetime.date | None

    def of(self, village: Village, now: int) -> list[datetime.date]:
        """The dates in the village's calendar, up to its today."""
        today = local_date(now, village.timezone)
        end = today + _ONE_DAY if self.end is None else min(self.end, today + _ONE_DAY)
        if self.start is not None:
            start = self.start
        elif self.end is None:
            start = local_date(now - DAY, village.timezone)
        else:
            start = self.end - _ONE_DAY
        return [start + _ONE_DAY * n for n in range(max(0, (end - start).days))]


@router.get("/days", summary="The verdict on each day", responses=problems(401, 422, 503))
def list_days(
    services: ServicesHere,
    asked: AskedFacilities,
    from_: FromDate = None,
    to: ToDate = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[DayDocument]:
    """The days from `from` to before `to`, by village, id and date. Power facilities have none."""
    now = services.clock.now()
    dates = _dates(from_, to, now)
    start = after("days", cursor, [str, str, str])
    found: list[FacilityDay] = []
    with services.engine.connect() as connection:
        for wanted in _wanted(connection, services.registry, dates, asked, start, now):
            shown_here = replace(wanted, dates=wanted.dates[: limit + 1 - len(found)])
            require_past(services, [wanted.village.code], shown_here.stretch)
            found += days_of(connection, shown_here.village, shown_here.facility, shown_here.dates, now)
            if len(found) > limit:
                break
    shown, further = page("days", found, limit, lambda one: one.key)
    return Page(items=[_document(one) for one in shown], next=further)


def _dates(from_: str | None, to: str | None, now: int) -> _Dates:
    start = None if from_ is None else parse_date("query from", from_)
    end = None if to is None else parse_date("query to", to)
    # The last date anywhere: no zone is more than 14 hours ahead
    last = local_date(now, "Etc/GMT-14") if end is None else min(end, local_date(now, "Etc/GMT-14"))
    if start is not None and end is not None and start >= end:
        raise Refused(422, f"query from: {start} is not before to, {end}")
    if start is not None and (last - start).days * DAY > LONGEST_WINDOW:
        raise Refused(422, f"query from: {start} is more than 400 days before to, {last}: ask in parts")
    return _Dates(start, end)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The dates of one facility that go on the page."""

    facility: FacilityName
    village: Village
    dates: list[datetime.date]

    @property
    def stretch(self) -> Interval:
        """From the first date's midnight to the last one's end."""
        return local_day(self.village, self.dates[0])[0], local_day(self.village, self.dates[-1])[1]


def _wanted(
    connection: Connection,
    registry: Registry,
    dates: _Dates,
    asked: FacilityChoice,
    start: list[str | int] | None,
    now: int,
) -> Iterator[_Wanted]:
    """The facilities with their dates, from the one where the cursor stands."""
    homes: dict[str, Village | None] = {}
    for facility in _from(connection, asked, start):
        if facility.village not in homes:
            homes = {facility.village: registry.village(facility.village)}  # they come village by village
        home = homes[facility.village]
        if home is None:
            continue  # taken out of the registry since the query
        wanted = dates.of(home, now)
        if start is not None and [facility.village, facility.id] == start[:2]:
            wanted = [date for date in wanted if date.isoformat() > str(start[2])]
        if wanted:
            yield _Wanted(facility, home, wanted)


def _from(connection: Connection, asked: FacilityChoice, start: list[str | int] | None) -> Iterator[FacilityName]:
    """The facilities in order, the cursor's own first; read in portions, as most pages need few."""
    last = ("", "")
    if start is not None:
        last = (str(start[0]), str(start[1]))
        own = asked.scopes.within(Scope(last[0]))
        yield from judged_facilities(connection, own, last[1], ("", ""), 1)
    while portion := judged_facilities(connection, asked.scopes, asked.facility, last, 100):
        yield from portion
        last = (portion[-1].village, portion[-1].id)


def _document(found: FacilityDay) -> DayDocument:
    judged = found.judged.judged
    return DayDocument(
        id=found.facility.full_name,
        date=found.date,
        verdict=judged.verdict,
        provisional=found.judged.provisional,
        revision=found.revision,
        failed_s=seconds(judged.failed),
        unknown_s=seconds(judged.unknown),
        longest_failure_s=seconds(judged.longest_failure),
    )
