"""Taking a complaint in, for the call, for the page's form and for GeoReport: checked, limited, stored once."""

from collections.abc import Sequence
from dataclasses import replace

import anyio.to_thread
from fastapi import Request
from starlette.datastructures import UploadFile

from api.attestations.pictures import Picture
from api.complaints.problems import PROBLEMS, problem_of
from api.complaints.rows import DraftDiffers, Quiet, Said, TooMany, check_room, is_known, make
from api.complaints.rules import LIMITED_OVER, Way
from api.http.complaint_body import ComplaintBody
from api.http.complaint_desk import ComplaintDesk, desk_of, host_of_request
from api.http.problems import Refused
from api.http.services import Services
from api.queries import complaints as read
from api.queries.complaints import Complaint
from api.words import Sentence
from siaga.model.clock import SECOND
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["found_place", "take_complaint"]


async def take_complaint(
    request: Request, services: Services, said: ComplaintBody, photos: Sequence[UploadFile], way: Way
) -> tuple[Complaint, bool]:
    """Take a complaint whose body was read.

    Returns it, and whether it is new: one that is sent again is stored once.

    Raises:
        Refused: 409, 422 or 429, with why.
    """
    desk = desk_of(request)
    checked = await anyio.to_thread.run_sync(_checked, services, desk, said, way, host_of_request(request))
    pictures = [await desk.photos[way].encode(number, photo) for number, photo in enumerate(photos, 1)]
    return await anyio.to_thread.run_sync(_made, services, desk, checked, pictures)


def found_place(services: Services, facility: str, where: str = "body facility") -> read.Place:
    """Returns the facility of a name `VILLAGE/ID`. `where`: what gives the name, for the sentence.

    Raises:
        Refused: 422, it is no such name, or there is no such facility.
    """
    code, slash, name = facility.partition("/")
    if not (slash and is_village_code(code) and is_slug(name)):
        raise Refused(422, f"{where}: {facility!r} is not of the form VILLAGE/ID")
    with services.engine.connect() as connection:
        place = read.place(connection, code, name)
    if place is None:
        raise Refused(422, f"{where}: there is no facility {facility!r}")
    return place


def _checked(services: Services, desk: ComplaintDesk, said: ComplaintBody, way: Way, host: str) -> Said:
    """What is said, without its photos; refused before these are looked at, where there is no room for it."""
    place = found_place(services, said.facility)
    if problem_of(place.kind, said.problem) is None:
        known = ", ".join(one.name for one in PROBLEMS[place.kind])
        raise Refused(422, f"body problem: {said.problem!r} is no problem of a {place.kind}: it is one of {known}")
    note = said.note.strip()
    checked = Said(place.village, place.facility, place.kind, said.problem, note, way, host, said.draft)
    now = services.clock.now()
    secret = desk.secrets.of(now)[0]
    with services.engine.connect() as connection:
        try:
            if not is_known(connection, checked):
                check_room(connection, checked, secret, now)
        except DraftDiffers:
            raise _differs(checked) from None
        except (Quiet, TooMany) as problem:
            raise _refused(problem, now) from None
    return checked


def _made(services: Services, desk: ComplaintDesk, said: Said, pictures: Sequence[Picture]) -> tuple[Complaint, bool]:
    now = services.clock.now()
    try:
        whole = replace(said, photos=pictures)
        made, is_new = make(services.engine, whole, desk.secrets.of(now)[0], now)
    except DraftDiffers:
        raise _differs(said) from None
    except (Quiet, TooMany) as problem:
        raise _refused(problem, now) from None
    with services.engine.connect() as connection:
        found = read.one(connection, made)
    assert found is not None  # noqa: S101 - complaints are never deleted
    return found, is_new


def _differs(said: Said) -> Refused:
    return Refused(409, f"body draft: {said.draft!r} was used for another complaint")


def _refused(problem: Quiet | TooMany, now: int) -> Refused:
    if isinstance(problem, Quiet):
        wait = problem.until - now
        detail = "this village takes no complaints for a while: its office has paused them"
        return Refused(429, detail, {"Retry-After": _seconds(wait)}, sentence=Sentence("complaint_quiet"))
    detail = f"too many complaints within an hour (limit {problem.limit.value}): try again later"
    return Refused(429, detail, {"Retry-After": _seconds(LIMITED_OVER)}, sentence=Sentence("complaint_too_many"))


def _seconds(length: int) -> str:
    return str(-(-length // SECOND))
