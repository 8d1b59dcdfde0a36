"""`/quarantine`: payloads that were refused, to be looked at."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.moments import Moment, moment
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.problems import problems
from api.http.seen import Asked
from api.http.services import ServicesHere

__all__ = ["router"]

router = APIRouter(tags=["quarantine"])


class QuarantineDocument(BaseModel):
    """A payload, or a record of one, that was refused."""

    time: Moment = Field(description="wall time")
    village: str | None = Field(description="null: of no village that could be told")
    topic: str
    reason: str = Field(description="one sentence")
    bytes: str = Field(description="the first 256 of them, readable, hardware addresses masked")


@router.get("/quarantine", summary="What was refused, the newest first", responses=problems(401, 422, 503))
def list_quarantine(
    services: ServicesHere, asked: Asked, limit: Limit = 100, cursor: CursorParameter = None
) -> Page[QuarantineDocument]:
    """The refused payloads. The newest thousand of each village are kept; `/metrics` counts all."""
    start = after("quarantine", cursor, [int])
    before = None if start is None else int(start[0])
    found = services.quarantine.items(asked, limit + 1, before)
    shown, further = page("quarantine", found, limit, lambda item: (item.id,))
    return Page(
        items=[
            QuarantineDocument(
                time=moment(item.time), village=item.village, topic=item.topic, reason=item.reason, bytes=item.bytes
            )
            for item in shown
        ],
        next=further,
    )
