"""The public pages over HTTP: no sign-in, no outside host, and they work without JavaScript."""

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import Scope

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.web.pages import STATIC, Page, Pages, PagesBusy
from api.words import Language, chosen_language
from siaga.wire.topics import is_village_code

__all__ = ["ANSWER_WITHIN", "router", "too_late"]

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger(__name__)

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY, "Vary": "Accept-Language", "Content-Language": "id"}
ANSWER_WITHIN = 5.0
"""Seconds that a page may take: longer than one is waited for while others are made."""
_A_YEAR = "public, max-age=31536000, immutable"

Lang = Annotated[str | None, Query(max_length=20)]
Accepted = Annotated[str | None, Header(alias="Accept-Language")]
IfNoneMatch = Annotated[str | None, Header()]


@router.api_route("/", methods=["GET", "HEAD"])
def front(
    request: Request,
    services: ServicesHere,
    lang: Lang = None,
    after: Annotated[str, Query(max_length=20)] = "",
    accept_language: Accepted = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """All villages with their facilities; where there are many, a list of villages."""
    language, pages = chosen_language(accept_language, lang), _pages(request)
    start = after if is_village_code(after) else ""
    return _answer(services, language, if_none_match, pages, lambda: pages.front(language, _asked(lang), start))


@router.api_route("/desa/{code}", methods=["GET", "HEAD"])
def village(
    request: Request,
    services: ServicesHere,
    code: str,
    lang: Lang = None,
    accept_language: Accepted = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One village with its facilities and alerts."""
    language, pages = chosen_language(accept_language, lang), _pages(request)

    def made() -> Page | None:
        return pages.village(language, _asked(lang), code) if is_village_code(code) else None

    return _answer(services, language, if_none_match, pages, made)


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static(name: str) -> Response:
    """A file of the pages; its address changes when it does."""
    found = STATIC.get(name)
    if found is None:
        raise not_found("file", name)
    return Response(found.body, media_type=found.media_type, headers={"Cache-Control": _A_YEAR})


def too_late(scope: Scope) -> Response:
    """The page that says that a page cannot be made now."""
    request = Request(scope)
    language = chosen_language(request.headers.get("accept-language"), request.query_params.get("lang"))
    return _sentence(_pages(request), language, "unreadable", 503)


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def _asked(lang: str | None) -> Language | None:
    """The language that links go on with: only one that was asked for."""
    return Language(lang) if lang in tuple(Language) else None


def _answer(
    services: Services, language: Language, if_none_match: str | None, pages: Pages, made: Callable[[], Page | None]
) -> Response:
    """The page, or one that says in a sentence why there is none."""
    if not services.public_page:
        return _sentence(pages, language, "switched_off", 404)
    try:
        page = made()
    except (SQLAlchemyError, PagesBusy) as error:
        _log.warning("page_unreadable", error=str(error))
        return _sentence(pages, language, "unreadable", 503)
    if page is None:
        return _sentence(pages, language, "not_found", 404)
    tag = f'W/"{page.version}"'
    headers = _HEADERS | {
        "Content-Language": language.value,
        "ETag": tag,
        "Cache-Control": "no-cache",
        "X-Siaga-Updated": page.updated,
    }
    if if_none_match is not None and tag in [found.strip() for found in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(page.body, media_type="text/html", headers=headers)


def _sentence(pages: Pages, language: Language, what: str, status: int) -> Response:
    headers = _HEADERS | {"Content-Language": language.value}
    if status == 503:
        headers |= {"Retry-After": "3", "Refresh": "3"}
    return Response(pages.sentence(language, what, f"{what}_detail"), status, headers, "text/html")
