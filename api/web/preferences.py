"""`POST /preferences`: the language and the colours that somebody chooses, kept in cookies of this browser."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.web.looker import LANGUAGE_COOKIE, THEME_COOKIE, Theme
from api.words import Language

__all__ = ["local_path", "router"]

router = APIRouter(include_in_schema=False)

_A_YEAR = 365 * 86_400


@router.post("/preferences")
async def prefer(
    request: Request,
    language: Annotated[Language | None, Form()] = None,
    theme: Annotated[Theme | None, Form()] = None,
    back: Annotated[str, Form(max_length=2_000)] = "/",
) -> Response:
    """Keep the choice, and go back to the page that it was made on."""
    response = RedirectResponse(local_path(back), 303)
    for name, chosen in ((LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)):
        if chosen is not None:
            secure = request.url.scheme == "https"
            response.set_cookie(name, chosen, max_age=_A_YEAR, httponly=True, samesite="lax", secure=secure)
    return response


def local_path(text: str) -> str:
    """Returns an address of this site, as a form names it; the first page instead of any other."""
    # A browser reads `//host` and `/\host` as another host, and drops control characters
    safe = text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable()
    return text if safe else "/"
