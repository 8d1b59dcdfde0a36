"""When somebody last looked at a page before this visit: what came since then is marked as new.

A browser keeps it in a cookie: the end of the visit before, and the last look of this one. A visit ends with half an
hour without a look.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from siaga.model.clock import MINUTE

__all__ = ["REFRESH", "Visit", "visit_of"]

REFRESH = "x-siaga-refresh"
"""The header by which our script says that it asks for the page, and nobody looks at it yet."""
_COOKIE = "siaga_visit"
_OVER_AFTER = 30 * MINUTE
_A_YEAR = 365 * 86_400
_FORM = re.compile(r"(\d{1,15})\.(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit. `since`: the last look of the visit before; `last`: the last look of this one. Wall times in ms."""

    since: int
    last: int

    def keep(self, response: Response) -> None:
        """Put the visit into the browser's cookie."""
        response.set_cookie(_COOKIE, f"{self.since}.{self.last}", max_age=_A_YEAR, httponly=True, samesite="lax")


def visit_of(request: Request, now: int) -> Visit:
    """Returns the visit that a request at wall time `now` (ms) belongs to. On a first visit nothing is new."""
    found = _FORM.fullmatch(request.cookies.get(_COOKIE, ""))
    since, last = (int(found[1]), int(found[2])) if found else (now, now)
    if now - last > _OVER_AFTER:
        since = last
    return Visit(min(since, now), last if REFRESH in request.headers else now)
