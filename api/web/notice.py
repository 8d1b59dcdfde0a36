"""A sentence for the next page: what became of the form that was sent.

It goes into a cookie that the next page shows once and deletes. So the browser's address stays free of it, and to
reload the page sends nothing twice.
"""

import base64
import binascii
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["Notice", "leave_notice", "taken_notice"]

_COOKIE = "siaga_notice"
_LONGEST = 1_500
"""Characters: a cookie holds 4,096 bytes (RFC 6265, section 6.1), and base64 takes a third more."""
_KEPT = 60
"""Seconds until a notice that no page has shown is gone."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence. `wrong`: what was asked for was not done, or not all of it."""

    text: str
    wrong: bool = False


def leave_notice(response: Response, notice: Notice) -> None:
    """Leave a notice for the page that comes next."""
    packed = base64.urlsafe_b64encode(orjson.dumps([notice.text[:_LONGEST], notice.wrong])).decode()
    response.set_cookie(_COOKIE, packed, max_age=_KEPT, httponly=True, samesite="lax")


def taken_notice(request: Request) -> Notice | None:
    """Returns the notice that the page before left; `None`: there is none."""
    try:
        text, wrong = orjson.loads(base64.urlsafe_b64decode(request.cookies[_COOKIE]))
    except (KeyError, ValueError, binascii.Error, TypeError):
        return None
    return Notice(str(text)[:_LONGEST], wrong is True)


def forget_notice(request: Request, response: Response) -> None:
    """Delete the notice that this page has shown."""
    if _COOKIE in request.cookies:
        response.delete_cookie(_COOKIE, httponly=True, samesite="lax")
