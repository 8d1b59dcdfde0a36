"""Servers on the loopback that answer well or badly."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from siaga.sites.poll_address import WebAddress, read_web

__all__ = ["BlackHole", "Peer", "page"]

Behaviour = Callable[[socket.socket, bytes], None]


def page(status: str, body: bytes = b"", *headers: str) -> Behaviour:
    """Returns a behaviour that answers every request with this."""

    def answer(connection: socket.socket, _request: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return answer


class Peer:
    """A TCP server on the loopback whose test decides what happens with each connection."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def web(self, rest: str = "/") -> WebAddress:
        """An address of it."""
        return read_web(f"http://127.0.0.1:{self.port}{rest}")

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            try:
                while b"\r\n\r\n" not in request and (more := connection.recv(4096)):
                    request += more
                self.requests.append(request)
                self.behaviour(connection, request)
            except OSError:
                return  # the client has had enough


class BlackHole:
    """A port whose accept queue is full: the kernel drops each further connection, as a firewall does."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._fillers: list[socket.socket] = []

    def __enter__(self) -> Self:
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each in (*self._fillers, self._listener):
            each.close()
