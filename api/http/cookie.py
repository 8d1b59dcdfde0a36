"""The cookie of a session: `__Host-siaga` by HTTPS, `siaga` where there is none.

A browser takes a cookie whose name begins with `__Host-` only by HTTPS, for this host and all its paths: neither a
neighbouring host nor anybody on the line can put one there (RFC 6265bis, section 4.1.3). By plain HTTP a cookie can
have neither that prefix nor `Secure`.
"""

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from api.http.site import Site

__all__ = ["PLAIN", "SECURE", "forget", "has_cookie", "keep", "secret_of"]

SECURE = "__Host-siaga"
PLAIN = "siaga"
_LONGEST = 200


def secret_of(connection: HTTPConnection, site: Site) -> str | None:
    """Returns the secret that a request carries. By HTTPS the cookie that anybody could have put there is not read."""
    secret = connection.cookies.get(_name(connection.scope, site))
    return secret if secret and len(secret) <= _LONGEST else None


def has_cookie(connection: HTTPConnection) -> bool:
    """Whether a request carries a cookie of a session, valid or not."""
    return SECURE in connection.cookies or PLAIN in connection.cookies


def keep(response: Response, connection: HTTPConnection, site: Site, secret: str, lasts: int) -> None:
    """Let the browser keep a secret for so long, in ms."""
    response.set_cookie(
        _name(connection.scope, site),
        secret,
        max_age=lasts // 1000,
        path="/",
        secure=site.is_secure(connection.scope),
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, connection: HTTPConnection, site: Site) -> None:
    """Let the browser forget it."""
    secure = site.is_secure(connection.scope)
    response.delete_cookie(_name(connection.scope, site), path="/", secure=secure, httponly=True, samesite="lax")


def _name(scope: Scope, site: Site) -> str:
    return SECURE if site.is_secure(scope) else PLAIN
