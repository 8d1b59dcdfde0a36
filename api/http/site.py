"""Where people reach the pages: which requests came by HTTPS, and which came from our own pages."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

__all__ = ["Site"]

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Site:
    """The address of the pages as people know it (`SIAGA_PUBLIC_URL`), such as `https://siaga.example.go.id`.

    `None`: whatever host is asked for.
    """

    public_url: str | None = None

    def is_secure(self, scope: Scope) -> bool:
        """Whether the browser asked by HTTPS: here, or at a proxy that says so, or at the public address."""
        if scope["scheme"] == "https":
            return True
        public = _origin(self.public_url or "")
        return public is not None and public[0] == "https" and public[1:] == _host(scope, "https")

    def is_own(self, scope: Scope) -> bool:
        """Whether a request comes from a page of ours, as its browser says.

        `Sec-Fetch-Site` says so itself. A browser sends it by HTTPS and to localhost alone (Fetch Metadata, section
        2.4); else `Origin` has to be the host that was asked for, or the public address. What says neither is not ours.
        """
        headers = Headers(scope=scope)
        said = headers.get("sec-fetch-site")
        if said is not None:
            return said == "same-origin"
        origin = _origin(headers.get("origin", ""))
        if origin is None:
            return False
        if origin == _origin(self.public_url or ""):
            return True
        if self.is_secure(scope) and origin[0] != "https":
            return False
        return origin[1:] == _host(scope, origin[0])

    def at(self, connection: HTTPConnection) -> str:
        """Returns the address of the pages for whom this request is from, without a slash at its end."""
        if self.public_url is not None:
            return self.public_url
        scheme = "https" if self.is_secure(connection.scope) else "http"
        return f"{scheme}://{connection.headers.get('host', 'localhost')}"


def _origin(text: str) -> tuple[str, str, int] | None:
    """Returns scheme, host and port of an address; `None`: it is none, as the origin `null`."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _host(scope: Scope, scheme: str) -> tuple[str, int] | None:
    """Returns host and port of the host that was asked for, if the browser did so by this scheme."""
    asked = _origin(f"{scheme}://{Headers(scope=scope).get('host', '')}")
    return None if asked is None else asked[1:]
