"""`/open311/v2`: complaints by GeoReport v2, for other programs of citizens and of cities; no token.

A service is a problem of a kind of facility; where it is, `address_id` says by `VILLAGE/ID`. Names and addresses of who
complains are not taken, and a new complaint is not in the list until somebody has looked at it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from api.complaints.georeport import Form, Value, rendered, service_code, split_service_code, status_of
from api.complaints.problems import PROBLEMS, problem_of
from api.complaints.rules import State, Way, plain_id
from api.http.complaint_body import ComplaintBody, checked_complaint
from api.http.complaint_desk import coming_in
from api.http.complaint_taking import found_place, take_complaint
from api.http.moments import moment, parse_time
from api.http.photo_body import SentBody
from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.queries import complaints as read
from api.queries.complaints import Complaint, ComplaintFilter, Place
from api.words import WORDS, Words, chosen_language
from siaga.model.clock import DAY
from siaga.model.scope import EVERYWHERE

__all__ = ["router"]

router = APIRouter(prefix="/open311", include_in_schema=False)

_CHANGESET = "2026-11-30T00:00:00Z"
"""When this interface changed last."""
_MOST = 1_000
"""Requests of one answer, and `_LONGEST` the time that one may span: as the specification has them."""
_LONGEST = 90 * DAY
_SHOWN = {"open": State.SEEN, "closed": State.CLOSED}
"""What the public sees in lists: nothing that nobody has looked at, and nothing that was rejected."""
_NEAR = 5_000
"""Metres within which a place is a village's."""


@router.get("/discovery.{form}")
@router.get("/v2/discovery.{form}")
def discovery(request: Request, services: ServicesHere, form: str) -> Response:
    """Where the interface is, and in which forms."""
    endpoint: Value = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": f"{services.site.at(request)}/open311/v2",
        "changeset": _CHANGESET,
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    found: Value = {
        "changeset": _CHANGESET,
        "contact": services.site.at(request),
        "key_service": "No key is needed.",
        "endpoints": [endpoint],
    }
    return _answer(request, "discovery", form, lambda _: found)


@router.get("/v2/services")
@router.get("/v2/services.{form}")
def list_services(request: Request, form: str = "") -> Response:
    """What people may complain of."""

    def found(words: Words) -> Value:
        return [
            {
                "service_code": service_code(kind, problem.name),
                "service_name": words(f"problem_{problem.name}"),
                "description": f"{words.kind(kind)}: {words(f'problem_{problem.name}')}",
                "metadata": True,
                "type": "realtime",
                "keywords": kind,
                "group": words.kind(kind),
            }
            for kind, problems in PROBLEMS.items()
            for problem in problems
        ]

    return _answer(request, "services", form, found)


@router.get("/v2/services/{code}")
def service_definition(request: Request, code: str) -> Response:
    """What to say beside the service: the facility, where `address_id` does not."""
    code, form = _without_form(code)

    def found(words: Words) -> Value:
        if problem_of(*split_service_code(code)) is None:
            raise Refused(404, f"service_code: there is no service {code!r}")
        facility: Value = {
            "variable": True,
            "code": "facility",
            "datatype": "string",
            "required": False,
            "datatype_description": words("georeport_facility_form"),
            "order": 1,
            "description": words("georeport_facility"),
        }
        return {"service_code": code, "attributes": [facility]}

    return _answer(request, "service_definition", form, found)


