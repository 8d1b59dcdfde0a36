"""`/attestations`: somebody saw an indicator with their own eyes: made once, shown with its photos, withdrawn."""

import datetime
from dataclasses import replace
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.attestations.book import Draft, DraftDiffers, confirm, make, sent_before, withdraw
from api.attestations.counting import refusal
from api.attestations.distance import metres_between
from api.attestations.pictures import Picture
from api.http.access import Technician
from api.http.attestation_body import BODIES, IndicatorKind, PhotoSource, SentPhoto, Statement, received
from api.http.moments import Moment, moment, parse_date, parse_time
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.photo_answer import PHOTO, IfNoneMatch, photo_answer
from api.http.photo_body import PhotoDesk
from api.http.problems import Refused, not_found, problems
from api.http.seen import Asked, Seen
from api.http.sender import check_sender
from api.http.services import Services, ServicesHere
from api.queries import attestations as read
from api.queries.attestations import Kept
from siaga.model.caller import Caller
from siaga.model.local_time import local_date
from siaga.model.scope import Scopes

__all__ = ["confirm_as_second", "router", "take"]

router = APIRouter(tags=["attestations"])

_JPEG = {"schema": {"type": "string", "format": "binary"}}


class PhotoDocument(BaseModel):
    """A photo, and what is known about it."""

    n: int = Field(description="its number, from 1")
    url: str = Field(description="where it is, a JPEG", examples=["/api/v1/attestations/…/photos/1"])
    width: int
    height: int
    bytes: int
    sha256: str
    source: PhotoSource | None = Field(description="as the sender says")
    same_as: str | None = Field(description="the id of the first older attestation that has the same picture")


class AttestationDocument(BaseModel):
    """What somebody saw, and facts beside it for whom reads it: none of them is a reason to refuse or to leave out."""

    id: str
    village: str
    indicator: IndicatorKind
    met: bool
    date: datetime.date = Field(description="from when on it counts, by the village's calendar")
    expires: datetime.date = Field(description="the day on which it no longer counts")
    note: str
    by: str = Field(description="the name of the token")
    created_at: Moment = Field(description="by the server's clock")
    device_time: Moment | None = Field(description="by the clock of the sender's device, as it says")
    distance_m: int | None = Field(description="how far from the village office the sender was, as the device says")
    photos: list[PhotoDocument]
    withdrawn_at: Moment | None
    withdrawn_by: str | None
    needs_review: bool = Field(description="it counts only once a second person confirmed it")
    confirmed_at: Moment | None
    confirmed_by: str | None


@router.post(
    "/attestations",
    status_code=201,
    summary="Attest an indicator",
    openapi_extra=BODIES,
    responses=problems(401, 403, 408, 409, 413, 415, 422, 503)
    | {200: {"model": AttestationDocument, "description": "It was sent before, with the same `draft`"}},
)
async def attest(
    request: Request, services: ServicesHere, caller: Technician, response: Response
) -> AttestationDocument:
    """Take an attestation, as JSON, or as a form with photos.

    422 where a device senses the indicator in the village, and for a date to come. Sent again with the same `draft` it
    is answered with 200 and stored once; with a `draft` that was used for another it is 409.
    """
    found, is_new = await take(request, services, caller)
    response.status_code = 201 if is_new else 200
    if is_new:
        response.headers["Location"] = f"/api/v1/attestations/{found.id}"
    return found


async def take(request: Request, services: Services, caller: Caller) -> tuple[AttestationDocument, bool]:
    """Take an attestation from the body of a request, for the call and for the page's form.

    Returns it, and whether it is new: one that is sent again with the same draft is stored once.

    Raises:
        Refused: it is none, somebody else made it, or too many are being sent.
        RequestValidationError: a name or a value is not one of a statement.
    """
    check_sender(request, caller)
    desk: PhotoDesk = request.app.state.photo_desk
    with desk.place():
        async with received(request) as (statement, photos):
            known = await anyio.to_thread.run_sync(_sent_before, services, caller, statement)
            if known is not None:
                return known, False
            draft = await anyio.to_thread.run_sync(_draft, services, caller, statement)
            pictures = [await desk.encode(number, photo.file) for number, photo in enumerate(photos, 1)]
        return await anyio.to_thread.run_sync(_made, services, caller, draft, photos, pictures)


