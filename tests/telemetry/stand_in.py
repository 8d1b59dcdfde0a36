"""An HTTP server that answers exactly what the test says: for servers that Debian lacks, and for what is no server."""

import contextlib
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

__all__ = ["DONE", "WRITTEN", "Reply", "Request", "StandIn"]


@dataclass(frozen=True)
class Reply:
    """An answer. A body that is not text is sent as JSON."""

    status: int
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request with its body decompressed; `sent` is the size in bytes as transferred."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str
    sent: int

    @property
    def lines(self) -> list[str]:
        return self.body.split("\n")


WRITTEN = Reply(204)
DONE = Reply(200, {"results": [{"statement_id": 0}]})


@dataclass
class StandIn:
    """Answers pings with `ping`, else with headers of `version`; queries with `query`, all else with `write`."""

    version: str = "1.8.10"
    ping: Reply | None = None
    write: Callable[[Request], Reply] = lambda _: WRITTEN
    query: Callable[[Request], Reply] = lambda _: DONE
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stand_in._serve(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def port(self) -> int:
        return int(self._http.server_port)

    def url(self, form: str = "influxdb://siaga:secret@HOST/-/db") -> str:
        """Returns a store URL with the server's address in place of HOST."""
        return form.replace("HOST", f"127.0.0.1:{self.port}")

    @property
    def writes(self) -> list[Request]:
        return [each for each in self.requests if each.path.endswith(("/write", "/write_lp"))]

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        packed = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        plain = gzip.decompress(packed) if handler.headers.get("Content-Encoding") == "gzip" else packed
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        request = Request(parts.path, query, dict(handler.headers.items()), plain.decode(), len(packed))
        self.requests.append(request)
        if parts.path == "/ping":
            signs = {"X-Influxdb-Version": self.version, "X-Influxdb-Build": "OSS"}
            reply = self.ping or Reply(204, headers=signs)
        else:
            reply = (self.query if parts.path == "/query" else self.write)(request)
        data = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.status != 204:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if reply.status != 204:
            with contextlib.suppress(OSError):  # the client did not wait
                handler.wfile.write(data)
