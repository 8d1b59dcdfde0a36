"""`/maintenance`: what the form of a facility's page declares, by the names of the API's call, and takes back."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from api.http.maintenance import Declaration, declare_window, take_window_back
from api.http.moments import moment
from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.web.access import SignedInTechnician
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.preferences import local_path

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_Back = Annotated[str, Form(max_length=2_000)]


@router.post("/maintenance")
def declare(
    services: ServicesHere,
    looker: SignedInTechnician,
    start: Annotated[str, Form(max_length=40)],
    end: Annotated[str, Form(max_length=40)],
    village: Annotated[str, Form(max_length=200)] = "",
    facility: Annotated[str, Form(max_length=200)] = "",
    uplink: Annotated[str, Form(max_length=200)] = "",
    rrule: Annotated[str, Form(max_length=200)] = "",
    reason: Annotated[str, Form(max_length=2_000)] = "",
    back: _Back = "/villages",
) -> Response:
    """Declare a window. A time without an offset is by the clock of the village that it is about."""
    caller = looker.caller
    assert caller is not None  # noqa: S101 - `SignedInTechnician` lets nobody else in
    zone = _zone(services, looker, village or facility.partition("/")[0])
    try:
        declaration = Declaration(
            village=village or None,
            facility=facility or None,
            uplink=uplink or None,
            start=_moment("start", start, zone),
            end=_moment("end", end, zone),
            rrule=rrule or None,
            reason=reason.replace("\0", "").strip(),
        )
        declare_window(services, caller, declaration)
    except ValueError as error:
        return _back(back, Notice(looker.words("maintenance_refused", why=str(error)), wrong=True))
    except Refused as refused:
        return _back(back, Notice(looker.words("maintenance_refused", why=refused.detail), wrong=True))
    return _back(back, Notice(looker.words("maintenance_declared")))


@router.post("/maintenance/{window}")
def take_back(services: ServicesHere, looker: SignedInTechnician, window: str, back: _Back = "/villages") -> Response:
    """Take a declaration back: a form cannot send DELETE."""
    caller = looker.caller
    assert caller is not None  # noqa: S101 - as above
    take_window_back(services, caller, window)
    return _back(back, Notice(looker.words("maintenance_taken_back")))


def _zone(services: Services, looker: Looker, code: str) -> str:
    caller = looker.caller
    home = services.registry.village(code) if caller is not None and caller.scopes.holds(code) else None
    return "UTC" if home is None else home.timezone


def _moment(name: str, text: str, zone: str) -> str:
    """Returns a time of a form as RFC 3339.

    Raises:
        ValueError: it is no time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a time such as 2026-03-04T10:00") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone))
    return moment(round(found.timestamp() * 1000))


def _back(address: str, notice: Notice) -> Response:
    response = RedirectResponse(local_path(address), 303)
    leave_notice(response, notice)
    return response
