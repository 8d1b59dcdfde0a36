"""The HTTP server: uvicorn on a port of its own, in a thread, with an end that comes within seconds."""

import asyncio
import errno
import logging
import socket
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog
import uvicorn
from fastapi import FastAPI

from api.http.patience import Impatient
from api.http.services import Services

__all__ = ["LOOPBACK", "CannotListen", "HttpServer"]

_log = structlog.get_logger(__name__)

LOOPBACK = ("127.0.0.1", "::1")
"""This machine's own addresses."""
_STUCK_AFTER = 60_000
"""Milliseconds that data may wait for a peer that takes none before the kernel gives the connection up."""
_GRACE = 3
"""Seconds that calls under way have to end when the server does; streams are ended at once."""
_END = 8.0
"""Seconds after which `stop` returns although a call hangs, in a store that does not answer say."""
_MOST_CONNECTIONS = 900
"""Below the 1,024 files that Linux lets a process open by default; more are answered 503."""


class CannotListen(OSError):
    """The address cannot be listened on; the message is a sentence."""


class HttpServer:
    """Serves an app on `host:port` (0: a free one) from `start` to `stop`.

    `proxies` are addresses and networks of reverse proxies: their `X-Forwarded-For` and `-Proto` are believed.

    with HttpServer(app, "127.0.0.1", 8000) as server:
        ...
    """

    def __init__(self, app: FastAPI, host: str, port: int, proxies: Sequence[str] = LOOPBACK) -> None:
        self._app = app
        self._proxies = proxies
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        found: int = self._port if self._socket is None else self._socket.getsockname()[1]
        return found

    @property
    def url(self) -> str:
        """Where it can be reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> Self:
        """Listen, serve in a thread of its own, and return when calls are answered.

        Raises:
            CannotListen: the port is taken, or the address is not one of this machine's.
        """
        self._socket = _listen(self._host, self._port)
        logging.getLogger("uvicorn.error").addFilter(_in_a_word)
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="none",
            http=Impatient,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=30,
            proxy_headers=bool(self._proxies),
            forwarded_allow_ips=list(self._proxies),
            timeout_graceful_shutdown=_GRACE,
            h11_max_incomplete_event_size=32 * 1024,
        )
        self._server = _Server(config, self._app.state.services, self._ready)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="http", daemon=True)
        self._thread.start()
        self._ready.wait()
        if not self._server.started:
            self.stop()
            raise CannotListen("the HTTP server ended while it was starting; the log says why")
        return self

    def stop(self) -> None:
        """End all streams, let calls under way end, and close the port. Safe to call again."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_END)
            if self._thread.is_alive():
                _log.warning("http_server_hangs", after=_END)
        if self._socket is not None:
            self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """Says when it has started, and ends the streams first, for which uvicorn would wait in vain."""

    def __init__(self, config: uvicorn.Config, services: Services, ready: threading.Event) -> None:
        super().__init__(config)
        self._services = services
        self._ready = ready

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self._ready.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def shutdown(self, sockets: Sequence[socket.socket] | None = None) -> None:
        self._services.broadcast.close()
        await super().shutdown(None if sockets is None else list(sockets))


def _in_a_word(record: logging.LogRecord) -> bool:
    """A call that the end of the server cuts off is no fault of ours: it is told without a traceback."""
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args, record.exc_info = "a call did not end in time and was cut off", None, None
    return True


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"HTTP address {host}:{port}: {_reason(error)}: set SIAGA_HTTP_HOST to another") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STUCK_AFTER)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        wrong = (
            "SIAGA_HTTP_HOST to another" if error.errno == errno.EADDRNOTAVAIL else "SIAGA_HTTP_PORT to another port"
        )
        sentence = f"HTTP address {host}:{port}: {_reason(error)}: set {wrong}"
        raise CannotListen(sentence) from None
    return listener


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
