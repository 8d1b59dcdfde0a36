"""`/setup/qr`: sheets with QR codes for facilities, to print."""

import threading
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.complaints.sheets import sheets_as_pdf
from api.http.problems import Refused
from api.http.services import ServicesHere
from api.queries import complaints as read
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.setup.limits import admin_of
from api.web.setup.scope_field import asked_scope
from api.words import WORDS, Language, Sentence
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["PDF", "router"]

router = APIRouter(include_in_schema=False)

PDF = "/setup/qr/sheets.pdf"
_MOST = 1_000
"""Sheets of one file: 5 MB, and a minute on a slow machine."""
_SETTING = threading.Lock()
"""Typst takes up to 300 MB for so many sheets: one file at a time."""

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
def qr_sheets(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    village: ScopeText = "",
    facility: FacilityText = "",
    language: Language = Language.ID,
) -> Response:
    """The sheets of a village, a region, or one facility, as PDF."""
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
    if not _SETTING.acquire(blocking=False):
        raise Refused(503, "other sheets are being made: try again in a moment", {"Retry-After": "10"})
    try:
        made = sheets_as_pdf(WORDS[language], found, services.site.at(request), services.clock.now())
    finally:
        _SETTING.release()
    name = found[0].full_name.replace("/", "-") if facility else village.strip().replace("*", "") or "siaga"
    headers = {"Content-Disposition": f'attachment; filename="qr-{name}.pdf"'}
    return Response(made, headers=headers, media_type="application/pdf")
