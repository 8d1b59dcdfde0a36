"""`POST /preferences`: the language and the colours that somebody chooses.

They are kept in cookies of this browser, and in the account of who has signed in, whose next browser gets them.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.http.access import visit_of
from api.http.services import ServicesHere
from api.http.site import Site
from api.web.looker import LANGUAGE_COOKIE, THEME_COOKIE, Theme
from api.words import Language

__all__ = ["keep_choice", "local_path", "router"]

router = APIRouter(include_in_schema=False)

_A_YEAR = 365 * 86_400


@router.post("/preferences")
def prefer(
    request: Request,
    services: ServicesHere,
    language: Annotated[Language | None, Form()] = None,
    theme: Annotated[Theme | None, Form()] = None,
    back: Annotated[str, Form(max_length=2_000)] = "/",
) -> Response:
    """Keep the choice, and go back to the page that it was made on."""
    visit = visit_of(request, services)
    if visit is not None:
        person = visit.person
        services.persons.choose(person.name, language or person.language, theme or person.theme)
    response = RedirectResponse(local_path(back), 303)
    keep_choice(response, request, services.site, language, theme)
    return response


def keep_choice(response: Response, request: Request, site: Site, language: str | None, theme: str | None) -> None:
    """Let the browser keep what was chosen; `None`: nothing was."""
    for name, chosen in ((LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)):
        if chosen is not None:
            secure = site.is_secure(request.scope)
            response.set_cookie(name, chosen, max_age=_A_YEAR, httponly=True, samesite="lax", secure=secure)


def local_path(text: str) -> str:
    """Returns an address of this site, as a form names it; the first page instead of any other."""
    # A browser reads `//host` and `/\host` as another host, and drops control characters
    safe = text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable()
    return text if safe else "/"
