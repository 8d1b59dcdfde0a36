"""paho's client with bulk reads and writes: many packets in one call to the socket.

Each such call releases the interpreter lock, and another thread may then hold it for milliseconds. Packet by packet, a
busy collector received only a few hundred messages a second. This overrides private methods of paho. So the dependency
is pinned below 3, and tests/mqtt/test_private_hooks.py fails if one of these methods is gone.
"""

import time

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

__all__ = ["BulkClient"]

READ_AHEAD = 65_536
"""Bytes read from the socket at a time."""
WRITTEN_TOGETHER = 65_536
"""Bytes joined to one write: mostly acknowledgements, of under 100 bytes each. A batch may be larger."""
_KIND = 0xF0  # of a packet's first byte


class BulkClient(Client):
    """A client whose reading can be paused exactly after a message."""

    paused = False
    """Stops reading. It may be set in a callback, because one `loop_read` reads many packets."""
    _ahead = b""
    _given = 0

    @property
    def has_input(self) -> bool:
        """Returns whether bytes are already read ahead, of which `select` does not know."""
        return self._given < len(self._ahead)

    def excuse(self) -> None:
        """Restart the ping timeout: while reading is paused, the answer to a ping may be unread."""
        self._last_bytes_received, self._ping_t = time.monotonic(), 0.0

    def loop_write(self) -> MQTTErrorCode:
        """Write the queued packets, in few calls."""
        self._join()
        return super().loop_write()

    def _join(self) -> None:
        """Join the packets at the head of the queue to one."""
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
    """Returns whether paho does nothing more with such a packet once it is sent."""
    kind = command & _KIND
    return kind != MessageType.DISCONNECT and (kind != MessageType.PUBLISH or qos > 0)
