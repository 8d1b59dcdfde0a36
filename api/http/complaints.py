"""`/complaints`: what citizens say is wrong, without a token; and what technicians answer, with one."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.complaints.rows import AlreadyEnded, end, mark_seen
from api.complaints.rules import State, Way, plain_id
from api.http.access import Technician, caller_of, known_caller
from api.http.complaint_body import BODIES, Lines, received_complaint
from api.http.complaint_desk import coming_in
from api.http.complaint_taking import take_complaint
from api.http.known_names import Body
from api.http.moments import Moment, moment
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.photo_answer import PHOTO, IfNoneMatch, photo_answer
from api.http.problems import Refused, not_found, problems
from api.http.seen import AskedFacilities, Seen
from api.http.services import Services, ServicesHere
from api.queries import complaints as read
from api.queries.complaints import Complaint, ComplaintFilter
from siaga.model.caller import Caller
from siaga.model.scope import Scopes
from siaga.timeline.spans import State as SensorState

__all__ = ["end_complaint", "open_router", "router", "visible"]

router = APIRouter(tags=["complaints"])
open_router = APIRouter(tags=["complaints"])
"""Calls that take no token."""


class ComplaintPhotoDocument(BaseModel):
    """A photo of a complaint."""

    n: int = Field(description="its number, from 1")
    url: str = Field(description="where it is, a JPEG; it needs a token", examples=["/api/v1/complaints/…/photos/1"])
    width: int
    height: int
    bytes: int


class PublicComplaint(BaseModel):
    """What whoever knows the id of a complaint may read."""

    state: State
    answer: str | None = Field(description="what a technician answered")


class ComplaintDocument(PublicComplaint):
    """A complaint, with what the sensors of its facility said at that time."""

    id: str
    facility: str = Field(description="`VILLAGE/ID`")
    problem: str = Field(description="a problem of the facility's kind")
    note: str
    photos: list[ComplaintPhotoDocument]
    created_at: Moment
    contradicts: bool = Field(description="whether the facility was `met` at that time")
    sensors: SensorState | None = Field(description="the state of the facility at that time; null: it was not judged")
    cause: str | None = Field(description="the cause of that state")
    repeats: int = Field(description="how often the same sender said the same again")
    seen_at: Moment | None
    seen_by: str | None
    ended_at: Moment | None = Field(description="when it was closed or rejected")
    ended_by: str | None


class Answer(Body):
    """What the citizen is told."""

    answer: Annotated[str, Lines, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]


class MaybeAnswer(Body):
    """What the citizen may be told."""

    answer: Annotated[str, Lines, Field(max_length=2_000, pattern=r"^[^\x00]*$")] = ""


_NO_ANSWER = MaybeAnswer()
ComplaintId = Annotated[str, Path(description="the id, with or without its dashes")]


@open_router.post(
    "/complaints",
    status_code=201,
    summary="Complain of a facility",
    openapi_extra=BODIES,
    responses=problems(408, 409, 413, 415, 422, 429, 503)
    | {200: {"model": ComplaintDocument, "description": "It was sent before"}},
)
async def complain(request: Request, services: ServicesHere, response: Response) -> ComplaintDocument:
    """Take a complaint, as JSON, or as a form with photos. It needs no token and no name.

    It never changes a state. Sent again with the same `draft`, or by the same address with the same content within ten
    minutes, it is stored once and answered with 200. 429 after too many, and while the village takes none.
    """
    async with coming_in(request, Way.CALL), received_complaint(request) as (said, photos):
        found, is_new = await take_complaint(request, services, said, photos, Way.CALL)
    response.status_code = 201 if is_new else 200
    if is_new:
        response.headers["Location"] = f"/api/v1/complaints/{found.id}"
    return _document(found)


@open_router.get(
    "/complaints/{complaint}",
    summary="What became of a complaint",
    openapi_extra={"security": [{}, {"token": []}]},
    responses=problems(401, 404, 503),
)
def get_complaint(
    request: Request, services: ServicesHere, complaint: ComplaintId
) -> ComplaintDocument | PublicComplaint:
    """State and answer; with a token the whole complaint."""
    caller = caller_of(request, services)
    if caller is None:
        if "authorization" in request.headers:
            known_caller(request, services, None)  # says what is wrong with it
        found = _found(services, complaint)
        return PublicComplaint(state=found.state, answer=found.answer)
    return _document(visible(services, caller.scopes, complaint))


@router.get("/complaints", summary="Complaints, the newest first", responses=problems(401, 422, 503))
def list_complaints(
    services: ServicesHere,
    asked: AskedFacilities,
    state: Annotated[State | None, Query(description="without it, all")] = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[ComplaintDocument]:
    """What citizens said, by when they said it."""
    start = after("complaints", cursor, [int])
    before = None if start is None else int(start[0])
    wanted = ComplaintFilter(asked.scopes, asked.facility, tuple(State) if state is None else (state,))
    with services.engine.connect() as connection:
        found = read.listed(connection, wanted, before, limit + 1)
    shown, further = page("complaints", found, limit, lambda one: (one.number,))
    return Page(items=[_document(one) for one in shown], next=further)


_ACTION_PROBLEMS = problems(401, 403, 404, 422, 503)


@router.post("/complaints/{complaint}/seen", summary="Say that it has been seen", responses=_ACTION_PROBLEMS)
def see(services: ServicesHere, caller: Technician, complaint: ComplaintId) -> ComplaintDocument:
    """The first who does stays; again, or of one that is closed or rejected, it changes nothing."""
    found = visible(services, caller.scopes, complaint)
    mark_seen(services.engine, found.id, caller.name, services.clock.now())
    return _document(_found(services, found.id))


@router.post(
    "/complaints/{complaint}/close", summary="Close it with an answer", responses=_ACTION_PROBLEMS | problems(409)
)
def close(services: ServicesHere, caller: Technician, complaint: ComplaintId, body: Answer) -> ComplaintDocument:
    """The citizen reads the answer. 409 if it is closed or rejected already."""
    return _document(end_complaint(services, caller, complaint, State.CLOSED, body.answer))


@router.post("/complaints/{complaint}/reject", summary="Reject it", responses=_ACTION_PROBLEMS | problems(409))
def reject(
    services: ServicesHere, caller: Technician, complaint: ComplaintId, body: MaybeAnswer = _NO_ANSWER
) -> ComplaintDocument:
    """It was none, or is no concern of a facility here; the public never sees it. 409 if it was closed or rejected."""
    return _document(end_complaint(services, caller, complaint, State.REJECTED, body.answer))


@router.get(
    "/complaints/{complaint}/photos/{n}",
    summary="A photo of a complaint",
    response_class=Response,
    responses=problems(401, 404, 422, 503) | PHOTO,
)
def get_complaint_photo(
    services: ServicesHere, seen: Seen, complaint: ComplaintId, n: int, if_none_match: IfNoneMatch = None
) -> Response:
    """A photo by its number, from 1: a JPEG of at most 1600 pixels a side, without the camera's metadata."""
    found = visible(services, seen, complaint)
    with services.engine.connect() as connection:
        kept = read.photo(connection, found, n) if n in {one.n for one in found.photos} else None
    if kept is None:
        raise not_found("photo", f"{complaint}/{n}")
    return photo_answer(*kept, if_none_match, "private, no-cache")  # it may have been erased


