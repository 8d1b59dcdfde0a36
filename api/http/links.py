"""`/links`: how often and how long each village was cut off, how long it was dark, and who was never heard."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.moments import FromTime, Moment, ToTime, moment, window
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.problems import problems
from api.http.seconds import Seconds, seconds
from api.http.seen import Asked
from api.http.services import ServicesHere
from api.queries.links import LinkFigures, links

__all__ = ["router"]

router = APIRouter(tags=["villages"])


class LinkDocument(BaseModel):
    """The link of one village."""

    village: str = Field(examples=["35.10.15.2012"])
    link: Literal["online", "offline"] = Field(description="now")
    since: Moment | None = Field(description="wall time from which it has been so; null: never heard")
    cut_s: Seconds = Field(description="wall time, from `from` to `to`, in which nothing arrived for too long")
    cuts: int
    longest_cut_s: Seconds = Field(description="whole, also where it reaches beyond")
    dark_s: Seconds = Field(description="event time in which its gateway did not run, as far as that has arrived")
    blank: bool = Field(description="nothing ever arrived")


@router.get("/links", summary="The links of villages", responses=problems(401, 422, 503))
def list_links(
    services: ServicesHere,
    asked: Asked,
    from_: FromTime = None,
    to: ToTime = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[LinkDocument]:
    """The links from `from` to `to`, by village."""
    stretch = window(from_, to, services.clock.now())
    start = after("links", cursor, [str])
    with services.engine.connect() as connection:
        found = links(
            connection,
            asked,
            (stretch.start, stretch.end),
            "" if start is None else str(start[0]),
            limit + 1,
            stretch.now,
        )
    shown, further = page("links", found, limit, lambda one: (one.village,))
    return Page(items=[_document(one) for one in shown], next=further)


def _document(found: LinkFigures) -> LinkDocument:
    return LinkDocument(
        village=found.village,
        link="online" if found.online else "offline",
        since=None if found.since is None else moment(found.since),
        cut_s=seconds(found.cut),
        cuts=found.cuts,
        longest_cut_s=seconds(found.longest_cut),
        dark_s=seconds(found.dark),
        blank=found.blank,
    )
