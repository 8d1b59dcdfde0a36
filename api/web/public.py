"""The public pages over HTTP: no sign-in, no outside host, and they work without JavaScript."""

import hashlib
import re
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import RedirectResponse, Response

from api.http.services import Services, ServicesHere
from api.web.frame import HEADERS, Frame
from api.web.kept import Busy
from api.web.looker import Looker, LookerHere
from api.web.next_path import START
from api.web.pages import Page, Pages
from api.web.refusals import sentence
from api.words import Language
from siaga.wire.topics import is_village_code

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger(__name__)

_SUBDISTRICT = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}", re.ASCII)

Lang = Annotated[str | None, Query(max_length=20)]
IfNoneMatch = Annotated[str | None, Header()]


@router.api_route("/", methods=["GET", "HEAD"])
def front(
    request: Request,
    services: ServicesHere,
    looker: LookerHere,
    lang: Lang = None,
    after: Annotated[str, Query(max_length=20)] = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """All villages with their facilities; where there are many, a list of villages.

    Where it is switched off, who has signed in is led on to the start page.
    """
    if not services.public_page and looker.caller is not None:
        return RedirectResponse(START, 303)
    pages = _pages(request)
    start = after if is_village_code(after) else ""
    return _answer(request, services, looker, if_none_match, lambda: pages.front(looker.language, _asked(lang), start))


@router.api_route("/kecamatan/{district}", methods=["GET", "HEAD"])
def subdistrict(
    request: Request,
    services: ServicesHere,
    looker: LookerHere,
    district: str,
    lang: Lang = None,
    after: Annotated[str, Query(max_length=20)] = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The villages of a sub-district with their facilities and alerts."""
    pages = _pages(request)
    start = after if is_village_code(after) else ""

    def made() -> Page | None:
        return (
            pages.region(looker.language, _asked(lang), district, start) if _SUBDISTRICT.fullmatch(district) else None
        )

    return _answer(request, services, looker, if_none_match, made)


@router.api_route("/desa/{code}", methods=["GET", "HEAD"])
def village(
    request: Request,
    services: ServicesHere,
    looker: LookerHere,
    code: str,
    lang: Lang = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One village with its facilities and alerts."""
    pages = _pages(request)

    def made() -> Page | None:
        return pages.village(looker.language, _asked(lang), code) if is_village_code(code) else None

    return _answer(request, services, looker, if_none_match, made)


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def _asked(lang: str | None) -> Language | None:
    """The language that links go on with: only one that was asked for."""
    return Language(lang) if lang in tuple(Language) else None


def _answer(
    request: Request,
    services: Services,
    looker: Looker,
    if_none_match: str | None,
    made: Callable[[], Page | None],
) -> Response:
    """The page, or one that says in a sentence why there is none."""
    if not services.public_page:
        return _sentence(request, looker, looker.words("switched_off"), looker.words("switched_off_detail"))
    try:
        page = made()
    except (SQLAlchemyError, Busy) as error:
        _log.warning("page_unreadable", error=str(error))
        return sentence(request, looker, 503)
    if page is None:
        return _sentence(request, looker, looker.words("no_such_village"), looker.words("no_such_village_detail"))
    version = _version(page, looker)
    tag = f'W/"{version}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Siaga-Updated": page.updated}
    if if_none_match is not None and tag in [found.strip() for found in if_none_match.split(",")]:
        return Response(status_code=304, headers=HEADERS | headers | {"Content-Language": looker.language.value})
    frame: Frame = request.app.state.frame
    return frame.page(
        request,
        looker,
        "live.html",
        headers=headers,
        title=page.title,
        body=page.body,
        version=version,
        updated=page.updated,
    )


def _version(page: Page, looker: Looker) -> str:
    """Of the page with its frame, which differs by who looks."""
    who = "" if looker.caller is None else f"-{looker.caller.role}-{looker.caller.name}"
    return hashlib.sha256(f"{page.version}{looker.theme}{who}".encode()).hexdigest()[:16]


def _sentence(request: Request, looker: Looker, title: str, detail: str) -> Response:
    frame: Frame = request.app.state.frame
    return frame.page(request, looker, "sentence.html", status=404, title=title, detail=detail)