@router.get("/v2/requests")
@router.get("/v2/requests.{form}")
def list_requests(
    request: Request,
    services: ServicesHere,
    form: str = "",
    service_request_id: Annotated[str, Query(max_length=10_000)] = "",
    service_code: Annotated[str, Query(max_length=10_000)] = "",
    start_date: Annotated[str, Query(max_length=40)] = "",
    end_date: Annotated[str, Query(max_length=40)] = "",
    status: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """What somebody has looked at, the newest first; `service_request_id` wins over all else."""

    def found(words: Words) -> Value:
        if not services.public_page:
            raise Refused(403, "requests are not listed here: the public page is switched off")
        with services.engine.connect() as connection:
            if service_request_id:
                ids = [plain_id(one.strip()) for one in service_request_id.split(",")][:_MOST]
                each = list(read.by_ids(connection, ids))
            else:
                wanted = _wanted(services, start_date, end_date, status, service_code)
                each = list(read.listed(connection, wanted, None, _MOST))
            places = read.places(connection, {(one.village, one.facility) for one in each})
        return [_request(words, one, places.get((one.village, one.facility)), with_sensors=True) for one in each]

    return _answer(request, "service_requests", form, found)


@router.get("/v2/requests/{complaint}")
def one_request(request: Request, services: ServicesHere, complaint: str) -> Response:
    """One complaint, for whoever has its id."""
    complaint, form = _without_form(complaint)

    def found(words: Words) -> Value:
        with services.engine.connect() as connection:
            one = read.one(connection, plain_id(complaint))
            if one is None:
                raise Refused(404, f"service_request_id: there is no request {complaint[:60]!r}")
            place = read.place(connection, one.village, one.facility)
        return [_request(words, one, place, with_sensors=services.public_page)]

    return _answer(request, "service_requests", form, found)


@router.post("/v2/requests")
@router.post("/v2/requests.{form}")
async def post_request(request: Request, services: ServicesHere, form: str = "") -> Response:
    """Complain. Names, mail addresses and telephone numbers are not read."""
    problem: Refused | None = None
    made: Complaint | None = None
    try:
        async with coming_in(request, Way.CALL):
            async with request.form(max_files=0, max_fields=100) as said:
                body = await anyio.to_thread.run_sync(_complaint, services, said)
            made, _ = await take_complaint(request, services, body, (), Way.CALL)
    except Refused as refused:
        problem = refused
    except HTTPException as unread:  # the parser of forms says so: it takes no files, for one
        problem = Refused(400, f"the form cannot be read: {unread.detail}")
    except RequestValidationError as error:
        problem = Refused(400, f"{error.errors()[0]['loc'][-1]}: {error.errors()[0]['msg']}")

    def found(words: Words) -> Value:
        if made is None:
            raise problem or Refused(500, "nothing was made")
        notice = words("complaint_keep")
        return [{"service_request_id": made.id, "service_notice": notice, "account_id": None}]

    return _answer(request, "service_requests", form, found, 201)


def _answer(request: Request, root: str, form: str, found: Callable[[Words], Value], status: int = 200) -> Response:
    """Returns a document, or what is wrong in the form of the specification."""
    wants_json = "json" in request.headers.get("accept", "") and "xml" not in request.headers.get("accept", "")
    chosen = Form.JSON if form == Form.JSON or (not form and wants_json) else Form.XML
    words = WORDS[chosen_language(request.headers.get("accept-language"), request.query_params.get("locale"))]
    headers: Mapping[str, str] = {}
    try:
        _check_form(form)
        content = rendered(chosen, root, found(words))
    except Refused as problem:
        status = 400 if problem.status == 422 else problem.status
        headers = problem.headers
        content = rendered(chosen, "errors", [{"code": status, "description": problem.detail}])
    return Response(content, status, headers, chosen.media_type)


def _check_form(form: str) -> None:
    if form and form not in tuple(Form):
        raise Refused(404, f"{form[:20]!r} is no form of this interface: it has xml and json")


def _without_form(name: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*)\.(xml|json)", name)
    return (name, "") if found is None else (found[1], found[2])


def _wanted(services: Services, start: str, end: str, status: str, codes: str) -> ComplaintFilter:
    """What a list asks for: by default the last 90 days.

    Raises:
        Refused: 400, a value is none.
    """
    now = services.clock.now()
    until = min(parse_time("end_date", end), now + 1) if end else now + 1
    since = parse_time("start_date", start) if start else until - _LONGEST
    wrong = [one for one in status.split(",") if one and one not in _SHOWN]
    if wrong:
        raise Refused(400, f"status: {wrong[0][:40]!r} is not open or closed")
    states = tuple(state for name, state in _SHOWN.items() if not status or name in status.split(","))
    if until - since > _LONGEST:
        since = until - _LONGEST
    problems = {split_service_code(code.strip()) for code in codes.split(",")} if codes else None
    return ComplaintFilter(EVERYWHERE, None, states, (since, until), problems)


def _code(one: Complaint) -> str:
    return service_code(one.kind, one.problem)


def _request(words: Words, one: Complaint, place: Place | None, *, with_sensors: bool) -> Value:
    """A complaint as the public sees it. `with_sensors`: also what they said, which the public page shows, too."""
    said = words(f"problem_{one.problem}") if problem_of(one.kind, one.problem) is not None else one.problem
    return {
        "service_request_id": one.id,
        "status": status_of(one.state),
        "status_notes": one.answer,
        "service_name": said,
        "service_code": _code(one),
        "description": said,
        "agency_responsible": None,
        "service_notice": None,
        "requested_datetime": moment(one.created_at),
        "updated_datetime": moment(one.ended_at or one.seen_at or one.created_at),
        "expected_datetime": None,
        "address": None if place is None else f"{place.name}, {place.village_name}",
        "address_id": f"{one.village}/{one.facility}",
        "zipcode": None,
        "lat": None if place is None else place.latitude,
        "long": None if place is None else place.longitude,
        "media_url": None,
        "extended_attributes": {
            "contradicts": one.contradicts,
            "sensors": None if one.sensors is None else one.sensors.value,
        }
        if with_sensors
        else None,
    }


def _complaint(services: Services, said: FormData) -> ComplaintBody:
    """What is sent, as a complaint.

    Raises:
        Refused: 400 or 404, it lacks something, or names what is not there.
        RequestValidationError: the text is too long.
    """

    def text(name: str) -> str:
        value = said.get(name)
        return value.strip() if isinstance(value, str) else ""

    code = text("service_code")
    if not code:
        raise Refused(400, "service_code: is missing")
    kind, problem = split_service_code(code)
    if problem_of(kind, problem) is None:
        raise Refused(404, f"service_code: there is no service {code[:60]!r}")
    name = text("address_id") or text("attribute[facility]") or _nearest(services, kind, text("lat"), text("long"))
    place = found_place(services, name, "address_id")
    if place.kind != kind:
        raise Refused(400, f"service_code: {code!r} is a service of a {kind}, and {name} is a {place.kind}")
    texts = {"facility": name, "problem": problem, "note": text("description")}
    return checked_complaint(SentBody(None, {key: value for key, value in texts.items() if value}))


def _nearest(services: Services, kind: str, latitude: str, longitude: str) -> str:
    """Returns the one facility of a kind in the village at a place.

    Raises:
        Refused: 400, there is none, or more than one.
    """
    wanted = "say address_id, which is VILLAGE/ID as the sheet at the facility says"
    try:
        at = float(latitude), float(longitude)
    except ValueError:
        raise Refused(400, f"address_id: is missing: {wanted}") from None
    if not (-90 <= at[0] <= 90 and -180 <= at[1] <= 180):
        raise Refused(400, f"lat, long: {latitude[:20]}, {longitude[:20]} is no place on Earth")
    with services.engine.connect() as connection:
        near = read.near(connection, kind, at, _NEAR)
    if len(near) != 1:
        many = f"{len(near)} of them" if near else "none"
        raise Refused(400, f"lat, long: of a {kind} the village there has {many}: {wanted}")
    return near[0].full_name
