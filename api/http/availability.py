"""`/availability`: how much of a time each facility met its indicator, failed, or is not known."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.moments import FromTime, ToTime, window
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.past import require_past
from api.http.problems import problems
from api.http.seconds import Seconds, parts, seconds
from api.http.seen import AskedFacilities
from api.http.services import ServicesHere
from api.queries.spans import judged_facilities, lengths_by_facility
from siaga.timeline.availability import Availability, measure

__all__ = ["router"]

router = APIRouter(tags=["availability"])


class AvailabilityDocument(BaseModel):
    """The required seconds by state, and the shares that follow. `required = met + failed + unknown`, exactly."""

    id: str = Field(examples=["35.10.15.2012/gerbang"])
    required_s: Seconds
    met_s: Seconds
    failed_s: Seconds = Field(description="excused or not")
    unknown_s: Seconds = Field(description="excused or not")
    excused_s: Seconds = Field(description="the part of failed and unknown that is excused")
    availability_low: float | None = Field(description="if all that is unknown had failed; null: a share of nothing")
    availability_high: float | None = Field(description="if all that is unknown had been met; null: a share of nothing")
    coverage: float | None = Field(description="the share of required time that is known; null: a share of nothing")


@router.get("/availability", summary="The availability of each facility", responses=problems(401, 422, 503))
def list_availability(
    services: ServicesHere,
    asked: AskedFacilities,
    from_: FromTime = None,
    to: ToTime = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[AvailabilityDocument]:
    """The availability from `from` to `to`, by village and id. Power facilities have none."""
    stretch = window(from_, to, services.clock.now())
    start = after("availability", cursor, [str, str]) or ["", ""]
    with services.engine.connect() as connection:
        found = judged_facilities(connection, asked.scopes, asked.facility, (str(start[0]), str(start[1])), limit + 1)
        shown, further = page("availability", found, limit, lambda found: (found.village, found.id))
        require_past(services, (name.village for name in shown), (stretch.start, stretch.end))
        items = [
            _document(name.full_name, measure(lengths, (0, stretch.end - stretch.start)))
            for name, lengths in lengths_by_facility(connection, shown, (stretch.start, stretch.end))
        ]
    return Page(items=items, next=further)


def _document(name: str, measured: Availability) -> AvailabilityDocument:
    required, met, failed, unknown = parts(measured.met, measured.failed, measured.unknown)
    return AvailabilityDocument(
        id=name,
        required_s=required,
        met_s=met,
        failed_s=failed,
        unknown_s=unknown,
        excused_s=seconds(measured.excused),
        availability_low=measured.availability_low,
        availability_high=measured.availability_high,
        coverage=measured.coverage,
    )
