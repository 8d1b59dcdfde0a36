"""`/alerts/stream` for pages: the events of the API's stream, for who has signed in.

A page cannot send `Last-Event-ID` when it opens a stream, so `?after=` says the same. It hears of silence by named
`beat` events: comments, which keep the line open, are not told to scripts.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request

from api.http.access import is_still
from api.http.broadcast import Busy
from api.http.problems import Refused
from api.http.services import ServicesHere
from api.http.stream import HEARTBEAT, EventStream, event_id
from api.web.access import SignedIn

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_BEAT = b"event: beat\ndata:\n\n"


@router.get("/alerts/stream")
async def stream(
    request: Request,
    services: ServicesHere,
    looker: SignedIn,
    after: Annotated[str | None, Query(max_length=40)] = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> EventStream:
    """A stream of alerts. After a break the browser says itself where it was, which wins over the address."""
    caller = looker.caller
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    try:
        subscription = await services.broadcast.open(event_id(last_event_id or after), caller.scopes)
    except Busy as busy:
        raise Refused(503, str(busy), {"Retry-After": "5"}) from None

    def still() -> bool:
        return is_still(request, services, caller)

    return EventStream(services.broadcast, subscription, HEARTBEAT, still, _BEAT)
