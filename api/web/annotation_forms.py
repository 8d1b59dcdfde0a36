"""`/annotations`: what the form of a facility's page writes about a stretch, and takes back. It changes no figure."""

from typing import Annotated

from fastapi import APIRouter, Form, Path
from starlette.responses import RedirectResponse, Response

from api.http.services import Services, ServicesHere
from api.web.access import SignedInTechnician
from api.web.form_time import NoTime, form_time
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
    services: ServicesHere,
    looker: SignedInTechnician,
    facility: _Facility,
    start: _Time,
    end: _Time,
    text: Annotated[str, Form(max_length=_LONGEST)],
    back: _Back = "/villages",
) -> Response:
    """Write about a stretch of a facility. Times are by the village's clock."""
    words, now = looker.words, services.clock.now()
    home, name = _home(services, looker, facility)
    said = text.replace("\0", "").strip()
    if home is None:
        return _back(back, words("annotation_nowhere", facility=facility[:40]), wrong=True)
    try:
        stretch = form_time(start, home.timezone), form_time(end, home.timezone)
    except NoTime as problem:
        return _back(back, words("form_no_time", value=str(problem)), wrong=True)
    if not stretch[0] < stretch[1]:
        return _back(back, words("form_ends_before", start=start, end=end), wrong=True)
    if stretch[0] > now:
        return _back(back, words("annotation_ahead", start=start), wrong=True)
    if not said:
        return _back(back, words("annotation_empty"), wrong=True)
    caller = looker.caller
    assert caller is not None  # noqa: S101 - `SignedInTechnician` lets nobody else in
    annotate(services.engine, home.code, name, stretch, said, caller.name, now)
    return _back(back, words("annotation_written"))


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
