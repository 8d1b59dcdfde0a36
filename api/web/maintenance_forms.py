"""`/maintenance`: what the form of a facility's page declares, by the names of the API's call, and takes back."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.http.maintenance import Declaration, NotDeclared, declare_window, take_window_back
from api.http.moments import moment
from api.http.services import Services, ServicesHere
from api.web.access import SignedInTechnician
from api.web.facility_page import Filled, show_again
from api.web.form_time import NoTime, form_time
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.preferences import local_path

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_Back = Annotated[str, Form(max_length=2_000)]
_Name = Annotated[str, Form(max_length=200)]
_Time = Annotated[str, Form(max_length=40)]


@router.post("/maintenance")
def declare(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedInTechnician,
    start: _Time,
    end: _Time,
    village: _Name = "",
    facility: _Name = "",
    uplink: _Name = "",
    whom: _Name = "",
    rrule: Annotated[str, Form(max_length=200)] = "",
    reason: Annotated[str, Form(max_length=2_000)] = "",
    back: _Back = "/villages",
) -> Response:
    """Declare a window. `whom` chooses one of village, facility and uplink where a form names several.

    A time without an offset is by the clock of the village that it is about. A form that is not taken is shown again
    as it was sent.
    """
    names = {"village": village, "facility": facility, "uplink": uplink}
    if whom in names:
        names = {name: value if name == whom else "" for name, value in names.items()}
    zone = _zone(services, looker, village or facility.partition("/")[0])
    why = _declare(services, looker, names, (start, end), zone, rrule, reason.replace("\0", "").strip())
    if why is None:
        return _back(back, Notice(looker.words("maintenance_declared")))
    problem = looker.words("maintenance_refused", why=why)
    filled = Filled(start, end, reason, whom, rrule, problem)
    again = show_again(request, frame, services, looker, facility, back, work=filled)
    return again or _back(back, Notice(problem, wrong=True))


def _declare(
    services: Services,
    looker: Looker,
    names: dict[str, str],
    times: tuple[str, str],
    zone: str,
    rrule: str,
    reason: str,
) -> str | None:
    """Declare a window. Returns why it cannot be, in the reader's language."""
    caller, words, now = looker.caller, looker.words, services.clock.now()
    assert caller is not None  # noqa: S101 - `SignedInTechnician` lets nobody else in
    try:
        start, end = (form_time(time, zone) for time in times)
        declaration = Declaration(
            village=names["village"] or None,
            facility=names["facility"] or None,
            uplink=names["uplink"] or None,
            start=moment(start),
            end=moment(end),
            rrule=rrule or None,
            reason=reason,
        )
        declare_window(services, caller, declaration)
    except NoTime as problem:
        return words("form_no_time", value=str(problem))
    except NotDeclared as refused:
        shown = {"start": words.time(start, now, zone), "end": words.time(end, now, zone)}
        return words(f"not_declared_{refused.why}", **shown, value=refused.value[:100])
    except ValueError:  # a name that cannot be one
        return words("not_declared_unknown", value=" ".join(names.values()).strip()[:100])
    return None


@router.post("/maintenance/{window}")
def take_back(services: ServicesHere, looker: SignedInTechnician, window: str, back: _Back = "/villages") -> Response:
    """Take a declaration back: a form cannot send DELETE."""
    caller, words = looker.caller, looker.words
    assert caller is not None  # noqa: S101 - as above
    try:
        take_window_back(services, caller, window)
    except NotDeclared as refused:
        return _back(
            back, Notice(words(f"not_declared_{refused.why}", start="", end="", value=refused.value), wrong=True)
        )
    return _back(back, Notice(words("maintenance_taken_back")))


def _zone(services: Services, looker: Looker, code: str) -> str:
    caller = looker.caller
    home = services.registry.village(code) if caller is not None and caller.scopes.holds(code) else None
    return "UTC" if home is None else home.timezone


def _back(address: str, notice: Notice) -> Response:
    response = RedirectResponse(local_path(address), 303)
    leave_notice(response, notice)
    return response
