"""A secret that a page shows once: the answer to a form leaves it in a cookie of that page alone, which deletes it.

So to load the page again sends no form twice, and shows nothing.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.http.site import Site

__all__ = ["forget_secret", "shown_at", "taken_secret"]

_COOKIE = "siaga_once"
_KEPT = 60
"""Seconds until a secret that no page has shown is gone."""


def shown_at(path: str, request: Request, site: Site, secret: str) -> Response:
    """Returns the answer that leads on to the page at a path, which shows a secret."""
    answer = RedirectResponse(path, 303)
    secure = site.is_secure(request.scope)
    answer.set_cookie(_COOKIE, secret, max_age=_KEPT, path=path, secure=secure, httponly=True, samesite="strict")
    return answer


def taken_secret(request: Request) -> str | None:
    """Returns the secret that this page has to show; `None`: it has been shown."""
    return request.cookies.get(_COOKIE)


def forget_secret(response: Response, request: Request, site: Site) -> None:
    """Delete the secret that this page has shown."""
    secure = site.is_secure(request.scope)
    response.delete_cookie(_COOKIE, path=request.url.path, secure=secure, httponly=True, samesite="strict")
