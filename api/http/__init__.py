"""The HTTP API: `create_app` puts it together, `HttpServer` serves it."""

from api.http.app import create_app
from api.http.server import CannotListen, HttpServer
from api.http.site import Site

__all__ = ["CannotListen", "HttpServer", "Site", "create_app"]