@router.get("/attestations", summary="What people attested", responses=problems(401, 422, 503))
def list_attestations(
    services: ServicesHere,
    seen: Seen,
    asked: Asked,
    indicator: Annotated[IndicatorKind | None, Query(description="one of the 14 indicators, by kind")] = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[AttestationDocument]:
    """All attestations, those that expired or were withdrawn too: the latest date first, then what was made last."""
    start = after("attestations", cursor, [str, int, int])
    key = None if start is None else (datetime.date.fromisoformat(str(start[0])), int(start[1]), int(start[2]))
    with services.engine.connect() as connection:
        found = read.listed(connection, seen, asked, indicator, key, limit + 1)
    shown, further = page("attestations", found, limit, lambda one: one.key)
    return Page(items=[_document(one) for one in shown], next=further)


@router.get("/attestations/{attestation}", summary="One attestation", responses=problems(401, 404, 503))
def get_attestation(services: ServicesHere, seen: Seen, attestation: str) -> AttestationDocument:
    """An attestation by its id, also one that was withdrawn."""
    return _document(_kept(services, seen, attestation))


@router.delete(
    "/attestations/{attestation}",
    status_code=204,
    summary="Withdraw an attestation",
    responses=problems(401, 403, 404, 503),
)
def withdraw_attestation(services: ServicesHere, caller: Technician, attestation: str) -> None:
    """It counts on no day any more, also not on earlier ones; it stays in the list, with who withdrew it and when."""
    found = _kept(services, caller.scopes, attestation)
    withdraw(services.engine, found.id, caller.name, services.clock.now())


@router.post(
    "/attestations/{attestation}/confirm",
    summary="Confirm an attestation as the second person",
    responses=problems(401, 403, 404, 409, 503),
)
def confirm_attestation(
    services: ServicesHere, caller: Technician, seen: Seen, attestation: str
) -> AttestationDocument:
    """It counts from now on. Only one that needs it is confirmed, and not by who made it; the first one stays."""
    confirm_as_second(services, caller, _kept(services, seen, attestation))
    return _document(_kept(services, seen, attestation))


def confirm_as_second(services: Services, caller: Caller, found: Kept) -> None:
    """Confirm an attestation, for the call and for the page.

    Raises:
        Refused: 403, the caller made it; 409, it was withdrawn, or needs nobody.
    """
    if not found.needs_review:
        raise Refused(409, f"attestation {found.id} needs no second person: it counts already")
    if found.by == caller.name:
        raise Refused(403, f"attestation {found.id} is your own: another person has to confirm it")
    if not confirm(services.engine, found.id, caller.name, services.clock.now()):
        raise Refused(409, f"attestation {found.id} was withdrawn: it cannot be confirmed")


@router.get(
    "/attestations/{attestation}/photos/{n}",
    summary="A photo of an attestation",
    response_class=Response,
    responses=problems(401, 404, 422, 503) | PHOTO,
)
def get_photo(
    services: ServicesHere, seen: Seen, attestation: str, n: int, if_none_match: IfNoneMatch = None
) -> Response:
    """A photo by its number, from 1: a JPEG of at most 1600 pixels a side, without the camera's metadata."""
    with services.engine.connect() as connection:
        found = read.photo(connection, seen, attestation, n)
    if found is None:
        raise not_found("photo", f"{attestation}/{n}")
    return photo_answer(*found, if_none_match, "private, max-age=86400, immutable")


def _sent_before(services: Services, caller: Caller, said: Statement) -> AttestationDocument | None:
    """What was made of the same draft before: whatever has changed since, it was taken.

    Raises:
        Refused: 409, the draft's name was used for something else.
    """
    known = None if said.draft is None else sent_before(services.engine, caller.name, said.draft)
    if known is None:
        return None
    found = _kept(services, caller.scopes, known)
    if (found.village, found.indicator, found.met) != (said.village, said.indicator, said.met) or (
        said.date is not None and found.date.isoformat() != said.date
    ):
        raise _draft_differs(said.draft, known)
    return _document(found)


def _draft_differs(name: str | None, known: str) -> Refused:
    return Refused(409, f"body draft: {name!r} was used for attestation {known}, which says something else")


def _draft(services: Services, caller: Caller, said: Statement) -> Draft:
    """What is attested, without its photos.

    Raises:
        Refused: 422, it is of a village that is not there, or there is no attestation of it.
    """
    village = services.registry.village(said.village) if caller.scopes.holds(said.village) else None
    if village is None:
        raise Refused(422, f"body village: there is no village {said.village!r}")
    today = local_date(services.clock.now(), village.timezone)
    day = today if said.date is None else parse_date("body date", said.date)
    why_not = refusal(village, said.indicator, day, today)
    if why_not is not None:
        raise Refused(422, why_not)
    if (said.lat is None) is not (said.lon is None):
        given, missing = ("lat", "lon") if said.lon is None else ("lon", "lat")
        raise Refused(422, f"body {given}: it comes with {missing}; say both, or neither")
    distance = None
    if said.lat is not None and said.lon is not None:
        distance = metres_between((village.latitude, village.longitude), (said.lat, said.lon))
    device_time = None if said.device_time is None else parse_time("body device_time", said.device_time)
    return Draft(
        village.code,
        said.indicator.value,
        said.met,
        day,
        said.note,
        said.draft,
        device_time,
        distance,
        needs_review=services.attestation_review,
    )


def _made(
    services: Services, caller: Caller, draft: Draft, photos: list[SentPhoto], pictures: list[Picture]
) -> tuple[AttestationDocument, bool]:
    sources = [None if photo.source is None else photo.source.value for photo in photos]
    whole = replace(draft, photos=list(zip(pictures, sources, strict=True)))
    try:
        made, is_new = make(services.engine, whole, caller.name, services.clock.now())
    except DraftDiffers as other:
        raise _draft_differs(draft.name, str(other)) from None
    return _document(_kept(services, caller.scopes, made)), is_new


def _kept(services: Services, seen: Scopes, attestation: str) -> Kept:
    with services.engine.connect() as connection:
        found = read.one(connection, seen, attestation)
    if found is None:
        raise not_found("attestation", attestation)
    return found


def _document(found: Kept) -> AttestationDocument:
    return AttestationDocument(
        id=found.id,
        village=found.village,
        indicator=IndicatorKind(found.indicator),
        met=found.met,
        date=found.date,
        expires=found.expires,
        note=found.note,
        by=found.by,
        created_at=moment(found.created_at),
        device_time=None if found.device_time is None else moment(found.device_time),
        distance_m=found.distance,
        photos=[
            PhotoDocument(
                n=photo.n,
                url=f"/api/v1/attestations/{found.id}/photos/{photo.n}",
                width=photo.width,
                height=photo.height,
                bytes=photo.bytes,
                sha256=photo.sha256,
                source=None if photo.source is None else PhotoSource(photo.source),
                same_as=photo.same_as,
            )
            for photo in found.photos
        ],
        withdrawn_at=None if found.withdrawn_at is None else moment(found.withdrawn_at),
        withdrawn_by=found.withdrawn_by,
        needs_review=found.needs_review,
        confirmed_at=None if found.confirmed_at is None else moment(found.confirmed_at),
        confirmed_by=found.confirmed_by,
    )
