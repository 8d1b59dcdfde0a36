"""`/villages`: where they are, whether they are heard, and how their facilities stand."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.moments import Moment, moment
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.problems import not_found, problems
from api.http.seen import Seen
from api.http.services import ServicesHere
from api.queries import villages as read
from api.queries.villages import VillageNow

__all__ = ["router"]

router = APIRouter(tags=["villages"])


class Link(BaseModel):
    """Whether anything arrives from the village's gateway."""

    state: Literal["online", "offline"]
    since: Moment | None = Field(description="wall time from which it has been so; null: never heard")


class FacilityCounts(BaseModel):
    """How many of the village's facilities are in which state now."""

    met: int = 0
    failed: int = 0
    unknown: int = 0
    not_required: int = 0


class VillageDocument(BaseModel):
    """A village."""

    code: str = Field(description="of the Ministry of Home Affairs", examples=["35.10.15.2012"])
    name: str
    lat: float
    lon: float
    timezone: str = Field(description="of the IANA database")
    link: Link
    facilities: FacilityCounts
    never_heard: list[str] = Field(
        description="`VILLAGE/ID` of the facilities of whose devices nothing ever arrived: check their addresses",
        examples=[["35.10.15.2012/gerbang"]],
    )
    open_alerts: int = Field(description="of the village, all that is in it, and the uplink it was lost with")


@router.get("/villages", summary="All villages", responses=problems(401, 422, 503))
def list_villages(
    services: ServicesHere, seen: Seen, limit: Limit = 100, cursor: CursorParameter = None
) -> Page[VillageDocument]:
    """The villages, by code."""
    start = after("villages", cursor, [str])
    with services.engine.connect() as connection:
        found = read.villages(connection, seen, "" if start is None else str(start[0]), limit + 1)
    shown, further = page("villages", found, limit, lambda village: (village.code,))
    return Page(items=[_document(one) for one in shown], next=further)


@router.get("/villages/{code}", summary="One village", responses=problems(401, 404, 503))
def get_village(services: ServicesHere, seen: Seen, code: str) -> VillageDocument:
    """A village by its code."""
    with services.engine.connect() as connection:
        found = read.village(connection, seen, code)
    if found is None:
        raise not_found("village", code)
    return _document(found)


def _document(found: VillageNow) -> VillageDocument:
    return VillageDocument(
        code=found.code,
        name=found.name,
        lat=found.latitude,
        lon=found.longitude,
        timezone=found.timezone,
        link=Link(
            state="online" if found.online else "offline", since=None if found.since is None else moment(found.since)
        ),
        facilities=FacilityCounts(**{state.value: count for state, count in found.facilities.items()}),
        never_heard=[f"{found.code}/{facility}" for facility in found.never_heard],
        open_alerts=found.open_alerts,
    )
