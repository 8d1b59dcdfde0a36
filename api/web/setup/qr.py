"""`/setup/qr`: sheets with QR codes for facilities, to print."""

from collections.abc import Sequence
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.complaints.sheets_process import sheets_job
from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.queries import complaints as read
from api.queries.complaints import Place
from api.reports.maker import CannotMake, ReportMaker
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.scope_field import asked_scope
from api.words import Language, Sentence
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["PDF", "router"]

router = APIRouter(include_in_schema=False)

PDF = "/setup/qr/sheets.pdf"
_MOST = 1_000
"""Sheets of one file: 5 MB, and a minute on a slow machine."""
ScopeText = Annotated[str, Query(alias="village", max_length=40)]
FacilityText = Annotated[str, Query(max_length=200)]


@router.api_route("/setup/qr", methods=["GET", "HEAD"])
def qr_page(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    village: ScopeText = "",
    facility: FacilityText = "",
) -> Response:
    """What to choose, and where the codes will lead."""
    return frame.page(
        request,
        looker,
        "setup/qr.html",
        title=looker.words("setup_qr"),
        village=village,
        facility=facility,
        languages=[one.value for one in Language],
        address=services.site.at(request),
        is_set=services.site.public_url is not None,
        pdf=PDF,
    )


@router.get(PDF)
async def qr_sheets(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    village: ScopeText = "",
    facility: FacilityText = "",
    language: Language = Language.ID,
) -> Response:
    """The sheets of a village, a region, or one facility, as PDF."""
    found = await anyio.to_thread.run_sync(_wanted, services, looker, village, facility)
    maker: ReportMaker = request.app.state.reports
    try:
        job = sheets_job(language, found, services.site.at(request), services.clock.now())
        made = await maker.run("api.complaints.sheets_process", job)
    except CannotMake as problem:
        raise Refused(503, str(problem), {"Retry-After": "10"}, sentence=problem.sentence) from None
    name = found[0].full_name.replace("/", "-") if facility else village.strip().replace("*", "") or "siaga"
    headers = {"Content-Disposition": f'attachment; filename="qr-{name}.pdf"'}
    return Response(made, headers=headers, media_type="application/pdf")


def _wanted(services: Services, looker: Looker, village: str, facility: str) -> Sequence[Place]:
    """The facilities of which sheets are to be made.

    Raises:
        Refused: 404, there are none; 422, the scope is none, or they are too many.
    """
    with services.engine.connect() as connection:
        if facility:
            code, _, name = facility.partition("/")
            known = is_village_code(code) and is_slug(name) and admin_of(looker).scopes.holds(code)
            found = [place] if known and (place := read.place(connection, code, name)) is not None else []
        else:
            scope, problem = asked_scope(looker, village)
            if problem is not None:
                raise Refused(422, f"query village: {village!r} is no scope", sentence=Sentence("scope_wrong"))
            found = list(read.places_within(connection, admin_of(looker).scopes.within(scope), _MOST + 1))
    if not found:
        raise Refused(404, "there are no facilities there", sentence=Sentence("qr_none"))
    if len(found) > _MOST:
        many = {"n": looker.words.number(_MOST)}
        raise Refused(422, f"there are more than {_MOST} facilities there", sentence=Sentence("qr_many", many))
    return found
