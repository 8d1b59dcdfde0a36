"""paho's client, reading and writing in bulk: many packets with one call to the socket.

Every such call lets another thread run first, which then keeps the interpreter for milliseconds: packet by packet, a
busy collector heard no more than some hundred messages a second. Paho's own private steps are overridden here. So the
dependency is pinned below 3, and tests/mqtt/test_private_hooks.py fails when one of these steps is gone.
"""

import time

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

__all__ = ["BulkClient"]

READ_AHEAD = 65_536
"""Bytes taken from the socket at a time."""
WRITTEN_TOGETHER = 65_536
"""Bytes made one piece for the socket: acknowledgements mostly, of under a hundred each. A batch may be larger."""
_KIND = 0xF0  # of a packet's first byte


class BulkClient(Client):
    """A client whose reading can also be paused, exactly after a message."""

    paused = False
    """Nothing more is read. Set within a callback: one `loop_read` goes through as many packets as are under way."""
    _ahead = b""
    _given = 0

    @property
    def has_input(self) -> bool:
        """Whether bytes are here that select does not know of."""
        return self._given < len(self._ahead)

    def excuse(self) -> None:
        """The broker is not heard by our own will: its answer to a ping may be among what is not read."""
        self._last_bytes_received, self._ping_t = time.monotonic(), 0.0

    def loop_write(self) -> MQTTErrorCode:
        """Send what waits, in few pieces."""
        self._join()
        return super().loop_write()

    def _join(self) -> None:
        """Make one of the packets at the head."""
        waiting = self._out_packet
        joined, size = 0, 0
        for packet in waiting:
            size += packet["to_process"]
            if size > WRITTEN_TOGETHER or not _sent_and_done(packet["command"], packet["qos"]):
                break
            joined += 1
        if joined > 1:
            together = [waiting.popleft() for _ in range(joined)]
            first = together[0]
            first["packet"] = b"".join([each["packet"][each["pos"] :] for each in together])
            first["pos"], first["to_process"] = 0, len(first["packet"])
            waiting.appendleft(first)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self.paused:  # between two packets, as it was set within a callback
            raise BlockingIOError
        if not self.has_input:
            if bufsize >= READ_AHEAD:
                return super()._sock_recv(bufsize)
            self._ahead, self._given = super()._sock_recv(READ_AHEAD), 0
        piece = self._ahead[self._given : self._given + bufsize]
        self._given += len(piece)
        return piece


def _sent_and_done(command: int, qos: int) -> bool:
    """Whether paho does not look at such a packet again once it is sent."""
    kind = command & _KIND
    return kind != MessageType.DISCONNECT and (kind != MessageType.PUBLISH or qos > 0)
