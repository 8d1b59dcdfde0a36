"""`/annotations`: what the form of a facility's page writes about a stretch, and takes back. It changes no figure."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from api.http.services import Services, ServicesHere
from api.web.access import SignedInTechnician
from api.web.facility_page import Filled, show_again
from api.web.form_time import NoTime, form_time
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.preferences import local_path
from siaga.database.annotations import annotate, take_back
from siaga.model.sites import Village

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_LONGEST = 2_000
_Facility = Annotated[str, Form(max_length=200)]
_Time = Annotated[str, Form(max_length=40)]
_Back = Annotated[str, Form(max_length=2_000)]


@router.post("/annotations")
def write(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedInTechnician,
    facility: _Facility,
    start: _Time = "",
    end: _Time = "",
    text: Annotated[str, Form(max_length=_LONGEST)] = "",
    back: _Back = "/villages",
) -> Response:
    """Write about a stretch of a facility. Times are by the village's clock.

    A form that is not taken is shown again as it was sent.
    """
    home, name = _home(services, looker, facility)
    if home is None:
        return _back(back, looker.words("annotation_nowhere", facility=facility[:40]), wrong=True)
    why = _write(services, looker, home, name, (start, end), text.replace("\0", "").strip())
    if why is None:
        return _back(back, looker.words("annotation_written"))
    filled = Filled(start, end, text, problem=why)
    again = show_again(request, frame, services, looker, facility, back, note=filled)
    return again or _back(back, why, wrong=True)


def _write(
    services: Services, looker: Looker, home: Village, name: str, times: tuple[str, str], said: str
) -> str | None:
    """Write an annotation. Returns why it cannot be, in the reader's language."""
    caller, words, now, zone = looker.caller, looker.words, services.clock.now(), home.timezone
    assert caller is not None  # noqa: S101 - `SignedInTechnician` lets nobody else in
    try:
        start, end = (form_time(time, zone) for time in times)
    except NoTime as problem:
        return words("form_no_time", value=str(problem))
    if not start < end:
        return words("form_ends_before", start=words.time(start, now, zone), end=words.time(end, now, zone))
    if start > now:
        return words("annotation_ahead", start=words.time(start, now, zone))
    if not said:
        return words("annotation_empty")
    annotate(services.engine, home.code, name, (start, end), said, caller.name, now)
    return None


@router.post("/annotations/{annotation}")
def remove(
    services: ServicesHere,
    looker: SignedInTechnician,
    annotation: Annotated[int, Path(ge=1, lt=2**63)],
    facility: _Facility,
    back: _Back = "/villages",
) -> Response:
    """Take an annotation of a facility back."""
    home, name = _home(services, looker, facility)
    caller = looker.caller
    assert caller is not None  # noqa: S101 - as above
    now = services.clock.now()
    gone = home is not None and take_back(services.engine, annotation, home.code, name, caller.name, now)
    return _back(back, looker.words("annotation_removed" if gone else "annotation_gone"), wrong=not gone)


def _home(services: Services, looker: Looker, facility: str) -> tuple[Village | None, str]:
    """Returns the village of a facility, and its id there; `None`: whoever looks sees no such facility."""
    code, _, name = facility.partition("/")
    caller = looker.caller
    home = services.registry.village(code) if caller is not None and caller.scopes.holds(code) else None
    if home is None or all(one.id != name for one in home.facilities):
        return None, name
    return home, name


def _back(address: str, said: str, *, wrong: bool = False) -> Response:
    response = RedirectResponse(local_path(address), 303)
    leave_notice(response, Notice(said, wrong))
    return response
