"""Cross-site requests change nothing: who is signed in by a cookie acts from our own pages alone.

It stands before all routes, so none can forget it. A bearer token is exempt: no browser adds one by itself.
"""

from collections.abc import Callable

import structlog
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.cookie import has_cookie
from api.http.site import Site

__all__ = ["OwnOrigin", "has_bearer"]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
_log = structlog.get_logger(__name__)


class OwnOrigin:
    """Refuses a request that would change something, with a cookie or on a page, and comes from elsewhere.

    `is_page`: whether a path is one of the pages, whose forms need it also without a cookie: nobody is to be signed in
    by a form of somebody else's. `refused` makes the answer.
    """

    def __init__(
        self, app: ASGIApp, site: Site, is_page: Callable[[str], bool], refused: Callable[[Scope], Response]
    ) -> None:
        self._app, self._site, self._is_page, self._refused = app, site, is_page, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] == "http" and self._needs_own_origin(scope) and not self._site.is_own(scope):
            _log.warning("foreign_origin_refused", method=scope["method"])
            await self._refused(scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _needs_own_origin(self, scope: Scope) -> bool:
        if scope["method"] in _SAFE:
            return False
        connection = HTTPConnection(scope)
        return not has_bearer(connection) and (has_cookie(connection) or self._is_page(scope["path"]))


def has_bearer(connection: HTTPConnection) -> bool:
    """Whether a request names itself by a token. Then its cookie is not looked at, whatever the token is worth."""
    return connection.headers.get("authorization", "").partition(" ")[0].lower() == "bearer"