def visible(services: Services, seen: Scopes, complaint: str) -> Complaint:
    """Returns a complaint that lies in some scopes.

    Raises:
        Refused: 404, there is none of this id.
    """
    found = _found(services, complaint)
    if not seen.holds(found.village):
        raise not_found("complaint", complaint)
    return found


def end_complaint(services: Services, caller: Caller, complaint: str, state: State, answer: str) -> Complaint:
    """Close or reject a complaint, for the call and for the page. Returns it as it is then.

    Raises:
        Refused: 404, there is none; 409, it was closed or rejected.
    """
    found = visible(services, caller.scopes, complaint)
    try:
        end(services.engine, found.id, state, answer.strip(), caller.name, services.clock.now())
    except AlreadyEnded as was:
        raise Refused(409, f"complaint {found.id} is {was} already") from None
    return _found(services, found.id)


def _found(services: Services, complaint: str) -> Complaint:
    with services.engine.connect() as connection:
        found = read.one(connection, plain_id(complaint))
    if found is None:
        raise not_found("complaint", complaint)
    return found


def _document(found: Complaint) -> ComplaintDocument:
    return ComplaintDocument(
        id=found.id,
        facility=f"{found.village}/{found.facility}",
        problem=found.problem,
        note=found.note,
        photos=[
            ComplaintPhotoDocument(
                n=one.n,
                url=f"/api/v1/complaints/{found.id}/photos/{one.n}",
                width=one.width,
                height=one.height,
                bytes=one.bytes,
            )
            for one in found.photos
        ],
        created_at=moment(found.created_at),
        state=found.state,
        contradicts=found.contradicts,
        sensors=found.sensors,
        cause=found.cause,
        answer=found.answer,
        repeats=found.repeats,
        seen_at=_moment(found.seen_at),
        seen_by=found.seen_by,
        ended_at=_moment(found.ended_at),
        ended_by=found.ended_by,
    )


def _moment(time: int | None) -> str | None:
    return None if time is None else moment(time)
