"""`/facilities`: the state of each, since when and why; and its timeline."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.moments import FromTime, Moment, ToTime, moment, window
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.past import require_past
from api.http.problems import not_found, problems
from api.http.seen import Asked, Seen
from api.http.services import ServicesHere
from api.queries import facilities as read
from api.queries.facilities import FacilityNow
from api.queries.spans import FacilityName
from siaga.model.indicators import INDICATORS, POWER
from siaga.timeline.spans import Span, State

__all__ = ["router"]

router = APIRouter(tags=["facilities"])

FacilityKind = StrEnum("FacilityKind", {kind.upper(): kind for kind in (*INDICATORS, POWER)})  # type: ignore[misc] # the indicators are data
"""The kinds of facilities that a sites file may have."""


class FacilityDocument(BaseModel):
    """A facility and how it stands now."""

    id: str = Field(examples=["35.10.15.2012/gerbang"])
    village: str
    kind: str
    name: str
    state: State
    since: Moment | None = Field(description="when the state began, whatever its causes since; null: never judged")
    cause: str | None = Field(description="why it is so, where it failed or is unknown")
    devices: list[str] = Field(description="the ids of its devices, within the village")


class SpanDocument(BaseModel):
    """A half-open stretch in one state for one cause."""

    start: Moment
    end: Moment
    state: State
    cause: str | None
    excused: bool = Field(description="by planned maintenance, or for want of mains power")


class Timeline(BaseModel):
    """A facility's spans, in order, without gap or overlap."""

    spans: list[SpanDocument]


@router.get("/facilities", summary="All facilities with their state", responses=problems(401, 422, 503))
def list_facilities(
    services: ServicesHere,
    asked: Asked,
    kind: Annotated[FacilityKind | None, Query(description="a kind of facility of the sites file")] = None,
    state: Annotated[State | None, Query(description="the state now")] = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[FacilityDocument]:
    """The facilities, by village and id."""
    start = after("facilities", cursor, [str, str]) or ["", ""]
    with services.engine.connect() as connection:
        found = read.facilities(connection, asked, (str(start[0]), str(start[1])), limit + 1, kind, state)
    shown, further = page("facilities", found, limit, lambda one: (one.village, one.id))
    return Page(items=[_document(one) for one in shown], next=further)


@router.get(
    "/facilities/{village}/{facility}/timeline", summary="A facility's timeline", responses=problems(401, 404, 422, 503)
)
def get_timeline(
    services: ServicesHere, seen: Seen, village: str, facility: str, from_: FromTime = None, to: ToTime = None
) -> Timeline:
    """The spans from `from` to `to`, clipped to it. Before a facility was first judged it is not required.

    503 while some of it could not be read from the telemetry store.
    """
    asked = window(from_, to, services.clock.now())
    name, stretch = FacilityName(village, facility), (asked.start, asked.end)
    with services.engine.connect() as connection:
        if not read.has_facility(connection, seen, name):
            raise not_found("facility", name.full_name)
        require_past(services, [village], stretch)
        return Timeline(spans=[_span_document(span) for span in read.timeline(connection, name, stretch)])


def _document(found: FacilityNow) -> FacilityDocument:
    return FacilityDocument(
        id=found.full_name,
        village=found.village,
        kind=found.kind,
        name=found.name,
        state=found.state,
        since=None if found.since is None else moment(found.since),
        cause=found.cause,
        devices=list(found.devices),
    )


def _span_document(span: Span) -> SpanDocument:
    return SpanDocument(
        start=moment(span.start), end=moment(span.end), state=span.state, cause=span.cause, excused=span.excused
    )
