"""A stand-in for openGemini in front of a real InfluxDB 1.6: what it acknowledged is shown a while later.

A write is answered by one database, and follows in a second one after `SHOWN_AFTER`, which answers the queries.
"""

import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Condition, Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import urllib3

from siaga.model.observation import Arrival, Point
from siaga.telemetry import RefusedPoint, TelemetryStore, Write

__all__ = ["Gemini", "ShownStore"]

SHOWN_AFTER = 0.05
"""Seconds; openGemini takes one or two."""
SHOWN = "_shown"
"""What the second database's name ends with."""


class Gemini:
    """The server."""

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self._pool = urllib3.PoolManager(maxsize=8, retries=False, timeout=30)
        self._changed = Condition()
        self._hidden = 0
        self._later: SimpleQueue[tuple[float, str, bytes, dict[str, str]] | None] = SimpleQueue()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._threads = [
            Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}),
            Thread(target=self._show),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._later.put(None)
        self._http.shutdown()
        for thread in self._threads:
            thread.join()
        self._http.server_close()
        self._pool.clear()

    def store_url(self, database: str) -> str:
        """Returns the value for `SIAGA_STORE_URL`."""
        return f"influxdb://:@127.0.0.1:{self._http.server_port}/-/{database}"

    def wait_until_shown(self, within: float) -> None:
        """Wait until all that was acknowledged is shown.

        Raises:
            AssertionError: it is not within so many seconds.
        """
        with self._changed:
            assert self._changed.wait_for(lambda: not self._hidden, within), "it is not shown in time"

    def answer(self, path: str, query: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Returns the status and the body of an answer."""
        if path == "/write":
            answer = self._real(f"{path}?{query}", body, headers)
            with self._changed:
                self._hidden += 1
            self._later.put((time.monotonic() + SHOWN_AFTER, f"{path}?{_shown(query)}", body, headers))
            return answer
        form = body.decode()
        if any(name == "q" and value.startswith(("CREATE", "ALTER")) for name, value in parse_qsl(form)):
            answer = self._real(path, body, headers)
            self._real(path, _administered(form).encode(), headers)
            return answer
        return self._real(f"{path}?{query}", _shown(form).encode(), headers)

    def _show(self) -> None:
        while (one := self._later.get()) is not None:
            due, path, body, headers = one
            time.sleep(max(0.0, due - time.monotonic()))
            self._real(path, body, headers)
            with self._changed:
                self._hidden -= 1
                self._changed.notify_all()

    def _real(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        answer = self._pool.request("POST", self._behind + path, body=body, headers=headers)
        return answer.status, answer.data


def _shown(query: str) -> str:
    named = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, value + SHOWN if name == "db" else value) for name, value in named])


def _administered(form: str) -> str:
    """A statement about the database, such as `CREATE DATABASE "x"`, for the second one."""
    named = parse_qsl(form, keep_blank_values=True)
    return urlencode([(name, value[:-1] + SHOWN + '"' if value.endswith('"') else value) for name, value in named])


def _handler(server: Gemini) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = ("Content-Type", "Content-Encoding", "Accept")
            headers = {name: self.headers[name] for name in kept if name in self.headers}
            status, said = (
                (204, b"") if parts.path == "/ping" else server.answer(parts.path, parts.query, body, headers)
            )
            self.send_response(status)
            self.send_header("X-Geminidb-Version", "1.4.0")
            if status != 204:
                self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if status != 204:
                self.wfile.write(said)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler


class ShownStore:
    """A store of which each write waits until it is shown, as long as the store says at most."""

    def __init__(self, store: TelemetryStore, server: Gemini) -> None:
        self._store, self._server = store, server

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        refused = self._store.write(points, arrivals)
        self._server.wait_until_shown(self._store.shows_after() / 1000)
        return refused

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        rest = self._store.prepare(points, arrivals)

        def write() -> Sequence[RefusedPoint]:
            refused = rest()
            self._server.wait_until_shown(self._store.shows_after() / 1000)
            return refused

        return write
