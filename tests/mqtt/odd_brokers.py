"""Brokers that answer as no broker should."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.wait import PATIENCE


class OldBroker:
    """A door that speaks 3.1.1 only: to MQTT 5 it answers `refusal`, or nothing; in 3.1.1 it takes or denies."""

    def __init__(self, refusal: bytes | None, suback: int = 1) -> None:
        self._refusal, self._suback = refusal, suback
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"
        self.versions: list[int] = []
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def hang_up(self) -> None:
        """End the connections that stand."""
        for connection in self._open:
            with suppress(OSError):  # one that the other side ended
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            version = connection.recv(1000)[8]  # fixed header (2), "MQTT" with its length (6), then the level
            self.versions.append(version)
            if version == 4:
                connection.sendall(b"\x20\x02\x00\x00")
                threading.Thread(target=self._subscriptions, args=(connection,), daemon=True).start()
            elif self._refusal is not None:
                connection.sendall(self._refusal)

    def _subscriptions(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while packet := connection.recv(1000):
                if packet[0] == 0x82:
                    connection.sendall(b"\x90\x03" + packet[2:4] + bytes([self._suback]))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
        for connection in self._open:
            connection.close()
