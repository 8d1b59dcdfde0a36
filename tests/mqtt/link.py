"""A cable between a client and its broker that a test can cut, or that is slow: a TCP relay on the loopback."""

import selectors
import socket
import threading
import time
from types import TracebackType
from typing import Self

from tests.servers import free_port
from tests.wait import PATIENCE


class Link:
    """Relays connections to `port`. `cut` breaks them all and takes no new ones until `mend`.

    With `bits_per_second` no more gets through, both directions together, in pieces as a modem takes them; what waits
    stands in the buffers of both sides, as in the field.
    """

    def __init__(self, port: int, bits_per_second: int | None = None) -> None:
        self._target = port
        self._seconds_each = 8 / bits_per_second if bits_per_second else 0.0
        self._piece = 1_460 if bits_per_second else 65_536
        self._free_at = 0.0
        self.passed = 0
        """Bytes that got through, both directions together."""
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.whole = True
        self._lock = threading.Lock()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._near, self._far = socket.socketpair()
        self._selector.register(self._near, selectors.EVENT_READ)
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._relay, daemon=True)

    def cut(self) -> None:
        """The cable is cut: nobody says good-bye."""
        with self._lock:
            self.whole = False
            while self._pairs:
                self._end(next(iter(self._pairs)))

    def mend(self) -> None:
        """The cable is whole again."""
        with self._lock:
            self.whole = True

    def _end(self, one: socket.socket) -> None:
        for each in (one, self._pairs.pop(one, None)):
            if each is not None:
                self._pairs.pop(each, None)
                self._selector.unregister(each)
                each.close()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if not self.whole:
            connection.close()
            return
        try:
            other = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            connection.close()
            return
        self._pairs |= {connection: other, other: connection}
        for each in (connection, other):
            self._selector.register(each, selectors.EVENT_READ)

    def _relay(self) -> None:
        while True:
            for key, _ in self._selector.select():
                with self._lock:
                    if key.fileobj is self._near:
                        return
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._pairs:
                        self._pass_on(key.fileobj)

    def _pass_on(self, one: socket.socket) -> None:
        try:
            data = one.recv(self._piece)
            if data:
                self._take_as_long_as(len(data))
                self._pairs[one].sendall(data)
                self.passed += len(data)
                return
        except OSError:
            pass  # a reset ends the pair as a good-bye does
        self._end(one)

    def _take_as_long_as(self, size: int) -> None:
        """A bucket of tokens that holds one piece."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + size * self._seconds_each
        time.sleep(max(0.0, self._free_at - now))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.cut()
        self._far.send(b"\0")
        self._thread.join(PATIENCE)
        self._selector.close()
        for each in (self._listener, self._near, self._far):
            each.close()
