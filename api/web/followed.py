"""Pages that follow what happens: a script asks for them again and again, and an unchanged one is not sent twice."""

import hashlib

from fastapi import Request
from starlette.responses import Response

from api.web.visit import REFRESH

__all__ = ["unless_known"]


def unless_known(request: Request, page: Response) -> Response:
    """Returns a page, or, to a script that has the same one already, that it has not changed."""
    if REFRESH not in request.headers:
        return page
    tag = f'W/"{hashlib.sha256(page.body).hexdigest()[:16]}"'
    page.headers["ETag"] = tag
    if request.headers.get("if-none-match") != tag:
        return page
    kept = {name: value for name, value in page.headers.items() if name not in ("content-length", "content-type")}
    return Response(status_code=304, headers=kept)
