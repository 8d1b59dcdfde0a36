"""The HTTP API. `api.app` puts it together with the pages, `HttpServer` serves both."""

from api.http.server import CannotListen, HttpServer
from api.http.site import Site

__all__ = ["CannotListen", "HttpServer", "Site"]
