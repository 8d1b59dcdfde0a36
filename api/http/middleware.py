"""What every answer and every request goes through: headers, a bound on bodies, counters."""

import asyncio
import time
from collections.abc import Callable, Container, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.broadcast import Broadcast
from api.http.problems import problem_response

__all__ = ["BodyLimit", "RequestMetrics", "SecurityHeaders", "count_streams", "too_large"]

LARGEST_BODY = 64 * 1024
"""Bytes of a request's body: a comment has 2,000 characters at most."""
WIDE_BODY = 1024 * 1024
"""Bytes of the body of a call that may name 10,000 alerts."""

BODY_WITHIN = 20.0
"""Seconds that a body has to come, beside what its most bytes take at `SLOWEST`."""
SLOWEST = 5_000
"""Bytes a second: half of a link of 100 kbit/s."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""What an answer carries unless it says otherwise itself."""


class SecurityHeaders:
    """Adds the headers that tell a browser to trust nothing, and nobody to keep the answers of the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Refuses a request whose body is too large, before more of it than that is in memory, or that trickles in.

    Bodies that never end would hold all connections that there may be.

    `streamed`: calls, by method and path, whose route reads the body as it comes, and counts it itself. `wide`: how
    many bytes the body of other calls may have. `refused`: makes the answer of the request, of the most bytes that it
    may have, and of how many it says that it has, or has had so far.
    """

    def __init__(
        self,
        app: ASGIApp,
        streamed: Container[tuple[str, str]] = frozenset(),
        wide: Mapping[tuple[str, str], int] | None = None,
        refused: Callable[[Scope, int, int], Response] | None = None,
    ) -> None:
        self._app = app
        self._refused = refused or too_large
        self._streamed = streamed
        self._wide = dict(wide or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the bound, then pass on."""
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        has_body = headers is not None and ("content-length" in headers or "transfer-encoding" in headers)
        if headers is None or not has_body or (scope["method"], scope["path"]) in self._streamed:
            await self._app(scope, receive, send)
            return
        largest = self._wide.get((scope["method"], scope["path"]), LARGEST_BODY)
        told = headers.get("content-length", "")
        body = b""
        message: Message = {"type": "http.request", "body": b"", "more_body": True}
        size = int(told) if told.isdigit() else 0
        is_large = size > largest
        within = BODY_WITHIN + largest / SLOWEST
        try:
            async with asyncio.timeout(within):
                while not is_large and message.get("more_body", False):
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    is_large = len(body) > largest
        except TimeoutError:
            sentence = f"the body of this request did not come within {within:.0f} s"
            await problem_response(408, sentence, {"Connection": "close"})(scope, receive, send)
            return
        if is_large:
            await self._refused(scope, largest, max(size, len(body)))(scope, receive, send)
            return
        first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_body() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, receive_body, send)


def too_large(_: Scope, largest: int, __: int) -> Response:
    """Returns the answer to a call whose body is too large."""
    sentence = f"the body of this request is larger than {largest} bytes, the most that it may have"
    return problem_response(413, sentence, {"Connection": "close"})


class RequestMetrics:
    """Counts and times requests, by the route and not by the path, so that callers cannot make new labels."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        labels = ("method", "route", "status")
        self._count = Counter("siaga_http_requests", "HTTP requests answered", labels, registry=registry)
        self._time = Histogram(
            "siaga_http_request_seconds",
            "time until an answer begins",
            ("route",),
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count when the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._count.labels(method, route, str(message["status"])).inc()
                self._time.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, send_and_count)


def count_streams(broadcast: Broadcast, registry: CollectorRegistry) -> None:
    """Show how many alert streams are open, and how many were ended because their reader did not keep up."""
    Gauge("siaga_alert_streams", "alert streams that are open", registry=registry).set_function(
        lambda: broadcast.streams
    )
    Gauge("siaga_alert_streams_dropped", "alert streams ended for a slow reader", registry=registry).set_function(
        lambda: broadcast.dropped
    )
