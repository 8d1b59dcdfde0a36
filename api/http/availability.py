"""`/availability`: how much of a time each facility met its indicator, failed, or is not known."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.access import Viewer
from api.http.moments import FromTime, ToTime, window
from api.http.paging import CursorParameter, Limit, Page, ScopeFilter, after, page
from api.http.past import require_past
from api.http.problems import Refused, problems
from api.http.seconds import Seconds, parts, seconds
from api.http.services import ServicesHere
from api.http.spans import judged_facilities, lengths_by_facility
from siaga.model.scope import in_scope
from siaga.timeline.availability import Availability, measure
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["FacilityFilter", "one_facility", "router"]

router = APIRouter(tags=["availability"])

FacilityFilter = Annotated[
    str | None,
    Query(max_length=200, pattern="^[ -~]+$", description="`VILLAGE/ID`", examples=["35.10.15.2012/gerbang"]),
]


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
    _: Viewer,
    from_: FromTime = None,
    to: ToTime = None,
    village: ScopeFilter = None,
    facility: FacilityFilter = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[AvailabilityDocument]:
    """The availability from `from` to `to`, by village and id. Power facilities have none."""
    asked = window(from_, to, services.clock.now())
    chosen, alone = one_facility(village, facility)
    start = after("availability", cursor, [str, str]) or ["", ""]
    with services.engine.connect() as connection:
        found = judged_facilities(connection, chosen, alone, (str(start[0]), str(start[1])), limit + 1)
        shown, further = page("availability", found, limit, lambda found: (found.village, found.id))
        require_past(services, (name.village for name in shown), (asked.start, asked.end))
        items = [
            _document(name.name, measure(lengths, (0, asked.end - asked.start)))
            for name, lengths in lengths_by_facility(connection, shown, (asked.start, asked.end))
        ]
    return Page(items=items, next=further)


def one_facility(village: str | None, facility: str | None) -> tuple[str | None, str | None]:
    """Returns the scope and the facility's own id that `village=` and `facility=` ask for.

    Raises:
        Refused: 422, `facility` is not of the form VILLAGE/ID, or lies outside of the scope.
    """
    if facility is None:
        return village, None
    code, slash, name = facility.partition("/")
    if not (slash and is_village_code(code) and is_slug(name)):
        raise Refused(422, f"query facility: {facility!r} is not of the form VILLAGE/ID")
    if village is not None and not in_scope(code, village):
        raise Refused(422, f"query facility: {facility!r} is not in the village asked for, {village!r}")
    return code, name


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
